//! The lower and the upper triangle of matrices.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

/// The lower or the upper triangle, with the diagonal, of the matrices of the last two axes.
#[derive(Clone)]
struct Triangle<const LOWER: bool> {
    diagonal: isize,
}

impl<const LOWER: bool> Triangle<LOWER> {
    /// `x` with zeros outside the triangle.
    fn of<T: Scalar>(&self, mut x: Tensor<T>) -> Tensor<T> {
        let shape = x.shape();
        let (rows, columns) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        for (i, row) in x.as_mut_slice().chunks_exact_mut(columns.max(1)).enumerate() {
            let on_diagonal = ((i % rows) as isize).saturating_add(self.diagonal);
            let up_to = |end: isize| end.clamp(0, columns as isize) as usize;
            let rest = match LOWER {
                true => &mut row[up_to(on_diagonal.saturating_add(1))..],
                false => &mut row[..up_to(on_diagonal)],
            };
            rest.fill(T::ZERO);
        }
        x
    }
}

impl<const LOWER: bool> Op for Triangle<LOWER> {
    fn name(&self) -> &'static str {
        if LOWER { "tril" } else { "triu" }
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let shape = x[0].shape();
        ensure!(shape.rank() >= 2, "{}: shape {shape} has no two axes of a matrix", self.name());
        self.of(x[0].clone())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || self.of(grad));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The matrices `[.., M, N]` with zeros above a diagonal: `y[i, j] = x[i, j]` where
    /// `j - i <= diagonal`, and 0 elsewhere. Diagonal 0 is the main one, 1, 2, .. are above it and
    /// -1, -2, .. below. `dx` is the same triangle of `dy`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let y = x.tril(0);
    /// assert_eq!(y.value().to_vec(), [1.0, 0.0, 3.0, 4.0]);
    /// assert_eq!(y.square().sum().backward().wrt(x).to_vec(), [2.0, 0.0, 6.0, 8.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is less than 2.
    #[track_caller]
    #[inline]
    pub fn tril(self, diagonal: isize) -> Self {
        self.unary(Triangle::<true> { diagonal })
    }

    /// The matrices `[.., M, N]` with zeros below a diagonal: `y[i, j] = x[i, j]` where
    /// `j - i >= diagonal`, and 0 elsewhere. Diagonal 0 is the main one, 1, 2, .. are above it and
    /// -1, -2, .. below. `dx` is the same triangle of `dy`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::<f32>::zeros([2, 2]));
    /// let future = scores.new_zeros([2, 2]) + 1.0;
    /// let causal = scores.masked_fill(future.triu(1), f64::NEG_INFINITY).softmax(1);
    /// assert_eq!(causal.value().to_vec(), [1.0, 0.0, 0.5, 0.5]);
    /// assert_eq!(scores.triu(-1).sum().backward().wrt(scores).to_vec(), [1.0; 4]);
    /// ```
    ///
    /// # Panics
    /// If the rank is less than 2.
    #[track_caller]
    #[inline]
    pub fn triu(self, diagonal: isize) -> Self {
        self.unary(Triangle::<false> { diagonal })
    }
}
