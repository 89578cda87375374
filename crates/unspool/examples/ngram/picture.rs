//! The costs and benefits of counting: a plot against n.

use crate::corpus::Corpus;
use plotters::coord::types::{RangedCoordf64, RangedCoordi32};
use plotters::prelude::*;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
use unspool::text::perplexity;

/// Pixels of a panel.
const PANEL: (u32, u32) = (360, 300);

/// Those of Okabe and Ito, made for every eye.
const COLORS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];

/// A curve by n: its name and its values for n = 1, 2, ..
type Curve = (&'static str, Vec<f64>);

/// Sparsity, storage and perplexity, side by side, as SVG text.
pub(crate) fn of(corpus: &Corpus, counts: &NgramCounts, k: f64) -> Result<String, String> {
    let by_n = |value: &dyn Fn(usize) -> f64| (1..=counts.order()).map(value).collect::<Vec<_>>();
    let smoothed =
        |smoothing| by_n(&|n| perplexity(NgramModel::new(counts, n, smoothing).cross_entropy(&corpus.test)).log10());
    draw([
        ("held-out n-grams never seen, %", vec![("", by_n(&|n| 100.0 * counts.unseen(&corpus.test, n)))]),
        ("stored n-grams, MiB", vec![("", by_n(&|n| counts.bytes(n) as f64 / (1 << 20) as f64))]),
        (
            "log10 of held-out perplexity",
            vec![
                ("add-k", smoothed(Smoothing::AddK(k))),
                ("stupid back-off", smoothed(Smoothing::StupidBackoff(0.4))),
                ("Kneser-Ney", smoothed(Smoothing::KneserNey)),
            ],
        ),
    ])
}

fn draw(panels: [(&str, Vec<Curve>); 3]) -> Result<String, String> {
    let mut text = String::new();
    let drawn = |text: &mut String| -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(text, (3 * PANEL.0, PANEL.1)).into_drawing_area();
        root.fill(&WHITE)?;
        for (area, (title, curves)) in root.split_evenly((1, 3)).iter().zip(&panels) {
            let values =
                || curves.iter().flat_map(|(_, values)| values.iter().copied()).filter(|value| value.is_finite());
            let (low, high) = (values().fold(0.0, f64::min), values().fold(1e-3, f64::max));
            let longest = curves.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
            let mut chart = ChartBuilder::on(area)
                .caption(title, ("sans-serif", 15))
                .margin(12)
                .x_label_area_size(34)
                .y_label_area_size(48)
                .build_cartesian_2d(1..longest.max(2) as i32, low..1.05 * high)?;
            chart.configure_mesh().max_light_lines(1).x_labels(longest).x_desc("n").draw()?;
            curves.iter().enumerate().try_for_each(|(i, curve)| draw_curve(&mut chart, i, curve))?;
            if curves.len() > 1 {
                let mut labels = chart.configure_series_labels();
                labels.position(SeriesLabelPosition::LowerRight).background_style(WHITE).border_style(BLACK).draw()?;
            }
        }
        root.present()?;
        Ok(())
    };
    drawn(&mut text).map_err(|e| format!("cannot draw the counts: {e}"))?;
    Ok(text)
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordi32, RangedCoordf64>>;

/// A line with points; what is not finite is left out.
fn draw_curve(chart: &mut Chart, i: usize, (name, values): &Curve) -> Result<(), String> {
    let color = COLORS[i];
    let points = || (1..).zip(values.iter().copied()).filter(|(_, value)| value.is_finite());
    let line = chart.draw_series(LineSeries::new(points(), color.stroke_width(2))).map_err(|e| e.to_string())?;
    line.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color));
    let dots = points().map(|point| Circle::new(point, 3, color.filled()));
    chart.draw_series(dots).map(|_| ()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_number_is_a_point() {
        let curves = || vec![("one", vec![1.0, f64::INFINITY, 2.0]), ("two", vec![3.0, 2.0, 1.0])];
        let picture = draw([("a", vec![("", vec![0.0; 3])]), ("b", vec![("", vec![5.0])]), ("c", curves())]).unwrap();
        assert_eq!(picture.matches("<circle").count(), 3 + 1 + 2 + 3);
        for label in ["a", "b", "c", "one", "two"] {
            assert!(picture.lines().any(|line| line.trim() == label), "{label} in {picture}");
        }
    }
}
