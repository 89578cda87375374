//! Keras's own files, written by `fixtures/own_files.py`, and such files with mistakes.

use crate::exchange::{HIDDEN, INPUTS, fixture};
use crate::folder;
use crate::torch_files::{problem, zip};
use std::fs;
use std::path::PathBuf;
use unspool::cells::GruResetBefore;
use unspool::io::{KerasState, WeightFile, WeightMap, load_keras};
use unspool::layers::LayerNorm;
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::{Embedding, Gru, Lstm, dropout, gru, lstm};

fn keras_file(name: &str, ending: &str) -> PathBuf {
    fixture(name).with_extension(ending)
}

/// The weights are those of the safetensors file, which `exchange.rs` holds against what Keras computes.
#[track_caller]
fn check<M: Params<Tensor> + KerasState>(name: &str, endings: &[&str], model: impl Fn() -> M) {
    let mut expected = model();
    load_keras(fixture(&format!("{name}_keras")), &mut expected).unwrap();
    for ending in endings {
        let mut loaded = model();
        load_keras(keras_file(&format!("{name}_keras"), ending), &mut loaded).unwrap();
        assert!(loaded.leaves() == expected.leaves(), "{name}.{ending}");
    }
}

const BOTH: &[&str] = &["keras", "weights.h5"];

#[test]
fn files_of_keras_hold_the_weights_of_the_safetensors_file() {
    let h5 = &["weights.h5"];
    check("rnn", h5, || sequential().add(simple_rnn(INPUTS, HIDDEN)));
    check("gru", h5, || sequential().add(gru(INPUTS, HIDDEN)));
    let before = |inputs| recurrent(move |rng: &mut Rng| GruResetBefore::new(rng, inputs, HIDDEN));
    check("gru_reset_before", h5, || sequential().add(before(INPUTS)));
    let both = || [0; 2].map(|_| Lstm::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN));
    check("lstm_both", h5, || [both()].map(|[forward, backward]| Bidirectional::new(forward, backward)));
    check("layer_norm", h5, || [LayerNorm::<Tensor>::new(INPUTS)]);
    check("embedding", h5, || [Embedding::<Tensor>::new(&mut rng(0), 7, HIDDEN)]);
    let recurrent = || sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
    check("deep", BOTH, || recurrent().add(dropout(0.5)).add(dense(HIDDEN, 2)));
    check("functional", &["keras"], || recurrent().add(dropout(0.5)).add(dense(HIDDEN, 2)));
    let inner = || sequential().add(lstm(INPUTS, HIDDEN)).add(dense(HIDDEN, 3));
    check("nested", BOTH, || sequential().add(move |_: &mut Rng| inner()).add(dense(3, 2)));
    let rnns = || {
        let rnn = sequential().add(simple_rnn(INPUTS, HIDDEN).return_sequences());
        rnn.add(lstm(HIDDEN, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN).return_sequences())
    };
    check("bare", &["keras"], || rnns().add(before(HIDDEN)).add(dense(HIDDEN, 2)));
    let both = || [0; 2].map(|_| GruResetBefore::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN));
    check("gru_both_bare", &["keras"], || [both()].map(|[forward, backward]| Bidirectional::new(forward, backward)));
}

/// Keras 2.13 to 2.15 had another name for the group of layers.
#[test]
fn the_groups_of_keras_2_are_read() {
    let model = || {
        let layers = sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
        layers.add(dropout(0.5)).add(dense(HIDDEN, 2))
    };
    let (mut loaded, mut expected) = (model(), model());
    load_keras(fixture("deep_keras"), &mut expected).unwrap();
    load_keras(keras_file("deep_2_keras", "weights.h5"), &mut loaded).unwrap();
    assert!(loaded.leaves() == expected.leaves());
}

/// `dense_10` is not after `dense_1`.
#[test]
fn layers_of_a_class_are_in_order() {
    let mut model: Vec<Dense<Tensor>> = (0..12).map(|_| Dense::new(&mut rng(0), 1, 1)).collect();
    load_keras(keras_file("many", "weights.h5"), &mut model).unwrap();
    for (i, layer) in model.iter().enumerate() {
        assert_eq!((layer.weight.to_vec(), layer.bias.to_vec()), (vec![i as f32], vec![i as f32]), "layer {i}");
    }
}

/// The layers of `told_apart.keras` are two of the same shapes, two of which one weight is missing, and two of 16 bits.
#[derive(Params)]
struct ToldApart<P> {
    dense: [Dense<P>; 2],
    norms: [LayerNorm<P>; 2],
    lstm: Lstm<P>,
    head: Dense<P>,
}

impl ToldApart<Tensor> {
    fn new() -> Self {
        let rng = &mut rng(0);
        ToldApart {
            dense: [0; 2].map(|_| Dense::new(rng, INPUTS, INPUTS)),
            norms: [0; 2].map(|_| LayerNorm::new(INPUTS)),
            lstm: Lstm::new(rng, INPUTS, HIDDEN),
            head: Dense::new(rng, HIDDEN, 2),
        }
    }
}

impl KerasState for ToldApart<Tensor> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        let [first, second] = &mut self.dense;
        map.at(0, |map| first.keras(map));
        map.at(1, |map| second.keras(map));
        let [first, second] = &mut self.norms;
        map.at(3, |map| first.keras(map));
        map.at(4, |map| second.keras(map));
        map.at(5, |map| self.lstm.keras(map));
        map.at(6, |map| self.head.keras(map));
    }
}

#[test]
fn the_configuration_tells_layers_apart_and_without_it_they_are_refused() {
    let (mut loaded, mut expected) = (ToldApart::new(), ToldApart::new());
    load_keras(fixture("told_apart").with_extension("npz"), &mut expected).unwrap();
    load_keras(keras_file("told_apart", "keras"), &mut loaded).unwrap();
    assert!(loaded.leaves() == expected.leaves());

    let path = keras_file("told_apart", "weights.h5");
    let says = "does not show in which order its layers are, and layer 0 of the model could be each of \"dense\", \
                \"time_distributed\": in Keras, `model.save(\"model.keras\")` writes the order";
    assert_eq!(problem(&path, load_keras(&path, &mut loaded)), says);
    assert!(loaded.leaves() == expected.leaves());
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let path = keras_file("deep_keras", "weights.h5");
    let mut short = sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
    let says = "has 3 layers with weights (\"dense\", \"gru\", \"lstm\"), and the model 2";
    assert_eq!(problem(&path, load_keras(&path, &mut short)), says);
    let layers = sequential().add(lstm(INPUTS, 5).return_sequences());
    let mut wide = layers.add(gru(5, HIDDEN)).add(dropout(0.5)).add(dense(HIDDEN, 2));
    let says = "has no layer that fits layer 0 of the model (\"bias\" [20], \"kernel\" [3, 20], \"recurrent_kernel\" [5, 20]): \
                it could be \"dense\", \"gru\", \"lstm\"";
    assert_eq!(problem(&path, load_keras(&path, &mut wide)), says);
    let path = keras_file("gru_keras", "weights.h5");
    let says = "does not fit the model: \"0.kernel\" has shape [3, 12], expected [3, 16]; \"0.bias\" has shape [2, 12], \
                expected [16]; \"0.recurrent_kernel\" has shape [4, 12], expected [4, 16]";
    assert_eq!(problem(&path, load_keras(&path, &mut sequential().add(lstm(INPUTS, HIDDEN)))), says);
    let path = keras_file("deep_keras", "keras");
    let sentence = problem(&path, load_keras(&path, &mut short));
    assert!(sentence.starts_with("does not fit the model: unexpected \"3.bias\", \"3.kernel\""), "{sentence}");
}

/// A custom model has the names of its attributes, and those of parts of a model can be given.
#[test]
fn attributes_and_layers_are_names() {
    let file = WeightFile::open(keras_file("tagger", "weights.h5")).unwrap();
    let names = "encoder.bias encoder.kernel encoder.recurrent_kernel heads.dense.bias heads.dense.kernel \
                 heads.dense_1.bias heads.dense_1.kernel";
    assert_eq!(file.names().collect::<Vec<_>>().join(" "), names);
    let mut encoder = Lstm::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN);
    file.load_keras("encoder", &mut encoder).unwrap();
    assert_eq!(encoder.x.weight, Tensor::full(0.0, [INPUTS, 4 * HIDDEN]));
    assert_eq!(encoder.u, Tensor::full(1.0, [HIDDEN, 4 * HIDDEN]));
    let mut head = Dense::<Tensor>::new(&mut rng(0), HIDDEN, 3);
    file.load_keras("heads.dense_1", &mut head).unwrap();
    assert_eq!((head.weight.to_vec(), head.bias.to_vec()), (vec![5.0; 12], vec![6.0; 3]));
}

#[test]
fn what_is_no_file_of_keras_weights_is_refused() {
    let model = || sequential().add(gru(INPUTS, HIDDEN));
    let old = keras_file("old_keras", "h5");
    let says = "has no weights where Keras 3 puts them: load the model in Keras, and `model.save(\"model.keras\")`";
    assert_eq!(problem(&old, load_keras(&old, &mut model())), says);
    let packed = keras_file("packed", "weights.h5");
    let says = "is not a valid file of Keras weights: in variable \"0\" of \"dense\", it is chunked or compressed, \
                which Keras does not do";
    assert_eq!(problem(&packed, load_keras(&packed, &mut model())), says);

    let path = folder("keras zips").join("model.keras");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        problem(&path, load_keras(&path, &mut model()))
    };
    let invalid = "is not a valid file of Keras weights: ";
    let h5 = fs::read(keras_file("gru_keras", "weights.h5")).unwrap();
    let keras = |config: &[u8], h5: &[u8]| refused(&zip(&[("config.json", config), ("model.weights.h5", h5)]));
    assert_eq!(refused(&zip(&[("model.weights.h5", &h5)])), format!("{invalid}it has no entry \"config.json\""));
    assert_eq!(keras(b"{", &h5), format!("{invalid}in config.json, EOF while parsing an object at line 1 column 1"));
    let deep = b"[".repeat(1_000_000);
    assert_eq!(keras(&deep, &h5), format!("{invalid}in config.json, recursion limit exceeded at line 1 column 128"));
    let other = br#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM"}]}}"#;
    assert_eq!(keras(other, &h5), format!("{invalid}config.json does not have the layer \"gru\""));
    let good = br#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "GRU"}]}}"#;
    let whole = zip(&[("config.json", good), ("model.weights.h5", &h5)]);
    fs::write(&path, &whole).unwrap();
    load_keras(&path, &mut model()).unwrap();
    for length in [0, 7, 8, 100, 5000, h5.len() - 1] {
        let sentence = keras(good, &h5[..length]);
        assert!(sentence.starts_with(invalid), "{length} bytes: {sentence}");
        if length >= 8 {
            let sentence = refused(&h5[..length]);
            assert!(sentence.starts_with(invalid), "{length} bytes: {sentence}");
        }
    }
}

/// A GRU without biases is one kind or the other, which only the configuration says.
#[test]
fn a_gru_without_biases_is_the_kind_of_its_configuration() {
    let path = keras_file("gru_both_bare_keras", "keras");
    let [forward, backward] = [0; 2].map(|_| Gru::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN));
    let sentence = problem(&path, load_keras(&path, &mut [Bidirectional::new(forward, backward)]));
    assert!(sentence.contains("\"0.bias\" has shape [12], expected [2, 12]"), "{sentence}");
}
