//! NumPy's files of several arrays, npz.

use super::disk::open;
use super::error::FileError;
use super::foreign::{self, Form, explain};
use super::inflate::Inflate;
use super::npy::{Described, Problem, read_header, read_values};
#[cfg(feature = "safetensors")]
use super::source::in_parts;
use crate::io::files;
use crate::sentence::quoted;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use unspool_autograd::{Real, Tensor};

/// Reads all tensors of NumPy's npz file, by their names: `numpy.savez(path, x=x, y=y)` or `numpy.savez_compressed`.
///
/// The types are those of [`read_npy`](crate::io::read_npy).
///
/// ```no_run
/// let mut arrays = unspool_nn::io::read_npz::<f32>("series.npz")?;
/// let x = arrays.remove("x").expect("the file has x");
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
///
/// What is no array of numbers, a text or an object in an array, a folder or another file, is left out;
/// [`WeightFile::tensor`](crate::io::WeightFile::tensor), asked for it, says what it is.
///
/// A small file may unpack to any size. The tensors may take 1 GiB together; [`read_npz_with_limit`] sets another limit.
///
/// # Errors
/// If the file cannot be read or is not valid, damaged, or holds an array of numbers that [`read_npy`](crate::io::read_npy) does not
/// read, or nothing else than what is left out;
/// or if the tensors take more memory than they may, or than there is.
pub fn read_npz<T: Real>(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor<T>>, FileError> {
    read_npz_with_limit(path, 1 << 30)
}

/// Reads all tensors of an npz file, as [`read_npz`] does, if they take so many bytes of memory at most.
///
/// ```no_run
/// let arrays = unspool_nn::io::read_npz_with_limit::<f32>("large.npz", 16 << 30)?; // 16 GiB
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
///
/// # Errors
/// Those of [`read_npz`].
pub fn read_npz_with_limit<T: Real>(
    path: impl AsRef<Path>,
    limit: u64,
) -> Result<BTreeMap<String, Tensor<T>>, FileError> {
    let path = path.as_ref();
    let npz = Npz::open(open(path)?, path)?;
    let (mut arrays, mut bytes) = (BTreeMap::new(), 0_u64);
    let mut numbers = npz.numbers()?;
    for name in npz.names() {
        let Some(described) = numbers.remove(name) else {
            npz.verify(name)?;
            continue;
        };
        bytes = bytes.saturating_add(described.bytes::<T>());
        if bytes > limit {
            let sentence = format!("unpacks to more than {limit} bytes: `read_npz_with_limit` sets another limit");
            return Err(FileError::new(path, sentence));
        }
        arrays.insert(name.to_owned(), npz.array(name)?);
    }
    Ok(arrays)
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
    pub(super) fn open(file: File, path: &Path) -> Result<Npz, FileError> {
        let unreadable = |error| FileError::io("cannot read", path, error);
        let bytes = files::read(file, u64::MAX).map_err(unreadable)?;
        let archive = ZipArchive::from_slice(bytes).map_err(|e| explain(path, &[Form::Npz], wrong(path, e)))?;
        let entries = directory(&archive).map_err(|problem| wrong(path, problem))?;
        if let Some(sentence) = foreign::archive(entries.keys().map(String::as_str)) {
            return Err(FileError::new(path, sentence));
        }
        Ok(Npz { path: path.to_owned(), archive, entries })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The array of a name that is there.
    pub(super) fn array<T: Real>(&self, name: &str) -> Result<Tensor<T>, FileError> {
        self.read(name, |entry, header| read_values(entry, header))
    }

    /// What the arrays of numbers would be: the rest of them is not unpacked. What is none is passed over, if there is any.
    pub(super) fn numbers(&self) -> Result<BTreeMap<&str, Described>, FileError> {
        let (mut numbers, mut first) = (BTreeMap::new(), None);
        for name in self.names() {
            match self.try_read(name, |_, header| Ok(header)) {
                Ok(described) => _ = numbers.insert(name, described),
                Err(problem @ Problem::NotNumbers(_)) => _ = first.get_or_insert((name, problem)),
                Err(problem) => return Err(self.wrong(name, problem)),
            }
        }
        match first {
            Some((name, problem)) if numbers.is_empty() => Err(self.wrong(name, problem)),
            _ => Ok(numbers),
        }
    }

    /// Why there are no numbers under this name, if it is there.
    #[cfg(feature = "safetensors")]
    pub(super) fn not_numbers(&self, name: &str) -> Option<Problem> {
        self.entries.get(name).and_then(|_| self.try_read(name, |_, _| Ok(())).err())
    }

    /// Hands the elements of a name that is there, `size` bytes, to `take`, in parts of whole elements.
    #[cfg(feature = "safetensors")]
    pub(super) fn bytes(&self, name: &str, size: usize, take: impl FnMut(&[u8])) -> Result<(), FileError> {
        self.read(name, |entry, _| Ok(in_parts(entry, size, take)?))
    }

    /// Reads all of an entry that is there, whatever it is, and compares its checksum.
    fn verify(&self, name: &str) -> Result<(), FileError> {
        let read = || Ok(io::copy(&mut self.entry(name)?.0, &mut io::sink())?);
        read().map(drop).map_err(|problem| self.wrong(name, problem))
    }

    /// Reads from behind the header of an npy file, which is unpacked meanwhile. Its checksum is compared at its end.
    fn read<R>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, Described) -> Result<R, Problem>,
    ) -> Result<R, FileError> {
        self.try_read(name, read).map_err(|problem| self.wrong(name, problem))
    }

    fn try_read<R>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, Described) -> Result<R, Problem>,
    ) -> Result<R, Problem> {
        let (mut data, size) = self.entry(name)?;
        let header = read_header(&mut data, size)?;
        read(&mut data, header)
    }

    /// The bytes of an entry that is there, and how many it says there are.
    fn entry(&self, name: &str) -> Result<(impl Read, u64), Problem> {
        let (method, place) = self.entries[name];
        let entry = self.archive.get_entry(place).map_err(|error| error.to_string())?;
        let packed = entry.data();
        let data: Box<dyn Read> = match method {
            CompressionMethod::STORE => Box::new(packed),
            CompressionMethod::DEFLATE => Box::new(Inflate::new(packed)),
            other => return Err(format!("the compression is {other:?}, expected none or deflate").into()),
        };
        Ok((entry.verifying_reader(data), entry.claim_verifier().uncompressed_size))
    }

    fn wrong(&self, name: &str, problem: Problem) -> FileError {
        match problem {
            Problem::TooMuch(sentence) => FileError::new(&self.path, format_args!("holds {} {sentence}", quoted(name))),
            problem => wrong(&self.path, format_args!("in {}, {problem}", quoted(name))),
        }
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
        let entry = archive.get_entry(place).map_err(|error| format!("in {}, {error}", quoted(&name)))?;
        places.push((entry.compressed_data_range(), name.clone()));
        let key = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        if entries.insert(key, (record.compression_method(), place)).is_some() {
            return Err(format!("the name {} stands twice", quoted(&name)));
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
        return Err(format!("{} and {} overlap", quoted(&pair[0].1), quoted(&pair[1].1)));
    }
    Ok(entries)
}
