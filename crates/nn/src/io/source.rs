//! Where the tensors of a [`WeightFile`](super::WeightFile) are: in a safetensors file, or in an npz.

use super::checkpoint::dtype as own;
use super::disk::open;
use super::error::FileError;
use super::foreign::{Form, LONGEST, explain};
use super::half::{bf16, f16};
use super::header::Header;
use super::room::room;
#[cfg(feature = "npy")]
use super::{npy::Described, npz::Npz};
use crate::sentence::quoted;
use crate::tuning::FILE_CHUNK;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::take;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use unspool_autograd::{Real, Tensor};

pub(super) enum Source {
    /// A safetensors file whose data begins at a byte. One reader at a time: they share its position.
    Safetensors(Mutex<File>, u64),
    #[cfg(feature = "npy")]
    Npz(Npz),
}

impl Source {
    /// Opens the file at `path`, and says what is in it.
    pub(super) fn open(path: &Path) -> Result<(Header, Source), FileError> {
        let mut file = open(path)?;
        let packed = is_zip(&mut file).map_err(|error| FileError::io("cannot read", path, error))?;
        if packed {
            return Self::npz(file, path);
        }
        let header =
            Header::read(&file, path).map_err(|error| explain(path, &[Form::Safetensors, Form::Npz], error))?;
        let data = header.data;
        Ok((header, Source::Safetensors(Mutex::new(file), data)))
    }

    #[cfg(feature = "npy")]
    fn npz(file: File, path: &Path) -> Result<(Header, Source), FileError> {
        let npz = Npz::open(file, path)?;
        let info = |(name, array): (&str, Described)| {
            let dtype = format!("\"{}\"", array.element().to_uppercase());
            let dtype: Dtype = serde_json::from_str(&dtype).expect("a type that safetensors files can hold, too");
            let size = array.shape.iter().product::<usize>() * dtype.bitsize() / 8;
            (name.to_owned(), TensorInfo { dtype, shape: array.shape, data_offsets: (0, size) })
        };
        let tensors = npz.numbers()?.into_iter().map(info).collect();
        Ok((Header { tensors, texts: Default::default(), data: 0 }, Source::Npz(npz)))
    }

    #[cfg(not(feature = "npy"))]
    fn npz(_: File, path: &Path) -> Result<(Header, Source), FileError> {
        Err(FileError::new(
            path,
            "is no safetensors file but a zip file: of npz files, which the feature `npy` reads, or of `torch.save` or Keras, \
             which must be written anew in Python",
        ))
    }

    /// Why there are no numbers under this name, if it is there.
    pub(super) fn not_numbers(&self, _name: &str) -> Option<String> {
        match self {
            Source::Safetensors(..) => None,
            #[cfg(feature = "npy")]
            Source::Npz(npz) => npz.not_numbers(_name).map(|problem| problem.to_string()),
        }
    }

    /// A tensor whose element type, one that `T` [`holds`], was checked.
    pub(super) fn tensor<T: Real>(&self, path: &Path, name: &str, info: &TensorInfo) -> Result<Tensor<T>, FileError> {
        #[cfg(feature = "npy")]
        if let Source::Npz(npz) = self {
            return npz.array(name);
        }
        let too_much = |sentence| FileError::new(path, format_args!("holds {} {sentence}", quoted(name)));
        let mut tensor = room::<T>(&info.shape).map_err(too_much)?;
        let mut rest = tensor.as_mut_slice();
        self.bytes(path, name, info, |bytes| {
            let (values, behind) = take(&mut rest).split_at_mut(bytes.len() * 8 / info.dtype.bitsize());
            match info.dtype {
                Dtype::F16 => widen(bytes, values, f16),
                Dtype::BF16 => widen(bytes, values, bf16),
                _ => T::from_bytes(bytes, values),
            }
            rest = behind;
        })?;
        Ok(tensor)
    }

    /// Hands the bytes of an entry to `take`, in parts of whole elements.
    pub(super) fn bytes(
        &self,
        path: &Path,
        _name: &str,
        info: &TensorInfo,
        take: impl FnMut(&[u8]),
    ) -> Result<(), FileError> {
        let (start, end) = info.data_offsets;
        let (file, data) = match self {
            Source::Safetensors(file, data) => (file, data),
            #[cfg(feature = "npy")]
            Source::Npz(npz) => return npz.bytes(_name, end, take),
        };
        let unreadable = |error| FileError::io("cannot read", path, error);
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(data + start as u64)).map_err(unreadable)?;
        in_parts(&mut *file, end - start, take).map_err(unreadable)
    }
}

/// Hands `size` bytes of a source to `take`, in parts of whole elements.
pub(super) fn in_parts(source: &mut dyn Read, size: usize, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = [0; FILE_CHUNK];
    for done in (0..size).step_by(FILE_CHUNK) {
        let bytes = &mut buffer[..FILE_CHUNK.min(size - done)];
        source.read_exact(bytes)?;
        take(bytes);
    }
    Ok(())
}

/// Whether tensors of this type can be read as `T`: the same type, or one of two bytes, whose numbers `T` all has.
pub(super) fn holds<T: Real>(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16) || dtype == own::<T>()
}

fn widen<T: Real>(bytes: &[u8], values: &mut [T], float: fn(u16) -> f32) {
    for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
        *value = T::from_f64(float(u16::from_le_bytes(*bytes)).into());
    }
}

/// Whether a file begins as zip files do, and not with the length of a safetensors file's header.
fn is_zip(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(8).read_to_end(&mut start)?;
    file.rewind()?;
    let start = <[u8; 8]>::try_from(start).unwrap_or_default();
    Ok(start.starts_with(b"PK") && u64::from_le_bytes(start) > LONGEST)
}
