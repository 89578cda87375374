//! A history as `serde` writes and reads it.

use super::{History, StopReason};
use serde::{Deserialize, Serialize};

type Curve = Vec<Option<f64>>;

/// A history in which no number stands for NaN, which some formats do not have.
#[derive(Deserialize, Serialize)]
#[serde(rename = "History")]
pub(super) struct SavedHistory {
    loss: Curve,
    val_loss: Curve,
    learning_rate: Curve,
    metrics: Vec<(String, Curve)>,
    tracked: Vec<(String, Curve)>,
    best: Option<usize>,
    seconds: f64,
    stop_reason: StopReason,
}

impl From<History> for SavedHistory {
    fn from(history: History) -> Self {
        let saved = |curve: Vec<f64>| curve.into_iter().map(|x| (!x.is_nan()).then_some(x)).collect();
        let named = |curves: Vec<(String, Vec<f64>)>| curves.into_iter().map(|(name, x)| (name, saved(x))).collect();
        SavedHistory {
            loss: saved(history.loss),
            val_loss: saved(history.val_loss),
            learning_rate: saved(history.learning_rate),
            metrics: named(history.metrics),
            tracked: named(history.tracked),
            best: history.best,
            seconds: history.seconds,
            stop_reason: history.stop_reason,
        }
    }
}

impl From<SavedHistory> for History {
    fn from(saved: SavedHistory) -> Self {
        let curve = |curve: Curve| curve.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect();
        let named = |curves: Vec<(String, Curve)>| curves.into_iter().map(|(name, x)| (name, curve(x))).collect();
        History {
            loss: curve(saved.loss),
            val_loss: curve(saved.val_loss),
            learning_rate: curve(saved.learning_rate),
            metrics: named(saved.metrics),
            tracked: named(saved.tracked),
            best: saved.best,
            seconds: saved.seconds,
            stop_reason: saved.stop_reason,
        }
    }
}
