//! The plot of attention weights.

use crate::data::{Batch, END, Pair};
use crate::saved::Trained;
use std::fmt::Write;
use unspool::{Tape, Tensor};

/// Pixels of a square, around the plot, and of a letter.
const SQUARE: usize = 26;
const MARGIN: usize = 12;
const LETTER: usize = 9;

/// The attention weights of the greedy translation of a text, as SVG.
pub(crate) fn of(trained: &Trained, text: &str) -> Result<String, String> {
    let Trained { languages, model } = trained;
    if !model.sizes.attention {
        return Err("a model without attention has no picture of it".to_string());
    }
    let (source, tape) = (languages.encode(text)?, Tape::new());
    let net = tape.bind_frozen(model);
    let best = net.search(&source, 1, languages.unknown()).remove(0);
    let target = [&best.tokens[..], if best.ended { &[END] } else { &[] }].concat();
    let weights = net.alignment(&Batch::new(&[&Pair { source: source.clone(), target: target.clone() }]));
    Ok(draw(&languages.source.decode(&source), &languages.target.decode(&target), &weights))
}

/// A square for each source token (columns) and each target token (rows) of weights `[S, T]`: 0 is
/// white and 1 black.
fn draw(source: &[&str], target: &[&str], weights: &Tensor) -> String {
    let longest = |tokens: &[&str]| LETTER * tokens.iter().map(|token| token.chars().count()).max().unwrap_or(0);
    let (left, top) = (longest(target) + 2 * MARGIN, longest(source) + 2 * MARGIN);
    let (width, height) = (left + SQUARE * source.len() + MARGIN, top + SQUARE * target.len() + MARGIN);
    let mut svg = format!("<svg width=\"{width}\" height=\"{height}\" xmlns=\"http://www.w3.org/2000/svg\">\n");
    let _ = writeln!(
        svg,
        "<g font-family=\"sans-serif\" font-size=\"15\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    let mut label = |token: &str, x: usize, y: usize, angle: i32| {
        let visible = token.replace(' ', "\u{2423}").replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(svg, "<text transform=\"translate({x},{y}) rotate({angle})\">{visible}</text>");
    };
    // Words are wider than their columns: they are read upwards.
    let angle = if longest(source) > LETTER { -90 } else { 0 };
    source.iter().enumerate().for_each(|(s, token)| label(token, left + SQUARE * s + 9, top - MARGIN, angle));
    target.iter().enumerate().for_each(|(t, token)| label(token, MARGIN, top + SQUARE * t + 18, 0));
    for (t, s) in (0..target.len()).flat_map(|t| (0..source.len()).map(move |s| (t, s))) {
        let gray = (255.0 * (1.0 - weights.at([s, t]).clamp(0.0, 1.0))).round();
        let (x, y) = (left + SQUARE * s, top + SQUARE * t);
        let color = format!("fill=\"rgb({gray},{gray},{gray})\" stroke=\"gainsboro\"");
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{SQUARE}\" height=\"{SQUARE}\" {color}/>");
    }
    svg + "</g></svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_a_square_and_every_token_a_label() {
        let picture = draw(&["go", " "], &["va", "<eos>"], &Tensor::from_vec(vec![1.0, 0.25, 0.0, 0.75], [2, 2]));
        for label in ["go", "\u{2423}", "va", "&lt;eos>"] {
            assert!(picture.contains(&format!(">{label}</text>")), "{label} in {picture}");
        }
        let grays: Vec<&str> = picture.split("fill=\"rgb(").skip(1).filter_map(|rest| rest.split(',').next()).collect();
        assert_eq!(grays, ["0", "255", "191", "64"]); // the first target token attends to the first source token alone
    }
}
