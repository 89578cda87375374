//! The gradient of a weight as a sum over time.

use super::layer::var;
use crate::recurrent::notes::Run;
use unspool_autograd::{Gradients, Scalar, Tape, Tensor, Var};

/// The gradient of a loss with respect to one parameter W of a cell, `dL/dW`, as the sum over time that
/// backpropagation through time computes: its term at t is what the use of W in step t adds, with `dL/dh_t` complete.
///
/// What a cell computes for many steps at once ([`Cell::project`](crate::recurrent::Cell::project)) counts at the
/// steps whose inputs it is. Where sequences of different lengths run backwards, or under a mask, steps are numbered
/// in the order in which they are computed.
///
/// ```
/// use unspool::inspect::GradientFlow;
/// use unspool::prelude::*;
/// let (model, xs) = (Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
/// let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
/// let u = flow.layers[0].parameter("cell.u").unwrap();
/// assert_eq!((&u.gradient.shape()[..], u.norm.len()), (&[8, 24][..], 20));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ParameterFlow {
    /// Its path in the model: `layers.0.cell.u`.
    pub name: String,
    /// The whole gradient. It is the sum of the terms, but for what uses of the parameter outside of the steps add.
    pub gradient: Tensor<f64>,
    /// The Euclidean norm of each time step's term; NaN at a step that no sequence has.
    pub norm: Vec<f64>,
    /// The term of each time step, if [requested](super::FlowOptions::keep_terms).
    pub terms: Option<Vec<Tensor<f64>>>,
}

/// What one step adds to the gradients of parameters.
type Terms<'t, T> = Vec<(Var<'t, T>, Tensor<T>)>;

pub(super) fn flows<T: Scalar>(
    tape: &Tape<T>,
    gradients: &Gradients<'_, T>,
    run: &Run,
    keeps_terms: bool,
) -> Vec<ParameterFlow> {
    let (time, _) = run.packing.size();
    let mut found: Vec<(Var<'_, T>, ParameterFlow)> = Vec::new();
    let steps = run.notes.steps.iter().map(|step| step.recorded.clone());
    for (s, mut terms) in gradients.contributions(steps).enumerate() {
        for (var, term) in of_projection(tape, gradients, run, s) {
            match terms.iter_mut().find(|(known, _)| known.ptr_eq(var)) {
                Some((_, sum)) => sum.update(&term, |sum, term| sum + term),
                None => terms.push((var, term)),
            }
        }
        for (var, term) in terms {
            let Some(name) = var.name() else { continue };
            let at = found.iter().position(|(known, _)| known.ptr_eq(var)).unwrap_or_else(|| {
                let gradient: Tensor<f64> = gradients.wrt(var).cast();
                let zeros = Tensor::scalar(0.0).expand(gradient.shape());
                let terms = keeps_terms.then(|| vec![zeros; time]);
                // A step that exists and adds nothing has norm 0.
                let mut norm = vec![f64::NAN; time];
                (0..run.notes.steps.len()).for_each(|s| norm[run.packing.time(s)] = 0.0);
                found.push((var, ParameterFlow { name, gradient, norm, terms }));
                found.len() - 1
            });
            let (flow, t, term) = (&mut found[at].1, run.packing.time(s), term.cast::<f64>());
            flow.norm[t] = term.to_vec().into_iter().map(|x| x * x).sum::<f64>().sqrt();
            if let Some(terms) = &mut flow.terms {
                terms[t] = term;
            }
        }
    }
    found.sort_by_key(|(var, _)| var.position());
    found.into_iter().map(|(_, flow)| flow).collect()
}

/// What the projection of the inputs of step number `s` adds: that of its rows alone.
fn of_projection<'t, T: Scalar>(tape: &'t Tape<T>, gradients: &Gradients<'t, T>, run: &Run, s: usize) -> Terms<'t, T> {
    let rows = run.packing.steps.rows(s);
    let is_of = |first: usize, end: usize| first <= rows.start && rows.end <= end;
    let projection = run.notes.projections.iter().find(|projection| is_of(projection.rows.start, projection.rows.end));
    let Some(projection) = projection else { return Terms::new() };
    let projected = var(tape, projection.projected);
    let gradient = projected.requires_grad().then(|| gradients.get(projected)).flatten();
    let Some(gradient) = gradient else { return Terms::new() };
    let mut of_step = Tensor::zeros(gradient.shape());
    let start = rows.start - projection.rows.start;
    of_step.slice_assign(0, start, &gradient.slice(0, start..start + rows.len()));
    let recorded = projection.recorded.clone();
    let of_step = projected.backward_since(&of_step, recorded.start);
    of_step.contributions([recorded]).next().expect("one range")
}
