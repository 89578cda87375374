//! A range of an axis.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use crate::tuning::SHORT_ROW;
use unspool_tensor::{Scalar, SliceRange, Tensor};

#[derive(Clone)]
struct Slice {
    span: SliceRange,
    step: isize,
    axis: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let slice = x[0].slice_step(self.axis, self.span, self.step);
        // Gates are cut out of rows: every op that reads them would go from one short piece to the
        // next.
        let is_short = slice.shape().last().is_some_and(|&n| n < SHORT_ROW);
        if is_short { slice.contiguous() } else { slice }
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let (start, _) = self.span.resolve(&x[0].shape(), self.axis, self.step);
        into.slice_add(0, self.axis, start, self.step, &grad);
    }
}

impl<T: Scalar> Var<'_, T> {
    /// A range of one axis, `[N] -> [end - start]`, as a range of `usize`, `isize` or literals;
    /// negative numbers count from the end. `dx` is `dy` in that range, 0 elsewhere. (Clippy takes
    /// the literal `1..-1` for an empty range; it accepts `1..n - 1`.)
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let outputs = tape.variable(&Tensor::<f32>::ones([5, 1]));
    /// let cost = outputs.slice(0, -3..).sum(); // over the last three time steps only
    /// assert_eq!(cost.backward().wrt(outputs).to_vec(), [0.0, 0.0, 1.0, 1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or the range reaches beyond it or ends before it begins.
    #[track_caller]
    #[inline]
    pub fn slice(self, axis: usize, span: impl Into<SliceRange>) -> Self {
        self.slice_step(axis, span, 1)
    }

    /// Every `step`-th index of a range of one axis; backwards if `step` is negative, as in NumPy.
    /// `dx` is `dy` at these indices, 0 elsewhere.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1.0, 2.0, 3.0, 4.0], [5]));
    /// assert_eq!(x.slice_step(0, 1.., 2).value().to_vec(), [1.0, 3.0]);
    /// assert_eq!(x.slice_step(0, .., -2).value().to_vec(), [4.0, 2.0, 0.0]);
    /// assert_eq!(x.slice_step(0, 1.., 2).sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, the range reaches beyond it or ends before it begins, or `step` is
    /// 0.
    #[track_caller]
    #[inline]
    pub fn slice_step(self, axis: usize, span: impl Into<SliceRange>, step: isize) -> Self {
        self.unary(Slice { axis, span: span.into(), step })
    }

    /// The last axis split into `N` equal chunks: the gates of a cell, `[B, N H] -> N` times
    /// `[B, H]`. `dx` is the `dy` of the chunks, concatenated.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let gates = tape.variable(&Tensor::<f32>::from_fn([1, 6], |i| i as f32));
    /// let [update, candidate] = gates.chunks();
    /// assert_eq!(candidate.value().to_vec(), [3.0, 4.0, 5.0]);
    /// assert_eq!(update.sum().backward().wrt(gates).to_vec(), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the size of the last axis is not a multiple of `N`.
    #[track_caller]
    #[inline]
    pub fn chunks<const N: usize>(self) -> [Self; N] {
        let shape = self.shape();
        let divides = shape.last().is_some_and(|size| N > 0 && size.is_multiple_of(N));
        ensure!(divides, "chunks: the last axis of shape {shape} does not divide into {N} chunks");
        let (axis, len) = (shape.rank() - 1, shape[shape.rank() - 1] / N);
        let mut chunks = [self; N];
        for (i, chunk) in chunks.iter_mut().enumerate() {
            *chunk = self.slice(axis, i * len..(i + 1) * len);
        }
        chunks
    }

    /// One axis split into chunks of the given sizes: by `[1, 3]`, `[4, F]` into `[1, F]` and
    /// `[3, F]`. `dx` is the `dy` of the chunks, concatenated.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::from_fn([1, 6], |i| i as f32));
    /// let parts = x.split(1, &[1, 3, 2]);
    /// assert_eq!(parts[1].value().to_vec(), [1.0, 2.0, 3.0]);
    /// assert_eq!(parts[0].sum().backward().wrt(x).to_vec(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or the sizes do not add up to its size.
    #[track_caller]
    pub fn split(self, axis: usize, sizes: &[usize]) -> Vec<Self> {
        let shape = self.shape();
        shape.require_axis("split", axis);
        let fits = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)) == Some(shape[axis]);
        ensure!(fits, "split: sizes {sizes:?} do not add up to axis {axis} of shape {shape}");
        let mut chunks = Vec::with_capacity(sizes.len());
        let mut start = 0;
        for &size in sizes {
            chunks.push(self.slice(axis, start..start + size));
            start += size;
        }
        chunks
    }
}
