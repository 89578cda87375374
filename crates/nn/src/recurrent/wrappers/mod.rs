//! Cells that wrap another cell: each changes one thing about any [`Cell`](crate::recurrent::Cell),
//! built-in or custom.
//!
//! | wrapper | what it changes | source |
//! |---|---|---|
//! | [`Zoneout`] | random elements of the state keep their old value | Krueger et al. 2017 |
//! | [`RecurrentDropout`] | dropout on h before the step, drawn per step or per sequence | Semeniuta et al. 2016, Gal and Ghahramani 2016 |
//! | [`Residual`] | the input is added to the output | He et al. 2016 |
//!
//! Which elements they affect depends on the seed of the [`Mode`], the time step and the position
//! in the model: nothing is stored. Wrappers nest:
//! `Residual::new(Zoneout::new(cell, 0.1, 0.05), 64)`.

mod recurrent_dropout;
mod residual;
mod zoneout;

pub use recurrent_dropout::RecurrentDropout;
pub use residual::Residual;
pub use zoneout::Zoneout;

use crate::mode::Mode;
use crate::recurrent::state::State;
use unspool_autograd::Scalar;

/// The state with dropout on its first variable, h.
#[track_caller]
fn drop_first<'t, T: Scalar, S: State<'t, T>>(state: S, mode: Mode, rate: f64) -> S {
    let mut first = true;
    state.map(&mut |var| if std::mem::replace(&mut first, false) { mode.dropout(var, rate) } else { var })
}

#[track_caller]
fn check_rate(name: &str, rate: f64) {
    ensure!((0.0..1.0).contains(&rate), "{name}: the rate {rate} is not at least 0 and less than 1");
}
