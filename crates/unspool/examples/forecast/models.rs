//! The models, and their training.

use crate::Sentence;
use crate::output::note;
use crate::statistics::{mean, mean_square};
use std::io::IsTerminal;
use unspool::data::Differences;
use unspool::layers::Model;
use unspool::prelude::*;
use unspool::train::History;
use unspool::{gru, lstm, predict};

/// Examples to learn from, to watch and to be judged by, `[T, N, 1]` to `[N, 1]`.
pub(crate) struct Task {
    /// What is learned of a series: its values, if there are no lags.
    pub(crate) differences: Differences,
    pub(crate) train: Dataset,
    pub(crate) valid: Dataset,
    pub(crate) test: Dataset,
    /// One more input, `[T, 1, 1]`, whose target nobody knows yet.
    pub(crate) next: Option<Tensor>,
    /// What makes a forecast of an output z: `offset + scale z`. There is an offset for each
    /// example of the test part, and for `next`.
    pub(crate) offsets: Vec<f64>,
    pub(crate) scale: f64,
}

impl Task {
    /// Outputs are forecasts as they are.
    pub(crate) fn plain(train: Dataset, valid: Dataset, test: Dataset) -> Self {
        let offsets = vec![0.0; test.len()];
        Task { differences: Differences::new([]), train, valid, test, next: None, offsets, scale: 1.0 }
    }

    /// What outputs for examples with these offsets forecast.
    pub(crate) fn forecasts(&self, outputs: &Tensor, offsets: &[f64]) -> Vec<f64> {
        numbers(outputs).iter().zip(offsets).map(|(z, offset)| offset + self.scale * z).collect()
    }
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
    /// Those that it learned.
    pub(crate) differences: Differences,
    pub(crate) runs: Vec<Run>,
}

impl Outcome {
    /// The mean squared error on the validation part, mean over the seeds.
    pub(crate) fn validation(&self) -> f64 {
        mean(&self.runs.iter().map(|run| run.validation).collect::<Vec<_>>())
    }
}

/// One training and what came of it.
pub(crate) struct Run {
    /// `None` if there was nothing to train.
    pub(crate) history: Option<History>,
    /// The mean squared error on the validation part.
    pub(crate) validation: f64,
    /// For every example of the test part.
    pub(crate) forecasts: Vec<f64>,
    pub(crate) next: Option<f64>,
}

pub(crate) const NAIVE: &str = "naive: the last value";
pub(crate) const SEASONAL: &str = "seasonal naive";
pub(crate) const DENSE: &str = "Dense(1)";
pub(crate) const RNN: &str = "SimpleRNN(1)";
pub(crate) const DEEP_RNN: &str = "SimpleRNN(20)-(20)-(1)";
pub(crate) const DEEP_RNN_DENSE: &str = "SimpleRNN(20)-(20), Dense(1)";
pub(crate) const LSTM: &str = "LSTM(20)-(20), Dense(1)";
pub(crate) const GRU: &str = "GRU(20)-(20), Dense(1)";

/// Trains and tests all models. If there is more than one task, these are the same one in several
/// forms, and each model takes the form on which its first seed has the least validation error.
pub(crate) fn compare(tasks: &[Task], training: &Training) -> Result<Vec<Outcome>, Sentence> {
    let window = tasks[0].train.x().shape()[0];
    Ok(vec![
        train_and_test(DENSE, tasks, training, |seed| sequential().seed(seed).add(flatten()).add(dense(window, 1)))?,
        train_and_test(RNN, tasks, training, |seed| sequential().seed(seed).add(simple_rnn(1, 1)))?,
        train_and_test(DEEP_RNN, tasks, training, |seed| {
            sequential()
                .seed(seed)
                .add(simple_rnn(1, 20).return_sequences())
                .add(simple_rnn(20, 20).return_sequences())
                .add(simple_rnn(20, 1))
        })?,
        train_and_test(DEEP_RNN_DENSE, tasks, training, |seed| {
            sequential().seed(seed).add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1))
        })?,
        train_and_test(LSTM, tasks, training, |seed| {
            sequential().seed(seed).add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1))
        })?,
        train_and_test(GRU, tasks, training, |seed| {
            sequential().seed(seed).add(gru(1, 20).return_sequences()).add(gru(20, 20)).add(dense(20, 1))
        })?,
    ])
}

/// Things stay as they are: the forecast is the last value known.
pub(crate) fn naive(task: &Task) -> Outcome {
    let last = |x: &Tensor| numbers(&x.select(0, x.shape()[0] - 1));
    let validation = mean_square(&last(task.valid.x()), &numbers(task.valid.y()));
    reference(NAIVE, validation, last(task.test.x()), None)
}

/// A forecast that needs no training.
pub(crate) fn reference(model: &'static str, validation: f64, forecasts: Vec<f64>, next: Option<f64>) -> Outcome {
    let run = Run { history: None, validation, forecasts, next };
    Outcome { model, parameters: 0, differences: Differences::new([]), runs: vec![run] }
}

/// Trains the model that `make` makes from each seed, and lets it forecast the test part.
fn train_and_test<M>(
    name: &'static str,
    tasks: &[Task],
    training: &Training,
    make: impl Fn(u64) -> M,
) -> Result<Outcome, Sentence>
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let mut runs = Vec::new();
    // The first seed tries every form of the task, the others go on with the best.
    let mut tasks = tasks;
    for seed in 0..training.seeds {
        let mut best: Option<(usize, M, History)> = None;
        for (i, task) in tasks.iter().enumerate() {
            let mut model = make(seed);
            let name = match task.differences.lags() {
                [] => name.to_string(),
                lags => format!("{name} on differences {}", listed(lags)),
            };
            let history = train(&name, &mut model, [&task.train, &task.valid], task.scale, training, seed)?;
            if best.as_ref().is_none_or(|(.., least)| last(&history.val_loss) < last(&least.val_loss)) {
                best = Some((i, model, history));
            }
        }
        let (i, model, history) = best.expect("there is a task");
        tasks = &tasks[i..=i];
        let task = &tasks[0];
        let forecasts = task.forecasts(&predict(&model, task.test.x()), &task.offsets);
        let next = task.next.as_ref().map(|x| task.forecasts(&predict(&model, x), &task.offsets[forecasts.len()..])[0]);
        runs.push(Run { validation: last(&history.val_loss), history: Some(history), forecasts, next });
    }
    Ok(Outcome { model: name, parameters: make(0).parameter_count(), differences: tasks[0].differences.clone(), runs })
}

/// Lags as they are written.
pub(crate) fn listed(lags: &[usize]) -> String {
    lags.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn last(losses: &[f64]) -> f64 {
    losses.last().copied().unwrap_or(f64::NAN)
}

/// Trains a model from one seed, watching the second data set, and says how it went. Losses are
/// those of outputs times `scale`.
pub(crate) fn train<M>(
    name: &str,
    model: &mut M,
    [examples, valid]: [&Dataset; 2],
    scale: f64,
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
    let mut history = fit.run().map_err(|e| format!("training {name} with seed {seed} failed: {e}"))?;
    history.loss.iter_mut().chain(&mut history.val_loss).for_each(|loss| *loss *= scale.powi(2));
    let loss = last(&history.val_loss);
    note(&format!("{name}, seed {seed}: validation loss {loss:.5} after {:.1} s", history.seconds));
    Ok(history)
}

/// The elements in f64.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast::<f64>().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::tests::{column, plan};
    use crate::windows::{Plan, cut};

    #[test]
    fn the_first_seed_chooses_the_form_for_all() {
        // A trend whose steps are 1 or 3, without pattern.
        let values = (0..200).scan(0.0, |x, i| {
            *x += f64::from(1 + 2 * (i * i * 37 % 101 % 2));
            Some(*x)
        });
        let column = column(values.collect());
        let cut = cut(&column, &Plan { differences: None, ..plan(5, 1) }).unwrap();
        let [levels, changes] = &cut.tasks[..] else { panic!("two forms") };
        let training = Training { seeds: 2, epochs: 3, rate: 0.01 };
        let make = |seed| sequential().seed(seed).add(flatten()).add(dense(5, 1));
        let trained = |tasks| train_and_test(DENSE, tasks, &training, make).unwrap();
        let (chosen, alone) = (trained(&cut.tasks), trained(std::slice::from_ref(changes)));
        assert_eq!((chosen.differences.lags(), chosen.runs.len(), chosen.parameters), (&[1][..], 2, 6));
        for (chosen, alone) in chosen.runs.iter().zip(&alone.runs) {
            assert_eq!(chosen.forecasts, alone.forecasts);
            // Whatever the form, errors are those of the scaled series.
            let error = mean_square(&chosen.forecasts, &numbers(levels.test.y()));
            assert!((0.3..3.0).contains(&(chosen.validation / error)), "{} {error}", chosen.validation);
        }
        assert!(trained(std::slice::from_ref(levels)).runs[0].validation > 10.0 * chosen.runs[0].validation);
    }
}
