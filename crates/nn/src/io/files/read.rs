//! Opening and reading files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file for reading. Anything else is an error: a pipe may block its reader, a
/// device may never end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    File::open(path)
}

/// The bytes of an open file, if they are at most `limit` and fit into memory.
pub(crate) fn read(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= limit && !usize::try_from(size).is_ok_and(|size| bytes.try_reserve_exact(size).is_ok()) {
        let sentence = format!("it has {size} bytes, more than there is memory for");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, sentence));
    }
    // The kernel's virtual files report size 0 and can be long.
    if size > limit || file.take(limit.saturating_add(1)).read_to_end(&mut bytes)? as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}
