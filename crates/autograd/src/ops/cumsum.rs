//! Running sums.

use super::axes::Axes;
use crate::forget::Saves;
use crate::op::{InputGrads, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Cumsum {
    axis: usize,
}

impl<T: Scalar> Op<T> for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].scan(self.axis, |sum, x| sum + x)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        // What an element is part of: the sums from its place on.
        into.add_with(0, || grad.flip(self.axis).scan(self.axis, |sum, g| sum + g).flip(self.axis));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The sum of each element and all before it along one axis: `y_i = sum over j <= i of x_j`, `dx_j = sum over i >=
    /// j of dy_i`. The shape stays.
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
        Axes::new("cumsum", self.shape(), &[axis]);
        self.unary(Cumsum { axis })
    }
}
