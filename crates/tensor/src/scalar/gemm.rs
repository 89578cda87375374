//! Matrix products of raw slices, through the `gemm` family of crates. No other file names those
//! crates, and this one knows nothing of tensors.

use gemm_common::Parallelism;
use std::ops::Range;

/// A matrix operand: elements from `offset` on, with a stride for rows and one for columns.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) elements: &'a [T],
    pub(crate) offset: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) strides: (isize, isize),
}

/// What [`Scalar::gemm`](super::Scalar::gemm) computes: `c = a b`, or `c += a b` if `add`.
pub struct Product<'a, T> {
    pub(super) a: Matrix<'a, T>,
    pub(super) b: Matrix<'a, T>,
    /// The first element of `c`. From row to row it is `row_step` elements of `c`, from element to
    /// element `spread` positions of type `T`.
    pub(super) c: *mut T,
    pub(super) row_step: usize,
    pub(super) spread: usize,
    pub(super) add: bool,
}

impl<'a, T: Copy> Product<'a, T> {
    /// A product into rows of contiguous elements.
    ///
    /// # Safety
    /// `a` is `[m, k]` and `b` is `[k, n]`, both within their slices. From `c` on there are `m`
    /// rows of `n` initialized elements, `row_step` apart, which nobody else reads or writes as
    /// long as the product lives.
    #[inline]
    pub(crate) unsafe fn new(a: Matrix<'a, T>, b: Matrix<'a, T>, c: *mut T, row_step: usize, add: bool) -> Self {
        Product { a, b, c, row_step, spread: 1, add }
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
    pub(crate) fn slice_rows(self, rows: Range<usize>) -> Self {
        let offset = self.offset as isize + rows.start as isize * self.strides.0;
        Matrix { offset: offset as usize, rows: rows.len(), ..self }
    }

    /// The element in row `i` and column `j`.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> T {
        self.elements[(self.offset as isize + i as isize * self.strides.0 + j as isize * self.strides.1) as usize]
    }

    /// Whether every element is within `elements`.
    #[inline]
    pub(crate) fn is_in_bounds(&self) -> bool {
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
        pub(super) fn $name(product: Product<'_, $t>) {
            let Product { a, b, c, row_step, spread, add } = product;
            let (m, k, n) = (a.rows, a.columns, b.columns);
            let plain = false; // nothing is conjugated
            // The crate's kernels write columns, so it computes the transpose, cᵀ = bᵀ aᵀ.
            // SAFETY: `Product::new` has the caller's word that a is [m, k] and b is [k, n], both within their slices
            // at their strides, and that c holds m rows of n elements, which nobody else reads or writes meanwhile. The
            // products of duals and of numbers with several tangents keep to that with their `spread`.
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
