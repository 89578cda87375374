//! A matrix copied into the order in which products read it.
//!
//! ```text
//! matrix [K, N], row-major       panels, one after the other
//!  0  1  2  3 |  4  5  6  7       0  1  2  3
//!  8  9 10 11 | 12 13 14 15       8  9 10 11
//!                                 4  5  6  7
//!                                12 13 14 15
//! ```
//!
//! A product reads a panel from one end to the other. In the matrix itself each row of it is a page
//! away from the one before, or, if it is a transpose, each element a cache line.

use super::strips::multiply_on_all;
use crate::scalar::Scalar;
use crate::scalar::gemm::{Matrix, pack};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tuning::PANEL;
use std::fmt;

/// A matrix that many others are multiplied by, cut into panels of 32 columns, each contiguous.
///
/// ```
/// use unspool::Tensor;
/// let (x, w) = (Tensor::<f32>::ones([5, 3]), Tensor::<f32>::from_fn([3, 100], |i| i as f32));
/// assert_eq!(x.matmul_packed(&w.pack()), x.matmul(&w));
/// ```
pub struct PackedMatrix<T: Scalar = f32> {
    rows: usize,
    columns: usize,
    /// One panel after the other, each `[rows, PANEL]`; the last columns of the last may be arbitrary.
    panels: Tensor<T>,
}

impl<T: Scalar> fmt::Debug for PackedMatrix<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedMatrix").field("shape", &[self.rows, self.columns]).finish_non_exhaustive()
    }
}

impl<T: Scalar> Tensor<T> {
    /// This matrix `[K, N]`, packed for many products.
    ///
    /// # Panics
    /// If the rank is not 2.
    #[track_caller]
    pub fn pack(&self) -> PackedMatrix<T> {
        PackedMatrix::concat([self])
    }

    /// The matrix product with a packed matrix: `[.., K] x [K, N] -> [.., N]`, where all leading
    /// axes of `self` are rows.
    ///
    /// # Panics
    /// If the shapes are not these or the inner sizes differ.
    #[track_caller]
    pub fn matmul_packed(&self, packed: &PackedMatrix<T>) -> Tensor<T> {
        Tensor::written(packed.product_shape(self), |out| packed.multiply(self, out, false))
    }

    /// Adds the product `a b` with a packed matrix to this tensor.
    ///
    /// # Panics
    /// If the shapes are not those of [`add_matmul`](Tensor::add_matmul).
    #[track_caller]
    pub fn add_matmul_packed(&mut self, a: &Tensor<T>, packed: &PackedMatrix<T>) {
        let (shape, given) = (packed.product_shape(a), self.shape());
        ensure!(shape == given, "add_matmul: a product {shape} does not fit into {given}");
        packed.multiply(a, self.as_mut_slice(), true);
    }
}

impl<T: Scalar> PackedMatrix<T> {
    /// Matrices `[K_i, N]` on top of each other, packed for many products as one `[K, N]`.
    ///
    /// ```
    /// use unspool::Tensor;
    /// use unspool::tensor::PackedMatrix;
    /// let (x, w) = (Tensor::<f32>::ones([2, 5]), Tensor::from_fn([5, 3], |i| i as f32));
    /// let halves = PackedMatrix::concat([&w.slice(0, ..2), &w.slice(0, 2..)]);
    /// assert_eq!(x.matmul_packed(&halves), x.matmul(&w));
    /// ```
    ///
    /// # Panics
    /// If there is none, or they are not matrices with the same number of columns.
    #[track_caller]
    pub fn concat<'a>(matrices: impl IntoIterator<Item = &'a Tensor<T>, IntoIter: Clone>) -> PackedMatrix<T> {
        let matrices = matrices.into_iter();
        let (mut rows, mut width) = (0, None);
        for matrix in matrices.clone() {
            let shape = matrix.shape();
            ensure!(shape.rank() == 2, "pack: shape {shape} is not that of a matrix");
            let columns = *width.get_or_insert(shape[1]);
            ensure!(shape[1] == columns, "pack: a matrix {shape} has not {columns} columns");
            rows += shape[0];
        }
        let Some(columns) = width else { fail!("pack: no matrices given") };
        let panels = Tensor::written([rows * columns.next_multiple_of(PANEL)].into(), |panels| {
            let mut top = 0;
            for matrix in matrices {
                pack(matrix.matrix(), panels, rows, top);
                top += matrix.shape()[0];
            }
        });
        PackedMatrix { rows, columns, panels }
    }

    /// The shape of the product of `a` with this matrix.
    #[track_caller]
    fn product_shape(&self, a: &Tensor<T>) -> Shape {
        let (shape, k, columns) = (a.shape(), self.rows, self.columns);
        let fits = shape.last() == Some(&k);
        ensure!(fits, "matmul: shapes {shape} and [{k}, {columns}] do not multiply; they must be [.., K] and [K, N]");
        shape.with(shape.rank() - 1, columns)
    }

    /// Writes the product with this matrix into `out`, or adds it.
    fn multiply(&self, a: &Tensor<T>, out: &mut [T], add: bool) {
        let panels = self.panels.as_slice().expect("contiguous");
        multiply_on_all(a.as_matrix().matrix(), Matrix::packed(panels, self.rows, self.columns), out, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::PARALLEL_PRODUCT;

    #[test]
    fn products_with_packed_matrices_are_those_with_plain_ones() {
        for (m, k, n) in [(3, 5, 7), (2, 40, 64), (4, 17, 65), (1, 3, 200), (0, 3, 2), (2, 0, 70), (2, 3, 0)] {
            let a = Tensor::<f64>::from_fn([m, k], |i| (i * 7 % 11) as f64 - 5.0);
            let b = Tensor::<f64>::from_fn([k, n], |i| (i * 5 % 13) as f64 - 6.0);
            for b in [b.clone(), b.t().copy().t(), Tensor::concat(0, [&b, &b]).slice(0, k..)] {
                assert_eq!(a.matmul_packed(&b.pack()), a.matmul(&b), "{m} {k} {n}");
                let (mut plain, mut packed) = (Tensor::full(0.5, [m, n]), Tensor::full(0.5, [m, n]));
                plain.add_matmul(&a, &b);
                packed.add_matmul_packed(&a, &b.pack());
                assert_eq!(packed, plain, "{m} {k} {n}, added");
                assert_eq!(plain, a.matmul(&b).map(|x| x + 0.5));
            }
            let strided = a.t().copy().t();
            assert_eq!(strided.matmul_packed(&b.pack()), a.matmul(&b), "{m} {k} {n}, transposed");
        }
    }

    #[test]
    fn a_large_product_is_the_same_on_any_number_of_threads() {
        let (a, b) = (Tensor::<f32>::from_fn([600, 700], |i| (i % 13) as f32 - 6.0), Tensor::ones([700, 1300]));
        const { assert!(600 * 700 * 1300 >= PARALLEL_PRODUCT) };
        let product = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| a.matmul_packed(&b.pack()))
        };
        let one = product(1);
        assert_eq!(one, a.matmul(&b));
        assert_eq!(product(3), one);
    }

    #[test]
    #[should_panic(expected = "matmul: shapes [2, 3] and [4, 5] do not multiply")]
    fn inner_sizes_must_agree() {
        Tensor::<f32>::zeros([2, 3]).matmul_packed(&Tensor::zeros([4, 5]).pack());
    }
}
