//! The plots, as SVG text.

use crate::Sentence;
use crate::column::Column;
use crate::models::{self, Outcome, Run, Task, numbers};
use crate::windows::Cut;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::ops::Range;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The lines and labels behind every chart. (A macro: the type of a mesh names those of both axes.)
macro_rules! mesh {
    ($chart:ident) => {
        $chart
            .configure_mesh()
            .label_style(("sans-serif", 13))
            .light_line_style(TRANSPARENT)
            .max_light_lines(1)
            .bold_line_style(GRID)
    };
}

/// A color per model; those of Okabe and Ito, made for every eye (their yellow darker, for a white
/// ground).
const COLORS: [(&str, RGBColor); 8] = [
    (models::NAIVE, RGBColor(150, 150, 150)),
    (models::SEASONAL, RGBColor(205, 190, 40)),
    (models::DENSE, RGBColor(230, 159, 0)),
    (models::RNN, RGBColor(0, 158, 115)),
    (models::DEEP_RNN, RGBColor(86, 180, 233)),
    (models::DEEP_RNN_DENSE, RGBColor(213, 94, 0)),
    (models::LSTM, RGBColor(0, 114, 178)),
    (models::GRU, RGBColor(204, 121, 167)),
];
const GRID: RGBColor = RGBColor(225, 225, 225);
/// A picture in time shows at most so many values, the latest.
const MOST_VALUES: usize = 300;

/// Training and validation loss per epoch, of every model's first seed.
pub(crate) fn losses(outcomes: &[Outcome], unit: &str) -> Result<String, Sentence> {
    let trained = |i: usize| outcomes[i].runs[0].history.as_ref().map(|history| (i, history));
    let trained: Vec<_> = (0..outcomes.len()).filter_map(trained).collect();
    let all = trained.iter().flat_map(|(_, history)| history.loss.iter().chain(&history.val_loss).copied());
    let range = range(all);
    let range = range.start.max(1e-9) / 1.2..range.end.max(1e-9) * 1.2;
    let epochs = trained.iter().map(|(_, history)| history.loss.len()).max().unwrap_or(1);
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
            for (i, history) in &trained {
                let losses = if title == "training" { &history.loss } else { &history.val_loss };
                let points = losses.iter().enumerate().map(|(epoch, loss)| (epoch + 1, loss.max(1e-9)));
                chart.draw_series(
                    LineSeries::new(points, color(&outcomes[*i]).filled().stroke_width(2)).point_size(2),
                )?;
            }
        }
        let entries: Vec<_> = trained.iter().map(|(i, _)| (color(&outcomes[*i]), outcomes[*i].model)).collect();
        draw_legend(&legend, &entries)
    })
}

/// The end of some test series of the lecture, and what each model says comes next.
pub(crate) fn forecast_grid(outcomes: &[Outcome], task: &Task) -> Result<String, Sentence> {
    const KNOWN: usize = 20;
    let (x, y) = (task.test.x(), task.test.y());
    let window = x.shape()[0];
    let title =
        format!("Six test series: forecasts of point {}, made from the {window} before it (seed 0)", window + 1);
    picture((900, 600), &title, |root| {
        let (panels, legend) = root.split_vertically(530);
        for (series, panel) in panels.split_evenly((2, 3)).iter().enumerate() {
            let target = f64::from(y.at([series, 0]));
            let known = numbers(&x.slice(1, series..series + 1)).into_iter().enumerate().skip(window - KNOWN);
            let known: Vec<(f64, f64)> = known.map(|(step, value)| ((step + 1) as f64, value)).collect();
            let forecasts: Vec<f64> = outcomes.iter().map(|outcome| outcome.runs[0].forecasts[series]).collect();
            let seen = known.iter().map(|(_, value)| *value).chain(forecasts.iter().copied()).chain([target]);
            let truth = (window + 1) as f64;
            let (from, to) = ((window - KNOWN) as f64, truth + 0.7 * (forecasts.len() + 1) as f64 - 0.3);
            let mut chart = ChartBuilder::on(panel)
                .margin(6)
                .x_label_area_size(34)
                .y_label_area_size(44)
                .build_cartesian_2d(from..to, padded(range(seen)))?;
            mesh!(chart)
                .x_desc("step")
                .y_desc("value")
                .x_labels(6)
                .y_labels(6)
                .x_label_formatter(&|step| if *step > window as f64 { String::new() } else { format!("{step:.0}") })
                .y_label_formatter(&|value| tick(*value, 1.0))
                .draw()?;
            // Forecasts of one point, side by side; the line is the truth.
            chart.draw_series([PathElement::new([(truth, target), (to, target)], BLACK.mix(0.4))])?;
            chart.draw_series(LineSeries::new(known, BLACK.filled()).point_size(1))?;
            chart.draw_series([Circle::new((truth, target), 5, BLACK.filled())])?;
            for (i, forecast) in forecasts.into_iter().enumerate() {
                let place = truth + 0.7 * (i + 1) as f64;
                chart.draw_series([Circle::new((place, forecast), 4, color(&outcomes[i]).filled())])?;
            }
        }
        let truth = format!("true point {}", window + 1);
        let mut entries = vec![(BLACK, truth.as_str())];
        entries.extend(outcomes.iter().map(|outcome| (color(outcome), outcome.model)));
        draw_legend(&legend, &entries)
    })
}

/// The test part of a series, and each model's forecasts over it and beyond.
pub(crate) fn forecasts_over_time(outcomes: &[Outcome], column: &Column, cut: &Cut) -> Result<String, Sentence> {
    let shown = cut.test_targets.len().saturating_sub(MOST_VALUES)..cut.test_targets.len();
    let places = &cut.test_targets[shown.clone()];
    let (first, last) = (places[0], column.values.len() - 1);
    let measured = (first..=last).filter(|&i| column.measured[i]);
    let known: Vec<(usize, f64)> = measured.map(|i| (i, column.values[i])).collect();
    let lines: Vec<Vec<(usize, f64)>> = outcomes
        .iter()
        .map(|outcome| {
            let Run { forecasts, next, .. } = &outcome.runs[0];
            let points = places.iter().copied().zip(forecasts[shown.clone()].iter().copied());
            let next = next.map(|next| (last + cut.horizon, next));
            points.chain(next).map(|(place, forecast)| (place, cut.invert(forecast))).collect()
        })
        .collect();
    let values = range(known.iter().chain(lines.iter().flatten()).map(|(_, value)| *value));
    let span = values.end - values.start;
    let longest = column.labels.iter().map(|label| label.chars().count()).max().unwrap_or(1);
    let dots = if places.len() > 60 { 0 } else { 2 };
    let steps = if cut.horizon == 1 { "1 step".to_string() } else { format!("{} steps", cut.horizon) };
    let time = part_shown(cut.test_targets.len(), &column.labels[first], &column.labels[places[places.len() - 1]]);
    let title = format!("{}: the test part, forecast {steps} ahead; large dots: still to come (seed 0)", column.name);
    picture((900, 480), &title, |root| {
        let (panel, legend) = root.split_vertically(410);
        let mut chart = ChartBuilder::on(&panel)
            .margin(8)
            .margin_right(30)
            .x_label_area_size(38)
            .y_label_area_size(64)
            .build_cartesian_2d(first..last + cut.horizon + 1, padded(values))?;
        mesh!(chart)
            .x_desc(time)
            .y_desc(&column.name)
            .x_labels((780 / (8 * longest + 30)).clamp(2, 9))
            .x_label_formatter(&|place| match column.labels.get(*place) {
                Some(label) => label.clone(),
                None => format!("+{}", place - last),
            })
            .y_label_formatter(&|value| tick(*value, span))
            .draw()?;
        chart.draw_series(LineSeries::new(known, BLACK.filled().stroke_width(2)).point_size(dots))?;
        for (mut line, color) in lines.into_iter().zip(outcomes.iter().map(color)) {
            let next = line.pop();
            chart.draw_series(LineSeries::new(line, color.filled()).point_size(dots))?;
            chart.draw_series(next.map(|next| Circle::new(next, 5, color.filled())))?;
        }
        let mut entries = vec![(BLACK, "true value")];
        entries.extend(outcomes.iter().map(|outcome| (color(outcome), outcome.model)));
        draw_legend(&legend, &entries)
    })
}

/// Which part of the test part a picture in time shows.
fn part_shown(targets: usize, from: &str, to: &str) -> String {
    let which = if targets > MOST_VALUES { format!("the last {MOST_VALUES} of") } else { "all".to_string() };
    format!("time ({which} {targets} test values, {from} to {to})")
}

/// An SVG picture with a title.
fn picture(size: (u32, u32), title: &str, draw: impl FnOnce(&Area) -> Drawn) -> Result<String, Sentence> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let drawn = || -> Drawn {
            root.fill(&WHITE)?;
            draw(&root.titled(title, ("sans-serif", 18))?)?;
            root.present()?;
            Ok(())
        };
        drawn().map_err(|e| format!("cannot draw {title:?}: {e}"))?;
    }
    Ok(text)
}

/// A dot and a name for each entry, in one row, or in two if one is too short.
fn draw_legend(area: &Area, entries: &[(RGBColor, &str)]) -> Drawn {
    const LETTER: f64 = 6.4;
    let width = |name: &str| 14 + (LETTER * name.chars().count() as f64) as i32 + 14;
    let total = |row: &[(RGBColor, &str)]| row.iter().map(|(_, name)| width(name)).sum::<i32>();
    let most = area.dim_in_pixel().0 as i32;
    let rows = if total(entries) <= most { 1 } else { 2 };
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

fn color(outcome: &Outcome) -> RGBColor {
    let found = COLORS.iter().find(|(model, _)| *model == outcome.model);
    found.expect("every model has a color").1
}

fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    values.fold(f64::INFINITY..f64::NEG_INFINITY, |range, value| range.start.min(value)..range.end.max(value))
}

/// Where a logarithmic axis is marked: 1, 2 and 5 of every power of ten, or 1 alone if these are
/// many.
fn marks(range: &Range<f64>) -> Vec<f64> {
    let powers = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let digits: &[i32] = if powers.clone().count() > 5 { &[1] } else { &[1, 2, 5] };
    // Written and read again, so that 5e-3 is 0.005 and no neighbor of it.
    let all = powers.flat_map(|power| digits.iter().filter_map(move |digit| format!("{digit}e{power}").parse().ok()));
    all.filter(|mark| range.contains(mark)).collect()
}

/// A mark on an axis of that span, to a hundredth of it.
fn tick(value: f64, span: f64) -> String {
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

/// A little wider, so that nothing touches the frame.
fn padded(range: Range<f64>) -> Range<f64> {
    let pad = ((range.end - range.start) * 0.06).max(f64::MIN_POSITIVE);
    range.start - pad..range.end + pad
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_of_time_tells_which_part_it_is() {
        assert_eq!(part_shown(300, "1990", "2289"), "time (all 300 test values, 1990 to 2289)");
        assert_eq!(part_shown(1142, "1995", "2001"), "time (the last 300 of 1142 test values, 1995 to 2001)");
    }

    #[test]
    fn axes_are_marked_in_round_numbers() {
        assert_eq!(marks(&(0.0024..0.15)), [0.005, 0.01, 0.02, 0.05, 0.1]);
        assert_eq!(marks(&(2e-6..3.0)), [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0]);
        for (value, span, text) in [
            (-1e-17, 1.4, "0"),
            (0.30000000000000004, 1.4, "0.3"),
            (160.0, 180.0, "160"),
            (372.5, 14.0, "372.5"),
            (1e9 - 0.2, 2.0, "999999999.8"),
            (2e28, 4e28, "2.000e28"),
            (-2e-28, 4e-28, "-2.000e-28"),
        ] {
            assert_eq!(tick(value, span), text);
        }
    }
}
