//! Functions of whole rows.

use crate::reduce::sum_run;
use crate::scalar::Scalar;
use crate::simd::dispatch;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// A tensor of this shape, made row by row: `f(row, others, out)` gets the row of this tensor along the last axis,
    /// those of `others` and the row to write. It is compiled for the processor at hand if the closure carries
    /// `#[inline(always)]`; sums are those of [`sum_row`].
    ///
    /// ```
    /// use unspool_tensor::{sum_row, Tensor};
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 3.0, 2.0, 2.0], [2, 2]);
    /// let share = x.map_rows("share", [], #[inline(always)] |x, [], out| {
    ///     let sum = sum_row(x);
    ///     out.iter_mut().zip(x).for_each(|(y, x)| *y = x / sum);
    /// });
    /// assert_eq!(share.to_vec(), [0.25, 0.75, 0.5, 0.5]);
    /// ```
    ///
    /// # Panics
    /// If the shapes differ or have rank 0; the message names `op`.
    #[track_caller]
    #[inline]
    pub fn map_rows<const K: usize>(
        &self,
        op: &str,
        others: [&Tensor<T>; K],
        f: impl Fn(&[T], [&[T]; K], &mut [T]),
    ) -> Tensor<T> {
        let shape = self.shape();
        assert!(shape.rank() > 0, "{op}: a tensor of rank 0 has no rows");
        for other in others {
            assert!(self.same_shape(other), "{op}: shapes {shape} and {} differ", other.shape());
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

/// The sum of a row, pairwise as [`Tensor::sum`] is: for use in [`map_rows`](Tensor::map_rows).
#[inline(always)]
pub fn sum_row<T: Scalar>(row: &[T]) -> T {
    sum_run(row)
}
