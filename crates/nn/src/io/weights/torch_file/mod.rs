//! PyTorch's own files: a zip file of a pickle that describes tensors, and of their storages.
//!
//! What must stay true: nothing that a pickle names is executed, and no number in it is believed:
//! each tensor then lies within its storage, and the storage within the file.

mod pickle;
mod state_dict;

use self::pickle::Pickle;
use self::state_dict::{Described, StateDicts, allowed};
use super::safetensors_header::Header;
use super::strided::{Strided, strided};
use crate::io::error::FileError;
use crate::io::stored_zip::StoredZip;
use crate::messages::quoted;
use safetensors::tensor::TensorInfo;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// The longest pickle. A choice: a tensor takes some 200 bytes of it.
const MAX_PICKLE: u64 = 1 << 24;

/// The entry that describes the tensors, by which PyTorch's zip files are recognized.
pub(super) fn pickle_name(zip: &StoredZip) -> Option<&str> {
    zip.names().find(|name| *name == PICKLE || name.ends_with("/data.pkl"))
}

const PICKLE: &str = "data.pkl";

/// Which tensors a file has, how those are arranged that are not in row-major order, and the prefix
/// of each dictionary that holds tensors.
pub(super) type Contents = (Header, BTreeMap<String, Strided>, Vec<String>);

/// Reads what the file at `path` has. `pickle` is the name of the entry that describes the tensors.
pub(super) fn read(file: &File, path: &Path, zip: &StoredZip, pickle: &str) -> Result<Contents, FileError> {
    let invalid = |problem: String| FileError::new(path, format_args!("is not a valid PyTorch file: {problem}"));
    let folder = pickle.strip_suffix(PICKLE).expect("its name ends so");
    let byte_order = format!("{folder}byteorder");
    if zip.names().any(|name| name == byte_order)
        && zip.bytes(file, &byte_order, 16).map_err(invalid)?.trim_ascii() != b"little"
    {
        return Err(invalid("its numbers are big-endian: save it on a little-endian machine".to_owned()));
    }

    let bytes = zip.bytes(file, pickle, MAX_PICKLE).map_err(invalid)?;
    let pickle = Pickle::read(&bytes, allowed).map_err(|problem| match problem {
        pickle::Problem::Invalid(problem) => invalid(format!("in its pickle, {problem}")),
        pickle::Problem::NotAllowed(sentence) => FileError::new(path, sentence),
    })?;
    let StateDicts { tensors, prefixes } = StateDicts::read(&pickle, bytes.len()).map_err(invalid)?;

    let (mut infos, mut layouts) = (BTreeMap::new(), BTreeMap::new());
    for (name, tensor) in tensors {
        let place =
            place(zip, folder, &tensor).map_err(|problem| invalid(format!("in {}, {problem}", quoted(&name))))?;
        let (data_offsets, layout) = place;
        if let Some(layout) = layout {
            layouts.insert(name.clone(), layout);
        }
        infos.insert(name, TensorInfo { dtype: tensor.dtype, shape: tensor.shape, data_offsets });
    }
    Ok((Header { tensors: infos, texts: BTreeMap::new(), data: 0 }, layouts, prefixes))
}

/// The bytes of the file from the first to the last element of a tensor, and how they are arranged
/// if not in row-major order.
fn place(zip: &StoredZip, folder: &str, tensor: &Described<'_>) -> Result<((usize, usize), Option<Strided>), String> {
    let storage = zip.range(&format!("{folder}data/{}", tensor.storage))?;
    let (layout, elements) = strided(&tensor.shape, &tensor.strides)?;
    let size = tensor.dtype.bitsize() / 8;
    let bytes = |elements: usize| elements.checked_mul(size);
    let range = (|| {
        let start = usize::try_from(storage.start).ok()?.checked_add(bytes(tensor.offset)?)?;
        let end = start.checked_add(bytes(elements)?)?;
        (end as u64 <= storage.end).then_some((start, end))
    })();
    let range = range.ok_or_else(|| {
        let (offset, bytes) = (tensor.offset, storage.end - storage.start);
        format!("{elements} elements from {offset} on are not within the {bytes} bytes of their storage")
    })?;
    Ok((range, layout))
}
