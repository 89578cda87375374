//! Products, and the largest and smallest elements.

use crate::loops::simd::dispatch;
use crate::ops::sum::removed_axes;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::tuning::BEST_LANES;

impl<T: Scalar> Tensor<T> {
    /// The largest elements over several axes, which are removed; NaN where there is one.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 5.0, 2.0, 0.0], [2, 2]);
    /// assert_eq!(x.max_axes(&[1]).to_vec(), [5.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist, is named twice, or is empty.
    #[track_caller]
    pub fn max_axes(&self, axes: &[usize]) -> Tensor<T> {
        self.best_axes(
            "max",
            axes,
            #[inline(always)]
            |a, b| a > b,
        )
    }

    /// The smallest elements over several axes, which are removed; NaN where there is one.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 5.0, 2.0, 0.0], [2, 2]);
    /// assert_eq!(x.min_axes(&[1]).to_vec(), [1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist, is named twice, or is empty.
    #[track_caller]
    pub fn min_axes(&self, axes: &[usize]) -> Tensor<T> {
        self.best_axes(
            "min",
            axes,
            #[inline(always)]
            |a, b| a < b,
        )
    }

    /// The products over several axes, which are removed; 1 where there are no elements.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// assert_eq!(x.prod_axes(&[1]).to_vec(), [2.0, 12.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    pub fn prod_axes(&self, axes: &[usize]) -> Tensor<T> {
        self.fold_axes(
            "prod",
            axes,
            #[inline(always)]
            |terms| {
                terms.iter().fold(
                    T::ONE,
                    #[inline(always)]
                    |a, &b| a * b,
                )
            },
            #[inline(always)]
            |a, b| a * b,
        )
    }

    /// The best elements over several axes, or NaN.
    #[track_caller]
    #[inline(always)]
    fn best_axes(&self, op: &str, axes: &[usize], is_better: impl Fn(T, T) -> bool) -> Tensor<T> {
        let shape = self.layout().shape;
        removed_axes(op, shape, axes);
        if let Some(axis) = axes.iter().find(|&&axis| shape[axis] == 0) {
            fail!("{op}: axis {axis} of shape {shape} is empty");
        }
        self.fold_axes(
            op,
            axes,
            #[inline(always)]
            |terms| {
                best_of(
                    terms,
                    #[inline(always)]
                    |a, b| better(a, b, &is_better),
                )
            },
            #[inline(always)]
            |a, b| better(a, b, &is_better),
        )
    }

    /// Folds the elements over several axes with `f`, and adjacent ones with `run`.
    #[track_caller]
    #[inline(always)]
    fn fold_axes(&self, op: &str, axes: &[usize], run: impl Fn(&[T]) -> T, f: impl Fn(T, T) -> T) -> Tensor<T> {
        let removed = removed_axes(op, self.layout().shape, axes);
        (0..self.rank()).rev().filter(|&axis| removed[axis]).fold(self.clone(), |result, axis| {
            let source = result.contiguous();
            let terms = source.as_slice().expect("contiguous");
            let shape = result.layout().shape;
            let inner: usize = shape[axis + 1..].iter().product();
            Tensor::written(shape.remove(axis), |out| {
                if out.is_empty() {
                    return;
                }
                if terms.is_empty() {
                    out.fill(run(&[]));
                    return;
                }
                let blocks = terms.chunks_exact(shape[axis] * inner);
                dispatch(
                    #[inline(always)]
                    || {
                        for (folded, block) in out.chunks_exact_mut(inner).zip(blocks) {
                            if inner == 1 {
                                folded[0] = run(block);
                                continue;
                            }
                            folded.copy_from_slice(&block[..inner]);
                            for row in block[inner..].chunks_exact(inner) {
                                for (y, &x) in folded.iter_mut().zip(row) {
                                    *y = f(*y, x);
                                }
                            }
                        }
                    },
                );
            })
        })
    }
}

/// A NaN, or the better one of two.
#[inline(always)]
pub(crate) fn better<T: Scalar>(a: T, b: T, is_better: &impl Fn(T, T) -> bool) -> T {
    if is_better(a, b) || a.is_nan() { a } else { b }
}

/// The best of a run, at least one term, where `better(a, b)` is one of two: in lanes side by side,
/// because along a single chain each step waits for the one before. The last lanes overlap those
/// before them, which changes no maximum.
#[inline(always)]
pub(crate) fn best_of<T: Scalar>(terms: &[T], better: impl Fn(T, T) -> T) -> T {
    let Some(&(mut lanes)) = terms.last_chunk::<BEST_LANES>() else {
        return terms[1..].iter().fold(
            terms[0],
            #[inline(always)]
            |best, &x| better(best, x),
        );
    };
    for chunk in terms.as_chunks::<BEST_LANES>().0 {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = better(*lane, x);
        }
    }
    let mut width = BEST_LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] = better(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_of_runs_of_every_length_are_found_at_every_position() {
        for len in (1..70).chain([200]) {
            for position in 0..len {
                let mut run = vec![0.5f64; len];
                run[position] = 2.5;
                let x = Tensor::from_slice(&run, [1, len]);
                let signs_changed = x.map(|x| -x);
                assert_eq!(x.max_axes(&[1]).item(), 2.5, "{position} of {len}");
                assert_eq!(signs_changed.min_axes(&[1]).item(), -2.5, "{position} of {len}");
                run[position] = f64::NAN;
                let x = Tensor::from_slice(&run, [len]);
                assert!(x.max_axes(&[0]).item().is_nan() && x.min_axes(&[0]).item().is_nan(), "{position} of {len}");
            }
        }
    }

    #[test]
    fn reductions_of_empty_tensors() {
        let x = Tensor::<f32>::zeros([2, 0, 3]);
        assert_eq!(x.prod_axes(&[1]), Tensor::ones([2, 3]));
        assert_eq!(x.prod_axes(&[1, 2]), Tensor::ones([2]));
        assert_eq!(x.max_axes(&[0, 2]).shape()[..], [0]);
    }

    #[test]
    #[should_panic(expected = "max: axis 1 of shape [2, 0] is empty")]
    fn nothing_has_a_largest_element() {
        let _ = Tensor::<f32>::zeros([2, 0]).max_axes(&[1]);
    }
}
