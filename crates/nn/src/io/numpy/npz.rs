//! npz: NumPy's zip file of several arrays.

use super::inflate::Inflate;
use super::npy::{ArrayHeader, Problem, read_elements, read_header};
#[cfg(feature = "safetensors")]
use crate::io::chunks::read_chunks;
use crate::io::error::FileError;
use crate::io::files;
use crate::io::wrong_format::{Format, explain, explain_zip};
use crate::messages::quoted;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use unspool_autograd::{Real, Tensor};

/// Reads all arrays of an npz file by name: `numpy.savez(path, x=x, y=y)` or
/// `numpy.savez_compressed`.
///
/// The element types are those of [`read_npy`](crate::io::read_npy).
///
/// ```no_run
/// let mut arrays = unspool::io::read_npz::<f32>("series.npz")?;
/// let x = arrays.remove("x").expect("the file has x");
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// Entries other than arrays of numbers (arrays of texts or objects, folders, other files) are
/// skipped; the error of `WeightFile::tensor` for their name
/// reports what they are.
///
/// A small file may unpack to any size. All tensors together may take 1 GiB;
/// [`read_npz_with_limit`] sets another limit.
///
/// # Errors
/// If the file cannot be read, is not valid or damaged, has an array of numbers that
/// [`read_npy`](crate::io::read_npy) does not read, or no array of numbers at all; or if the
/// tensors exceed the limit or the available memory.
#[cfg(feature = "npy")]
pub fn read_npz<T: Real>(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor<T>>, FileError> {
    read_npz_with_limit(path, 1 << 30)
}

/// [`read_npz`] with another limit on the bytes that all tensors may take together.
///
/// ```no_run
/// let arrays = unspool::io::read_npz_with_limit::<f32>("large.npz", 16 << 30)?; // 16 GiB
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// Those of [`read_npz`].
#[cfg(feature = "npy")]
pub fn read_npz_with_limit<T: Real>(
    path: impl AsRef<Path>,
    limit: u64,
) -> Result<BTreeMap<String, Tensor<T>>, FileError> {
    let path = path.as_ref();
    let npz = Npz::open(files::open(path).map_err(FileError::cannot_read(path))?, path)?;
    let (mut arrays, mut bytes) = (BTreeMap::new(), 0_u64);
    let mut headers = npz.arrays()?;
    for name in npz.names() {
        let Some(header) = headers.remove(name) else {
            npz.verify(name)?;
            continue;
        };
        bytes = bytes.saturating_add(header.bytes::<T>());
        if bytes > limit {
            let sentence = format!("unpacks to more than {limit} bytes: `read_npz_with_limit` sets another limit");
            return Err(FileError::new(path, sentence));
        }
        arrays.insert(name.to_owned(), npz.array(name)?);
    }
    Ok(arrays)
}

/// How each entry is compressed, and where it is.
type Directory = BTreeMap<String, (CompressionMethod, ZipArchiveEntryWayfinder)>;

/// An npz file in memory, its arrays compressed as in the file.
pub(in crate::io) struct Npz {
    path: PathBuf,
    archive: ZipSliceArchive<Vec<u8>>,
    entries: Directory,
}

impl Npz {
    /// Reads the file, which was opened at `path`, and checks its directory.
    pub(in crate::io) fn open(file: File, path: &Path) -> Result<Npz, FileError> {
        let bytes = files::read(file, u64::MAX).map_err(FileError::cannot_read(path))?;
        let archive = ZipArchive::from_slice(bytes).map_err(|e| explain(path, &[Format::Npz], wrong(path, e)))?;
        let entries = directory(&archive).map_err(|problem| wrong(path, problem))?;
        if let Some(sentence) = explain_zip(entries.keys().map(String::as_str)) {
            return Err(FileError::new(path, sentence));
        }
        Ok(Npz { path: path.to_owned(), archive, entries })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The array of an existing entry.
    pub(in crate::io) fn array<T: Real>(&self, name: &str) -> Result<Tensor<T>, FileError> {
        self.read(name, |entry, header| read_elements(entry, header))
    }

    /// The headers of all arrays of numbers; no elements are unpacked. Other entries are skipped if
    /// there is any array.
    pub(in crate::io) fn arrays(&self) -> Result<BTreeMap<&str, ArrayHeader>, FileError> {
        let (mut arrays, mut first) = (BTreeMap::new(), None);
        for name in self.names() {
            match self.try_read(name, |_, header| Ok(header)) {
                Ok(header) => _ = arrays.insert(name, header),
                Err(problem @ Problem::NotNumbers(_)) => _ = first.get_or_insert((name, problem)),
                Err(problem) => return Err(self.wrong(name, problem)),
            }
        }
        match first {
            Some((name, problem)) if arrays.is_empty() => Err(self.wrong(name, problem)),
            _ => Ok(arrays),
        }
    }

    /// Why the entry of this name, if there is one, is not an array of numbers.
    #[cfg(feature = "safetensors")]
    pub(in crate::io) fn not_numbers(&self, name: &str) -> Option<String> {
        self.entries.get(name).and_then(|_| self.try_read(name, |_, _| Ok(())).err()).map(|problem| problem.to_string())
    }

    /// Passes the elements of an existing entry, `size` bytes, to `take`, in chunks of whole
    /// elements.
    #[cfg(feature = "safetensors")]
    pub(in crate::io) fn bytes(&self, name: &str, size: usize, take: impl FnMut(&[u8])) -> Result<(), FileError> {
        self.read(name, |entry, _| Ok(read_chunks(entry, size, take)?))
    }

    /// Reads all of an existing entry, whatever it is, to verify its checksum.
    fn verify(&self, name: &str) -> Result<(), FileError> {
        let read = || Ok(io::copy(&mut self.entry(name)?.0, &mut io::sink())?);
        read().map(drop).map_err(|problem| self.wrong(name, problem))
    }

    /// Reads an npy file's elements, which follow its header, while unpacking them. Its checksum is
    /// verified at its end.
    fn read<R>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, ArrayHeader) -> Result<R, Problem>,
    ) -> Result<R, FileError> {
        self.try_read(name, read).map_err(|problem| self.wrong(name, problem))
    }

    fn try_read<R>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, ArrayHeader) -> Result<R, Problem>,
    ) -> Result<R, Problem> {
        let (mut data, size) = self.entry(name)?;
        let header = read_header(&mut data, size)?;
        read(&mut data, header)
    }

    /// A reader of an existing entry, and the size that the directory states.
    fn entry(&self, name: &str) -> Result<(impl Read, u64), Problem> {
        let (method, wayfinder) = self.entries[name];
        let entry = self.archive.get_entry(wayfinder).map_err(|error| error.to_string())?;
        let compressed = entry.data();
        let data: Box<dyn Read> = match method {
            CompressionMethod::STORE => Box::new(compressed),
            CompressionMethod::DEFLATE => Box::new(Inflate::new(compressed)),
            other => return Err(format!("the compression is {other:?}, expected none or deflate").into()),
        };
        Ok((entry.verifying_reader(data), entry.claim_verifier().uncompressed_size))
    }

    fn wrong(&self, name: &str, problem: Problem) -> FileError {
        match problem {
            Problem::TooLarge(sentence) => {
                FileError::too_large(&self.path, format_args!("holds {} {sentence}", quoted(name)))
            }
            problem => wrong(&self.path, format_args!("in {}, {problem}", quoted(name))),
        }
    }
}

fn wrong(path: &Path, problem: impl fmt::Display) -> FileError {
    FileError::new(path, format_args!("is not a valid npz file: {problem}"))
}

/// The entries by name, without the extension of npy files.
fn directory(archive: &ZipSliceArchive<Vec<u8>>) -> Result<Directory, String> {
    let mut entries = Directory::new();
    let (mut ranges, mut found) = (Vec::new(), 0);
    for record in archive.entries() {
        let record = record.map_err(|error| error.to_string())?;
        let name = String::from_utf8_lossy(record.file_path().as_ref()).into_owned();
        let wayfinder = record.wayfinder();
        let entry = archive.get_entry(wayfinder).map_err(|error| format!("in {}, {error}", quoted(&name)))?;
        ranges.push((entry.compressed_data_range(), name.clone()));
        let key = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        if entries.insert(key, (record.compression_method(), wayfinder)).is_some() {
            return Err(format!("the name {} appears twice", quoted(&name)));
        }
        found += 1;
    }
    let expected = archive.entries_hint();
    if found != expected {
        return Err(format!("its directory has {found} entries, and should have {expected}"));
    }
    // A zip bomb: a small file whose entries share their data could unpack to any size.
    ranges.sort();
    if let Some(pair) = ranges.windows(2).find(|pair| pair[0].0.1 > pair[1].0.0) {
        return Err(format!("{} and {} overlap", quoted(&pair[0].1), quoted(&pair[1].1)));
    }
    Ok(entries)
}
