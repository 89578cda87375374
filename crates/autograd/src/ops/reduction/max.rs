//! The largest or the smallest element over all axes, or some.

use super::{Axes, reduction};
use crate::tape::{InputGrads, Inputs, Op, Var};
use unspool_tensor::{Indices, Scalar, Tensor};

/// The largest element, or the smallest.
#[derive(Clone)]
struct Best<const LARGEST: bool>(Axes);

impl<const LARGEST: bool> Best<LARGEST> {
    /// The best elements, each with the mean of the tangents of all that tie with it.
    fn mean_tangent<T: Scalar>(&self, x: &Tensor<T>, best: Tensor<T>) -> Tensor<T> {
        let axes = self.0.as_slice();
        let kept = self.0.restore(&best, x.shape());
        let is_best = x.zip(&kept, |x, best| if x == best { T::ONE } else { T::ZERO });
        let chosen = x.zip(&is_best, |x, is_best| if is_best == T::ONE { x } else { T::ZERO });
        let mean = chosen.sum_axes(axes).zip(&is_best.sum_axes(axes), |sum, count| sum / count);
        best.zip(&mean, |best, mean| best.with_tangent_of(mean))
    }
}

impl<const LARGEST: bool> Op for Best<LARGEST> {
    fn name(&self) -> &'static str {
        if LARGEST { "max" } else { "min" }
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let axes = self.0.as_slice();
        let best = if LARGEST { x[0].max_axes(axes) } else { x[0].min_axes(axes) };
        let best = if T::TANGENTS > 0 { self.mean_tangent(&x[0], best) } else { best };
        self.0.finish(best, x[0].shape())
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || x[0].split_among_ties(self.0.as_slice(), y, &grad));
    }
}

#[track_caller]
#[inline]
fn largest<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    x.unary(Best::<true>(axes))
}

#[track_caller]
#[inline]
fn smallest<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    x.unary(Best::<false>(axes))
}

reduction! {
    methods: max, max_axes, max_keepdim;
    op: largest;
    what: "largest element";
    rule: "`dx = dy` at it and 0 elsewhere; at a tie, each of `k` equal ones gets `dy / k` (as `torch.amax` has it). NaN if \
    any element is.";
    panics: "If there are no elements to compare.";
    x: "[1.0, 4.0, 4.0, 2.0]";
    over_all: y = "4.0", dx = "[0.0, 0.5, 0.5, 0.0]";
    over_axis_1: y = "[4.0, 4.0]", dx = "[0.0, 1.0, 1.0, 0.0]";
}

reduction! {
    methods: min, min_axes, min_keepdim;
    op: smallest;
    what: "smallest element";
    rule: "`dx = dy` at it and 0 elsewhere; at a tie, each of `k` equal ones gets `dy / k` (as `torch.amin` has it). NaN if \
    any element is.";
    panics: "If there are no elements to compare.";
    x: "[1.0, 4.0, 4.0, 1.0]";
    over_all: y = "1.0", dx = "[0.5, 0.0, 0.0, 0.5]";
    over_axis_1: y = "[1.0, 1.0]", dx = "[1.0, 0.0, 0.0, 1.0]";
}

impl<T: Scalar> Var<'_, T> {
    /// The index of the largest element along one axis, for each index of the others: the first of
    /// equal ones, or the first NaN. Along axis 1, `[M, N] -> [M]`. Indices have no gradient.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.1, 0.9, 0.8, 0.2], [2, 2]));
    /// assert_eq!(scores.argmax(1).as_slice(), [1, 0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    pub fn argmax(self, axis: usize) -> Indices {
        self.value().argmax(axis)
    }

    /// Like [`argmax`](Var::argmax), with the axis kept at size 1, along axis 1 `[M, N] -> [M, 1]`:
    /// what [`gather`](Var::gather) takes.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 9.0, 8.0, 2.0], [2, 2]));
    /// let best = x.argmax_keepdim(1);
    /// assert_eq!(x.gather(1, best).value().to_vec(), [9.0, 8.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    pub fn argmax_keepdim(self, axis: usize) -> Indices {
        let positions = self.argmax(axis);
        let shape = positions.shape().insert(axis, 1);
        positions.reshape(shape)
    }

    /// The index of the smallest element along one axis, for each index of the others: the first of
    /// equal ones, or the first NaN. Along axis 1, `[M, N] -> [M]`. Indices have no gradient.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.1, 0.9, 0.8, 0.2], [2, 2]));
    /// assert_eq!(scores.argmin(1).as_slice(), [0, 1]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    pub fn argmin(self, axis: usize) -> Indices {
        self.value().argmin(axis)
    }

    /// Like [`argmin`](Var::argmin), with the axis kept at size 1, along axis 1 `[M, N] -> [M, 1]`:
    /// what [`gather`](Var::gather) takes.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 9.0, 8.0, 2.0], [2, 2]));
    /// let best = x.argmin_keepdim(1);
    /// assert_eq!(x.gather(1, best).value().to_vec(), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    pub fn argmin_keepdim(self, axis: usize) -> Indices {
        let positions = self.argmin(axis);
        let shape = positions.shape().insert(axis, 1);
        positions.reshape(shape)
    }
}
