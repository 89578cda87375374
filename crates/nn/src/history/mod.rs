//! The record of a training.

mod axis;
mod picture;

use crate::replace::replace;
use std::fmt::Write;
use std::io;
use std::path::Path;

/// What happened during training.
///
/// ```
/// use unspool_nn::History;
/// let history = History { loss: vec![0.5, 0.25], val_loss: vec![0.75, f64::NAN], seconds: 1.5 };
/// assert_eq!(history.to_csv(), "epoch,loss,val_loss\n1,0.5,0.75\n2,0.25,NaN\n");
/// assert_eq!(history.to_json(), "{\"loss\": [0.5, 0.25], \"val_loss\": [0.75, null], \"seconds\": 1.5}\n");
/// assert!(history.to_svg().starts_with("<svg "));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The training loss, averaged over the batches of each epoch while the weights were changing.
    pub loss: Vec<f64>,
    /// The loss on the validation examples after each epoch; empty if there were none.
    pub val_loss: Vec<f64>,
    /// Seconds spent, validation included.
    pub seconds: f64,
}

impl History {
    /// The curves with their names, without those that hold nothing.
    fn curves(&self) -> Vec<(&'static str, &[f64])> {
        let curves = [("loss", &self.loss[..]), ("val_loss", &self.val_loss)];
        curves.into_iter().filter(|(_, values)| !values.is_empty()).collect()
    }

    /// The number of epochs of the longest curve.
    fn epochs(&self) -> usize {
        self.curves().iter().map(|(_, values)| values.len()).max().unwrap_or(0)
    }

    /// The losses as comma-separated values: a header and a line per epoch.
    ///
    /// Numbers have as many digits as it takes to read the same number back. What is not finite is `NaN`, `inf` or `-inf`;
    /// where one curve is longer than the other, the cell is empty.
    pub fn to_csv(&self) -> String {
        let curves = self.curves();
        let mut text = "epoch".to_string();
        for (name, _) in &curves {
            text.extend([",", name]);
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

    /// The losses and the seconds as a JSON object: `{"loss": [..], "val_loss": [..], "seconds": ..}`.
    ///
    /// Numbers have as many digits as it takes to read the same number back. JSON has no infinity and no NaN: these are
    /// `null`.
    pub fn to_json(&self) -> String {
        let number = |x: &f64| if x.is_finite() { format!("{x:?}") } else { "null".to_string() };
        let mut text = "{".to_string();
        for (name, values) in self.curves() {
            let values: Vec<String> = values.iter().map(number).collect();
            let _ = write!(text, "\"{name}\": [{}], ", values.join(", "));
        }
        let _ = writeln!(text, "\"seconds\": {}}}", number(&self.seconds));
        text
    }

    /// A picture of the losses by epoch, as SVG: open it in a browser. The same history gives the same text.
    ///
    /// Losses that span more than a factor of 20 are drawn on a logarithmic axis. Where a loss is not finite (or beyond
    /// 1e100), its curve has a gap.
    pub fn to_svg(&self) -> String {
        picture::draw(&self.curves(), self.epochs())
    }

    /// Writes [`to_csv`](History::to_csv) to a file, which is there as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; the sentence names it, and a file that was there before is as it was.
    pub fn save_csv(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write(path.as_ref(), &self.to_csv())
    }

    /// Writes [`to_json`](History::to_json) to a file, which is there as a whole or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](History::save_csv).
    pub fn save_json(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write(path.as_ref(), &self.to_json())
    }

    /// Writes [`to_svg`](History::to_svg) to a file, which is there as a whole or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](History::save_csv).
    pub fn save_svg(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write(path.as_ref(), &self.to_svg())
    }
}

/// Writes a text to a file, as a whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let cannot = |e: io::Error| io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display()));
    replace(path, |out| out.write_all(text.as_bytes())).map_err(cannot)
}
