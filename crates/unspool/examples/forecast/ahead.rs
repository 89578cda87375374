//! Ten steps ahead, in three ways: one step repeated, all ten at once, all ten after every step.

use crate::Sentence;
use crate::models::{Training, numbers, train};
use crate::report::table;
use crate::series::Series;
use crate::statistics::{mean, mean_square, median};
use unspool::layers::Model;
use unspool::prelude::*;
use unspool::{gru, lstm, predict};

/// What a forecast is made from, and how far it goes.
pub(crate) const WINDOW: usize = 50;
pub(crate) const STEPS: usize = 10;

/// The figures of the literature for the same models, made with Keras.
const LITERATURE: [(&str, &str); 3] = [(REPEATED, "0.0275"), (AT_ONCE, "0.0085"), (AT_EVERY_STEP, "0.006-0.0096")];
const REPEATED: &str = "SimpleRNN(20)-(20), Dense(1) ten times";
const AT_ONCE: &str = "SimpleRNN(20)-(20), Dense(10)";
const AT_EVERY_STEP: &str = "SimpleRNN(20)-(20), Dense(10) at every step";

/// The parts of one task; the inputs of all are the same.
struct Data {
    train: Dataset,
    valid: Dataset,
}

/// Trains and tests all models, and returns the table.
pub(crate) fn compare(series: &Series, training: &Training) -> Result<String, Sentence> {
    let (train, valid) = ((0, 7_000), (7_000, 9_000));
    let ahead = |(from, to), steps| series.ahead(from, to, WINDOW, steps).map_err(|e| e.to_string());
    let every = |(from, to)| series.ahead_at_every_step(from, to, WINDOW, STEPS).map_err(|e| e.to_string());
    let one = Data { train: ahead(train, 1)?, valid: ahead(valid, 1)? };
    let ten = Data { train: ahead(train, STEPS)?, valid: ahead(valid, STEPS)? };
    let at_every_step = Data { train: every(train)?, valid: every(valid)? };
    let test = ahead((9_000, 10_000), STEPS)?;
    // Ten targets after each of fifty steps bear a higher rate, the one of the literature.
    let faster = Training { rate: 0.01, ..*training };

    let mut rows = vec![header(training.seeds)];
    let last = test.x().select(0, WINDOW - 1);
    let naive = mean_square(&numbers(&Tensor::concat(1, &vec![last; STEPS])), &numbers(test.y()));
    let mut row = vec!["naive: the last value".to_string(), "0".to_string(), format!("{naive:.5}")];
    row.resize(rows[0].len(), "-".to_string());
    rows.push(row);
    let dense_model = |seed| sequential().seed(seed).add(flatten()).add(dense(WINDOW, STEPS));
    rows.push(tested("Dense(10)", &ten, &test, training, dense_model, predict)?);
    let two = |seed| sequential().seed(seed).add(simple_rnn(1, 20).return_sequences());
    let model = |seed| two(seed).add(simple_rnn(20, 20)).add(dense(20, 1));
    rows.push(tested(REPEATED, &one, &test, training, model, repeated)?);
    let model = |seed| two(seed).add(simple_rnn(20, 20)).add(dense(20, STEPS));
    rows.push(tested(AT_ONCE, &ten, &test, training, model, predict)?);
    let model = |seed| two(seed).add(simple_rnn(20, 20).return_sequences()).add(dense(20, STEPS));
    rows.push(tested(AT_EVERY_STEP, &at_every_step, &test, &faster, model, after_the_last_step)?);
    let model = |seed| {
        let below = sequential().seed(seed).add(lstm(1, 20).return_sequences());
        below.add(lstm(20, 20).return_sequences()).add(dense(20, STEPS))
    };
    let name = "LSTM(20)-(20), Dense(10) at every step";
    rows.push(tested(name, &at_every_step, &test, &faster, model, after_the_last_step)?);
    let model = |seed| {
        let below = sequential().seed(seed).add(gru(1, 20).return_sequences());
        below.add(gru(20, 20).return_sequences()).add(dense(20, STEPS))
    };
    let name = "GRU(20)-(20), Dense(10) at every step";
    rows.push(tested(name, &at_every_step, &test, &faster, model, after_the_last_step)?);
    Ok(format!(
        "{}\ntest MSE: all ten points after the window, mean over the seeds\n\
         literature: Geron, Hands-On Machine Learning, 2nd edition, chapter 15, on series of the same form\n\
         at every step: the loss is that of the ten points after each of the {WINDOW} steps, learning rate {}\n",
        table(&rows),
        faster.rate
    ))
}

fn header(seeds: u64) -> Vec<String> {
    let seeds = (0..seeds).map(|seed| format!("seed {seed}"));
    let texts = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let before = texts(&["ten steps ahead", "parameters", "test MSE"]);
    before.into_iter().chain(seeds).chain(texts(&["literature", "s/fit"])).collect()
}

/// Trains a model from each seed; its row of the table.
fn tested<M>(
    name: &str,
    data: &Data,
    test: &Dataset,
    training: &Training,
    make: impl Fn(u64) -> M,
    forecast: impl Fn(&M, &Tensor) -> Tensor,
) -> Result<Vec<String>, Sentence>
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let (mut losses, mut seconds) = (Vec::new(), Vec::new());
    for seed in 0..training.seeds {
        let mut model = make(seed);
        seconds.push(train(name, &mut model, [&data.train, &data.valid], 1.0, training, seed)?.seconds);
        losses.push(mean_square(&numbers(&forecast(&model, test.x())), &numbers(test.y())));
    }
    let literature = LITERATURE.iter().find(|(model, _)| *model == name).map_or("-", |(_, loss)| loss);
    let mut row = vec![name.to_string(), make(0).parameter_count().to_string(), format!("{:.5}", mean(&losses))];
    row.extend(losses.iter().map(|loss| format!("{loss:.5}")));
    row.extend([literature.to_string(), format!("{:.3}", median(seconds))]);
    Ok(row)
}

/// The forecast of the next point is taken for true and forecast from, ten times: `[N, 10]`.
fn repeated<M: for<'t> Model<'t, f32> + Sync>(model: &M, xs: &Tensor) -> Tensor {
    let (mut xs, window) = (xs.clone(), xs.shape()[0]);
    for step in 0..STEPS {
        let next = predict(model, &xs.slice(0, step..));
        let n = next.shape()[0];
        xs = Tensor::concat(0, &[xs, next.reshape([1, n, 1])]);
    }
    xs.slice(0, window..).select(2, 0).t().contiguous()
}

/// Of the forecasts after every step, those after the last: `[N, 10]`.
fn after_the_last_step<M: for<'t> Model<'t, f32> + Sync>(model: &M, xs: &Tensor) -> Tensor {
    predict(model, xs).select(0, xs.shape()[0] - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unspool::layers::Activation;

    /// One more than the last value, of sequences without negative values.
    fn one_more() -> SimpleRnn<Tensor> {
        let x = Dense { weight: Tensor::ones([1, 1]), bias: Tensor::ones([1]) };
        SimpleRnn { x, u: Tensor::zeros([1, 1]), activation: Activation::Relu }
    }

    #[test]
    fn a_repeated_forecast_builds_on_itself() {
        let model = sequential().add(recurrent(|_| one_more()));
        let forecasts = repeated(&model, &Tensor::from_vec(vec![9.0, 9.0, 5.0, 70.0], [2, 2, 1]));
        let expected: Vec<f32> = (6..16).chain(71..81).map(|value| value as f32).collect();
        assert_eq!((&forecasts.shape()[..], forecasts.to_vec()), (&[2, STEPS][..], expected));
    }

    #[test]
    fn of_forecasts_at_every_step_those_at_the_last_count() {
        let model = sequential().add(recurrent(|_| one_more()).return_sequences());
        let forecasts = after_the_last_step(&model, &Tensor::from_vec(vec![9.0, 9.0, 5.0, 70.0], [2, 2, 1]));
        assert_eq!((&forecasts.shape()[..], forecasts.to_vec()), (&[2, 1][..], vec![6.0, 71.0]));
    }

    #[test]
    fn a_row_has_a_cell_per_column() {
        let series = Series::generate(1, 40, WINDOW + STEPS);
        let part = |from, to| series.ahead(from, to, WINDOW, STEPS).unwrap();
        let data = Data { train: part(0, 20), valid: part(20, 30) };
        let training = Training { seeds: 2, epochs: 1, rate: 1e-3 };
        let make = |seed| sequential().seed(seed).add(flatten()).add(dense(WINDOW, STEPS));
        let row = tested(AT_ONCE, &data, &part(30, 40), &training, make, predict).unwrap();
        assert_eq!(row.len(), header(2).len());
        assert_eq!((row[1].as_str(), row[5].as_str()), ("510", "0.0085"));
    }
}
