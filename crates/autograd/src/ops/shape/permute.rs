//! The axes in another order.

use crate::ops::reduction::Axes;
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{MAX_RANK, Scalar, Tensor};

#[derive(Clone)]
struct Permute(Axes);

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].permute(self.0.as_slice())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let order = self.0.as_slice();
        let mut inverse = [0; MAX_RANK];
        for (to, &from) in order.iter().enumerate() {
            inverse[from] = to;
        }
        into.pass_on(0, || grad.permute(&inverse[..order.len()]));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The axes in another order: axis `i` of the result is axis `order[i]` of this value. By
    /// `[2, 0, 1]`, `[A, B, C] -> [C, A, B]`. `dx` is `dy` with the axes back in their original
    /// order.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::zeros([2, 3, 4]));
    /// let y = x.permute(&[2, 0, 1]);
    /// assert_eq!(y.shape()[..], [4, 2, 3]);
    /// assert_eq!(y.sum().backward().wrt(x).shape()[..], [2, 3, 4]);
    /// ```
    ///
    /// # Panics
    /// If `order` is not a permutation of the axes.
    #[track_caller]
    #[inline]
    pub fn permute(self, order: &[usize]) -> Self {
        let shape = self.shape();
        ensure!(order.len() == shape.rank(), "permute: {order:?} is not an order of the axes of shape {shape}");
        self.unary(Permute(Axes::new("permute", shape, order)))
    }

    /// The transpose, the last two axes swapped: `[.., M, N] -> [.., N, M]`, `y_ij = x_ji`.
    /// `dx = dyᵀ`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let y = x.t();
    /// assert_eq!(y.value().to_vec(), [1.0, 3.0, 2.0, 4.0]);
    /// assert_eq!(y.select(0, 1).sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is less than 2.
    #[track_caller]
    #[inline]
    pub fn t(self) -> Self {
        let shape = self.shape();
        let r = shape.rank();
        ensure!(r >= 2, "t: shape {shape} has no two axes to swap");
        self.transpose(r - 2, r - 1)
    }

    /// Two axes swapped: axes 0 and 1 of `[B, T, F] -> [T, B, F]`. `dx` is `dy` with the two
    /// swapped back.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let batch_first = tape.variable(&Tensor::<f32>::zeros([32, 50, 1]));
    /// assert_eq!(batch_first.transpose(0, 1).shape()[..], [50, 32, 1]);
    /// ```
    ///
    /// # Panics
    /// If one of them does not exist.
    #[track_caller]
    #[inline]
    pub fn transpose(self, a: usize, b: usize) -> Self {
        let shape = self.shape();
        for axis in [a, b] {
            shape.require_axis("transpose", axis);
        }
        let mut order: [usize; MAX_RANK] = std::array::from_fn(|axis| axis);
        order.swap(a, b);
        self.permute(&order[..shape.rank()])
    }
}
