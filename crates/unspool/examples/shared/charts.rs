//! Plots as SVG text.

use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;
use unspool::train::History;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// The lines and labels behind every chart. (A macro: the type of a mesh names those of both axes.)
macro_rules! mesh {
    ($chart:ident) => {
        $chart
            .configure_mesh()
            .label_style(("sans-serif", 13))
            .light_line_style(plotters::prelude::TRANSPARENT)
            .max_light_lines(1)
            .bold_line_style(plotters::prelude::RGBColor(225, 225, 225))
    };
}
pub(crate) use mesh;

/// A forecast that needs no training is gray, networks have the colors of Okabe and Ito, made for
/// every eye.
pub(crate) const COLORS: [RGBColor; 7] = [
    RGBColor(150, 150, 150),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(204, 121, 167),
];

/// An SVG picture with a title.
pub(crate) fn picture(size: (u32, u32), title: &str, draw: impl FnOnce(&Area) -> Drawn) -> Drawn<String> {
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
    root.fill(&WHITE)?;
    draw(&root.titled(title, ("sans-serif", 18))?)?;
    root.present()?;
    drop(root);
    Ok(text)
}

/// Training and validation loss of each model by epoch.
pub(crate) fn losses(models: &[(RGBColor, &str, &History)], unit: &str) -> Drawn<String> {
    let range = range(models.iter().flat_map(|(.., history)| history.loss.iter().chain(&history.val_loss).copied()));
    let range = range.start.max(1e-9) / 1.2..range.end.max(1e-9) * 1.2;
    let epochs = models.iter().map(|(.., history)| history.loss.len()).max().unwrap_or(1);
    picture((900, 400), "Loss by epoch (seed 0)", |root| {
        let (panels, legend) = root.split_vertically(330);
        for (panel, title) in panels.split_evenly((1, 2)).iter().zip(["training", "validation"]) {
            let mut chart = ChartBuilder::on(panel)
                .caption(title, ("sans-serif", 15))
                .margin(8)
                .margin_right(18)
                .x_label_area_size(38)
                .y_label_area_size(60)
                .build_cartesian_2d(0..epochs + 1, range.clone().log_scale().with_key_points(marks(&range)))?;
            mesh!(chart)
                .x_desc("epoch")
                .y_desc(unit)
                .x_label_formatter(&|epoch| if *epoch == 0 { String::new() } else { epoch.to_string() })
                .y_label_formatter(&|loss| format!("{loss}"))
                .draw()?;
            for (color, _, history) in models {
                let losses = if title == "training" { &history.loss } else { &history.val_loss };
                let points = losses.iter().enumerate().map(|(epoch, loss)| (epoch + 1, loss.max(1e-9)));
                chart.draw_series(LineSeries::new(points, color.filled().stroke_width(2)).point_size(2))?;
            }
        }
        draw_legend(&legend, models.iter().map(|&(color, name, _)| (color, name)).collect())
    })
}

/// A dot and a name for each entry, in one row, or in two if one is too short.
pub(crate) fn draw_legend(area: &Area, entries: Vec<(RGBColor, &str)>) -> Drawn {
    let width = |name: &str| 28 + (6.4 * name.chars().count() as f64) as i32;
    let total = |row: &[(RGBColor, &str)]| row.iter().map(|(_, name)| width(name)).sum::<i32>();
    let most = area.dim_in_pixel().0 as i32;
    let rows = if total(&entries) <= most { 1 } else { 2 };
    for (i, row) in entries.chunks(entries.len().div_ceil(rows).max(1)).enumerate() {
        let (mut x, y) = ((most - total(row)) / 2, 20 * i as i32);
        for (color, name) in row {
            area.draw(&Circle::new((x + 5, y + 16), 5, color.filled()))?;
            area.draw(&Text::new(name.to_string(), (x + 14, y + 9), ("sans-serif", 13)))?;
            x += width(name);
        }
    }
    Ok(())
}

/// From the least to the greatest.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    values.fold(f64::INFINITY..f64::NEG_INFINITY, |range, value| range.start.min(value)..range.end.max(value))
}

/// A little wider, so that nothing touches the frame.
pub(crate) fn padded(range: Range<f64>) -> Range<f64> {
    let pad = ((range.end - range.start) * 0.06).max(f64::MIN_POSITIVE);
    range.start - pad..range.end + pad
}

/// Where a logarithmic axis is marked: 1, 2 and 5 of every power of ten, or 1 alone if these are
/// many, of every second power or fewer if there are more than ten.
pub(crate) fn marks(range: &Range<f64>) -> Vec<f64> {
    let powers = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let count = powers.clone().count();
    let digits: &[i32] = if count > 5 { &[1] } else { &[1, 2, 5] };
    let powers = powers.filter(|power| power % count.div_ceil(10) as i32 == 0);
    // Written and read again, so that 5e-3 is 0.005 and no neighbor of it.
    let all = powers.flat_map(|power| digits.iter().filter_map(move |digit| format!("{digit}e{power}").parse().ok()));
    all.filter(|mark| range.contains(mark)).collect()
}

/// A mark on an axis of that span, to a hundredth of it.
pub(crate) fn tick(value: f64, span: f64) -> String {
    if value.abs() < 1e-9 * span {
        return "0".to_string();
    }
    let decimals = 2 - span.log10().floor() as i32;
    match decimals {
        ..-5 | 7.. => format!("{value:.3e}"),
        ..=0 => format!("{value:.0}"),
        _ => format!("{value:.*}", decimals as usize).trim_end_matches('0').trim_end_matches('.').to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_marked_in_round_numbers() {
        assert_eq!(marks(&(0.0024..0.15)), [0.005, 0.01, 0.02, 0.05, 0.1]);
        assert_eq!(marks(&(2e-6..3.0)), [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0]);
        assert_eq!(marks(&(2e-11..3.0)), [1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0]);
        let ticks = [(-1e-17, 1.4), (0.1 + 0.2, 1.4), (160.0, 180.0), (1e9 - 0.2, 2.0), (-2e-28, 4e-28)];
        assert_eq!(ticks.map(|(value, span)| tick(value, span)), ["0", "0.3", "160", "999999999.8", "-2.000e-28"]);
    }
}
