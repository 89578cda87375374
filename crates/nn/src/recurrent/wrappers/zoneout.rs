//! States whose elements randomly keep their old values.

use super::check_rate;
use crate::mode::Mode;
use crate::recurrent::cell::{Cell, StepContext};
use crate::recurrent::state::State;
use unspool_autograd::{Params, Scalar, Var};

/// A cell whose state partially keeps its old value: in training each element keeps it with
/// probability z, in evaluation it becomes the mean, `z old + (1 - z) new`.
///
/// ```text
/// s_t = s_{t-1} + k ⊙ (s'_t - s_{t-1})    k = 0 with probability z, else 1; in evaluation 1 - z
/// ```
///
/// where s' is the new state that the cell computes. z is `hidden` for h, the first variable of the
/// state, and `cell_state` for the others. The output is the new h, so the output of the wrapped
/// cell must be the first variable of its state, as it is in all built-in cells.
/// [`Residual`](crate::recurrent::wrappers::Residual) goes around `Zoneout`, not inside.
///
/// Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations".
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::wrappers::Zoneout;
/// let cell: Lstm<Tensor> = Lstm::new(&mut rng(0), 3, 5);
/// let layer = Recurrent::new(Zoneout::new(cell, 0.05, 0.5));
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().value(), output.state().0.value());
/// ```
#[derive(Params, Clone, Debug)]
pub struct Zoneout<C> {
    /// The wrapped cell.
    pub cell: C,
    /// The probability that an element of h keeps its value.
    pub hidden: f64,
    /// The probability that an element of the other variables of the state keeps its value.
    pub cell_state: f64,
}

impl<C> Zoneout<C> {
    /// Wraps `cell` with zoneout.
    ///
    /// # Panics
    /// If a probability is not at least 0 and less than 1.
    #[track_caller]
    pub fn new(cell: C, hidden: f64, cell_state: f64) -> Self {
        check_rate("Zoneout", hidden);
        check_rate("Zoneout", cell_state);
        Zoneout { cell, hidden, cell_state }
    }

    /// # Panics
    /// If `h` is not the first variable of the new state.
    #[track_caller]
    fn mix<'t, T: Scalar, S: State<'t, T>>(&self, h: Var<'t, T>, old: S, new: S, mode: Mode) -> (Var<'t, T>, S) {
        let (mut i, mut output, mut is_first) = (0, None, true);
        let state = S::join(&[old, new], &mut |vars| {
            let (old, new) = (vars[0], vars[1]);
            is_first &= i > 0 || h.ptr_eq(new);
            let keep = if i == 0 { self.hidden } else { self.cell_state };
            // Dropout scales the other elements by 1 / (1 - keep); the product undoes that.
            let mixed = if keep == 0.0 { new } else { old + mode.fold_in(i).dropout(new - old, keep) * (1.0 - keep) };
            output.get_or_insert(mixed);
            i += 1;
            mixed
        });
        ensure!(is_first, "Zoneout: the output of the cell must be h, the first variable of its state");
        (output.expect("a state has a variable"), state)
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Cell<'t, T> for Zoneout<C> {
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
        self.step_in(x, state, StepContext::default())
    }

    /// # Panics
    /// If the output of the cell is not the first variable of its state.
    #[track_caller]
    fn step_in(&self, x: Var<'t, T>, state: Self::State, cx: StepContext) -> (Var<'t, T>, Self::State) {
        let (h, new) = self.cell.step_in(x, state.clone(), cx.fold_in(1));
        self.mix(h, state, new, cx.fold_in(0).mode.fold_in(cx.t))
    }
}
