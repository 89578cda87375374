//! Files that are no weights and no arrays, beside those that are, and in their place.

use crate::folder;
use crate::variants::zip_of;
use std::fs;
use std::path::{Path, PathBuf};
use unspool::io::{FileError, WeightFile, load_torch, read_npy, read_npz, write_npy};
use unspool::layers::LayerNorm;
use unspool::load;
use unspool::prelude::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/npy").join(name)
}

fn problem<R>(path: &Path, result: Result<R, FileError>) -> String {
    let message = result.err().expect("refused").to_string();
    message.strip_prefix(&format!("{} ", path.display())).expect("begins with the path").to_owned()
}

/// `mixed.npz` has arrays of numbers, texts, objects, records and complex numbers, a text file, a folder and an empty file.
#[test]
fn what_is_no_array_of_numbers_does_not_hide_those_that_are() -> Result<(), FileError> {
    let path = fixture("mixed.npz");
    let floats = Tensor::<f32>::from_fn([2, 3, 4], |i| i as f32 / 2.0 - 1.0);
    let arrays = read_npz::<f32>(&path)?;
    assert_eq!(arrays.keys().collect::<Vec<_>>(), ["axes", "floats"]);
    assert!(arrays.values().all(|array| *array == floats));

    let file = WeightFile::open(&path)?;
    assert_eq!(file.names().collect::<Vec<_>>(), ["axes", "floats"]);
    assert_eq!(file.tensor::<f32>("floats")?, floats);
    for (name, says) in [
        ("names", "it holds \"<U2\", expected numbers such as \"<f4\" or \"<i8\""),
        ("objects", "it holds \"|O\", expected numbers such as \"<f4\" or \"<i8\""),
        ("waves", "it holds \"<c8\", expected numbers such as \"<f4\" or \"<i8\""),
        ("README.md", "it does not begin as npy files do"),
        ("notes/", "it does not begin as npy files do"),
        ("notes/empty", "it does not begin as npy files do"),
    ] {
        assert_eq!(problem(&path, file.tensor::<f32>(name)), format!("cannot be read in {name:?}: {says}"));
    }
    let records = problem(&path, file.tensor::<f32>("records"));
    assert!(
        records.starts_with("cannot be read in \"records\": its header is \"{'descr': [('a', '<f4'), ("),
        "{records}"
    );

    // A model that needs one of them gets the reason.
    let mut model = Dense { weight: floats.slice(0, ..1).reshape([3, 4]), bias: floats.slice(0, ..0).reshape([0]) };
    let result = file.load_with("", &mut model, |model, dict| dict.same("names", &mut model.weight));
    let says = "does not fit the model: unexpected \"axes\", \"floats\"; \"names\" cannot be read: it holds \"<U2\", ";
    assert!(problem(&path, result).starts_with(says));
    let mut model = LayerNorm { gain: Tensor::zeros([2, 3, 4]), ..LayerNorm::new(1) };
    file.strict(false).load_with("", &mut model, |model, dict| dict.same("floats", &mut model.gain))?;
    assert_eq!(model.gain, floats);
    Ok(())
}

/// It could have been an array.
#[test]
fn what_is_left_out_of_an_npz_is_not_damaged() {
    let path = folder("left out").join("mixed.npz");
    let mut bytes = fs::read(fixture("mixed.npz")).unwrap();
    let readme = bytes.windows(10).position(|part| part == b"# A series").unwrap();
    bytes[readme] = b'!';
    fs::write(&path, &bytes).unwrap();
    let says = problem(&path, read_npz::<f32>(&path));
    assert!(says.starts_with("is not a valid npz file: in \"README.md\", "), "{says}");
    assert!(WeightFile::open(&path).unwrap().tensor::<f32>("floats").is_ok(), "it reads what is asked for");

    fs::write(&path, zip_of("README.md")).unwrap();
    let says = "is not a valid npz file: in \"README.md\", it does not begin as npy files do";
    assert_eq!(problem(&path, read_npz::<f32>(&path)), says);
}

/// The beginnings are those that the formats prescribe, and those of files that Keras, PyTorch, Git and servers write.
#[test]
fn files_that_are_taken_for_weights_are_named_with_what_to_do() {
    let path = folder("other files").join("model.safetensors");
    let index = br#"{"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b\nsize 12345\n";
    let protocol_2 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec(); // torch.save before 1.6
    let protocol_4 = b"\x80\x04\x95\x1a\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.".to_vec();
    let (pickle, page) = ("is a bare pickle, as `torch.save` wrote before PyTorch 1.6: in Python, ", "is a web page: ");
    let others = [
        (protocol_2, pickle),
        (protocol_4, pickle),
        (index.to_vec(), "is the index of weights in several files: in Python, "),
        (b"<!DOCTYPE html>\n<html><head>".to_vec(), page),
        (b"\xef\xbb\xbf\n  <HTML lang=\"en\">".to_vec(), page),
        (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied".to_vec(), page),
        (pointer.into(), "is a Git LFS pointer: `git lfs pull` "),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), "is compressed with gzip: "),
    ];
    for (bytes, says) in others {
        fs::write(&path, bytes).unwrap();
        let mut model = Dense::<Tensor>::new(&mut rng(0), 2, 3);
        let before = model.clone();
        let mut refused = vec![problem(&path, load(&path, &mut model)), problem(&path, load_torch(&path, &mut model))];
        refused.push(problem(&path, read_npz::<f32>(&path)));
        refused.push(problem(&path, read_npy::<f32>(&path)));
        assert!(model.leaves() == before.leaves());
        refused.iter().for_each(|sentence| assert!(sentence.starts_with(says), "{sentence}"));
    }
}

/// What this library reads, but with another function.
#[test]
fn the_function_that_reads_a_file_is_named() {
    let folder = folder("forms");
    let (npy, weights) = (folder.join("x.npy"), folder.join("x.safetensors"));
    let model = Dense::<Tensor>::new(&mut rng(0), 2, 3);
    write_npy(&npy, &model.weight).unwrap();
    save(&weights, &model).unwrap();
    let npz = fixture("stored.npz");
    let says = "is an npy file, of one array without a name: `read_npy` reads it";
    assert_eq!(problem(&npy, WeightFile::open(&npy)), says);
    assert_eq!(problem(&npy, read_npz::<f32>(&npy)), says);
    let says = "is a safetensors file: `WeightFile` reads it";
    assert_eq!(problem(&weights, read_npy::<f32>(&weights)), says);
    assert_eq!(problem(&weights, read_npz::<f32>(&weights)), says);
    assert_eq!(problem(&npz, read_npy::<f32>(&npz)), "is a zip file, as npz files are: `read_npz` reads those");

    let exchange = |name| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchange").join(name);
    let torch = exchange("lstm_torch.pt");
    assert_eq!(problem(&torch, read_npz::<f32>(&torch)), "is a zip file of PyTorch: `load_torch` reads it");
    let says = "is an HDF5 file or a zip of one, as Keras saves models and weights: `load_keras` reads it";
    for keras in [exchange("deep_keras.keras"), exchange("deep_keras.weights.h5")] {
        assert_eq!(problem(&keras, read_npz::<f32>(&keras)), says);
    }

    // A safetensors file that is cut stays one, whatever its length looks like: 640 bytes, as a pickle begins.
    fs::write(&weights, [&640u64.to_le_bytes()[..], b"{\"a\":"].concat()).unwrap();
    let says = problem(&weights, WeightFile::open(&weights));
    assert_eq!(says, "is not a valid safetensors file: its header would end at byte 648, and it has 13");
}
