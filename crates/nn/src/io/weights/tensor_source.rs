//! The tensors of a [`WeightFile`](super::WeightFile), in either of the formats that it reads.

use super::safetensors_header::{Header, dtype as own};
use crate::io::allocate::allocate;
use crate::io::chunks::read_chunks;
use crate::io::error::FileError;
use crate::io::files;
use crate::io::half_precision::{bf16, f16};
#[cfg(feature = "npy")]
use crate::io::numpy::{ArrayHeader, Npz};
use crate::io::wrong_format::{Format, MAX_SAFETENSORS_HEADER, explain};
use crate::messages::quoted;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::take;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use unspool_autograd::{Real, Tensor};

pub(super) enum Container {
    /// A safetensors file, and the offset of its data. The lock: readers share the file's position.
    Safetensors(Mutex<File>, u64),
    #[cfg(feature = "npy")]
    Npz(Npz),
}

impl Container {
    /// Opens the file at `path` and reads what it contains.
    pub(super) fn open(path: &Path) -> Result<(Header, Container), FileError> {
        let mut file = files::open(path).map_err(FileError::cannot_read(path))?;
        if is_zip(&mut file).map_err(FileError::cannot_read(path))? {
            return Self::npz(file, path);
        }
        let header =
            Header::read(&file, path).map_err(|error| explain(path, &[Format::Safetensors, Format::Npz], error))?;
        let data = header.data;
        Ok((header, Container::Safetensors(Mutex::new(file), data)))
    }

    #[cfg(feature = "npy")]
    fn npz(file: File, path: &Path) -> Result<(Header, Container), FileError> {
        let npz = Npz::open(file, path)?;
        let info = |(name, array): (&str, ArrayHeader)| {
            let dtype = format!("\"{}\"", array.element().to_uppercase());
            let dtype: Dtype = serde_json::from_str(&dtype).expect("a type that safetensors files can hold, too");
            let size = array.shape.iter().product::<usize>() * dtype.bitsize() / 8;
            (name.to_owned(), TensorInfo { dtype, shape: array.shape, data_offsets: (0, size) })
        };
        let tensors = npz.arrays()?.into_iter().map(info).collect();
        Ok((Header { tensors, texts: Default::default(), data: 0 }, Container::Npz(npz)))
    }

    #[cfg(not(feature = "npy"))]
    fn npz(_: File, path: &Path) -> Result<(Header, Container), FileError> {
        Err(FileError::new(
            path,
            "is not a safetensors file but a zip file: npz files are read with the feature `npy`; what `torch.save` or Keras \
             wrote must be converted in Python",
        ))
    }

    /// Why the entry of this name, if there is one, is not an array of numbers.
    pub(super) fn not_numbers(&self, _name: &str) -> Option<String> {
        match self {
            Container::Safetensors(..) => None,
            #[cfg(feature = "npy")]
            Container::Npz(npz) => npz.not_numbers(_name),
        }
    }

    /// A tensor whose element type, one that `T` [`represents`], was checked.
    pub(super) fn tensor<T: Real>(&self, path: &Path, name: &str, info: &TensorInfo) -> Result<Tensor<T>, FileError> {
        #[cfg(feature = "npy")]
        if let Container::Npz(npz) = self {
            return npz.array(name);
        }
        let too_large = |sentence| FileError::too_large(path, format_args!("holds {} {sentence}", quoted(name)));
        let mut tensor = allocate::<T>(&info.shape).map_err(too_large)?;
        let mut rest = tensor.as_mut_slice();
        self.bytes(path, name, info, |bytes| {
            let (values, after) = take(&mut rest).split_at_mut(bytes.len() * 8 / info.dtype.bitsize());
            match info.dtype {
                Dtype::F16 => widen(bytes, values, f16),
                Dtype::BF16 => widen(bytes, values, bf16),
                _ => T::from_bytes(bytes, values),
            }
            rest = after;
        })?;
        Ok(tensor)
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
        let (file, data) = match self {
            Container::Safetensors(file, data) => (file, data),
            #[cfg(feature = "npy")]
            Container::Npz(npz) => return npz.bytes(_name, end, take),
        };
        // A reader that panicked has left the position somewhere, and each reader sets its own.
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(data + start as u64)).map_err(FileError::cannot_read(path))?;
        read_chunks(&mut *file, end - start, take).map_err(FileError::cannot_read(path))
    }
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

/// Whether a file begins as zip files do. Read as the length of a safetensors header, these bytes
/// would be too large.
fn is_zip(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(8).read_to_end(&mut start)?;
    file.rewind()?;
    let start = <[u8; 8]>::try_from(start).unwrap_or_default();
    Ok(start.starts_with(b"PK") && u64::from_le_bytes(start) > MAX_SAFETENSORS_HEADER)
}
