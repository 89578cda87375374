//! Data sets of several files in one folder.

use std::error::Error;
use unspool::text::read_text;

/// The text of the one file in a folder whose name ends so.
pub(crate) fn read(folder: &str, ending: &str) -> Result<String, Box<dyn Error>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("cannot read {folder}: {e}"))?;
    let mut files = entries.flatten().map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(ending));
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(read_text(file)?),
        _ => Err(format!("{folder} must have one file whose name ends in {ending}").into()),
    }
}
