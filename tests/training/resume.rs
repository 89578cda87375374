//! Straight, and interrupted and resumed: the same bits. Checkpoints of others: refused.

use super::*;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use unspool::io::{Checkpoint, ErrorKind, WeightFile};
use unspool::losses::mae;
use unspool::optim::schedules::{Cosine, Plateau};
use unspool::optim::{AdamW, Ema, StateDict};
use unspool::prelude::*;
use unspool::train::{
    Callback, EarlyStopping, Fit, FitError, History, Interrupt, NoLoss, Progress, StopReason, Supervised,
};

#[derive(Params, Clone)]
pub(crate) struct Net<P> {
    pub(crate) gru: Recurrent<Gru<P>>,
    pub(crate) head: Dense<P>,
}

impl<'t> Layer<'t, f64> for Net<Var<'t, f64>> {
    type Output = Var<'t, f64>;

    fn apply(&self, x: Var<'t, f64>, cx: Context<'_>) -> Var<'t, f64> {
        let last = self.gru.apply(x, cx.fold_in(0)).last();
        self.head.forward(cx.fold_in(1).dropout(last, 0.2))
    }
}

/// A training to be set up.
pub(crate) type Run<'a> =
    Fit<'a, f64, Net<Tensor<f64>>, Supervised<'a, f64, Tensor<f64>, Tensor<f64>, NoLoss>, Adam<f64>>;

pub(crate) fn net() -> Net<Tensor<f64>> {
    let rng = &mut rng(3);
    Net { gru: Recurrent::new(Gru::new(rng, 1, 4)), head: Dense::new(rng, 4, 1) }
}

/// Where a file of this name is not.
pub(crate) fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fit");
    fs::create_dir_all(&folder).unwrap();
    let _ = fs::remove_file(folder.join(name));
    folder.join(name)
}

/// Sets an interrupt in this step.
pub(crate) struct At(pub(crate) usize, pub(crate) Interrupt);

impl<M> Callback<f64, M> for At {
    fn on_step(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        if report.steps == self.0 {
            self.1.set();
        }
        ControlFlow::Continue(())
    }
}

/// Trains in one go, and with an interruption after so many steps: weights, their average and the history are the same.
fn resumes<O: Optimizer<f64, Net<Tensor<f64>>> + Send>(
    name: &str,
    epochs: usize,
    optimizer: impl Fn() -> O,
    settings: impl for<'a> Fn(Run<'a>) -> Run<'a>,
) -> History {
    let (data, path) = (sequences(), file(name));
    let train = |cut: usize, resume: bool| {
        let (mut model, mut average) = (net(), Ema::new(&net(), 0.8));
        let interrupt = Interrupt::new();
        let fit = settings(fit(&mut model, &data)).interrupt(&interrupt).callback(At(cut, interrupt.clone()));
        let fit = fit.loss(mse).optimizer((optimizer(), &mut average)).epochs(epochs).quiet();
        let fit = if resume { fit.resume(&path) } else { fit.checkpoint(&path) };
        let history = timeless(fit.run().unwrap());
        (bits(&model), bits(average.model()), history)
    };
    let straight = train(usize::MAX, false);
    for cut in 1.. {
        let end = train(cut, false).2.stop_reason;
        if end != StopReason::Interrupted {
            assert!(cut > 4, "it was interrupted after {cut} steps");
            break;
        }
        assert!(train(usize::MAX, true) == straight, "{name}: other bits after an interruption in step {cut}");
    }
    fs::remove_file(path).unwrap();
    straight.2
}

#[test]
fn interrupted_trainings_end_in_the_same_bits() {
    let adam = || Adam::default().learning_rate(0.01);
    resumes("plain", 3, adam, |fit| fit.batch_size(9));
    resumes("buckets", 2, adam, |fit| fit.batch_size(7).bucket_by_length().seed(5));
    resumes("in order", 2, adam, |fit| fit.batch_size(8).shuffle(false).accumulate(2));
    let scheduled = || AdamW::default().learning_rate(0.02).schedule(Cosine::new(20).warmup(3)).clip_norm(0.5);
    resumes("metrics", 2, scheduled, |fit| fit.batch_size(4).accumulate(3).validation_split(0.3).metric("mae", mae));
    let tracked = resumes("tracked", 3, scheduled, |fit| fit.batch_size(7).track_gradients().track_updates());
    assert_eq!(tracked.tracked.len(), 2 * (1 + net().names().len()));
    // Sees the training loss, and has seen none at first.
    let plateau = || Sgd::default().learning_rate(0.5).momentum(0.9).reduce_on_plateau(Plateau::new().patience(0));
    resumes("plateau", 4, plateau, |fit| fit.batch_size(12));
}

/// The best weights are in the checkpoint, and so is that training has been stopped.
#[test]
fn early_stopping_is_resumed() {
    let jumpy = || Sgd::default().learning_rate(0.4);
    fn stopping(fit: Run<'_>) -> Run<'_> {
        fit.batch_size(10).validation_split(0.5)
    }
    let history = resumes("stopping", 50, jumpy, |fit| stopping(fit).callback(EarlyStopping::new(3)));
    assert_eq!(history.stop_reason, StopReason::Stopped);
    let best =
        (0..history.val_loss.len()).min_by(|&a, &b| history.val_loss[a].total_cmp(&history.val_loss[b])).unwrap();
    assert_eq!(history.val_loss.len(), best + 1 + 3);

    // Resumed after its end, it does nothing, but for the best weights.
    let (data, path) = (sequences(), file("stopped"));
    let train = |resume: bool| {
        let (mut model, sgd) = (net(), jumpy());
        let fit = stopping(fit(&mut model, &data)).callback(EarlyStopping::new(3)).loss(mse).optimizer(sgd);
        let fit = if resume { fit.resume(&path) } else { fit.checkpoint(&path) };
        let history = timeless(fit.epochs(50).quiet().run().unwrap());
        (bits(&model), history)
    };
    assert!(train(false) == train(true));
    fs::remove_file(path).unwrap();
}

/// A checkpoint from within an epoch is one, too.
#[test]
fn checkpoints_are_saved_every_few_steps() {
    let (data, path) = (sequences(), file("every"));
    let mut model = net();
    let mut seen = Vec::new();
    struct Look<'a>(&'a Path, &'a mut Vec<[f64; 2]>);
    impl<M> Callback<f64, M> for Look<'_> {
        fn on_step(&mut self, _: &Progress<'_, M>) -> ControlFlow<()> {
            if let Ok(file) = WeightFile::open(self.0) {
                let at = file.state_dict::<f64>("training").unwrap();
                self.1.push(["epochs", "batches"].map(|name| at.numbers[name]));
            }
            ControlFlow::Continue(())
        }
    }
    let fit = fit(&mut model, &data).loss(mse).batch_size(8).epochs(2).checkpoint(&path).checkpoint_every(2).quiet();
    fit.callback(Look(&path, &mut seen)).run().unwrap();
    let expected = [[0., 2.], [0., 2.], [0., 4.], [1., 0.], [1., 1.], [1., 1.], [1., 3.], [1., 3.]];
    assert_eq!(seen, expected);
    fs::remove_file(path).unwrap();
}

/// More epochs than at first are a longer training.
#[test]
fn a_training_goes_on_for_more_epochs() {
    let (data, path) = (sequences(), file("more"));
    let train = |epochs: usize, resume: bool| {
        let mut model = net();
        let fit = fit(&mut model, &data).loss(mse).batch_size(9).epochs(epochs).checkpoint(&path).quiet();
        let fit = if resume { fit.resume(&path) } else { fit };
        (timeless(fit.run().unwrap()), bits(&model))
    };
    let straight = train(3, false);
    train(1, false);
    train(2, true);
    assert_eq!(train(3, true), straight);
    assert_eq!(train(1, true).0.loss.len(), 3, "nothing is left to do");
    fs::remove_file(path).unwrap();
}

/// The error of a training that is to go on from the checkpoint of this test.
fn refused(path: &Path, change: impl FnOnce(Run<'_>) -> Result<History, FitError>) -> (ErrorKind, String) {
    let (data, mut model) = (sequences(), net());
    let before = bits(&model);
    let error = change(fit(&mut model, &data).batch_size(9).quiet().resume(path)).unwrap_err();
    assert_eq!(bits(&model), before, "the model is as it was");
    let FitError::Checkpoint(error) = error else { panic!("{error:?}") };
    (error.kind(), error.to_string().replace(&path.display().to_string(), "FILE"))
}

#[test]
fn checkpoints_of_other_trainings_are_refused_in_a_sentence() {
    let (data, path) = (sequences(), file("other"));
    fit(&mut net(), &data).loss(mse).batch_size(9).checkpoint(&path).quiet().run().unwrap();
    let refused = |path: &Path, change: fn(Run<'_>) -> Result<History, FitError>| {
        let (kind, sentence) = refused(path, change);
        assert_eq!(kind, ErrorKind::Mismatch);
        sentence
    };
    let is = |sentence: &str| format!("FILE comes from another training: {sentence}");

    let settings = refused(&path, |fit| fit.loss(mse).seed(1).batch_size(4).accumulate(2).shuffle(false).run());
    let sentence = "its seed is 0, expected 1; its number of batches per step is 1, expected 2; its batch size is 9, expected 4; \
                    its order of examples is 0, expected 1";
    assert_eq!(settings, is(sentence));
    let parts = refused(&path, |fit| {
        fit.loss(mse).validation_split(0.5).metric("mae", mae).callback(EarlyStopping::new(1)).run()
    });
    let sentence = "its number of callbacks is 0, expected 1; its number of training examples is 40, expected 20; \
                    its number of validation examples is 0, expected 20; its number of metrics is 0, expected 1";
    assert_eq!(parts, is(sentence));
    let optimizer = refused(&path, |fit| fit.loss(mse).optimizer(Sgd::default()).run());
    assert!(optimizer.starts_with(&is("of the optimizer, the saved state does not fit: m.gru.")), "{optimizer}");

    let mut other = sequential().add(|rng: &mut Rng| Dense::<Tensor<f64>>::new(rng, 1, 1));
    let flat = Dataset::new(values([40, 1], 1), values([40, 1], 1)).unwrap();
    let model = fit(&mut other, &flat).loss(mse).batch_size(9).resume(&path).run().unwrap_err().to_string();
    assert!(model.contains("does not fit the model: missing \"model.layers.0.weight\""), "{model}");

    // A metric of another name.
    let metric = file("metric");
    fit(&mut net(), &data).loss(mse).batch_size(9).metric("mae", mae).checkpoint(&metric).quiet().run().unwrap();
    let named = refused(&metric, |fit| fit.loss(mse).metric("error", mae).run());
    assert_eq!(
        named,
        is("of the history, the saved state does not fit: metrics.error is missing; metrics.mae is unexpected")
    );
    fs::remove_file(metric).unwrap();
    fs::remove_file(path).unwrap();
}

#[test]
fn files_that_are_no_checkpoints_are_refused_in_a_sentence() {
    let path = file("bad");
    let kind = || refused(&path, |fit| fit.loss(mse).run()).0;
    let go_on = || refused(&path, |fit| fit.loss(mse).run()).1;
    assert_eq!(kind(), ErrorKind::Io(std::io::ErrorKind::NotFound));
    assert!(go_on().starts_with("cannot read FILE: "), "{}", go_on());
    fs::write(&path, "no checkpoint").unwrap();
    assert_eq!(kind(), ErrorKind::InvalidData);
    assert!(go_on().starts_with("FILE is not a valid safetensors file: "), "{}", go_on());
    save(&path, &net()).unwrap();
    assert_eq!(go_on(), "FILE has nothing under the name \"settings.seed\"");

    // Every part of a checkpoint is missed, and every number in it that makes no sense is found.
    let (data, good) = (sequences(), file("good"));
    fit(&mut net(), &data).loss(mse).batch_size(9).checkpoint(&good).quiet().run().unwrap();
    let saved = WeightFile::open(&good).unwrap();
    let written = |left_out: &str, change: &dyn Fn(&mut StateDict<f64>)| {
        let mut checkpoint = Checkpoint::new();
        let mut model = net();
        saved.load("model", &mut model).unwrap();
        if left_out != "model" {
            checkpoint.put_model("model", &model);
        }
        for name in saved.names().filter(|name| name.starts_with("settings.")) {
            checkpoint.put_numbers(name, &saved.numbers::<1>(name).unwrap());
        }
        for part in ["optimizer", "task", "training", "history"].into_iter().filter(|part| *part != left_out) {
            let mut memory = saved.state_dict(part).unwrap();
            if part == "training" {
                change(&mut memory);
            }
            checkpoint.put_state(part, &memory);
        }
        checkpoint.save(&path).unwrap();
    };
    for part in ["model", "optimizer", "training", "history"] {
        written(part, &|_| ());
        let missing = if part == "model" { "does not fit the model: missing " } else { " is missing" };
        assert!(go_on().contains(missing), "{}", go_on());
    }
    for (name, number) in [("epochs", -1.0), ("epochs", 0.5), ("batches", 0.5), ("steps", f64::NAN), ("stopped", 2.0)] {
        written("", &|memory| {
            memory.numbers.insert(name.into(), number);
        });
        let sentence = go_on();
        assert!(sentence.contains(&format!("does not fit: {name} is {number}, expected ")), "{sentence}");
    }
    written("", &|memory| {
        memory.numbers.insert("batches".into(), 6.0);
    });
    assert_eq!(go_on(), "FILE comes from another training: it has done 6 batches of an epoch of 5");
    written("", &|memory| {
        memory.numbers.insert("epochs".into(), 3.0);
    });
    assert!(go_on().contains("of the history, the saved state does not fit: loss is [1], expected [3]"), "{}", go_on());

    // Cut short anywhere.
    let bytes = fs::read(&good).unwrap();
    for length in (0..bytes.len()).step_by(97) {
        fs::write(&path, &bytes[..length]).unwrap();
        go_on();
    }
    // With any one bit of its names, shapes and numbers flipped, it may still be one, but nothing panics.
    let (mut changed, mut refused) = (bytes.clone(), 0);
    for place in 0..bytes.len() {
        changed[place] ^= 1 << (place % 8);
        fs::write(&path, &changed).unwrap();
        refused += usize::from(fit(&mut net(), &data).loss(mse).batch_size(9).quiet().resume(&path).run().is_err());
        changed[place] = bytes[place];
    }
    assert!(refused > 1000, "{refused} of {}", bytes.len());
    drop(saved);
    for path in [path, good] {
        fs::remove_file(path).unwrap();
    }
}
