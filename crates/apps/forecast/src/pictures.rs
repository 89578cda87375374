//! The plots, as SVG text.

use crate::Result;
use crate::charts::{self, COLORS, draw_legend, mesh, padded, picture, range, tick};
use crate::models::{NAIVE, NETWORKS, Outcome};
use crate::tasks::Cut;
use plotters::prelude::{BLACK, ChartBuilder, Circle, Color, LineSeries, RGBColor};

/// A picture in time shows at most so many values, the latest.
const MOST_VALUES: usize = 300;

/// Training and validation loss per epoch, of every network's first seed.
pub(crate) fn losses(outcomes: &[Outcome]) -> Result<String> {
    let trained = outcomes.iter().filter_map(|outcome| {
        let history = outcome.runs[0].history.as_ref()?;
        Some((color(outcome), outcome.model, history))
    });
    charts::losses(&trained.collect::<Vec<_>>(), "mean squared error (scaled series)")
}

/// The test part of a series, and each model's forecasts over it and beyond.
pub(crate) fn forecasts_over_time(outcomes: &[Outcome], cut: &Cut) -> Result<String> {
    let (Cut { column, .. }, [_, _, test], horizon) = (cut, &cut.targets, cut.plan.horizon);
    let start = test.len().saturating_sub(MOST_VALUES);
    let places = &test[start..];
    let (first, last) = (places[0], column.values.len() - 1);
    let known = (first..=last).filter(|&i| column.measured[i]).map(|i| (i, column.values[i]));
    let known: Vec<(usize, f64)> = known.collect();
    let ahead = [places, &[last + horizon]].concat();
    let line = |outcome: &Outcome| -> Vec<(usize, f64)> {
        let forecasts = outcome.runs[0].forecasts[start..].iter().map(|&z| cut.invert(z));
        ahead.iter().copied().zip(forecasts).collect()
    };
    let lines: Vec<_> = outcomes.iter().map(line).collect();
    let values = range(known.iter().chain(lines.iter().flatten()).map(|(_, value)| *value));
    let span = values.end - values.start;
    let longest = column.labels.iter().map(|label| label.chars().count()).max().unwrap_or(1);
    let dots = if places.len() > 60 { 0 } else { 2 };
    let which = if test.len() > MOST_VALUES { format!("the last {MOST_VALUES} of") } else { "all".to_string() };
    let (from, to) = (&column.labels[first], &column.labels[places[places.len() - 1]]);
    let time = format!("time ({which} {} test values, {from} to {to})", test.len());
    let (name, steps) = (&column.name, cut.steps_ahead());
    let title = format!("{name}: the test part, forecast {steps} ahead; large dots: still to come (seed 0)");
    picture((900, 480), &title, |root| {
        let (panel, legend) = root.split_vertically(410);
        let mut chart = ChartBuilder::on(&panel)
            .margin(8)
            .margin_right(30)
            .x_label_area_size(38)
            .y_label_area_size(64)
            .build_cartesian_2d(first..last + horizon + 1, padded(values))?;
        mesh!(chart)
            .x_desc(time)
            .y_desc(name)
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
        let models = outcomes.iter().map(|outcome| (color(outcome), outcome.model));
        draw_legend(&legend, [(BLACK, "true value")].into_iter().chain(models).collect())
    })
}

fn color(outcome: &Outcome) -> RGBColor {
    match NETWORKS.iter().position(|(model, _)| *model == outcome.model) {
        Some(i) => COLORS[i + 1],
        None if outcome.model == NAIVE => COLORS[0],
        None => RGBColor(205, 190, 40), // the yellow of Okabe and Ito, darker, for a white ground
    }
}
