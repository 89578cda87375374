//! A gradient flow as a table.

use super::{GradientFlow, LayerFlow};
use crate::io::write_file;
use crate::plot::csv_field;
use std::fmt::Write;
use std::io;
use std::path::Path;

impl GradientFlow {
    /// All numbers by time step, as comma-separated values: a header and a line for each.
    ///
    /// The quantities are `gradient norm` and `jacobian norm` of a state, `term norm` of a parameter, and `mean`,
    /// `closed` and `open` of a gate. Numbers have as many digits as it takes to read the same number back; those that
    /// are not finite are `NaN`, `inf` or `-inf`.
    ///
    /// ```text
    /// layer,name,quantity,time_step,value
    /// layers.0.cell,h,gradient norm,0,0.0012
    /// ```
    pub fn to_csv(&self) -> String {
        let mut text = "layer,name,quantity,time_step,value\n".to_string();
        for layer in &self.layers {
            for (name, quantity, values) in curves(layer) {
                for (t, value) in values.iter().enumerate() {
                    let _ = writeln!(text, "{},{},{quantity},{t},{value:?}", csv_field(&layer.name), csv_field(name));
                }
            }
        }
        text
    }

    /// Writes [`to_csv`](GradientFlow::to_csv) to a file, completely or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; the sentence names it, and an existing file is unchanged.
    pub fn save_csv(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_csv())
    }
}

/// Everything that has a value for each time step, with its name and what it is.
fn curves(layer: &LayerFlow) -> Vec<(&str, &'static str, &[f64])> {
    let mut curves: Vec<(&str, &str, &[f64])> = Vec::new();
    for state in &layer.states {
        curves.push((&state.name, "gradient norm", &state.norm));
        curves.extend(state.jacobian.iter().map(|norms| (&state.name[..], "jacobian norm", &norms[..])));
    }
    curves.extend(layer.parameters.iter().map(|parameter| (&parameter.name[..], "term norm", &parameter.norm[..])));
    for gate in &layer.gates {
        let all = [("mean", &gate.mean), ("closed", &gate.closed), ("open", &gate.open)];
        curves.extend(all.map(|(quantity, values)| (&gate.name[..], quantity, &values[..])));
    }
    curves
}
