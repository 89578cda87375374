//! Values over steps and units, as colors on a logarithmic scale.

use super::axis::{Axis, step_marks};
use super::svg::{document, frame, line, moved, text, vertical_text};
use std::collections::BTreeMap;
use std::fmt::Write;

const WIDTH: f64 = 720.0;
/// The margins around a map.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 104.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 52.0;
/// The height of one unit, if there is room for it, and the most that all take.
const UNIT: f64 = 12.0;
const MOST_HEIGHT: f64 = 320.0;
const LEAST_HEIGHT: f64 = 96.0;
/// The most columns and rows that are drawn. Of what falls into one, the largest value counts.
const MOST_COLUMNS: usize = 200;
const MOST_ROWS: usize = 80;
/// Dark for small, light for large: the scale `viridis` of Smith and van der Walt, which grows evenly
/// brighter for every eye, and in gray.
const COLORS: [[f64; 3]; 6] = [
    [68.0, 1.0, 84.0],
    [65.0, 68.0, 135.0],
    [42.0, 120.0, 142.0],
    [34.0, 168.0, 132.0],
    [122.0, 209.0, 81.0],
    [253.0, 231.0, 37.0],
];
/// The color of 0, which a logarithmic scale does not have.
const ZERO: &str = "#d9d9d9";

/// One map: `values[step * units + unit]`, none below 0; NaN where there is none.
pub(crate) struct HeatMap<'a> {
    pub title: &'a str,
    /// What the colors mean.
    pub scale: &'a str,
    pub units: usize,
    pub values: &'a [f64],
}

/// Draws maps one below the other.
pub(crate) fn draw_heat_maps(title: &str, maps: &[HeatMap]) -> String {
    let height = |map: &HeatMap| TOP + BOTTOM + map.height();
    document(WIDTH, maps.iter().map(height).sum(), title, |svg| {
        let mut y = 0.0;
        for map in maps {
            moved(svg, [0.0, y], |svg| map.draw(svg));
            y += height(map);
        }
    })
}

impl HeatMap<'_> {
    fn steps(&self) -> usize {
        self.values.len() / self.units.max(1)
    }

    fn height(&self) -> f64 {
        (self.units as f64 * UNIT).clamp(LEAST_HEIGHT, MOST_HEIGHT)
    }

    fn draw(&self, svg: &mut String) {
        let (steps, units) = (self.steps(), self.units);
        let colors = Axis::of_positive(&mut self.values.iter().copied().filter(|value| value.is_finite()));
        let [left, top, right, bottom] = [LEFT, TOP, WIDTH - RIGHT, TOP + self.height()];
        text(svg, [left, top - 12.0], "start", self.title);
        let (columns, rows) = (steps.min(MOST_COLUMNS), units.min(MOST_ROWS));
        let (width, height) = ((right - left) / columns.max(1) as f64, (bottom - top) / rows.max(1) as f64);
        // A path for each color: the fields of one make a small text.
        let mut paths: BTreeMap<String, String> = BTreeMap::new();
        for (column, row) in (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row))) {
            let all = |i: usize, of: usize, total: usize| i * total / of..(i + 1) * total / of;
            let inside = all(column, columns, steps)
                .flat_map(|step| all(row, rows, units).map(move |unit| self.values[step * units + unit]));
            let value = inside.fold(f64::NAN, f64::max);
            if !value.is_nan() {
                let (x, y) = (left + column as f64 * width, bottom - (row + 1) as f64 * height);
                let path = paths.entry(color(&colors, value)).or_default();
                let _ = write!(path, "M{x:.1} {y:.1}h{width:.2}v{height:.2}h-{width:.2}z");
            }
        }
        for (color, path) in paths {
            let _ = writeln!(svg, "<path fill=\"{color}\" shape-rendering=\"crispEdges\" d=\"{path}\"/>");
        }
        frame(svg, [left, top, right, bottom]);
        self.draw_axes(svg, [left, top, right, bottom]);
        self.draw_scale(svg, &colors, [right + 20.0, top, right + 34.0, bottom]);
    }

    fn draw_axes(&self, svg: &mut String, [left, top, right, bottom]: [f64; 4]) {
        for step in step_marks(0, self.steps()) {
            let x = left + (step as f64 + 0.5) / self.steps() as f64 * (right - left);
            line(svg, [x, bottom, x, bottom + 5.0], "#808080");
            text(svg, [x, bottom + 18.0], "middle", &step.to_string());
        }
        text(svg, [(left + right) / 2.0, bottom + 36.0], "middle", "time step");
        for unit in step_marks(0, self.units) {
            let y = bottom - (unit as f64 + 0.5) / self.units as f64 * (bottom - top);
            line(svg, [left - 5.0, y, left, y], "#808080");
            text(svg, [left - 8.0, y + 4.0], "end", &unit.to_string());
        }
        vertical_text(svg, [16.0, (top + bottom) / 2.0], "unit");
    }

    /// What the colors mean, from the smallest value to the largest.
    fn draw_scale(&self, svg: &mut String, colors: &Axis, [left, top, right, bottom]: [f64; 4]) {
        let pieces = 100;
        let height = (bottom - top) / f64::from(pieces);
        for piece in 0..pieces {
            let y = bottom - f64::from(piece + 1) * height;
            // A little taller, so that no gap shines through; the next one covers that.
            let fill = mixed((f64::from(piece) + 0.5) / f64::from(pieces));
            rectangle(svg, [left, y, right - left, height + 1.0], &fill);
        }
        let mut free = bottom + 20.0;
        for (value, label) in &colors.marks {
            let y = bottom - colors.place(*value) * (bottom - top);
            line(svg, [right, y, right + 4.0, y], "#808080");
            // Of a low scale, some labels are left out.
            if y <= free - 16.0 {
                text(svg, [right + 7.0, y + 4.0], "start", label);
                free = y;
            }
        }
        let has_zero = self.values.contains(&0.0);
        if has_zero {
            rectangle(svg, [left, bottom + 8.0, right - left, 10.0], ZERO);
            text(svg, [right + 7.0, bottom + 17.0], "start", "0");
        }
        text(svg, [WIDTH - 8.0, top - 12.0], "end", self.scale);
    }
}

fn rectangle(svg: &mut String, [x, y, width, height]: [f64; 4], fill: &str) {
    let _ = writeln!(
        svg,
        "<path fill=\"{fill}\" shape-rendering=\"crispEdges\" d=\"M{x:.1} {y:.2}h{width:.1}v{height:.2}h-{width:.1}z\"/>"
    );
}

fn color(colors: &Axis, value: f64) -> String {
    if colors.has(value) { mixed(colors.place(value)) } else { ZERO.to_string() }
}

/// The color at a place from 0 to 1, one of a hundred.
fn mixed(place: f64) -> String {
    let at = (100.0 * place.clamp(0.0, 1.0)).round() / 100.0 * (COLORS.len() - 1) as f64;
    let i = (at as usize).min(COLORS.len() - 2);
    let part = at - i as f64;
    let [r, g, b] = [0, 1, 2].map(|channel| COLORS[i][channel] * (1.0 - part) + COLORS[i + 1][channel] * part);
    format!("#{:02x}{:02x}{:02x}", r.round() as u8, g.round() as u8, b.round() as u8)
}
