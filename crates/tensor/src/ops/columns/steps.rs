//! Functions of a few numbers a row whose state goes from step to step.

use super::{Columns, LANES, Run, call, shapes_of};
use crate::loops::simd::dispatch;
use crate::scalar::Scalar;
use crate::shape::MAX_RANK;
use crate::storage::layout::Layout;
use crate::tensor::Tensor;
use crate::tuning::MAP_CHUNK;

/// Rows of `K` numbers at each of some steps in time, as columns of the first step: those of a state, those that differ
/// from step to step, and constants.
#[doc(hidden)]
#[derive(Debug)]
pub struct Steps<'a, T: Scalar, const K: usize> {
    /// The first step.
    pub columns: Columns<'a, T, K>,
    len: usize,
    /// How far apart the elements of one step and the next are.
    apart: [isize; K],
}

impl<'a, T: Scalar, const K: usize> Steps<'a, T, K> {
    /// The columns of `K` tensors: `states` of shape `[..]`, then `inputs` of shape `[T, ..]`, then constants of shape
    /// `[..]`, which broadcast but for `T`, for the op `op`.
    ///
    /// # Panics
    /// If no input states how many steps there are or two differ in it, or if the other axes do not broadcast or are five.
    #[track_caller]
    pub fn new(op: &str, states: usize, inputs: usize, x: impl Iterator<Item = &'a Tensor<T>> + Clone) -> Self {
        let with_steps = x.clone().skip(states).take(inputs);
        let len = with_steps.clone().next().map_or(0, |x| x.shape().first().copied().unwrap_or(0));
        ensure!(inputs > 0, "{op}: no input states the number of steps");
        ensure!(
            with_steps.clone().all(|x| x.shape().first() == Some(&len)),
            "{op}: inputs [{}]: their first axes are not the same number of steps",
            shapes_of(with_steps)
        );
        let is_input = |k: usize| (states..states + inputs).contains(&k);
        let of_first = |(k, x): (usize, &'a Tensor<T>)| {
            let Layout { offset, mut shape, mut strides, .. } = *x.layout();
            if is_input(k) {
                shape = shape.remove(0);
                strides.rotate_left(1);
            }
            (Layout::new(shape, strides, offset), x.buffer.elements())
        };
        let Some(columns) = Columns::of_layouts(x.clone().enumerate().map(of_first)) else {
            fail!("{op}: the shapes {} do not broadcast, those of inputs without their steps", shapes_of(x))
        };
        let axes = columns.rows().rank();
        ensure!(axes + 2 <= MAX_RANK, "{op}: steps of {axes} axes: a scan takes {} at most", MAX_RANK - 2);
        let mut apart = [0; K];
        for (k, x) in x.enumerate().filter(|&(k, _)| is_input(k)) {
            apart[k] = x.layout().strides[0];
        }
        Steps { columns, len, apart }
    }

    /// The number of steps.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Copies the elements of column `k` in a run of rows at step `t`, from its row `start` on.
    #[inline(always)]
    pub fn read(&self, t: usize, run: &Run<K>, k: usize, start: usize, column: &mut [T]) {
        let mut run = *run;
        run.at[k] += t as isize * self.apart[k];
        self.columns.read(&run, k, start, column);
    }

    /// The states of all steps, `[M, T, ..]`, of the rows whose first `M` numbers are the state and which `f` takes to the
    /// next one. It becomes SIMD code as [`Columns::map`] does.
    #[track_caller]
    #[inline(always)]
    pub fn scan<const M: usize>(&self, f: impl Fn([T; K]) -> [T; M]) -> Tensor<T> {
        let rows = self.columns.rows();
        Tensor::written(rows.insert(0, self.len).insert(0, M), |out| {
            let rows = rows.numel();
            dispatch(
                #[inline(always)]
                || {
                    let mut x = [[T::ZERO; MAP_CHUNK]; K];
                    let mut y = [[T::ZERO; MAP_CHUNK]; M];
                    self.columns.walk.runs(
                        #[inline(always)]
                        |done, len, at, steps| {
                            let run = Run { done, len, at, steps };
                            for start in (0..len).step_by(MAP_CHUNK) {
                                let n = (len - start).min(MAP_CHUNK);
                                // Whole vectors; one with tangents is a vector by itself.
                                let padded = if T::TANGENTS > 1 { n } else { n.next_multiple_of(LANES) };
                                for t in 0..self.len {
                                    for (k, x) in
                                        x.iter_mut().enumerate().filter(|(k, _)| t == 0 || self.apart[*k] != 0)
                                    {
                                        self.read(t, &run, k, start, &mut x[..n]);
                                        let last = x[n - 1];
                                        x[n..padded].fill(last);
                                    }
                                    call(&f, padded, x.each_ref(), &mut y);
                                    for (m, y) in y.iter().enumerate() {
                                        x[m][..padded].copy_from_slice(&y[..padded]);
                                        out[(m * self.len + t) * rows + done + start..][..n].copy_from_slice(&y[..n]);
                                    }
                                }
                            }
                        },
                    );
                },
            );
        })
    }
}
