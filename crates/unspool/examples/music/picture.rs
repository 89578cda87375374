//! The plot of a piece: keys upward, time to the right.

use crate::roll::Piece;
use plotters::prelude::*;
use std::fmt::Write;

const NAMES: [&str; 12] = ["A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#"];

/// The name of a key: 39 is C4.
fn name(key: usize) -> String {
    format!("{}{}", NAMES[key % 12], (key + 9) / 12)
}

/// From the lowest to the highest key that sounds; none, if none does.
fn range(piece: &Piece) -> std::ops::Range<usize> {
    let keys = || piece.iter().flatten().copied();
    keys().min().unwrap_or(0)..keys().max().map_or(0, |key| key + 1)
}

/// A line for each key, the highest first.
pub(crate) fn text(piece: &Piece) -> String {
    let mut text = String::new();
    for key in range(piece).rev() {
        let steps: String = piece.iter().map(|step| if step.contains(&key) { '#' } else { '.' }).collect();
        let _ = writeln!(text, "{:>3} {steps}", name(key));
    }
    if text.is_empty() { "(silence)\n".to_string() } else { text }
}

/// The same as SVG.
pub(crate) fn svg(piece: &Piece) -> Result<String, String> {
    let keys = range(piece);
    let (low, high) = (keys.start.saturating_sub(1) as i32, keys.end as i32 + 1);
    let mut text = String::new();
    let size = (100 + (10 * piece.len() as u32).clamp(300, 3000), 60 + 10 * (high - low) as u32);
    let draw = |text: &mut String| -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(text, size).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .x_label_area_size(34)
            .y_label_area_size(44)
            .build_cartesian_2d(0..piece.len() as i32, low..high)?;
        chart
            .configure_mesh()
            .max_light_lines(1)
            .label_style(("sans-serif", 13))
            .x_desc("step")
            .y_label_formatter(&|key| name(*key as usize))
            .draw()?;
        let notes = piece.iter().enumerate().flat_map(|(t, step)| step.iter().map(move |key| (t as i32, *key as i32)));
        chart.draw_series(notes.map(|(t, key)| Rectangle::new([(t, key), (t + 1, key + 1)], BLUE.filled())))?;
        root.present()?;
        Ok(())
    };
    draw(&mut text).map_err(|e| format!("cannot draw the piece: {e}"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_names_of_a_piano() {
        assert_eq!([0, 2, 3, 39, 48, 87].map(name), ["A0", "B0", "C1", "C4", "A4", "C8"]);
    }

    #[test]
    fn a_piece_is_drawn() {
        let piece = vec![vec![39], vec![], vec![39, 41]];
        assert_eq!(text(&piece), " D4 ..#\nC#4 ...\n C4 #.#\n");
        assert_eq!(text(&vec![vec![]]), "(silence)\n");
        let drawn = svg(&piece).unwrap();
        assert!(drawn.starts_with("<svg ") && drawn.matches("fill=\"#0000FF\"").count() == 3, "{drawn}");
        assert!(svg(&vec![vec![]]).is_ok() && svg(&vec![vec![0, 87]; 2]).is_ok());
    }
}
