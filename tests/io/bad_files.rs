//! Files that are not what they should be: an error each, and never a panic, a large allocation or a changed model.

use crate::folder;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use unspool::io::{FileError, WeightFile};
use unspool::prelude::*;
use unspool::{load, save};

fn model(seed: u64) -> Dense<Tensor> {
    Dense { bias: Tensor::full(seed as f32, [3]), ..Dense::new(&mut rng(seed), 2, 3) }
}

/// Loads the file, sees to it that an error leaves the model as it is, and that nothing panics.
fn try_load(path: &Path) -> Result<Dense<Tensor>, FileError> {
    let (mut loaded, before) = (model(0), model(0));
    let result = catch_unwind(AssertUnwindSafe(|| load(path, &mut loaded)));
    let result = result.unwrap_or_else(|_| panic!("{} makes loading panic", path.display()));
    if result.is_err() {
        assert!(loaded.weight == before.weight && loaded.bias == before.bias, "an error has changed the model");
    }
    result.map(|()| loaded)
}

/// What is wrong with a file of this header (or text, or bytes) and as many bytes of data.
fn refused(path: &Path, header: &[u8], data: usize) -> String {
    let bytes = [&(header.len() as u64).to_le_bytes(), header, &vec![0; data]].concat();
    fs::write(path, bytes).unwrap();
    let message = try_load(path).unwrap_err().to_string();
    message.strip_prefix(&format!("{} ", path.display())).expect("begins with the path").to_owned()
}

#[test]
fn cut_and_lengthened_files_are_refused() {
    let path = folder("cut").join("dense.safetensors");
    save(&path, &model(1)).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let message = try_load(&path).unwrap_err().to_string();
        assert!(message.contains(" is not a valid safetensors file: "), "{length} bytes: {message}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let (end, size) = (whole.len(), whole.len() - 1);
    let sentence = format!("its tensors would end at byte {end}, and it has {size}");
    assert!(try_load(&path).unwrap_err().to_string().ends_with(&sentence));
    fs::write(&path, [&whole[..], b"\0"].concat()).unwrap();
    let sentence = format!("its tensors would end at byte {end}, and it has {}", end + 1);
    assert!(try_load(&path).unwrap_err().to_string().ends_with(&sentence));
    fs::write(&path, &whole).unwrap();
    assert_eq!(try_load(&path).unwrap().weight, model(1).weight);
}

#[test]
fn a_flipped_byte_is_refused_or_is_where_it_changes_nothing() {
    let path = folder("flipped").join("dense.safetensors");
    save(&path, &model(1)).unwrap();
    let whole = fs::read(&path).unwrap();
    let data = whole.len() - 4 * model(1).parameter_count();
    let mut refused = 0;
    for (at, flip) in (0..data).flat_map(|at| [1, 2, 4, 8, 16, 32, 64, 128, 255].map(|flip| (at, flip))) {
        let mut bytes = whole.clone();
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        match try_load(&path) {
            // In the text that is the version, or in the spaces at the end.
            Ok(loaded) => assert_eq!((loaded.weight, loaded.bias), (model(1).weight, model(1).bias), "byte {at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 8 * data, "{refused} of {} flips are refused", 9 * data);
}

#[test]
fn headers_that_lie_are_refused_in_a_sentence() {
    let path = folder("hostile").join("file");
    let entry = |text: &str, data| refused(&path, text.as_bytes(), data);
    let not_valid = |problem: &str| format!("is not a valid safetensors file: {problem}");
    let size = |bytes: usize| bytes.to_string();

    // Offsets.
    let overlapping = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    assert_eq!(entry(overlapping, 12), not_valid("invalid offset for tensor `b`"));
    let gap = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    assert_eq!(entry(gap, 8), not_valid("invalid offset for tensor `a`"));
    let backwards = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#;
    assert_eq!(entry(backwards, 4), not_valid("invalid offset for tensor `b`"));
    let beyond = format!(r#"{{"a":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}}}}"#, u64::MAX);
    assert!(entry(&beyond, 4).starts_with("is not a valid safetensors file: "));
    let far = r#"{"a":{"dtype":"U8","shape":[1000000],"data_offsets":[0,1000000]}}"#;
    let (end, has) = (size(8 + far.len() + 1_000_000), size(8 + far.len() + 4));
    assert_eq!(entry(far, 4), not_valid(&format!("its tensors would end at byte {end}, and it has {has}")));
    let negative = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}"#;
    assert!(entry(negative, 0).contains("in its header, invalid value: integer `-1`"));

    // Shapes.
    let overflow = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
    assert_eq!(entry(overflow, 0), not_valid("overflow computing buffer size from shape and/or element type"));
    let more = r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}"#;
    assert_eq!(entry(more, 4), not_valid("invalid shape, data type, or offset for tensor"));
    let odd = r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#;
    assert!(entry(odd, 2).starts_with("is not a valid safetensors file: "));

    // Names and types.
    let twice =
        r#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#;
    assert!(entry(twice, 4).contains("in its header, the name \"a\" appears twice"));
    let twice = r#"{"__metadata__":{},"__metadata__":{}}"#;
    assert!(entry(twice, 0).contains("in its header, the name \"__metadata__\" appears twice"));
    let unknown = r#"{"a":{"dtype":"F2","shape":[],"data_offsets":[0,4]}}"#;
    assert!(entry(unknown, 4).contains("in its header, unknown variant `F2`"));
    let nested = r#"{"__metadata__":{"a":{}}}"#;
    assert!(entry(nested, 0).contains("in its header, invalid type: map, expected a string"));

    // JSON.
    assert!(entry("", 0).contains("in its header, EOF"));
    assert!(entry("[]", 0).contains("in its header, invalid type: sequence, expected names with tensors"));
    assert!(entry("{} {}", 0).contains("in its header, trailing characters"));
    assert!(entry(&"[".repeat(100_000), 0).contains("in its header, "));
    assert!(entry(&format!(r#"{{"a":{}"#, r#"{"a":"#.repeat(100_000)), 0).contains("in its header, "));
    assert!(refused(&path, b"{\"\xff\":1}", 0).contains("in its header, invalid unicode"));
    assert!(entry("{}", 1).ends_with("its tensors would end at byte 10, and it has 11"));
    assert_eq!(entry("{}", 0), "does not fit the model: missing \"weight\", \"bias\"");
}

#[test]
fn a_header_of_a_huge_length_is_not_allocated() {
    let path = folder("huge").join("file");
    for (length, sentence) in [
        (u64::MAX, "its header would have 18446744073709551615 bytes, and at most 100000000 are allowed"),
        (100_000_001, "its header would have 100000001 bytes, and at most 100000000 are allowed"),
        (100_000_000, "its header would end at byte 100000008, and it has 10"),
        (3, "its header would end at byte 11, and it has 10"),
    ] {
        fs::write(&path, [&length.to_le_bytes()[..], b"{}"].concat()).unwrap();
        assert!(try_load(&path).unwrap_err().to_string().ends_with(sentence));
    }
    fs::write(&path, [0; 7]).unwrap();
    let message = try_load(&path).unwrap_err().to_string();
    assert!(message.ends_with("it has 7 bytes, and the length of its header alone takes 8"), "{message}");
}

/// A valid file of a terabyte (of holes), and one with a shape that no memory holds.
#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let path = folder("large").join("file");
    let header = format!(r#"{{"bias":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{}]}}}}"#, 1u64 << 38, 1u64 << 40);
    fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    if file.set_len(8 + header.len() as u64 + (1 << 40)).is_ok() {
        let message = try_load(&path).unwrap_err().to_string();
        assert!(message.contains("\"bias\" has shape [274877906944], expected [3]"), "{message}");
    }
    fs::remove_file(&path).unwrap();

    for shape in ["[0,18446744073709551615]", "[0,1,1,1,1,1,1]"] {
        let header = format!(r#"{{"bias":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#);
        let message = refused(&path, header.as_bytes(), 0);
        assert!(message.contains("\"bias\" has shape [0, 1"), "{message}");
        let error = WeightFile::open(&path).unwrap().tensor::<f32>("bias").unwrap_err().to_string();
        assert!(error.contains("holds \"bias\" of shape [0, 1"), "{error}");
        assert!(error.ends_with("which is more than a tensor can hold"), "{error}");
    }
}

/// Somebody writes into it, as nothing in this library does.
#[test]
fn a_file_that_shrinks_while_it_is_open_changes_no_model() {
    let path = folder("shrinks").join("file");
    save(&path, &model(1)).unwrap();
    let file = WeightFile::open(&path).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    File::options().write(true).open(&path).unwrap().set_len(length - 4).unwrap(); // "bias" comes first
    let mut loaded = model(0);
    let error = file.load("", &mut loaded).unwrap_err().to_string();
    assert!(error.starts_with("cannot read "), "{error}");
    assert!(loaded.weight == model(0).weight && loaded.bias == model(0).bias);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    let error = WeightFile::open("/dev/zero").unwrap_err();
    assert_eq!(error.to_string(), "cannot read /dev/zero: it is not a file");
}
