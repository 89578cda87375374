//! Positions along an axis in the order of their elements: `argsort`, `argtopk`.

use crate::indices::Indices;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use std::cmp::Ordering;

impl<T: Scalar> Tensor<T> {
    /// The positions along one axis that sort its elements, for each index of the others: from the
    /// smallest element to the largest, NaN last, equal ones in the order of their positions.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![3.0, 1.0, 2.0, 0.0, f32::NAN, 0.0], [2, 3]);
    /// assert_eq!(x.argsort(1).as_slice(), [1, 2, 0, 0, 2, 1]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn argsort(&self, axis: usize) -> Indices {
        let shape = self.shape();
        shape.require_axis("argsort", axis);
        self.first_positions(axis, shape[axis], ascending)
    }

    /// The positions of the `k` largest elements along one axis, for each index of the others: the
    /// largest first, NaN before all numbers, equal ones in the order of their positions.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![3.0, 1.0, 2.0, 0.0, f32::NAN, 0.0], [2, 3]);
    /// assert_eq!(x.argtopk(1, 2).as_slice(), [0, 2, 1, 0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is shorter than `k`.
    #[track_caller]
    pub fn argtopk(&self, axis: usize, k: usize) -> Indices {
        let shape = self.shape();
        shape.require_axis("argtopk", axis);
        ensure!(k <= shape[axis], "argtopk: axis {axis} of shape {shape} has no {k} elements");
        self.first_positions(axis, k, |a, b| ascending(b, a))
    }

    /// The first `k` positions along an axis in the order of their elements; equal ones in their
    /// own order.
    fn first_positions(&self, axis: usize, k: usize, order: impl Fn(T, T) -> Ordering) -> Indices {
        let (shape, source) = (self.shape(), self.contiguous());
        let source = source.as_slice().expect("contiguous");
        let (n, inner): (_, usize) = (shape[axis], shape[axis + 1..].iter().product());
        let order = |a: &(T, usize), b: &(T, usize)| order(a.0, b.0).then(a.1.cmp(&b.1));
        let shape = shape.with(axis, k);
        let mut positions = vec![0; shape.numel()];
        if positions.is_empty() {
            return Indices::from_vec(positions, shape);
        }
        let mut lane = Vec::with_capacity(n);
        for (block, positions) in source.chunks_exact(n * inner).zip(positions.chunks_exact_mut(k * inner)) {
            for i in 0..inner {
                lane.clear();
                lane.extend(block[i..].iter().step_by(inner).copied().zip(0..));
                if k < n {
                    lane.select_nth_unstable_by(k, order);
                }
                lane[..k].sort_unstable_by(order);
                for (position, &(_, at)) in positions[i..].iter_mut().step_by(inner).zip(&lane[..k]) {
                    *position = at;
                }
            }
        }
        Indices::from_vec(positions, shape)
    }
}

/// Ascending order, in which NaN is the largest.
fn ascending<T: Scalar>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
