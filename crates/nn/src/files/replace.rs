//! Files that are replaced as a whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts what `fill` writes into the file at `path`. Whoever opens that file, at whatever moment this is interrupted, finds
/// what was there before or what `fill` wrote, and never a part.
///
/// It is written to a temporary file in the same folder, which is flushed to the disk and then takes the place of the old
/// one. After an error the temporary file is gone; after a kill, with the next call for the same `path`.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    remove_leftovers(folder, name);
    let mut temporary = Temporary::create(folder, name)?;
    let mut out = BufWriter::with_capacity(1 << 16, &temporary.file);
    fill(&mut out)?;
    out.flush()?;
    drop(out);
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, path)?;
    temporary.in_place = true;
    // Until the folder is flushed, a power cut may still bring back the old file. Only Unix opens folders.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A file that is removed when dropped, unless it is in place. It is locked as long as somebody writes to it.
struct Temporary {
    path: PathBuf,
    file: File,
    in_place: bool,
}

impl Temporary {
    fn create(folder: &Path, name: &OsStr) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = prefix(name);
        temporary.push(format!("{}-{number}{SUFFIX}", std::process::id()));
        let path = folder.join(temporary);
        let file = File::create_new(&path)?;
        let _ = file.lock(); // some file systems know no locks: then leftovers stay
        Ok(Temporary { path, file, in_place: false })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

const SUFFIX: &str = ".tmp";

/// What the names of temporary files for `name` begin with.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Removes the temporary files for `name` whose writers were killed: those that nobody has locked.
fn remove_leftovers(folder: &Path, name: &OsStr) {
    let prefix = prefix(name);
    let is_temporary = |name: &OsStr| {
        let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let middle = middle.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        middle.is_some_and(|middle| middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_temporary(&entry.file_name()) && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
