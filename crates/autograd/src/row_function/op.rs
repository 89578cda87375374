//! The op that maps a function over rows, and the Jacobians of it.

use super::RowFunction;
use super::blocks::{Output, for_each_block, trace_rows};
use crate::tape::{InputGrads, Inputs, Op, Saves};
use unspool_tensor::columns::{Arrangement, Columns};
use unspool_tensor::{Scalar, Tensor};

/// A function over the rows of tensors, or over the elements of `K` tensors.
#[derive(Clone)]
pub(super) struct OverRows<F, const K: usize, const M: usize> {
    pub(super) function: F,
    /// How the numbers of a row lie: next to each other, or in a tensor each.
    pub(super) arrangement: Arrangement,
}

impl<F: RowFunction<K, M>, const K: usize, const M: usize> OverRows<F, K, M> {
    #[track_caller]
    fn columns<'a, T: Scalar>(&self, x: Inputs<'a, T>) -> Columns<'a, T, K> {
        match self.arrangement {
            Arrangement::Rows => Columns::of_rows(self.function.name(), x.iter()),
            Arrangement::Planes => Columns::of_elements(self.function.name(), x.iter()),
        }
    }
}

impl<F: RowFunction<K, M>, const K: usize, const M: usize> Op for OverRows<F, K, M> {
    fn name(&self) -> &'static str {
        self.function.name()
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.columns(x).map(
            self.arrangement,
            #[inline(always)]
            |x| self.function.call(x),
        )
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let columns = self.columns(x);
        let grad = grad.contiguous();
        let dy = grad.as_slice().expect("contiguous");
        // Input i has the columns from `first` on; its gradient is of the shape that it broadcasts to.
        let mut first = 0;
        let mut dx: [Option<(usize, usize, Tensor<T>)>; K] = [const { None }; K];
        let mut active = [false; K];
        for (i, x) in x.iter().enumerate() {
            let width = if self.arrangement == Arrangement::Rows { x.shape()[x.rank() - 1] } else { 1 };
            if into.needs(i) && width > 0 {
                let shape = match self.arrangement {
                    Arrangement::Rows => self.arrangement.shape(&columns.rows(), width),
                    Arrangement::Planes => columns.rows(),
                };
                dx[first] = Some((i, width, Tensor::scratch(shape)));
                active[first..first + width].fill(true);
            }
            first += width;
        }
        for_each_block(&columns, |trace, run, start, rows| {
            let read = |k, column: &mut [T]| columns.read(run, k, start, column);
            let Some(y) = trace_rows(&self.function, trace, rows, &active, read) else { return false };
            let (mut trace, done) = (trace.borrow_mut(), run.done + start);
            trace.begin_sweep();
            for (m, y) in y.into_iter().enumerate() {
                if let Output::Node(node) = y {
                    trace.seed(node, rows, |block| self.arrangement.read(dy, (m, M), done, block));
                }
            }
            trace.sweep();
            for (first, dx) in dx.iter_mut().enumerate() {
                let Some((_, width, dx)) = dx else { continue };
                for j in 0..*width {
                    let dx = dx.as_mut_slice();
                    match trace.gradient((first + j) as u32) {
                        Some(gradient) => self.arrangement.write(dx, (j, *width), done, &gradient[..rows]),
                        None => self.arrangement.fill(dx, (j, *width), done, rows),
                    }
                }
            }
            true
        });
        for (i, _, dx) in dx.into_iter().flatten() {
            into.add(i, dx);
        }
    }
}

/// The rows of Jacobians that are written together.
const TILE: usize = 32;

/// The values `[.., M]` and the Jacobians by all but the constants, which come last.
#[track_caller]
pub(super) fn jacobians<T: Scalar, F: RowFunction<K, M>, const K: usize, const M: usize>(
    function: &F,
    x: &[&Tensor<T>],
    constants: &[&Tensor<T>],
) -> (Tensor<T>, Tensor<T>) {
    let columns = Columns::<T, K>::of_rows(function.name(), x.iter().chain(constants).copied());
    let width: usize = x.iter().map(|x| x.shape()[x.rank() - 1]).sum();
    let active = std::array::from_fn(|k| k < width);
    let shape = columns.rows().insert(columns.rows().rank(), M);
    let (mut values, mut all) = (Tensor::scratch(shape), Tensor::scratch(shape.insert(shape.rank(), width)));
    let (y, jacobians) = (values.as_mut_slice(), all.as_mut_slice());
    for_each_block(&columns, |trace, run, start, rows| {
        let read = |k, column: &mut [T]| columns.read(run, k, start, column);
        let Some(outputs) = trace_rows(function, trace, rows, &active, read) else { return false };
        let (mut trace, done) = (trace.borrow_mut(), run.done + start);
        for (m, output) in outputs.into_iter().enumerate() {
            trace.begin_sweep();
            match output {
                Output::Constant(c) => y[done * M..][..rows * M].iter_mut().skip(m).step_by(M).for_each(|y| *y = c),
                Output::Node(node) => {
                    Arrangement::Rows.write(y, (m, M), done, &trace.values(node)[..rows]);
                    trace.seed(node, rows, |block| block.fill(T::ONE));
                }
            }
            trace.sweep();
            // A few rows at a time, which stay in the first-level cache while their columns are written.
            for start in (0..rows).step_by(TILE) {
                let tile = start..rows.min(start + TILE);
                for k in 0..width {
                    let (column, done) = ((m * width + k, M * width), done + start);
                    match trace.gradient(k as u32) {
                        Some(gradient) => Arrangement::Rows.write(jacobians, column, done, &gradient[tile.clone()]),
                        None => Arrangement::Rows.fill(jacobians, column, done, tile.len()),
                    }
                }
            }
        }
        true
    });
    (values, all)
}
