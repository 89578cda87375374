//! What takes part in a training.

use super::*;
use std::ops::ControlFlow;
use unspool::optim::schedules::Cosine;
use unspool::train::{Callback, EarlyStopping, Interrupt, Progress, StopReason};
use unspool::{Optimizer, Sgd, evaluate};

fn noise() -> (Dataset<Tensor<f64>>, Dense<Tensor<f64>>) {
    (Dataset::new(values([30, 3], 1), values([30, 1], 2)).unwrap(), Dense::new(&mut rng(0), 3, 1))
}

/// Notes every call.
#[derive(Default)]
struct Notes {
    steps: Vec<(usize, usize, f64, Option<f64>)>,
    epochs: Vec<(usize, usize, f64, usize)>,
    ended: usize,
    stop_in_step: usize,
}

impl<M: Params<Tensor<f64>>> Callback<f64, M> for Notes {
    fn on_step(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        self.steps.push((report.epoch, report.steps, report.loss, report.learning_rate));
        assert_eq!(report.model.leaves().len(), 2);
        if report.steps == self.stop_in_step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
    fn on_epoch(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        self.epochs.push((report.epoch, report.steps, report.loss, report.history.loss.len()));
        ControlFlow::Continue(())
    }
    fn on_end(&mut self, _: &mut M) {
        self.ended += 1;
    }
}

#[test]
fn callbacks_see_every_step_and_epoch() {
    let (data, mut model) = noise();
    let mut notes = Notes::default();
    let sgd = Sgd::default().learning_rate(0.1).schedule(Cosine::new(6));
    let rates: Vec<f64> = (0..6).map(|step| 0.05 * (1.0 + (std::f64::consts::PI * step as f64 / 6.0).cos())).collect();
    let fit = fit(&mut model, &data).loss(mse).optimizer(sgd).batch_size(12).epochs(2).quiet();
    let history = fit.callback(&mut notes).run().unwrap();
    let places: Vec<(usize, usize)> = notes.steps.iter().map(|step| (step.0, step.1)).collect();
    assert_eq!(places, [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)]);
    for (step, rate) in notes.steps.iter().zip(&rates) {
        assert!((step.3.unwrap() - rate).abs() < 1e-15, "{step:?} {rate}");
    }
    // Batches of 12, 12 and 6 examples.
    let mean =
        |steps: &[(usize, usize, f64, Option<f64>)]| (12.0 * (steps[0].2 + steps[1].2) + 6.0 * steps[2].2) / 30.0;
    for (i, epoch) in notes.epochs.iter().enumerate() {
        assert_eq!((epoch.0, epoch.1, epoch.3), (i + 1, 3 * (i + 1), i + 1));
        assert!((epoch.2 - mean(&notes.steps[3 * i..][..3])).abs() < 1e-12);
        assert_eq!(epoch.2, history.loss[i]);
        assert_eq!(history.learning_rate[i], notes.steps[3 * i + 2].3.unwrap());
    }
    assert_eq!((notes.epochs.len(), notes.ended, history.stop_reason), (2, 1, StopReason::Done));
}

/// At a learning rate of 0 the loss of a batch tells who is in it.
#[test]
fn every_epoch_and_every_seed_has_an_order_of_its_own() {
    let (data, _) = noise();
    let losses = |seed: u64, shuffle: bool| {
        let (mut model, mut notes) = (noise().1, Notes::default());
        let still = Sgd::default().learning_rate(0.0);
        let fit =
            fit(&mut model, &data).loss(mse).optimizer(still).batch_size(10).epochs(2).seed(seed).shuffle(shuffle);
        fit.callback(&mut notes).quiet().run().unwrap();
        let losses: Vec<f64> = notes.steps.iter().map(|step| step.2).collect();
        [losses[..3].to_vec(), losses[3..].to_vec()]
    };
    let [[first, second], [other, _]] = [losses(1, true), losses(2, true)];
    assert!(first != second && first != other && second != other);
    assert_eq!(losses(1, true), [first, second]);
    let [first, second] = losses(1, false);
    assert_eq!(first, second);
}

#[test]
fn a_callback_ends_training_after_its_step() {
    let (data, mut model) = noise();
    let mut notes = [Notes { stop_in_step: 4, ..Notes::default() }, Notes::default()];
    let [first, second] = &mut notes;
    let fit = fit(&mut model, &data).loss(mse).batch_size(10).epochs(9).quiet();
    let history = fit.callback(first).callback(second).run().unwrap();
    assert_eq!((history.stop_reason, history.loss.len()), (StopReason::Stopped, 1));
    for notes in notes {
        assert_eq!((notes.steps.len(), notes.epochs.len(), notes.ended), (4, 1, 1));
    }
}

#[test]
fn an_interrupt_ends_training_after_its_step() {
    let (data, mut model) = noise();
    let interrupt = Interrupt::new();
    interrupt.set();
    let mut notes = Notes::default();
    let fit = fit(&mut model, &data).loss(mse).batch_size(10).epochs(9).interrupt(&interrupt).quiet();
    let history = fit.callback(&mut notes).run().unwrap();
    assert_eq!((history.stop_reason, notes.steps.len(), notes.ended), (StopReason::Interrupted, 1, 1));
}

/// A rate that is no number of epochs old is not lowered: weights jump about, and the best are in between.
#[test]
fn early_stopping_gives_back_the_best_weights() {
    let (data, _) = noise();
    let [train, valid] = data.split([20, 10], 0).unwrap();
    let run = |stopping: &mut EarlyStopping<f64>| {
        let mut model = noise().1;
        let sgd = Sgd::default().learning_rate(0.9);
        let fit = fit(&mut model, &train).loss(mse).optimizer(sgd).batch_size(5).epochs(200).validate(&valid).quiet();
        let history = fit.metric("minus", |o, t| -(o - t).square().mean()).callback(stopping).run().unwrap();
        (model, history)
    };
    let mut stopping = EarlyStopping::new(5);
    let (model, history) = run(&mut stopping);
    let best = stopping.best_epoch().unwrap();
    assert_eq!((history.val_loss.len(), history.stop_reason), (best + 5, StopReason::Stopped));
    assert_eq!(evaluate(&model, &valid, mse), history.val_loss[best - 1]);
    assert_eq!(stopping.best(), Some(history.val_loss[best - 1]));
    assert!(history.val_loss.iter().all(|&loss| loss >= history.val_loss[best - 1]));

    // The same with a metric to maximize.
    let mut rising = EarlyStopping::new(5).metric("val_minus").maximize();
    let (same, _) = run(&mut rising);
    assert_eq!((bits(&same), rising.best_epoch()), (bits(&model), Some(best)));
    // What the history marks is what was restored, also where it is not the lowest loss.
    let mut falling = EarlyStopping::new(5).metric("val_minus");
    let (_, mut history) = run(&mut falling);
    assert_eq!(history.best_epoch(), falling.best_epoch());
    let found = history.best_epoch();
    history.best = None;
    assert_ne!(found, history.best_epoch());
    // Nothing is better by so much: after the first epoch all are worse.
    let mut never = EarlyStopping::new(2).min_delta(1e9);
    let (_, history) = run(&mut never);
    assert_eq!((history.loss.len(), history.best_epoch()), (3, Some(1)));
    assert_eq!(never.best_epoch(), Some(1));
    // A metric that is no number is never better, and there are no best weights.
    let mut none = EarlyStopping::<f64>::new(2).metric("nan");
    let mut model = noise().1;
    let fit = fit(&mut model, &train).loss(mse).epochs(9).metric("nan", |o, _| (o - o).mean() / 0.0).quiet();
    assert_eq!(fit.callback(&mut none).run().unwrap().loss.len(), 2);
    assert_eq!((none.best(), none.best_epoch()), (None, None));
    assert_ne!(bits(&model), bits(&noise().1));
}

/// Loss, validation loss, metrics and rate, in the history and what is written of it.
#[test]
fn metrics_and_rates_stand_in_the_history() {
    let (data, mut model) = noise();
    let (first, last) = (data.slice(0, 21), data.slice(21, 9));
    let fit_to = |model: &mut Dense<Tensor<f64>>, valid: bool| {
        let fit = fit(model, &data).loss(mse).epochs(2).batch_size(7).metric("mae", unspool::losses::mae).quiet();
        let fit = fit.metric("odd, \"name\"", |o, _| o.mean());
        if valid { fit.validation_split(0.3).run() } else { fit.run() }.unwrap()
    };
    let history = fit_to(&mut model, true);
    assert_eq!(history.names(), ["loss", "val_loss", "val_mae", "val_odd, \"name\"", "learning_rate"]);
    assert_eq!(history.curve("val_loss").unwrap()[1], evaluate(&model, &last, mse));
    assert_eq!(history.curve("val_mae").unwrap()[1], evaluate(&model, &last, unspool::losses::mae));
    assert_eq!(history.learning_rate, [1e-3; 2]);
    assert!(history.to_csv().starts_with("epoch,loss,val_loss,val_mae,\"val_odd, \"\"name\"\"\",learning_rate\n1,"));
    let json: serde_json::Value = serde_json::from_str(&history.to_json()).unwrap();
    assert_eq!(json["val_odd, \"name\""][1].as_f64(), history.curve("val_odd, \"name\"").map(|values| values[1]));
    assert!(history.to_svg().contains(">mae<"));

    // The last part is held back: the same as by hand.
    let mut by_hand = noise().1;
    let fit = fit(&mut by_hand, &first).loss(mse).epochs(2).batch_size(7).validate(&last).quiet();
    assert_eq!(fit.run().unwrap().val_loss, history.val_loss);
    assert_eq!(bits(&by_hand), bits(&model));

    let mut model = noise().1;
    let history = fit_to(&mut model, false);
    assert_eq!(history.names(), ["loss", "mae", "odd, \"name\"", "learning_rate"]);
    assert_eq!(history.curve("mae").unwrap()[1], evaluate(&model, &data, unspool::losses::mae));

    // An optimizer without a rate.
    struct Still;
    impl<M: Params<Tensor<f64>>> Optimizer<f64, M> for Still {
        fn step(&mut self, _: &mut M, _: &M) {}
    }
    let history = unspool::fit(&mut model, &data).loss(mse).optimizer(Still).quiet().run().unwrap();
    assert!(history.learning_rate.is_empty());
}
