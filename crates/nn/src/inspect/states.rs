//! The gradients with respect to the states.

use super::layer::{name, var};
use crate::recurrent::notes::Run;
use crate::recurrent::packing::Packing;
use unspool_autograd::{Gradients, Scalar, Shape, Tape, Tensor};

/// The gradient of a loss L with respect to one variable s of a state, at each time step.
///
/// `dL/ds_t` counts every way from `s_t` to the loss: through the output at t and through all later steps. It
/// is the gradient that [`retain_grad`](unspool_autograd::Var::retain_grad) keeps.
///
/// ```
/// use unspool::inspect::GradientFlow;
/// use unspool::prelude::*;
/// let (model, xs) = (Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
/// let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
/// let h = flow.layers[0].state("h").unwrap();
/// assert_eq!((&h.gradient.shape()[..], h.norm.len()), (&[20, 4, 8][..], 20));
/// assert!(h.norm[0] < h.norm[19]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StateFlow {
    /// Its name: that of [`Cell::state_names`](crate::recurrent::Cell::state_names), or a number.
    pub name: String,
    /// `dL/ds_t`: `[T, B, ..]`. It is 0 where the loss does not depend on the state, and NaN where there is none:
    /// at steps beyond a sequence's length or outside of a mask, and of a state that depends on no variable.
    pub gradient: Tensor<f64>,
    /// `|dL/ds_t|` at each time step: the Euclidean norm over all examples and units. NaN at a step that no
    /// sequence has.
    pub norm: Vec<f64>,
    /// `|dh_T/ds_t|` at each time step, of the first variable h of the state after the last step of each
    /// sequence, if [requested](super::FlowOptions::jacobian): the Frobenius norm, as the root of its mean square
    /// over the examples. At the last step, that of h itself is the root of its number of units.
    pub jacobian: Option<Vec<f64>>,
    /// For each time step and example, whether there is a gradient: `[T, B]`.
    exists: Vec<bool>,
}

impl StateFlow {
    /// The norm of `dL/ds_t` of each example: `[T, B]`; NaN where there is none.
    pub fn example_norms(&self) -> Tensor<f64> {
        let [time, batch, units] = self.sizes();
        self.norms([time, batch], units, |t, b, unit| [t, b, unit])
    }

    /// The norm of `dL/ds_t` of each unit, over all examples: `[T, H]`. A state with more axes has its units in
    /// row-major order.
    pub fn unit_norms(&self) -> Tensor<f64> {
        let [time, batch, units] = self.sizes();
        self.norms([time, units], batch, |t, unit, b| [t, b, unit])
    }

    fn sizes(&self) -> [usize; 3] {
        let shape = self.gradient.shape();
        [shape[0], shape[1], shape[2..].iter().product()]
    }

    /// The norms over `count` elements each: for `[i, j]`, those of time, example and unit `at(i, j, ..)`.
    fn norms(&self, shape: [usize; 2], count: usize, at: impl Fn(usize, usize, usize) -> [usize; 3]) -> Tensor<f64> {
        let [_, batch, units] = self.sizes();
        let gradient = self.gradient.contiguous();
        let gradient = gradient.as_slice().expect("contiguous");
        Tensor::from_fn(shape, |i| {
            let places = (0..count).map(|k| at(i / shape[1], i % shape[1], k));
            let existing = places.filter(|[t, b, _]| self.exists[t * batch + b]);
            norm(existing.map(|[t, b, unit]| gradient[(t * batch + b) * units + unit]))
        })
    }
}

/// The Euclidean norm; NaN of no numbers. In f64, whose squares do not underflow where gradients in f32 vanish.
fn norm(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut any) = (0.0, false);
    for value in values {
        (sum, any) = (sum + value * value, true);
    }
    if any { f64::sqrt(sum) } else { f64::NAN }
}

/// Where the variables of the state, and the output if it is none of them, are at each step.
pub(super) fn positions(run: &Run) -> Vec<(String, Vec<usize>)> {
    let notes = &run.notes;
    let count = notes.steps.first().map_or(0, |step| step.state.len());
    let state =
        |i: usize| (name(notes.state_names, "state", i), notes.steps.iter().map(|step| step.state[i]).collect());
    let mut all: Vec<(String, Vec<usize>)> = (0..count).map(state).collect();
    if notes.steps.iter().any(|step| !step.state.contains(&step.output)) {
        all.push(("output".to_string(), notes.steps.iter().map(|step| step.output).collect()));
    }
    all
}

pub(super) fn flows<T: Scalar>(tape: &Tape<T>, gradients: &Gradients<'_, T>, run: &Run) -> Vec<StateFlow> {
    let flow = |(name, positions): (String, Vec<usize>)| {
        let steps = positions.iter().map(|&position| {
            let var = var(tape, position);
            let zeros = || Tensor::zeros(var.shape());
            var.requires_grad().then(|| gradients.get(var).unwrap_or_else(zeros).cast())
        });
        let (gradient, exists) = in_time(&run.packing, var(tape, positions[0]).shape(), steps);
        let mut flow = StateFlow { name, gradient, norm: Vec::new(), jacobian: None, exists };
        let [time, batch, units] = flow.sizes();
        flow.norm = flow.norms([time, 1], batch * units, |t, _, k| [t, k / units, k % units]).to_vec();
        flow
    };
    positions(run).into_iter().map(flow).collect()
}

/// The rows of all steps, in the order of time and of the batch, `[T, B, ..]`, and whether they are there. A step
/// has `shape`, but for its number of rows.
fn in_time(
    packing: &Packing,
    shape: Shape,
    steps: impl Iterator<Item = Option<Tensor<f64>>>,
) -> (Tensor<f64>, Vec<bool>) {
    let (time, batch) = packing.size();
    let units: usize = shape[1..].iter().product();
    let (mut all, mut exists) = (vec![f64::NAN; time * batch * units], vec![false; time * batch]);
    for (s, step) in steps.enumerate() {
        let Some(step) = step.as_ref().map(Tensor::contiguous) else { continue };
        let rows = step.as_slice().expect("contiguous");
        for (i, (t, b)) in packing.places(s).enumerate() {
            let at = t * batch + b;
            all[at * units..(at + 1) * units].copy_from_slice(&rows[i * units..(i + 1) * units]);
            exists[at] = true;
        }
    }
    let shape: Shape = [time, batch].into_iter().chain(shape[1..].iter().copied()).collect();
    (Tensor::from_vec(all, shape), exists)
}
