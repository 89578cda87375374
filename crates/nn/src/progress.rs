//! How training reports itself, on standard error.

use crate::fit::History;
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
                let style = "{bar:30} {msg}  {per_sec}, {eta} left";
                bar.set_style(indicatif::ProgressStyle::with_template(style).expect("a valid template"));
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

    /// After an epoch.
    pub(crate) fn epoch(&self, epoch: usize, history: &History, elapsed: Duration) {
        let line = |epochs: usize| {
            let loss = history.loss.last().map(|loss| format!("  loss {loss:.5}")).unwrap_or_default();
            let valid = history.val_loss.last().map(|loss| format!("  val_loss {loss:.5}")).unwrap_or_default();
            format!("epoch {epoch}/{epochs}{loss}{valid}  {:.1} s", elapsed.as_secs_f64())
        };
        match self {
            Progress::Silent => {}
            Progress::Lines { epochs } => eprintln!("{}", line(*epochs)),
            #[cfg(feature = "progress")]
            Progress::Bar { bar, epochs, .. } => {
                bar.println(line(*epochs));
                if epoch == *epochs {
                    bar.finish_and_clear();
                }
            }
        }
    }
}
