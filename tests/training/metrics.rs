//! Metrics, as scikit-learn computes them (`fixtures/metrics.py`), of more examples than are computed at once.

use super::*;
use unspool::losses::{Loss, cross_entropy, mae};
use unspool::train::accuracy;
use unspool::train::metrics::*;
use unspool::{evaluate, predict};
use unspool_tests::{fixture, tensor};

/// A model that says its inputs.
fn identity(features: usize) -> Dense<Tensor<f64>> {
    Dense { weight: Tensor::one_hot((0..features).collect::<Vec<_>>(), features), bias: Tensor::zeros([features]) }
}

fn close(name: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-12 * expected.abs().max(1.0), "{name}: {got} is not {expected}");
}

#[test]
fn metrics_agree_with_scikit_learn() {
    let cases = fixture("metrics_sklearn.json");
    let mut seen = 0;
    macro_rules! check {
        ($($case:literal: $($metric:ident)*;)*) => {$(
            let case = &cases[$case];
            let data = Dataset::new(tensor(&case["output"]), tensor(&case["target"])).unwrap();
            assert_eq!(data.len(), 300);
            let model = identity(data.x().shape()[1]);
            $(
                let name = stringify!($metric);
                close(name, evaluate(&model, &data, $metric), case[name].as_f64().unwrap());
                seen += 1;
            )*
        )*};
    }
    check! {
        "numbers": rmse r2;
        "classes": accuracy macro_f1 perplexity;
        "labels": binary_accuracy exact_match precision recall f1;
        "label": precision recall f1;
    }
    let all: usize = cases.as_object().unwrap().values().map(|case| case.as_object().unwrap().len() - 2).sum();
    assert_eq!(seen, all);
}

/// 344 examples right and 256 wrong by 10.82..: the root of the mean over all is 7.07, the mean of those of parts was another.
#[test]
fn what_is_no_mean_is_computed_from_all_examples() {
    let wrong = (50.0f64 * 600.0 / 256.0).sqrt();
    let y = Tensor::from_fn([600, 1], |i| if i < 256 { wrong } else { 0.0 });
    let data = Dataset::new(Tensor::zeros([600, 1]), y).unwrap();
    let model = identity(1);
    close("by hand", evaluate(&model, &data, |o, t| mse(o, t).sqrt()), 50f64.sqrt());
    close("rmse", evaluate(&model, &data, rmse), 50f64.sqrt());
    close("exp", evaluate(&model, &data, |o, t| mse(o, t).exp()), 50f64.exp());
    close("mean", evaluate(&model, &data, mse), 50.0);
    // In training, on the validation examples and without any.
    for valid in [false, true] {
        let (mut model, still) = (identity(1), Sgd::default().learning_rate(0.0));
        let fit =
            fit(&mut model, &data).loss(mse).metric("rmse", rmse).metric("half", |o, t| (o - t).abs().max() * 0.5);
        let fit = fit.optimizer(still).batch_size(100).quiet();
        let history = if valid { fit.validate(&data).run() } else { fit.run() }.unwrap();
        let name = |name: &str| if valid { format!("val_{name}") } else { name.to_string() };
        close("rmse", history.curve(&name("rmse")).unwrap()[0], 50f64.sqrt());
        close("max", history.curve(&name("half")).unwrap()[0], wrong / 2.0);
    }
}

/// What NaN is for one metric is NaN for all.
#[test]
fn metrics_of_what_is_not_a_number_are_none() {
    let tape = Tape::new();
    let good = tape.constant(&Tensor::<f64>::one_hot([0, 1, 1], 2));
    let bad = tape.constant(&Tensor::from_vec(vec![1.0, 0.0, f64::NAN, 1.0, 0.0, 1.0], [3, 2]));
    for [output, target] in [[bad, good], [good, bad]] {
        for metric in [accuracy, macro_f1, rmse, r2, binary_accuracy, exact_match, precision, recall, f1, perplexity] {
            assert!(metric(output, target).item().is_nan());
        }
    }
}

/// The sum of three tenths is not three times a tenth.
#[test]
fn the_variance_of_equal_targets_is_zero() {
    let tape = Tape::new();
    let target = tape.constant(&Tensor::<f64>::full(0.1, [3, 1]));
    assert_eq!(r2(target, target).item(), 1.0);
    assert_eq!(r2(target * 2.0, target).item(), 0.0);
}

#[test]
fn the_root_of_the_mean_is_right_where_squares_are_not() {
    for size in [1e-30, 0.0, 1e30] {
        let tape = Tape::new();
        let output = tape.variable(&Tensor::from_vec(vec![size, -size], [2, 1]));
        let error = rmse(output, output.new_zeros([2, 1]));
        let (found, slope) = (error.item(), error.backward().wrt(output).at([0, 0]));
        let expected = if size == 0.0 { 0.0 } else { 0.5f32 };
        assert!((found - size).abs() <= 1e-6 * size && (slope - expected).abs() < 1e-6, "{size}: {found}, {slope}");
    }
}

/// Of sequences of different lengths, all steps count that are no padding; every batch of them is cut elsewhere.
#[test]
fn metrics_of_sequences_see_every_step_but_padding() {
    let (time, n) = (7, 600);
    let lengths: Vec<usize> = (0..n).map(|i| if i < 256 { 1 + i % 3 } else { 1 + i % time }).collect();
    let padded = |salt: u64| {
        let of: Tensor<f64> = values([time, n, 2], salt);
        let elements = of.to_vec();
        Tensor::from_fn([time, n, 2], |at| if at / 2 / n < lengths[at / 2 % n] { elements[at] } else { f64::NAN })
    };
    let data = Dataset::new(padded(1), padded(2)).unwrap().with_lengths(lengths.clone()).unwrap();
    let steps = |of: &Tensor<f64>| {
        let of: Vec<f64> = of.to_vec().into_iter().filter(|x| !x.is_nan()).collect();
        Tensor::from_vec(of.clone(), [of.len() / 2, 2])
    };
    let rows = Dataset::new(steps(data.x()), steps(data.y())).unwrap();
    assert_eq!(rows.len(), lengths.iter().sum::<usize>());
    let model = identity(2);
    macro_rules! same {
        ($($metric:expr),*) => { $(close(stringify!($metric), evaluate(&model, &data, $metric), evaluate(&model, &rows, $metric));)* };
    }
    same!(rmse, r2, accuracy, macro_f1, f1, mse, mae);
    // Without lengths, sequences are all steps.
    let whole = Dataset::new(values([time, n, 2], 1), values([time, n, 2], 2)).unwrap();
    let flat = |of: &Tensor<f64>| of.reshape([time * n, 2]);
    let rows = Dataset::new(flat(whole.x()), flat(whole.y())).unwrap();
    for (a, b) in [&whole, &rows].map(|data| evaluate(&model, data, r2)).into_iter().zip([evaluate(&model, &rows, r2)])
    {
        close("r2", a, b);
    }
    // A loss may want the sequence itself, also where batches end at different steps.
    let last = Dataset::new(data.x().map(|x| if x.is_nan() { 0.0 } else { x }), values([n, 2], 3)).unwrap();
    let last = last.with_lengths(lengths).unwrap();
    let first = last.x().select(0, 0).zip(last.y(), |x, y| (x - y) * (x - y)).mean().item();
    close("first step", evaluate(&model, &last, |o, t| mse(o.select(0, 0), t)), first);
}

/// With weights, a loss is the mean of what it is for each example, as in training; a metric in `fit` counts all the same.
#[test]
fn weights_are_those_of_the_loss() {
    let n = 600;
    let weights: Vec<f64> = (0..n).map(|i| (i % 4) as f64).collect();
    let plain = Dataset::new(values([n, 2], 1), values([n, 2], 2)).unwrap();
    let data = plain.clone().with_weights(weights.clone()).unwrap();
    let model = identity(2);
    let each = |i: usize| weights[i] * evaluate(&model, &plain.slice(i, 1), mae);
    close("mae", evaluate(&model, &data, mae), (0..n).map(each).sum::<f64>() / n as f64);
    let (mut trained, still) = (model.clone(), Sgd::default().learning_rate(0.0));
    let fit = fit(&mut trained, &data).loss(mae).metric("rmse", rmse).optimizer(still).validate(&data).quiet();
    let history = fit.run().unwrap();
    assert_eq!(history.val_loss[0], evaluate(&model, &data, mae));
    assert_eq!(history.curve("val_rmse").unwrap()[0], evaluate(&model, &plain, rmse));
}

/// A class that nobody says or means, a label that never is, a constant target; and numbers that are none.
#[test]
fn metrics_of_nothing_are_defined() {
    let of = |output: &[f64], target: &[f64], metric: &dyn Fn(&Dataset<Tensor<f64>>) -> f64| {
        let x = Tensor::from_vec(output.to_vec(), [output.len(), 1]);
        metric(&Dataset::new(x, Tensor::from_vec(target.to_vec(), [target.len(), 1])).unwrap())
    };
    fn on(metric: impl Loss<f64>) -> impl Fn(&Dataset<Tensor<f64>>) -> f64 {
        move |data| evaluate(&identity(1), data, &metric)
    }
    // As scikit-learn with `zero_division=0`, its default but for the warning.
    for metric in [&on(f1) as &dyn Fn(&Dataset<Tensor<f64>>) -> f64, &on(precision), &on(recall)] {
        assert_eq!(of(&[-1.0, -2.0], &[0.0, 0.0], metric), 0.0);
        assert!(of(&[-1.0, f64::NAN], &[0.0, 0.0], metric).is_nan());
        assert!(of(&[-1.0, 1.0], &[0.0, f64::NAN], metric).is_nan());
    }
    assert!(of(&[f64::NAN], &[0.0], &on(binary_accuracy)).is_nan());
    assert!(of(&[f64::NAN], &[0.0], &on(exact_match)).is_nan());
    // `r2_score([2, 2], [2, 2])` and `r2_score([2, 2], [1, 3])`.
    assert_eq!(of(&[2.0, 2.0], &[2.0, 2.0], &on(r2)), 1.0);
    assert_eq!(of(&[1.0, 3.0], &[2.0, 2.0], &on(r2)), 0.0);
    assert!(of(&[1.0, f64::NAN], &[2.0, 3.0], &on(r2)).is_nan());
}

/// The same bits however many threads there are, and as from outputs that were computed before.
#[test]
fn metrics_have_the_same_bits_at_any_number_of_threads() {
    let data = Dataset::new(values([7, 700, 3], 1), values([700, 2], 2)).unwrap();
    let model = sequential().add(gru(3, 5)).add(dense(5, 2));
    let data = Dataset::<Tensor>::new(data.x().cast(), data.y().cast()).unwrap();
    let measure = || {
        let [a, b] = [evaluate(&model, &data, rmse), evaluate(&model, &data, r2)];
        [a, b, evaluate(&model, &data, cross_entropy)].map(f64::to_bits)
    };
    let expected = measure();
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(measure), expected);
    }
    let tape = Tape::new();
    let whole = rmse(tape.constant(&predict(&model, data.x())), tape.constant(data.y()));
    assert_eq!(f64::from(whole.item()).to_bits(), expected[0]);
}
