//! Matrix products, through the `gemm` family of crates: the only file that knows of them.

use crate::dual::Dual;
use crate::scalar::{Real, Scalar};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::walk::Walk;
use gemm_common::Parallelism;
use rayon::prelude::*;
use std::ops::Range;

/// A matrix operand: elements from `offset` on, with its row and column strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    elements: &'a [T],
    offset: usize,
    rows: usize,
    columns: usize,
    strides: (isize, isize),
}

/// What a product is computed from and into: `c = a b`, or `c += a b` if `add`.
///
/// Built by [`multiply_strips`] alone, which checks that the operands agree, and by [`dual`] from such a one.
pub struct Product<'a, T> {
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    /// The first element; rows are `row_step` elements apart, elements `spread` places.
    c: *mut T,
    row_step: usize,
    spread: usize,
    add: bool,
}

impl<T: Scalar> Tensor<T> {
    /// The matrix product: `[.., K] x [K, N] -> [.., N]`, where all leading axes of `self` are rows, or
    /// `[.., M, K] x [.., K, N] -> [.., M, N]`, where leading axes count matrices and broadcast.
    ///
    /// Transposed views ([`t`](Tensor::t)) are multiplied as they lie, without a copy.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
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

    /// Adds the product `a b` to this tensor: `[.., K] x [K, N]` to `[.., N]`, where all leading axes are rows.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
    /// let mut y = Tensor::<f32>::ones([5, 3]);
    /// y.add_matmul(&Tensor::ones([5, 2]), &Tensor::ones([2, 3]));
    /// assert_eq!(y, Tensor::full(3.0, [5, 3]));
    /// ```
    ///
    /// # Panics
    /// If the shapes are not these.
    #[track_caller]
    pub fn add_matmul(&mut self, a: &Tensor<T>, b: &Tensor<T>) {
        let (sa, sb) = (a.shape(), b.shape());
        if sa.rank() == 0 || sb.rank() != 2 || sa[sa.rank() - 1] != sb[0] {
            mismatch(sa, sb);
        }
        let fits = self.shape() == sa.with(sa.rank() - 1, sb[1]);
        assert!(fits, "add_matmul: {sa} x {sb} does not fit into {}", self.shape());
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

    /// Adds the product `aᵀ b` to this matrix: `[M, K]ᵀ x [M, N]` into `[K, N]`, where all leading axes of `a`
    /// and `b` are rows.
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
        assert!(fits, "add_matmul_tn: {sa}ᵀ x {sb} does not fit into {shape}");
        let (a, b) = (a.as_matrix(), b.as_matrix());
        multiply(a.t().matrix(), b.matrix(), self.as_mut_slice(), true);
    }

    /// This tensor as a matrix: all axes but the last merged into rows. A view wherever the strides allow.
    #[track_caller]
    #[inline]
    pub fn as_matrix(&self) -> Tensor<T> {
        match self.rank() {
            0 => panic!("as_matrix: a tensor of rank 0 has no rows"),
            2 => self.clone(),
            r => {
                let columns = self.layout().shape[r - 1];
                let rows = self.layout().shape[..r - 1].iter().product();
                self.reshape([rows, columns])
            }
        }
    }

    /// This tensor of rank 2 as an operand.
    #[inline]
    pub(crate) fn matrix(&self) -> Matrix<'_, T> {
        self.matrix_at(self.layout().offset as isize)
    }

    /// The matrix of the last two axes whose first element is at `offset`.
    #[inline]
    fn matrix_at(&self, offset: isize) -> Matrix<'_, T> {
        let (rows, columns) = (self.rank() - 2, self.rank() - 1);
        Matrix {
            elements: self.buffer.elements(),
            offset: offset as usize,
            rows: self.layout().shape[rows],
            columns: self.layout().shape[columns],
            strides: (self.layout().strides[rows], self.layout().strides[columns]),
        }
    }
}

#[cold]
#[track_caller]
fn mismatch(a: Shape, b: Shape) -> ! {
    let wanted = if b.rank() > 2 { "[.., M, K] and [.., K, N]" } else { "[.., K] and [K, N]" };
    panic!("matmul: shapes {a} and {b} do not multiply; they must be {wanted}")
}

/// Checks the operands, so that the product reads and writes in bounds, and multiplies.
#[inline]
fn multiply<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], add: bool) {
    multiply_strips(a, (b.columns, b.columns.max(1), a.rows.max(1)), |_| b, c, add, false);
}

/// The product of `a` with a matrix of so many `columns`, in strips of `width` of them, the last of which may be narrower:
/// strip `i` is `strip(i)`. At most `rows` rows of `a` are multiplied at once.
///
/// If `share`, several threads may take strips; each element is computed by one of them, in the same way.
#[inline]
pub(crate) fn multiply_strips<'b, T: Scalar>(
    a: Matrix<'_, T>,
    (columns, width, rows): (usize, usize, usize),
    strip: impl Fn(usize) -> Matrix<'b, T> + Sync,
    c: &mut [T],
    add: bool,
    share: bool,
) {
    if a.rows == 0 || columns == 0 {
        return;
    }
    assert!(c.len() >= a.rows * columns && a.is_in_bounds());
    let c = Shared(c.as_mut_ptr());
    let multiply = |i: usize| {
        let (b, start) = (strip(i), i * width);
        assert!(b.columns == width.min(columns - start) && a.columns == b.rows && b.is_in_bounds());
        for top in (0..a.rows).step_by(rows) {
            let a = a.rows(top..a.rows.min(top + rows));
            // SAFETY: `c` holds all rows of `columns` elements, and `start` is less than that.
            let c = unsafe { c.get().add(top * columns + start) };
            T::gemm(Product { a, b, c, row_step: columns, spread: 1, add });
        }
    };
    let strips = columns.div_ceil(width);
    if share { (0..strips).into_par_iter().for_each(multiply) } else { (0..strips).for_each(multiply) }
}

/// The beginning of a product's rows, of which several threads write different columns.
struct Shared<T>(*mut T);

// SAFETY: every thread writes other elements, see `multiply_strips`.
unsafe impl<T: Scalar> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// A contiguous matrix.
    #[inline]
    pub(crate) fn row_major(elements: &'a [T], rows: usize, columns: usize) -> Self {
        Matrix { elements, offset: 0, rows, columns, strides: (columns as isize, 1) }
    }

    /// Some of the rows.
    #[inline]
    fn rows(self, rows: Range<usize>) -> Self {
        let offset = self.offset as isize + rows.start as isize * self.strides.0;
        Matrix { offset: offset as usize, rows: rows.len(), ..self }
    }

    /// Whether every element lies within `elements`.
    #[inline]
    fn is_in_bounds(&self) -> bool {
        let (down, right) = self.strides;
        if self.rows == 0 || self.columns == 0 {
            return true;
        }
        let reach = [(self.rows as isize - 1) * down, (self.columns as isize - 1) * right];
        let [first, last] =
            [reach.map(|r| r.min(0)), reach.map(|r| r.max(0))].map(|[down, right]| self.offset as isize + down + right);
        first >= 0 && (last as usize) < self.elements.len()
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
            let Product { a, b, c, row_step, spread, add } = product;
            let (m, k, n) = (a.rows, a.columns, b.columns);
            let plain = false; // nothing is conjugated
            // The crate's kernels write columns, so it computes the transpose, cᵀ = bᵀ aᵀ.
            // SAFETY: `multiply_strips` has checked that a is [m, k] and b is [k, n], both within their slices at their
            // strides, and that c, borrowed mutably, holds m rows of n elements, `row_step` places apart, which nobody
            // else reads or writes meanwhile; `dual` keeps to that.
            unsafe {
                $gemm()(
                    n,
                    m,
                    k,
                    c,
                    (row_step * spread) as isize,
                    spread as isize,
                    add,
                    b.start(),
                    b.strides.0,
                    b.strides.1,
                    a.start(),
                    a.strides.0,
                    a.strides.1,
                    1.0, // times what is in c, if `add`
                    1.0, // times the product
                    plain,
                    plain,
                    plain,
                    Parallelism::None,
                );
            }
        }
    };
}
product!(single, f32, gemm_f32::gemm::f32::get_gemm_fn);
product!(double, f64, gemm_f64::gemm::f64::get_gemm_fn);

/// The product of matrices of dual numbers: `(a + a' e)(b + b' e) = a b + (a b' + a' b) e`, as three products of
/// plain numbers, two places apart.
pub(crate) fn dual<T: Real>(product: Product<'_, Dual<T>>) {
    let Product { a, b, c, row_step, add, .. } = product;
    for (x, y, part, add) in
        [(a.part(0), b.part(0), 0, add), (a.part(0), b.part(1), 1, add), (a.part(1), b.part(0), 1, true)]
    {
        // SAFETY: a dual number is its value and its tangent, in this order.
        let c = unsafe { c.cast::<T>().add(part) };
        T::gemm(Product { a: x, b: y, c, row_step, spread: 2, add });
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
