//! Forecasts a time series of your own with simple recurrent networks, and compares them with
//! simpler forecasts.
//!
//! ```text
//! cargo run --release -p unspool-forecast -- --csv sunspots.csv --column SUNACTIVITY --date-column YEAR
//! ```
//!
//! A column of the file (`column.rs`, `dates.rs`, `moments.rs`) is cut into tasks (`tasks.rs`),
//! networks learn these (`models.rs`), and a table (`report.rs`, `verdict.rs`) and plots
//! (`pictures.rs`) say how well.

#![forbid(unsafe_code)]

#[path = "../../../unspool/examples/shared/charts.rs"]
mod charts;
mod column;
mod dates;
mod models;
mod moments;
mod pictures;
mod plan;
#[path = "../../../unspool/examples/shared/print.rs"]
mod print;
mod report;
mod statistics;
mod tasks;
mod verdict;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use unspool::io::{check_writable, write_file};

/// An error is one sentence for the user.
type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Forecast a column of a CSV file with simple recurrent networks, and compare them with simpler
/// forecasts.
///
/// The models are trained on the first 70% of the rows, validated on the next 20%, tested on the
/// last 10%. A network cannot follow a trend beyond the values it was trained on, so each model may
/// learn differences instead: validation decides (see --difference). The table marks models that
/// are no better than the last value, with a likely reason.
///
/// Prints a table, and plots forecasts.svg and losses.svg.
#[derive(Parser)]
#[command(name = "forecast")]
struct Options {
    #[command(flatten)]
    reading: column::Reading,
    #[command(flatten)]
    plan: plan::Plan,
    #[command(flatten)]
    training: models::Training,
    /// The folder for the plots
    #[arg(long, value_name = "DIR", default_value = "forecast-out")]
    out: PathBuf,
}

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn main() -> ExitCode {
    let result = run(Options::parse());
    if let Err(sentence) = &result {
        eprintln!("forecast: {sentence}");
    }
    ExitCode::from(u8::from(result.is_err()))
}

fn run(Options { reading, plan, training, out }: Options) -> Result<()> {
    let cut = tasks::cut(reading.read()?, plan)?;
    fs::create_dir_all(&out).map_err(|e| format!("cannot write to the folder {}: {e}", out.display()))?;
    let files = ["forecasts.svg", "losses.svg"].map(|name| out.join(name));
    // Before the training, which takes long.
    files.iter().try_for_each(check_writable)?;
    let mut outcomes = cut.references()?;
    outcomes.extend(models::compare(&cut.tasks, &training)?);
    print::print(&report::table_and_remarks(&outcomes, &cut))?;
    let pictures = [pictures::forecasts_over_time(&outcomes, &cut)?, pictures::losses(&outcomes)?];
    for (file, svg) in files.iter().zip(pictures) {
        write_file(file, svg)?;
        print::print(&format!("{}\n", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_refused_by_name() {
        for (arguments, fragments) in [
            ("--column a", "--csv <FILE>"),
            ("--csv a.csv", "--column <COLUMN>"),
            ("--csv a.csv --column a --horizon 0", "--horizon|0 is not in 1..="),
            ("--csv a.csv --column a --season 1", "--season|1 is not in 2..="),
            ("--csv a.csv --column a --difference 1,0", "lags are whole numbers from 1 to 10000"),
            ("--csv a.csv --column a --date-order day-first", "--date-column <COLUMN>"),
        ] {
            let parsed = Options::try_parse_from(["forecast"].into_iter().chain(arguments.split(' ')));
            let sentence = parsed.err().unwrap_or_else(|| panic!("{arguments}")).to_string();
            assert!(fragments.split('|').all(|fragment| sentence.contains(fragment)), "{sentence}");
        }
    }

    #[test]
    fn a_column_becomes_a_table_and_two_pictures() {
        let folder = std::env::temp_dir().join(format!("unspool-forecast-{}", std::process::id()));
        let (csv, out) = (folder.join("a.csv"), folder.join("out"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&csv, (0..40).map(|i| format!("{},{}\n", 1980 + i, i * i % 7)).collect::<String>()).unwrap();
        let run_into = |out: &PathBuf| {
            let arguments = "--no-header --column 1 --date-column 0 --window 3 --seeds 1 --epochs 1";
            let paths = ["--csv", csv.to_str().unwrap(), "--out", out.to_str().unwrap()];
            run(Options::parse_from(["forecast"].into_iter().chain(arguments.split(' ')).chain(paths)))
        };
        run_into(&out).unwrap();
        let svg = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        assert!(svg("forecasts.svg").contains("time (all 4 test values, 2016 to 2019)"));
        assert!(svg("losses.svg").contains("mean squared error (scaled series)"));
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
        assert!(run_into(&csv).unwrap_err().to_string().starts_with("cannot write to the folder "));
        fs::remove_dir_all(&folder).unwrap();
    }
}
