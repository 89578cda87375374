//! Real-time recurrent learning.

use super::learner::OnlineLearner;
use super::recorder::Recorder;
use crate::recurrent::detached::DetachedState;
use std::fmt;
use unspool_autograd::{Params, Real, Tensor, Var};

/// Real-time recurrent learning: the exact gradient of each step, from an influence matrix that is
/// carried forward in time.
///
/// The influence `J_t = ds_t/dθ` of the parameters θ on the state `s_t` follows from the step's own
/// derivatives, and gives the gradient of the step's loss through the whole past:
///
/// ```text
/// J_t = D_t J_{t-1} + I_t          D_t = ∂s_t/∂s_{t-1},  I_t = ∂s_t/∂θ,  J_0 = 0
/// dL_t/dθ = ∂L_t/∂θ + ∂L_t/∂s_{t-1} J_{t-1}
/// ```
///
/// `D_t` and `I_t` are those of the tape: a reverse pass from each element of the state over the one
/// step that it holds. With constant parameters, the gradients of T steps add up to that of
/// backpropagation through T steps, to rounding. If an optimizer changes them in between, `J` is as
/// stale as the steps in which they were others: exact in the limit of a small learning rate.
///
/// With n elements of the state (of all sequences of the batch) and p parameters that it depends on,
/// it keeps n p numbers, twice that within a step; a step costs n reverse passes and n² p
/// multiplications. It is made for small networks, and as the reference for the approximations.
///
/// Williams and Zipser 1989, "A learning algorithm for continually running fully recurrent neural
/// networks", section 2, there for the state of a `SimpleRnn`.
///
/// ```
/// use unspool::online::{OnlineLearner, Rtrl};
/// use unspool::prelude::*;
/// let model = Recurrent::new(Gru::new(&mut rng(0), 1, 4));
/// let xs = Tensor::<f64>::from_fn([9, 1, 1], |t| (t as f64).sin());
///
/// let mut learner = Rtrl::new(Tensor::zeros([1, 4])); // the state h, [B, H], before the first step
/// let mut sum = Tensor::zeros([4, 12]);
/// for t in 0..9 {
///     let (loss, gradients) = learner.step(&model, [&xs.slice(0, t..t + 1)], |net, [x], h| {
///         let output = net.run(x, Some(h), Context::default());
///         (output.last().square().sum(), output.state())
///     });
///     sum = sum + &gradients.cell.u;
/// }
///
/// let tape = Tape::new();
/// let net = tape.bind(&model);
/// let unrolled = net.run(tape.constant(&xs), None, Context::default()).sequence().square().sum();
/// let gradients = unrolled.backward().of(&net);
/// let difference = sum.zip(&gradients.cell.u, |a, b| (a - b).abs());
/// assert!(difference.to_vec().into_iter().all(|difference| difference < 1e-12));
/// ```
pub struct Rtrl<D: DetachedState<Number: Real>> {
    recorder: Recorder<D, D::Number>,
    /// The influence of each parameter on the state, `[n, elements of the parameter]`; `None` while it
    /// is zero, as that of an output layer always is.
    influence: Vec<Option<Tensor<D::Number>>>,
}

impl<D: DetachedState<Number: Real>> fmt::Debug for Rtrl<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorder.fmt(f)
    }
}

impl<D: DetachedState<Number: Real>> Rtrl<D> {
    /// A learner before its first step, which starts from `state`: see
    /// [`zero_state`](super::zero_state).
    pub fn new(state: D) -> Self {
        Rtrl { recorder: Recorder::new("Rtrl", state), influence: Vec::new() }
    }

    /// Does not train parameters whose name matches `pattern`, in which `*` matches any number of any
    /// characters: they have no influence, which takes memory and time, and gradient zero.
    pub fn freeze(mut self, pattern: impl Into<String>) -> Self {
        self.recorder.freeze(pattern.into());
        self
    }
}

impl<N: Real, D: DetachedState<Number = N>> OnlineLearner for Rtrl<D> {
    type Number = N;
    type Scalar = N;
    type State = D;

    #[track_caller]
    fn step<M: Params<Tensor<N>>, const I: usize>(
        &mut self,
        model: &M,
        inputs: [&Tensor<N>; I],
        step: impl for<'t> FnOnce(
            &M::With<Var<'t, N>>,
            [Var<'t, N>; I],
            D::Attached<'t, N>,
        ) -> (Var<'t, N>, D::Attached<'t, N>),
    ) -> (f64, M) {
        self.recorder.begin(model);
        let recorded = self.recorder.record(model, inputs, |_, part| part.clone(), step);
        let (mut gradients, of_state) = recorded.loss_gradients();
        for (gradient, influence) in gradients.iter_mut().zip(&self.influence) {
            if let Some(influence) = influence {
                *gradient = &*gradient + of_state.matmul(influence).reshape(gradient.shape());
            }
        }

        let width = recorded.width();
        let mut influence: Vec<Option<Tensor<N>>> = vec![None; recorded.parameters.len()];
        let jacobian = recorded.jacobian(|element, which, direct| {
            let row = direct.reshape([1, direct.numel()]);
            let influence = influence[which].get_or_insert_with(|| Tensor::zeros([width, row.numel()]));
            influence.slice_assign(0, element, &row);
        });
        for (influence, before) in influence.iter_mut().zip(&self.influence) {
            if let Some(before) = before {
                let carried = jacobian.matmul(before);
                *influence = Some(match influence.take() {
                    Some(direct) => direct + carried,
                    None => carried,
                });
            }
        }

        let (loss, gradients, state) = recorded.end(gradients);
        self.influence = influence;
        self.recorder.finish(state);
        (loss, gradients)
    }

    fn reset(&mut self) {
        self.recorder.reset();
        self.influence.clear();
    }

    fn state(&self) -> &D {
        self.recorder.state()
    }

    fn influence_size(&self) -> usize {
        self.influence.iter().flatten().map(Tensor::numel).sum()
    }
}
