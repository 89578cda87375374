//! Temporary files, which are written and then renamed over others.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that is removed when dropped, unless it is in place. It is locked while it is being
/// written.
pub(super) struct Temporary {
    pub path: PathBuf,
    pub file: File,
    pub in_place: bool,
}

impl Temporary {
    /// A new file in `folder` for the file `name`. If it replaces an existing file, only its owner
    /// may read it: that file may be private.
    pub fn create(folder: &Path, name: &OsStr, replaces: bool) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if replaces {
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut temporary = prefix(name);
            temporary.push(format!("{}-{number}{SUFFIX}", std::process::id()));
            let path = folder.join(temporary);
            let file = match options.open(&path) {
                // Left by an earlier process with this process ID, or in use in another container.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            // Some file systems have no locks: leftovers then stay.
            let locked = file.lock().is_ok();
            // Before it was locked, another process may have removed it as a leftover.
            if !locked || is_at(&file, &path) {
                return Ok(Temporary { path, file, in_place: false });
            }
        }
    }

    /// Copies the owner, group and permissions of another file, as far as the system allows. On
    /// failure only its writer may read it.
    #[cfg(unix)]
    pub fn take_permissions(&self, of: &fs::Metadata) {
        use std::os::unix::fs::{MetadataExt, fchown};
        if self.file.metadata().is_ok_and(|own| (own.uid(), own.gid()) != (of.uid(), of.gid())) {
            let both = fchown(&self.file, Some(of.uid()), Some(of.gid()));
            let _ = both.or_else(|_| fchown(&self.file, None, Some(of.gid())));
        }
        let _ = self.file.set_permissions(of.permissions());
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether this path still refers to an open file.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        file.metadata().is_ok_and(|open| fs::symlink_metadata(path).is_ok_and(|there| same(open, there)))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

const SUFFIX: &str = ".tmp";
/// The longest name that its temporary file's name contains unchanged: file systems allow 255
/// bytes, some only 143.
const LONGEST: usize = 100;

/// What the names of temporary files for `name` begin with: a dot and the name; if it is long, its
/// beginning and a hash.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    let bytes = name.as_encoded_bytes();
    if bytes.len() <= LONGEST {
        prefix.push(name);
    } else {
        let beginning: String = name.to_string_lossy().chars().take(LONGEST / 5).collect();
        // FNV-1a. On a collision, two names would only remove each other's leftovers.
        let hash = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        prefix.push(format!("{beginning}~{hash:016x}"));
    }
    prefix.push(".");
    prefix
}

/// Removes the temporary files for `name` whose writers were killed: those that are not locked.
pub(super) fn remove_leftovers(folder: &Path, name: &OsStr) {
    let prefix = prefix(name);
    let is_temporary = |name: &OsStr| {
        let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let middle = middle.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        middle.is_some_and(|middle| middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_temporary(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::options().read(true).write(true).open(&path) else { continue };
        // In the meantime another process may have removed it, and a third created one of the same
        // name.
        if file.try_lock().is_ok() && is_at(&file, &path) {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("unspool-temporary-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn number_of(temporary: &Temporary) -> u64 {
        let name = temporary.path.file_stem().unwrap().to_str().unwrap();
        name.rsplit('-').next().unwrap().parse().unwrap()
    }

    /// As where locks are not supported: leftovers of an earlier process with the same ID stay.
    #[test]
    fn names_that_are_taken_are_skipped() {
        let folder = folder("taken");
        let name = OsStr::new("model");
        let first = number_of(&Temporary::create(&folder, name, false).unwrap());
        let locked = |number: u64| {
            let path = folder.join(format!(".model.{}-{number}.tmp", std::process::id()));
            let file = File::create_new(&path).unwrap();
            file.lock().unwrap();
            (path, file)
        };
        let taken: Vec<_> = (first + 1..first + 50).map(locked).collect();
        let temporary = Temporary::create(&folder, name, false).unwrap();
        assert!(taken.iter().all(|(path, _)| path.exists() && *path != temporary.path));
        drop((temporary, taken));
        remove_leftovers(&folder, name);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn names_of_temporary_files_fit_where_names_may_have_143_bytes() {
        let most = format!("{}-{}{SUFFIX}", u32::MAX, u64::MAX).len();
        for name in
            ["m".to_string(), "m".repeat(LONGEST), "m".repeat(LONGEST + 1), "m".repeat(250), "\u{1f600}".repeat(60)]
        {
            let prefix = prefix(OsStr::new(&name));
            assert!(prefix.len() + most <= 143, "{prefix:?}");
        }
        assert_eq!(prefix(OsStr::new("net.safetensors")), ".net.safetensors.");
        let [a, b] = ["a", "b"].map(|end| prefix(OsStr::new(&("m".repeat(250) + end))));
        assert!(a != b && a.to_str().unwrap().starts_with(".mmmmmmmmmmmmmmmmmmmm~"), "{a:?}");
    }
}
