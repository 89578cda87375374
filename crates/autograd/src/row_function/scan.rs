//! The op that takes a state from step to step by a function.

use super::RowFunction;
use super::blocks::{Output, for_each_block, trace_rows};
use crate::tape::{InputGrads, Inputs, Op, Saves};
use crate::tuning::ROW_BLOCKS;
use unspool_tensor::columns::Steps;
use unspool_tensor::{Scalar, Tensor};

/// `M` numbers of state, `[..]`, then `inputs` numbers that differ from step to step, `[T, ..]`, then constants, `[..]`: to
/// the states of all steps, `[M, T, ..]`.
#[derive(Clone)]
pub(super) struct Scan<F, const K: usize, const M: usize> {
    pub(super) function: F,
    pub(super) inputs: usize,
}

impl<F: RowFunction<K, M>, const K: usize, const M: usize> Scan<F, K, M> {
    #[track_caller]
    fn steps<'a, T: Scalar>(&self, x: Inputs<'a, T>) -> Steps<'a, T, K> {
        Steps::new(self.function.name(), M, self.inputs, x.iter())
    }
}

impl<F: RowFunction<K, M>, const K: usize, const M: usize> Op for Scan<F, K, M> {
    fn name(&self) -> &'static str {
        self.function.name()
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.steps(x).scan(
            #[inline(always)]
            |x| self.function.call(x),
        )
    }

    fn saves(&self) -> Saves {
        Saves::ALL
    }

    /// From the last step to the first, a block of rows at a time: each step is traced at the state before it.
    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let steps = self.steps(x);
        let (shape, rows_of_step, len) = (steps.columns.rows(), steps.columns.rows().numel(), steps.len());
        let [y, grad] = [y, &grad].map(Tensor::contiguous);
        let [y, dy] = [&y, &grad].map(|x| x.as_slice().expect("contiguous"));
        let least = into.least();
        let is_input = |k: usize| (M..M + self.inputs).contains(&k);
        let mut dx: [Option<Tensor<T>>; K] = std::array::from_fn(|k| {
            let shape = if is_input(k) { shape.insert(0, len) } else { shape };
            into.needs(k).then(|| Tensor::scratch(shape))
        });
        // A gradient reaches an input or a constant at an early step by way of the states after it.
        let active = std::array::from_fn(|k| k < M || into.needs(k));
        // The gradients of a block's states and constants, from all steps so far, a column for each.
        let mut sums = Tensor::scratch([K, *ROW_BLOCKS.end()]);
        for_each_block(&steps.columns, |trace, run, start, rows| {
            let sums = sums.as_mut_slice();
            let column = |k: usize| k * ROW_BLOCKS.end()..k * ROW_BLOCKS.end() + rows;
            sums.fill(T::ZERO);
            let first = run.done + start;
            for t in (0..len).rev() {
                let at = |m: usize, t: usize| (m * len + t) * rows_of_step + first;
                let read = |k: usize, column: &mut [T]| match k < M && t > 0 {
                    true => column.copy_from_slice(&y[at(k, t - 1)..][..rows]),
                    false => steps.read(t, run, k, start, column),
                };
                let Some(outputs) = trace_rows(&self.function, trace, rows, &active, read) else { return false };
                let mut trace = trace.borrow_mut();
                trace.begin_sweep();
                for (m, output) in outputs.into_iter().enumerate() {
                    let Output::Node(node) = output else { continue };
                    let gradient = dy[at(m, t)..][..rows].iter().zip(&sums[column(m)]);
                    trace.seed(node, rows, |block| {
                        block.iter_mut().zip(gradient).for_each(|(x, (&dy, &sum))| *x = dy + sum)
                    });
                }
                trace.sweep();
                for k in 0..K {
                    let gradient = trace.gradient(k as u32).map(|gradient| &gradient[..rows]);
                    match gradient {
                        _ if is_input(k) => {
                            let Some(dx) = &mut dx[k] else { continue };
                            let dx = &mut dx.as_mut_slice()[t * rows_of_step + first..][..rows];
                            match gradient {
                                None => dx.fill(T::ZERO),
                                Some(gradient) => dx.copy_from_slice(gradient),
                            }
                        }
                        None if k < M => sums[column(k)].fill(T::ZERO),
                        None => {}
                        Some(gradient) if k < M => {
                            sums[column(k)].iter_mut().zip(gradient).for_each(|(sum, &x)| *sum = x.flush(least))
                        }
                        Some(gradient) => sums[column(k)].iter_mut().zip(gradient).for_each(|(sum, &x)| *sum += x),
                    }
                }
            }
            for (k, dx) in dx.iter_mut().enumerate().filter(|(k, _)| !is_input(*k)) {
                if let Some(dx) = dx {
                    dx.as_mut_slice()[first..][..rows].copy_from_slice(&sums[column(k)]);
                }
            }
            true
        });
        for (k, dx) in dx.into_iter().enumerate() {
            if let Some(dx) = dx {
                into.add(k, dx);
            }
        }
    }
}
