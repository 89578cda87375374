//! The sparse one-step approximation.

use super::learner::OnlineLearner;
use super::recorder::Recorder;
use super::sparse::SparseColumns;
use crate::recurrent::detached::DetachedState;
use std::fmt;
use unspool_autograd::{Params, Real, Tensor, Var};

/// The sparse one-step approximation: [`Rtrl`](super::Rtrl) whose influence matrix keeps only the
/// entries that one step makes by itself.
///
/// ```text
/// J_t[i, k] = Σ_j D_t[i, j] J_{t-1}[j, k] + I_t[i, k]     where ∂s_i/∂θ_k of one step can be other than 0
///           = 0                                           elsewhere
/// ```
///
/// In most cells a weight enters one unit directly, and others only through it, a step later. So a
/// column of `J` has one entry for each part of the state and each sequence of the batch instead of
/// n: the memory is that of the parameters. What a parameter does through *other* units is lost,
/// which is a bias. It is none if no unit sees another one's state:
/// [`IndRnn`](crate::cells::IndRnn), [`MinGru`](crate::cells::MinGru),
/// [`MinLstm`](crate::cells::MinLstm), [`RgLru`](crate::cells::RgLru) and
/// [`Mlstm`](crate::cells::Mlstm) have the gradient of [`Rtrl`](super::Rtrl) at this price. A cell
/// that mixes units twice within a step ([`GruResetBefore`](crate::cells::GruResetBefore), layer
/// normalization) keeps about half of all entries and more.
///
/// Which entries these are, the learner finds out: those that have not been zero in a step so far. A
/// derivative that happens to be zero, as that of a recurrent weight in a step from the zero state,
/// does not remove one, and adds it when it first is not.
///
/// Memory: the entries, and a few bytes for each. A step costs n reverse passes, as that of
/// [`Rtrl`](super::Rtrl), but no product of matrices with p columns. (The paper has one pass for all,
/// of a cell whose pattern is known.)
///
/// Menick, Elsen, Evci, Osindero, Simonyan and Graves 2021, "A practical sparse approximation for
/// real time recurrent learning", section 3, SnAp-n with n = 1.
///
/// ```
/// use unspool::online::{OnlineLearner, Rtrl, SnAp1, zero_state};
/// use unspool::prelude::*;
/// let model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 3, 5));
/// let mut sizes = Vec::new();
/// # macro_rules! both { ($learner:expr) => {{
/// let mut learner = $learner;
/// for t in 0..3 {
///     learner.step(&model, [&Tensor::full(t as f32 - 0.5, [1, 1, 3])], |net, [x], state| {
///         let output = net.run(x, Some(state), Context::default());
///         (output.last().square().sum(), output.state())
///     });
/// }
/// sizes.push(learner.influence_size());
/// # }}}
/// # both!(SnAp1::new(zero_state(&model.cell, 1)));
/// # both!(Rtrl::new(zero_state(&model.cell, 1)));
/// // Each parameter of the gates i, f, g enters one h and one c, those of o one h alone.
/// let parameters = model.parameter_count();
/// assert_eq!(sizes, [parameters / 4 * (2 + 2 + 2 + 1), parameters * 10]);
/// ```
pub struct SnAp1<D: DetachedState<Number: Real>> {
    recorder: Recorder<D, D::Number>,
    /// The influence; the columns are the elements of all parameters, one after the other. `None`
    /// before the first step.
    influence: Option<SparseColumns<D::Number>>,
}

impl<D: DetachedState<Number: Real>> fmt::Debug for SnAp1<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorder.fmt(f)
    }
}

impl<D: DetachedState<Number: Real>> SnAp1<D> {
    /// A learner before its first step, which starts from `state`: see
    /// [`zero_state`](super::zero_state).
    pub fn new(state: D) -> Self {
        SnAp1 { recorder: Recorder::new("SnAp1", state), influence: None }
    }

    /// Does not train parameters whose name matches `pattern`, in which `*` matches any number of any
    /// characters: they have no influence, and gradient zero.
    pub fn freeze(mut self, pattern: impl Into<String>) -> Self {
        self.recorder.freeze(pattern.into());
        self
    }
}

impl<N: Real, D: DetachedState<Number = N>> OnlineLearner for SnAp1<D> {
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
        // Where the columns of each parameter start.
        let (mut starts, mut columns) = (Vec::with_capacity(recorded.parameters.len()), 0);
        for parameter in &recorded.parameters {
            starts.push(columns);
            columns += parameter.shape().numel();
        }

        let (mut gradients, of_state) = recorded.loss_gradients();
        if let Some(influence) = &self.influence {
            let of_state = of_state.to_vec();
            for (gradient, &start) in gradients.iter_mut().zip(&starts) {
                influence.add_product(&of_state, start, gradient);
            }
        }

        let mut entries = Vec::new();
        let jacobian = recorded.jacobian(|element, which, direct| {
            for (i, value) in direct.to_vec().into_iter().enumerate() {
                if value != N::ZERO {
                    entries.push((element as u32, (starts[which] + i) as u32, value));
                }
            }
        });
        let mut influence = SparseColumns::of(columns, &entries);
        if let Some(before) = &self.influence {
            influence = influence.plus_product(&jacobian.to_vec(), before);
        }

        let (loss, gradients, state) = recorded.end(gradients);
        self.influence = Some(influence);
        self.recorder.finish(state);
        (loss, gradients)
    }

    fn reset(&mut self) {
        self.recorder.reset();
        self.influence = None;
    }

    fn state(&self) -> &D {
        self.recorder.state()
    }

    fn influence_size(&self) -> usize {
        self.influence.as_ref().map_or(0, SparseColumns::len)
    }
}
