//! What training says of itself in a log.

use super::*;
use std::env;
use std::process::Command;

const ASKED: &str = "UNSPOOL_PROGRESS";

#[test]
fn training_aloud() {
    if env::var_os(ASKED).is_some() {
        let data = Dataset::new(values([40, 3], 1), values([40, 1], 2)).unwrap();
        let mut model = Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1);
        let fit = fit(&mut model, &data).loss(mse).batch_size(4).accumulate(2).epochs(2).validation_split(0.5);
        fit.metric("mae", unspool::losses::mae).track_gradients().track_updates().run().unwrap();
    }
}

#[test]
fn training_quietly() {
    if env::var_os(ASKED).is_some() {
        let data = Dataset::new(values([40, 3], 1), values([40, 1], 2)).unwrap();
        let mut model = Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1);
        let mut stopping = unspool::train::EarlyStopping::new(2).metric("root");
        let fit = fit(&mut model, &data).loss(mse).metric("root", |o, _| (-(o * o).sum()).sqrt()).epochs(9);
        fit.callback(&mut stopping).quiet().run().unwrap();
    }
}

/// Nobody would know why training has stopped.
#[test]
fn a_metric_that_is_nan_is_told_once() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "progress::training_quietly", "--nocapture"]).env(ASKED, "");
    let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert_eq!(text, "warning: root is NaN in epoch 1\n");
}

#[test]
fn a_log_has_a_line_per_epoch() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "progress::training_aloud", "--nocapture"]).env(ASKED, "");
    let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    for (line, (epoch, step)) in lines.iter().zip([("epoch 1/2", "step 3"), ("epoch 2/2", "step 6")]) {
        let pieces: Vec<&str> = line.split("  ").collect();
        let [e, s, loss, val_loss, mae, norm, ratio, rate, time] = pieces[..] else { panic!("{line}") };
        assert_eq!((e, s, rate), (epoch, step, "learning_rate 1.000e-3"));
        let numbers = [(loss, "loss "), (val_loss, "val_loss "), (mae, "val_mae ")];
        // Of all parameters together: those of each would not fit into a line.
        for (piece, name) in numbers.into_iter().chain([(norm, "gradient_norm "), (ratio, "update_ratio ")]) {
            assert!(piece.strip_prefix(name).is_some_and(|number| number.parse::<f64>().is_ok()), "{line}");
        }
        let [seconds, speed, left] = time.split(", ").collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(seconds.ends_with(" s") && speed.ends_with(" steps/s") && left.ends_with(" s left"), "{line}");
    }
}
