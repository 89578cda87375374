//! The curves of a training.

mod panels;
#[cfg(feature = "serde")]
mod saved;
mod table;

use crate::io::write_file;
use crate::plot::{Chart, csv_field};
use std::fmt::Write;
use std::io;
use std::path::Path;

/// The quantities in [`History::tracked`]: under these names of all parameters, and after a dot of
/// each.
pub(crate) const GRADIENT_NORM: &str = "gradient_norm";
pub(crate) const UPDATE_RATIO: &str = "update_ratio";

/// The losses, metrics and learning rates of a training, epoch by epoch.
///
/// Printed, it is a table, with a star at the [best epoch](History::best_epoch). Of more than 20
/// epochs, some are shown: the first, the last, the best, and some eight between them.
///
/// ```
/// use unspool::train::History;
/// let mut history = History::default();
/// (history.loss, history.val_loss) = (vec![0.5, 0.25], vec![0.75, f64::NAN]);
/// history.seconds = 1.5;
/// assert_eq!(history.to_csv(), "epoch,loss,val_loss\n1,0.5,0.75\n2,0.25,NaN\n");
/// assert_eq!(history.to_json(), "{\"loss\": [0.5, 0.25], \"val_loss\": [0.75, null], \"seconds\": 1.5}\n");
/// assert!(history.to_svg().starts_with("<svg "));
/// assert_eq!(history.curve("loss"), Some(&[0.5, 0.25][..]));
/// assert_eq!(
///     format!("\n{history}"),
///     "
/// epoch      loss  val_loss
///     1*  0.50000   0.75000
///     2   0.25000       NaN
/// * the best epoch; 2 epochs in 1.5 s
/// "
/// );
/// ```
///
/// With the feature `serde`, all of it is saved and read in any of its formats. NaN among the curves
/// is none (`null` in JSON), and stays NaN; JSON has no infinities, either, which become NaN.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(from = "saved::SavedHistory", into = "saved::SavedHistory"))]
#[non_exhaustive]
pub struct History {
    /// The training loss, averaged over the batches of each epoch while the weights were changing.
    pub loss: Vec<f64>,
    /// The loss on the validation examples after each epoch; empty if there were none.
    pub val_loss: Vec<f64>,
    /// The learning rate of the last step of each epoch; empty if the optimizer has none.
    pub learning_rate: Vec<f64>,
    /// The [metrics](crate::train::Fit::metric) after each epoch, by name.
    pub metrics: Vec<(String, Vec<f64>)>,
    /// What [`track_gradients`](crate::train::Fit::track_gradients) and
    /// [`track_updates`](crate::train::Fit::track_updates) recorded, by name.
    pub tracked: Vec<(String, Vec<f64>)>,
    /// The best epoch, from 1, for a callback that looks for it, such as
    /// [`EarlyStopping`](crate::train::EarlyStopping). Others read
    /// [`best_epoch`](History::best_epoch).
    pub best: Option<usize>,
    /// Seconds spent, validation included; 0 in a browser, where there is no clock.
    pub seconds: f64,
    /// Why training ended.
    pub stop_reason: StopReason,
}

/// Why a training ended.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::StopReason;
/// let data = Dataset::new(Tensor::<f32>::ones([8, 3]), Tensor::zeros([8, 1]))?;
/// let history = fit(&mut sequential().add(dense(3, 1)), &data).loss(mse).quiet().run()?;
/// assert_eq!(history.stop_reason, StopReason::Done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum StopReason {
    /// All epochs are done.
    #[default]
    Done,
    /// A [`Callback`](crate::train::Callback) stopped it.
    Stopped,
    /// Its [`Interrupt`](crate::train::Interrupt) was set.
    Interrupted,
}

impl History {
    /// The curves of all parameters together by name, without empty ones.
    pub(crate) fn overview(&self) -> Vec<(&str, &[f64])> {
        let of_one = |name: &str| self.tracked.iter().any(|(tracked, _)| tracked == name) && name.contains('.');
        self.curves().into_iter().filter(|(name, _)| !of_one(name)).collect()
    }

    /// The curves by name, without empty ones.
    fn curves(&self) -> Vec<(&str, &[f64])> {
        let losses = [("loss", &self.loss[..]), ("val_loss", &self.val_loss[..])];
        let others = self.metrics.iter().chain(&self.tracked).map(|(name, values)| (&name[..], &values[..]));
        let curves = losses.into_iter().chain(others).chain([("learning_rate", &self.learning_rate[..])]);
        curves.filter(|(_, values)| !values.is_empty()).collect()
    }

    /// The names of the curves that are not empty: `loss`, `val_loss`, the metrics, what is
    /// tracked, `learning_rate`.
    pub fn names(&self) -> Vec<&str> {
        self.curves().into_iter().map(|(name, _)| name).collect()
    }

    /// The curve of this name, one value per epoch, unless it is empty.
    pub fn curve(&self, name: &str) -> Option<&[f64]> {
        self.curves().into_iter().find(|(known, _)| *known == name).map(|(_, values)| values)
    }

    /// The curve of this name among these, empty if it is new.
    pub(crate) fn entry<'a>(curves: &'a mut Vec<(String, Vec<f64>)>, name: &str) -> &'a mut Vec<f64> {
        let at = curves.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            curves.push((name.to_owned(), Vec::new()));
            curves.len() - 1
        });
        &mut curves[at].1
    }

    /// The best epoch, from 1: that of [`EarlyStopping`](crate::train::EarlyStopping) if it took
    /// part, whatever curve it watches; otherwise the first one with the lowest validation loss, or
    /// training loss if there is no validation. `None` if there was no epoch, or no such loss is
    /// finite.
    pub fn best_epoch(&self) -> Option<usize> {
        let losses = if self.val_loss.is_empty() { &self.loss } else { &self.val_loss };
        let finite = losses.iter().enumerate().filter(|(_, loss)| loss.is_finite());
        let lowest = finite.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(i, _)| i + 1);
        self.best.or(lowest)
    }

    /// The number of epochs of the longest curve.
    fn epochs(&self) -> usize {
        self.curves().iter().map(|(_, values)| values.len()).max().unwrap_or(0)
    }

    /// The curves as comma-separated values: a header and a line per epoch.
    ///
    /// Numbers have as many digits as it takes to read the same number back. Numbers that are not
    /// finite are `NaN`, `inf` or `-inf`; where one curve is longer than another, the cell is
    /// empty. Names with commas or quotes are quoted.
    pub fn to_csv(&self) -> String {
        let curves = self.curves();
        let mut text = "epoch".to_string();
        for (name, _) in &curves {
            text.push(',');
            text.push_str(&csv_field(name));
        }
        text.push('\n');
        for epoch in 0..self.epochs() {
            let _ = write!(text, "{}", epoch + 1);
            for (_, values) in &curves {
                text.push(',');
                if let Some(value) = values.get(epoch) {
                    let _ = write!(text, "{value:?}");
                }
            }
            text.push('\n');
        }
        text
    }

    /// The curves and the seconds as a JSON object: `{"loss": [..], "val_loss": [..], "seconds":
    /// ..}`.
    ///
    /// Numbers have as many digits as it takes to read the same number back. JSON has neither
    /// infinity nor NaN: they are `null`.
    pub fn to_json(&self) -> String {
        let number = |x: &f64| if x.is_finite() { format!("{x:?}") } else { "null".to_string() };
        let mut text = "{".to_string();
        for (name, values) in self.curves() {
            let values: Vec<String> = values.iter().map(number).collect();
            let _ = write!(text, "{}: [{}], ", quoted(name), values.join(", "));
        }
        let _ = writeln!(text, "\"seconds\": {}}}", number(&self.seconds));
        text
    }

    /// A plot of the curves by epoch, as SVG: open it in a browser. The same history gives the same
    /// text.
    ///
    /// The losses share one frame, training and validation; so does each metric with its `val_`,
    /// below it, and the gradient norms and update ratios of all parameters. The learning rate has
    /// one if it changes. A dashed line is at the [best epoch](History::best_epoch). Values that
    /// span more than a factor of 20 get a logarithmic axis. Where a value is not finite (or above
    /// 1e100), its curve has a gap.
    pub fn to_svg(&self) -> String {
        let (title, nothing) = ("Training by epoch", "no epoch was trained");
        let mark = self.best_epoch().map(|best| (best, format!("best epoch: {best}")));
        let (panels, count) = (panels::panels(self), self.epochs());
        Chart { title, panels, steps: "epoch", first: 1, count, mark, nothing }.draw()
    }

    /// Writes [`to_csv`](History::to_csv) to a file, completely or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; the sentence names it, and an existing file is unchanged.
    pub fn save_csv(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_csv())
    }

    /// Writes [`to_json`](History::to_json) to a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](History::save_csv).
    pub fn save_json(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_json())
    }

    /// Writes [`to_svg`](History::to_svg) to a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](History::save_csv).
    pub fn save_svg(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_svg())
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
