//! Concatenation along an axis.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Concat {
    axis: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        Tensor::concat(self.axis, x.iter())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let mut start = 0;
        for (i, value) in x.iter().enumerate() {
            let len = value.shape()[self.axis];
            into.pass_on(i, || grad.slice(self.axis, start..start + len));
            start += len;
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The values concatenated along one axis: along axis 0, `[M, F]` and `[N, F]` make
    /// `[M + N, F]`. All other axes have the same sizes. The gradient of each value is its slice of
    /// `dy`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![3.0], [1]));
    /// let y = Var::concat(0, &[a, b]);
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0]);
    /// assert_eq!(y.square().sum().backward().wrt(b).to_vec(), [6.0]);
    /// ```
    ///
    /// # Panics
    /// If there are none, there is no such axis, the other sizes differ, or they belong to
    /// different tapes.
    #[track_caller]
    #[inline]
    pub fn concat(axis: usize, values: &[Self]) -> Self {
        ensure!(!values.is_empty(), "concat: no values given");
        values[0].tape.apply(Concat { axis }, values)
    }
}
