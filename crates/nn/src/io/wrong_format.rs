//! Recognises files that are not in the expected format, and explains what to do with them.

use super::error::FileError;
use super::files;
use std::io::Read;
use std::path::Path;

/// The formats that this library reads, each with a function of its own.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Format {
    Safetensors,
    Npz,
    Npy,
}

/// Replaces the `error` of reading a file that is not in an expected format, if it is in another
/// known one: by what it is and how to read it.
pub(super) fn explain(path: &Path, expected: &[Format], error: FileError) -> FileError {
    let mut start = Vec::new();
    if files::open(path).and_then(|file| file.take(PROBED).read_to_end(&mut start)).is_err() {
        return error;
    }
    let sentence = match supported(&start) {
        Some((form, sentence)) => (!expected.contains(&form)).then_some(sentence),
        None => unsupported(&start),
    };
    sentence.map_or(error, |sentence| FileError::new(path, sentence))
}

/// The bytes at the start of a file that are examined.
const PROBED: u64 = 1 << 12;

/// The longest header of a safetensors file: the limit that the format's own library sets.
pub(super) const MAX_SAFETENSORS_HEADER: u64 = 100_000_000;

fn supported(start: &[u8]) -> Option<(Format, &'static str)> {
    if start.starts_with(b"\x93NUMPY") {
        return Some((Format::Npy, "is an npy file, of one array without a name: `read_npy` reads it"));
    }
    if start.starts_with(b"PK\x03\x04") {
        return Some((Format::Npz, "is a zip file, as npz files are: `read_npz` reads those"));
    }
    let header = start.first_chunk().map(|length| u64::from_le_bytes(*length));
    let safetensors =
        header.is_some_and(|length| length <= MAX_SAFETENSORS_HEADER) && start.get(8).is_none_or(|&byte| byte == b'{');
    safetensors.then_some((Format::Safetensors, "is a safetensors file: `WeightFile` reads it"))
}

fn unsupported(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|text| text.eq_ignore_ascii_case(with.as_bytes()));
    let contains = |text: &[u8]| start.windows(text.len()).any(|window| window == text);
    if start.starts_with(HDF5) {
        return Some(KERAS);
    }
    if matches!(start, [0x80, 2..=5, ..]) {
        return Some(PICKLE);
    }
    if begins("{") && contains(b"\"weight_map\"") {
        return Some(
            "is the index of weights in several files: in Python, merge them, \
             `safetensors.torch.save_file({k: w for f in files for k, w in load_file(f).items()}, \"one.safetensors\")`",
        );
    }
    if ["<!doctype", "<html", "<?xml"].into_iter().any(begins) {
        return Some(
            "is a web page: download the file itself, which Hugging Face has under `/resolve/` in place of `/blob/`",
        );
    }
    if begins("version https://git-lfs") {
        return Some("is a Git LFS pointer: `git lfs pull` fetches the file itself");
    }
    start.starts_with(b"\x1f\x8b").then_some("is compressed with gzip: unpack it first")
}

/// How an HDF5 file begins.
pub(super) const HDF5: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

const KERAS: &str = if cfg!(feature = "keras") {
    "is an HDF5 file or a zip of one, as Keras saves models and weights: `load_keras` reads it"
} else {
    "is an HDF5 file or a zip of one, as Keras saves models and weights: the feature `keras` reads it; or load it in Keras, \
     and write the weights with the lines in the documentation of `KerasState`"
};

const PICKLE: &str = "is a bare pickle, as `torch.save` wrote before PyTorch 1.6: in Python, \
                      `safetensors.torch.save_file(torch.load(path, weights_only=True), \"weights.safetensors\")`";

#[cfg(feature = "npy")]
const TORCH: &str = if cfg!(feature = "torch") {
    "is a zip file of PyTorch: `load_torch` reads it"
} else {
    "is a zip file of PyTorch: the feature `torch` reads it; or in Python, \
     `safetensors.torch.save_file(torch.load(path, weights_only=True), \"weights.safetensors\")`"
};

/// What a zip file with these entries is, if it is not an npz.
#[cfg(feature = "npy")]
pub(super) fn explain_zip<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    names.find_map(|name| match name {
        _ if name.ends_with("data.pkl") => Some(TORCH),
        _ if name.ends_with("model.weights.h5") => Some(KERAS),
        _ => None,
    })
}
