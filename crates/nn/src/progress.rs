//! How training reports itself, on standard error.

use crate::history::History;
use std::io::Write;
use std::time::Duration;

/// A bar on a terminal, a line per epoch otherwise, or nothing.
pub(crate) enum Progress {
    Silent,
    Lines {
        epochs: usize,
    },
    #[cfg(feature = "progress")]
    Bar {
        bar: indicatif::ProgressBar,
        epochs: usize,
        batches: usize,
    },
}

impl Progress {
    pub(crate) fn new(quiet: bool, epochs: usize, batches: usize) -> Self {
        if quiet {
            return Progress::Silent;
        }
        #[cfg(feature = "progress")]
        {
            use std::io::IsTerminal;
            if std::io::stderr().is_terminal() {
                let bar = indicatif::ProgressBar::new((epochs * batches) as u64);
                let style = indicatif::ProgressStyle::with_template("{bar:30} {msg}  {rate}, {eta} left")
                    .expect("a valid template")
                    .with_key("rate", |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
                        let _ = write!(text, "{:.0} steps/s", state.per_sec());
                    });
                bar.set_style(style);
                return Progress::Bar { bar, epochs, batches };
            }
        }
        let _ = batches;
        Progress::Lines { epochs }
    }

    /// After a batch.
    pub(crate) fn step(&self, epoch: usize, batch: usize, loss: f64) {
        #[cfg(feature = "progress")]
        if let Progress::Bar { bar, epochs, batches } = self {
            bar.inc(1);
            // Formatting a message costs more than a small model's step.
            if batch.is_multiple_of(16) || batch == *batches {
                bar.set_message(format!("epoch {epoch}/{epochs}  batch {batch}/{batches}  loss {loss:.5}"));
            }
        }
        let _ = (epoch, batch, loss);
    }

    /// After an epoch: a line, or after the last one where there was a bar.
    pub(crate) fn epoch(&self, epoch: usize, history: &History, elapsed: Duration) {
        let epochs = match self {
            Progress::Silent => return,
            Progress::Lines { epochs } => *epochs,
            #[cfg(feature = "progress")]
            Progress::Bar { bar, epochs, .. } if epoch == *epochs => {
                bar.finish_and_clear();
                *epochs
            }
            #[cfg(feature = "progress")]
            Progress::Bar { .. } => return,
        };
        let loss = history.loss.last().map(|loss| format!("  loss {loss:.5}")).unwrap_or_default();
        let valid = history.val_loss.last().map(|loss| format!("  val_loss {loss:.5}")).unwrap_or_default();
        let seconds = elapsed.as_secs_f64();
        // Nobody may be listening; that is no reason to stop training.
        let _ = writeln!(std::io::stderr(), "epoch {epoch}/{epochs}{loss}{valid}  {seconds:.1} s");
    }
}
