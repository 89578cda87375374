//! Writing npz files.

use super::npy::write_array;
use crate::io::error::FileError;
use crate::io::files::replace;
use crate::messages::quoted;
use rawzip::path::ZipFilePath;
use rawzip::{Error, ErrorKind, ZipArchiveWriter};
use std::collections::HashSet;
use std::io;
use std::path::Path;
use unspool_autograd::{Real, Tensor};

/// Writes tensors by name to an npz file, in the given order, which `numpy.load(path)` reads: as
/// `numpy.savez(path, x=x, y=y)` does, not compressed. As with models, a file at `path` is replaced
/// as a whole or not at all. The same tensors give the same bytes.
///
/// ```
/// use unspool::io::{read_npz, write_npz};
/// use unspool::Tensor;
/// # let path = std::env::temp_dir().join(format!("tensors-{}.npz", std::process::id()));
/// let (x, y) = (Tensor::<f32>::ones([50, 8, 1]), Tensor::zeros([8, 1]));
/// write_npz(&path, [("x", &x), ("y", &y)])?;
/// let arrays = read_npz::<f32>(&path)?;
/// assert_eq!(arrays["x"], x);
/// write_npz(&path, &arrays)?; // a map is as good
/// let error = write_npz("weights.npz", [("x", &x), ("x", &y)]).unwrap_err();
/// assert_eq!(error.to_string(), "weights.npz cannot hold two arrays named \"x\"");
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If a name is empty, appears twice, or is not that of a file inside the archive (a `/` is allowed,
/// as in `decoder/weight`; `..`, a `/` at the start or a `\` is not); or if the system cannot write
/// the file. The old file is then unchanged.
#[cfg(feature = "npy")]
pub fn write_npz<'a, T: Real>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (impl AsRef<str>, &'a Tensor<T>)>,
) -> Result<(), FileError> {
    let path = path.as_ref();
    let arrays: Vec<_> = arrays.into_iter().collect();
    let mut names = HashSet::new();
    for (name, _) in &arrays {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(FileError::new(path, "cannot hold an array without a name"));
        }
        // What a program that unpacks the archive would take for another name. NumPy ends a name at a NUL.
        if ZipFilePath::from_str(name).as_str() != name || name.contains('\0') {
            let problem = format!("cannot hold an array named {}, which is no path inside the file", quoted(name));
            return Err(FileError::new(path, problem));
        }
        if !names.insert(name) {
            return Err(FileError::new(path, format_args!("cannot hold two arrays named {}", quoted(name))));
        }
    }
    replace(path, |out| {
        let mut archive = ZipArchiveWriter::new(out);
        for (name, tensor) in &arrays {
            let name = format!("{}.npy", name.as_ref());
            let (mut entry, config) = archive.new_file(&name).start().map_err(cause)?;
            let mut data = config.wrap(&mut entry);
            write_array(tensor, &mut data)?;
            let (_, sizes) = data.finish().map_err(cause)?;
            entry.finish(sizes).map_err(cause)?;
        }
        archive.finish().map_err(cause)?.flush()
    })
    .map_err(FileError::cannot_save(path))
}

/// What the system reported, if it did.
fn cause(error: Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::IO(error) => error,
        other => io::Error::other(Error::from(other)),
    }
}
