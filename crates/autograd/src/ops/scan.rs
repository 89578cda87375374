//! Running sums and products along an axis.

use crate::ops::normalize::along;
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Cumsum {
    axis: usize,
}

impl Op for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].cumsum(self.axis)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        // An element is a term of all sums from its index on.
        into.add_with(0, || grad.cumsum_reverse(self.axis));
    }
}

/// # Scan
impl<T: Scalar> Var<'_, T> {
    /// The sum of each element and all before it along one axis: `y_i = sum over j <= i of x_j`,
    /// `dx_j = sum over i >= j of dy_i`. The shape is unchanged.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 4.0], [3]));
    /// let y = x.cumsum(0);
    /// assert_eq!(y.value().to_vec(), [1.0, 3.0, 7.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [3.0, 2.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn cumsum(self, axis: usize) -> Self {
        self.shape().require_axis("cumsum", axis);
        self.unary(Cumsum { axis })
    }
}

#[derive(Clone)]
struct Cumprod {
    axis: usize,
}

impl Op for Cumprod {
    fn name(&self) -> &'static str {
        "cumprod"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].scan(self.axis, #[inline(always)] |product, x| product * x)
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        // y_i = y_(i-1) x_i, from the last to the first: `sum` is the gradient that reaches y_i. No
        // division, so zeros need no special case.
        into.add_with(0, || {
            along(self.axis, "cumprod", &x[0], [y, &grad], #[inline(always)] |x, [y, grad], dx| {
                let mut sum = T::ZERO;
                for i in (0..x.len()).rev() {
                    sum += grad[i];
                    dx[i] = if i > 0 { sum * y[i - 1] } else { sum };
                    sum *= x[i];
                }
            })
        });
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The product of each element and all before it along one axis:
    /// `y_i = product over j <= i of x_j`. `dx_j = sum over i >= j of dy_i` times the product of
    /// the other factors of `y_i`: correct at zeros, too. The shape is unchanged.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![2.0, 0.0, 4.0], [3]));
    /// let y = x.cumprod(0);
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0, 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 2.0 + 2.0 * 4.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn cumprod(self, axis: usize) -> Self {
        self.shape().require_axis("cumprod", axis);
        self.unary(Cumprod { axis })
    }
}
