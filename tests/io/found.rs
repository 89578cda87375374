//! Weights as people have them, written by `fixtures/exchange_more.py`: with names that the model has not, with tied weights,
//! projections, buffers, and from functional models.

use crate::exchange::{HIDDEN, INPUTS, assert_close, fixture, keras, output, outputs, tokens, torch};
use crate::folder;
use std::path::{Path, PathBuf};
use unspool::cells::{GruResetBefore, ProjectedLstm};
use unspool::io::{
    Checkpoint, FileError, IncompatibleKeys, TorchState, WeightFile, WeightMap, load_keras, load_torch, save_torch,
};
use unspool::layers::LayerNorm;
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Stack};
use unspool::tensor::Real;
use unspool::text::LanguageModel;
use unspool::{Gru, Lstm, dropout, gru, lstm, save};

const TOKENS: usize = 7;

#[test]
fn projections_of_pytorch_run_here_and_go_back() {
    let rng = &mut rng(0);
    let mut cell = |inputs| ProjectedLstm::<Tensor>::new(rng, inputs, HIDDEN, 2);
    let layer = Recurrent::new(cell(INPUTS)).return_sequences();
    torch("projected", layer, |model| output(model, &outputs("projected_torch.x")));
    let layers = [INPUTS, 4].map(|inputs| Bidirectional::new(cell(inputs), cell(inputs)));
    let stack = Stack::new(layers).return_sequences();
    torch("projected_both_2", stack, |model| output(model, &outputs("projected_both_2_torch.x")));
}

type Words = LanguageModel<Tensor>;

fn untied() -> Words {
    Words::new(&mut rng(0), TOKENS, 3, [HIDDEN, HIDDEN], Lstm::new)
}

fn tied() -> Words {
    Words::tied(&mut rng(0), TOKENS, HIDDEN, [HIDDEN, HIDDEN], Lstm::new)
}

fn scores(model: &Words) -> Tensor {
    let tape = Tape::new();
    tape.bind(model).forward(tokens()).sequence().value()
}

#[test]
fn language_models_of_pytorch_run_here_and_go_back() {
    torch("language_model", untied(), scores);
    torch("language_model_tied", tied(), scores);
    torch("language_model_projected", Words::tied(&mut rng(0), TOKENS, 3, [HIDDEN], Lstm::new), scores);
}

/// A copy of a file, with other tensors in place of some, or none.
fn changed(name: &str, path: &Path, change: impl Fn(&str, Tensor) -> Option<Tensor>) -> PathBuf {
    let file = WeightFile::open(fixture(name)).unwrap();
    let mut checkpoint = Checkpoint::new();
    for name in file.names() {
        if let Some(tensor) = file.tensor(name).ok().and_then(|tensor| change(name, tensor)) {
            checkpoint.put_tensor(name, &tensor);
        }
    }
    checkpoint.save(path).unwrap();
    path.to_owned()
}

fn problem<R: std::fmt::Debug>(path: &Path, result: Result<R, FileError>) -> String {
    let message = result.unwrap_err().to_string();
    message.strip_prefix(&format!("{} ", path.display())).expect("begins with the path").to_owned()
}

#[test]
fn a_tied_weight_may_have_one_name_or_several_of_the_same_values() {
    let path = folder("tied").join("words.safetensors");
    let expected: Tensor = outputs("language_model_tied_torch.y");
    let twice = "language_model_tied_twice_torch";
    for kept in [["encoder.weight", "decoder.weight"], ["encoder.weight"; 2], ["decoder.weight"; 2]] {
        let file = changed(twice, &path, |name, tensor| {
            (!name.ends_with("coder.weight") || kept.contains(&name)).then_some(tensor)
        });
        let mut model = tied();
        load_torch(&file, &mut model).unwrap();
        assert_close("tied", &scores(&model), &expected, 1e-6);
    }

    // Two weights of the file cannot be one, unless they are the same: also where they are no numbers.
    let nan = |tensor: Tensor| Tensor::full(f32::NAN, tensor.shape());
    let file =
        changed(twice, &path, |name, tensor| Some(if name.ends_with("coder.weight") { nan(tensor) } else { tensor }));
    load_torch(&file, &mut tied()).unwrap();
    let file = changed(twice, &path, |name, tensor| Some(if name == "encoder.weight" { nan(tensor) } else { tensor }));
    let (mut model, before) = (tied(), tied());
    assert_eq!(
        problem(&path, load_torch(&file, &mut model)),
        "has different values in \"decoder.weight\" and \"encoder.weight\", which are one weight in the model"
    );
    assert!(model.leaves() == before.leaves());
    let file = changed(twice, &path, |name, tensor| (!name.ends_with("coder.weight")).then_some(tensor));
    assert_eq!(
        problem(&path, load_torch(&file, &mut model)),
        "does not fit the model: missing \"decoder.weight\", \"encoder.weight\""
    );
    assert!(model.leaves() == before.leaves());

    // A model of two weights takes the one of the file for both.
    let mut model = Words::new(&mut rng(0), TOKENS, HIDDEN, [HIDDEN, HIDDEN], Lstm::new);
    load_torch(fixture("language_model_tied_torch"), &mut model).unwrap();
    assert_close("untied", &scores(&model), &expected, 1e-6);
    assert_eq!(model.weight.unwrap(), model.embedding.weight.t());
}

#[test]
fn a_name_that_is_taken_is_not_tied() {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_torch("model", &tied());
    let (message, ..) = unspool_tests::panic_of(|| checkpoint.put_text("model.encoder.weight", ""));
    assert_eq!(message, "Checkpoint: the name \"model.encoder.weight\" is taken");
}

/// The counterpart of `Ranker`.
#[derive(Params, Clone)]
struct Ranker<P> {
    rnn: Recurrent<Lstm<P>>,
    score: Dense<P>,
}

impl<T: Real> TorchState for Ranker<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.at("rnn", |dict| self.rnn.torch(dict));
        dict.at("score", |dict| self.score.torch(dict));
    }
}

fn ranker() -> Ranker<Tensor> {
    let rng = &mut rng(5);
    let rnn = Recurrent::new(Lstm::new(rng, INPUTS, HIDDEN)).return_sequences();
    Ranker { rnn, score: Dense { bias: Tensor::full(0.5, [1]), ..Dense::new(rng, HIDDEN, 1) } }
}

/// The lists are those of PyTorch's `load_state_dict(.., strict=False)`.
#[test]
fn names_that_are_not_shared_are_refused_or_listed() {
    let (path, before) = (fixture("tagger_torch"), ranker());
    let mut model = ranker();
    let floats = r#""head.bias", "head.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.weight""#;
    // The bias alone would be that of a layer without one.
    let sentence = format!("does not fit the model: missing \"score.weight\"; unexpected {floats}");
    assert_eq!(problem(&path, load_torch(&path, &mut model)), sentence);
    assert!(model.leaves() == before.leaves());

    let found = WeightFile::open(&path).unwrap().strict(false).load_torch("", &mut model).unwrap();
    let more = WeightFile::open(fixture("more")).unwrap();
    let list = |name| serde_json::from_str::<Vec<String>>(more.text(name).unwrap()).unwrap();
    assert_eq!((found.missing, found.unexpected), (list("missing"), list("unexpected")));
    assert_close("tagger", &output(&model.rnn, &outputs("tagger_torch.x")), &outputs("tagger_torch.y"), 1e-6);
    assert!(model.score.leaves() == before.score.leaves(), "what is missing stays");

    // Under a prefix, the rest of the file is another's.
    let mut rnn = ranker().rnn;
    let found = WeightFile::open(&path).unwrap().load_torch("rnn", &mut rnn).unwrap();
    assert_eq!((found, rnn.cell.u), (IncompatibleKeys::default(), model.rnn.cell.u));
}

#[test]
fn files_of_this_library_and_of_keras_are_loaded_in_part_in_the_same_way() {
    let path = folder("in part").join("model.safetensors");
    let saved = ranker();
    save(&path, &saved).unwrap();
    let mut model = ranker();
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::zeros(leaf.shape()));
    let mut expected = model.clone();
    let found = WeightFile::open(&path).unwrap().strict(false).load_with("", &mut model, |model, dict| {
        dict.at("rnn.cell", |dict| dict.same("u", &mut model.rnn.cell.u));
        dict.at("head", |dict| dict.same("weight", &mut model.score.weight));
    });
    let found = found.unwrap();
    assert_eq!(found.missing, ["head.weight"]);
    assert_eq!(found.unexpected, ["rnn.cell.x.bias", "rnn.cell.x.weight", "score.bias", "score.weight"]);
    expected.rnn.cell.u = saved.rnn.cell.u;
    assert!(model.leaves() == expected.leaves());

    let file = WeightFile::open(fixture("deep_keras")).unwrap().strict(false);
    let mut model = sequential().add(lstm(INPUTS, HIDDEN)).add(dropout(0.1)).add(dropout(0.2)).add(dense(HIDDEN, 2));
    let found = file.load_keras("", &mut model).unwrap();
    let gru = ["1.bias", "1.kernel", "1.recurrent_kernel"];
    assert!(found.missing.is_empty());
    assert_eq!(found.unexpected, gru);
    assert_eq!(model.layers.layer.weight, file.tensor("3.kernel").unwrap());
}

#[test]
fn what_cannot_be_meant_is_refused_though_not_strict() {
    let path = folder("not strict").join("file");
    let relaxed =
        |file: &Path, model: &mut Ranker<Tensor>| WeightFile::open(file).unwrap().strict(false).load_torch("", model);
    let (mut model, before) = (ranker(), ranker());

    // One of two biases.
    let file = changed("tagger_torch", &path, |name, tensor| (name != "rnn.bias_hh_l0").then_some(tensor));
    assert_eq!(problem(&path, relaxed(&file, &mut model)), "does not fit the model: missing \"rnn.bias_hh_l0\"");
    // Another shape, as in PyTorch.
    let file = changed("tagger_torch", &path, |name, tensor| {
        Some(if name == "rnn.weight_hh_l0" { tensor.t() } else { tensor })
    });
    assert_eq!(
        problem(&path, relaxed(&file, &mut model)),
        "does not fit the model: \"rnn.weight_hh_l0\" has shape [4, 16], expected [16, 4]"
    );
    // Nothing of the model.
    let other = problem(&fixture("linear_torch"), relaxed(&fixture("linear_torch"), &mut model));
    assert!(other.starts_with("does not fit the model: missing \"rnn.weight_ih_l0\", "), "{other}");
    assert!(other.ends_with("; unexpected \"bias\", \"weight\""), "{other}");
    assert!(model.leaves() == before.leaves());

    // A layer without biases has zeros, and not those that the model happens to have.
    let file = changed("tagger_torch", &path, |name, tensor| (!name.starts_with("rnn.bias")).then_some(tensor));
    let found = relaxed(&file, &mut model).unwrap();
    assert_eq!(found.missing, ["score.weight", "score.bias"]);
    assert_eq!(model.rnn.cell.x.bias, Tensor::zeros([4 * HIDDEN]));
    assert_eq!(model.score.bias, before.score.bias);
}

/// A model that has the weights of `Counted`, not its buffers.
#[test]
fn buffers_of_whole_numbers_are_no_weights() {
    let mut model = Dense::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN);
    let file = WeightFile::open(fixture("counted_torch")).unwrap();
    let found = file.load_with("", &mut model, |model, dict| dict.at("linear", |dict| model.torch(dict))).unwrap();
    assert_eq!(found.unexpected, ["mask", "num_batches_tracked"]);
    assert_close("counted", &output(&model, &outputs("counted_torch.x")), &outputs("counted_torch.y"), 1e-6);

    // Where a weight should be, one is a misfit.
    let mut norm = LayerNorm::<Tensor>::new(2);
    let named = file.load_with("", &mut norm, |norm, dict| dict.same("mask", &mut norm.gain));
    let sentence =
        "does not fit the model: unexpected \"linear.bias\", \"linear.weight\"; \"mask\" holds bool, expected f32";
    assert_eq!(problem(&fixture("counted_torch"), named), sentence);
}

#[test]
fn functional_and_nested_models_of_keras_and_grus_without_biases_run_here_and_go_back() {
    let rng = &mut rng(0);
    macro_rules! same {
        ($name:literal, $model:expr) => {
            keras($name, $model, |model| output(model, &outputs(concat!($name, "_keras.x"))))
        };
    }
    let [forward, backward] = [0; 2].map(|_| Gru::<Tensor>::new(rng, HIDDEN, HIDDEN));
    let both = Bidirectional::new(forward, backward);
    same!("backward", sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(move |_: &mut Rng| both));
    let inner = sequential().add(lstm(INPUTS, HIDDEN)).add(dense(HIDDEN, 3));
    same!("nested", sequential().add(move |_: &mut Rng| inner).add(dense(3, 2)));
    let deep = sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
    same!("functional", deep.add(dropout(0.5)).add(dense(HIDDEN, 2)));

    same!("gru_bare", sequential().add(gru(INPUTS, HIDDEN).return_sequences()));
    let before = recurrent(|rng| GruResetBefore::new(rng, INPUTS, HIDDEN)).return_sequences();
    same!("gru_before_bare", sequential().add(before));
    let [forward, backward] = [0; 2].map(|_| GruResetBefore::<Tensor>::new(rng, INPUTS, HIDDEN));
    let both = Bidirectional::new(forward, backward).return_sequences();
    same!("gru_both_bare", sequential().add(move |_: &mut Rng| both));
}

/// Its weights have the same shapes, whether it resets before or after the product.
#[test]
fn a_gru_of_keras_that_does_not_say_its_kind_is_refused() {
    let path = folder("gru kind").join("file");
    let file = changed("gru_before_bare_keras", &path, |name, tensor| (name != "0.bias").then_some(tensor));
    let says = "does not fit the model: missing \"0.bias\"; \"0.bias\" shows by its shape whether a GRU resets after the product, \
                [2, 3H], or before, [3H]: without biases, it must be there as zeros";
    let mut after = [Recurrent::new(Gru::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN))];
    let mut before = [Recurrent::new(GruResetBefore::<Tensor>::new(&mut rng(0), INPUTS, HIDDEN))];
    assert_eq!(problem(&path, load_keras(&file, &mut after)), says);
    assert_eq!(problem(&path, load_keras(&file, &mut before)), says);
    let relaxed = WeightFile::open(&file).unwrap().strict(false);
    let says = says.replace("missing \"0.bias\"; ", "");
    assert_eq!(problem(&path, relaxed.load_keras("", &mut after)), says);

    let other = fixture("gru_before_bare_keras");
    let says = "does not fit the model: \"0.bias\" has shape [12], expected [2, 12]";
    assert_eq!(problem(&other, load_keras(&other, &mut after)), says);
    let all_missing = problem(&fixture("linear_torch"), load_keras(fixture("linear_torch"), &mut after));
    assert!(!all_missing.contains("GRU"), "{all_missing}");
}

/// What is saved under a prefix is tied there.
#[test]
fn tied_weights_stand_under_their_prefix() {
    let path = folder("tied prefix").join("file");
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_torch("words", &tied());
    checkpoint.save(&path).unwrap();
    let file = WeightFile::open(&path).unwrap();
    assert_eq!(file.text("words.encoder.weight"), Some("words.decoder.weight"));
    assert_eq!(file.tensor::<f32>("words.encoder.weight").unwrap(), tied().embedding.weight);
    let mut model = Words::tied(&mut rng(9), TOKENS, HIDDEN, [HIDDEN, HIDDEN], Lstm::new);
    file.load_torch("words", &mut model).unwrap();
    assert!(model.leaves() == tied().leaves());
    save_torch(&path, &model).unwrap();
    assert_eq!(WeightFile::open(&path).unwrap().names().filter(|name| name.ends_with("coder.weight")).count(), 1);
}
