//! The curves of a training.

use crate::io::write_file;
use crate::plot::{Axis, Chart, Panel, csv_field};
use std::fmt::Write;
use std::io;
use std::path::Path;

/// The losses, metrics and learning rates of a training, epoch by epoch.
///
/// ```
/// use unspool_nn::train::History;
/// let history = History { loss: vec![0.5, 0.25], val_loss: vec![0.75, f64::NAN], seconds: 1.5, ..History::default() };
/// assert_eq!(history.to_csv(), "epoch,loss,val_loss\n1,0.5,0.75\n2,0.25,NaN\n");
/// assert_eq!(history.to_json(), "{\"loss\": [0.5, 0.25], \"val_loss\": [0.75, null], \"seconds\": 1.5}\n");
/// assert!(history.to_svg().starts_with("<svg "));
/// assert_eq!(history.curve("loss"), Some(&[0.5, 0.25][..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The training loss, averaged over the batches of each epoch while the weights were changing.
    pub loss: Vec<f64>,
    /// The loss on the validation examples after each epoch; empty if there were none.
    pub val_loss: Vec<f64>,
    /// The learning rate of the last step of each epoch; empty if the optimizer has none.
    pub learning_rate: Vec<f64>,
    /// The [metrics](crate::train::Fit::metric) after each epoch, by name.
    pub metrics: Vec<(String, Vec<f64>)>,
    /// Seconds spent, validation included.
    pub seconds: f64,
    /// Why training ended.
    pub stop_reason: StopReason,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// The losses by name.
    fn losses(&self) -> [(&str, &[f64]); 2] {
        [("loss", &self.loss), ("val_loss", &self.val_loss)]
    }

    /// The curves by name, without empty ones.
    fn curves(&self) -> Vec<(&str, &[f64])> {
        let metrics = self.metrics.iter().map(|(name, values)| (&name[..], &values[..]));
        let curves = self.losses().into_iter().chain(metrics).chain([("learning_rate", &self.learning_rate[..])]);
        curves.filter(|(_, values)| !values.is_empty()).collect()
    }

    /// The names of the curves that are not empty: `loss`, `val_loss`, the metrics,
    /// `learning_rate`.
    pub fn names(&self) -> Vec<&str> {
        self.curves().into_iter().map(|(name, _)| name).collect()
    }

    /// The curve of this name, one value per epoch, unless it is empty.
    pub fn curve(&self, name: &str) -> Option<&[f64]> {
        self.curves().into_iter().find(|(known, _)| *known == name).map(|(_, values)| values)
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
    /// The losses share one frame; below it are one for each metric and, if it changes, one for the
    /// learning rate. Values that span more than a factor of 20 get a logarithmic axis. Where a
    /// value is not finite (or above 1e100), its curve has a gap.
    pub fn to_svg(&self) -> String {
        let names = ["training", "validation"];
        let losses = names.into_iter().zip(self.losses()).map(|(name, (_, values))| (name, values));
        let curves = losses.filter(|(_, values)| !values.is_empty()).collect();
        let others = self.curves().into_iter().filter(|(name, values)| match *name {
            "loss" | "val_loss" => false,
            "learning_rate" => values.iter().any(|rate| rate != &values[0]),
            _ => true,
        });
        let axis = |name| if name == "learning_rate" { "learning rate" } else { name };
        let panel = |name, curves| Panel { axis: name, curves, scale: Axis::of };
        let others = others.map(|(name, values)| panel(axis(name), vec![(axis(name), values)]));
        let panels: Vec<Panel> = [panel("loss", curves)].into_iter().chain(others).collect();
        let (title, nothing) = ("Training by epoch", "no epoch was trained");
        Chart { title, panels, steps: "epoch", first: 1, count: self.epochs(), nothing }.draw()
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
