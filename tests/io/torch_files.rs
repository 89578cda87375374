//! Files of `torch.save`, written by `fixtures/own_files.py`, and such files with mistakes.

use crate::exchange::{HIDDEN, INPUTS, fixture};
use crate::folder;
use std::fs;
use std::path::{Path, PathBuf};
use unspool::io::{FileError, TorchState, WeightFile, load_torch};
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Stack};
use unspool::tensor::Real;
use unspool::text::LanguageModel;
use unspool::{Embedding, Gru, Lstm, dropout};

fn torch_file(name: &str) -> PathBuf {
    fixture(name).with_extension("pt")
}

pub fn problem<R>(path: &Path, result: Result<R, FileError>) -> String {
    let message = result.err().expect("refused").to_string();
    message.strip_prefix(&format!("{} ", path.display())).expect("begins with the path").to_owned()
}

fn lstm_model() -> Recurrent<Lstm<Tensor>> {
    Recurrent::new(Lstm::new(&mut rng(0), INPUTS, HIDDEN))
}

/// The weights of `lstm_torch`.
fn lstm_weights() -> Recurrent<Lstm<Tensor>> {
    let mut model = lstm_model();
    load_torch(fixture("lstm_torch"), &mut model).unwrap();
    model
}

#[track_caller]
fn assert_same<T: Real, M: Params<Tensor<T>>>(what: &str, a: &M, b: &M) {
    assert!(a.leaves() == b.leaves(), "{what}");
}

/// Those of the safetensors files, which `exchange.rs` holds against what PyTorch computes.
#[test]
fn a_file_of_torch_save_holds_the_weights_of_the_safetensors_file() {
    fn check<T: Real, M: Params<Tensor<T>> + TorchState + Clone>(name: &str, mut model: M) {
        let mut expected = model.clone();
        load_torch(fixture(&format!("{name}_torch")), &mut expected).unwrap();
        load_torch(torch_file(&format!("{name}_torch")), &mut model).unwrap();
        assert_same(name, &model, &expected);
    }
    let rng = &mut rng(0);
    check("lstm", lstm_model());
    check("lstm_f16", lstm_model());
    check("lstm_bf16", lstm_model());
    check("lstm_bf16", lstm_model().cast::<f64>());
    let [forward, backward] = [0; 2].map(|_| Gru::<Tensor>::new(rng, INPUTS, HIDDEN));
    check("gru_both", Bidirectional::new(forward, backward));
    let both = [INPUTS, 2 * HIDDEN].map(|inputs| {
        let [forward, backward] = [0; 2].map(|_| Lstm::<Tensor>::new(rng, inputs, HIDDEN));
        Bidirectional::new(forward, backward)
    });
    check("lstm_both_2", Stack::new(both));
    check("embedding", Embedding::<Tensor>::new(rng, 7, HIDDEN));
    check("sequential", sequential().add(dense(INPUTS, HIDDEN)).add(dropout(0.5)).add(dense(HIDDEN, 2)));
    check("language_model_tied", LanguageModel::<Tensor>::tied(rng, 7, HIDDEN, [HIDDEN, HIDDEN], Lstm::new));
}

#[test]
fn the_state_dict_of_a_checkpoint_is_found_or_chosen() {
    let expected = lstm_weights();
    for name in ["checkpoint", "parameters"] {
        let mut model = lstm_model();
        load_torch(torch_file(name), &mut model).unwrap();
        assert_same(name, &model, &expected);
    }
    let path = torch_file("checkpoint");
    let names: Vec<String> = WeightFile::open(&path).unwrap().names().map(str::to_owned).collect();
    let prefixed =
        ["bias_hh_l0", "bias_ih_l0", "weight_hh_l0", "weight_ih_l0"].map(|n| format!("model_state_dict.{n}"));
    assert_eq!(names, prefixed);

    let path = torch_file("two_models");
    let mut model = lstm_model();
    let says = "has several dictionaries of tensors, \"model\", \"ema\": choose one, \
                `WeightFile::open(path)?.load_torch(\"model\", &mut model)`";
    assert_eq!(problem(&path, load_torch(&path, &mut model)), says);
    assert_same("refused", &model, &lstm_model());
    for name in ["model", "ema"] {
        let mut model = lstm_model();
        WeightFile::open(&path).unwrap().load_torch(name, &mut model).unwrap();
        assert_same(name, &model, &expected);
    }
}

/// The numbers of the views are those that `strided.pt` is written with.
#[test]
fn tensors_that_are_views_are_read_in_row_major_order() -> Result<(), FileError> {
    let file = WeightFile::open(torch_file("strided"))?;
    let whole = Tensor::<f32>::from_fn([2, 3, 4], |i| i as f32 / 2.0 - 1.0);
    let select = |i| whole.select(0, i);
    let columns = whole.slice(2, 1..3);
    let expected = [
        ("whole", whole.clone()),
        ("transposed", select(0).t()),
        ("permuted", whole.permute(&[1, 2, 0])),
        ("part", select(1)),
        ("columns", columns),
        ("every_other", Tensor::from_vec(vec![-1.0, 3.0, 0.0, 4.0], [2, 2])),
        ("one", Tensor::from_vec(vec![10.5], [1, 1, 1])),
        ("scalar", Tensor::scalar(10.5)),
        ("empty", whole.slice(1, ..0)),
        ("half", whole.select(2, 2)),
    ];
    for (name, expected) in &expected {
        let tensor = file.tensor::<f32>(name)?;
        assert_eq!(&tensor, expected, "{name}");
        assert!(tensor.is_contiguous(), "{name}");
    }
    assert_eq!(file.tensor::<f64>("double")?, whole.permute(&[2, 0, 1]).cast());
    assert_eq!(file.names().count(), expected.len() + 3); // and `double`, `count`, `flags`
    let path = torch_file("strided");
    assert_eq!(problem(&path, file.tensor::<f32>("count")), "holds \"count\" as i64, expected f32");
    Ok(())
}

#[test]
fn what_is_no_state_dict_is_refused_and_nothing_is_executed() {
    for (name, says) in [
        ("module", "names \"torch.nn.modules.rnn.LSTM\", which no state dict needs and only Python can make: "),
        (
            "attack",
            "names \"posix.system\", which no state dict needs and only Python can make: nothing was executed; ",
        ),
        ("script", "is TorchScript, whose weights are in \"__torch__.torch.nn.modules.linear.Linear\": in Python, "),
        ("tensor", "is not a valid PyTorch file: it holds no dictionary of tensors"),
        ("repeated", "is not a valid PyTorch file: in \"repeated\", elements are repeated: save `tensor.contiguous()`"),
        ("legacy", "is a bare pickle, as `torch.save` wrote before PyTorch 1.6: in Python, "),
    ] {
        let path = torch_file(name);
        let mut model = lstm_model();
        let sentence = problem(&path, load_torch(&path, &mut model));
        assert!(sentence.starts_with(says), "{name}: {sentence}");
        assert_same(name, &model, &lstm_model());
    }
    assert!(!Path::new("executed").exists());
}

/// A file of one tensor, `x`, of two floats, with one change in its bytes.
fn changed(path: &Path, from: &[u8], to: &[u8]) -> String {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(torch_file("lstm_torch")).unwrap();
    let found: Vec<usize> = (0..bytes.len() - from.len()).filter(|&i| bytes[i..].starts_with(from)).collect();
    assert!(!found.is_empty(), "{from:?} is not in the file");
    found.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    fs::write(path, bytes).unwrap();
    problem(path, load_torch(path, &mut lstm_model()))
}

#[test]
fn numbers_that_lie_are_found() {
    let path = folder("torch lies").join("lstm.pt");
    for (from, to, says) in [
        (&b"little"[..], &b"big   "[..], "is not a valid PyTorch file: its numbers are big-endian: "),
        // The shape (16, 3): (255, 3).
        (
            b"K\x10K\x03\x86",
            b"K\xffK\x03\x86",
            "is not a valid PyTorch file: in \"weight_ih_l0\", 765 elements from 0 on are not within the 192 bytes of their storage",
        ),
        // Its strides (3, 1): (0, 1), and (3, 0).
        (
            b"K\x03K\x01\x86",
            b"K\x00K\x01\x86",
            "is not a valid PyTorch file: in \"weight_ih_l0\", elements are repeated",
        ),
        (
            b"K\x03K\x01\x86",
            b"K\x03K\x00\x86",
            "is not a valid PyTorch file: in \"weight_ih_l0\", elements are repeated",
        ),
        (b"bias_ih_l0", b"bias_hh_l0", "is not a valid PyTorch file: the name \"bias_hh_l0\" appears twice"),
        (
            b"FloatStorage",
            b"OtherStorage",
            "is not a valid PyTorch file: in \"weight_ih_l0\", the elements are those of \"OtherStorage\", which is not supported",
        ),
        (
            b"_rebuild_tensor_v2",
            b"_rebuild_tensor_v9",
            "names \"torch._utils._rebuild_tensor_v9\", which no state dict needs ",
        ),
        (
            b"\x80\x02ccollections",
            b"\x80\x02\xffcollections",
            "is not a valid PyTorch file: in its pickle, the instruction 0xff at byte 2 is unknown",
        ),
        // The storage of the first: one that is not there.
        (
            b"X\x01\0\0\x000",
            b"X\x01\0\0\x009",
            "is not a valid PyTorch file: in \"weight_ih_l0\", it has no entry \"lstm_torch/data/9\"",
        ),
    ] {
        let sentence = changed(&path, from, to);
        assert!(sentence.starts_with(says), "{sentence}");
    }
    // The byte of a pickle's end, and each shorter file.
    let bytes = fs::read(torch_file("lstm_torch")).unwrap();
    for length in (8..bytes.len()).step_by(7) {
        fs::write(&path, &bytes[..length]).unwrap();
        let sentence = problem(&path, load_torch(&path, &mut lstm_model()));
        assert!(sentence.starts_with("is not a valid zip file: "), "{length} bytes: {sentence}");
    }
}

/// A pickle in a zip file, whose entries are stored. Checksums are not looked at.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let size = (bytes.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        let start = (file.len() as u32).to_le_bytes();
        let sizes = [&[0; 8][..], &size, &size, &length].concat(); // times and checksum, then the sizes
        file.extend([b"PK\x03\x04\x14\0\0\0\0\0", &sizes[..], &[0; 2], name.as_bytes(), bytes].concat());
        directory.extend([b"PK\x01\x02\x14\0\x14\0\0\0\0\0", &sizes[..], &[0; 12], &start, name.as_bytes()].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let places = [(directory.len() as u32).to_le_bytes(), (file.len() as u32).to_le_bytes()].concat();
    [&file[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &places, &[0; 2]].concat()
}

/// Neither the stack of the machine nor its memory grows with what a pickle builds.
#[test]
fn pickles_that_are_bombs_are_refused() {
    let path = folder("pickle bombs").join("bomb.pt");
    let refused = |pickle: &[u8]| {
        fs::write(&path, zip(&[("a/data.pkl", pickle)])).unwrap();
        problem(&path, load_torch(&path, &mut lstm_model()))
    };
    let nothing = "is not a valid PyTorch file: it holds no dictionary of tensors";
    // A tuple in a tuple in a tuple, 1 million deep; a dictionary in a dictionary.
    assert_eq!(refused(&[&b"\x80\x02)"[..], &b"\x85".repeat(1_000_000), b"."].concat()), nothing);
    assert_eq!(refused(&[&b"}X\x01\0\0\0a".repeat(100_000)[..], b"N", &b"s".repeat(100_000), b"."].concat()), nothing);
    // One that contains itself twice, under two names.
    let itself = b"}q\0(X\x01\0\0\0ah\0X\x01\0\0\0bh\0u.";
    assert_eq!(refused(itself), "is not a valid PyTorch file: its dictionaries repeat each other");
    // Ten of ten of ten .. of the same.
    let ten: Vec<u8> =
        (0..10u8).flat_map(|i| [b"X\x01\0\0\0"[..].to_vec(), vec![b'0' + i], b"h\0".to_vec()].concat()).collect();
    let level = [&b"q\0"[..], b"}(", &ten, b"u"].concat();
    let pickle = [&b"}"[..], &level.repeat(20), b"."].concat();
    assert_eq!(refused(&pickle), "is not a valid PyTorch file: its dictionaries repeat each other");
    for (pickle, says) in [
        (&b""[..], "it is cut short"),
        (b".", "nothing is on the stack at byte 1"),
        (b"(.", "nothing is on the stack at byte 2"),
        (b"0.", "the instruction 0x30 at byte 0 is unknown"),
        (b"X\xff\xff\xff\xffa", "it is cut short"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa", "it is cut short"),
        (b"N(u.", "no dictionary is on the stack at byte 3"),
        (b"}(Nu.", "no dictionary is on the stack at byte 4"),
        (b"e.", "no mark is on the stack at byte 1"),
        (b"h\x07.", "no value is remembered as 7 at byte 2"),
        (b"NN\x93.", "the function at byte 2 has no name"),
        (b"cos\n\xff\n.", "the name at byte 6 is not UTF-8"),
    ] {
        assert_eq!(refused(pickle), format!("is not a valid PyTorch file: in its pickle, {says}"), "{pickle:?}");
    }
    let system = "names \"os.system\", which no state dict needs and only Python can make: ";
    for pickle in [&b"cos\nsystem\n(X\x04\0\0\0touchtR."[..], b"\x8c\x02os\x8c\x06system\x93)R."] {
        assert!(refused(pickle).starts_with(system), "{}", refused(pickle));
    }
}

#[test]
fn zip_files_with_mistakes_are_refused() {
    let path = folder("torch zips").join("model.pt");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        problem(&path, load_torch(&path, &mut lstm_model()))
    };
    let good = zip(&[("a/data.pkl", b"}."), ("a/data/0", b"1234")]);
    let nothing = "is not a valid PyTorch file: it holds no dictionary of tensors";
    assert_eq!(refused(&good), nothing);
    let twice = zip(&[("a/data.pkl", b"}."), ("a/data.pkl", b"}.")]);
    assert_eq!(refused(&twice), "is not a valid zip file: the name \"a/data.pkl\" appears twice");

    let directory = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[directory + at] = byte;
        refused(&bytes)
    };
    assert_eq!(with(8, 1), "is not a valid PyTorch file: in \"a/data.pkl\", it is encrypted");
    assert_eq!(with(10, 8), "is not a valid PyTorch file: in \"a/data.pkl\", it is compressed");
    assert_eq!(with(22, 200), "is not a valid zip file: \"a/data.pkl\" and \"a/data/0\" overlap");
    let mut bytes = good.clone();
    let end = bytes.len() - 22;
    bytes[end + 10] = 3;
    assert_eq!(refused(&bytes), "is not a valid zip file: its directory has 2 entries, and should have 3");

    let long = vec![b'N'; (1 << 24) + 1];
    let says = "is not a valid PyTorch file: \"a/data.pkl\" has 16777217 bytes, and at most 16777216 are read";
    assert_eq!(refused(&zip(&[("a/data.pkl", &long)])), says);
}
