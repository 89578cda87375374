//! Numbers while training: a callback that reports steps and epochs to `tracing`.
//!
//! ```text
//! cargo run --release --example monitor
//! ```
//!
//! Here a subscriber prints the events as lines; another one sends the same fields to a file, a
//! database or OpenTelemetry. A callback for an experiment tracker looks alike, with the tracker's
//! call in the place of `info!`.
//!
//! The task: the mean of the last five numbers of twenty. Each line has the loss, the learning rate,
//! the gradient norm before clipping, and the update-to-weight ratio; every 64 steps there is a line
//! for each parameter. At the end, the history as a table, with the best epoch marked.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::error::Error;
use std::ops::ControlFlow;
use tracing::{Level, debug, info};
use unspool::losses::mae;
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::train::{Callback, EarlyStopping, History, Progress};

const USAGE: &str = "
Trains a network and reports gradient norms and update-to-weight ratios.
  --epochs 12
  --picture FILE  where the curves are drawn, as SVG";

/// Reports every so many steps, and every epoch.
struct Monitor {
    every: usize,
}

impl<M: Params<Tensor>> Callback<f32, M> for Monitor {
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        if progress.steps.is_multiple_of(self.every) {
            let Progress { epoch, steps: step, loss, learning_rate, .. } = *progress;
            let (gradient_norm, update_ratio) = (progress.gradient_norm(), progress.update_ratio());
            info!(epoch, step, loss, learning_rate, gradient_norm, update_ratio, "step");
        }
        if progress.steps.is_multiple_of(4 * self.every) {
            let norms = progress.gradient_norms().into_iter().flatten();
            for ((name, gradient_norm), (_, update_ratio)) in norms.zip(progress.update_ratios().into_iter().flatten())
            {
                debug!(name, gradient_norm, update_ratio, "parameter");
            }
        }
        ControlFlow::Continue(())
    }

    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let last = |name: &str| progress.history.curve(name).and_then(<[f64]>::last).copied();
        let (val_loss, val_mae, gradient_norm) = (last("val_loss"), last("val_mae"), last("gradient_norm"));
        info!(epoch = progress.epoch, loss = progress.loss, val_loss, val_mae, gradient_norm, "epoch");
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = cli::Cli::read(USAGE);
    tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_target(false).without_time().init();
    let history = train(options.get("epochs"))?;
    println!("\n{history}");
    if let Some(path) = options.optional("picture") {
        history.save_svg(path)?;
    }
    Ok(())
}

fn train(epochs: usize) -> Result<History, Box<dyn Error>> {
    let xs: Tensor = Tensor::uniform(&mut rng(0), [20, 640, 1], -1.0, 1.0);
    let means = xs.slice(0, -5..).sum_axis(0) / 5.0;
    let data = Dataset::new(xs, means)?;
    let mut model = sequential().add(simple_rnn(1, 16).return_sequences()).add(simple_rnn(16, 16)).add(dense(16, 1));
    let adam = Adam::default().learning_rate(5e-3).schedule(Cosine::new(16 * epochs).warmup(8)).clip_norm(1.0);
    let history = fit(&mut model, &data)
        .loss(mse)
        .optimizer(adam)
        .metric("mae", mae)
        .train_metrics()
        .validation_split(0.2)
        .epochs(epochs)
        .track_gradients()
        .track_updates()
        .callback(Monitor { every: 16 })
        .callback(EarlyStopping::new(4))
        .quiet()
        .run()?;
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_are_recorded_beside_the_losses() {
        let history = train(3).unwrap();
        assert!(history.val_loss[2] < history.val_loss[0] && history.best_epoch().is_some());
        for name in ["gradient_norm", "gradient_norm.layers.0.cell.u", "update_ratio", "mae", "val_mae"] {
            assert!(history.curve(name).unwrap()[2] > 0.0, "{name}");
        }
    }
}
