//! What all public types have: the traits that threads and panics ask for, and a `Debug` that is short.

use super::*;
use std::error::Error;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use unspool::autograd::{BadValue, GradcheckError, Profile, SparseMatrix, Sparsity};
use unspool::data::{Batches, Csv, CsvTable, DataError, Differences, MinMaxScaler, Padded, StandardScaler, Windows};
use unspool::inspect::GradientFlow;
use unspool::io::{Checkpoint, ErrorKind, FileError, WeightFile};
use unspool::optim::{Ema, StateDict, StateDictError};
use unspool::recurrent::{Bidirectional, Stack};
use unspool::tensor::PackedMatrix;
use unspool::text::ngram::{NgramCounts, NgramModel};
use unspool::text::{LanguageModel, Sampler, Vocabulary};
use unspool::train::metrics::ConfusionMatrix;
use unspool::train::{EarlyStopping, FitError, Interrupt, LocalWorld, StopReason, ThreadWorld};

fn plain<X: Send + Sync + UnwindSafe + RefUnwindSafe + Debug>() {}

fn shared<X: Send + Sync + Debug>() {}

fn sendable<X: Send + Debug>() {}

fn error<X: Error + Clone + PartialEq + Send + Sync + UnwindSafe + RefUnwindSafe + 'static>() {}

/// It compiles.
#[test]
fn types_go_to_other_threads_and_through_panics() {
    plain::<(Tensor, Tensor<f64>, Indices, PackedMatrix, Rng)>();
    plain::<(Lstm<Tensor>, Recurrent<Gru<Tensor<f64>>>, Bidirectional<SimpleRnn<Tensor>>)>();
    plain::<(Stack<Recurrent<Lstm<Tensor>>>, LanguageModel<Tensor, Lstm<Tensor>>, StateDict)>();
    plain::<(Dataset, Dataset<Indices, Tensor>, Batches<'_>, Padded)>();
    plain::<(Csv, CsvTable, Windows, Differences, StandardScaler, MinMaxScaler)>();
    plain::<(Vocabulary, NgramCounts, NgramModel<'_>, Sampler)>();
    plain::<(History, StopReason, Interrupt, ConfusionMatrix, EarlyStopping)>();
    plain::<(
        Ema<Dense<Tensor>>,
        WeightFile,
        GradientFlow,
        Profile,
        BadValue,
        Sparsity,
        SparseMatrix,
        LocalWorld,
        ErrorKind,
    )>();

    error::<FileError>();
    error::<DataError>();
    error::<FitError>();
    error::<StateDictError>();
    error::<GradcheckError>();

    // They hold what a program gives them, such as a schedule, which may not care about panics.
    shared::<(Adam, Sgd, Checkpoint, ThreadWorld)>();
    // A tape records through a shared reference, so one thread at a time. `tests/compile_fail.md` has what does not compile.
    sendable::<(Tape, Shards)>();
}

/// What `Debug` prints of large data is no longer than of small data.
#[test]
fn debug_is_short() {
    let short = |what: &dyn Debug| {
        let text = format!("{what:?}");
        assert!(text.len() < 600, "{} characters: {}..", text.len(), &text[..600]);
    };
    let n = 100_000;
    let tokens: Vec<usize> = (0..n).map(|i| i * i % 1009).collect();
    let tensor = Tensor::<f32>::ones([n, 1]);
    let data = Dataset::new(tensor.clone(), tensor.clone()).unwrap().with_weights(vec![1.0; n]).unwrap();
    short(&tensor);
    short(&data);
    short(&data.batches(10).shuffle(1));
    short(&unspool::text::bptt_batches(&tokens, 10, 5).unwrap());
    let counts = NgramCounts::new(&tokens, 3, 1009);
    short(&counts);
    short(&NgramModel::new(&counts, 3, unspool::text::ngram::Smoothing::KneserNey));
    let words: Vec<String> = tokens.iter().map(usize::to_string).collect();
    short(&Vocabulary::new(words.iter().map(String::as_str), 1, []).unwrap());
    short(&Csv::new().parse_table(&format!("x\n{}\n", words.join("\n"))).unwrap());
    short(&tensor.pack());
    short(&Sparsity::banded([n, n], 1, 1));

    let tape = Tape::new();
    let mut model = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 4)).return_sequences();
    let output = tape.bind(&model).forward(tape.constant(&Tensor::ones([1000, 1, 1])));
    short(&output);
    short(&tape);
    short(&output.sequence().sum().backward());
    let (xs, ys) = (Tensor::<f32>::ones([1000, 9, 1]), Tensor::ones([1000, 9, 4]));
    let train = Dataset::new(xs, ys).unwrap();
    let sgd: Sgd = Sgd::default();
    short(&fit(&mut model, &train).loss(mse).optimizer(sgd).metric("mse", mse));
}

#[test]
fn what_has_no_value_prints_nevertheless() {
    let tape = Tape::<f32>::new();
    let mut dropped = None;
    let [y] = tape.checkpoint(|| {
        let x = tape.variable(&Tensor::ones([2])).exp();
        dropped = Some(x);
        [x.sum()]
    });
    assert_eq!(format!("{:?}", dropped.unwrap()), "Var 1, released");
    assert!(format!("{y:?}").starts_with("Var 2 = Tensor<f32>[] 5.4"), "{y:?}");
}
