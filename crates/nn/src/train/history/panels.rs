//! Which curves share a frame of the plot.

use super::{GRADIENT_NORM, History, UPDATE_RATIO};
use crate::plot::{Axis, Panel};

/// The panels from top to bottom: the losses, the metrics, what was tracked, the learning rate.
pub(super) fn panels<'a>(history: &'a History) -> Vec<Panel<'a>> {
    let mut panels = vec![pair("loss", &history.loss, &history.val_loss)];
    let metric = |name: &str| history.metrics.iter().find(|(known, _)| known == name).map(|(_, values)| &values[..]);
    for (name, values) in &history.metrics {
        match name.strip_prefix("val_") {
            Some(of_training) if metric(of_training).is_some() => {} // beside it
            Some(of_training) => panels.push(pair(of_training, &[], values)),
            None => match metric(&format!("val_{name}")) {
                Some(validation) => panels.push(pair(name, values, validation)),
                None => panels.push(panel(name, vec![(name, values)])),
            },
        }
    }
    for (axis, quantity) in [("gradient norm", GRADIENT_NORM), ("update-to-weight ratio", UPDATE_RATIO)] {
        let parameter = |name: &'a str| match name.strip_prefix(quantity)? {
            "" => Some("all parameters"),
            name => name.strip_prefix('.'),
        };
        let tracked = history.tracked.iter();
        let curves: Vec<_> = tracked.filter_map(|(name, values)| Some((parameter(name)?, &values[..]))).collect();
        if !curves.is_empty() {
            panels.push(panel(axis, curves));
        }
    }
    let (name, values) = ("learning rate", &history.learning_rate[..]);
    if values.iter().any(|rate| rate != &values[0]) {
        panels.push(panel(name, vec![(name, values)]));
    }
    panels
}

/// A curve of training and one of validation, one of which may be empty.
fn pair<'a>(axis: &'a str, training: &'a [f64], validation: &'a [f64]) -> Panel<'a> {
    panel(axis, vec![("training", training), ("validation", validation)])
}

fn panel<'a>(axis: &'a str, curves: Vec<(&'a str, &'a [f64])>) -> Panel<'a> {
    Panel { axis, curves, scale: Axis::of }
}
