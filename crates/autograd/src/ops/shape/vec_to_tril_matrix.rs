//! Lower triangles of matrices, and the vectors of their elements in row order.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{MAX_RANK, Scalar, Shape, Tensor};

/// The triangle on and below a diagonal, `below` places below the main one.
#[derive(Clone, Copy)]
struct Triangle {
    below: usize,
}

impl Triangle {
    #[track_caller]
    fn new(op: &str, diagonal: isize) -> Self {
        ensure!(diagonal <= 0, "{op}: diagonal {diagonal} is above the main one, 0");
        Triangle { below: diagonal.unsigned_abs() }
    }

    /// The elements of the triangle of an `n x n` matrix.
    fn elements(self, n: usize) -> usize {
        let rows = n.saturating_sub(self.below);
        rows * (rows + 1) / 2
    }

    /// The size of the matrix whose triangle has so many elements, if there is one.
    fn size(self, elements: usize) -> Option<usize> {
        // rows (rows + 1) / 2 of them, so that rows is the root of 2 `elements`, rounded down.
        let rows = elements.checked_mul(2)?.isqrt();
        Some(rows + self.below).filter(|&n| self.elements(n) == elements)
    }

    /// Pairs of the parts of each row in a matrix and in its vector.
    fn rows(self, n: usize) -> impl Iterator<Item = (std::ops::Range<usize>, std::ops::Range<usize>)> {
        (self.below..n).scan(0, move |start, i| {
            let len = i - self.below + 1;
            *start += len;
            Some((i * n..i * n + len, *start - len..*start))
        })
    }

    /// The matrices `[.., n, n]` of vectors `[.., elements]`, with zeros above the triangle.
    fn matrices<T: Scalar>(self, vectors: &Tensor<T>, n: usize) -> Tensor<T> {
        let (shape, source) = (vectors.shape(), vectors.contiguous());
        let source = source.as_slice().expect("contiguous");
        let last = shape.rank() - 1;
        let mut matrices = Tensor::zeros(shape.with(last, n).insert(last, n));
        let blocks = matrices.as_mut_slice().chunks_exact_mut((n * n).max(1));
        for (matrix, vector) in blocks.zip(source.chunks(self.elements(n).max(1))) {
            self.rows(n).for_each(|(of_matrix, of_vector)| matrix[of_matrix].copy_from_slice(&vector[of_vector]));
        }
        matrices
    }

    /// The vectors `[.., elements]` of the triangles of matrices `[.., n, n]`.
    fn vectors<T: Scalar>(self, matrices: &Tensor<T>) -> Tensor<T> {
        let (shape, source) = (matrices.shape(), matrices.contiguous());
        let source = source.as_slice().expect("contiguous");
        let (last, n) = (shape.rank() - 1, shape[shape.rank() - 1]);
        let elements = self.elements(n);
        let mut vectors = Tensor::scratch(shape.remove(last).with(last - 1, elements));
        let blocks = vectors.as_mut_slice().chunks_exact_mut(elements.max(1));
        for (vector, matrix) in blocks.zip(source.chunks((n * n).max(1))) {
            self.rows(n).for_each(|(of_matrix, of_vector)| vector[of_vector].copy_from_slice(&matrix[of_matrix]));
        }
        vectors
    }
}

#[derive(Clone)]
struct VecToTrilMatrix {
    triangle: Triangle,
    n: usize,
}

impl Op for VecToTrilMatrix {
    fn name(&self) -> &'static str {
        "vec_to_tril_matrix"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.triangle.matrices(&x[0], self.n)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || self.triangle.vectors(&grad));
    }
}

#[derive(Clone)]
struct TrilMatrixToVec {
    triangle: Triangle,
}

impl Op for TrilMatrixToVec {
    fn name(&self) -> &'static str {
        "tril_matrix_to_vec"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.triangle.vectors(&x[0])
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let shape: Shape = x[0].shape();
        into.pass_on(0, || self.triangle.matrices(&grad, shape[shape.rank() - 1]));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The lower triangular matrices whose triangles have these elements in row order (as PyTorch's
    /// `vec_to_tril_matrix` has it): `[.., N (N + 1) / 2] -> [.., N, N]`. `dx` are the elements of the same
    /// triangles of `dy`.
    ///
    /// The triangle ends at a diagonal: 0 is the main one; -1 is below it, for the `N (N - 1) / 2` elements of
    /// strictly lower triangles, and so on.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let y = x.vec_to_tril_matrix(0);
    /// assert_eq!(y.value().to_vec(), [1.0, 0.0, 2.0, 3.0]);
    /// assert_eq!(x.vec_to_tril_matrix(-1).value().to_vec(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
    /// assert_eq!(y.square().sum().backward().wrt(x).to_vec(), [2.0, 4.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0 or 6, the last axis does not have the elements of a triangle, or the diagonal is above the
    /// main one.
    #[track_caller]
    pub fn vec_to_tril_matrix(self, diagonal: isize) -> Self {
        let (triangle, shape) = (Triangle::new("vec_to_tril_matrix", diagonal), self.shape());
        ensure!(shape.rank() > 0, "vec_to_tril_matrix: shape {shape} has no last axis");
        ensure!(shape.rank() < MAX_RANK, "vec_to_tril_matrix: shape {shape} has no room for another axis");
        let elements = shape[shape.rank() - 1];
        let Some(n) = triangle.size(elements) else {
            fail!("vec_to_tril_matrix: {elements} elements, the last axis of {shape}, are not N (N + 1) / 2 of any N");
        };
        self.unary(VecToTrilMatrix { triangle, n })
    }

    /// The elements on and below a diagonal of matrices, in row order: the inverse of
    /// [`vec_to_tril_matrix`](Var::vec_to_tril_matrix), `[.., N, N] -> [.., N (N + 1) / 2]`. `dx` has those of `dy`
    /// in the triangles, and zeros above.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let y = x.tril_matrix_to_vec(0);
    /// assert_eq!(y.value().to_vec(), [1.0, 3.0, 4.0]);
    /// assert_eq!(y.square().sum().backward().wrt(x).to_vec(), [2.0, 0.0, 6.0, 8.0]);
    /// ```
    ///
    /// # Panics
    /// If the matrices are not square, or the diagonal is above the main one.
    #[track_caller]
    pub fn tril_matrix_to_vec(self, diagonal: isize) -> Self {
        let (triangle, shape) = (Triangle::new("tril_matrix_to_vec", diagonal), self.shape());
        let is_square = shape.rank() >= 2 && shape[shape.rank() - 2] == shape[shape.rank() - 1];
        ensure!(is_square, "tril_matrix_to_vec: {shape} is not of square matrices");
        self.unary(TrilMatrixToVec { triangle })
    }
}
