//! NumPy's files of several arrays, npz.

use super::disk::open;
use super::error::FileError;
use super::npy::read_array;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rawzip::{CompressionMethod, ZipArchive, ZipSliceEntry};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
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
    let unreadable = |error| FileError::io("cannot read", path, error);
    let mut bytes = Vec::new();
    let mut file = open(path)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let room = usize::try_from(size).is_ok_and(|size| bytes.try_reserve_exact(size).is_ok());
    if !room {
        return Err(FileError::new(path, format_args!("has {size} bytes, more than there is memory for")));
    }
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    arrays(&bytes).map_err(|problem| FileError::new(path, format_args!("is no valid npz file: {problem}")))
}

fn arrays<T: Real>(bytes: &[u8]) -> Result<BTreeMap<String, Tensor<T>>, String> {
    let archive = ZipArchive::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    for record in archive.entries() {
        let record = record.map_err(|error| error.to_string())?;
        let name = String::from_utf8_lossy(record.file_path().as_ref()).into_owned();
        let entry = archive.get_entry(record.wayfinder()).map_err(|error| format!("in {name:?}, {error}"))?;
        entries.push((name, record.compression_method(), entry));
    }
    let (found, told) = (entries.len(), archive.entries_hint());
    if found as u64 != told {
        return Err(format!("its directory has {found} entries, and should have {told}"));
    }
    // A small file whose entries share their data could unpack to any size.
    entries.sort_by_key(|(.., entry)| entry.compressed_data_range());
    if let Some(pair) = entries.windows(2).find(|p| p[0].2.compressed_data_range().1 > p[1].2.compressed_data_range().0)
    {
        return Err(format!("{:?} and {:?} overlap", pair[0].0, pair[1].0));
    }
    let mut arrays = BTreeMap::new();
    for (name, method, entry) in entries {
        let array = array(method, &entry).map_err(|problem| format!("in {name:?}, {problem}"))?;
        let key = name.strip_suffix(".npy").unwrap_or(&name);
        if arrays.insert(key.to_owned(), array).is_some() {
            return Err(format!("the name {key:?} stands twice"));
        }
    }
    Ok(arrays)
}

fn array<T: Real>(method: CompressionMethod, entry: &ZipSliceEntry<'_>) -> Result<Tensor<T>, String> {
    let packed = entry.data();
    let size = entry.claim_verifier().uncompressed_size;
    let data = match method {
        CompressionMethod::STORE => Cow::Borrowed(packed),
        CompressionMethod::DEFLATE => {
            let limit = usize::try_from(size).map_err(|error| error.to_string())?;
            let data = decompress_to_vec_with_limit(packed, limit).map_err(|error| error.to_string())?;
            Cow::Owned(data)
        }
        other => return Err(format!("the compression is {other:?}, expected none or deflate")),
    };
    io::copy(&mut entry.verifying_reader(&data[..]), &mut io::sink()).map_err(|error| error.to_string())?;
    read_array(&mut &data[..], data.len() as u64).map_err(|problem| problem.to_string())
}
