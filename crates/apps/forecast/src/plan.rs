//! How a series is to be cut: the options, and the lags of differences.

use crate::{Result, between};
use unspool::data::Differences;

/// How a series is to be cut.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// How many steps ahead to forecast
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = between::<usize>(1, 10_000))]
    pub(crate) horizon: usize,
    /// How many values a forecast is based on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000))]
    pub(crate) window: usize,
    /// What the models learn: the values (none) or their differences of these lags, such as 1, 12
    /// or 1,12. Without it, each model's first seed tries none, 1 and, if there is a season, the
    /// season and both; the smallest validation error decides
    #[arg(long, value_name = "LAGS", value_parser = differences)]
    pub(crate) difference: Option<Differences>,
    /// The number of steps after which the series repeats itself. Without it, the season is the
    /// highest peak of the autocorrelation of the training part (around a straight line), if that
    /// is above 0.3
    #[arg(long, value_name = "N", value_parser = between::<usize>(2, 10_000))]
    pub(crate) season: Option<usize>,
}

/// Lags between commas, or none.
pub(crate) fn differences(text: &str) -> Result<Differences, &'static str> {
    if text == "none" {
        return Ok(Differences::new([]));
    }
    let lag = |lag: &str| lag.trim().parse().ok().filter(|lag| (1..=10_000).contains(lag));
    let lags: Option<Vec<usize>> = text.split(',').map(lag).collect();
    lags.map(Differences::new).ok_or("lags are whole numbers from 1 to 10000 with commas between, or none")
}
