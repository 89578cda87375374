//! Gradient norms and update-to-weight ratios: against numbers computed by hand, and at no cost to the training.

use super::resume::{Run, file, net};
use super::*;
use std::fs;
use std::ops::ControlFlow;
use unspool::io::WeightFile;
use unspool::optim::{Ema, gradient_norm, gradient_norms, update_ratio, update_ratios};
use unspool::train::{Callback, EarlyStopping, History, Interrupt, Progress};

/// What callbacks were given.
#[derive(Default)]
struct Seen {
    norms: Vec<f64>,
    each_norm: Vec<Vec<(String, f64)>>,
    ratios: Vec<Option<f64>>,
    each_ratio: Vec<Option<Vec<(String, f64)>>>,
    epochs: usize,
}

impl<M: Params<Tensor<f64>>> Callback<f64, M> for Seen {
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        self.norms.push(progress.gradient_norm().unwrap());
        self.each_norm.push(progress.gradient_norms().unwrap());
        self.ratios.push(progress.update_ratio());
        self.each_ratio.push(progress.update_ratios());
        ControlFlow::Continue(())
    }
    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        assert!(progress.gradients.is_none() && progress.before.is_none());
        assert_eq!((progress.gradient_norm(), progress.gradient_norms()), (None, None));
        assert_eq!((progress.update_ratio(), progress.update_ratios()), (None, None));
        self.epochs += 1;
        ControlFlow::Continue(())
    }
}

/// Two weights 3 and 4 and a bias 0, inputs 1 and outputs 7: against targets 5, the loss is 4 and the derivative by each of
/// the three is 2 (7 - 5) = 4.
fn by_hand() -> (Dataset<Tensor<f64>>, Dense<Tensor<f64>>) {
    let data = Dataset::new(Tensor::ones([8, 2]), Tensor::full(5.0, [8, 1])).unwrap();
    (data, Dense { weight: Tensor::from_slice(&[3.0, 4.0], [2, 1]), bias: Tensor::zeros([1]) })
}

fn named(values: [f64; 2]) -> Vec<(String, f64)> {
    ["weight", "bias"].into_iter().map(str::to_owned).zip(values).collect()
}

#[test]
fn a_step_of_sgd_has_the_norms_computed_by_hand() {
    let (data, mut model) = by_hand();
    let (mut seen, sgd) = (Seen::default(), Sgd::default().learning_rate(0.125));
    let fit = fit(&mut model, &data).loss(mse).optimizer(sgd).batch_size(8).quiet();
    let history = fit.track_gradients().track_updates().callback(&mut seen).run().unwrap();
    let (norm, of_weight, ratio) = (48f64.sqrt(), 32f64.sqrt(), 0.125 * 48f64.sqrt() / 5.0);
    assert_eq!((seen.norms[0], &seen.each_norm[0]), (norm, &named([of_weight, 4.0])));
    // The ratio is the learning rate times the norm of the gradient over that of the weights; the bias was 0 and has none.
    assert!((seen.ratios[0].unwrap() - ratio).abs() < 1e-15);
    let [(_, weight), (_, bias)] = &seen.each_ratio[0].as_ref().unwrap()[..] else { panic!("two parameters") };
    assert!((weight - 0.125 * of_weight / 5.0).abs() < 1e-15 && bias.is_nan());
    assert_eq!(
        history.names(),
        [
            "loss",
            "gradient_norm",
            "gradient_norm.weight",
            "gradient_norm.bias",
            "update_ratio",
            "update_ratio.weight",
            "update_ratio.bias",
            "learning_rate"
        ]
    );
    let one = |name: &str| history.curve(name).unwrap()[0];
    assert_eq!([one("gradient_norm"), one("gradient_norm.weight"), one("gradient_norm.bias")], [norm, of_weight, 4.0]);
    assert_eq!([one("update_ratio"), one("update_ratio.weight")], [seen.ratios[0].unwrap(), *weight]);
    assert!(one("update_ratio.bias").is_nan());
}

/// The norm is that before clipping, the ratio that of what clipping has left, of weight decay too.
#[test]
fn norms_are_those_before_clipping_and_updates_those_after() {
    let (data, mut model) = by_hand();
    let mut seen = Seen::default();
    let sgd = Sgd::default().learning_rate(0.5).clip_value(1.0).weight_decay(0.25).freeze("bias");
    let fit = fit(&mut model, &data).loss(mse).optimizer(sgd).batch_size(8).quiet();
    fit.track_updates().callback(&mut seen).run().unwrap();
    assert_eq!(seen.norms[0], 48f64.sqrt());
    // 3 and 4 lose an eighth of themselves, and then 0.5.
    assert_eq!(model.weight.to_vec(), [3.0 - 0.375 - 0.5, 4.0 - 0.5 - 0.5]);
    assert!((seen.ratios[0].unwrap() - (0.875f64.powi(2) + 1.0).sqrt() / 5.0).abs() < 1e-15);
}

/// The norm is of the mean gradient over the batches of a step; an average beside the optimizer changes nothing.
#[test]
fn accumulated_batches_have_one_norm_and_an_average_changes_none() {
    let data = Dataset::new(values([24, 3], 1), values([24, 1], 2)).unwrap();
    let train = |batch_size: usize, accumulate: usize| {
        let (mut model, mut seen) = (Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1), Seen::default());
        let mut average = Ema::new(&model, 0.5);
        let fit = fit(&mut model, &data).loss(mse).optimizer((Sgd::default(), &mut average)).shuffle(false);
        let fit = fit.batch_size(batch_size).accumulate(accumulate).epochs(2).track_gradients().track_updates();
        let history = fit.callback(&mut seen).quiet().run().unwrap();
        (history, seen)
    };
    let ((history, seen), (of_two, seen_of_two)) = (train(12, 1), train(6, 2));
    assert_eq!((seen.norms.len(), seen_of_two.norms.len(), seen.epochs), (4, 4, 2));
    for name in history.names() {
        let (a, b) = (history.curve(name).unwrap(), of_two.curve(name).unwrap());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13), "{name} {a:?} {b:?}");
    }
    // Means over the steps of an epoch.
    for (epoch, steps) in [0..2, 2..4].into_iter().enumerate() {
        assert_eq!(history.curve("gradient_norm").unwrap()[epoch], seen.norms[steps.clone()].iter().sum::<f64>() / 2.0);
        let ratios: Vec<f64> = seen.ratios[steps].iter().copied().map(Option::unwrap).collect();
        assert_eq!(history.curve("update_ratio").unwrap()[epoch], ratios.iter().sum::<f64>() / 2.0);
    }
    // New biases have no ratio in the first step, which does not count.
    let bias = |step: usize| seen.each_ratio[step].as_ref().unwrap()[1].1;
    assert!(bias(0).is_nan());
    assert_eq!(history.curve("update_ratio.bias").unwrap()[0], bias(1));
}

#[test]
fn norms_of_a_training_loop_of_ones_own() {
    let (before, after) =
        (by_hand().1, Dense { weight: Tensor::from_slice(&[3.0, 1.0], [2, 1]), bias: Tensor::ones([1]) });
    assert_eq!((gradient_norm(&before), gradient_norms(&before)), (5.0, named([5.0, 0.0])));
    assert_eq!(update_ratio(&before, &after), 10f64.sqrt() / 5.0);
    assert_eq!(update_ratios(&before, &after)[0].1, 3.0 / 5.0);
    assert!(update_ratios(&before, &after)[1].1.is_nan());
    assert_eq!(update_ratio(&before, &before), 0.0);
    // The squares of these neither overflow nor underflow.
    for size in [1e200, 1e-200] {
        let [before, after] =
            [3.0, 4.0].map(|x| Dense { weight: Tensor::full(x * size, [1, 1]), bias: Tensor::full(4.0 * size, [1]) });
        assert!((update_ratio(&before, &after) - 0.2).abs() < 1e-15);
    }
}

/// Nothing of what is tracked reaches the weights.
#[test]
fn tracked_or_not_a_training_has_the_same_bits() {
    let data = sequences();
    let train = |settings: fn(Run<'_>) -> Run<'_>| {
        let mut model = net();
        let fit = settings(fit(&mut model, &data)).loss(mse).batch_size(9).accumulate(2).epochs(3).quiet();
        let history = fit.validation_split(0.25).run().unwrap();
        (bits(&model), history.loss, history.val_loss, history.tracked.len())
    };
    let off = train(|fit| fit);
    assert_eq!(off.3, 0);
    for on in [train(|fit| fit.track_gradients()), train(|fit| fit.track_updates())] {
        assert_eq!((on.0, on.1, on.2, on.3), (off.0.clone(), off.1.clone(), off.2.clone(), 1 + net().names().len()));
    }
}

/// Where the weights are in memory, and the copy of those before the step.
struct Places<'a>(&'a mut Vec<[Option<usize>; 2]>);

impl Callback<f64, Dense<Tensor<f64>>> for Places<'_> {
    fn on_step(&mut self, progress: &Progress<'_, Dense<Tensor<f64>>>) -> ControlFlow<()> {
        let place = |model: &Dense<Tensor<f64>>| model.weight.as_slice().unwrap().as_ptr().addr();
        self.0.push([Some(place(progress.model)), progress.before.map(place)]);
        ControlFlow::Continue(())
    }
}

#[test]
fn weights_change_in_place_and_are_copied_on_request_alone() {
    let places = |track: bool| {
        let ((data, mut model), mut places) = (by_hand(), Vec::new());
        let fit = fit(&mut model, &data).loss(mse).batch_size(2).quiet();
        let fit = if track { fit.track_updates() } else { fit };
        fit.callback(Places(&mut places)).run().unwrap();
        assert!(places.len() == 4 && places.iter().all(|place| *place == places[0]), "{places:?}");
        places[0]
    };
    let ([_, off], [weights, copy]) = (places(false), places(true));
    assert!(off.is_none() && copy.is_some() && copy != weights);
}

/// The history of a training that tracks what it did not before the interruption in step 7 of 3 epochs of 5, or the other
/// way round.
fn resumed(name: &str, first: fn(Run<'_>) -> Run<'_>, then: fn(Run<'_>) -> Run<'_>) -> History {
    let (data, path) = (sequences(), file(name));
    let train = |settings: fn(Run<'_>) -> Run<'_>, cut: usize, resume: bool| {
        let (mut model, interrupt) = (net(), Interrupt::new());
        let fit = settings(fit(&mut model, &data)).interrupt(&interrupt).callback(resume::At(cut, interrupt.clone()));
        let fit = fit.loss(mse).batch_size(8).epochs(3).checkpoint(&path).quiet();
        let fit = if resume { fit.resume(&path) } else { fit };
        timeless(fit.run().unwrap())
    };
    train(first, 7, false);
    let history = train(then, usize::MAX, true);
    fs::remove_file(path).unwrap();
    history
}

/// What is tracked is no part of the training: it may be switched on where something looks wrong.
#[test]
fn a_resumed_training_may_track_something_else() {
    fn off(fit: Run<'_>) -> Run<'_> {
        fit
    }
    fn on(fit: Run<'_>) -> Run<'_> {
        fit.track_gradients()
    }
    let [straight, later, earlier] = [resumed("both", on, on), resumed("later", off, on), resumed("earlier", on, off)];
    let norm = |history: &History| history.curve("gradient_norm").unwrap().to_vec();
    assert_eq!(norm(&straight).len(), 3);
    assert_eq!(later.names(), straight.names());
    // Of the second epoch it has seen three steps out of five.
    assert!(norm(&later)[0].is_nan() && norm(&later)[1].is_finite() && norm(&later)[1] != norm(&straight)[1]);
    assert_eq!(norm(&later)[2], norm(&straight)[2]);
    assert_eq!(norm(&earlier), norm(&straight)[..1]);
    assert_eq!(earlier.loss, straight.loss);
    assert!(earlier.to_csv().lines().nth(3).unwrap().contains(",,"));
}

/// A checkpoint without a trace of the tracker, as those were before there was one.
#[test]
fn a_checkpoint_from_before_there_were_norms_resumes() {
    let (data, path) = (sequences(), file("old"));
    fit(&mut net(), &data).loss(mse).batch_size(8).epochs(2).checkpoint(&path).quiet().run().unwrap();
    let names: Vec<String> = WeightFile::open(&path).unwrap().names().map(str::to_owned).collect();
    assert!(!names.iter().any(|name| name.contains("track")), "{names:?}");
    let mut model = net();
    let fit = fit(&mut model, &data).loss(mse).batch_size(8).epochs(3).resume(&path).quiet();
    let history = fit.track_gradients().run().unwrap();
    let norms = history.curve("gradient_norm").unwrap();
    assert!(norms[0].is_nan() && norms[1].is_nan() && norms[2] > 0.0);
    fs::remove_file(path).unwrap();
}

/// A curve like any other.
#[test]
fn early_stopping_may_watch_a_norm() {
    let (data, mut model) = by_hand();
    let mut stopping = EarlyStopping::new(2).metric("gradient_norm.weight").maximize();
    let fit = fit(&mut model, &data).loss(mse).epochs(9).track_gradients().callback(&mut stopping).quiet();
    let history = fit.run().unwrap();
    assert_eq!((history.loss.len(), stopping.best_epoch(), history.best_epoch()), (3, Some(1), Some(1)));
}
