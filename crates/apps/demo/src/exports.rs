//! What the page calls. Only numbers pass, so that neither side reads the other's memory: arrays go point by point.

use crate::session::{CellKind, Session, StateNorms};
use std::cell::RefCell;

#[derive(Default)]
struct Page {
    series: Vec<f32>,
    session: Option<Session>,
    forecast: Vec<f32>,
    flow: Vec<StateNorms>,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

fn with_session<R>(f: impl FnOnce(&mut Session) -> R) -> R {
    PAGE.with_borrow_mut(|page| f(page.session.as_mut().expect("`start` was called")))
}

/// Functions under their own names, which JavaScript finds among the exports of the module.
macro_rules! exports {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) $(-> $result)? $body
    )*};
}

exports! {
    /// Begins a new series.
    fn clear() {
        PAGE.with_borrow_mut(|page| page.series.clear());
    }

    /// Adds a point to the series.
    fn push(point: f32) {
        PAGE.with_borrow_mut(|page| page.series.push(point));
    }

    /// Begins with new weights: cell 0 is SimpleRNN, 1 LSTM, 2 GRU. Returns the number of weights, or 0 if the series
    /// cannot be learned: too short, or not finite.
    fn start(cell: u32, hidden: u32, seed: u32) -> u32 {
        let cell = [CellKind::SimpleRnn, CellKind::Lstm, CellKind::Gru][cell as usize];
        PAGE.with_borrow_mut(|page| {
            page.session = Session::new(&page.series, cell, hidden as usize, seed.into()).ok();
            page.session.as_ref().map_or(0, |session| session.parameters() as u32)
        })
    }

    fn tune(learning_rate: f64, clip_norm: f64) {
        with_session(|session| session.tune(learning_rate, clip_norm));
    }

    /// Takes a training step. Returns its loss.
    fn step() -> f64 {
        with_session(Session::step)
    }

    fn gradient_norm() -> f64 {
        with_session(|session| session.gradient_norm())
    }

    /// Computes a forecast, which `forecast_at` reads.
    fn forecast(count: u32) {
        let forecast = with_session(|session| session.forecast(count as usize));
        PAGE.with_borrow_mut(|page| page.forecast = forecast);
    }

    fn forecast_at(i: u32) -> f32 {
        PAGE.with_borrow(|page| page.forecast[i as usize])
    }

    /// Computes the gradient norms of the states, which `flow_at` reads. Returns the number of states.
    fn flow() -> u32 {
        let flow = with_session(|session| session.gradient_flow());
        PAGE.with_borrow_mut(|page| {
            page.flow = flow;
            page.flow.len() as u32
        })
    }

    fn flow_at(state: u32, time: u32) -> f64 {
        PAGE.with_borrow(|page| page.flow[state as usize].norm[time as usize])
    }

    fn window() -> u32 {
        crate::WINDOW as u32
    }
}
