//! Matrix products of tensors: shapes and layouts are checked here, `strips` calls the kernels.
//!
//! - `packed`: a matrix copied into the order in which many products read it;
//! - `strips`: one product, on one thread or in strips of columns on several.
//!
//! The kernel itself is in `scalar::kernel`.
//!
//! What must stay true: which path a product takes depends on its shape and layout alone, never on
//! the number of threads, so that results have the same bits on every run.

pub(crate) mod packed;
#[allow(unsafe_code)]
mod strips;

use crate::loops::strided::Walk;
use crate::scalar::Scalar;
use crate::scalar::gemm::Matrix;
use crate::shape::Shape;
use crate::storage::layout::Layout;
use crate::tensor::Tensor;
use strips::multiply;

impl<T: Scalar> Tensor<T> {
    /// The matrix product: `[.., K] x [K, N] -> [.., N]`, where all leading axes of `self` are
    /// rows, or `[.., M, K] x [.., K, N] -> [.., M, N]`, where leading axes count matrices and
    /// broadcast.
    ///
    /// Transposed views ([`t`](Tensor::t)) are multiplied as is, without a copy.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::ones([50, 32, 20]);
    /// let w = Tensor::ones([20, 5]);
    /// assert_eq!(x.matmul(&w), Tensor::full(20.0, [50, 32, 5]));
    ///
    /// let scores = x.matmul(&x.t()); // 50 products [32, 20] x [20, 32]
    /// assert_eq!(scores, Tensor::full(20.0, [50, 32, 32]));
    /// ```
    ///
    /// # Panics
    /// If the shapes are not these, the inner sizes differ, or the leading axes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn matmul(&self, weight: &Tensor<T>) -> Tensor<T> {
        if weight.rank() > 2 {
            return self.matmul_each(weight);
        }
        if self.rank() == 0 || weight.rank() != 2 || self.layout().shape[self.rank() - 1] != weight.layout().shape[0] {
            mismatch(self.shape(), weight.shape());
        }
        let shape = self.layout().shape.with(self.rank() - 1, weight.layout().shape[1]);
        let rows = self.as_matrix();
        Tensor::written(shape, |out| multiply(rows.matrix(), weight.matrix(), out, false))
    }

    /// Adds the product `a b` to this tensor: `[.., K] x [K, N]` to `[.., N]`, where all leading
    /// axes are rows.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let mut y = Tensor::<f32>::ones([5, 3]);
    /// y.add_matmul(&Tensor::ones([5, 2]), &Tensor::ones([2, 3]));
    /// assert_eq!(y, Tensor::full(3.0, [5, 3]));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn add_matmul(&mut self, a: &Tensor<T>, b: &Tensor<T>) {
        let (sa, sb) = (a.shape(), b.shape());
        if sa.rank() == 0 || sb.rank() != 2 || sa[sa.rank() - 1] != sb[0] {
            mismatch(sa, sb);
        }
        let fits = self.shape() == sa.with(sa.rank() - 1, sb[1]);
        ensure!(fits, "add_matmul: {sa} x {sb} does not fit into {}", self.shape());
        multiply(a.as_matrix().matrix(), b.matrix(), self.as_mut_slice(), true);
    }

    /// The products of several pairs of matrices.
    #[track_caller]
    fn matmul_each(&self, other: &Tensor<T>) -> Tensor<T> {
        let (a, b) = (self.layout().shape, other.layout().shape);
        let ([a_batch @ .., m, k], [b_batch @ .., inner, n]) = (&a[..], &b[..]) else { mismatch(a, b) };
        let (m, k, n) = (*m, *k, *n);
        let batch = Shape::from(a_batch).broadcast(&Shape::from(b_batch)).filter(|_| k == *inner);
        let Some(batch) = batch else { mismatch(a, b) };
        let shape: Shape = batch.iter().copied().chain([m, n]).collect();
        let whole =
            |x: &Tensor<T>, rows, columns| x.expand(batch.iter().copied().chain([rows, columns]).collect::<Shape>());
        let (x, y) = (whole(self, m, k), whole(other, k, n));
        Tensor::written(shape, |out| {
            Walk::new(&batch, [x.layout().offset, y.layout().offset], [&x.layout().strides, &y.layout().strides]).runs(
                |done, len, [i, j], [di, dj]| {
                    for each in 0..len {
                        let step = each as isize;
                        let (left, right) = (x.matrix_at(i + step * di), y.matrix_at(j + step * dj));
                        multiply(left, right, &mut out[(done + each) * m * n..][..m * n], false);
                    }
                },
            );
        })
    }

    /// Adds the product `aᵀ b` to this matrix: `[M, K]ᵀ x [M, N]` into `[K, N]`, where all leading
    /// axes of `a` and `b` are rows.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let mut sum = Tensor::<f32>::ones([2, 3]);
    /// sum.add_matmul_tn(&Tensor::ones([5, 2]), &Tensor::ones([5, 3]));
    /// assert_eq!(sum, Tensor::full(6.0, [2, 3]));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not agree.
    #[track_caller]
    pub fn add_matmul_tn(&mut self, a: &Tensor<T>, b: &Tensor<T>) {
        let (sa, sb, shape) = (a.layout().shape, b.layout().shape, self.layout().shape);
        let fits = match (&sa[..], &sb[..]) {
            ([a @ .., k], [b @ .., n]) => a.iter().product::<usize>() == b.iter().product() && shape[..] == [*k, *n],
            _ => false,
        };
        ensure!(fits, "add_matmul_tn: {sa}ᵀ x {sb} does not fit into {shape}");
        let (a, b) = (a.as_matrix(), b.as_matrix());
        multiply(a.t().matrix(), b.matrix(), self.as_mut_slice(), true);
    }

    /// This tensor as a matrix: all axes but the last merged into rows. A copy only if the elements
    /// are not contiguous.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::ones([5, 3, 2]).as_matrix().shape()[..], [15, 2]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0.
    #[track_caller]
    #[inline]
    pub fn as_matrix(&self) -> Tensor<T> {
        match self.rank() {
            0 => fail!("as_matrix: a tensor of rank 0 has no rows"),
            2 => self.clone(),
            r => {
                let columns = self.layout().shape[r - 1];
                let rows = self.layout().shape[..r - 1].iter().product();
                self.reshape([rows, columns])
            }
        }
    }

    /// This tensor of rank 2 as an operand of a product.
    #[inline]
    pub(crate) fn matrix(&self) -> Matrix<'_, T> {
        self.matrix_at(self.layout().offset as isize)
    }

    /// The matrix of the last two axes whose first element is at `offset`.
    #[inline]
    fn matrix_at(&self, offset: isize) -> Matrix<'_, T> {
        let (rows, columns) = (self.rank() - 2, self.rank() - 1);
        let Layout { shape, strides, .. } = self.layout();
        let (size, strides) = ([shape[rows], shape[columns]], (strides[rows], strides[columns]));
        Matrix::strided(self.buffer.elements(), offset as usize, size, strides)
    }
}

#[cold]
#[track_caller]
fn mismatch(a: Shape, b: Shape) -> ! {
    let wanted = if b.rank() > 2 { "[.., M, K] and [.., K, N]" } else { "[.., K] and [K, N]" };
    fail!("matmul: shapes {a} and {b} do not multiply; they must be {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: impl Into<Shape>) -> Tensor<f64> {
        Tensor::from_fn(shape, |i| (i * 7 % 11) as f64 - 5.0)
    }

    fn by_hand(a: &Tensor<f64>, b: &Tensor<f64>) -> Tensor<f64> {
        let (m, k, n) = (a.shape()[0], a.shape()[1], b.shape()[1]);
        Tensor::from_fn([m, n], |at| (0..k).map(|l| a.at([at / n, l]) * b.at([l, at % n])).sum())
    }

    #[test]
    fn products_of_every_layout_agree_with_the_definition() {
        for (m, k, n) in [(1, 1, 1), (3, 4, 5), (33, 17, 20), (1, 64, 9), (5, 0, 2), (0, 3, 2), (2, 3, 0)] {
            let (a, b) = (counting([m, k]), counting([k, n]));
            let expected = by_hand(&a, &b);
            for a in [a.clone(), a.t().copy().t(), counting([2, m, k]).select(0, 0)] {
                for b in [b.clone(), b.t().copy().t()] {
                    assert_eq!(a.matmul(&b), expected, "{m} {k} {n}");
                }
            }
            let wide = Tensor::from_parts([m, k + 3], 1, [(2, &a)]).slice(1, 2..2 + k); // rows with a gap
            assert_eq!(wide.matmul(&b), expected);
        }
    }

    #[test]
    fn accumulating_adds_to_what_is_there() {
        let (a, b) = (counting([2, 3, 4]), counting([2, 3, 5]));
        let mut c = Tensor::full(0.5, [4, 5]);
        c.add_matmul_tn(&a, &b);
        let expected = by_hand(&a.as_matrix().t(), &b.as_matrix()).map(|x| x + 0.5);
        assert_eq!(c, expected);
    }

    #[test]
    fn leading_axes_are_rows() {
        let (a, b) = (counting([2, 3, 4]), counting([4, 2]));
        assert_eq!(a.matmul(&b).as_matrix(), by_hand(&a.as_matrix(), &b));
        let transposed = a.permute(&[1, 0, 2]);
        assert_eq!(transposed.matmul(&b).as_matrix(), by_hand(&transposed.copy().as_matrix(), &b));
    }

    #[test]
    fn several_products_broadcast() {
        let (a, b) = (counting([2, 1, 3, 4]), counting([5, 4, 2]));
        let c = a.matmul(&b);
        assert_eq!(c.shape()[..], [2, 5, 3, 2]);
        for (i, j) in (0..10).map(|at| (at / 5, at % 5)) {
            assert_eq!(c.select(0, i).select(0, j), by_hand(&a.select(0, i).select(0, 0), &b.select(0, j)));
        }
        let one = counting([3, 4]);
        assert_eq!(one.matmul(&b).select(0, 4), by_hand(&one, &b.select(0, 4)));
        let strided = counting([4, 2, 5]).permute(&[2, 0, 1]);
        assert_eq!(one.matmul(&strided).select(0, 3), by_hand(&one, &strided.select(0, 3)));
        assert_eq!(counting([0, 3, 4]).matmul(&counting([1, 4, 2])).shape()[..], [0, 3, 2]);
    }

    #[test]
    #[should_panic(expected = "matmul: shapes [32, 20] and [30, 20] do not multiply; they must be [.., K] and [K, N]")]
    fn inner_sizes_must_agree() {
        Tensor::<f32>::zeros([32, 20]).matmul(&Tensor::zeros([30, 20]));
    }
}
