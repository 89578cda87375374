//! Writing a program's own files: a picture, a table, a report.

use super::error::FileError;
use super::files::{replace, try_replace};
use std::io;
use std::path::Path;

/// Writes a file, completely or not at all: whenever this is interrupted, the file has either its
/// old contents or all of the new ones. It keeps the permissions of the old file, and may be
/// written by any number of processes at once.
///
/// ```
/// use unspool::io::write_file;
/// # let folder = std::env::temp_dir().join(format!("write-file-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let file = folder.join("report.txt");
/// write_file(&file, "accuracy 98.1%\n")?;
/// assert_eq!(std::fs::read_to_string(&file)?, "accuracy 98.1%\n");
/// let sentence = write_file(&folder, "").unwrap_err().to_string();
/// assert_eq!(sentence, format!("cannot write {}: it is not a file", folder.display()));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If the file cannot be written; the sentence names it, and an existing file is unchanged.
pub fn write_file(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    replace(path, |out| out.write_all(contents)).map_err(|error| cannot_write(path, error))
}

/// Checks before hours of work that [`write_file`] can write a file, which stays as it is.
///
/// ```
/// use unspool::io::check_writable;
/// let sentence = check_writable("no/such/folder/plot.svg").unwrap_err().to_string();
/// assert_eq!(sentence, "cannot write no/such/folder/plot.svg: no/such/folder is not a folder");
/// ```
///
/// # Errors
/// As those of [`write_file`].
pub fn check_writable(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    try_replace(path).map_err(|error| cannot_write(path, error))
}

fn cannot_write(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), FileError::cannot_write(path)(error))
}
