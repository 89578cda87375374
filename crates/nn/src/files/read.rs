//! Files to read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Opens a file to read, and nothing else that has a path: a pipe may keep its reader waiting, a device never end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    File::open(path)
}

/// The bytes of a file that was opened, if there is memory for them.
pub(crate) fn read(mut file: File) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if !usize::try_from(size).is_ok_and(|size| bytes.try_reserve_exact(size).is_ok()) {
        let sentence = format!("it has {size} bytes, more than there is memory for");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, sentence));
    }
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
