//! The elements of which pictures are made.

use std::fmt::Write;

/// The width of one letter of a label.
pub(super) const LETTER: f64 = 8.0;

/// A picture of this size, which `draw` fills, on a white ground: readable on a dark page, too.
pub(super) fn document(width: f64, height: f64, title: &str, draw: impl FnOnce(&mut String)) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"14\">\n\
         <title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n",
        escaped(title)
    );
    draw(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// What `draw` draws, moved by `x` and `y`.
pub(super) fn moved(svg: &mut String, [x, y]: [f64; 2], draw: impl FnOnce(&mut String)) {
    let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
    draw(svg);
    svg.push_str("</g>\n");
}

pub(super) fn line(svg: &mut String, [x1, y1, x2, y2]: [f64; 4], color: &str) {
    let _ = writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\"/>");
}

/// A dashed line that marks a place.
pub(super) fn marking_line(svg: &mut String, [x1, y1, x2, y2]: [f64; 4]) {
    let _ = writeln!(
        svg,
        "<line class=\"mark\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#606060\" \
         stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>"
    );
}

/// Where a value would be, if the axis had a place for it.
pub(super) fn ring(svg: &mut String, [x, y]: [f64; 2], color: &str) {
    let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"white\" stroke=\"{color}\"/>");
}

/// The frame around a plot.
pub(super) fn frame(svg: &mut String, [left, top, right, bottom]: [f64; 4]) {
    let (width, height) = (right - left, bottom - top);
    let _ = writeln!(
        svg,
        "<rect class=\"frame\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         fill=\"none\" stroke=\"#808080\"/>"
    );
}

pub(super) fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, content: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(content));
}

/// A text that runs upwards.
pub(super) fn vertical_text(svg: &mut String, [x, y]: [f64; 2], content: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y:.1})\">{}</text>",
        escaped(content)
    );
}

/// A text within XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace(char::is_control, " ")
}
