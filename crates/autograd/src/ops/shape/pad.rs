//! Padding.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Pad {
    axis: usize,
    before: usize,
    after: usize,
    number: f64,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let shape = x[0].shape();
        shape.require_axis("pad", self.axis);
        let (axis, before, after) = (self.axis, self.before, self.after);
        let size = before.checked_add(after).and_then(|margin| margin.checked_add(shape[axis]));
        let Some(size) = size else {
            fail!("pad: margins of {before} and {after} are too wide for axis {axis} of {shape}")
        };
        let mut padded = Tensor::scratch(shape.with(axis, size));
        let number = Tensor::scalar(T::from_f64(self.number));
        let margin = |width| number.expand(shape.with(axis, width));
        padded.slice_assign(axis, 0, &margin(before));
        padded.slice_assign(axis, before, &x[0]);
        padded.slice_assign(axis, size - after, &margin(after));
        padded
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let end = self.before + x[0].shape()[self.axis];
        into.pass_on(0, || grad.slice(self.axis, self.before..end));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The value padded with `before` and `after` zeros at the ends of one axis:
    /// `[N] -> [before + N + after]`. `dx` is `dy` without these.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let y = x.pad(0, 1, 2);
    /// assert_eq!(y.value().to_vec(), [0.0, 1.0, 2.0, 0.0, 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn pad(self, axis: usize, before: usize, after: usize) -> Self {
        self.pad_with(axis, before, after, 0.0)
    }

    /// Like [`pad`](Var::pad), with `number`, a constant, instead of zeros.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let y = scores.pad_with(0, 0, 1, f64::NEG_INFINITY);
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, f64::NEG_INFINITY]);
    /// assert_eq!(y.softmax(0).select(0, 2).item(), 0.0);
    /// assert_eq!(y.backward_with(&Tensor::ones([3])).wrt(scores).to_vec(), [1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn pad_with(self, axis: usize, before: usize, after: usize, number: f64) -> Self {
        self.unary(Pad { axis, before, after, number })
    }
}
