//! Replacing files atomically.

use super::temporary::{Temporary, remove_leftovers};
use crate::tuning::WRITE_BUFFER;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf, is_separator};

/// Replaces the file at `path` by what `fill` writes. Whenever this is interrupted, the file has
/// either its old contents or all of the new ones, never a part.
///
/// `fill` writes a temporary file in the same folder, which is flushed to disk, gets the
/// permissions of the old file and is renamed over it. After an error the temporary file is
/// removed; after a kill, by the next call for the same `path`. Any number of processes and threads
/// may do this at once: the last file remains.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let target = Target::at(path)?;
    remove_leftovers(&target.folder, target.name());
    let mut temporary = target.temporary()?;
    let mut out = BufWriter::with_capacity(WRITE_BUFFER, &temporary.file);
    fill(&mut out)?;
    out.flush()?;
    drop(out);
    #[cfg(unix)]
    if let Some(old) = &target.old {
        temporary.take_permissions(old);
    }
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, &target.path)?;
    temporary.in_place = true;
    // Until the folder is flushed, a power failure may bring back the old file. But the new one is
    // in place: it is not an error if the folder cannot be opened, such as one with write but
    // without read permission.
    if cfg!(unix) {
        let _ = File::open(&target.folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Checks before hours of work that [`replace`] can write this path: creates its temporary file,
/// and removes it.
pub(crate) fn try_replace(path: &Path) -> io::Result<()> {
    Target::at(path)?.temporary().map(drop)
}

/// The file to be replaced.
struct Target {
    folder: PathBuf,
    path: PathBuf,
    /// The metadata of the existing file.
    old: Option<Metadata>,
}

impl Target {
    fn at(path: &Path) -> io::Result<Target> {
        let invalid = |sentence: &str| io::Error::new(io::ErrorKind::InvalidInput, sentence);
        let as_folder = path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| is_separator(byte.into()));
        if as_folder || path.file_name().is_none() {
            return Err(invalid("the path does not name a file"));
        }
        let old = match fs::metadata(path) {
            Ok(old) if old.is_file() => Some(old),
            // With enough rights, the rename would replace even a device.
            Ok(_) => return Err(invalid("it is not a file")),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => return Err(error),
        };
        // Replace the file that a symbolic link points to, not the link.
        let linked = old.is_some() && fs::symlink_metadata(path)?.is_symlink();
        let path = if linked { fs::canonicalize(path)? } else { path.to_owned() };
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        if !folder.is_dir() {
            let sentence = format!("{} is not a folder", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, sentence));
        }
        Ok(Target { folder, path, old })
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().expect("checked in `at`")
    }

    fn temporary(&self) -> io::Result<Temporary> {
        Temporary::create(&self.folder, self.name(), self.old.is_some())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_private_file_is_never_readable_by_others() {
        let folder = std::env::temp_dir().join(format!("unspool-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("model");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let modes = || -> Vec<u32> {
            let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().metadata().unwrap());
            files.map(|file| file.permissions().mode() & 0o777).collect()
        };
        replace(&path, |out| {
            assert_eq!(modes(), [0o600, 0o600]);
            out.write_all(b"new")
        })
        .unwrap();
        assert_eq!((modes(), fs::read(&path).unwrap()), (vec![0o600], b"new".to_vec()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
