//! A residual connection around a cell.

use crate::recurrent::cell::{Cell, StepContext, Unrolled};
use unspool_autograd::{Params, Scalar, Var};

/// A cell whose input `[B, F]` is added to its output `[B, H]`, with `F = H`: `y_t = h_t + x_t`.
/// The state is that of the wrapped cell.
///
/// He et al. 2016, "Deep residual learning for image recognition"; between stacked LSTMs: Wu et al.
/// 2016, "Google's neural machine translation system", equation 6.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::wrappers::Residual;
/// let cell: Gru<Tensor> = Gru::new(&mut rng(0), 5, 5);
/// let layer = Recurrent::new(Residual::new(cell, 5));
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 5])));
/// assert_eq!(output.last().value(), output.state().value().map(|h| h + 1.0));
/// ```
#[derive(Params, Clone, Debug)]
pub struct Residual<C> {
    /// The wrapped cell.
    pub cell: C,
    /// The size F = H of the input and the output.
    pub size: usize,
}

impl<C> Residual<C> {
    /// Wraps `cell`, whose input and output have `size` features.
    pub fn new(cell: C, size: usize) -> Self {
        Residual { cell, size }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Cell<'t, T> for Residual<C> {
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

    /// The cell's projection, concatenated with the input itself.
    ///
    /// # Panics
    /// If the input does not have the size given to [`Residual::new`].
    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        let (shape, size) = (xs.shape(), self.size);
        ensure!(shape.last() == Some(&size), "Residual: the input must be [T, B, {size}], not {shape}");
        Var::concat(2, &[self.cell.project(xs), xs])
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
        self.step_in(x, state, StepContext::default())
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, state: Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let split = xs.shape()[2] - self.size;
        let unrolled = self.cell.unroll(xs.slice(2, ..split), state)?;
        let (shape, size) = (unrolled.outputs.shape(), self.size);
        ensure!(shape.last() == Some(&size), "Residual: the output must be [B, {size}], like the input, not {shape}");
        Some(Unrolled { outputs: unrolled.outputs + xs.slice(2, split..), ..unrolled })
    }

    /// # Panics
    /// If the output does not have the size of the input.
    #[track_caller]
    fn step_in(&self, x: Var<'t, T>, state: Self::State, cx: StepContext) -> (Var<'t, T>, Self::State) {
        let split = x.shape()[1] - self.size;
        let (output, state) = self.cell.step_in(x.slice(1, ..split), state, cx);
        let (shape, size) = (output.shape(), self.size);
        ensure!(shape.last() == Some(&size), "Residual: the output must be [B, {size}], like the input, not {shape}");
        (output + x.slice(1, split..), state)
    }
}
