//! Progress on standard error.

use crate::train::history::{GRADIENT_NORM, History, UPDATE_RATIO};
use std::io::Write;
use unspool_autograd::clock::Instant;

/// A bar on a terminal, a line per epoch otherwise, or nothing.
pub(crate) struct ProgressBar {
    shown: Shown,
    epochs: usize,
    /// Steps per epoch.
    steps: usize,
    /// Steps done before this run, when a training is resumed.
    before: usize,
    done: usize,
    started: Instant,
}

enum Shown {
    Nothing,
    Lines,
    #[cfg(feature = "progress")]
    Bar(indicatif::ProgressBar),
}

impl ProgressBar {
    pub(crate) fn new(quiet: bool, epochs: usize, steps: usize, before: usize) -> Self {
        let shown = match quiet {
            true => Shown::Nothing,
            false => shown(epochs.saturating_mul(steps), before),
        };
        ProgressBar { shown, epochs, steps, before, done: before, started: Instant::now() }
    }

    /// After a step, from 1.
    pub(crate) fn step(&mut self, epoch: usize, step: usize, loss: f64) {
        self.done += 1;
        #[cfg(feature = "progress")]
        if let Shown::Bar(bar) = &self.shown {
            bar.inc(1);
            // Formatting a message costs more than a small model's step.
            if step.is_multiple_of(16) || step == self.steps {
                let (epochs, steps) = (self.epochs, self.steps);
                bar.set_message(format!("epoch {epoch}/{epochs}  step {step}/{steps}  loss {loss:.5}"));
            }
        }
        let _ = (epoch, step, loss);
    }

    /// After an epoch: a line, if there is no bar.
    pub(crate) fn epoch(&self, epoch: usize, history: &History) {
        if let Shown::Lines = self.shown {
            self.line(epoch, history);
        }
    }

    /// A warning, shown even where progress is not.
    pub(crate) fn warn(&self, what: std::fmt::Arguments<'_>) {
        let write = || {
            let _ = writeln!(std::io::stderr(), "warning: {what}");
        };
        match &self.shown {
            #[cfg(feature = "progress")]
            Shown::Bar(bar) => bar.suspend(write),
            _ => write(),
        }
    }

    /// After the last epoch: a line, if there was a bar.
    pub(crate) fn end(&self, epoch: usize, history: &History) {
        #[cfg(feature = "progress")]
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
            self.line(epoch, history);
        }
        let _ = (epoch, history);
    }

    fn line(&self, epoch: usize, history: &History) {
        let mut line = format!("epoch {epoch}/{}  step {}", self.epochs, self.done);
        for (name, values) in history.overview() {
            if let Some(value) = epoch.checked_sub(1).and_then(|i| values.get(i)) {
                line += &match name {
                    GRADIENT_NORM | UPDATE_RATIO | "learning_rate" => format!("  {name} {value:.3e}"),
                    _ => format!("  {name} {value:.5}"),
                };
            }
        }
        let rate = (self.done - self.before) as f64 / self.started.elapsed().as_secs_f64();
        // A resumed training may have done more epochs than are now requested, and no step since.
        let left = match self.epochs.saturating_sub(epoch).saturating_mul(self.steps) {
            0 => 0.0,
            steps => steps as f64 / rate,
        };
        // A closed standard error is no reason to stop training.
        let _ = writeln!(std::io::stderr(), "{line}  {:.1} s, {rate:.0} steps/s, {left:.0} s left", history.seconds);
    }
}

#[cfg(not(feature = "progress"))]
fn shown(_: usize, _: usize) -> Shown {
    Shown::Lines
}

/// A bar, if standard error is a terminal.
#[cfg(feature = "progress")]
fn shown(steps: usize, before: usize) -> Shown {
    use std::io::IsTerminal;
    if !std::io::stderr().is_terminal() {
        return Shown::Lines;
    }
    let bar = indicatif::ProgressBar::new(steps as u64).with_position(before as u64);
    // Steps done before this run must not count in the estimate of the time left.
    bar.reset_eta();
    let style = indicatif::ProgressStyle::with_template("{bar:30} {msg}  {rate}, {eta} left")
        .expect("a valid template")
        .with_key("rate", |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = write!(text, "{:.0} steps/s", state.per_sec());
        });
    bar.set_style(style);
    Shown::Bar(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resumed training may have done more epochs than are now requested.
    #[test]
    fn a_line_is_written_after_more_epochs_than_requested() {
        ProgressBar { shown: Shown::Lines, ..ProgressBar::new(true, 1, 2, 6) }.line(3, &History::default());
    }
}
