//! Forecasts the next ten points of a noisy wave in three ways: one step, repeated on its own
//! forecasts; all ten at once; all ten after every step of the sequence.
//!
//! ```text
//! cargo run --release --example ten_steps
//! ```

#![forbid(unsafe_code)]

#[path = "shared/waves.rs"]
mod waves;

use std::error::Error;
use unspool::layers::Model;
use unspool::predict;
use unspool::prelude::*;

const SEEDS: u64 = 3;
const EPOCHS: usize = 20;
fn main() -> Result<(), Box<dyn Error>> {
    let waves: Tensor = waves::waves(10_000, 60).cast();
    let split = |y: Tensor| Dataset::new(waves.slice(0, ..50), y)?.split([70, 20, 10], 0);
    let one = split(waves.select(0, 50))?;
    let ten = split(waves.slice(0, 50..).select(2, 0).t())?;
    // After step t the points t + 1 to t + 10, `[50, N, 10]`.
    let ahead: Vec<Tensor> = (1..11).map(|step| waves.slice(0, step..step + 50)).collect();
    let every_step = split(Tensor::concat(2, &ahead))?;
    let targets = ten[2].y();

    println!("{:<43}  parameters  test MSE   seed 0   seed 1   seed 2    literature   s/fit", "ten steps ahead");
    let naive = mean_squared_error(&Tensor::concat(1, &vec![ten[2].x().select(0, 49); 10]), targets);
    println!("{:<43}           0  {naive:>8.5}        -        -        -             -       -", "the last value");
    run("Dense(10)", "-", &ten, targets, 0.001, predict, |seed| {
        sequential().seed(seed).add(flatten()).add(dense(50, 10))
    })?;
    run("SimpleRNN(20)-(20), Dense(1) ten times", "0.0275", &one, targets, 0.001, repeated, |seed| {
        sequential().seed(seed).add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1))
    })?;
    run("SimpleRNN(20)-(20), Dense(10)", "0.0085", &ten, targets, 0.001, predict, |seed| {
        sequential().seed(seed).add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 10))
    })?;
    // Ten targets after each of fifty steps bear a higher learning rate, the one of the literature.
    let name = "SimpleRNN(20)-(20), Dense(10) at every step";
    run(name, "0.006-0.0096", &every_step, targets, 0.01, after_the_last_step, |seed| {
        let first = sequential().seed(seed).add(simple_rnn(1, 20).return_sequences());
        first.add(simple_rnn(20, 20).return_sequences()).add(dense(20, 10))
    })?;
    println!(
        "\ntest MSE: all ten points after the window, mean over the seeds\n\
         literature: Geron, Hands-On Machine Learning, 2nd edition, chapter 15, on series of the same form\n\
         at every step: the loss is that of the ten points after each of the 50 steps, learning rate 0.01"
    );
    Ok(())
}

/// Trains the model that `make` makes of each seed, and prints the errors of its forecasts.
fn run<M: Model<f32> + Send + Sync>(
    name: &str,
    literature: &str,
    [train, valid, test]: &[Dataset; 3],
    targets: &Tensor,
    learning_rate: f64,
    forecast: impl Fn(&M, &Tensor) -> Tensor,
    make: impl Fn(u64) -> M,
) -> Result<(), Box<dyn Error>> {
    let (mut losses, mut seconds) = (Vec::new(), Vec::new());
    for seed in 0..SEEDS {
        let mut model = make(seed);
        let adam = Adam::default().learning_rate(learning_rate);
        let fit = fit(&mut model, train).loss(mse).optimizer(adam).epochs(EPOCHS).seed(seed);
        seconds.push(fit.validate(valid).quiet().run()?.seconds);
        losses.push(mean_squared_error(&forecast(&model, test.x()), targets));
    }
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    seconds.sort_by(f64::total_cmp);
    print!("{name:<43}  {:>10}  {mean:>8.5}", make(0).parameter_count());
    losses.iter().for_each(|loss| print!("  {loss:.5}"));
    println!("  {literature:>12}  {:>6.3}", seconds[seconds.len() / 2]);
    Ok(())
}

fn mean_squared_error(forecasts: &Tensor, targets: &Tensor) -> f64 {
    forecasts.cast::<f64>().zip(&targets.cast(), |forecast, target| (forecast - target).powi(2)).mean().item()
}

/// The forecast of the next point is taken for true and forecast from, ten times: `[N, 10]`.
fn repeated<M: Model<f32> + Sync>(model: &M, xs: &Tensor) -> Tensor {
    let (mut xs, window) = (xs.clone(), xs.shape()[0]);
    for step in 0..10 {
        let next = predict(model, &xs.slice(0, step..));
        xs = Tensor::concat(0, &[xs, next.unsqueeze(0)]);
    }
    xs.slice(0, window..).select(2, 0).t()
}

/// Of the forecasts after every step, those after the last: `[N, 10]`.
fn after_the_last_step<M: Model<f32> + Sync>(model: &M, xs: &Tensor) -> Tensor {
    predict(model, xs).select(0, xs.shape()[0] - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unspool::layers::Activation;

    #[test]
    fn a_repeated_forecast_builds_on_itself() {
        // One more than the last value, of sequences without negative values.
        let (x, u) = (Dense { weight: Tensor::ones([1, 1]), bias: Tensor::ones([1]) }, Tensor::zeros([1, 1]));
        let one_more = SimpleRnn { x, u, activation: Activation::Relu };
        let model = sequential().add(recurrent(|_| one_more.clone()));
        let forecasts = repeated(&model, &Tensor::from_vec(vec![9.0, 9.0, 5.0, 70.0], [2, 2, 1]));
        let expected: Vec<f32> = (6..16).chain(71..81).map(|value| value as f32).collect();
        assert_eq!((&forecasts.shape()[..], forecasts.to_vec()), (&[2, 10][..], expected));
    }
}
