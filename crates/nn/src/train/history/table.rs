//! The history as a table.

use super::{History, StopReason};
use crate::plot::step_marks;
use std::fmt;

/// Of more epochs, some are shown.
const MOST_ROWS: usize = 20;

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epochs, best) = (self.epochs(), self.best_epoch());
        let columns: Vec<Column> = self.overview().into_iter().map(Column::new).collect();
        let mut line = |first: String, cell: &dyn Fn(&Column) -> String| {
            let cells = columns.iter().map(|column| format!("  {:>width$}", cell(column), width = column.width));
            writeln!(f, "{}", (first + &cells.collect::<String>()).trim_end())
        };
        line("epoch ".to_owned(), &|column| column.name.to_owned())?;
        for epoch in rows(epochs, best) {
            let star = if best == Some(epoch) { '*' } else { ' ' };
            line(format!("{epoch:>5}{star}"), &|column| column.cell(epoch))?;
        }
        let mark = best.map_or("", |_| "* the best epoch; ");
        let plural = if epochs == 1 { "" } else { "s" };
        let end = match self.stop_reason {
            StopReason::Done => "",
            StopReason::Stopped => ", stopped by a callback",
            StopReason::Interrupted => ", interrupted",
        };
        writeln!(f, "{mark}{epochs} epoch{plural} in {:.1} s{end}", self.seconds)
    }
}

/// The epochs that are shown.
fn rows(epochs: usize, best: Option<usize>) -> Vec<usize> {
    let mut rows: Vec<usize> = match epochs <= MOST_ROWS {
        true => (1..=epochs).collect(),
        false => step_marks(1, epochs).into_iter().chain([1, epochs]).chain(best).collect(),
    };
    rows.sort_unstable();
    rows.dedup();
    rows
}

struct Column<'a> {
    name: &'a str,
    values: &'a [f64],
    /// The number of decimals, or none for powers of ten.
    decimals: Option<usize>,
    width: usize,
}

impl<'a> Column<'a> {
    fn new((name, values): (&'a str, &'a [f64])) -> Self {
        let sizes = values.iter().map(|value| value.abs()).filter(|size| *size > 0.0 && size.is_finite());
        let (smallest, largest) = sizes.fold((1f64, 0f64), |(low, high), size| (low.min(size), high.max(size)));
        let digits = largest.max(1.0).log10().floor() as usize;
        let decimals = (smallest >= 1e-3 && largest < 1e5).then(|| 5 - digits);
        let mut column = Column { name, values, decimals, width: 0 };
        let longest = (1..=values.len()).map(|epoch| column.cell(epoch).len()).max().unwrap_or(0);
        column.width = longest.max(name.chars().count());
        column
    }

    /// The value after an epoch, if there is one.
    fn cell(&self, epoch: usize) -> String {
        match (self.values.get(epoch - 1), self.decimals) {
            (None, _) => String::new(),
            (Some(value), Some(decimals)) => format!("{value:.decimals$}"),
            (Some(value), None) => format!("{value:.3e}"),
        }
    }
}
