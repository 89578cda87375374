//! Writing files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Returns an error if a file cannot be written there.
pub(crate) fn check(file: &Path) -> Result<(), String> {
    let cannot = |e: &dyn std::fmt::Display| Err(format!("cannot write {}: {e}", file.display()));
    let trial = unfinished(file);
    if let Err(e) = fs::write(&trial, "").and_then(|()| fs::remove_file(&trial)) {
        return cannot(&e);
    }
    match fs::metadata(file) {
        Ok(there) if there.is_dir() => cannot(&"it is a folder"),
        Err(e) if e.kind() != ErrorKind::NotFound => cannot(&e),
        _ => Ok(()),
    }
}

/// Writes a file: it appears whole or not at all, with the permissions of the old one.
pub(crate) fn write(file: &Path, content: &str) -> Result<(), String> {
    let unfinished = unfinished(file);
    let written = fs::write(&unfinished, content).and_then(|()| {
        if let Ok(old) = fs::metadata(file) {
            fs::set_permissions(&unfinished, old.permissions())?;
        }
        fs::rename(&unfinished, file)
    });
    written.map_err(|e| {
        let _ = fs::remove_file(&unfinished);
        format!("cannot write {}: {e}", file.display())
    })
}

/// Beside the file; of a long name, the beginning.
fn unfinished(file: &Path) -> PathBuf {
    let name: String = file.file_name().unwrap_or_default().to_string_lossy().chars().take(40).collect();
    file.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("unspool-output-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, names) = (folder.join("a.svg"), || fs::read_dir(&folder).unwrap().count());
        assert_eq!(check(&folder).unwrap_err(), format!("cannot write {}: it is a folder", folder.display()));
        check(&file).unwrap();
        assert_eq!(names(), 0);
        write(&file, "drawn").unwrap();
        assert_eq!((names(), fs::read_to_string(&file).unwrap()), (1, "drawn".to_string()));
        let long = folder.join("a".repeat(255));
        check(&long).unwrap();
        write(&long, "drawn").unwrap();
        assert_eq!(names(), 2);
        check(&folder.join("a".repeat(256))).unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
    }
}
