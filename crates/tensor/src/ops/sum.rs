//! Sums.
//!
//! They are pairwise: the rounding error grows with the logarithm of the number of terms, and the
//! order of additions depends on the shape alone, so the bits do not depend on the processor or on
//! threads.

use crate::loops::simd::dispatch;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use crate::tuning::{SUM_BLOCK, SUM_LANES, SUM_ROWS};

impl<T: Scalar> Tensor<T> {
    /// The sum of all elements, as a tensor of rank 0.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::ones([3, 4]).sum().item(), 12.0);
    /// ```
    pub fn sum(&self) -> Tensor<T> {
        let source = self.contiguous();
        let terms = source.as_slice().expect("contiguous");
        Tensor::scalar(dispatch(
            #[inline(always)]
            || sum_run(terms),
        ))
    }

    /// The sums over one axis, which is removed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// assert_eq!(x.sum_axis(0).to_vec(), [4.0, 6.0]);
    /// assert_eq!(x.sum_axis(1).to_vec(), [3.0, 7.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sum_axis(&self, axis: usize) -> Tensor<T> {
        self.layout().shape.require_axis("sum_axis", axis);
        let source = self.contiguous();
        let terms = source.as_slice().expect("contiguous");
        let n = self.layout().shape[axis];
        let inner: usize = self.layout().shape[axis + 1..].iter().product();
        Tensor::written(self.layout().shape.remove(axis), |out| {
            if n == 0 {
                out.fill(T::ZERO);
            } else if inner == 1 {
                dispatch(
                    #[inline(always)]
                    || {
                        for (sum, run) in out.iter_mut().zip(terms.chunks_exact(n)) {
                            *sum = sum_run(run);
                        }
                    },
                );
            } else if inner > 0 {
                for (sums, rows) in out.chunks_exact_mut(inner).zip(terms.chunks_exact(n * inner)) {
                    sum_rows(sums, rows);
                }
            }
        })
    }

    /// The sums over several axes, which are removed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::ones([2, 3, 4]);
    /// assert_eq!(x.sum_axes(&[0, 2]).to_vec(), [8.0, 8.0, 8.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    pub fn sum_axes(&self, axes: &[usize]) -> Tensor<T> {
        self.sum_over("sum_axes", axes)
    }

    #[track_caller]
    pub(crate) fn sum_over(&self, op: &str, axes: &[usize]) -> Tensor<T> {
        let removed = removed_axes(op, self.layout().shape, axes);
        if axes.len() == self.rank() {
            return self.sum();
        }
        // From the last to the first, so that the remaining axes keep their numbers.
        (0..self.rank()).rev().filter(|&axis| removed[axis]).fold(self.clone(), |sum, axis| sum.sum_axis(axis))
    }

    /// Sums over the axes along which `shape` was repeated to make this tensor's shape: the inverse
    /// of [`expand`](Tensor::expand), and what broadcasting does to a gradient.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::ones([4, 2]).sum_to([2]).to_vec(), [4.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If `shape` does not broadcast to this tensor's shape.
    #[track_caller]
    pub fn sum_to(&self, shape: impl Into<Shape>) -> Tensor<T> {
        let shape = shape.into();
        if shape == self.layout().shape {
            return self.clone();
        }
        ensure!(
            shape.broadcast(&self.layout().shape) == Some(self.layout().shape),
            "sum_to: {shape} does not broadcast to {}",
            self.layout().shape
        );
        let skip = self.rank() - shape.rank();
        let repeated = |&axis: &usize| axis < skip || (shape[axis - skip] == 1 && self.layout().shape[axis] != 1);
        let (mut axes, mut count) = ([0; MAX_RANK], 0);
        for axis in (0..self.rank()).filter(repeated) {
            axes[count] = axis;
            count += 1;
        }
        self.sum_axes(&axes[..count]).reshape(shape)
    }
}

/// Which axes a reduction over `axes` removes.
#[track_caller]
pub(super) fn removed_axes(op: &str, shape: Shape, axes: &[usize]) -> [bool; MAX_RANK] {
    let mut removed = [false; MAX_RANK];
    for &axis in axes {
        shape.require_axis(op, axis);
        ensure!(!removed[axis], "{op}: axis {axis} is named twice in {axes:?}");
        removed[axis] = true;
    }
    removed
}

/// The pairwise sum of a contiguous run.
#[inline(always)]
pub(crate) fn sum_run<T: Scalar>(terms: &[T]) -> T {
    if terms.len() <= SUM_BLOCK {
        return sum_block(terms);
    }
    // Each block is added straight on; the sums of blocks are combined like the carries of a binary counter, which
    // is the pairwise tree without recursion.
    let mut levels = [T::ZERO; usize::BITS as usize];
    let mut blocks = 0usize;
    for block in terms.chunks(SUM_BLOCK) {
        let mut sum = sum_block(block);
        let mut level = 0;
        while blocks >> level & 1 == 1 {
            sum += levels[level];
            level += 1;
        }
        levels[level] = sum;
        blocks += 1;
    }
    let mut total = T::ZERO;
    for (level, &sum) in levels.iter().enumerate() {
        if blocks >> level & 1 == 1 {
            total += sum;
        }
    }
    total
}

#[inline(always)]
fn sum_block<T: Scalar>(terms: &[T]) -> T {
    let mut lanes = [T::ZERO; SUM_LANES];
    let mut chunks = terms.chunks_exact(SUM_LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    let mut width = SUM_LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            let other = lanes[i + width];
            lanes[i] += other;
        }
    }
    chunks.remainder().iter().fold(
        lanes[0],
        #[inline(always)]
        |sum, &x| sum + x,
    )
}

/// Sums rows of `sums.len()` terms each into `sums`, pairwise over the rows (at least one).
fn sum_rows<T: Scalar>(sums: &mut [T], rows: &[T]) {
    let width = sums.len();
    let n = rows.len() / width;
    if n <= SUM_ROWS {
        dispatch(
            #[inline(always)]
            || {
                sums.copy_from_slice(&rows[..width]);
                for row in rows[width..].chunks_exact(width) {
                    for (sum, &x) in sums.iter_mut().zip(row) {
                        *sum += x;
                    }
                }
            },
        );
        return;
    }
    let (first, second) = rows.split_at(n / 2 * width);
    sum_rows(sums, first);
    let rest = Tensor::written(Shape::from([width]), |out| sum_rows(out, second));
    let rest = rest.as_slice().expect("contiguous");
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_axes_agree_with_sums_by_hand() {
        let x = Tensor::<f64>::from_fn([3, 40, 2], |i| (i * i % 101) as f64);
        for (axes, shape) in [(&[1][..], &[3, 2][..]), (&[0, 2], &[40]), (&[2, 0, 1], &[]), (&[], &[3, 40, 2])] {
            let s = x.sum_axes(axes);
            assert_eq!(s.shape()[..], *shape);
            let mut by_hand = vec![0.0; s.numel()];
            for i in 0..3 {
                for j in 0..40 {
                    for k in 0..2 {
                        let kept = [(0, i, 3), (1, j, 40), (2, k, 2)].into_iter().filter(|(a, ..)| !axes.contains(a));
                        by_hand[kept.fold(0, |at, (_, i, n)| at * n + i)] += x.at([i, j, k]);
                    }
                }
            }
            assert_eq!(s.to_vec(), by_hand);
        }
    }

    #[test]
    fn ten_million_values_sum_to_a_millionth() {
        let n = 10_000_000;
        let x = Tensor::<f32>::from_fn([n], |i| 0.1 + (i % 7) as f32 * 1e-3);
        let exact: f64 = x.as_slice().unwrap().iter().map(|&v| f64::from(v)).sum();
        for got in [x.sum().item(), x.reshape([n / 2, 2]).sum_axis(0).sum().item()] {
            assert!((f64::from(got) / exact - 1.0).abs() < 1e-6, "{got} is not {exact}");
        }
    }

    #[test]
    fn empty_axes_sum_to_zero() {
        let x = Tensor::<f32>::zeros([2, 0, 3]);
        assert_eq!(x.sum_axis(1), Tensor::zeros([2, 3]));
        assert_eq!(x.sum_axis(0).shape()[..], [0, 3]);
        assert_eq!(x.sum().item(), 0.0);
    }

    #[test]
    #[should_panic(expected = "sum_axes: axis 1 is named twice in [1, 1]")]
    fn an_axis_named_twice_is_refused() {
        Tensor::<f32>::zeros([2, 2]).sum_axes(&[1, 1]);
    }
}
