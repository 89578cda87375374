//! Where files go.

use std::fs;
use std::path::{Path, PathBuf};

/// Says whether a file can be written there.
pub(crate) fn check(file: &Path) -> Result<(), String> {
    let trial = unfinished(file);
    match fs::write(&trial, "").and_then(|()| fs::remove_file(&trial)) {
        Err(e) => Err(format!("cannot write {}: {e}", file.display())),
        Ok(()) if file.is_dir() => Err(format!("cannot write {}: it is a folder", file.display())),
        Ok(()) => Ok(()),
    }
}

/// Writes a file: it appears whole or not at all.
pub(crate) fn write(file: &Path, content: &str) -> Result<(), String> {
    let unfinished = unfinished(file);
    let written = fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, file));
    written.map_err(|e| {
        let _ = fs::remove_file(&unfinished);
        format!("cannot write {}: {e}", file.display())
    })
}

fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    name.into()
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
        fs::remove_dir_all(&folder).unwrap();
    }
}
