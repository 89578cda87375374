//! Forecasts time series with simple recurrent networks, and compares them with two simpler
//! forecasts.
//!
//! ```text
//! cargo run --release --example forecast
//! cargo run --release --example forecast -- --ten-steps
//! cargo run --release --example forecast -- --csv sunspots.csv --column SUNACTIVITY --date-column YEAR
//! ```
//!
//! The models are in `models.rs`. The other files read, split, print and plot.

#![forbid(unsafe_code)]

mod ahead;
mod column;
mod dates;
mod differenced;
mod models;
mod moments;
mod output;
mod pictures;
#[path = "../shared/print.rs"]
mod print;
mod report;
mod season;
mod series;
mod statistics;
mod verdict;
mod windows;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use column::Reading;
use models::{Task, Training};
use series::Series;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice;
use unspool::data::Differences;
use windows::Plan;

/// An error, as one sentence for the user.
type Sentence = String;

/// Forecast time series with simple recurrent networks, and compare them with simpler forecasts.
///
/// Without --csv: 10,000 generated series of 51 points, the last point forecast from the 50 before
/// it. With --csv: the same models on one column of your file, trained on the first 70% of its
/// rows, validated on the next 20%, tested on the last 10%. A network cannot follow a trend beyond
/// the values it was trained on, so each model may learn differences instead: validation decides
/// (see --difference). The table marks models that are no better than the last value, with a likely
/// reason.
///
/// Prints a table, and plots forecasts.svg and losses.svg.
#[derive(Parser)]
#[command(name = "forecast")]
struct Options {
    /// How many times each model is trained: with seeds 0 to N - 1
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = between::<u64>(1, 100))]
    seeds: u64,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
    /// The folder for the plots
    #[arg(long, value_name = "DIR", default_value = "forecast-out")]
    out: PathBuf,
    /// Forecast ten steps ahead instead, in three ways; plots nothing
    #[arg(long, conflicts_with_all = ["csv", "out"])]
    ten_steps: bool,
    #[command(flatten)]
    reading: Reading,
    /// How many steps ahead to forecast
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = between::<usize>(1, 10_000), requires = "csv")]
    horizon: usize,
    /// How many values a forecast is based on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000), requires = "csv")]
    window: usize,
    /// What the models learn: the values (none) or their differences of these lags, such as 1, 12
    /// or 1,12. Without it, each model's first seed tries none, 1 and, if there is a season, the
    /// season and both; the smallest validation error decides
    #[arg(long, value_name = "LAGS", value_parser = differences, requires = "csv")]
    difference: Option<Differences>,
    /// The number of steps after which the series repeats itself. Without it, the season is the
    /// highest peak of the autocorrelation of the training part (around a straight line), if that
    /// is above 0.3
    #[arg(long, value_name = "N", value_parser = between::<usize>(2, 10_000), requires = "csv")]
    season: Option<usize>,
}

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

/// Lags between commas, or none.
fn differences(text: &str) -> Result<Differences, Sentence> {
    if text == "none" {
        return Ok(Differences::new([]));
    }
    let lag = |lag: &str| lag.trim().parse().ok().filter(|lag| (1..=10_000).contains(lag));
    let lags: Option<Vec<usize>> = text.split(',').map(lag).collect();
    lags.map(Differences::new).ok_or("lags are whole numbers from 1 to 10000 with commas between, or none".to_string())
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match (&options.reading.csv, &options.reading.column) {
        (Some(file), Some(column)) => own_series(file, column, &options),
        _ if options.ten_steps => ten_steps(&options),
        _ => lecture(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            output::note(&format!("forecast: {sentence}"));
            ExitCode::FAILURE
        }
    }
}

/// The lecture's 10,000 series: 7,000 to train, 2,000 to validate, 1,000 to test.
fn lecture(options: &Options) -> Result<(), Sentence> {
    let series = Series::generate(42, 10_000, 51);
    let examples = |from, to| series.examples(from, to).map_err(|e| e.to_string());
    let task = Task::plain(examples(0, 7_000)?, examples(7_000, 9_000)?, examples(9_000, 10_000)?);
    output::check(&options.out)?;
    let mut outcomes = vec![models::naive(&task)];
    outcomes.extend(models::compare(slice::from_ref(&task), &options.training())?);
    print::print(&report::lecture(&outcomes, &task))?;
    save(&options.out, pictures::forecast_grid(&outcomes, &task)?, pictures::losses(&outcomes, "mean squared error")?)
}

/// Series that are ten points longer.
fn ten_steps(options: &Options) -> Result<(), Sentence> {
    let series = Series::generate(42, 10_000, ahead::WINDOW + ahead::STEPS);
    print::print(&ahead::compare(&series, &options.training())?)
}

/// One column of a CSV file.
fn own_series(file: &Path, column: &str, options: &Options) -> Result<(), Sentence> {
    let column = options.reading.read(file, column)?;
    let Options { window, horizon, season, .. } = *options;
    let cut = windows::cut(&column, &Plan { window, horizon, season, differences: options.difference.clone() })?;
    output::check(&options.out)?;
    let mut outcomes = cut.references()?;
    outcomes.extend(models::compare(&cut.tasks, &options.training())?);
    print::print(&report::own_series(&outcomes, &column, &cut))?;
    let losses = pictures::losses(&outcomes, "mean squared error (scaled series)")?;
    save(&options.out, pictures::forecasts_over_time(&outcomes, &column, &cut)?, losses)
}

/// Writes the plots and prints where they are.
fn save(folder: &Path, forecasts: String, losses: String) -> Result<(), Sentence> {
    for (name, picture) in [("forecasts.svg", forecasts), ("losses.svg", losses)] {
        let path = output::write(folder, name, &picture)?;
        print::print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

impl Options {
    fn training(&self) -> Training {
        Training { seeds: self.seeds, epochs: self.epochs, rate: 1e-3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> String {
        let arguments = ["forecast"].iter().chain(arguments);
        Options::try_parse_from(arguments).err().expect("refused").to_string()
    }

    #[test]
    fn zero_is_refused_by_name() {
        for option in ["--seeds", "--epochs"] {
            let sentence = refused(&[option, "0"]);
            assert!(sentence.contains(option) && sentence.contains("0 is not in 1..="), "{sentence}");
        }
        for option in ["--horizon", "--window"] {
            let sentence = refused(&["--csv", "a.csv", "--column", "a", option, "0"]);
            assert!(sentence.contains(option) && sentence.contains("0 is not in 1..="), "{sentence}");
        }
    }

    #[test]
    fn differences_are_lags_or_none() {
        for (text, lags) in [("none", &[][..]), ("1", &[1]), ("12", &[12]), ("1,12", &[1, 12]), ("1, 1", &[1, 1])] {
            assert_eq!(differences(text), Ok(Differences::new(lags)), "{text:?}");
        }
        for text in ["", "0", "1,0", "-1", "1,", "1.5", "one", "10001", "None,1", "99999999999999999999"] {
            let sentence = refused(&["--csv", "a.csv", "--column", "a", &format!("--difference={text}")]);
            assert!(
                sentence.contains("lags are whole numbers from 1 to 10000 with commas between, or none"),
                "{sentence}"
            );
        }
        let sentence = refused(&["--csv", "a.csv", "--column", "a", "--season", "1"]);
        assert!(sentence.contains("--season") && sentence.contains("1 is not in 2..="), "{sentence}");
    }

    #[test]
    fn options_for_a_file_need_the_file() {
        for arguments in [&["--column", "a"][..], &["--date-column", "a"], &["--horizon", "2"], &["--window", "2"]] {
            assert!(refused(arguments).contains("--csv <FILE>"));
        }
        assert!(refused(&["--ten-steps", "--csv", "a.csv", "--column", "a"]).contains("--ten-steps"));
        for arguments in [["--difference", "1"], ["--season", "12"]] {
            assert!(refused(&arguments).contains("--csv <FILE>"));
        }
        assert!(refused(&["--fill"]).contains("--csv <FILE>"));
        assert!(refused(&["--csv", "a.csv"]).contains("--column <COLUMN>"));
        assert!(Options::try_parse_from(["forecast"]).is_ok());
    }
}
