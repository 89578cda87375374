//! Dropout on the hidden state.

use super::{check_rate, drop_first};
use crate::recurrent::cell::{Cell, StepContext};
use unspool_autograd::{Params, Scalar, Var};

/// A cell with dropout on the hidden state h, the first variable of its state, before each step, in
/// training. The mask is drawn at every step, or once per sequence (variational dropout).
///
/// Semeniuta, Severyn and Barth 2016, "Recurrent dropout without memory loss". The cell state c of
/// an LSTM is not dropped. One mask per sequence: Gal and Ghahramani 2016, "A theoretically
/// grounded application of dropout in recurrent neural networks"; its counterpart for inputs is
/// [`Dropout::same_over_time`](crate::layers::Dropout::same_over_time).
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::wrappers::RecurrentDropout;
/// let cell: Lstm<Tensor> = Lstm::new(&mut rng(0), 3, 5);
/// let layer = Recurrent::new(RecurrentDropout::new(cell, 0.25));
/// let tape = Tape::new();
/// let xs = tape.constant(&Tensor::ones([7, 4, 3]));
/// let h = tape.bind(&layer).apply(xs, Context::training(1)).last();
/// assert_eq!(h.shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct RecurrentDropout<C> {
    /// The wrapped cell.
    pub cell: C,
    /// The probability of dropping an element.
    pub rate: f64,
    /// Whether the same elements are dropped at every step of a sequence.
    pub same_over_time: bool,
}

impl<C> RecurrentDropout<C> {
    /// Wraps `cell` with dropout on h, drawn at every step.
    ///
    /// # Panics
    /// If `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn new(cell: C, rate: f64) -> Self {
        check_rate("RecurrentDropout", rate);
        RecurrentDropout { cell, rate, same_over_time: false }
    }

    /// The same cell, with the same elements dropped at every step of a sequence.
    pub fn same_over_time(self) -> Self {
        RecurrentDropout { same_over_time: true, ..self }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Cell<'t, T> for RecurrentDropout<C> {
    type State = C::State;

    fn state_names(&self) -> &'static [&'static str] {
        self.cell.state_names()
    }

    fn gates(&self) -> &'static [&'static str] {
        self.cell.gates()
    }

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.cell.zero_state(batch)
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.cell.project(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
        self.cell.step(x, state)
    }

    #[track_caller]
    fn step_in(&self, x: Var<'t, T>, state: Self::State, cx: StepContext) -> (Var<'t, T>, Self::State) {
        let drawn = cx.fold_in(0).mode;
        let drop_mode = if self.same_over_time { drawn } else { drawn.fold_in(cx.t) };
        let state = drop_first(state, drop_mode, self.rate);
        self.cell.step_in(x, state, cx.fold_in(1))
    }
}
