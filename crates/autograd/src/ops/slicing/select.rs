//! One index of an axis.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Select {
    axis: usize,
    index: usize,
}

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].select(self.axis, self.index)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.slice_add(0, self.axis, self.index, 1, &grad.unsqueeze(self.axis));
    }
}

/// # Slicing
impl<'t, T: Scalar> Var<'t, T> {
    /// The elements at `index` of one axis, which is removed: on axis 0, `[N, F] -> [F]`. `dx` is
    /// `dy` at that index, 0 elsewhere.
    ///
    /// Selecting every index of an axis in turn costs time in proportion to the size of the value,
    /// forward and backward.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let y = x.select(1, 0);
    /// assert_eq!(y.value().to_vec(), [1.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.0, 1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or `index` is out of range.
    #[track_caller]
    #[inline]
    pub fn select(self, axis: usize, index: usize) -> Self {
        self.unary(Select { axis, index })
    }

    /// The slices of the first axis in order: the time steps of a sequence `[T, B, F]`, each
    /// `[B, F]`. `dx` has the `dy` of each at its index.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let xs = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3, 1, 1]));
    /// let cost = xs.unbind().rev().take(2).fold(None, |sum, x| Some(sum.map_or(x, |s| s + x))).unwrap();
    /// assert_eq!(cost.backward().wrt(xs).to_vec(), [0.0, 1.0, 1.0]); // the last two steps only
    /// ```
    ///
    /// # Panics
    /// If the rank is 0.
    #[track_caller]
    pub fn unbind(self) -> impl DoubleEndedIterator<Item = Var<'t, T>> + ExactSizeIterator {
        let shape = self.shape();
        ensure!(shape.rank() > 0, "unbind: a value of rank 0 has no positions");
        (0..shape[0]).map(move |index| self.select(0, index))
    }

    /// The last index of the first axis: the last time step of a sequence, `[T, B, F] -> [B, F]`.
    /// `dx` is `dy` at that index, 0 elsewhere.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3, 1, 1]));
    /// let y = x.last();
    /// assert_eq!(y.value().to_vec(), [3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0, or the first axis is empty.
    #[track_caller]
    #[inline]
    pub fn last(self) -> Self {
        let shape = self.shape();
        ensure!(shape.rank() > 0 && shape[0] > 0, "last: shape {shape} has no last position");
        self.select(0, shape[0] - 1)
    }
}
