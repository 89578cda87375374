//! The networks, and their training.

use crate::statistics::mean;
use crate::{Result, between};
use unspool::data::Differences;
use unspool::layers::{Boxed, boxed};
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
    /// The inputs of the test part, and one whose target nobody knows yet, `[T, N + 1, 1]`.
    pub(crate) ahead: Tensor,
    /// What makes a forecast of an output z for each of these: `offset + scale z`.
    pub(crate) offsets: Vec<f64>,
    pub(crate) scale: f64,
}

impl Task {
    pub(crate) fn forecasts(&self, outputs: &Tensor) -> Vec<f64> {
        numbers(outputs).iter().zip(&self.offsets).map(|(z, offset)| offset + self.scale * z).collect()
    }
}

/// How to train.
#[derive(clap::Args)]
pub(crate) struct Training {
    /// How many times each model is trained: with seeds 0 to N - 1
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = between::<u64>(1, 100))]
    seeds: u64,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
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
    /// For every example of the test part, and the one beyond the end.
    pub(crate) forecasts: Vec<f64>,
}

pub(crate) const NAIVE: &str = "naive: the last value";
pub(crate) const SEASONAL: &str = "seasonal naive";

/// A network for windows of that length, from a seed.
type Make = fn(u64, usize) -> Boxed;

pub(crate) const NETWORKS: [(&str, Make); 6] = [
    ("Dense(1)", |seed, window| boxed(sequential().seed(seed).add(flatten()).add(dense(window, 1)))),
    ("SimpleRNN(1)", |seed, _| boxed(sequential().seed(seed).add(simple_rnn(1, 1)))),
    ("SimpleRNN(20)-(20)-(1)", |seed, _| {
        let first = sequential().seed(seed).add(simple_rnn(1, 20).return_sequences());
        boxed(first.add(simple_rnn(20, 20).return_sequences()).add(simple_rnn(20, 1)))
    }),
    ("SimpleRNN(20)-(20), Dense(1)", |seed, _| {
        let first = sequential().seed(seed).add(simple_rnn(1, 20).return_sequences());
        boxed(first.add(simple_rnn(20, 20)).add(dense(20, 1)))
    }),
    ("LSTM(20)-(20), Dense(1)", |seed, _| {
        boxed(sequential().seed(seed).add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1)))
    }),
    ("GRU(20)-(20), Dense(1)", |seed, _| {
        boxed(sequential().seed(seed).add(gru(1, 20).return_sequences()).add(gru(20, 20)).add(dense(20, 1)))
    }),
];

/// Trains and tests all networks.
pub(crate) fn compare(tasks: &[Task], training: &Training) -> Result<Vec<Outcome>> {
    NETWORKS.iter().map(|network| train_and_test(*network, tasks, training)).collect()
}

/// Trains a network from each seed, and lets it forecast the test part. If there is more than one
/// task, these are the same one in several forms: the first seed tries all, and the others go on
/// with the one of the least validation error.
fn train_and_test((model, make): (&'static str, Make), mut tasks: &[Task], training: &Training) -> Result<Outcome> {
    let (mut runs, window) = (Vec::new(), tasks[0].ahead.shape()[0]);
    for seed in 0..training.seeds {
        let mut best: Option<(usize, Run)> = None;
        for (i, task) in tasks.iter().enumerate() {
            let mut network = make(seed, window);
            let history = train(model, &mut network, task, training, seed)?;
            let validation = history.val_loss[history.val_loss.len() - 1];
            if best.as_ref().is_none_or(|(_, best)| validation < best.validation) {
                let forecasts = task.forecasts(&predict(&network, &task.ahead));
                best = Some((i, Run { history: Some(history), validation, forecasts }));
            }
        }
        let (i, run) = best.expect("there is a task");
        tasks = &tasks[i..=i];
        runs.push(run);
    }
    let parameters = make(0, window).parameter_count();
    Ok(Outcome { model, parameters, differences: tasks[0].differences.clone(), runs })
}

/// Trains a network, and says how it went. Losses are those of the scaled series.
fn train(model: &str, network: &mut Boxed, task: &Task, training: &Training, seed: u64) -> Result<History> {
    let name = match task.differences.lags() {
        [] => model.to_string(),
        lags => format!("{model} on differences {}", listed(lags)),
    };
    let fit = fit(network, &task.train).loss(mse).optimizer(Adam::default()).epochs(training.epochs).seed(seed);
    let trained = fit.validate(&task.valid).quiet().run();
    let mut history = trained.map_err(|e| format!("training {name} with seed {seed} failed: {e}"))?;
    history.loss.iter_mut().chain(&mut history.val_loss).for_each(|loss| *loss *= task.scale.powi(2));
    let (loss, seconds) = (history.val_loss.last().unwrap_or(&f64::NAN), history.seconds);
    eprintln!("{name}, seed {seed}: validation loss {loss:.5} after {seconds:.1} s");
    Ok(history)
}

/// Lags as they are written.
pub(crate) fn listed(lags: &[usize]) -> String {
    lags.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// The elements in f64.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast::<f64>().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::mean_square;
    use crate::tasks::tests::cut_freely;
    use std::slice::from_ref;

    #[test]
    fn the_first_seed_chooses_the_form_for_all() {
        // A trend whose steps are 1 or 3, without pattern.
        let step = |i: i32| f64::from(1 + 2 * (i * i * 37 % 101 % 2));
        let cut = cut_freely((0..200).map(|end| (0..end).map(step).sum()).collect(), None);
        let [levels, changes] = &cut.tasks[..] else { panic!("two forms") };
        let trained = |tasks| train_and_test(NETWORKS[0], tasks, &Training { seeds: 2, epochs: 20 }).unwrap();
        let (chosen, alone) = (trained(&cut.tasks), trained(from_ref(changes)));
        assert_eq!((chosen.differences.lags(), chosen.runs.len(), chosen.parameters), (&[1][..], 2, 6));
        for (chosen, alone) in chosen.runs.iter().zip(&alone.runs) {
            assert_eq!(chosen.forecasts, alone.forecasts);
            // Whatever the form, errors are those of the scaled series.
            let error = mean_square(&chosen.forecasts, &numbers(levels.test.y()));
            assert!((0.3..3.0).contains(&(chosen.validation / error)), "{} {error}", chosen.validation);
        }
        assert!(trained(from_ref(levels)).runs[0].validation > 10.0 * chosen.runs[0].validation);
    }
}
