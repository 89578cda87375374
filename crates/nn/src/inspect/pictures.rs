//! Pictures of a gradient flow.

use super::{GradientFlow, LayerFlow};
use crate::io::write_file;
use crate::plot::{Axis, Chart, HeatMap, Panel, draw_heat_maps};
use std::io;
use std::path::Path;

/// Curves by name.
type Curves<'a> = Vec<(String, &'a [f64])>;

impl GradientFlow {
    /// A plot of the norms `|dL/ds_t|` of all states by time step, on a logarithmic axis, as SVG; below it one of the
    /// Jacobian norms `|dh_T/ds_t|`, if they were [requested](super::FlowOptions::jacobian).
    ///
    /// A norm of 0, for which a logarithmic axis has no place, is a ring on its lower end. Where a value is not finite
    /// (or above 1e100), its curve has a gap.
    pub fn to_svg(&self) -> String {
        let norms = self.curves(|layer| layer.states.iter().map(|state| (&state.name[..], &state.norm[..])).collect());
        // Empty for an output, which keeps its place: a state has the same color in both panels.
        let jacobians = self.curves(|layer| {
            let mut curves = Vec::new();
            for state in &layer.states {
                let norms = state.jacobian.as_deref().filter(|_| state.name != "output");
                curves.push((&state.name[..], norms.unwrap_or_default()));
            }
            curves
        });
        self.draw(
            &[
                ("gradient norm |dL/ds_t|", norms, Axis::of_positive),
                ("Jacobian norm |dh_T/ds_t|", jacobians, Axis::of_positive),
            ],
            "no layer has a state",
        )
    }

    /// A map of the norms `|dL/ds_t|` of each unit, over all examples, by time step, for every state of every layer,
    /// as SVG. Of more than 200 steps or 80 units, neighbors share a field, with the color of the largest norm.
    pub fn to_heat_map_svg(&self) -> String {
        let mut maps = Vec::new();
        for layer in &self.layers {
            for state in &layer.states {
                let norms = state.unit_norms();
                maps.push((self.label(layer, &state.name), norms.shape()[1], norms.to_vec()));
            }
        }
        let map = |(title, units, values)| HeatMap { title, scale: "|dL/ds_t|", units, values };
        let maps: Vec<HeatMap> =
            maps.iter().map(|(title, units, values)| map((&title[..], *units, &values[..]))).collect();
        draw_heat_maps(TITLE, &maps)
    }

    /// A plot of the norms of each time step's term of the gradient of each weight, on a logarithmic axis, as SVG.
    pub fn to_terms_svg(&self) -> String {
        let all = self.layers.iter().flat_map(|layer| &layer.parameters);
        let curves = all.map(|parameter| (parameter.name.clone(), &parameter.norm[..])).collect();
        self.draw(&[("norm of the term of dL/dW", curves, Axis::of_positive)], "no layer has a parameter")
    }

    /// A plot of the means of all gates by time step, and of the shares that are saturated, as SVG.
    pub fn to_gates_svg(&self) -> String {
        let curves = |of: fn(&super::GateFlow) -> &[f64]| {
            self.curves(|layer| layer.gates.iter().map(|gate| (&gate.name[..], of(gate))).collect())
        };
        self.draw(
            &[
                ("mean of the gate", curves(|gate| &gate.mean), Axis::of_shares),
                ("share below 0.05", curves(|gate| &gate.closed), Axis::of_shares),
                ("share above 0.95", curves(|gate| &gate.open), Axis::of_shares),
            ],
            "no layer has a gate",
        )
    }

    /// Writes [`to_svg`](GradientFlow::to_svg) to a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](GradientFlow::save_csv).
    pub fn save_svg(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_svg())
    }

    /// Writes [`to_heat_map_svg`](GradientFlow::to_heat_map_svg) to a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](GradientFlow::save_csv).
    pub fn save_heat_map_svg(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_heat_map_svg())
    }

    /// Writes [`to_terms_svg`](GradientFlow::to_terms_svg) to a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](GradientFlow::save_csv).
    pub fn save_terms_svg(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_terms_svg())
    }

    /// Writes [`to_gates_svg`](GradientFlow::to_gates_svg) to a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`save_csv`](GradientFlow::save_csv).
    pub fn save_gates_svg(&self, path: impl AsRef<Path>) -> io::Result<()> {
        write_file(path, self.to_gates_svg())
    }

    /// The curves of all layers by name.
    fn curves<'a>(&'a self, of: impl Fn(&'a LayerFlow) -> Vec<(&'a str, &'a [f64])>) -> Curves<'a> {
        let label = |layer, (name, values)| (self.label(layer, name), values);
        self.layers.iter().flat_map(|layer| of(layer).into_iter().map(move |curve| label(layer, curve))).collect()
    }

    /// The name of something in a layer, without that of the layer if there is no other.
    fn label(&self, layer: &LayerFlow, name: &str) -> String {
        if self.layers.len() == 1 { name.to_string() } else { format!("{} {name}", layer.name) }
    }

    /// Draws panels of curves over time, without those that have none.
    fn draw(&self, panels: &[(&str, Curves, Scale)], nothing: &str) -> String {
        let mut drawn: Vec<Panel> = Vec::new();
        for (axis, curves, scale) in panels {
            let curves: Vec<_> = curves.iter().map(|(name, values)| (&name[..], *values)).collect();
            if curves.iter().any(|(_, values)| !values.is_empty()) || drawn.is_empty() {
                drawn.push(Panel { axis, curves, scale: *scale });
            }
        }
        let lengths = drawn.iter().flat_map(|panel| panel.curves.iter().map(|(_, values)| values.len()));
        let count = lengths.max().unwrap_or(0);
        Chart { title: TITLE, panels: drawn, steps: "time step", first: 0, count, mark: None, nothing }.draw()
    }
}

const TITLE: &str = "Gradient flow by time step";

type Scale = fn(&mut dyn Iterator<Item = f64>) -> Axis;
