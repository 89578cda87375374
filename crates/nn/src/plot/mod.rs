//! Tables and pictures as text, for whatever reports numbers.

mod axis;
mod heat_map;
mod legend;
mod lines;
mod svg;

pub(crate) use axis::{Axis, step_marks};
pub(crate) use heat_map::{HeatMap, draw_heat_maps};
pub(crate) use lines::{Chart, Panel};

use std::borrow::Cow;

/// A cell of comma-separated values, quoted if it must be.
pub(crate) fn csv_field(text: &str) -> Cow<'_, str> {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")).into(),
        false => text.into(),
    }
}
