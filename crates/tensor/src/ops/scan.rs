//! Running results along an axis.
//!
//! Along an axis other than the last, a row is computed from the one before it. Rows of the last
//! axis are chains in which each step waits for the one before: several go side by side, and sums,
//! which may be added in another order, advance a block at a time.

use crate::loops::blocks::update_run;
use crate::loops::simd::dispatch;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::tuning::SCAN_BLOCK;

impl<T: Scalar> Tensor<T> {
    /// Running results along one axis: `y_0 = x_0`, `y_i = f(y_(i-1), x_i)`.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0], [3]);
    /// assert_eq!(x.scan(0, |product, x| product * x).to_vec(), [1.0, 2.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn scan(&self, axis: usize, f: impl Fn(T, T) -> T) -> Tensor<T> {
        self.scan_blocks(
            ("scan", axis),
            #[inline(always)]
            |rows, n| scan_rows(rows, n, &f),
            #[inline(always)]
            |block, inner| {
                for end in (inner..block.len()).step_by(inner) {
                    let (before, rest) = block.split_at_mut(end);
                    #[allow(clippy::redundant_closure)] // which says that it is inlined
                    next_row(
                        &mut rest[..inner],
                        &before[end - inner..],
                        #[inline(always)]
                        |y, x| f(y, x),
                    );
                }
            },
        )
    }

    /// The sum of each element and all before it along one axis. Rounded by blocks, in an order that
    /// depends on the shape alone.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// assert_eq!(x.cumsum(1).to_vec(), [1.0, 3.0, 3.0, 7.0]);
    /// assert_eq!(x.cumsum(0).to_vec(), [1.0, 2.0, 4.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn cumsum(&self, axis: usize) -> Tensor<T> {
        self.scan_blocks(
            ("cumsum", axis),
            #[inline(always)]
            |rows, n| rows.chunks_exact_mut(n).for_each(cumsum_run),
            #[inline(always)]
            |block, inner| {
                for end in (inner..block.len()).step_by(inner) {
                    let (before, rest) = block.split_at_mut(end);
                    next_row(
                        &mut rest[..inner],
                        &before[end - inner..],
                        #[inline(always)]
                        |sum, x| sum + x,
                    );
                }
            },
        )
    }

    /// The sum of each element and all after it along one axis: [`cumsum`](Tensor::cumsum) from the
    /// end.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// assert_eq!(x.cumsum_reverse(1).to_vec(), [3.0, 2.0, 7.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn cumsum_reverse(&self, axis: usize) -> Tensor<T> {
        self.scan_blocks(
            ("cumsum_reverse", axis),
            #[inline(always)]
            |rows, n| rows.chunks_exact_mut(n).for_each(cumsum_run_reverse),
            #[inline(always)]
            |block, inner| {
                for start in (inner..block.len()).step_by(inner).rev() {
                    let (rest, after) = block.split_at_mut(start);
                    next_row(
                        &mut rest[start - inner..],
                        &after[..inner],
                        #[inline(always)]
                        |sum, x| sum + x,
                    );
                }
            },
        )
    }

    /// A copy in which `rows` has replaced all rows of length `n`, if the axis is the last, or else
    /// `columns` each block along the axis, of rows of length `inner`.
    #[track_caller]
    #[inline(always)]
    fn scan_blocks(
        &self,
        (op, axis): (&str, usize),
        rows: impl Fn(&mut [T], usize),
        columns: impl Fn(&mut [T], usize),
    ) -> Tensor<T> {
        let shape = self.shape();
        shape.require_axis(op, axis);
        let mut result = self.copy();
        let inner: usize = shape[axis + 1..].iter().product();
        if result.numel() > 0 {
            let out = result.as_mut_slice();
            dispatch(
                #[inline(always)]
                || match inner {
                    1 => rows(out, shape[axis]),
                    _ => out.chunks_exact_mut(shape[axis] * inner).for_each(
                        #[inline(always)]
                        |block| columns(block, inner),
                    ),
                },
            );
        }
        result
    }
}

#[inline(always)]
fn next_row<T: Scalar>(row: &mut [T], before: &[T], f: impl Fn(T, T) -> T) {
    update_run(
        row,
        [before],
        #[inline(always)]
        |x, [y]| f(y, x),
    );
}

/// Running results of rows of length `n`, four of them side by side.
#[inline(always)]
fn scan_rows<T: Scalar>(rows: &mut [T], n: usize, f: &impl Fn(T, T) -> T) {
    let mut fours = rows.chunks_exact_mut(4 * n);
    for four in &mut fours {
        let (ab, cd) = four.split_at_mut(2 * n);
        let ((a, b), (c, d)) = (ab.split_at_mut(n), cd.split_at_mut(n));
        let (mut p, mut q, mut r, mut s) = (a[0], b[0], c[0], d[0]);
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d).skip(1) {
            (p, q, r, s) = (f(p, *a), f(q, *b), f(r, *c), f(s, *d));
            (*a, *b, *c, *d) = (p, q, r, s);
        }
    }
    for row in fours.into_remainder().chunks_exact_mut(n) {
        let mut y = row[0];
        for x in &mut row[1..] {
            y = f(y, *x);
            *x = y;
        }
    }
}

/// Running sums: within a block by adding neighbors 1, 2, 4, .. apart, as vectors; and to all of it
/// the sum of what came before.
#[inline(always)]
fn cumsum_run<T: Scalar>(run: &mut [T]) {
    let mut before = -T::ZERO; // which changes no sign of a zero that is added to it
    let (blocks, rest) = run.as_chunks_mut::<SCAN_BLOCK>();
    for block in blocks {
        let mut sums = *block;
        let mut apart = 1;
        while apart < SCAN_BLOCK {
            let terms = sums;
            for i in apart..SCAN_BLOCK {
                sums[i] = terms[i] + terms[i - apart];
            }
            apart *= 2;
        }
        for (y, sum) in block.iter_mut().zip(sums) {
            *y = before + sum;
        }
        before += sums[SCAN_BLOCK - 1];
    }
    for x in rest {
        before += *x;
        *x = before;
    }
}

/// The same from the end.
#[inline(always)]
fn cumsum_run_reverse<T: Scalar>(run: &mut [T]) {
    let mut after = -T::ZERO;
    let (rest, blocks) = run.as_rchunks_mut::<SCAN_BLOCK>();
    for block in blocks.iter_mut().rev() {
        let mut sums = *block;
        let mut apart = 1;
        while apart < SCAN_BLOCK {
            let terms = sums;
            for i in 0..SCAN_BLOCK - apart {
                sums[i] = terms[i] + terms[i + apart];
            }
            apart *= 2;
        }
        for (y, sum) in block.iter_mut().zip(sums) {
            *y = after + sum;
        }
        after += sums[0];
    }
    for x in rest.iter_mut().rev() {
        after += *x;
        *x = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_results_are_those_of_a_loop_by_hand() {
        for (shape, axis) in [([1, 77], 1), ([9, 40], 1), ([5, 1], 1), ([40, 9], 0), ([33, 1], 0), ([1, 5], 0)] {
            // Integers: sums are exact in any order.
            let x = Tensor::<f64>::from_fn(shape, |i| (i * i % 23) as f64 - 9.0);
            let lanes = x.transpose(axis, 1).contiguous();
            let mut expected = [lanes.to_vec(), lanes.to_vec(), lanes.to_vec()];
            let n = shape[axis];
            for lane in (0..x.numel()).step_by(n) {
                for i in lane + 1..lane + n {
                    expected[0][i] += expected[0][i - 1];
                    expected[1][i] += 0.5 * expected[1][i - 1];
                    let j = 2 * lane + n - 1 - i;
                    expected[2][j] += expected[2][j + 1];
                }
            }
            let got = [x.cumsum(axis), x.scan(axis, |y, x| 0.5 * y + x), x.cumsum_reverse(axis)];
            for (got, expected) in got.iter().zip(expected) {
                assert_eq!(got.transpose(axis, 1).to_vec(), expected, "{shape:?}");
            }
        }
        let empty = Tensor::<f32>::zeros([0, 3]);
        assert_eq!((empty.cumsum(0), empty.cumsum(1)), (empty.clone(), empty.clone()));
    }
}
