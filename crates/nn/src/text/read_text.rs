//! Reading text from a file.

use crate::data::error::DataError;
use crate::data::text_file::read_text_file;
use std::path::Path;

/// The text of a file, without a byte order mark.
///
/// ```
/// use unspool::text::read_text;
/// # let file = std::env::temp_dir().join(format!("read-text-{}.txt", std::process::id()));
/// # let name = file.display();
/// std::fs::write(&file, "caf\u{e9}")?;
/// assert_eq!(read_text(&file)?, "café");
/// std::fs::write(&file, b"one\ncaf\xe9")?;                     // encoded as Latin-1
/// assert_eq!(read_text(&file).unwrap_err().to_string(), format!("{name}: line 2 is not UTF-8 text"));
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is a pipe or a device, has more than 4 GiB, is not UTF-8 text, or is
/// empty.
pub fn read_text(file: impl AsRef<Path>) -> Result<String, DataError> {
    let path = file.as_ref();
    match read_text_file(path)? {
        text if text.is_empty() => Err(DataError::new(format!("{} is empty: a text is needed", path.display()))),
        text => Ok(text),
    }
}
