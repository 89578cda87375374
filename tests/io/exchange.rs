//! Weights made in PyTorch and Keras, by `fixtures/exchange.py`, here and back. `fixtures/check_exchange.py` reads what is
//! written here with PyTorch and Keras.

use crate::folder;
use std::path::PathBuf;
use unspool::cells::GruResetBefore;
use unspool::io::{
    FileError, KerasState, TorchState, WeightFile, WeightMap, load_keras, load_torch, save_keras, save_torch,
};
use unspool::layers::activations::{relu, softmax};
use unspool::layers::{Activation, LayerNorm, Model};
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Stack};
use unspool::tensor::Real;
use unspool::{Embedding, Gru, Indices, Lstm, dropout, gru, lstm};

pub const INPUTS: usize = 3;
pub const HIDDEN: usize = 4;

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchange").join(format!("{name}.safetensors"))
}

/// Where `check_exchange.py` looks.
fn written(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exchange");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.safetensors"))
}

pub fn outputs<T: Real>(name: &str) -> Tensor<T> {
    let [all, more] = ["outputs", "more"].map(|file| WeightFile::open(fixture(file)).unwrap().tensor(name));
    all.or(more).unwrap()
}

/// What a layer makes of the input of the fixture.
pub fn output<T: Real, M: Model<T>>(model: &M, x: &Tensor<T>) -> Tensor<T> {
    let tape = Tape::new();
    M::output(&tape.bind(model), tape.constant(x), Context::default()).value()
}

#[track_caller]
pub fn assert_close<T: Real>(what: &str, got: &Tensor<T>, expected: &Tensor<T>, tolerance: f64) {
    unspool_tests::assert_close(what, &got.cast(), &expected.cast(), tolerance);
}

/// The difference that the f32 of other frameworks, or the f64, may make.
fn tolerance<T: Real>() -> f64 {
    if T::NAME == "f32" { 1e-6 } else { 1e-12 }
}

/// Loads a model that PyTorch saved, holds what it computes against PyTorch, saves it, and holds the file against PyTorch's.
#[track_caller]
pub fn torch<T: Real, M>(name: &str, mut model: M, run: impl Fn(&M) -> Tensor<T>)
where
    M: Params<Tensor<T>> + TorchState,
{
    let name = &format!("{name}_torch");
    load_torch(fixture(name), &mut model).unwrap();
    assert_close(name, &run(&model), &outputs(&format!("{name}.y")), tolerance::<T>());

    save_torch(written(name), &model).unwrap();
    let theirs = WeightFile::open(fixture(name)).unwrap();
    let ours = WeightFile::open(written(name)).unwrap();
    assert_eq!(ours.text("format"), Some("pt"));
    assert!(ours.names().eq(theirs.names()), "{name}: {ours:?}, {theirs:?}");
    assert_eq!(ours.text("encoder.weight"), theirs.text("encoder.weight"), "{name}");
    for key in ours.names() {
        let [a, b] = [&ours, &theirs].map(|file| file.tensor::<T>(key).unwrap());
        if let Some(input) = key.contains("bias_hh").then(|| key.replace("_hh", "_ih")) {
            let [sum_a, sum_b] =
                [(&ours, &a), (&theirs, &b)].map(|(file, bias)| file.tensor::<T>(&input).unwrap() + bias);
            assert_close(key, &sum_a, &sum_b, tolerance::<T>());
            let kept = if name.starts_with("gru") { 2 * HIDDEN } else { a.numel() };
            assert_eq!(a.slice(0, ..kept), Tensor::zeros([kept]), "{name}: {key}");
            assert_eq!(a.slice(0, kept..), b.slice(0, kept..), "{name}: {key}, gate n");
        } else if !key.contains("bias_ih") {
            assert_eq!(a, b, "{name}: {key}");
        }
    }

    let before: Vec<Tensor<T>> = model.leaves().into_iter().cloned().collect();
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::full(T::NAN, leaf.shape()));
    load_torch(written(name), &mut model).unwrap();
    assert!(model.leaves().into_iter().eq(&before), "{name}: our file");
}

/// The same with Keras, whose files are ours to the last bit, but for the two biases of a GRU.
#[track_caller]
pub fn keras<M>(name: &str, mut model: M, run: impl Fn(&M) -> Tensor)
where
    M: Params<Tensor> + KerasState,
{
    let name = &format!("{name}_keras");
    load_keras(fixture(name), &mut model).unwrap();
    assert_close(name, &run(&model), &outputs(&format!("{name}.y")), tolerance::<f32>());
    let loaded: Vec<Tensor> = model.leaves().into_iter().cloned().collect();
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::full(f32::NAN, leaf.shape()));
    load_keras(fixture(name).with_extension("npz"), &mut model).unwrap();
    assert!(model.leaves().into_iter().eq(&loaded), "{name}: the npz");

    save_keras(written(name), &model).unwrap();
    let theirs = WeightFile::open(fixture(name)).unwrap();
    let ours = WeightFile::open(written(name)).unwrap();
    assert!(ours.names().eq(theirs.names()), "{name}: {ours:?}, {theirs:?}");
    for key in ours.names() {
        let [a, b] = [&ours, &theirs].map(|file| file.tensor::<f32>(key).unwrap());
        if a.rank() == 2 && key.ends_with("bias") {
            assert_close(key, &a.sum_axes(&[0]), &b.sum_axes(&[0]), 1e-6);
            assert_eq!(a.select(0, 1).slice(0, 2 * HIDDEN..), b.select(0, 1).slice(0, 2 * HIDDEN..), "{name}: gate h");
        } else {
            assert_eq!(a, b, "{name}: {key}");
        }
    }
}

#[test]
fn models_of_pytorch_run_here_and_go_back() {
    let rng = &mut rng(0);
    macro_rules! same {
        ($name:literal, $model:expr) => {
            torch($name, $model, |model| output(model, &outputs(concat!($name, "_torch.x"))))
        };
    }
    same!("rnn", Recurrent::new(SimpleRnn::<Tensor>::new(rng, INPUTS, HIDDEN)).return_sequences());
    same!("lstm", Recurrent::new(Lstm::<Tensor>::new(rng, INPUTS, HIDDEN)).return_sequences());
    same!("lstm_f64", Recurrent::new(Lstm::<Tensor<f64>>::new(rng, INPUTS, HIDDEN)).return_sequences());
    same!("gru", Recurrent::new(Gru::<Tensor>::new(rng, INPUTS, HIDDEN)).return_sequences());
    let sizes = [INPUTS, HIDDEN];
    let lstms = sizes.map(|inputs| Recurrent::new(Lstm::<Tensor>::new(rng, inputs, HIDDEN)));
    same!("lstm_2", Stack::new(lstms).return_sequences());
    let grus = sizes.map(|inputs| Recurrent::new(Gru::<Tensor>::new(rng, inputs, HIDDEN)));
    same!("gru_2", Stack::new(grus).return_sequences());
    let grus = [0; 2].map(|_| Gru::<Tensor>::new(rng, INPUTS, HIDDEN));
    let [forward, backward] = grus;
    same!("gru_both", Bidirectional::new(forward, backward).return_sequences());
    let both = [INPUTS, 2 * HIDDEN].map(|inputs| {
        let [forward, backward] = [0; 2].map(|_| Lstm::<Tensor>::new(rng, inputs, HIDDEN));
        Bidirectional::new(forward, backward)
    });
    same!("lstm_both_2", Stack::new(both).return_sequences());
    same!("linear", Dense::<Tensor>::new(rng, INPUTS, HIDDEN));
    same!("layer_norm", LayerNorm::<Tensor>::new(INPUTS));
    same!("sequential", sequential().add(dense(INPUTS, HIDDEN)).add(dropout(0.5)).add(dense(HIDDEN, 2)));

    torch("embedding", Embedding::<Tensor>::new(rng, 7, HIDDEN), embedded);
    torch("rnn_cell", SimpleRnn::<Tensor>::new(rng, INPUTS, HIDDEN), |cell| {
        output(&Recurrent::new(cell.clone()), &outputs("rnn_cell_torch.x").unsqueeze(0))
    });
}

#[test]
fn models_of_keras_run_here_and_go_back() {
    let rng = &mut rng(0);
    macro_rules! same {
        ($name:literal, $model:expr) => {
            keras($name, $model, |model| output(model, &outputs(concat!($name, "_keras.x"))))
        };
    }
    same!("rnn", sequential().add(simple_rnn(INPUTS, HIDDEN).return_sequences()));
    same!("lstm", sequential().add(lstm(INPUTS, HIDDEN).return_sequences()));
    same!("gru", sequential().add(gru(INPUTS, HIDDEN).return_sequences()));
    let before = recurrent(|rng| GruResetBefore::new(rng, INPUTS, HIDDEN)).return_sequences();
    same!("gru_reset_before", sequential().add(before));
    let [forward, backward] = [0; 2].map(|_| Lstm::<Tensor>::new(rng, INPUTS, HIDDEN));
    let both = Bidirectional::new(forward, backward).return_sequences();
    same!("lstm_both", sequential().add(move |_: &mut Rng| both));
    same!("layer_norm", sequential().add(|_: &mut Rng| LayerNorm::new(INPUTS)));
    let deep = sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
    same!("deep", deep.add(dropout(0.5)).add(dense(HIDDEN, 2)));

    keras("embedding", [Embedding::<Tensor>::new(rng, 7, HIDDEN)], |[table]| embedded(table));
}

/// They have no weights but count as layers, like the dropouts that they replace here.
#[test]
fn activations_are_counted_among_the_layers() {
    let layers = || sequential().add(dense(INPUTS, HIDDEN));
    let mut known = layers().add(dropout(0.5)).add(dense(HIDDEN, 2));
    let mut model = layers().add(relu()).add(dense(HIDDEN, 2)).add(softmax());
    load_torch(fixture("sequential_torch"), &mut known).unwrap();
    load_torch(fixture("sequential_torch"), &mut model).unwrap();
    assert_eq!(model.leaves(), known.leaves());

    let layers = || sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
    let mut known = layers().add(dropout(0.5)).add(dense(HIDDEN, 2));
    let mut model = layers().add(Activation::Relu).add(dense(HIDDEN, 2)).add(softmax());
    load_keras(fixture("deep_keras"), &mut known).unwrap();
    load_keras(fixture("deep_keras"), &mut model).unwrap();
    assert_eq!(model.leaves(), known.leaves());
}

/// The tokens in `exchange.py`.
pub fn tokens() -> Indices {
    Indices::from_vec(vec![0, 6, 3, 3, 5, 1], [3, 2])
}

/// Their vectors.
fn embedded(table: &Embedding<Tensor>) -> Tensor {
    let tape = Tape::new();
    tape.bind(table).forward(tokens()).value()
}

/// A cell of one's own, inside of layers that have a counterpart.
#[derive(Params, Clone)]
struct Leaky<P> {
    x: Dense<P>,
    leak: P,
}

impl<T: Real> TorchState for Leaky<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.at("input", |dict| dict.transposed("weight", &mut self.x.weight));
        dict.sum(["bias_a", "bias_b"], &mut self.x.bias);
        dict.same("leak", &mut self.leak);
    }
}

/// Its place in a larger model.
#[derive(Params)]
struct Tagger<P> {
    encoder: Stack<Bidirectional<Leaky<P>>>,
    heads: Vec<Dense<P>>,
    extra: Option<LayerNorm<P>>,
    numbers: P,
}

impl<T: Real> TorchState for Tagger<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.at("encoder.rnn", |dict| self.encoder.torch(dict));
        dict.at("heads", |dict| self.heads.torch(dict));
        dict.at("extra", |dict| self.extra.torch(dict));
        let part = self.numbers.slice(0, ..1);
        dict.exchange([("first", part), ("rest", self.numbers.slice(0, 1..))], |[first, rest]| {
            self.numbers = Tensor::concat(0, &[first, rest]);
        });
    }
}

#[test]
fn models_and_cells_of_ones_own_go_through_the_same_door() -> Result<(), FileError> {
    let rng = &mut rng(1);
    let mut leaky = |inputs| Leaky { x: Dense::new(rng, inputs, 2), leak: Tensor::<f64>::full(0.5, [2]) };
    let layers = [1, 4].map(|inputs| Bidirectional::new(leaky(inputs), leaky(inputs)));
    let mut model = Tagger {
        encoder: Stack::new(layers),
        heads: vec![leaky(4).x, leaky(4).x],
        extra: None,
        numbers: Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]),
    };
    let path = folder("own").join("tagger.safetensors");
    save_torch(&path, &model)?;
    let file = WeightFile::open(&path)?;
    let names = "encoder.rnn.bias_a_l0 encoder.rnn.bias_a_l0_reverse encoder.rnn.bias_a_l1 encoder.rnn.bias_a_l1_reverse \
                 encoder.rnn.bias_b_l0 encoder.rnn.bias_b_l0_reverse encoder.rnn.bias_b_l1 encoder.rnn.bias_b_l1_reverse \
                 encoder.rnn.input.weight_l0 encoder.rnn.input.weight_l0_reverse encoder.rnn.input.weight_l1 \
                 encoder.rnn.input.weight_l1_reverse encoder.rnn.leak_l0 encoder.rnn.leak_l0_reverse \
                 encoder.rnn.leak_l1 encoder.rnn.leak_l1_reverse first heads.0.bias heads.0.weight heads.1.bias heads.1.weight rest";
    assert_eq!(file.names().collect::<Vec<_>>().join(" "), names);
    assert_eq!(file.tensor::<f64>("encoder.rnn.input.weight_l1")?.shape()[..], [2, 4]);

    let saved: Vec<Tensor<f64>> = model.leaves().into_iter().cloned().collect();
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::zeros(leaf.shape()));
    file.load_torch("", &mut model)?;
    assert!(model.leaves().into_iter().eq(&saved));
    assert!(model.leaves().into_iter().all(Tensor::is_contiguous));
    Ok(())
}
