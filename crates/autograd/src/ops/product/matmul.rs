//! `y = x w`

use super::product_flops;
use crate::tape::{InputGrads, Inputs, Op, PushedInputs, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct MatMul;

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x.matmul(&x[0], 1)
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || x.matmul_t(&grad, 1));
        if x[1].rank() == 2 {
            into.add_matmul_tn(1, &x[0], &grad);
        } else {
            into.add_with(1, || x[0].t().matmul(&grad));
        }
    }

    fn push_forward<T: Scalar>(&self, x: PushedInputs<'_, T>) -> Option<Vec<Tensor<T::Lifted>>> {
        x.matmul(0, 1)
    }

    fn flops<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>) -> f64 {
        product_flops(&x[0], y)
    }
}

/// # Product
impl<T: Scalar> Var<'_, T> {
    /// The matrix product with a weight, `[.., K] x [K, N] -> [.., N]`, where all leading axes are
    /// rows; or of several matrices, `[.., M, K] x [.., K, N] -> [.., M, N]`, where leading axes
    /// count matrices and broadcast.
    ///
    /// `y = x w`: `y_mn = sum over k of x_mk w_kn`. `dx = dy wᵀ`, `dw = xᵀ dy`. The gradients of a
    /// weight that is used at every time step are collected and computed as one product over many
    /// rows.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [1, 2]));
    /// let w = tape.variable(&Tensor::from_vec(vec![3.0, 4.0, 5.0, 6.0], [2, 2]));
    /// let y = x.matmul(w);
    /// assert_eq!(y.value().to_vec(), [13.0, 16.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [7.0, 11.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes are not these, the inner sizes differ, the leading axes do not broadcast, or
    /// the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn matmul(self, weight: Self) -> Self {
        self.tape.apply(MatMul, &[self, weight])
    }
}
