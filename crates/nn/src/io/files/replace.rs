//! Files that are replaced as a whole or not at all.

use super::temporary::{Temporary, remove_leftovers};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf, is_separator};

/// Puts what `fill` writes into the file at `path`. Whoever opens that file, at whatever moment this is interrupted, finds
/// what was there before or what `fill` wrote, and never a part.
///
/// It is written to a temporary file in the same folder, which is flushed to the disk and then takes the place of the old
/// one, with its permissions. After an error the temporary file is gone; after a kill, with the next call for the same
/// `path`. Any number of processes and threads may do so at once: the last one's file stays.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let place = Place::at(path)?;
    remove_leftovers(&place.folder, place.name());
    let mut temporary = place.temporary()?;
    let mut out = BufWriter::with_capacity(1 << 16, &temporary.file);
    fill(&mut out)?;
    out.flush()?;
    drop(out);
    #[cfg(unix)]
    if let Some(old) = &place.old {
        temporary.take_permissions(old);
    }
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, &place.path)?;
    temporary.in_place = true;
    // Until the folder is flushed, a power cut may still bring back the old file. But the new one is in place: it is no
    // failure if the folder cannot be opened, as one that may be written but not read.
    if cfg!(unix) {
        let _ = File::open(&place.folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Whether [`replace`] can make a file for this path now, which is asked before hours of work for it: makes its temporary
/// file, and removes it.
#[cfg(feature = "safetensors")]
pub(crate) fn try_replace(path: &Path) -> io::Result<()> {
    Place::at(path)?.temporary().map(drop)
}

/// Where a file is to be put.
struct Place {
    folder: PathBuf,
    path: PathBuf,
    /// The file that is there.
    old: Option<Metadata>,
}

impl Place {
    fn at(path: &Path) -> io::Result<Place> {
        let invalid = |sentence: &str| io::Error::new(io::ErrorKind::InvalidInput, sentence);
        let as_folder = path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| is_separator(byte.into()));
        if as_folder || path.file_name().is_none() {
            return Err(invalid("the path names no file"));
        }
        let old = match fs::metadata(path) {
            Ok(old) if old.is_file() => Some(old),
            // A device would be replaced, too, by one who may.
            Ok(_) => return Err(invalid("it is not a file")),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => return Err(error),
        };
        // The file that a link stands for is replaced, and not the link.
        let linked = old.is_some() && fs::symlink_metadata(path)?.is_symlink();
        let path = if linked { fs::canonicalize(path)? } else { path.to_owned() };
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        if !folder.is_dir() {
            let sentence = format!("{} is no folder, expected one", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, sentence));
        }
        Ok(Place { folder, path, old })
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().expect("it was there")
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
    fn what_nobody_else_may_read_is_never_there_for_others() {
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
