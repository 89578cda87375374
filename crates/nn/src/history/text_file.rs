//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a text to a temporary file beside `path`, which then takes that name. After an error, what was there before is
/// there still, and nothing else.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let cannot = |e: io::Error| io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display()));
    let Some(name) = path.file_name() else {
        return Err(cannot(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file")));
    };
    let unfinished = path.with_file_name(format!(".{}.{}.tmp", name.display(), std::process::id()));
    let written = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    written().map_err(|e| {
        let _ = fs::remove_file(&unfinished);
        cannot(e)
    })
}
