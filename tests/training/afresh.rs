//! A training begins afresh, whatever its optimizer and its callbacks were used for before.

use super::*;
use std::ops::ControlFlow;
use unspool::losses::mae;
use unspool::optim::schedules::{Cosine, Exponential, OneCycle, Plateau, StepDecay};
use unspool::optim::{Adadelta, Adagrad, AdamW, Adamax, Ema, Lion, Nadam, RAdam, RmsProp};
use unspool::prelude::*;
use unspool::train::{Callback, EarlyStopping, FitError, History, Interrupt, Progress, Start, StopReason};

type Net = Dense<Tensor<f64>>;

fn net(seed: u64) -> Net {
    Dense::new(&mut rng(seed), 3, 1)
}

fn data(seed: u64) -> Dataset<Tensor<f64>> {
    Dataset::new(values([24, 3], seed), values([24, 1], seed + 1)).unwrap()
}

/// Two epochs of three steps, without shuffling.
fn train(model: &mut Net, optimizer: impl Optimizer<f64, Net> + Send) -> Vec<f64> {
    let data = data(1);
    let fit = fit(model, &data).loss(mse).optimizer(optimizer).batch_size(8).shuffle(false).epochs(2);
    fit.quiet().run().unwrap().learning_rate
}

/// Weights, rates and memory are those of a new optimizer after it has stepped another model of the same shapes, of another
/// seed or of the same; with the same model, it goes on.
fn begins_anew<O: Optimizer<f64, Net> + Send + Clone>(name: &str, new: impl Fn() -> O) {
    for seed in [1, 2] {
        let run = |mut optimizer: O| {
            let mut model = net(seed);
            let rates = train(&mut model, &mut optimizer);
            (bits(&model), rates, optimizer.state_dict())
        };
        let expected = run(new());
        let mut first = net(1);
        let mut lent = new();
        train(&mut first, &mut lent);
        let trained = (first.clone(), lent.clone());
        assert!(run(lent.clone()) == expected, "{name}: what was learned with model 1 is left for model {seed}");

        // Stepped by hand, or taken from a file, it is no other.
        for (steps, case) in [(0, "taken over"), (1, "stepped by hand")] {
            let mut by_hand = new();
            let mut model = first.clone();
            by_hand.load_state_dict(&model, &lent.state_dict()).unwrap();
            (0..steps).for_each(|_| by_hand.step(&mut model, &first));
            assert!(run(by_hand.clone()) == expected, "{name}, {case}: something is left");
            train(&mut model, &mut by_hand);
            assert_eq!(
                by_hand.state_dict().numbers["step"],
                (12 + steps) as f64,
                "{name}, {case}: it has forgotten its model"
            );
        }

        // The same model, in two trainings and in one.
        let (mut model, mut lent) = trained;
        train(&mut model, &mut lent);
        let (mut at_once, mut optimizer, data) = (net(1), new(), data(1));
        let fit = fit(&mut at_once, &data).loss(mse).optimizer(&mut optimizer).batch_size(8).shuffle(false).epochs(4);
        fit.quiet().run().unwrap();
        assert!(
            (bits(&model), lent.state_dict()) == (bits(&at_once), optimizer.state_dict()),
            "{name}: it did not go on"
        );
    }
}

#[test]
fn every_optimizer_begins_anew_with_another_model() {
    begins_anew("Sgd", Sgd::default);
    begins_anew("momentum", || Sgd::default().momentum(0.9));
    begins_anew("RmsProp", || RmsProp::default().centered().momentum(0.5));
    begins_anew("dampening", || Sgd::default().momentum(0.9).dampening(0.5));
    begins_anew("Adagrad", || Adagrad::default().lr_decay(0.1));
    begins_anew("Adagrad from a sum", || Adagrad::default().initial_accumulator(0.5));
    begins_anew("Adadelta", Adadelta::default);
    begins_anew("Adam", || Adam::default().clip_norm(0.1));
    begins_anew("AMSGrad", || Adam::default().amsgrad());
    begins_anew("Adamax", Adamax::default);
    begins_anew("AdamW", AdamW::default);
    begins_anew("Nadam", Nadam::default);
    begins_anew("RAdam", RAdam::default);
    begins_anew("Lion", Lion::default);
}

#[test]
fn every_schedule_begins_anew_with_another_model() {
    let sgd = || Sgd::default().learning_rate(0.1);
    begins_anew("StepDecay", || sgd().schedule(StepDecay::new(2, 0.5)));
    begins_anew("Exponential", || sgd().schedule(Exponential::new(0.9)));
    begins_anew("Cosine", || sgd().schedule(Cosine::new(20).warmup(3)));
    begins_anew("OneCycle", || sgd().schedule(OneCycle::new(20)));
    begins_anew("a function", || sgd().schedule(|step: usize| 1.0 / (1 + step) as f64));
    // Nothing is better by so much, so every epoch but the first lowers the rate.
    let plateau = || Plateau::new().patience(0).factor(0.5).threshold(1e9);
    begins_anew("Plateau", || sgd().reduce_on_plateau(plateau()));
    begins_anew("Plateau that pauses", || sgd().reduce_on_plateau(plateau().cooldown(2)));
}

/// What was reset is new, also for models of other shapes.
#[test]
fn a_reset_optimizer_steps_any_model() {
    let mut adam = Adam::default().group("weight", |g| g.lr_scale(0.5)).clip_norm(1.0);
    train(&mut net(1), &mut adam);
    let large = || Dense::<Tensor<f64>>::new(&mut rng(0), 5, 2);
    adam.reset();
    assert_eq!((adam.steps(), adam.gradient_norm(), adam.state_dict().tensors.len()), (0, None, 0));
    adam.step(&mut large(), &large());
    // In `fit`, nobody need reset it.
    let mut model = net(2);
    train(&mut model, &mut adam);
    let mut expected = net(2);
    train(&mut expected, Adam::default().group("weight", |g| g.lr_scale(0.5)).clip_norm(1.0));
    assert_eq!(bits(&model), bits(&expected));
}

/// The average of another model, or of one whose weights were changed since, is that of its weights.
#[test]
fn an_average_begins_anew_with_another_model() {
    let averaged = |model: &mut Net, average: &mut Ema<Net>| {
        train(model, (Sgd::default().learning_rate(0.1), &mut *average));
        bits(average.model())
    };
    let expected = averaged(&mut net(2), &mut Ema::new(&net(2), 0.9));
    let (mut first, mut average) = (net(1), Ema::new(&net(1), 0.9));
    averaged(&mut first, &mut average);
    let (mut same, mut once_more) = (first.clone(), average.clone());
    assert_eq!(averaged(&mut net(2), &mut average), expected);

    // It goes on with the same model, also when it comes from a file.
    let mut restored = Ema::new(&net(3), 0.9);
    restored.load_state_dict(&once_more.state_dict()).unwrap();
    let expected = averaged(&mut same, &mut once_more);
    assert_eq!(averaged(&mut first.clone(), &mut restored), expected);
    let mut anew = Ema::new(&first, 0.9);
    assert_ne!(averaged(&mut first, &mut anew), expected);
}

/// A training that stops early with the best weights.
fn stopped(model: &mut Net, stopping: &mut EarlyStopping<f64>) -> (Vec<u64>, Option<usize>, History) {
    let (train, valid) = (data(1), data(5));
    let sgd = Sgd::default().learning_rate(0.9);
    let fit = fit(model, &train).loss(mse).optimizer(sgd).batch_size(5).epochs(40).validate(&valid).quiet();
    let history = timeless(fit.callback(&mut *stopping).run().unwrap());
    (bits(model), stopping.best_epoch(), history)
}

#[test]
fn early_stopping_begins_anew() {
    let new = || EarlyStopping::new(3);
    let expected = stopped(&mut net(2), &mut new());
    let mut lent = new();
    stopped(&mut net(1), &mut lent);
    assert!(stopped(&mut net(2), &mut lent) == expected);
    // Also after a training without an epoch, whose model is left alone.
    let (mut model, data) = (net(4), data(1));
    fit(&mut model, &data).loss(mse).epochs(0).callback(&mut lent).quiet().run().unwrap();
    assert_eq!((bits(&model), lent.best()), (bits(&net(4)), None));
}

/// A metric of which nobody knows is an error before any step.
#[test]
fn a_callback_that_cannot_work_is_told_before_training() {
    let (data, mut model) = (data(1), net(1));
    let stopping = EarlyStopping::new(1).metric("mae");
    let fit = fit(&mut model, &data).loss(mse).metric("mae", mae).validation_split(0.5).callback(stopping).quiet();
    let error = fit.run().unwrap_err();
    let sentence = "EarlyStopping: there is no metric \"mae\"; there are loss, val_loss, val_mae, learning_rate";
    assert_eq!(error, FitError::Callback(sentence.into()));
    assert_eq!(bits(&model), bits(&net(1)));
}

/// Counts steps and beginnings.
#[derive(Default)]
struct Counts([usize; 2], Vec<Vec<String>>);

impl<M> Callback<f64, M> for Counts {
    fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
        self.0 = [0, self.0[1] + 1];
        self.1.push(start.curves.to_vec());
        Ok(())
    }
    fn on_step(&mut self, _: &Progress<'_, M>) -> ControlFlow<()> {
        self.0[0] += 1;
        ControlFlow::Continue(())
    }
}

#[test]
fn callbacks_are_told_of_the_beginning() {
    let (data, mut counts) = (data(1), Counts::default());
    for _ in 0..2 {
        let mut model = net(1);
        let fit = fit(&mut model, &data).loss(mse).batch_size(8).epochs(2).callback(&mut counts).quiet();
        let history = fit.metric("mae", mae).run().unwrap();
        assert_eq!(counts.1.last().unwrap(), &history.names());
    }
    assert_eq!(counts.0, [6, 2]);
}

/// An interrupt is a wish about the program: it is not forgotten between two trainings, but for whoever takes it back.
#[test]
fn an_interrupt_stays_until_it_is_cleared() {
    let (data, interrupt) = (data(1), Interrupt::new());
    let end = || fit(&mut net(1), &data).loss(mse).interrupt(&interrupt).quiet().run().unwrap().stop_reason;
    interrupt.set();
    assert_eq!([end(), end()], [StopReason::Interrupted; 2]);
    interrupt.clear();
    assert_eq!([end(), end()], [StopReason::Done; 2]);
}
