//! The text of a file.

use crate::data::error::DataError;
use crate::io::files::{open, read};
use std::path::Path;

/// The largest file that is read: 4 GiB.
const MAX_BYTES: u64 = 4 << 30;

/// The text of a file, without a byte order mark.
pub(crate) fn read_text_file(path: &Path) -> Result<String, DataError> {
    let file = path.display();
    let unreadable = |error| DataError::io(format_args!("cannot read {file}"), error);
    let bytes = open(path).and_then(|file| read(file, MAX_BYTES)).map_err(unreadable)?;
    let mut text = String::from_utf8(bytes).map_err(|e| {
        let (bytes, valid) = (e.as_bytes(), e.utf8_error().valid_up_to());
        DataError::new(match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => format!("{file} is UTF-16 text: save it as UTF-8"),
            _ => format!("{file}: line {} is not UTF-8 text", 1 + line_ends(&bytes[..valid])),
        })
    })?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// The number of line ends in a text: `\n`, `\r\n` or `\r`.
pub(crate) fn line_ends(text: &[u8]) -> usize {
    let ends = |i: usize| text[i] == b'\n' || text[i] == b'\r' && text.get(i + 1) != Some(&b'\n');
    (0..text.len()).filter(|&i| ends(i)).count()
}
