//! Softmax over an axis, and its logarithm.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor, max_row, sum_row};

#[derive(Clone)]
struct Softmax {
    axis: usize,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        along(self.axis, "softmax", &x[0], [], #[inline(always)] |x, [], y| {
            let max = max_row(x);
            y.iter_mut().zip(x).for_each(#[inline(always)] |(y, &x)| *y = (x - max).exp());
            let sum = sum_row(y);
            y.iter_mut().for_each(#[inline(always)] |y| *y /= sum);
        })
    }

    fn saves(&self) -> Saves {
        Saves::OUTPUT
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || {
            along(self.axis, "softmax", &grad, [y], #[inline(always)] |g, [y], dx| {
                dx.iter_mut().zip(g).zip(y).for_each(#[inline(always)] |((d, &g), &y)| *d = g * y);
                let sum = sum_row(dx);
                dx.iter_mut().zip(g).zip(y).for_each(#[inline(always)] |((d, &g), &y)| *d = (g - sum) * y);
            })
        });
    }
}

/// `f` of the rows along an axis: see [`Tensor::map_rows`].
#[track_caller]
#[inline(always)]
pub(in crate::ops) fn along<T: Scalar, const K: usize>(
    axis: usize,
    op: &str,
    x: &Tensor<T>,
    others: [&Tensor<T>; K],
    f: impl Fn(&[T], [&[T]; K], &mut [T]),
) -> Tensor<T> {
    let turned = |x: &Tensor<T>| x.transpose(axis, x.rank() - 1);
    turned(&turned(x).map_rows_named(op, others.map(turned).each_ref(), f))
}

/// # Normalize
impl<T: Scalar> Var<'_, T> {
    /// `y = exp(x) / sum(exp(x))` over one axis: positive, and summing to 1.
    /// `dx = y (dy - sum(dy y))`. The shape is unchanged.
    ///
    /// The largest element is subtracted first, so no score is too large. Where all scores are
    /// minus infinity, the result is NaN (as in PyTorch).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::<f64>::from_vec(vec![1e4, 1e4, -1e4], [1, 3]));
    /// let y = scores.softmax(1);
    /// assert_eq!(y.value().to_vec(), [0.5, 0.5, 0.0]);
    /// assert_eq!(y.select(1, 0).backward().wrt(scores).to_vec(), [0.25, -0.25, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn softmax(self, axis: usize) -> Self {
        self.shape().require_axis("softmax", axis);
        self.unary(Softmax { axis })
    }
}

#[derive(Clone)]
struct LogSoftmax {
    axis: usize,
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        along(self.axis, "log_softmax", &x[0], [], #[inline(always)] |x, [], y| {
            let max = max_row(x);
            y.iter_mut().zip(x).for_each(#[inline(always)] |(y, &x)| *y = (x - max).exp());
            let sum = sum_row(y).ln();
            y.iter_mut().zip(x).for_each(#[inline(always)] |(y, &x)| *y = x - max - sum);
        })
    }

    fn saves(&self) -> Saves {
        Saves::OUTPUT
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || {
            along(self.axis, "log_softmax", &grad, [y], #[inline(always)] |g, [y], dx| {
                let sum = sum_row(g);
                dx.iter_mut().zip(g).zip(y).for_each(#[inline(always)] |((d, &g), &y)| *d = g - sum * y.exp());
            })
        });
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The logarithm of [`softmax`](Var::softmax) over one axis, `y = x - ln(sum(exp(x)))`: finite
    /// for every finite score. `dx = dy - softmax(x) sum(dy)`. The shape is unchanged.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::<f64>::from_vec(vec![0.0, 0.0, -1e4], [1, 3]));
    /// let y = scores.log_softmax(1);
    /// assert_eq!(y.value().to_vec(), [-2f64.ln(), -2f64.ln(), -1e4 - 2f64.ln()]);
    /// assert_eq!(y.select(1, 0).backward().wrt(scores).to_vec(), [0.5, -0.5, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn log_softmax(self, axis: usize) -> Self {
        self.shape().require_axis("log_softmax", axis);
        self.unary(LogSoftmax { axis })
    }
}
