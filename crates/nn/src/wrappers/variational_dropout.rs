//! Dropout on the hidden state, the same at every step.

use super::{check_rate, drop_first};
use crate::cell::Cell;
use crate::mode::Mode;
use unspool_autograd::{Params, Scalar, Var};

/// A cell whose hidden state h, the first variable of its state, goes through dropout on its way into the step, in
/// training: the same elements at every step of a sequence.
///
/// Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks". For the same on
/// the inputs see [`Dropout::same_over_time`](crate::Dropout::same_over_time).
///
/// ```
/// use unspool_nn::{rng, Layer, Lstm, Mode, Recurrent, wrappers::VariationalDropout};
/// use unspool_autograd::{Tape, Tensor};
/// let cell: Lstm<Tensor> = Lstm::new(&mut rng(0), 3, 5);
/// let layer = Recurrent::new(VariationalDropout::new(cell, 0.25));
/// let tape = Tape::new();
/// let h = tape.bind(&layer).forward_in(tape.constant(&Tensor::ones([7, 4, 3])), Mode::Training { seed: 1 }).last();
/// assert_eq!(h.shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct VariationalDropout<C> {
    /// The cell that makes the steps.
    pub cell: C,
    /// The probability with which an element is left out.
    pub rate: f64,
}

impl<C> VariationalDropout<C> {
    /// The cell, with dropout on h.
    ///
    /// # Panics
    /// If `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn new(cell: C, rate: f64) -> Self {
        check_rate("VariationalDropout", rate);
        VariationalDropout { cell, rate }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Cell<'t, T> for VariationalDropout<C> {
    type State = C::State;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.cell.zero_state(batch)
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.cell.project(xs)
    }

    fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
        self.cell.step(x, state)
    }

    fn step_in(&self, x: Var<'t, T>, state: Self::State, mode: Mode, t: usize) -> (Var<'t, T>, Self::State) {
        let state = drop_first(state, mode.part(0), self.rate);
        self.cell.step_in(x, state, mode.part(1), t)
    }
}
