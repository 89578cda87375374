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
#[path = "../../../unspool/examples/shared/print.rs"]
mod print;
mod report;
mod season;
mod statistics;
mod tasks;
mod verdict;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use column::Reading;
use models::Training;
use print::print;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, process};
use tasks::Plan;
use unspool::data::Differences;

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
    reading: Reading,
    /// How many times each model is trained: with seeds 0 to N - 1
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = between::<u64>(1, 100))]
    seeds: u64,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
    /// The folder for the plots
    #[arg(long, value_name = "DIR", default_value = "forecast-out")]
    out: PathBuf,
    /// How many steps ahead to forecast
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = between::<usize>(1, 10_000))]
    horizon: usize,
    /// How many values a forecast is based on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000))]
    window: usize,
    /// What the models learn: the values (none) or their differences of these lags, such as 1, 12
    /// or 1,12. Without it, each model's first seed tries none, 1 and, if there is a season, the
    /// season and both; the smallest validation error decides
    #[arg(long, value_name = "LAGS", value_parser = differences)]
    difference: Option<Differences>,
    /// The number of steps after which the series repeats itself. Without it, the season is the
    /// highest peak of the autocorrelation of the training part (around a straight line), if that
    /// is above 0.3
    #[arg(long, value_name = "N", value_parser = between::<usize>(2, 10_000))]
    season: Option<usize>,
}

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

/// Lags between commas, or none.
fn differences(text: &str) -> Result<Differences, &'static str> {
    if text == "none" {
        return Ok(Differences::new([]));
    }
    let lag = |lag: &str| lag.trim().parse().ok().filter(|lag| (1..=10_000).contains(lag));
    let lags: Option<Vec<usize>> = text.split(',').map(lag).collect();
    lags.map(Differences::new).ok_or("lags are whole numbers from 1 to 10000 with commas between, or none")
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("forecast: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<()> {
    let column = options.reading.read()?;
    let Options { out, seeds, epochs, window, horizon, season, difference, .. } = options;
    let cut = tasks::cut(column, Plan { window, horizon, season, differences: difference })?;
    // Before the training, which takes long.
    writable(&out)?;
    let mut outcomes = cut.references()?;
    outcomes.extend(models::compare(&cut.tasks, &Training { seeds, epochs })?);
    print(&report::table_and_remarks(&outcomes, &cut))?;
    for (name, svg) in [
        ("forecasts.svg", pictures::forecasts_over_time(&outcomes, &cut)?),
        ("losses.svg", pictures::losses(&outcomes)?),
    ] {
        let path = out.join(name);
        fs::write(&path, svg).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// Makes the folder and tries it.
fn writable(folder: &Path) -> Result<()> {
    let trial = folder.join(format!(".trial.{}.tmp", process::id()));
    let tried = fs::create_dir_all(folder).and_then(|()| fs::write(&trial, "")).and_then(|()| fs::remove_file(&trial));
    Ok(tried.map_err(|e| format!("cannot write to the folder {}: {e}", folder.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_refused_by_name() {
        for (arguments, fragments) in [
            ("--column a", "--csv <FILE>"),
            ("--csv a.csv", "--column <COLUMN>"),
            ("--csv a.csv --column a --seeds 0", "--seeds|0 is not in 1..="),
            ("--csv a.csv --column a --epochs 0", "--epochs|0 is not in 1..="),
            ("--csv a.csv --column a --horizon 0", "--horizon|0 is not in 1..="),
            ("--csv a.csv --column a --window 0", "--window|0 is not in 1..="),
            ("--csv a.csv --column a --season 1", "--season|1 is not in 2..="),
            ("--csv a.csv --column a --difference 1,0", "lags are whole numbers from 1 to 10000"),
            ("--csv a.csv --column a --date-order day-first", "--date-column <COLUMN>"),
            ("--csv a.csv --column a --header --no-header", "cannot be used with"),
        ] {
            let parsed = Options::try_parse_from(["forecast"].into_iter().chain(arguments.split(' ')));
            let sentence = parsed.err().unwrap_or_else(|| panic!("{arguments}")).to_string();
            assert!(fragments.split('|').all(|fragment| sentence.contains(fragment)), "{sentence}");
        }
    }

    #[test]
    fn differences_are_lags_or_none() {
        for (text, lags) in [("none", &[][..]), ("1", &[1]), ("12", &[12]), ("1,12", &[1, 12]), ("1, 1", &[1, 1])] {
            assert_eq!(differences(text), Ok(Differences::new(lags)), "{text:?}");
        }
        for text in ["", "0", "1,0", "-1", "1,", "1.5", "one", "10001", "None,1", "99999999999999999999"] {
            assert!(differences(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_folder_is_tried_and_left_empty() {
        let folder = std::env::temp_dir().join(format!("forecast-folder-{}", process::id()));
        writable(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let file = folder.join("a.svg");
        fs::write(&file, "").unwrap();
        assert!(writable(&file).unwrap_err().to_string().starts_with("cannot write to the folder "));
        fs::remove_dir_all(&folder).unwrap();
    }
}
