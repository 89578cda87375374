//! Repetition by copies.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Repeat {
    axis: usize,
    times: usize,
}

impl Repeat {
    /// The number of copies: none of a value without elements.
    fn copies<T: Scalar>(&self, x: &Tensor<T>) -> usize {
        if x.numel() == 0 { 0 } else { self.times }
    }
}

impl Op for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let shape = x[0].shape();
        shape.require_axis("repeat", self.axis);
        let size = shape[self.axis];
        let times = self.copies(&x[0]);
        let repeated = shape.with(self.axis, size.saturating_mul(self.times));
        Tensor::from_parts(repeated, self.axis, (0..times).map(|i| (i * size, &x[0])))
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let size = x[0].shape()[self.axis];
        for i in 0..self.copies(&x[0]) {
            into.pass_on(0, || grad.slice(self.axis, i * size..(i + 1) * size));
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The elements of one axis repeated `times` times as a whole, `[N] -> [times N]`: `[1, 2]`
    /// twice is `[1, 2, 1, 2]`. `dx` is the sum of `dy` over the repetitions. An axis of size 1 is
    /// repeated without copies by [`expand`](Var::expand).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let y = x.repeat(0, 2);
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 1.0, 2.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn repeat(self, axis: usize, times: usize) -> Self {
        self.unary(Repeat { axis, times })
    }
}
