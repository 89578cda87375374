//! Outputs with their inputs added.

use crate::mode::Mode;
use crate::recurrent::cell::Cell;
use unspool_autograd::{Params, Scalar, Var};

/// A cell whose input `[B, F]` is added to its output `[B, H]`, `F = H`: `y_t = h_t + x_t`. The state is the cell's own.
///
/// He et al. 2016, "Deep residual learning for image recognition"; between stacked LSTMs in Wu et al. 2016, "Google's
/// neural machine translation system", equation 6.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::cells::Gru;
/// use unspool_nn::layers::Layer;
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_nn::recurrent::wrappers::Residual;
/// use unspool_autograd::{Tape, Tensor};
/// let cell: Gru<Tensor> = Gru::new(&mut rng(0), 5, 5);
/// let layer = Recurrent::new(Residual::new(cell, 5));
/// let tape = Tape::new();
/// let run = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 5])));
/// assert_eq!(run.last().value(), run.state().value().map(|h| h + 1.0));
/// ```
#[derive(Params, Clone, Debug)]
pub struct Residual<C> {
    /// The cell that makes the steps.
    pub cell: C,
    /// The size F = H of the input and the output.
    pub size: usize,
}

impl<C> Residual<C> {
    /// The cell, whose input and output have `size` features, with its input added to its output.
    pub fn new(cell: C, size: usize) -> Self {
        Residual { cell, size }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Cell<'t, T> for Residual<C> {
    type State = C::State;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.cell.zero_state(batch)
    }

    /// What the cell makes of the input, and the input beside it.
    ///
    /// # Panics
    /// If the input has not the size given to [`Residual::new`].
    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        let (shape, size) = (xs.shape(), self.size);
        assert!(shape.last() == Some(&size), "Residual: the input must be [T, B, {size}], not {shape}");
        Var::concat(2, &[self.cell.project(xs), xs])
    }

    fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
        self.step_in(x, state, Mode::Evaluation, 0)
    }

    /// # Panics
    /// If the output has another size than the input.
    #[track_caller]
    fn step_in(&self, x: Var<'t, T>, state: Self::State, mode: Mode, t: usize) -> (Var<'t, T>, Self::State) {
        let split = x.shape()[1] - self.size;
        let (output, state) = self.cell.step_in(x.slice(1, ..split), state, mode, t);
        let (shape, size) = (output.shape(), self.size);
        assert!(shape.last() == Some(&size), "Residual: the output must be [B, {size}], as the input is, not {shape}");
        (output + x.slice(1, split..), state)
    }
}
