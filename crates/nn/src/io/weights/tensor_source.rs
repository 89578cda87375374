//! The tensors of a [`WeightFile`](super::WeightFile), in any of the formats that it reads.

#[cfg(feature = "keras")]
use super::keras_file::{self, Array, Layers};
use super::safetensors_header::{Header, dtype as own};
#[cfg(feature = "torch")]
use super::strided::Strided;
#[cfg(feature = "torch")]
use super::torch_file;
use crate::io::allocate::allocate;
use crate::io::chunks::read_chunks;
use crate::io::error::FileError;
use crate::io::files;
use crate::io::half_precision::{bf16, f16};
#[cfg(feature = "npy")]
use crate::io::numpy::{ArrayHeader, Npz};
#[cfg(any(feature = "keras", feature = "torch"))]
use crate::io::stored_zip::StoredZip;
#[cfg(feature = "keras")]
use crate::io::wrong_format::HDF5;
use crate::io::wrong_format::{Format, MAX_SAFETENSORS_HEADER, explain};
use crate::messages::quoted;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
#[cfg(any(feature = "keras", feature = "torch"))]
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::take;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use unspool_autograd::{Real, Tensor};

pub(super) enum Container {
    /// A file that tensors are ranges of, and the offset that these count from. The lock: readers
    /// share the file's position.
    File(Mutex<File>, u64),
    /// The same, and how those tensors are arranged that are not in row-major order.
    #[cfg(feature = "torch")]
    Torch(Mutex<File>, BTreeMap<String, Strided>),
    #[cfg(feature = "keras")]
    Keras(BTreeMap<String, Array>),
    #[cfg(feature = "npy")]
    Npz(Npz),
}

/// How the names in a file come about.
pub(super) enum Naming {
    /// They are in the file.
    Own,
    /// From dictionaries in dictionaries. These are the prefixes of those that hold tensors.
    #[cfg(feature = "torch")]
    Torch(Vec<String>),
    /// From layers, whose indices the file does not have.
    #[cfg(feature = "keras")]
    Keras(Layers),
}

/// What a file has.
pub(super) type Contents = (Header, Container, Naming);

impl Container {
    /// Opens the file at `path` and reads what it contains.
    pub(super) fn open(path: &Path) -> Result<Contents, FileError> {
        let mut file = files::open(path).map_err(FileError::cannot_read(path))?;
        let start = start(&mut file).map_err(FileError::cannot_read(path))?;
        if is_zip(start) {
            return Self::zip(file, path);
        }
        #[cfg(feature = "keras")]
        if start == *HDF5 {
            return keras_file::read_hdf5(file, path).map(Self::keras);
        }
        let header =
            Header::read(&file, path).map_err(|error| explain(path, &[Format::Safetensors, Format::Npz], error))?;
        let data = header.data;
        Ok((header, Container::File(Mutex::new(file), data), Naming::Own))
    }

    #[cfg(any(feature = "keras", feature = "torch"))]
    fn zip(mut file: File, path: &Path) -> Result<Contents, FileError> {
        let zip = StoredZip::read(&file);
        let zip = zip.map_err(|problem| FileError::new(path, format_args!("is not a valid zip file: {problem}")))?;
        #[cfg(feature = "torch")]
        if let Some(pickle) = torch_file::pickle_name(&zip) {
            let (header, strided, prefixes) = torch_file::read(&file, path, &zip, pickle)?;
            return Ok((header, Container::Torch(Mutex::new(file), strided), Naming::Torch(prefixes)));
        }
        #[cfg(feature = "keras")]
        if zip.names().any(|name| name == keras_file::WEIGHTS) {
            return keras_file::read_zip(file, path, &zip).map(Self::keras);
        }
        file.rewind().map_err(FileError::cannot_read(path))?;
        Self::npz(file, path)
    }

    #[cfg(not(any(feature = "keras", feature = "torch")))]
    fn zip(file: File, path: &Path) -> Result<Contents, FileError> {
        Self::npz(file, path)
    }

    #[cfg(feature = "keras")]
    fn keras((header, arrays, layers): keras_file::Contents) -> Contents {
        (header, Container::Keras(arrays), layers.map_or(Naming::Own, Naming::Keras))
    }

    #[cfg(feature = "npy")]
    fn npz(file: File, path: &Path) -> Result<Contents, FileError> {
        let npz = Npz::open(file, path)?;
        let info = |(name, array): (&str, ArrayHeader)| {
            let dtype = format!("\"{}\"", array.element().to_uppercase());
            let dtype: Dtype = serde_json::from_str(&dtype).expect("a type that safetensors files can hold, too");
            let size = array.shape.iter().product::<usize>() * dtype.bitsize() / 8;
            (name.to_owned(), TensorInfo { dtype, shape: array.shape, data_offsets: (0, size) })
        };
        let tensors = npz.arrays()?.into_iter().map(info).collect();
        Ok((Header { tensors, texts: Default::default(), data: 0 }, Container::Npz(npz), Naming::Own))
    }

    #[cfg(not(feature = "npy"))]
    fn npz(_: File, path: &Path) -> Result<Contents, FileError> {
        Err(FileError::new(
            path,
            "is a zip file that is not read without a feature: `torch` reads what `torch.save` writes, `keras` .keras \
             files, and `npy` npz files",
        ))
    }

    /// Why the entry of this name, if there is one, is not an array of numbers.
    pub(super) fn not_numbers(&self, _name: &str) -> Option<String> {
        match self {
            #[cfg(feature = "npy")]
            Container::Npz(npz) => npz.not_numbers(_name),
            _ => None,
        }
    }

    /// A tensor whose element type, one that `T` [`represents`], was checked.
    pub(super) fn tensor<T: Real>(&self, path: &Path, name: &str, info: &TensorInfo) -> Result<Tensor<T>, FileError> {
        #[cfg(feature = "npy")]
        if let Container::Npz(npz) = self {
            return npz.array(name);
        }
        let too_large = |sentence| FileError::too_large(path, format_args!("holds {} {sentence}", quoted(name)));
        #[cfg(feature = "torch")]
        if let Container::Torch(_, strided) = self
            && let Some(strided) = strided.get(name)
        {
            let mut tensor = allocate::<T>(&strided.shape).map_err(too_large)?;
            // Fails early if there is no memory for the row-major copy; the pool keeps this block for it.
            drop(allocate::<T>(&strided.shape).map_err(too_large)?);
            self.fill(path, name, info, tensor.as_mut_slice())?;
            return Ok(strided.restore(&tensor));
        }
        let mut tensor = allocate::<T>(&info.shape).map_err(too_large)?;
        self.fill(path, name, info, tensor.as_mut_slice())?;
        Ok(tensor)
    }

    /// Reads the elements of an entry, in the order of the file.
    fn fill<T: Real>(&self, path: &Path, name: &str, info: &TensorInfo, values: &mut [T]) -> Result<(), FileError> {
        let mut rest = values;
        self.bytes(path, name, info, |bytes| {
            let (values, after) = take(&mut rest).split_at_mut(bytes.len() * 8 / info.dtype.bitsize());
            match info.dtype {
                Dtype::F16 => widen(bytes, values, f16),
                Dtype::BF16 => widen(bytes, values, bf16),
                _ => T::from_bytes(bytes, values),
            }
            rest = after;
        })
    }

    /// Passes the bytes of an entry to `take`, in chunks of whole elements.
    pub(super) fn bytes(
        &self,
        path: &Path,
        _name: &str,
        info: &TensorInfo,
        take: impl FnMut(&[u8]),
    ) -> Result<(), FileError> {
        let (start, end) = info.data_offsets;
        let unreadable = FileError::cannot_read(path);
        let (file, data) = match self {
            Container::File(file, data) => (file, *data),
            #[cfg(feature = "torch")]
            Container::Torch(file, strided) => {
                if let Some(strided) = strided.get(_name) {
                    let size = info.dtype.bitsize() / 8;
                    return strided.read(&mut *locked(file), start as u64, size, take).map_err(unreadable);
                }
                (file, 0)
            }
            #[cfg(feature = "keras")]
            Container::Keras(arrays) => return arrays[_name].read(take).map_err(unreadable),
            #[cfg(feature = "npy")]
            Container::Npz(npz) => return npz.bytes(_name, end, take),
        };
        let mut file = locked(file);
        file.seek(SeekFrom::Start(data + start as u64)).map_err(unreadable)?;
        read_chunks(&mut *file, end - start, take).map_err(unreadable)
    }
}

/// The file. A reader that panicked has left the position somewhere, and each reader sets its own.
fn locked(file: &Mutex<File>) -> MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `T` represents all values of this type: its own, or one of 16 bits.
pub(super) fn represents<T: Real>(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16) || dtype == own::<T>()
}

fn widen<T: Real>(bytes: &[u8], values: &mut [T], float: fn(u16) -> f32) {
    for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
        *value = T::from_f64(float(u16::from_le_bytes(*bytes)).into());
    }
}

/// The first bytes of a file; zeros if it has fewer.
fn start(file: &mut File) -> io::Result<[u8; 8]> {
    let mut start = Vec::new();
    file.take(8).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start.try_into().unwrap_or_default())
}

/// Whether a file begins as zip files do. Read as the length of a safetensors header, these bytes
/// would be too large.
fn is_zip(start: [u8; 8]) -> bool {
    start.starts_with(b"PK") && u64::from_le_bytes(start) > MAX_SAFETENSORS_HEADER
}
