//! Files that are taken for weights or arrays and are something else, and what to do with them.

use super::error::FileError;
use crate::io::files;
use std::io::Read;
use std::path::Path;

/// What is read here, each by a function of its own.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    Safetensors,
    Npz,
    Npy,
}

/// The error of reading a file that should have one of some forms: if it has a form that people take for that, what it is.
pub(super) fn explain(path: &Path, expected: &[Form], error: FileError) -> FileError {
    let mut start = Vec::new();
    if files::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start)).is_err() {
        return error;
    }
    let sentence = match own(&start) {
        Some((form, sentence)) => (!expected.contains(&form)).then_some(sentence),
        None => foreign(&start),
    };
    sentence.map_or(error, |sentence| FileError::new(path, sentence))
}

/// So many bytes are looked at.
const LOOKED_AT: u64 = 1 << 12;
/// The longest header of a safetensors file, as its readers have it.
pub(super) const LONGEST: u64 = 100_000_000;

fn own(start: &[u8]) -> Option<(Form, &'static str)> {
    if start.starts_with(b"\x93NUMPY") {
        return Some((Form::Npy, "is an npy file, of one array without a name: `read_npy` reads it"));
    }
    if start.starts_with(b"PK\x03\x04") {
        return Some((Form::Npz, "is a zip file, as npz files are: `read_npz` reads those"));
    }
    let header = start.first_chunk().map(|length| u64::from_le_bytes(*length));
    let safetensors = header.is_some_and(|length| length <= LONGEST) && start.get(8).is_none_or(|&byte| byte == b'{');
    safetensors.then_some((Form::Safetensors, "is a safetensors file: `WeightFile` reads it"))
}

fn foreign(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|text| text.eq_ignore_ascii_case(with.as_bytes()));
    let contains = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
    if start.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some(KERAS);
    }
    if matches!(start, [0x80, 2..=5, ..]) {
        return Some(TORCH);
    }
    if begins("{") && contains(b"\"weight_map\"") {
        return Some(
            "is the index of weights that are in several files: in Python, put them into one, \
             `safetensors.torch.save_file({k: w for f in files for k, w in load_file(f).items()}, \"one.safetensors\")`",
        );
    }
    if ["<!doctype", "<html", "<?xml"].into_iter().any(begins) {
        return Some(
            "is a web page: download the file itself, which Hugging Face has under `/resolve/` in place of `/blob/`",
        );
    }
    if begins("version https://git-lfs") {
        return Some("is a pointer of Git LFS to the file: `git lfs pull` fetches the file itself");
    }
    start.starts_with(b"\x1f\x8b").then_some("is compressed with gzip: unpack it first")
}

const KERAS: &str = "is an HDF5 file or a zip of one, as Keras saves models and weights: load it in Keras, and write the weights with \
                     the lines in the documentation of `KerasState`";

const TORCH: &str = "is a pickle, as `torch.save` writes: in Python, \
                     `safetensors.torch.save_file(torch.load(path, weights_only=True), \"weights.safetensors\")`";

/// What a zip file of these entries is, if it is no npz.
#[cfg(feature = "npy")]
pub(super) fn archive<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    names.find_map(|name| match name {
        _ if name.ends_with("data.pkl") => Some(TORCH),
        _ if name.ends_with("model.weights.h5") => Some(KERAS),
        _ => None,
    })
}
