//! Running sums and products along an axis.

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
        x[0].scan(self.axis, |sum, x| sum + x)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        // An element is a term of all sums from its index on.
        into.add_with(0, || grad.flip(self.axis).scan(self.axis, |sum, g| sum + g).flip(self.axis));
    }
}

/// # Scan
impl<T: Scalar> Var<'_, T> {
    /// The sum of each element and all before it along one axis: `y_i = sum over j <= i of x_j`,
    /// `dx_j = sum over i >= j of dy_i`. The shape is unchanged.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
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
        x[0].scan(self.axis, |product, x| product * x)
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        // y_i = y_(i-1) x_i, from the last to the first: `sum` is the gradient that reaches y_i. No
        // division, so zeros need no special case.
        let axis = self.axis;
        if grad.numel() == 0 {
            return;
        }
        let mut sum: Option<Tensor<T>> = None;
        for i in (0..x[0].shape()[axis]).rev() {
            let step = |tensor: &Tensor<T>, i: usize| tensor.slice(axis, i..i + 1);
            let after = match sum.take() {
                None => step(&grad, i),
                Some(sum) => sum.zip3(&step(&x[0], i + 1), &step(&grad, i), |sum, x, g| sum * x + g),
            };
            into.update(0, |dx| match i {
                0 => dx.slice_add(axis, 0, 1, &after),
                _ => dx.slice_add(axis, i, 1, &after.zip(&step(y, i - 1), |sum, y| sum * y)),
            });
            sum = Some(after);
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The product of each element and all before it along one axis:
    /// `y_i = product over j <= i of x_j`. `dx_j = sum over i >= j of dy_i` times the product of
    /// the other factors of `y_i`: correct at zeros, too. The shape is unchanged.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
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
