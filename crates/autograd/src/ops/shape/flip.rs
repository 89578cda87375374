//! An axis in reverse.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Flip {
    axis: usize,
}

impl Op for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].flip(self.axis)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || grad.flip(self.axis));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The elements of one axis of size `N` in reverse order, such as a sequence backwards in time:
    /// `y_i = x_(N-1-i)`. `dx` is `dy` in reverse order. The shape is unchanged.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let y = x.flip(0);
    /// assert_eq!(y.value().to_vec(), [3.0, 2.0, 1.0]);
    /// assert_eq!(y.select(0, 0).backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn flip(self, axis: usize) -> Self {
        self.unary(Flip { axis })
    }
}
