//! NumPy's files of several arrays, npz.

use super::disk::open;
use super::error::FileError;
use super::npy::read_array;
#[cfg(feature = "safetensors")]
use super::npy::{Described, LONGEST_START, read_header};
use crate::files;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive, ZipSliceEntry};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use unspool_autograd::{Real, Tensor};

/// Reads all tensors of NumPy's npz file, by their names: `numpy.savez(path, x=x, y=y)` or `numpy.savez_compressed`.
///
/// The types are those of [`read_npy`](crate::read_npy).
///
/// ```no_run
/// let mut arrays = unspool_nn::read_npz::<f32>("series.npz")?;
/// let x = arrays.remove("x").expect("the file has x");
/// # Ok::<(), unspool_nn::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be read or is not valid, damaged, or holds an array that [`read_npy`](crate::read_npy) does not read.
pub fn read_npz<T: Real>(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor<T>>, FileError> {
    let path = path.as_ref();
    let npz = Npz::read(open(path)?, path)?;
    npz.names().map(|name| Ok((name.to_owned(), npz.array(name)?))).collect()
}

/// How each entry is packed, and where it is.
type Directory = BTreeMap<String, (CompressionMethod, ZipArchiveEntryWayfinder)>;

/// An npz file in memory, its arrays packed as they are in the file.
pub(super) struct Npz {
    path: PathBuf,
    archive: ZipSliceArchive<Vec<u8>>,
    entries: Directory,
}

impl Npz {
    /// Reads the file, which was opened at `path`, and checks its directory.
    pub(super) fn read(file: File, path: &Path) -> Result<Npz, FileError> {
        let unreadable = |error| FileError::io("cannot read", path, error);
        let bytes = files::read(file, u64::MAX).map_err(unreadable)?;
        let archive = ZipArchive::from_slice(bytes).map_err(|error| wrong(path, error))?;
        let entries = directory(&archive).map_err(|problem| wrong(path, problem))?;
        Ok(Npz { path: path.to_owned(), archive, entries })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The array of a name that is there.
    pub(super) fn array<T: Real>(&self, name: &str) -> Result<Tensor<T>, FileError> {
        let data = self.unpacked(name)?;
        read_array(&mut &data[..], data.len() as u64).map_err(|problem| self.wrong(name, problem))
    }

    /// What the array of a name that is there would be: the rest of it is not unpacked.
    #[cfg(feature = "safetensors")]
    pub(super) fn described(&self, name: &str) -> Result<Described, FileError> {
        let (method, place) = self.entries[name];
        let describe = || {
            let entry = self.archive.get_entry(place).map_err(|error| error.to_string())?;
            let start = unpack(&entry, method, LONGEST_START)?;
            let size = entry.claim_verifier().uncompressed_size;
            read_header(&mut &start[..], size).map_err(|problem| problem.to_string())
        };
        describe().map_err(|problem| self.wrong(name, problem))
    }

    /// The npy file of a name that is there.
    pub(super) fn unpacked(&self, name: &str) -> Result<Cow<'_, [u8]>, FileError> {
        let (method, place) = self.entries[name];
        let unpack = || {
            let entry = self.archive.get_entry(place).map_err(|error| error.to_string())?;
            let size = usize::try_from(entry.claim_verifier().uncompressed_size).map_err(|error| error.to_string())?;
            let data = unpack(&entry, method, size)?;
            io::copy(&mut entry.verifying_reader(&data[..]), &mut io::sink()).map_err(|error| error.to_string())?;
            Ok::<_, String>(data)
        };
        unpack().map_err(|problem| self.wrong(name, problem))
    }

    fn wrong(&self, name: &str, problem: impl fmt::Display) -> FileError {
        wrong(&self.path, format_args!("in {name:?}, {problem}"))
    }
}

fn wrong(path: &Path, problem: impl fmt::Display) -> FileError {
    FileError::new(path, format_args!("is no valid npz file: {problem}"))
}

/// The entries by their names, without the ending of npy files.
fn directory(archive: &ZipSliceArchive<Vec<u8>>) -> Result<Directory, String> {
    let mut entries = Directory::new();
    let (mut places, mut found) = (Vec::new(), 0);
    for record in archive.entries() {
        let record = record.map_err(|error| error.to_string())?;
        let name = String::from_utf8_lossy(record.file_path().as_ref()).into_owned();
        let place = record.wayfinder();
        let entry = archive.get_entry(place).map_err(|error| format!("in {name:?}, {error}"))?;
        places.push((entry.compressed_data_range(), name.clone()));
        let key = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        if entries.insert(key, (record.compression_method(), place)).is_some() {
            return Err(format!("the name {name:?} stands twice"));
        }
        found += 1;
    }
    let told = archive.entries_hint();
    if found != told {
        return Err(format!("its directory has {found} entries, and should have {told}"));
    }
    // A small file whose entries share their data could unpack to any size.
    places.sort();
    if let Some(pair) = places.windows(2).find(|pair| pair[0].0.1 > pair[1].0.0) {
        return Err(format!("{:?} and {:?} overlap", pair[0].1, pair[1].1));
    }
    Ok(entries)
}

/// The data of an entry, or as many bytes of its beginning as were asked for.
fn unpack<'a>(entry: &ZipSliceEntry<'a>, method: CompressionMethod, limit: usize) -> Result<Cow<'a, [u8]>, String> {
    let packed = entry.data();
    match method {
        CompressionMethod::STORE => Ok(Cow::Borrowed(packed)),
        CompressionMethod::DEFLATE => match decompress_to_vec_with_limit(packed, limit) {
            Ok(data) => Ok(Cow::Owned(data)),
            Err(error) if error.status == TINFLStatus::HasMoreOutput => Ok(Cow::Owned(error.output)),
            Err(error) => Err(error.to_string()),
        },
        other => Err(format!("the compression is {other:?}, expected none or deflate")),
    }
}
