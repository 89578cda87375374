//! What the lines of a panel mean.

use super::lines::{LEFT, ROW, Style, WIDTH};
use super::svg::{LETTER, marking_line, ring, text};
use std::fmt::Write;

/// A legend, in as many rows as it takes.
pub(super) struct Legend<'a> {
    /// What each entry explains, its name, and its place.
    entries: Vec<(Sign, &'a str, [f64; 2])>,
    pub rows: usize,
}

/// What is seen in a panel.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Curve(Style),
    /// The line at a step.
    Mark,
    /// A value for which the axis has no place.
    Ring,
}

impl<'a> Legend<'a> {
    /// The legend of these names, above a frame that begins at `left`.
    pub fn of(names: impl Iterator<Item = (Sign, &'a str)>, left: f64) -> Self {
        let (mut x, mut row) = (left, 0);
        let place = |(sign, name): (Sign, &'a str)| {
            let width = 16.0 + LETTER * name.chars().count() as f64 + 20.0;
            if x > left && x + width > WIDTH - LEFT {
                (x, row) = (left, row + 1);
            }
            x += width;
            (sign, name, [x - width, 20.0 + ROW * row as f64])
        };
        let entries = names.map(place).collect();
        Legend { entries, rows: row + 1 }
    }

    pub fn draw(&self, svg: &mut String) {
        for &(sign, name, [x, y]) in &self.entries {
            match sign {
                Sign::Mark => marking_line(svg, [x + 6.0, y - 8.0, x + 6.0, y + 8.0]),
                Sign::Ring => ring(svg, [x + 6.0, y], "#808080"),
                Sign::Curve((color, "")) => {
                    let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{color}\"/>", x + 6.0);
                }
                Sign::Curve((color, stroke)) => {
                    let x = x - 4.0;
                    let _ =
                        writeln!(svg, "<path d=\"M{x:.1} {y:.1}h16\" stroke=\"{color}\" stroke-width=\"3\"{stroke}/>");
                }
            }
            text(svg, [x + 16.0, y + 4.0], "start", name);
        }
    }
}
