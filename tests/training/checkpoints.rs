//! Checkpoints: what they hold, and what happens where one cannot be saved.

use super::resume::*;
use super::*;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use unspool::io::{Checkpoint, ErrorKind, WeightFile};
use unspool::losses::mae;
use unspool::optim::{Ema, StateDict};
use unspool::prelude::*;
use unspool::train::{Callback, FitError, Progress};

#[test]
fn a_checkpoint_that_cannot_be_saved_ends_training() {
    let data = sequences();
    let error = fit(&mut net(), &data).loss(mse).checkpoint(file("no").join("such/a")).quiet().run().unwrap_err();
    assert!(error.to_string().starts_with("cannot save "), "{error}");
}

/// What an optimizer has never seen is infinite, and stays so in a file.
#[test]
fn memories_come_back_from_files_as_they_were() {
    let path = file("memory");
    let mut memory = StateDict::<f64>::new();
    for (i, number) in [0.1 + 0.2, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300].into_iter().enumerate() {
        memory.numbers.insert(format!("number.{i}"), number);
    }
    memory.tensors.insert("of one".into(), values([1], 3));
    memory.tensors.insert("scalar".into(), Tensor::scalar(0.3));
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_state("a", &memory);
    checkpoint.put_tensor("ab", &Tensor::<f32>::ones([2]));
    checkpoint.save(&path).unwrap();
    let file = WeightFile::open(&path).unwrap();
    let read = file.state_dict::<f64>("a").unwrap();
    assert_eq!(read, memory);
    assert!(read.numbers.iter().zip(&memory.numbers).all(|((_, a), (_, b))| a.to_bits() == b.to_bits()));
    assert_eq!(file.state_dict::<f64>("b").unwrap(), StateDict::new());
    let error = file.state_dict::<f32>("a").unwrap_err().to_string();
    assert!(error.contains("holds \"a.of one\" as f64, expected f32"), "{error}");
    fs::remove_file(path).unwrap();
}

#[test]
fn two_averages_are_resumed() {
    let (data, path) = (sequences(), file("two averages"));
    let train = |epochs: usize, resume: bool| {
        let (mut model, mut fast, mut slow) = (net(), Ema::new(&net(), 0.5), Ema::new(&net(), 0.9));
        let optimizer = ((Adam::default(), &mut fast), &mut slow);
        let fit = fit(&mut model, &data).loss(mse).optimizer(optimizer).batch_size(9).epochs(epochs).quiet();
        let fit = if resume { fit.resume(&path) } else { fit.checkpoint(&path) };
        fit.run().unwrap();
        [bits(&model), bits(fast.model()), bits(slow.model())]
    };
    let straight = train(2, false);
    train(1, false);
    assert!(train(2, true) == straight);
}

#[test]
fn a_loss_that_is_not_finite_names_the_first_bad_parameter() {
    let (data, mut model) = (sequences(), net());
    model.head.bias = Tensor::full(f64::NAN, [1]);
    let error = fit(&mut model, &data).loss(mse).quiet().run().unwrap_err().to_string();
    assert!(error.contains(": head.bias [1] is NaN at index [0], first read by linear"), "{error}");
}

#[test]
fn a_last_step_that_goes_wrong_leaves_the_checkpoint_before_it() {
    let (data, path) = (sequences(), file("last step"));
    let train = |rate: f64, model: &mut _, every: usize| {
        let optimizer = Sgd::default().learning_rate(rate);
        let training = fit(model, &data).loss(|o, t| mse(o, t) * 1e3).batch_size(1000).optimizer(optimizer);
        training.checkpoint(&path).checkpoint_every(every).quiet().run()
    };
    train(1e-4, &mut net(), 1).unwrap();
    let before = fs::read(&path).unwrap();
    // The step is the last of its epoch, and the epoch that of a checkpoint or not.
    for every in [1, 100] {
        let error = train(f64::MAX, &mut net(), every).unwrap_err();
        let sentence = error.to_string();
        let (_, rest) = sentence.split_once(" is not finite ").unwrap_or_else(|| panic!("{sentence}"));
        let advice = "try a smaller learning rate, and find the step with `fit(..).find_bad_values()`";
        assert_eq!(rest, format!("after a step of epoch 1: {advice}"));
        assert!(fs::read(&path).unwrap() == before);
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_told_before_training() {
    let (data, path) = (sequences(), file("no folder").join("checkpoint"));
    let mut model = net();
    let error = fit(&mut model, &data).loss(mse).checkpoint(&path).quiet().run().unwrap_err();
    assert!(bits(&model) == bits(&net()));
    let folder = path.parent().unwrap().display().to_string();
    assert!(error.to_string().ends_with(&format!("{folder} is not a folder")), "{error}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_told_before_training() {
    let (data, folder) = (sequences(), file("unwritable"));
    fs::create_dir_all(&folder).unwrap();
    // A folder is in the way, the name is too long, or (on Linux) nobody can make files there.
    let mut paths = vec![folder.clone(), folder.join("n".repeat(256))];
    paths.extend(cfg!(target_os = "linux").then(|| "/proc/checkpoint".into()));
    for path in paths {
        let mut model = net();
        let training = fit(&mut model, &data).loss(mse).checkpoint(&path).quiet();
        let error = training.run().unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot save {}: ", path.display())), "{error}");
        assert!(bits(&model) == bits(&net()), "it was trained");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir(folder).unwrap();
}

/// Takes the folder of its checkpoint away in an epoch.
struct Away<'a>(&'a Path, usize);

impl<M> Callback<f64, M> for Away<'_> {
    fn on_epoch(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        if report.epoch == self.1 {
            fs::remove_dir_all(self.0).unwrap();
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn a_save_that_fails_keeps_the_history() {
    let (data, folder) = (sequences(), file("taken away"));
    fs::create_dir_all(&folder).unwrap();
    let (mut model, mut other) = (net(), net());
    let train = |model: &mut _, epochs: usize| {
        let fit = fit(model, &data).loss(mse).epochs(epochs).validate(&data).metric("mae", mae).quiet();
        if epochs == 3 { fit.run() } else { fit.checkpoint(folder.join("a")).callback(Away(&folder, 3)).run() }
    };
    let error = train(&mut model, 9).unwrap_err();
    let FitError::NotSaved { error: cause, .. } = &error else { panic!("{error:?}") };
    assert!(cause.to_string().starts_with("cannot ") && error.to_string() == cause.to_string(), "{error}");
    assert_eq!(cause.kind(), ErrorKind::Io(std::io::ErrorKind::NotFound));
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>();
    assert_eq!(source.unwrap().kind(), std::io::ErrorKind::NotFound);
    let expected = timeless(train(&mut other, 3).unwrap());
    assert_eq!(timeless(error.history().unwrap().clone()), expected);
    assert_eq!(bits(&model), bits(&other));
}
