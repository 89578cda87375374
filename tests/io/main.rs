//! Models and tensors in files: round trips, other frameworks' files, bad files, kills and full disks.

mod bad_files;
mod checkpoints;
#[cfg(unix)]
mod crashes;
mod exchange;
mod found;
mod keras_files;
mod kinds;
#[cfg(unix)]
mod memory;
mod npy;
mod other_files;
#[cfg(unix)]
mod processes;
#[cfg(unix)]
mod replacing;
mod sentences;
mod serde;
mod torch_files;
mod variants;

use std::fs;
use std::path::{Path, PathBuf};

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The names of the files in a folder.
fn files_in(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
