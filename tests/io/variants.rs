//! Weights in other forms: in npz files, of half precision, and layers that were made without some of them.

use crate::exchange::{HIDDEN, INPUTS, assert_close, fixture, output, outputs};
use crate::folder;
use std::fs;
use std::path::PathBuf;
use unspool::cells::GruResetBefore;
use unspool::io::{WeightFile, load_keras, load_torch};
use unspool::layers::LayerNorm;
use unspool::prelude::*;
use unspool::tensor::Real;
use unspool::{Gru, Lstm, gru, load, lstm};

/// Every weight NaN, so that one that is not loaded is found.
fn unset<T: Real, M: Params<Tensor<T>>>(mut model: M) -> M {
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::full(T::NAN, leaf.shape()));
    model
}

#[test]
fn layers_without_biases_load_zeros() {
    let rng = &mut rng(0);
    macro_rules! torch {
        ($name:literal, $model:expr) => {
            let mut model = unset($model);
            load_torch(fixture(concat!($name, "_torch")), &mut model).unwrap();
            let y = output(&model, &outputs(concat!($name, "_torch.x")));
            assert_close($name, &y, &outputs(concat!($name, "_torch.y")), 1e-6);
        };
    }
    torch!("rnn_bare", Recurrent::new(SimpleRnn::<Tensor>::new(rng, INPUTS, HIDDEN)).return_sequences());
    torch!("lstm_bare", Recurrent::new(Lstm::<Tensor>::new(rng, INPUTS, HIDDEN)).return_sequences());
    torch!("gru_bare", Recurrent::new(Gru::<Tensor>::new(rng, INPUTS, HIDDEN)).return_sequences());
    torch!("linear_bare", Dense::<Tensor>::new(rng, INPUTS, HIDDEN));
    torch!("layer_norm_bare", LayerNorm::<Tensor>::new(INPUTS));
    torch!("layer_norm_gain", LayerNorm::<Tensor>::new(INPUTS));

    let rnn = sequential().add(simple_rnn(INPUTS, HIDDEN).return_sequences());
    let rnns = rnn.add(lstm(HIDDEN, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN).return_sequences());
    let before = recurrent(|rng| GruResetBefore::new(rng, HIDDEN, HIDDEN));
    let mut bare = unset(rnns.add(before).add(dense(HIDDEN, 2)));
    let mut norm = unset([LayerNorm::<Tensor>::new(INPUTS)]);
    for ending in ["safetensors", "npz"] {
        load_keras(fixture("bare_keras").with_extension(ending), &mut bare).unwrap();
        assert_close("bare", &output(&bare, &outputs("bare_keras.x")), &outputs("bare_keras.y"), 1e-6);
        bare = unset(bare);
        load_keras(fixture("layer_norm_bare_keras").with_extension(ending), &mut norm).unwrap();
        let y = output(&norm[0], &outputs("layer_norm_bare_keras.x"));
        assert_close("layer_norm_bare", &y, &outputs("layer_norm_bare_keras.y"), 1e-6);
        norm = unset(norm);
    }
}

/// A bias that is there under another name, or one of two, is a mistake.
#[test]
fn a_part_of_the_biases_is_refused() {
    let path = folder("half a bias").join("file");
    let names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];
    let refused = |change: [&str; 2]| {
        let file = WeightFile::open(fixture("rnn_torch")).unwrap();
        let mut checkpoint = unspool::io::Checkpoint::new();
        for name in names {
            let new = if name == change[0] { change[1] } else { name };
            if !new.is_empty() {
                checkpoint.put_tensor(new, &file.tensor::<f32>(name).unwrap());
            }
        }
        checkpoint.save(&path).unwrap();
        let mut model = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN));
        let message = load_torch(&path, &mut model).unwrap_err().to_string();
        message.split_once(" does not fit the model: ").unwrap().1.to_owned()
    };
    assert_eq!(refused(["bias_hh_l0", ""]), "missing \"bias_hh_l0\"");
    assert_eq!(refused(["bias_ih_l0", ""]), "missing \"bias_ih_l0\"");
    assert_eq!(refused(["bias_hh_l0", "bias_hh"]), "missing \"bias_hh_l0\"; unexpected \"bias_hh\"");
    assert_eq!(refused(["weight_hh_l0", ""]), "missing \"weight_hh_l0\"");
}

#[test]
fn half_precision_becomes_the_type_of_the_model() {
    for name in ["lstm_f16_torch", "lstm_bf16_torch"] {
        let lstm = Lstm::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN);
        let mut single = unset(Recurrent::new(lstm).return_sequences());
        let mut double = single.cast::<f64>();
        load_torch(fixture(name), &mut single).unwrap();
        load_torch(fixture(name), &mut double).unwrap();
        let expected: Tensor = outputs(&format!("{name}.y"));
        assert_close(name, &output(&single, &outputs(&format!("{name}.x"))), &expected, 1e-6);
        let x: Tensor = outputs(&format!("{name}.x"));
        assert_close(name, &output(&double, &x.cast()), &expected.cast(), 1e-6);
    }
}

/// Every number of two bytes, against the definition: sign, exponent, fraction.
#[test]
fn every_half_is_read_exactly() {
    let path = folder("halves").join("halves.safetensors");
    for (dtype, exponent_bits, bias) in [("F16", 5, 15), ("BF16", 8, 127)] {
        let header = format!(r#"{{"x":{{"dtype":"{dtype}","shape":[65536],"data_offsets":[0,131072]}}}}"#);
        let data: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()).unwrap();
        let file = WeightFile::open(&path).unwrap();
        let (single, double) = (file.tensor::<f32>("x").unwrap(), file.tensor::<f64>("x").unwrap());
        let fraction_bits = 15 - exponent_bits;
        for (bits, (single, double)) in single.to_vec().into_iter().zip(double.to_vec()).enumerate() {
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let exponent = (bits & 0x7fff) >> fraction_bits;
            let fraction = (bits & ((1 << fraction_bits) - 1)) as f64 / f64::from(1 << fraction_bits);
            let expected = match exponent {
                0 => sign * fraction * 2f64.powi(1 - bias),
                e if e == (1 << exponent_bits) - 1 => {
                    if fraction == 0.0 {
                        sign * f64::INFINITY
                    } else {
                        f64::NAN
                    }
                }
                e => sign * (1.0 + fraction) * 2f64.powi(e as i32 - bias),
            };
            if expected.is_nan() {
                assert!(single.is_nan() && double.is_nan(), "{dtype} {bits:#x}");
            } else {
                assert_eq!(double.to_bits(), expected.to_bits(), "{dtype} {bits:#x}");
                assert_eq!(f64::from(single).to_bits(), expected.to_bits(), "{dtype} {bits:#x}");
            }
        }
    }
}

fn npy_fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/npy").join(name)
}

#[test]
fn arrays_of_an_npz_are_a_checkpoint() {
    for name in ["stored.npz", "packed.npz"] {
        let file = WeightFile::open(npy_fixture(name)).unwrap();
        let floats = Tensor::<f32>::from_fn([2, 3, 4], |i| i as f32 / 2.0 - 1.0);
        assert_eq!(file.tensor::<f32>("floats").unwrap(), floats);
        assert_eq!(file.tensor::<f64>("doubles").unwrap(), floats.cast());
        assert_eq!(file.tensor::<f32>("fortran").unwrap(), floats);
        assert_eq!(file.tensor::<f64>("scalar").unwrap(), Tensor::scalar(0.5));
        assert_eq!(file.text("unspool"), None);
        let says = |error: unspool::io::FileError, sentence: &str| {
            assert_eq!(error.to_string(), format!("{} {sentence}", npy_fixture(name).display()));
        };
        says(file.tensor::<f64>("floats").unwrap_err(), "holds \"floats\" as f32, expected f64");
        says(file.tensor::<f32>("int64").unwrap_err(), "holds \"int64\" as i64, expected f32");
        says(file.numbers::<2>("uint64").unwrap_err(), "holds \"uint64\" of shape [2, 3], expected [2]");
        says(file.tensor::<f32>("float").unwrap_err(), "has nothing under the name \"float\"");
    }
}

#[test]
fn numbers_of_an_npz_are_exact() {
    assert_eq!(WeightFile::open(npy_fixture("counts.npz")).unwrap().numbers("seed").unwrap(), [u64::MAX, 3]);
}

/// Neither a zip file that is no npz, nor another array, is one.
#[test]
fn other_zip_files_are_refused_in_a_sentence() {
    let path = folder("zip").join("model.pt");
    let whole = fs::read(npy_fixture("stored.npz")).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let message = load(&path, &mut Dense::<Tensor>::new(&mut rng(0), 2, 3)).unwrap_err().to_string();
        message.strip_prefix(&format!("{} ", path.display())).unwrap().to_owned()
    };
    let names = "\"doubles\", \"empty\", \"floats\"";
    assert!(
        refused(&whole)
            .starts_with(&format!("does not fit the model: missing \"weight\", \"bias\"; unexpected {names}"))
    );
    for length in [8, 100, whole.len() - 1] {
        assert!(refused(&whole[..length]).starts_with("is not a valid zip file: "), "{length} bytes");
    }
    assert!(refused(&whole[..7]).starts_with("is not a valid safetensors file: "));
    let mut other = whole.clone();
    let magic = whole.windows(6).position(|bytes| bytes == b"\x93NUMPY").unwrap();
    other[magic] = b'.'; // an array that is not requested
    assert!(refused(&other).starts_with("does not fit the model: missing "));
    assert_eq!(
        refused(&zip_of("README.md")),
        "is not a valid npz file: in \"README.md\", it does not begin as npy files do"
    );
}

/// A zip file with an empty entry.
pub fn zip_of(name: &str) -> Vec<u8> {
    let length = (name.len() as u16).to_le_bytes();
    let times_and_sizes = [0; 16];
    let local = [b"PK\x03\x04\x14\0\0\0\0\0", &times_and_sizes[..], &length, &[0; 2], name.as_bytes()].concat();
    let record = [b"PK\x01\x02\x14\0\x14\0\0\0\0\0", &times_and_sizes[..], &length, &[0; 16], name.as_bytes()].concat();
    let places = [(record.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes()].concat();
    [&local[..], &record, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &places, &[0; 2]].concat()
}
