//! Curves over numbered steps.

use super::axis::{Axis, step_marks};
use super::svg::{LETTER, document, frame, line, moved, text, vertical_text};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// The margins around the frame; on the left, the labels are added.
const LEFT: f64 = 36.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 48.0;
/// The height of a further row of the legend.
const ROW: f64 = 18.0;
/// Longer curves have markers only at points without neighbors.
const MOST_POINTS: usize = 60;
/// A color per curve, from Okabe and Ito's palette for color-blind readers.
const COLORS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
/// Further curves have the same colors with other strokes.
const STROKES: [&str; 3] = ["", " stroke-dasharray=\"7 3\"", " stroke-dasharray=\"2 3\""];

/// A picture of panels one below the other, over the same steps.
pub(crate) struct Chart<'a> {
    pub title: &'a str,
    pub panels: Vec<Panel<'a>>,
    /// What a step is.
    pub steps: &'a str,
    /// The number of the first step.
    pub first: usize,
    /// How many there are; no curve has more values.
    pub count: usize,
    /// What to write where there is none.
    pub nothing: &'a str,
}

/// Curves that share an axis, by name.
pub(crate) struct Panel<'a> {
    /// The label of the axis.
    pub axis: &'a str,
    pub curves: Vec<(&'a str, &'a [f64])>,
    /// The axis that covers the values.
    pub scale: fn(&mut dyn Iterator<Item = f64>) -> Axis,
}

/// Where things are in a panel.
struct Layout {
    left: f64,
    top: f64,
    count: usize,
    values: Axis,
}

impl Layout {
    /// The place of value number `i` of a curve.
    fn x(&self, i: usize) -> f64 {
        let place = if self.count > 1 { i as f64 / (self.count - 1) as f64 } else { 0.5 };
        // Half a point's width is kept free on both sides.
        self.left + 6.0 + place * (WIDTH - RIGHT - self.left - 12.0)
    }

    /// A value that a logarithmic axis does not have lies on its lower end.
    fn y(&self, value: f64) -> f64 {
        let place = if self.values.has(value) { self.values.place(value) } else { 0.0 };
        self.top + (1.0 - place) * (HEIGHT - BOTTOM - TOP)
    }

    fn bottom(&self) -> f64 {
        self.top + HEIGHT - BOTTOM - TOP
    }
}

/// The style of curve number `i`.
fn style(i: usize) -> (&'static str, &'static str) {
    (COLORS[i % COLORS.len()], STROKES[i / COLORS.len() % STROKES.len()])
}

/// Whether a value can be drawn.
fn drawable(value: f64) -> bool {
    value.abs() <= 1e100
}

impl Chart<'_> {
    pub(crate) fn draw(&self) -> String {
        let heights: Vec<f64> = self.panels.iter().map(|panel| HEIGHT + ROW * (panel.legend().1 - 1) as f64).collect();
        document(WIDTH, heights.iter().sum(), self.title, |svg| {
            let mut y = 0.0;
            for (panel, height) in self.panels.iter().zip(&heights) {
                moved(svg, [0.0, y], |svg| self.draw_panel(svg, panel));
                y += height;
            }
        })
    }

    fn draw_panel(&self, svg: &mut String, panel: &Panel) {
        let all = || panel.curves.iter().flat_map(|(_, values)| values.iter().copied());
        let values = (panel.scale)(&mut all().filter(|&value| drawable(value)));
        let longest = values.marks.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
        let (entries, rows) = panel.legend();
        let top = TOP + ROW * (rows - 1) as f64;
        let layout = Layout { left: LEFT + LETTER * longest as f64, top, count: self.count, values };
        self.draw_axes(svg, &layout, panel.axis);
        for (i, (_, values)) in panel.curves.iter().enumerate() {
            curve(svg, &layout, values, style(i));
        }
        if self.count == 0 || !all().any(drawable) {
            let nothing = match self.count {
                0 => self.nothing.to_string(),
                _ => format!("no {} is finite", panel.axis),
            };
            text(svg, [(layout.left + WIDTH - RIGHT) / 2.0, layout.top + 164.0], "middle", &nothing);
        }
        for (i, ((name, _), [x, y])) in panel.curves.iter().zip(entries).enumerate() {
            let (color, stroke) = style(i);
            let x = layout.left + x;
            if stroke.is_empty() {
                let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{color}\"/>", x + 6.0);
            } else {
                let from = x - 4.0;
                let _ =
                    writeln!(svg, "<path d=\"M{from:.1} {y:.1}h16\" stroke=\"{color}\" stroke-width=\"3\"{stroke}/>");
            }
            text(svg, [x + 16.0, y + 4.0], "start", name);
        }
    }

    /// The frame, the marks with their lines and labels, and the names of the axes.
    fn draw_axes(&self, svg: &mut String, layout: &Layout, axis: &str) {
        let (left, right, bottom) = (layout.left, WIDTH - RIGHT, layout.bottom());
        for (value, label) in &layout.values.marks {
            let y = layout.y(*value);
            line(svg, [left, y, right, y], "#e1e1e1");
            text(svg, [left - 6.0, y + 4.0], "end", label);
        }
        for step in step_marks(self.first, self.count) {
            let x = layout.x(step - self.first);
            line(svg, [x, bottom, x, bottom + 5.0], "#808080");
            text(svg, [x, bottom + 18.0], "middle", &step.to_string());
        }
        frame(svg, [left, layout.top, right, bottom]);
        text(svg, [(left + right) / 2.0, bottom + 36.0], "middle", self.steps);
        vertical_text(svg, [16.0, (layout.top + bottom) / 2.0], axis);
    }
}

impl Panel<'_> {
    /// The place of each entry of the legend, from the left of the frame, and the number of rows.
    fn legend(&self) -> (Vec<[f64; 2]>, usize) {
        let (mut x, mut row) = (0.0, 0);
        let mut place = |&(name, _): &(&str, _)| {
            let width = 16.0 + LETTER * name.chars().count() as f64 + 20.0;
            if x > 0.0 && x + width > WIDTH - 2.0 * LEFT {
                (x, row) = (0.0, row + 1);
            }
            x += width;
            [x - width, 20.0 + ROW * row as f64]
        };
        let places: Vec<_> = self.curves.iter().map(&mut place).collect();
        (places, row + 1)
    }
}

/// A line through neighboring values, and points. Where an axis has no place for a value, there is a ring on its end.
fn curve(svg: &mut String, layout: &Layout, values: &[f64], (color, stroke): (&str, &str)) {
    let at = |i: usize| (layout.x(i), layout.y(values[i]));
    let kind = |value: f64| (drawable(value), layout.values.has(value));
    let mut start = 0;
    for run in values.chunk_by(|a, b| kind(*a) == kind(*b)) {
        let places = start..start + run.len();
        start = places.end;
        if !drawable(run[0]) {
            continue;
        }
        if !layout.values.has(run[0]) {
            for (x, y) in places.map(at) {
                let _ =
                    writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"white\" stroke=\"{color}\"/>");
            }
            continue;
        }
        if run.len() > 1 {
            let points: Vec<String> = places.clone().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let points = points.join(" ");
            let _ = writeln!(
                svg,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{stroke}/>"
            );
        }
        if run.len() == 1 || (values.len() <= MOST_POINTS && stroke.is_empty()) {
            for (x, y) in places.map(at) {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{color}\"/>");
            }
        }
    }
}
