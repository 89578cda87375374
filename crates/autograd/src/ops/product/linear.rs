//! `y = x w + b`

use super::product_flops;
use crate::tape::{InputGrads, Inputs, Op, PushedInputs, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Linear;

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let (rows, weight, bias) = (x[0].shape(), x[1].shape(), x[2].shape());
        let fits = weight.rank() == 2 && rows.last() == Some(&weight[0]);
        ensure!(fits, "linear: shapes {rows} and {weight} do not multiply; they must be [.., K] and [K, N]");
        let shape = rows.with(rows.rank() - 1, weight[1]);
        let fits = bias == shape || bias[..] == [weight[1]];
        ensure!(fits, "linear: the bias of outputs {shape} must have this shape or [{}], not {bias}", weight[1]);
        x.addmm(x[2].expand(shape).copy(), &x[0], 1)
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || x.matmul_t(&grad, 1));
        into.add_matmul_tn(1, &x[0], &grad);
        into.pass_on(2, || grad);
    }

    fn push_forward<T: Scalar>(&self, x: PushedInputs<'_, T>) -> Option<Vec<Tensor<T::Lifted>>> {
        let products = x.matmul(0, 1)?.into_iter().enumerate();
        Some(products.map(|(group, xw)| xw + x.lifted(2, group)).collect())
    }

    fn flops<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>) -> f64 {
        product_flops(&x[0], y)
    }

    fn gradient_flops<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, i: usize) -> f64 {
        if i < 2 { self.flops(x, y) } else { 0.0 }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The affine map of each row, `[.., K] x [K, N] + [N] -> [.., N]`: `y = x w + b`.
    /// `dx = dy wᵀ`, `dw = xᵀ dy`, `db` is the sum of `dy` over the rows. The bias may also have
    /// the shape of `y`.
    ///
    /// The same as `x.matmul(w) + b`, with one fewer value to write and store.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [1, 2]));
    /// let w = tape.variable(&Tensor::from_vec(vec![3.0, 4.0, 5.0, 6.0], [2, 2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![10.0, 20.0], [2]));
    /// let y = x.linear(w, b);
    /// assert_eq!(y.value().to_vec(), [23.0, 36.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(x).to_vec(), [7.0, 11.0]);
    /// assert_eq!(gradients.wrt(b).to_vec(), [1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes are not these, the inner sizes differ, or the three belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn linear(self, weight: Self, bias: Self) -> Self {
        self.tape.apply(Linear, &[self, weight, bias])
    }
}
