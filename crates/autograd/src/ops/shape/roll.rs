//! An axis rotated.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Roll {
    axis: usize,
    shift: isize,
}

impl Roll {
    /// `x` shifted along the axis, or shifted back: its last positions come first.
    fn of<T: Scalar>(&self, x: &Tensor<T>, is_back: bool) -> Tensor<T> {
        let n = x.shape()[self.axis];
        if n == 0 {
            return x.clone();
        }
        let shift = self.shift.rem_euclid(n as isize) as usize;
        let in_front = if is_back { n - shift } else { shift };
        let cut = n - in_front;
        Tensor::concat(self.axis, [&x.slice(self.axis, cut..), &x.slice(self.axis, ..cut)])
    }
}

impl Op for Roll {
    fn name(&self) -> &'static str {
        "roll"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let shape = x[0].shape();
        shape.require_axis("roll", self.axis);
        self.of(&x[0], false)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || self.of(&grad, true));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The elements of one axis of size `N` shifted by `shift` positions, where those that leave at
    /// the end come back at the start: `y_i = x_((i - shift) mod N)`. A negative shift moves them
    /// towards the start. `dx` is `dy` shifted back. The shape is unchanged.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let y = x.roll(0, 1);
    /// assert_eq!(y.value().to_vec(), [3.0, 1.0, 2.0]);
    /// assert_eq!(x.roll(0, -1).value().to_vec(), [2.0, 3.0, 1.0]);
    /// assert_eq!(y.select(0, 0).backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn roll(self, axis: usize, shift: isize) -> Self {
        self.unary(Roll { axis, shift })
    }
}
