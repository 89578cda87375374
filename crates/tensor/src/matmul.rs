//! Matrix products, through the `matrixmultiply` crate: the only file that knows of it.

use crate::dual::Dual;
use crate::scalar::{Real, Scalar};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A matrix operand: elements from `offset` on, with its row and column strides.
#[derive(Clone, Copy)]
struct Matrix<'a, T> {
    elements: &'a [T],
    offset: usize,
    rows: usize,
    columns: usize,
    strides: (isize, isize),
}

/// What a product is computed from and into: `c = a b`, or `c += a b` if `add`.
///
/// Built by [`multiply`] alone, which checks that the operands agree, and by [`dual`] from such a one.
pub struct Product<'a, T> {
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    /// Row-major, with elements `spread` places apart, the first at `start`.
    c: &'a mut [T],
    start: usize,
    spread: usize,
    add: bool,
}

impl<T: Scalar> Tensor<T> {
    /// The matrix product: `[.., M, K] x [K, N] -> [.., M, N]`. All leading axes of `self` are rows.
    ///
    /// Transposed views ([`t`](Tensor::t)) are multiplied as they lie, without a copy.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
    /// let x = Tensor::<f32>::ones([50, 32, 20]);
    /// let w = Tensor::ones([20, 5]);
    /// assert_eq!(x.matmul(&w), Tensor::full(20.0, [50, 32, 5]));
    /// ```
    ///
    /// # Panics
    /// If `self` has no axes, `weight` is not a matrix, or the inner sizes differ.
    #[track_caller]
    #[inline]
    pub fn matmul(&self, weight: &Tensor<T>) -> Tensor<T> {
        if self.rank() == 0 || weight.rank() != 2 || self.shape[self.rank() - 1] != weight.shape[0] {
            mismatch(self.shape, weight.shape);
        }
        let shape = self.shape.with(self.rank() - 1, weight.shape[1]);
        let rows = self.rows();
        Tensor::written(shape, |out| multiply(rows.matrix(), weight.matrix(), out, false))
    }

    /// Adds the product `aᵀ b` to this matrix: `[M, K]ᵀ x [M, N]` into `[K, N]`, where all leading axes of `a`
    /// and `b` are rows.
    ///
    /// # Panics
    /// If the shapes do not agree.
    #[track_caller]
    pub fn add_product(&mut self, a: &Tensor<T>, b: &Tensor<T>) {
        let (a, b) = (a.rows(), b.rows());
        assert!(
            a.shape[0] == b.shape[0] && self.shape == Shape::from([a.shape[1], b.shape[1]]),
            "add_product: {}ᵀ x {} does not fit into {}",
            a.shape,
            b.shape,
            self.shape
        );
        multiply(a.t().matrix(), b.matrix(), self.as_mut_slice(), true);
    }

    /// This tensor as a matrix: all axes but the last merged into rows. A view wherever the strides allow.
    #[track_caller]
    #[inline]
    pub fn rows(&self) -> Tensor<T> {
        match self.rank() {
            0 => panic!("rows: a tensor of rank 0 has no rows"),
            2 => self.clone(),
            r => {
                let columns = self.shape[r - 1];
                let rows = self.shape[..r - 1].iter().product();
                self.reshape([rows, columns])
            }
        }
    }

    /// This tensor of rank 2 as an operand.
    #[inline]
    fn matrix(&self) -> Matrix<'_, T> {
        Matrix {
            elements: self.buffer.as_slice(),
            offset: self.offset,
            rows: self.shape[0],
            columns: self.shape[1],
            strides: (self.strides[0], self.strides[1]),
        }
    }
}

#[cold]
#[track_caller]
fn mismatch(a: Shape, b: Shape) -> ! {
    panic!("matmul: shapes {a} and {b} do not multiply; they must be [.., K] and [K, N]")
}

/// Checks the operands, so that the product reads and writes in bounds, and multiplies.
#[inline]
fn multiply<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], add: bool) {
    assert!(a.columns == b.rows && c.len() == a.rows * b.columns && a.is_in_bounds() && b.is_in_bounds());
    if !c.is_empty() {
        T::gemm(Product { a, b, c, start: 0, spread: 1, add });
    }
}

impl<T> Matrix<'_, T> {
    /// Whether every element lies within `elements`. Strides are never negative.
    #[inline]
    fn is_in_bounds(&self) -> bool {
        let (down, right) = self.strides;
        if self.rows == 0 || self.columns == 0 {
            return true;
        }
        let last = self.offset as isize + (self.rows as isize - 1) * down + (self.columns as isize - 1) * right;
        down >= 0 && right >= 0 && (last as usize) < self.elements.len()
    }

    #[inline]
    fn start(&self) -> *const T {
        // An empty operand is never read, and may start past the end.
        self.elements.get(self.offset..).unwrap_or(&[]).as_ptr()
    }
}

macro_rules! product {
    ($name:ident, $t:ident, $gemm:path) => {
        #[inline]
        pub(crate) fn $name(product: Product<'_, $t>) {
            let Product { a, b, c, start, spread, add } = product;
            let (m, k, n) = (a.rows, a.columns, b.columns);
            // SAFETY: `multiply` has checked that a is [m, k] and b is [k, n], both within their slices at their
            // strides, and that c, borrowed mutably, has m * n elements; `dual` keeps to that.
            unsafe {
                $gemm(
                    m,
                    k,
                    n,
                    1.0,
                    a.start(),
                    a.strides.0,
                    a.strides.1,
                    b.start(),
                    b.strides.0,
                    b.strides.1,
                    if add { 1.0 } else { 0.0 },
                    c.as_mut_ptr().add(start),
                    (n * spread) as isize,
                    spread as isize,
                );
            }
        }
    };
}
product!(single, f32, matrixmultiply::sgemm);
product!(double, f64, matrixmultiply::dgemm);

/// The product of matrices of dual numbers: `(a + a' e)(b + b' e) = a b + (a b' + a' b) e`, as three products of
/// plain numbers, two places apart.
pub(crate) fn dual<T: Real>(product: Product<'_, Dual<T>>) {
    let Product { a, b, c, add, .. } = product;
    let c: &mut [T] = Dual::parts_mut(c);
    for (x, y, start, add) in
        [(a.part(0), b.part(0), 0, add), (a.part(0), b.part(1), 1, add), (a.part(1), b.part(0), 1, true)]
    {
        T::gemm(Product { a: x, b: y, c: &mut *c, start, spread: 2, add });
    }
}

impl<'a, T: Real> Matrix<'a, Dual<T>> {
    /// The values (0) or the tangents (1) of the elements.
    fn part(&self, which: usize) -> Matrix<'a, T> {
        Matrix {
            elements: Dual::parts(self.elements),
            offset: 2 * self.offset + which,
            rows: self.rows,
            columns: self.columns,
            strides: (2 * self.strides.0, 2 * self.strides.1),
        }
    }
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
            let wide = Tensor::assemble([m, k + 3], 1, [(2, &a)]).slice(1, 2, k); // rows with a gap
            assert_eq!(wide.matmul(&b), expected);
        }
    }

    #[test]
    fn accumulating_adds_to_what_is_there() {
        let (a, b) = (counting([2, 3, 4]), counting([2, 3, 5]));
        let mut c = Tensor::full(0.5, [4, 5]);
        c.add_product(&a, &b);
        let expected = by_hand(&a.rows().t(), &b.rows()).map(|x| x + 0.5);
        assert_eq!(c, expected);
    }

    #[test]
    fn leading_axes_are_rows() {
        let (a, b) = (counting([2, 3, 4]), counting([4, 2]));
        assert_eq!(a.matmul(&b).rows(), by_hand(&a.rows(), &b));
        let transposed = a.permute(&[1, 0, 2]);
        assert_eq!(transposed.matmul(&b).rows(), by_hand(&transposed.copy().rows(), &b));
    }

    #[test]
    #[should_panic(expected = "matmul: shapes [32, 20] and [30, 20] do not multiply; they must be [.., K] and [K, N]")]
    fn inner_sizes_must_agree() {
        Tensor::<f32>::zeros([32, 20]).matmul(&Tensor::zeros([30, 20]));
    }
}
