//! Tensors pass between memory and a file through a small buffer, a chunk at a time.

use crate::tuning::FILE_CHUNK;
#[cfg(feature = "safetensors")]
use std::io::Read;
use std::io::{self, Write};
use unspool_autograd::{Real, Tensor};

/// Passes the next `size` bytes of `source` to `take`, in chunks of whole elements.
#[cfg(feature = "safetensors")]
pub(super) fn read_chunks(source: &mut dyn Read, size: usize, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = [0; FILE_CHUNK];
    for done in (0..size).step_by(FILE_CHUNK) {
        let bytes = &mut buffer[..FILE_CHUNK.min(size - done)];
        source.read_exact(bytes)?;
        take(bytes);
    }
    Ok(())
}

/// Writes the elements of a tensor in row-major order, little-endian.
pub(super) fn write_elements<T: Real>(tensor: &Tensor<T>, out: &mut dyn Write) -> io::Result<()> {
    let values = tensor.contiguous();
    let mut bytes = [0; FILE_CHUNK];
    for values in values.as_slice().expect("contiguous").chunks(FILE_CHUNK / size_of::<T>()) {
        let bytes = &mut bytes[..size_of_val(values)];
        T::to_bytes(values, bytes);
        out.write_all(bytes)?;
    }
    Ok(())
}
