//! The groups and arrays of an HDF5 file, or of one within a zip file.

use crate::messages::shortened;
use hdf5_reader::error::Error;
use hdf5_reader::group::Group;
use hdf5_reader::{ByteOrder, Dataset, Datatype, Hdf5File, Storage, StorageBuffer};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

/// An array of numbers: its type and shape, and what reads it.
#[derive(Clone)]
pub(in crate::io::weights) struct Array {
    pub info: TensorInfo,
    /// Without one, all elements are zero. It is only read; what it caches of the file, a panic leaves as it was.
    dataset: Option<Arc<AssertUnwindSafe<Dataset>>>,
}

/// The root group of the HDF5 file that is this part of `file`.
pub(super) fn root(file: File, part: &Range<u64>) -> Result<Group, String> {
    let part = Part { file: Mutex::new(file), start: part.start, size: part.end - part.start };
    Hdf5File::from_storage(Arc::new(part)).and_then(|file| file.root_group()).map_err(shortened)
}

impl Array {
    /// The array, if it holds numbers that can be read; or why not.
    pub fn new(dataset: Dataset, file_size: u64) -> Result<Array, String> {
        let dtype = match *dataset.dtype() {
            Datatype::FloatingPoint { size, byte_order: ByteOrder::LittleEndian } => match size {
                2 => Some(Dtype::F16),
                4 => Some(Dtype::F32),
                8 => Some(Dtype::F64),
                _ => None,
            },
            Datatype::FixedPoint { size, signed, byte_order: ByteOrder::LittleEndian } => match (size, signed) {
                (1, false) => Some(Dtype::U8),
                (1, true) => Some(Dtype::I8),
                (2, false) => Some(Dtype::U16),
                (2, true) => Some(Dtype::I16),
                (4, false) => Some(Dtype::U32),
                (4, true) => Some(Dtype::I32),
                (8, false) => Some(Dtype::U64),
                (8, true) => Some(Dtype::I64),
                _ => None,
            },
            Datatype::Opaque { size: 2, .. } if is_bfloat16(&dataset) => Some(Dtype::BF16),
            _ => None,
        };
        let dtype = dtype.ok_or("its elements are not little-endian numbers")?;
        // A small file can state any size for an array in chunks, which may be compressed or absent.
        if dataset.chunks().is_some() {
            return Err("it is chunked or compressed, which Keras does not do".to_owned());
        }
        let shape = dataset.shape().iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>();
        let (Some(shape), Ok(size)) = (shape, dataset.raw_byte_len()) else {
            return Err("it is larger than memory can be".to_owned());
        };
        if size as u64 > file_size {
            return Err(format!("it has {size} bytes, and the file {file_size}"));
        }
        Ok(Array {
            info: TensorInfo { dtype, shape, data_offsets: (0, size) },
            dataset: Some(Arc::new(AssertUnwindSafe(dataset))),
        })
    }

    /// Zeros of this shape, which the file does not have.
    pub fn zeros(dtype: Dtype, shape: Vec<usize>) -> Array {
        let size = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        Array { info: TensorInfo { dtype, shape, data_offsets: (0, size) }, dataset: None }
    }

    pub fn is_float(&self) -> bool {
        matches!(self.info.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
    }

    /// Passes the bytes of the elements to `take`.
    pub fn read(&self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let Some(dataset) = &self.dataset else {
            take(&vec![0; self.info.data_offsets.1]);
            return Ok(());
        };
        let bytes = dataset.read_raw_bytes().map_err(|error| match error {
            Error::Io(error) => error,
            error => io::Error::new(io::ErrorKind::InvalidData, shortened(error)),
        })?;
        take(&bytes);
        Ok(())
    }
}

/// Whether Keras notes that the two opaque bytes of each element are such a number.
fn is_bfloat16(dataset: &Dataset) -> bool {
    dataset.attribute("dtype").and_then(|dtype| dtype.read_string()).is_ok_and(|dtype| dtype == "bfloat16")
}

/// A part of a file.
struct Part {
    /// The lock: readers share the file's position.
    file: Mutex<File>,
    start: u64,
    size: u64,
}

impl Storage for Part {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_range(&self, offset: u64, length: usize) -> Result<StorageBuffer, Error> {
        if offset.checked_add(length as u64).is_none_or(|end| end > self.size) {
            let available = self.size.saturating_sub(offset);
            return Err(Error::UnexpectedEof { offset, needed: length as u64, available });
        }
        let mut bytes = Vec::new();
        let memory = bytes.try_reserve_exact(length);
        memory.map_err(|_| io::Error::new(io::ErrorKind::OutOfMemory, format!("no memory for {length} bytes")))?;
        // A reader that panicked has left the position somewhere, and each reader sets its own.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.start + offset))?;
        Read::take(&mut *file, length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(StorageBuffer::from_vec(bytes))
    }
}
