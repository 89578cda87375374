//! Functions of whole rows: what a softmax or a normalization needs to see at once.

use crate::loops::simd::dispatch;
use crate::ops::fold::best_of;
use crate::ops::sum::sum_run;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// A tensor of this shape, computed row by row: `f(row, others, out)` gets the row of this
    /// tensor along the last axis, those of `others` and the row to write. It becomes SIMD code if
    /// the closure carries `#[inline(always)]`; [`sum_row`] and [`max_row`] do, too.
    ///
    /// ```
    /// use unspool::Tensor;
    /// use unspool::tensor::sum_row;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 3.0, 2.0, 2.0], [2, 2]);
    /// let share = x.map_rows([], #[inline(always)] |x, [], out| {
    ///     let sum = sum_row(x);
    ///     out.iter_mut().zip(x).for_each(|(y, x)| *y = x / sum);
    /// });
    /// assert_eq!(share.to_vec(), [0.25, 0.75, 0.5, 0.5]);
    /// ```
    ///
    /// # Panics
    /// If the shapes differ or have rank 0.
    #[track_caller]
    #[inline]
    pub fn map_rows<const K: usize>(
        &self,
        others: [&Tensor<T>; K],
        f: impl FnMut(&[T], [&[T]; K], &mut [T]),
    ) -> Tensor<T> {
        self.map_rows_named("map_rows", others, f)
    }

    /// [`map_rows`](Tensor::map_rows) for the op `op`, which a panic names.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn map_rows_named<const K: usize>(
        &self,
        op: &str,
        others: [&Tensor<T>; K],
        mut f: impl FnMut(&[T], [&[T]; K], &mut [T]),
    ) -> Tensor<T> {
        let shape = self.shape();
        ensure!(shape.rank() > 0, "{op}: a tensor of rank 0 has no rows");
        for other in others {
            ensure!(self.same_shape(other), "{op}: shapes {shape} and {} differ", other.shape());
        }
        let (own, others) = (self.contiguous(), others.map(Tensor::contiguous));
        let own = own.as_slice().expect("contiguous");
        let others = others.each_ref().map(|other| other.as_slice().expect("contiguous"));
        let width = shape[shape.rank() - 1].max(1);
        Tensor::written(shape, |out| {
            dispatch(
                #[inline(always)]
                || {
                    for (i, out) in out.chunks_exact_mut(width).enumerate() {
                        let row = i * width..(i + 1) * width;
                        let others = others.map(
                            #[inline(always)]
                            |other| &other[row.clone()],
                        );
                        f(&own[row.clone()], others, out);
                    }
                },
            );
        })
    }
}

/// The sum of a row, pairwise like [`Tensor::sum`]: for use in [`map_rows`](Tensor::map_rows).
///
/// ```
/// assert_eq!(unspool::tensor::sum_row(&[1.0, 2.5, 3.0]), 6.5);
/// ```
#[inline(always)]
pub fn sum_row<T: Scalar>(row: &[T]) -> T {
    sum_run(row)
}

/// The largest element of a row, ignoring NaN unless all are NaN: for use in
/// [`map_rows`](Tensor::map_rows).
///
/// ```
/// assert_eq!(unspool::tensor::max_row(&[1.0, f32::NAN, 3.0, 2.0]), 3.0);
/// ```
///
/// # Panics
/// If the row is empty.
#[inline(always)]
pub fn max_row<T: Scalar>(row: &[T]) -> T {
    best_of(
        row,
        #[inline(always)]
        |a, b| if b > a || a.is_nan() { b } else { a },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_a_row_is_found_at_every_position() {
        for len in [1, 2, 15, 16, 17, 40] {
            for position in 0..len {
                let mut row = vec![-1.5f32; len];
                row[position] = 2.5;
                assert_eq!(max_row(&row), 2.5, "{position} of {len}");
                row[0] = if position == 0 { 2.5 } else { f32::NAN };
                assert_eq!(max_row(&row), 2.5, "{position} of {len}, after a NaN");
            }
        }
    }
}
