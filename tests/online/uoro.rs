//! Unbiased online recurrent optimization: noise around the exact gradient.

use super::*;
use unspool::cells::*;
use unspool::online::{Uoro, zero_state};

/// Mean and standard deviation of each element of the gradient, in the order of the parameters, over
/// so many seeds.
macro_rules! estimates {
    ($model:expr, $data:expr, $batch:expr, $seeds:expr) => {{
        let (mut sums, mut squares) = (Vec::new(), Vec::new());
        for seed in 0..$seeds {
            let mut learner = Uoro::new(zero_state(&$model.layer.cell, $batch), seed);
            let gradient = flat(&online(&mut learner, $model, $data).1);
            sums.resize(gradient.len(), 0.0);
            squares.resize(gradient.len(), 0.0);
            for ((sum, square), g) in sums.iter_mut().zip(&mut squares).zip(gradient) {
                *sum += g;
                *square += g * g;
            }
        }
        let n = $seeds as f64;
        let mean: Vec<f64> = sums.into_iter().map(|sum| sum / n).collect();
        let deviation = squares.into_iter().zip(&mean).map(|(s, m)| ((s / n - m * m).max(0.0) * n / (n - 1.0)).sqrt());
        (mean.clone(), deviation.collect::<Vec<f64>>())
    }};
}

fn flat(model: &impl Params<Tensor<f64>>) -> Vec<f64> {
    model.leaves().into_iter().flat_map(Tensor::to_vec).collect()
}

fn norm(x: impl IntoIterator<Item = f64>) -> f64 {
    x.into_iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// A z-test of every element, and of all together: with the mean elsewhere, squares of z are far from 1
/// in the mean (which they need not be close to, as the noise of all elements is one number a step).
#[track_caller]
fn unbiased(name: &str, (mean, deviation): (Vec<f64>, Vec<f64>), exact: &[f64], seeds: u64) {
    let error = norm(mean.iter().zip(exact).map(|(m, e)| m - e)) / norm(exact.iter().copied());
    let z: Vec<f64> = mean
        .iter()
        .zip(&deviation)
        .zip(exact)
        .filter(|((_, deviation), exact)| **deviation > 1e-12 * exact.abs())
        .map(|((mean, deviation), exact)| (mean - exact) / (deviation / (seeds as f64).sqrt()))
        .collect();
    assert!(z.len() * 2 > exact.len(), "{name}: {} of {} elements are noisy", z.len(), exact.len());
    let (largest, square) = (z.iter().fold(0.0, |max: f64, z| max.max(z.abs())), norm(z.iter().copied()).powi(2));
    println!("{name}: error of the mean {error:.4}, largest |z| {largest:.2}, mean z² {:.2}", square / z.len() as f64);
    assert!(largest < 5.0, "{name}: |z| = {largest}");
    assert!(square / (z.len() as f64) < 2.5, "{name}: mean z² = {}", square / z.len() as f64);
    // The elements without noise are those of the head, whose gradient is in the step.
    for ((mean, deviation), exact) in mean.iter().zip(&deviation).zip(exact) {
        assert!(*deviation > 1e-12 * exact.abs() || (mean - exact).abs() < 1e-9 * exact.abs().max(1e-3), "{name}");
    }
}

/// Of few units over few steps: the noise is small there, and a bias of some percent is seen.
macro_rules! cells {
    ($($name:ident: $cell:expr, $batch:expr;)*) => {$(
        #[test]
        fn $name() {
            const SEEDS: u64 = 1000;
            let model = net($cell, 2);
            let data = data(4, $batch, INPUTS);
            let exact = flat(&bptt(&model, &data).1);
            unbiased(stringify!($name), estimates!(&model, &data, $batch, SEEDS), &exact, SEEDS);
        }
    )*};
}

cells! {
    simple_rnn: SimpleRnn::new(&mut rng(7), INPUTS, 2), 1;
    lstm: Lstm::new(&mut rng(7), INPUTS, 2), 1;
    gru_of_three_sequences: Gru::new(&mut rng(7), INPUTS, 2), 3;
    min_gru: MinGru::new(&mut rng(7), INPUTS, 2), 1;
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let (model, data) = (net(Lstm::new(&mut rng(7), INPUTS, HIDDEN), HIDDEN), data(TIME, 2, INPUTS));
    let run = |seed| {
        let mut learner = Uoro::new(zero_state(&model.layer.cell, 2), seed);
        let first = flat(&online(&mut learner, &model, &data).1);
        learner.reset();
        (first, flat(&online(&mut learner, &model, &data).1))
    };
    let (first, second) = run(3);
    assert_eq!((&first, &second), (&run(3).0, &run(3).1));
    assert_ne!(first, run(4).0);
    assert_ne!(first, second, "a second sequence has other signs");
}

/// Two vectors: one of the state, one of all trained parameters.
#[test]
fn it_keeps_two_vectors() {
    let (model, data) = (net(Lstm::new(&mut rng(7), INPUTS, HIDDEN), HIDDEN), data(3, 2, INPUTS));
    let mut learner = Uoro::new(zero_state(&model.layer.cell, 2), 0);
    online(&mut learner, &model, &data);
    assert_eq!(learner.influence_size(), 2 * 2 * HIDDEN + model.parameter_count());
    let mut learner = Uoro::new(zero_state(&model.layer.cell, 2), 0).freeze("layer.cell.u");
    let gradients = online(&mut learner, &model, &data).1;
    assert_eq!(learner.influence_size(), 2 * 2 * HIDDEN + model.parameter_count() - 4 * HIDDEN * HIDDEN);
    assert_eq!(gradients.layer.cell.u, Tensor::zeros([HIDDEN, 4 * HIDDEN]));
}

/// The loss, the state after the step and the head's gradient have no noise.
#[test]
fn values_are_those_of_the_model() {
    let (model, data) = (net(Lstm::new(&mut rng(7), INPUTS, HIDDEN), HIDDEN), data(TIME, 2, INPUTS));
    let mut learner = Uoro::new(zero_state(&model.layer.cell, 2), 0);
    let (got, expected) = (online(&mut learner, &model, &data), bptt(&model, &data));
    assert!((got.0 - expected.0).abs() < 1e-12 * expected.0);
    assert!(error(&got.1.head, &expected.1.head).0 < 1e-12);
    assert!(error(&got.1.layer, &expected.1.layer).0 > 1e-3);
    let state: &(Tensor<f64>, Tensor<f64>) = learner.state();
    let tape = Tape::new();
    let after = tape.bind(&model).layer.run(tape.constant(&data.0), None, Context::default()).state();
    unspool_tests::assert_close("h", &state.0, &after.0.value(), 1e-12);
}

/// What is zero stays so: a state that forgets everything, and one that no parameter reaches.
#[test]
fn products_of_zero_are_left_out() {
    let (model, x) = (Dense::<Tensor<f64>>::new(&mut rng(1), 2, 2), values([1, 2], 1));
    let mut learner = Uoro::new(Tensor::zeros([1, 2]), 0);
    for _ in 0..3 {
        let (_, gradients) = learner.step(&model, [&x], |net, [x], h| (net.forward(x + h).square().sum(), h * 0.0 + x));
        assert_eq!(learner.influence_size(), 0);
        assert!(flat(&gradients).iter().all(|g| g.is_finite()));
    }
    for _ in 0..3 {
        let (_, gradients) = learner.step(&model, [&x], |net, [x], h| (h.square().sum(), net.forward(x) + h * 0.0));
        assert_eq!(learner.influence_size(), 2 + 6);
        assert!(flat(&gradients).iter().all(|g| g.is_finite()));
    }
}
