//! A loop over time as a user writes it, with `retain_grad` on every state.

use unspool::autograd::Gradients;
use unspool::prelude::*;
use unspool_tests::Parts;

type V<'t> = Var<'t, f64>;

/// What a loop over a cell computed.
pub struct Loop<'t> {
    /// The outputs in the order of time, `[T, B, H]`; zeros beyond the length of a sequence.
    pub sequence: V<'t>,
    /// The variables of the state after each step, in the order in which they were computed.
    states: Vec<Vec<V<'t>>>,
    /// For each step, the time and the example of each row.
    rows: Vec<Vec<(usize, usize)>>,
}

/// Runs the steps of a cell over `[T, B, F]`. Of sequences of different lengths, a step has those that it has not
/// come to the end of, the longest first.
pub fn run<'t, C>(cell: &C, xs: V<'t>, lengths: &[usize], reverse: bool) -> Loop<'t>
where
    C: Cell<'t, f64, State: Parts<'t>>,
{
    let (time, batch) = (xs.shape()[0], xs.shape()[1]);
    let mut order: Vec<usize> = (0..batch).collect();
    order.sort_by_key(|&b| std::cmp::Reverse(lengths[b]));
    let projected = cell.project(xs);
    let flat = projected.reshape([time * batch, projected.shape()[2]]);
    let mut state = cell.zero_state(batch);
    let (mut states, mut rows, mut outputs) = (Vec::new(), Vec::<Vec<(usize, usize)>>::new(), Vec::new());
    for s in 0..lengths[order[0]] {
        let running = order.iter().filter(|&&b| lengths[b] > s);
        let places: Vec<_> = running.map(|&b| (if reverse { lengths[b] - 1 - s } else { s }, b)).collect();
        let x = flat.index_select(0, places.iter().map(|(t, b)| t * batch + b).collect::<Vec<_>>());
        if rows.last().is_some_and(|rows| rows.len() > places.len()) {
            state = state.map(&mut |part| part.slice(0, ..places.len()));
        }
        let output;
        (output, state) = cell.step(x, state);
        states.push(state.parts().into_iter().map(|part| part.retain_grad()).collect());
        outputs.push(output);
        rows.push(places);
    }
    // Each output to its place.
    let total: usize = lengths.iter().sum();
    let mut place = vec![total; time * batch];
    for (row, (t, b)) in rows.iter().flatten().enumerate() {
        place[t * batch + b] = row;
    }
    outputs.push(flat.new_zeros([1, outputs[0].shape()[1]]));
    let sequence = Var::concat(0, &outputs).index_select(0, place);
    let sequence = sequence.reshape([time, batch, sequence.shape()[1]]);
    Loop { sequence, states, rows }
}

impl<'t> Loop<'t> {
    /// The gradients with respect to variable `i` of the state, `[T, B, ..]`, with NaN where there is no step; and
    /// their norms at each time step.
    pub fn gradients(&self, gradients: &Gradients<'t, f64>, i: usize) -> (Tensor<f64>, Vec<f64>) {
        let (time, batch) = (self.sequence.shape()[0], self.sequence.shape()[1]);
        let shape = self.states[0][i].shape();
        let units: usize = shape[1..].iter().product();
        let (mut all, mut squares) = (vec![vec![f64::NAN; units]; time * batch], vec![Vec::new(); time]);
        for (state, rows) in self.states.iter().zip(&self.rows) {
            // Not `wrt`, which panics where the loss does not depend on a state, as on a last cell state that is read by
            // no output.
            let gradient = gradients.get(state[i]).unwrap_or_else(|| Tensor::zeros(state[i].shape()));
            for (row, &(t, b)) in rows.iter().enumerate() {
                all[t * batch + b] = gradient.select(0, row).to_vec();
            }
        }
        for (at, row) in all.iter().enumerate().filter(|(_, row)| !row.iter().any(|x| x.is_nan())) {
            squares[at / batch].extend(row.iter().map(|x| x * x));
        }
        let norm = |squares: &Vec<f64>| match squares[..] {
            [] => f64::NAN,
            _ => squares.iter().fold(0.0, |sum, square| sum + square).sqrt(),
        };
        let shape: Vec<usize> = [time, batch].into_iter().chain(shape[1..].iter().copied()).collect();
        (Tensor::from_vec(all.concat(), &shape[..]), squares.iter().map(norm).collect())
    }
}
