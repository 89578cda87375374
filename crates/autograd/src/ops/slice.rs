//! A part of an axis.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Slice {
    axis: usize,
    start: usize,
    len: usize,
}

impl<T: Scalar> Op<T> for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].slice(self.axis, self.start, self.len)
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_part(0, self.axis, self.start, &grad);
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The part `start..start + len` of one axis.
    ///
    /// # Panics
    /// If there is no such axis, or the part reaches beyond it.
    #[track_caller]
    #[inline]
    pub fn slice(self, axis: usize, start: usize, len: usize) -> Self {
        self.unary(Slice { axis, start, len })
    }

    /// The last axis cut into `N` equal parts: the gates of a cell, `[B, N H] -> N` times `[B, H]`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let gates = tape.variable(&Tensor::<f32>::from_fn([1, 6], |i| i as f32));
    /// let [update, candidate] = gates.chunks();
    /// assert_eq!(candidate.value().to_vec(), [3.0, 4.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// If the last axis does not divide into `N` parts.
    #[track_caller]
    #[inline]
    pub fn chunks<const N: usize>(self) -> [Self; N] {
        let shape = self.shape();
        let divides = shape.last().is_some_and(|size| N > 0 && size.is_multiple_of(N));
        assert!(divides, "chunks: the last axis of shape {shape} does not divide into {N} parts");
        let (axis, len) = (shape.rank() - 1, shape[shape.rank() - 1] / N);
        let mut parts = [self; N];
        for (i, part) in parts.iter_mut().enumerate() {
            *part = self.slice(axis, i * len, len);
        }
        parts
    }
}
