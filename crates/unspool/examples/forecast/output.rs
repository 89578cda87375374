//! Writing results.

use crate::Sentence;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Makes the folder and tries it, so that a folder that cannot be written to is found before the
/// training.
pub(crate) fn check(folder: &Path) -> Result<(), Sentence> {
    let cannot = |e| format!("cannot write to the folder {}: {e}", folder.display());
    fs::create_dir_all(folder).map_err(cannot)?;
    let trial = temporary(folder, "trial");
    fs::write(&trial, "").map_err(cannot)?;
    fs::remove_file(&trial).map_err(cannot)
}

/// Writes a file into the folder: it appears whole or not at all.
pub(crate) fn write(folder: &Path, name: &str, content: &str) -> Result<PathBuf, Sentence> {
    let (unfinished, path) = (temporary(folder, name), folder.join(name));
    let written = fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, &path));
    match written {
        Ok(()) => Ok(path),
        Err(e) => {
            let _ = fs::remove_file(&unfinished);
            Err(format!("cannot write {}: {e}", path.display()))
        }
    }
}

/// Prints a line to standard error, if anybody listens.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn temporary(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_the_old_one_and_leaves_nothing_else() {
        let folder = std::env::temp_dir().join(format!("forecast-output-{}", std::process::id()));
        check(&folder).unwrap();
        write(&folder, "a.svg", "old").unwrap();
        write(&folder, "a.svg", "new").unwrap();
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!((names, fs::read_to_string(folder.join("a.svg")).unwrap()), (vec!["a.svg".into()], "new".into()));

        // A file is no folder; and where a folder is in the way of a file, nothing half-written stays.
        assert!(check(&folder.join("a.svg")).unwrap_err().starts_with("cannot write to the folder "));
        fs::create_dir(folder.join("b.svg")).unwrap();
        assert!(write(&folder, "b.svg", "new").unwrap_err().starts_with("cannot write "));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
