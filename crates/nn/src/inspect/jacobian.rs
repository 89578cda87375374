//! How far the last state depends on earlier ones.

use super::layer::var;
use super::states::{StateFlow, positions};
use crate::random::rng;
use crate::recurrent::notes::Run;
use unspool_autograd::{Real, Tape, Tensor, Var};

/// How the norms of the Jacobians `dh_T/dh_t` are computed, which are the products of those of all steps from t to T.
/// Both ways take one backward pass for each row or vector, for all time steps and examples at once, whose rows must
/// not depend on each other.
///
/// ```
/// use unspool::inspect::{GradientFlow, Jacobian};
/// use unspool::prelude::*;
/// let (model, xs) = (Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
/// let norms = |jacobian| {
///     let options = GradientFlow::options().jacobian(jacobian);
///     let flow = options.of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
///     flow.layers[0].states[0].jacobian.clone().unwrap()
/// };
/// let (exact, estimate) = (norms(Jacobian::Exact), norms(Jacobian::Probes(100)));
/// assert!((exact[10] / estimate[10] - 1.0).abs() < 0.2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jacobian {
    /// Row by row: as many backward passes as h has units.
    Exact,
    /// From this many random vectors v, with elements from the standard normal distribution: `|J|²` is the
    /// expected value of `|v J|²`. The estimate of `|J|` is off by some `1 / sqrt(2 n B)` of it at most, with n vectors
    /// and B examples.
    ///
    /// Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing
    /// splines", for `tr(J Jᵀ)`; with normal vectors: Avron and Toledo 2011, "Randomized algorithms for estimating
    /// the trace of an implicit symmetric positive semi-definite matrix".
    Probes(usize),
}

impl Jacobian {
    /// Sets the norms of the Jacobians of one run.
    ///
    /// # Panics
    /// If there are no vectors.
    #[track_caller]
    pub(super) fn measure<T: Real>(self, tape: &Tape<T>, run: &Run, seed: u64, states: &mut [StateFlow]) {
        ensure!(self != Jacobian::Probes(0), "GradientFlow: a Jacobian takes at least one random vector");
        let last = last_states(tape, run).filter(|last| last.requires_grad());
        let Some(last) = last else { return };
        let shape = last.shape();
        let units: usize = shape[1..].iter().product();
        let rng = &mut rng(seed);
        let (passes, scale) = match self {
            Jacobian::Exact => (units, 1.0),
            Jacobian::Probes(count) => (count, 1.0 / count as f64),
        };
        let positions = positions(run);
        let mut squares: Vec<Squares> = positions.iter().map(|_| Squares::new(run)).collect();
        for pass in 0..passes {
            let vector = match self {
                Jacobian::Exact => Tensor::from_fn(shape, |i| if i % units == pass { T::ONE } else { T::ZERO }),
                Jacobian::Probes(_) => Tensor::normal(rng, shape, 0.0, 1.0),
            };
            let gradients = last.backward_with(&vector);
            for (squares, (_, positions)) in squares.iter_mut().zip(&positions) {
                for (s, &position) in positions.iter().enumerate() {
                    if let Some(gradient) = gradients.get(var(tape, position)) {
                        squares.add(run, s, &gradient.cast());
                    }
                }
            }
        }
        for (state, squares) in states.iter_mut().zip(squares) {
            state.jacobian = Some(squares.norms(scale));
        }
    }
}

/// The first variable of the state after the last step of each sequence.
fn last_states<'t, T: Real>(tape: &'t Tape<T>, run: &Run) -> Option<Var<'t, T>> {
    let steps = &run.notes.steps;
    let state = |s: usize| Some(var(tape, *steps[s].state.first()?));
    let rows = |s: usize| if s < steps.len() { run.packing.steps.rows(s).len() } else { 0 };
    // The sequences that end at a step are the last of its rows.
    let ends = (0..steps.len()).filter(|&s| rows(s + 1) < rows(s));
    let ended: Option<Vec<_>> = ends.map(|s| Some(state(s)?.slice(0, rows(s + 1)..))).collect();
    let ended = ended.filter(|ended| !ended.is_empty())?;
    Some(Var::concat(0, &ended))
}

/// Sums of squares for each time step, and how many examples have it.
struct Squares {
    sums: Vec<f64>,
    examples: Vec<usize>,
}

impl Squares {
    fn new(run: &Run) -> Self {
        let (time, _) = run.packing.size();
        let mut examples = vec![0; time];
        for s in 0..run.notes.steps.len() {
            run.packing.places(s).for_each(|(t, _)| examples[t] += 1);
        }
        Squares { sums: vec![0.0; time], examples }
    }

    fn add(&mut self, run: &Run, s: usize, gradient: &Tensor<f64>) {
        for (row, (t, _)) in run.packing.places(s).enumerate() {
            self.sums[t] += gradient.select(0, row).to_vec().iter().map(|x| x * x).sum::<f64>();
        }
    }

    /// The roots of the mean squares; NaN where there is no example.
    fn norms(&self, scale: f64) -> Vec<f64> {
        self.sums.iter().zip(&self.examples).map(|(sum, &examples)| (scale * sum / examples as f64).sqrt()).collect()
    }
}
