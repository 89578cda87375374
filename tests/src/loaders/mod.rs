//! Every loader on any bytes: what the fuzz targets run (`fuzz/`), and the tests on the files that these have found.
//!
//! Each function takes the bytes for a file, and panics if the loader breaks a promise: bytes that are refused are refused
//! in a sentence and change nothing, and what loads is saved and loads again as the same. It says whether they load.

mod arrays;
mod saved;
mod state_dict;
mod table;
mod training;
mod weights;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};
use unspool::prelude::*;
use unspool::tensor::Real;

pub use arrays::{npy, npz};
pub use saved::serde;
pub use state_dict::state_dict;
pub use table::csv;
pub use training::{train, training};
pub use weights::{checkpoint, keras, safetensors, torch};

/// Takes the bytes for a file, and says whether it loads.
pub type Loader = fn(&[u8]) -> bool;

/// All of them, by the names of their targets.
pub const LOADERS: [(&str, Loader); 10] = [
    ("checkpoint", checkpoint),
    ("csv", csv),
    ("keras", keras),
    ("state_dict", state_dict),
    ("npy", npy),
    ("npz", npz),
    ("safetensors", safetensors),
    ("serde", serde),
    ("torch", torch),
    ("training", training),
];

/// A folder of this thread's own for as long as it lives; in memory, where the system has such a place.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        let folder = parent.join(format!("unspool-{}-{:?}", process::id(), thread::current().id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    /// The file of these bytes.
    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.join("file");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Where something is saved.
    fn saved(&self) -> PathBuf {
        self.0.join("saved")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is wrong with a file must be a sentence about it. `false`, for what does not load.
fn refused(error: &impl Display, path: &Path) -> bool {
    let sentence = error.to_string();
    let name = path.display().to_string();
    let (before, after) = sentence.split_once(&name).unwrap_or_else(|| panic!("{sentence:?} does not name {name}"));
    assert!(before.len() + after.trim().len() > 10, "{sentence:?} says nothing");
    false
}

/// Whether two tensors have the same shape and numbers, all that is not a number being the same.
fn same<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> bool {
    let pairs = || a.to_vec().into_iter().zip(b.to_vec()).map(|(a, b)| (a.to_f64(), b.to_f64()));
    a.shape() == b.shape() && pairs().all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
}

/// Whether two models are.
fn same_model<T: Real, M: Params<Tensor<T>>>(a: &M, b: &M) -> bool {
    a.leaves().into_iter().zip(b.leaves()).all(|(a, b)| same(a, b))
}
