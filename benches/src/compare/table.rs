//! The table at the end.

use crate::peers::Side;
use crate::report::{Report, Unit};
use std::fmt::Write;
use unspool_benches::work::{BUILT_IN, OURS, USER};
use unspool_benches::workload::Workload;

/// One row for each workload: ours beside the fastest of the others, and what is made of the machine, whose fastest
/// multiply-adds are `peak` GFLOP/s.
pub fn table(workloads: &[Workload], reports: &[Report], peak: f64) -> String {
    let mut rows = vec![
        ["workload", "unit", "unspool", "best peer", "", "ratio", "best Rust", "", "ratio", "GFLOP/s", "of peak"]
            .map(str::to_owned),
    ];
    let mut doors = String::new();
    for workload in workloads {
        let here: Vec<&Report> = reports.iter().filter(|report| report.workload.id == workload.id).collect();
        let named = |name: &str| here.iter().find(|report| report.measured.name == name);
        let Some(ours) = named(OURS) else { continue };
        let unit = Unit::of(&workload.kind);
        let time = |nanoseconds: f64| digits(unit.convert(nanoseconds));
        let best = |side: Side| {
            let side = here.iter().filter(|report| report.side() == side);
            match side.min_by(|a, b| a.median().total_cmp(&b.median())) {
                Some(best) => {
                    [best.measured.name.clone(), time(best.median()), format!("{:.2}", ours.median() / best.median())]
                }
                None => ["-", "-", "-"].map(str::to_owned),
            }
        };
        let ([python, python_time, ratio], [rust, rust_time, rust_ratio]) = (best(Side::Python), best(Side::Rust));
        let gflops = ours.gflops();
        rows.push([
            workload.id.clone(),
            unit.name.to_owned(),
            time(ours.median()),
            python,
            python_time,
            ratio,
            rust,
            rust_time,
            rust_ratio,
            gflops.map_or("-".to_owned(), digits),
            gflops.map_or("-".to_owned(), |gflops| format!("{:.0}%", 100.0 * gflops / peak)),
        ]);
        let (user, built_in) = (named(USER).unwrap_or(ours), named(BUILT_IN).unwrap_or(ours));
        if user.measured.name != built_in.measured.name {
            let ratio = user.median() / built_in.median();
            let (user, built_in) = (time(user.median()), time(built_in.median()));
            let _ =
                writeln!(doors, "{}: an LSTM of the user's {user}, the library's {built_in}: {ratio:.2}", workload.id);
        }
    }
    let _ = writeln!(doors, "The machine's multiply-adds: {peak:.0} GFLOP/s. Ratios of medians; lower is better.");
    aligned(&rows) + &doors
}

/// Three digits, or all before the point.
fn digits(value: f64) -> String {
    let decimals = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// The columns, as wide as they must be; those without a value are left out.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let told = |&column: &usize| rows.len() < 2 || rows[1..].iter().any(|row| row[column] != "-");
    let columns: Vec<(usize, usize)> = (0..N).filter(told).map(|column| (column, width(column))).collect();
    let mut text = String::new();
    for row in rows {
        for (i, &(column, width)) in columns.iter().enumerate() {
            let _ = match i {
                0 => write!(text, "{:<width$}", row[column]),
                _ => write!(text, "  {:>width$}", row[column]),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Measured;
    use unspool_benches::workload::parse;

    fn report(workload: &Workload, name: &str, side: Side, milliseconds: f64) -> Report {
        let (name, version, nanoseconds) = (name.to_owned(), String::new(), vec![milliseconds * 1e6]);
        Report::new(workload, 1, Measured { name, side, version, nanoseconds, steps: 1, memory: None })
    }

    #[test]
    fn ours_stands_beside_the_fastest_of_each_side() {
        let list = r#"{"W2": {"kind": "mlp", "sizes": [100, 100], "B": 100}}"#;
        let workloads = parse(list).unwrap();
        let w = &workloads[0];
        let mut reports = vec![
            report(w, OURS, Side::Ours, 2.0),
            report(w, USER, Side::Ours, 2.1),
            report(w, "slow", Side::Python, 9.0),
            report(w, "jax", Side::Python, 4.0),
        ];
        let text = table(&workloads, &reports, 8.0);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "workload         unit  unspool  best peer        ratio  GFLOP/s  of peak",
                "W2        ms per step     2.00        jax  4.00   0.50     2.00      25%",
                "W2: an LSTM of the user's 2.10, the library's 2.00: 1.05",
                "The machine's multiply-adds: 8 GFLOP/s. Ratios of medians; lower is better.",
            ]
        );
        reports.push(report(w, "burn", Side::Rust, 20.0));
        let text = table(&workloads, &reports, 8.0);
        assert!(text.contains("jax  4.00   0.50       burn  20.0   0.10"), "{text}");
    }

    #[test]
    fn alone_it_has_no_ratio() {
        let workloads = parse(r#"{"A": {"kind": "tape", "iters": 1, "ops_per_iter": 3, "size": 16}}"#).unwrap();
        let text = table(&workloads, &[report(&workloads[0], OURS, Side::Ours, 3e-4)], 8.0);
        assert!(text.starts_with("workload       unit  unspool\nA         ns per op      100\n"), "{text}");
    }
}
