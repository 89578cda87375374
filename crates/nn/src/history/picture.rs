//! The picture of a training, as SVG text.

use super::axis::{Axis, epoch_marks};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// The frame's distance from the edges of the picture; on the left, labels come on top of it.
const LEFT: f64 = 36.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 48.0;
/// The width of a letter of a label.
const LETTER: f64 = 7.0;
/// Of longer curves, points are drawn only where they have no neighbour.
const MOST_POINTS: usize = 60;
/// A colour for each curve; those of Okabe and Ito, made for every eye.
const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];

/// The frame that the curves are drawn in, and its axes.
struct Frame {
    left: f64,
    epochs: usize,
    losses: Axis,
}

impl Frame {
    fn x(&self, epoch: usize) -> f64 {
        let place = if self.epochs > 1 { (epoch - 1) as f64 / (self.epochs - 1) as f64 } else { 0.5 };
        // Half a point's width is kept free on both sides.
        self.left + 6.0 + place * (WIDTH - RIGHT - self.left - 12.0)
    }

    fn y(&self, loss: f64) -> f64 {
        HEIGHT - BOTTOM - self.losses.place(loss) * (HEIGHT - BOTTOM - TOP)
    }
}

/// Whether a value can be drawn.
fn drawable(value: f64) -> bool {
    value.abs() <= 1e100
}

/// Draws curves of at most so many values, one per epoch.
pub(super) fn draw(curves: &[(&str, &[f64])], epochs: usize) -> String {
    let values = curves.iter().flat_map(|(_, values)| values.iter().copied());
    let losses = Axis::of(values.filter(|&value| drawable(value)));
    let longest = losses.marks.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
    let frame = Frame { left: LEFT + LETTER * longest as f64, epochs, losses };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Loss by epoch</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    axes(&mut svg, &frame);
    for ((_, values), colour) in curves.iter().zip(COLOURS) {
        curve(&mut svg, &frame, values, colour);
    }
    legend(&mut svg, &frame, curves);
    svg.push_str("</svg>\n");
    svg
}

/// The frame, the marks with their lines and labels, and the names of the axes.
fn axes(svg: &mut String, frame: &Frame) {
    let (left, right, bottom) = (frame.left, WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (value, label) in &frame.losses.marks {
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
        "<text x=\"16\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {middle:.1})\">loss</text>"
    );
}

/// A line through neighbouring values, and points.
fn curve(svg: &mut String, frame: &Frame, values: &[f64], colour: &str) {
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
                writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        }
        if run.len() == 1 || values.len() <= MOST_POINTS {
            for (x, y) in places.map(at) {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
            }
        }
    }
}

/// What the colours mean; or that there is nothing to see.
fn legend(svg: &mut String, frame: &Frame, curves: &[(&str, &[f64])]) {
    let nothing = match frame.epochs {
        0 => Some("no epoch was trained"),
        _ if !curves.iter().any(|(_, values)| values.iter().any(|&value| drawable(value))) => Some("no loss is finite"),
        _ => None,
    };
    if let Some(nothing) = nothing {
        text(svg, [(frame.left + WIDTH - RIGHT) / 2.0, HEIGHT / 2.0], "middle", nothing);
    }
    let mut x = frame.left;
    for ((name, _), colour) in curves.iter().zip(COLOURS) {
        let name = if *name == "loss" { "training" } else { "validation" };
        let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"20.0\" r=\"5\" fill=\"{colour}\"/>", x + 6.0);
        text(svg, [x + 16.0, 24.0], "start", name);
        x += 16.0 + LETTER * name.len() as f64 + 20.0;
    }
}

fn line(svg: &mut String, [x1, y1, x2, y2]: [f64; 4], colour: &str) {
    let _ = writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>");
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, content: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>");
}
