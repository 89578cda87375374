//! Where the largest and the smallest elements are.

use crate::indices::Indices;
use crate::loops::simd::dispatch;
use crate::ops::fold::{best_of, better};
use crate::ops::sum::removed_axes;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use crate::tuning::{BEST_COLUMNS, FIND_CHUNK};

impl<T: Scalar> Tensor<T> {
    /// The position of the largest element along one axis, for each index of the others: the first
    /// of equal ones, or the first NaN. The axis is removed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 5.0, 2.0, 9.0, 0.0, 9.0], [2, 3]);
    /// assert_eq!(x.argmax(1).as_slice(), [1, 0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    pub fn argmax(&self, axis: usize) -> Indices {
        self.first_best(
            "argmax",
            axis,
            #[inline(always)]
            |a, b| a > b,
        )
    }

    /// The position of the smallest element along one axis, for each index of the others: the first
    /// of equal ones, or the first NaN. The axis is removed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 5.0, 0.5, 9.0, 0.0, 0.0], [2, 3]);
    /// assert_eq!(x.argmin(1).as_slice(), [2, 1]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    pub fn argmin(&self, axis: usize) -> Indices {
        self.first_best(
            "argmin",
            axis,
            #[inline(always)]
            |a, b| a < b,
        )
    }

    /// The first position along an axis of the best element or of a NaN.
    #[track_caller]
    #[inline(always)]
    fn first_best(&self, op: &str, axis: usize, is_better: impl Fn(T, T) -> bool) -> Indices {
        let shape = self.shape();
        shape.require_axis(op, axis);
        ensure!(shape[axis] > 0, "{op}: axis {axis} of shape {shape} is empty");
        let source = self.contiguous();
        let source = source.as_slice().expect("contiguous");
        let left = shape.remove(axis);
        let mut positions = vec![0; left.numel()];
        let inner: usize = shape[axis + 1..].iter().product();
        if positions.is_empty() {
            return Indices::from_vec(positions, left);
        }
        let blocks = source.chunks_exact(shape[axis] * inner);
        dispatch(
            #[inline(always)]
            || {
                for (positions, block) in positions.chunks_exact_mut(inner).zip(blocks) {
                    if inner == 1 {
                        positions[0] = first_best_of(block, &is_better);
                        continue;
                    }
                    first_best_of_columns(positions, block, &is_better);
                }
            },
        );
        Indices::from_vec(positions, left)
    }

    /// A tensor of this shape with `total` in equal parts at the elements that equal `best`, and 0 at
    /// the others; `best` and `total` have one element for each that a reduction over `axes` leaves.
    /// Where no element equals `best`, a NaN, it is NaN.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 5.0, 5.0, 9.0, 0.0, 2.0], [2, 3]);
    /// let parts = x.split_among_ties(&[1], &x.max_axes(&[1]), &Tensor::ones([2]));
    /// assert_eq!(parts.to_vec(), [0.0, 0.5, 0.5, 1.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice, or the numbers of elements do not fit.
    #[track_caller]
    pub fn split_among_ties(&self, axes: &[usize], best: &Tensor<T>, total: &Tensor<T>) -> Tensor<T> {
        let shape = self.shape();
        let removed = removed_axes("split_among_ties", shape, axes);
        let [kept, n]: [usize; 2] = [false, true]
            .map(|of| (0..shape.rank()).filter(|&axis| removed[axis] == of).map(|axis| shape[axis]).product());
        let (given, totals) = (best.shape(), total.shape());
        ensure!(
            given.numel() == kept && totals.numel() == kept,
            "split_among_ties: {given} and {totals} are not left of {shape} by a reduction over {axes:?}"
        );
        // The removed axes side by side are one, of size n; if they are not, they move to the end.
        let first = axes.iter().copied().min().unwrap_or(shape.rank());
        let adjacent = (first..shape.rank()).take(axes.len()).all(|axis| removed[axis]);
        if !adjacent {
            let mut order = [0; MAX_RANK];
            let moved = (0..shape.rank()).filter(|&axis| !removed[axis]).chain(axes.iter().copied());
            order.iter_mut().zip(moved).for_each(|(to, axis)| *to = axis);
            let order = &order[..shape.rank()];
            let mut back = [0; MAX_RANK];
            order.iter().enumerate().for_each(|(at, &axis)| back[axis] = at);
            let last: Shape = (shape.rank() - axes.len()..shape.rank()).collect();
            return self.permute(order).split_among_ties(&last, best, total).permute(&back[..shape.rank()]);
        }
        let inner: usize = shape[first + axes.len()..].iter().product();
        let (source, best, total) = (self.contiguous(), best.contiguous(), total.contiguous());
        let [source, best, total] = [&source, &best, &total].map(|x| x.as_slice().expect("contiguous"));
        Tensor::written(shape, |out| {
            if out.is_empty() {
                return;
            }
            let blocks = out.chunks_exact_mut(n * inner).zip(source.chunks_exact(n * inner));
            let reduced = best.chunks_exact(inner).zip(total.chunks_exact(inner));
            dispatch(
                #[inline(always)]
                || {
                    for ((out, block), (best, total)) in blocks.zip(reduced) {
                        if inner == 1 {
                            split_run(out, block, best[0], total[0]);
                        } else {
                            split_columns(out, block, best, total);
                        }
                    }
                },
            );
        })
    }
}

#[inline(always)]
fn split_run<T: Scalar>(out: &mut [T], terms: &[T], best: T, total: T) {
    let ties: usize = terms
        .iter()
        .map(
            #[inline(always)]
            |&x| usize::from(x == best),
        )
        .sum();
    let part = total / T::from_f64(ties as f64);
    for (y, &x) in out.iter_mut().zip(terms) {
        *y = if x == best { part } else { T::ZERO * part };
    }
}

/// The same for each column of rows as long as `best`, a few columns at a time: their ties are
/// counted on the stack.
#[inline(always)]
fn split_columns<T: Scalar>(out: &mut [T], rows: &[T], best: &[T], total: &[T]) {
    let inner = best.len();
    for start in (0..inner).step_by(BEST_COLUMNS) {
        let columns = start..inner.min(start + BEST_COLUMNS);
        let best = &best[columns.clone()];
        let mut ties = [0usize; BEST_COLUMNS];
        for row in rows.chunks_exact(inner) {
            for ((ties, &best), &x) in ties.iter_mut().zip(best).zip(&row[columns.clone()]) {
                *ties += usize::from(x == best);
            }
        }
        let mut parts = [T::ZERO; BEST_COLUMNS];
        for ((part, &total), ties) in parts.iter_mut().zip(&total[columns.clone()]).zip(ties) {
            *part = total / T::from_f64(ties as f64);
        }
        for (out, row) in out.chunks_exact_mut(inner).zip(rows.chunks_exact(inner)) {
            let out = &mut out[columns.clone()];
            for (((y, &x), &best), &part) in out.iter_mut().zip(&row[columns.clone()]).zip(best).zip(&parts) {
                *y = if x == best { part } else { T::ZERO * part };
            }
        }
    }
}

/// The position of the first of the best in a run, or of the first NaN: one pass finds the best, a
/// second one where it is.
#[inline(always)]
fn first_best_of<T: Scalar>(terms: &[T], is_better: &impl Fn(T, T) -> bool) -> usize {
    let best = best_of(
        terms,
        #[inline(always)]
        |a, b| better(a, b, is_better),
    );
    if best.is_nan() {
        first(
            terms,
            #[inline(always)]
            |x| x.is_nan(),
        )
    } else {
        first(
            terms,
            #[inline(always)]
            |x| x == best,
        )
    }
}

/// The same for each column of rows as long as `positions`, a few columns at a time, whose best are
/// on the stack.
#[inline(always)]
fn first_best_of_columns<T: Scalar>(positions: &mut [usize], rows: &[T], is_better: &impl Fn(T, T) -> bool) {
    let inner = positions.len();
    for start in (0..inner).step_by(BEST_COLUMNS) {
        let columns = start..inner.min(start + BEST_COLUMNS);
        let mut best = [T::ZERO; BEST_COLUMNS];
        best[..columns.len()].copy_from_slice(&rows[columns.clone()]);
        let mut at = [0; BEST_COLUMNS];
        for (i, row) in rows.chunks_exact(inner).enumerate().skip(1) {
            for ((best, at), &x) in best.iter_mut().zip(&mut at).zip(&row[columns.clone()]) {
                let is_better = is_better(x, *best) | (x.is_nan() & !best.is_nan());
                *best = if is_better { x } else { *best };
                *at = if is_better { i } else { *at };
            }
        }
        positions[columns.clone()].copy_from_slice(&at[..columns.len()]);
    }
}

/// The first position at which `is_it`; many terms are searched at once.
#[inline(always)]
fn first<T: Scalar>(terms: &[T], is_it: impl Fn(T) -> bool) -> usize {
    let mut before = 0;
    for chunk in terms.as_chunks::<FIND_CHUNK>().0 {
        let mut any = false;
        for &x in chunk {
            any |= is_it(x);
        }
        if any {
            break;
        }
        before += FIND_CHUNK;
    }
    let mut rest = terms[before..].iter();
    before
        + rest
            .position(
                #[inline(always)]
                |&x| is_it(x),
            )
            .expect("one of the terms is it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few different values, so that there are ties; NaN in one of `nan` elements.
    fn values(shape: &[usize], nan: usize) -> Tensor<f64> {
        let value = |i: usize| if i * 31 % nan == nan - 1 { f64::NAN } else { (i * i % 7) as f64 - 3.0 };
        Tensor::from_fn(Shape::from(shape), value)
    }

    #[test]
    fn positions_are_those_of_the_first_best_or_the_first_nan() {
        for shape in [[3, 5, 4], [1, 1, 300], [4, 70, 1], [2, 3, 100], [130, 2, 2]] {
            for x in [values(&shape, 1000), values(&shape, 20), values(&shape, 4)] {
                for axis in 0..3 {
                    let found = [x.argmax(axis), x.argmin(axis)];
                    let lanes = x.transpose(axis, 2).contiguous();
                    let as_found = |of: &Indices| {
                        let n = of.as_slice().len();
                        let of = Tensor::<f64>::from_fn(of.shape().insert(axis, 1), |i| of.as_slice()[i] as f64);
                        of.transpose(axis, 2).reshape([n]).to_vec()
                    };
                    for (i, lane) in lanes.as_slice().unwrap().chunks(shape[axis]).enumerate() {
                        let nan = lane.iter().position(|x| x.is_nan());
                        let best = |better: fn(f64, f64) -> f64| {
                            let best = lane.iter().copied().reduce(better).unwrap();
                            nan.or(lane.iter().position(|&x| x == best)).unwrap() as f64
                        };
                        assert_eq!(as_found(&found[0])[i], best(f64::max), "argmax {axis} of {shape:?}");
                        assert_eq!(as_found(&found[1])[i], best(f64::min), "argmin {axis} of {shape:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn totals_are_split_in_equal_parts() {
        for shape in [[3, 5, 4], [1, 1, 300], [4, 70, 1], [2, 3, 100], [130, 2, 2]] {
            let x = values(&shape, 1000);
            for axes in [&[0][..], &[1], &[2], &[0, 1], &[2, 1], &[2, 0], &[1, 2, 0], &[]] {
                let kept = axes.iter().fold(Shape::from(&shape[..]), |kept, &axis| kept.with(axis, 1));
                let best = x.max_axes(axes).reshape(kept);
                let total = Tensor::from_fn(kept, |i| 1.0 - i as f64);
                let chosen = x.zip(&best, |x, best| f64::from(u8::from(x == best)));
                let ties = chosen.sum_axes(axes).reshape(kept);
                let parts = x.split_among_ties(axes, &best, &total);
                let expected = chosen.zip(&total.zip(&ties, |t, n| t / n), |c, part| c * part);
                let bits = |x: Tensor<f64>| x.to_vec().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(parts), bits(expected), "{axes:?} of {shape:?}");
            }
        }
        let nan = Tensor::<f32>::from_vec(vec![1.0, f32::NAN], [2]);
        let parts = nan.split_among_ties(&[0], &nan.max_axes(&[0]), &Tensor::ones([]));
        assert!(parts.to_vec().iter().all(|x| x.is_nan()));
    }

    #[test]
    #[should_panic(expected = "split_among_ties: [3] and [2] are not left of [2, 3] by a reduction over [1]")]
    fn totals_of_another_shape_are_refused() {
        let x = Tensor::<f32>::zeros([2, 3]);
        x.split_among_ties(&[1], &Tensor::zeros([3]), &Tensor::zeros([2]));
    }
}
