//! Curves over numbered steps.

use super::axis::{Axis, step_marks};
use super::legend::{Legend, Sign};
use super::svg::{LETTER, document, frame, line, marking_line, moved, ring, text, vertical_text};
use std::fmt::Write;

pub(super) const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// The margins around the frame; on the left, the labels are added.
pub(super) const LEFT: f64 = 36.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 48.0;
/// The height of a further row of the legend.
pub(super) const ROW: f64 = 18.0;
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
    /// The number of a step to mark with a line, and its label.
    pub mark: Option<(usize, String)>,
    /// What to write where there is none.
    pub nothing: &'a str,
}

/// Curves that share an axis, by name.
pub(crate) struct Panel<'a> {
    /// The label of the axis.
    pub axis: &'a str,
    /// An empty one is left out, and the others keep their style.
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

/// The color of a curve, and its stroke.
pub(super) type Style = (&'static str, &'static str);

/// The style of curve number `i`.
fn style(i: usize) -> Style {
    (COLORS[i % COLORS.len()], STROKES[i / COLORS.len() % STROKES.len()])
}

/// Whether a value can be drawn.
fn drawable(value: f64) -> bool {
    value.abs() <= 1e100
}

impl Chart<'_> {
    pub(crate) fn draw(&self) -> String {
        let scales: Vec<Axis> = self.panels.iter().map(Panel::scaled).collect();
        // A step is at the same place in all panels.
        let labels = scales.iter().flat_map(|scale| scale.marks.iter().map(|(_, label)| label.len()));
        let left = LEFT + LETTER * labels.max().unwrap_or(0) as f64;
        let legends: Vec<Legend> = scales.iter().enumerate().map(|(i, scale)| self.legend(i, scale, left)).collect();
        let height = |legend: &Legend| HEIGHT + ROW * (legend.rows - 1) as f64;
        document(WIDTH, legends.iter().map(height).sum(), self.title, |svg| {
            let mut y = 0.0;
            for ((panel, values), legend) in self.panels.iter().zip(scales).zip(&legends) {
                let layout = Layout { left, top: TOP + ROW * (legend.rows - 1) as f64, count: self.count, values };
                moved(svg, [0.0, y], |svg| {
                    self.draw_panel(svg, &layout, panel);
                    legend.draw(svg);
                });
                y += height(legend);
            }
        })
    }

    fn draw_panel(&self, svg: &mut String, layout: &Layout, panel: &Panel) {
        self.draw_axes(svg, layout, panel.axis);
        if let Some((step, _)) = &self.mark {
            let x = layout.x(step - self.first);
            marking_line(svg, [x, layout.top, x, layout.bottom()]);
        }
        for (i, _, values) in panel.shown() {
            curve(svg, layout, values, style(i));
        }
        if self.count == 0 || !panel.values().any(drawable) {
            let nothing = match self.count {
                0 => self.nothing.to_string(),
                _ => format!("no {} is finite", panel.axis),
            };
            text(svg, [(layout.left + WIDTH - RIGHT) / 2.0, layout.top + 164.0], "middle", &nothing);
        }
    }

    /// The legend of panel number `i`; that of the first one explains the marking line.
    fn legend(&self, i: usize, scale: &Axis, left: f64) -> Legend<'_> {
        let panel = &self.panels[i];
        let mark = self.mark.as_ref().filter(|_| i == 0).map(|(_, label)| (Sign::Mark, &label[..]));
        let has_rings = panel.values().any(|value| drawable(value) && !scale.has(value));
        let ring = has_rings.then_some((Sign::Ring, "0 or less"));
        Legend::of(panel.shown().map(|(i, name, _)| (Sign::Curve(style(i)), name)).chain(mark).chain(ring), left)
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
    /// The number, name and values of each curve.
    fn shown(&self) -> impl Iterator<Item = (usize, &str, &[f64])> {
        let curves = self.curves.iter().enumerate().map(|(i, &(name, values))| (i, name, values));
        curves.filter(|(_, _, values)| !values.is_empty())
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.curves.iter().flat_map(|(_, values)| values.iter().copied())
    }

    fn scaled(&self) -> Axis {
        (self.scale)(&mut self.values().filter(|&value| drawable(value)))
    }
}

/// A line through neighboring values, and points. Where an axis has no place for a value, there is a ring on its end.
fn curve(svg: &mut String, layout: &Layout, values: &[f64], (color, stroke): Style) {
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
            places.map(at).for_each(|(x, y)| ring(svg, [x, y], color));
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
