//! A cell that tells what it was asked.

use std::sync::{Arc, Mutex};
use unspool::recurrent::StepContext;
use unspool::{Cell, Mode, Params, Tensor, Var};

/// A cell without memory, `y_t = x_t w`, element by element, that writes down its calls. Clones, and the cell bound to
/// a tape, write to the same place.
#[derive(Clone, Debug, Params)]
pub struct Probe<P> {
    /// `w`: `[F]`.
    pub weight: P,
    /// Its calls.
    pub seen: Arc<Mutex<Seen>>,
}

/// The calls of a [`Probe`].
#[derive(Debug, Default)]
pub struct Seen {
    /// The rows of each call of `project`.
    pub projected: Vec<usize>,
    /// The rows, the mode and the number of each step.
    pub steps: Vec<(usize, Mode, usize)>,
}

impl Probe<Tensor<f64>> {
    /// The cell `y_t = x_t` on `width` features.
    pub fn new(width: usize) -> Self {
        Probe { weight: Tensor::ones([width]), seen: Arc::default() }
    }
}

impl<P> Probe<P> {
    /// What was seen since the last call of this.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl<'t> Cell<'t, f64> for Probe<Var<'t, f64>> {
    type State = Var<'t, f64>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.weight.new_zeros([batch, self.weight.shape()[0]])
    }

    fn project(&self, xs: Var<'t, f64>) -> Var<'t, f64> {
        let shape = xs.shape();
        self.seen.lock().unwrap().projected.push(shape[0] * shape[1]);
        xs
    }

    fn step(&self, x: Var<'t, f64>, _: Self::State) -> (Var<'t, f64>, Self::State) {
        let y = x * self.weight;
        (y, y)
    }

    fn step_in(&self, x: Var<'t, f64>, state: Self::State, cx: StepContext) -> (Var<'t, f64>, Self::State) {
        self.seen.lock().unwrap().steps.push((x.shape()[0], cx.mode, cx.t));
        self.step(x, state)
    }
}
