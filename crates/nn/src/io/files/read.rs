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

/// The bytes of a file that was opened, if they are no more than `most` and there is memory for them.
pub(crate) fn read(file: File, most: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= most && !usize::try_from(size).is_ok_and(|size| bytes.try_reserve_exact(size).is_ok()) {
        let sentence = format!("it has {size} bytes, more than there is memory for");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, sentence));
    }
    // Some files of the system tell no size, and are long.
    if size > most || file.take(most.saturating_add(1)).read_to_end(&mut bytes)? as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}
