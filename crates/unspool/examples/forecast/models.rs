//! The models, and their training.

use crate::Sentence;
use crate::output::note;
use std::io::IsTerminal;
use unspool::prelude::*;
use unspool::{History, Model, gru, lstm, predict};

/// Examples to learn from, to watch and to be judged by, `[T, N, 1]` to `[N, 1]`.
pub(crate) struct Task {
    pub(crate) train: Dataset,
    pub(crate) valid: Dataset,
    pub(crate) test: Dataset,
    /// One more input, `[T, 1, 1]`, whose target nobody knows yet.
    pub(crate) next: Option<Tensor>,
}

/// How to train.
pub(crate) struct Training {
    pub(crate) seeds: u64,
    pub(crate) epochs: usize,
    /// Adam's learning rate.
    pub(crate) rate: f64,
}

/// One model, trained once from every seed.
pub(crate) struct Outcome {
    pub(crate) model: &'static str,
    pub(crate) parameters: usize,
    pub(crate) runs: Vec<Run>,
}

/// One training and what came of it.
pub(crate) struct Run {
    /// `None` if there was nothing to train.
    pub(crate) history: Option<History>,
    /// For every example of the test part.
    pub(crate) forecasts: Vec<f64>,
    pub(crate) next: Option<f64>,
}

pub(crate) const NAIVE: &str = "naive: the last value";
pub(crate) const DENSE: &str = "Dense(1)";
pub(crate) const RNN: &str = "SimpleRNN(1)";
pub(crate) const DEEP_RNN: &str = "SimpleRNN(20)-(20)-(1)";
pub(crate) const DEEP_RNN_DENSE: &str = "SimpleRNN(20)-(20), Dense(1)";
pub(crate) const LSTM: &str = "LSTM(20)-(20), Dense(1)";
pub(crate) const GRU: &str = "GRU(20)-(20), Dense(1)";

/// Trains and tests all models on one task.
pub(crate) fn compare(task: &Task, training: &Training) -> Result<Vec<Outcome>, Sentence> {
    let window = task.train.x().shape()[0];
    Ok(vec![
        naive(task),
        train_and_test(DENSE, task, training, |seed| sequential().seed(seed).add(flatten()).add(dense(window, 1)))?,
        train_and_test(RNN, task, training, |seed| sequential().seed(seed).add(simple_rnn(1, 1)))?,
        train_and_test(DEEP_RNN, task, training, |seed| {
            sequential()
                .seed(seed)
                .add(simple_rnn(1, 20).return_sequences())
                .add(simple_rnn(20, 20).return_sequences())
                .add(simple_rnn(20, 1))
        })?,
        train_and_test(DEEP_RNN_DENSE, task, training, |seed| {
            sequential().seed(seed).add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1))
        })?,
        train_and_test(LSTM, task, training, |seed| {
            sequential().seed(seed).add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1))
        })?,
        train_and_test(GRU, task, training, |seed| {
            sequential().seed(seed).add(gru(1, 20).return_sequences()).add(gru(20, 20)).add(dense(20, 1))
        })?,
    ])
}

/// Things stay as they are: the forecast is the last value known.
fn naive(task: &Task) -> Outcome {
    let last = |x: &Tensor| numbers(&x.select(0, x.shape()[0] - 1));
    let next = task.next.as_ref().map(|x| last(x)[0]);
    let run = Run { history: None, forecasts: last(task.test.x()), next };
    Outcome { model: NAIVE, parameters: 0, runs: vec![run] }
}

/// Trains the model that `make` makes from each seed, and lets it forecast the test part.
fn train_and_test<M>(
    name: &'static str,
    task: &Task,
    training: &Training,
    make: impl Fn(u64) -> M,
) -> Result<Outcome, Sentence>
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let mut runs = Vec::new();
    for seed in 0..training.seeds {
        let mut model = make(seed);
        let history = train(name, &mut model, &task.train, &task.valid, training, seed)?;
        let forecasts = numbers(&predict(&model, task.test.x()));
        let next = task.next.as_ref().map(|x| numbers(&predict(&model, x))[0]);
        runs.push(Run { history: Some(history), forecasts, next });
    }
    Ok(Outcome { model: name, parameters: make(0).parameter_count(), runs })
}

/// Trains a model from one seed, and says how it went.
pub(crate) fn train<M>(
    name: &str,
    model: &mut M,
    examples: &Dataset,
    valid: &Dataset,
    training: &Training,
    seed: u64,
) -> Result<History, Sentence>
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let adam = Adam::default().learning_rate(training.rate);
    let fit = fit(model, examples).loss(mse).optimizer(adam).epochs(training.epochs).seed(seed).validate(valid);
    // A bar on a terminal; elsewhere the line below is enough.
    let fit = if std::io::stderr().is_terminal() { fit } else { fit.quiet() };
    let history = fit.run().map_err(|e| format!("training {name} with seed {seed} failed: {e}"))?;
    let loss = history.val_loss.last().copied().unwrap_or(f64::NAN);
    note(&format!("{name}, seed {seed}: validation loss {loss:.5} after {:.1} s", history.seconds));
    Ok(history)
}

/// The elements in f64.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast::<f64>().to_vec()
}
