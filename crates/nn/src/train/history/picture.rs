//! The plot of a training, as SVG.

use super::axis::{Axis, epoch_marks};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// The margins around the frame; on the left, the labels are added.
const LEFT: f64 = 36.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 48.0;
/// The width of one letter of a label.
const LETTER: f64 = 7.0;
/// Longer curves have markers only at points without neighbors.
const MOST_POINTS: usize = 60;
/// A color per curve, from Okabe and Ito's palette for color-blind readers.
const COLORS: [&str; 2] = ["#0072b2", "#d55e00"];

/// Curves that share an axis, by name.
pub(super) struct Panel<'a> {
    /// The label of the axis.
    pub axis: &'a str,
    pub curves: Vec<(&'a str, &'a [f64])>,
}

/// The frame around the curves, and its axes.
struct Frame {
    left: f64,
    epochs: usize,
    values: Axis,
}

impl Frame {
    fn x(&self, epoch: usize) -> f64 {
        let place = if self.epochs > 1 { (epoch - 1) as f64 / (self.epochs - 1) as f64 } else { 0.5 };
        // Half a point's width is kept free on both sides.
        self.left + 6.0 + place * (WIDTH - RIGHT - self.left - 12.0)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.values.place(value) * (HEIGHT - BOTTOM - TOP)
    }
}

/// Whether a value can be drawn.
fn drawable(value: f64) -> bool {
    value.abs() <= 1e100
}

/// Draws panels one below the other, with curves of at most so many values, one per epoch.
pub(super) fn draw(panels: &[Panel], epochs: usize) -> String {
    let height = HEIGHT * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Training by epoch</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (i, panel) in panels.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * i as f64);
        draw_panel(&mut svg, panel, epochs);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_panel(svg: &mut String, Panel { axis, curves }: &Panel, epochs: usize) {
    let values = curves.iter().flat_map(|(_, values)| values.iter().copied());
    let values = Axis::of(values.filter(|&value| drawable(value)));
    let longest = values.marks.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
    let frame = Frame { left: LEFT + LETTER * longest as f64, epochs, values };
    axes(svg, &frame, axis);
    for ((_, values), color) in curves.iter().zip(COLORS) {
        curve(svg, &frame, values, color);
    }
    if epochs == 0 || !curves.iter().any(|(_, values)| values.iter().any(|&value| drawable(value))) {
        let nothing = if epochs == 0 { "no epoch was trained".to_string() } else { format!("no {axis} is finite") };
        text(svg, [(frame.left + WIDTH - RIGHT) / 2.0, HEIGHT / 2.0], "middle", &nothing);
    }
    legend(svg, &frame, curves);
}

/// The frame, the marks with their lines and labels, and the names of the axes.
fn axes(svg: &mut String, frame: &Frame, axis: &str) {
    let (left, right, bottom) = (frame.left, WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (value, label) in &frame.values.marks {
        let y = frame.y(*value);
        line(svg, [left, y, right, y], "#e1e1e1");
        text(svg, [left - 6.0, y + 4.0], "end", label);
    }
    for epoch in epoch_marks(frame.epochs) {
        let x = frame.x(epoch);
        line(svg, [x, bottom, x, bottom + 5.0], "#808080");
        text(svg, [x, bottom + 18.0], "middle", &epoch.to_string());
    }
    let (width, height) = (right - left, bottom - TOP);
    let _ = writeln!(
        svg,
        "<rect class=\"frame\" x=\"{left:.1}\" y=\"{TOP:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         fill=\"none\" stroke=\"#808080\"/>"
    );
    text(svg, [(left + right) / 2.0, HEIGHT - 12.0], "middle", "epoch");
    let middle = (TOP + bottom) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"16\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {middle:.1})\">{}</text>",
        escaped(axis)
    );
}

/// A line through neighboring values, and points.
fn curve(svg: &mut String, frame: &Frame, values: &[f64], color: &str) {
    let at = |i: usize| (frame.x(i + 1), frame.y(values[i]));
    let mut start = 0;
    for run in values.chunk_by(|a, b| drawable(*a) == drawable(*b)) {
        let places = start..start + run.len();
        start = places.end;
        if !drawable(run[0]) {
            continue;
        }
        if run.len() > 1 {
            let points: Vec<String> = places.clone().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let points = points.join(" ");
            let _ =
                writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>");
        }
        if run.len() == 1 || values.len() <= MOST_POINTS {
            for (x, y) in places.map(at) {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{color}\"/>");
            }
        }
    }
}

/// What the colors mean.
fn legend(svg: &mut String, frame: &Frame, curves: &[(&str, &[f64])]) {
    let mut x = frame.left;
    for ((name, _), color) in curves.iter().zip(COLORS) {
        let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"20.0\" r=\"5\" fill=\"{color}\"/>", x + 6.0);
        text(svg, [x + 16.0, 24.0], "start", name);
        x += 16.0 + LETTER * name.chars().count() as f64 + 20.0;
    }
}

fn line(svg: &mut String, [x1, y1, x2, y2]: [f64; 4], color: &str) {
    let _ = writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\"/>");
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, content: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(content));
}

/// A text within XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace(char::is_control, " ")
}
