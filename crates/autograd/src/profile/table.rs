//! A profile as a table.

use super::{Profile, ProfileRow};
use std::fmt::{self, Display};
use std::time::Duration;

const HEADER: [&str; 9] = ["", "calls", "forward ms", "backward ms", "ms", "share", "MFLOP", "GFLOP/s", "MB"];

impl Display for Profile {
    /// Per step: a line on the whole, a table by op, and one by scope. Shares are of the time of the
    /// step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, total) = (self.steps.max(1) as f64, self.total());
        let (step, peak) = (ms(self.elapsed) / steps, self.peak_bytes as f64 / 1e6);
        writeln!(
            f,
            "{} {}, {step:.3} ms each; {:.1}% of it in these rows, the rest between ops; peak {peak:.2} MB\n",
            self.steps,
            if self.steps == 1 { "step" } else { "steps" },
            percent(total.time(), self.elapsed),
        )?;
        let mut lines = Vec::new();
        let row = |name: &str, row: &ProfileRow| self.line(name, row, steps);
        for (title, rows) in [("by op", self.by_op()), ("by scope", self.by_scope())] {
            let mut header = HEADER.map(str::to_string);
            header[0] = title.to_string();
            lines.push(header);
            for group in &rows {
                let name = if group.op.is_empty() { &group.scope } else { group.op };
                lines.push(row(if name.is_empty() { "(no scope)" } else { name }, group));
            }
            lines.push(row("total", &total));
        }
        let width = |i: usize| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0);
        let widths: [usize; 9] = std::array::from_fn(width);
        let tables = lines.iter().enumerate();
        for (i, line) in tables {
            if i > 0 && line[1] == HEADER[1] {
                writeln!(f)?;
            }
            write!(f, "{:<1$}", line[0], widths[0])?;
            for (cell, width) in line.iter().zip(widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Profile {
    /// The cells of a row.
    fn line(&self, name: &str, row: &ProfileRow, steps: f64) -> [String; 9] {
        let time = |time: Duration| format!("{:.3}", ms(time) / steps);
        let known = |text: String| if row.flops() > 0.0 { text } else { String::new() };
        [
            name.to_string(),
            format!("{:.0}", row.forward.calls as f64 / steps),
            time(row.forward.time),
            time(row.backward.time),
            time(row.time()),
            format!("{:.1}%", percent(row.time(), self.elapsed)),
            known(format!("{:.2}", row.flops() / steps / 1e6)),
            known(format!("{:.1}", row.flops() / row.time().as_secs_f64() / 1e9)),
            format!("{:.2}", row.bytes() as f64 / steps / 1e6),
        ]
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn percent(part: Duration, whole: Duration) -> f64 {
    100.0 * part.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE)
}
