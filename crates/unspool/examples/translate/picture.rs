//! The plot of attention weights.

use crate::data::{Batch, END, Pair};
use crate::saved::Trained;
use plotters::prelude::*;
use unspool::{Tape, Tensor};

/// Pixels of one place, and of what stands beside the places.
const PLACE: i32 = 26;
const MARGIN: i32 = 12;
const LETTER: f64 = 8.2;
const FONT: (&str, i32) = ("sans-serif", 15);

/// Where a model looks while it translates a text greedily.
pub(crate) fn of(trained: &Trained, text: &str) -> Result<String, String> {
    let Trained { languages, model } = trained;
    if !model.attention {
        return Err("a model without attention has no picture of it".to_string());
    }
    let (source, tape) = (languages.encode(text)?, Tape::new());
    let net = tape.bind_frozen(model);
    let said = net.search(&source, 1, languages.unknown()).remove(0);
    let target = [&said.tokens[..], if said.ended { &[END] } else { &[] }].concat();
    let labels = [languages.source.decode(&source), languages.target.decode(&target)];
    let weights = net.alignment(&Batch::new(&[Pair { source, target: target.clone() }]));
    draw(&labels[0], &labels[1], &weights)
}

/// How much each token that was read (columns) weighed for each that was written (rows): weights
/// `[S, T]`, as SVG text. The darker a place, the more; 0 is white and 1 black.
fn draw(source: &[&str], target: &[&str], weights: &Tensor) -> Result<String, String> {
    let longest = |tokens: &[&str]| tokens.iter().map(|token| token.chars().count()).max().unwrap_or(0);
    let room = |tokens: &[&str]| MARGIN + (LETTER * longest(tokens) as f64) as i32 + 8;
    let (left, top) = (room(target), room(source) + 24);
    let (width, height) = (PLACE * source.len() as i32, PLACE * target.len() as i32);
    let mut text = String::new();
    let mut drawn = || -> Result<(), Box<dyn std::error::Error>> {
        let size = ((left + width).max(320) + MARGIN, top + height + MARGIN);
        let root = SVGBackend::with_string(&mut text, (size.0 as u32, size.1 as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        let title = "what was read (columns) when each row was written";
        root.draw(&Text::new(title, (MARGIN, MARGIN), ("sans-serif", 13)))?;
        for (t, token) in target.iter().enumerate() {
            let y = top + PLACE * t as i32;
            root.draw(&Text::new(shown(token), (MARGIN, y + 7), FONT))?;
            for s in 0..source.len() {
                let x = left + PLACE * s as i32;
                let grey = (255.0 * (1.0 - weights.at([s, t]).clamp(0.0, 1.0))).round() as u8;
                let place = [(x, y), (x + PLACE, y + PLACE)];
                root.draw(&Rectangle::new(place, RGBColor(grey, grey, grey).filled()))?;
                root.draw(&Rectangle::new(place, RGBColor(225, 225, 225)))?;
            }
        }
        for (s, token) in source.iter().enumerate() {
            let (x, label) = (left + PLACE * s as i32, shown(token));
            if longest(source) == 1 {
                root.draw(&Text::new(label, (x + 9, top - 20), FONT))?;
            } else {
                // Words are wider than their columns: they stand on their sides.
                let upwards = FONT.into_text_style(&root).transform(FontTransform::Rotate270);
                root.draw(&Text::new(label, (x + 6, top - 6), upwards))?;
            }
        }
        root.present()?;
        Ok(())
    };
    drawn().map_err(|e| format!("cannot draw the attention: {e}"))?;
    Ok(text)
}

/// A token that can be seen.
fn shown(token: &str) -> String {
    token.replace(' ', "\u{2423}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_a_place_and_every_token_a_label() {
        let weights = Tensor::from_vec(vec![1.0, 0.25, 0.0, 0.75], [2, 2]);
        let picture = draw(&["go", " "], &["va", "!"], &weights).unwrap();
        for label in ["go", "\u{2423}", "va", "!"] {
            assert!(picture.lines().any(|line| line.trim() == label), "{label} in {picture}");
        }
        let rectangles = picture.lines().filter(|line| line.starts_with("<rect"));
        let fills = rectangles.filter_map(|line| line.split_once("fill=\"#")).map(|(_, rest)| &rest[..6]);
        // The ground, then row by row: what was written first looked at the first token alone.
        assert_eq!(fills.collect::<Vec<_>>(), ["FFFFFF", "000000", "FFFFFF", "BFBFBF", "404040"]);
    }
}
