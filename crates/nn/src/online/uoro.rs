//! Unbiased online recurrent optimization.

use super::learner::OnlineLearner;
use super::recorder::Recorder;
use crate::random::{Rng, rng};
use crate::recurrent::detached::DetachedState;
use std::fmt;
use unspool_autograd::{Dual, Params, Real, Tensor, Var};

/// Unbiased online recurrent optimization: the influence matrix of [`Rtrl`](super::Rtrl) as the
/// product of two random vectors whose mean it is.
///
/// With a vector ν of random signs, one for each element of the state,
///
/// ```text
/// s̃_t = ρ0 D_t s̃_{t-1} + ρ1 ν             ρ0² = |θ̃_{t-1}| / |D_t s̃_{t-1}|
/// θ̃_t = θ̃_{t-1} / ρ0 + νᵀ I_t / ρ1         ρ1² = |νᵀ I_t| / |ν|
/// dL_t/dθ ≈ ∂L_t/∂θ + (∂L_t/∂s_{t-1} · s̃_{t-1}) θ̃_{t-1}
/// ```
///
/// has E[s̃_t θ̃_tᵀ] = J_t, so the estimate is right in the mean, for any ρ0 and ρ1 that are the same
/// for ν and -ν; these make its variance small. Its noise grows with the number n of elements of the
/// state. Where a norm is 0, so is the product that it belongs to, which is left out.
///
/// It keeps n + p numbers, and a step costs two reverse passes. `D_t s̃_{t-1}` is a derivative
/// forwards: the step is computed with [`Dual`] numbers, the state's tangents being s̃, and the
/// variables that the closure gets are duals.
///
/// Tallec and Ollivier 2018, "Unbiased online recurrent optimization" (arXiv 1702.05043), algorithm 1,
/// with exact derivatives forwards.
///
/// ```
/// use unspool::online::{OnlineLearner, Rtrl, Uoro};
/// use unspool::prelude::*;
/// let model = Recurrent::new(Gru::<Tensor<f64>>::new(&mut rng(0), 1, 4));
/// /// The gradient of the last of five steps with respect to an element of U.
/// fn gradient(mut learner: impl OnlineLearner<Number = f64, State = Tensor<f64>>, model: &Recurrent<Gru<Tensor<f64>>>) -> f64 {
///     let mut last = 0.0;
///     for t in 0..5 {
///         let (_, gradients) = learner.step(model, [&Tensor::full(t as f64, [1, 1, 1])], |net, [x], h| {
///             let output = net.run(x, Some(h), Context::default());
///             (output.last().square().sum(), output.state())
///         });
///         last = gradients.cell.u.at([0, 0]);
///     }
///     last
/// }
///
/// let start = || Tensor::zeros([1, 4]);
/// let exact = gradient(Rtrl::new(start()), &model);
/// let mean = (0..100).map(|seed| gradient(Uoro::new(start(), seed), &model)).sum::<f64>() / 100.0;
/// assert!((mean - exact).abs() < 0.3 * exact.abs(), "{mean} {exact}");
/// ```
pub struct Uoro<D: DetachedState<Number: Real>> {
    recorder: Recorder<D, Dual<D::Number>>,
    rng: Rng,
    /// s̃ and θ̃, each in the parts of the state and the parameters; `None` while their product is zero.
    influence: Option<Factors<D::Number>>,
}

impl<D: DetachedState<Number: Real>> fmt::Debug for Uoro<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorder.fmt(f)
    }
}

struct Factors<N: Real> {
    state: Vec<Tensor<N>>,
    parameters: Vec<Tensor<N>>,
}

impl<D: DetachedState<Number: Real>> Uoro<D> {
    /// A learner before its first step, which starts from `state`: see
    /// [`zero_state`](super::zero_state). The same `seed` gives the same signs, and so the same bits.
    pub fn new(state: D, seed: u64) -> Self {
        Uoro { recorder: Recorder::new("Uoro", state), rng: rng(seed), influence: None }
    }

    /// Does not train parameters whose name matches `pattern`, in which `*` matches any number of any
    /// characters: they have no influence, and gradient zero.
    pub fn freeze(mut self, pattern: impl Into<String>) -> Self {
        self.recorder.freeze(pattern.into());
        self
    }
}

impl<N: Real, D: DetachedState<Number = N>> OnlineLearner for Uoro<D> {
    type Number = N;
    type Scalar = Dual<N>;
    type State = D;

    #[track_caller]
    fn step<M: Params<Tensor<N>>, const I: usize>(
        &mut self,
        model: &M,
        inputs: [&Tensor<N>; I],
        step: impl for<'t> FnOnce(
            &M::With<Var<'t, Dual<N>>>,
            [Var<'t, Dual<N>>; I],
            D::Attached<'t, Dual<N>>,
        ) -> (Var<'t, Dual<N>>, D::Attached<'t, Dual<N>>),
    ) -> (f64, M) {
        self.recorder.begin(model);
        let before = &self.influence;
        let lift = |i: usize, part: &Tensor<N>| match before {
            Some(before) => part.with_tangents(&before.state[i]),
            None => part.cast(),
        };
        let recorded = self.recorder.record(model, inputs, lift, step);

        let (mut gradients, of_state) = recorded.loss_gradients();
        if let Some(Factors { state, parameters }) = before {
            let state = Tensor::from_vec(state.iter().flat_map(Tensor::to_vec).collect(), [of_state.numel(), 1]);
            let along = of_state.matmul(&state).item();
            for (gradient, parameter) in gradients.iter_mut().zip(parameters) {
                gradient.update(parameter, |gradient, parameter| gradient + along * parameter);
            }
        }

        let signs: Vec<Tensor<N>> = recorded.after.iter().map(|part| signs(&mut self.rng, part.shape())).collect();
        let direct = recorded.transposed(&signs);
        let forwards: Vec<Tensor<N>> = recorded.after.iter().map(|part| part.value().tangents()).collect();
        let carried = before
            .as_ref()
            .and_then(|before| Factors { state: forwards, parameters: before.parameters.clone() }.balanced());
        let fresh = Factors { state: signs, parameters: direct }.balanced();
        let influence = match (carried, fresh) {
            (Some(carried), Some(fresh)) => Some(carried.plus(fresh)),
            (carried, fresh) => carried.or(fresh),
        };

        let (loss, gradients, state) = recorded.end(gradients);
        self.influence = influence;
        self.recorder.finish(state);
        (loss, gradients)
    }

    /// The signs go on as they are: another sequence has others.
    fn reset(&mut self) {
        self.recorder.reset();
        self.influence = None;
    }

    fn state(&self) -> &D {
        self.recorder.state()
    }

    fn influence_size(&self) -> usize {
        self.influence
            .iter()
            .flat_map(|factors| factors.state.iter().chain(&factors.parameters))
            .map(Tensor::numel)
            .sum()
    }
}

impl<N: Real> Factors<N> {
    /// The same product, of two vectors of one length; `None` if it is zero.
    fn balanced(mut self) -> Option<Self> {
        let [state, parameters] = [&self.state, &self.parameters].map(|parts| norm(parts));
        if state == 0.0 || parameters == 0.0 {
            return None;
        }
        let rho = (parameters / state).sqrt();
        for (parts, factor) in [(&mut self.state, rho), (&mut self.parameters, 1.0 / rho)] {
            let factor = N::from_f64(factor);
            parts.iter_mut().for_each(|part| *part = part.map(|x| x * factor));
        }
        Some(self)
    }

    /// The sums of both factors.
    fn plus(self, other: Self) -> Self {
        let sums = |a: Vec<Tensor<N>>, b: Vec<Tensor<N>>| a.into_iter().zip(b).map(|(a, b)| a + b).collect();
        Factors { state: sums(self.state, other.state), parameters: sums(self.parameters, other.parameters) }
    }
}

fn norm<N: Real>(parts: &[Tensor<N>]) -> f64 {
    let squares = |part: &Tensor<N>| part.to_vec().into_iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
    parts.iter().map(squares).sum::<f64>().sqrt()
}

fn signs<N: Real>(rng: &mut Rng, shape: unspool_autograd::Shape) -> Tensor<N> {
    Tensor::uniform(rng, shape, -1.0, 1.0).map(|x: N| if x < N::ZERO { -N::ONE } else { N::ONE })
}
