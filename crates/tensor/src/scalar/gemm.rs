//! Matrix products of slices, through the [kernel](super::kernel).

use super::Scalar;
use super::kernel::{Kernel, Operands};
use super::number::Number;
use crate::loops::simd::dispatch;
use crate::loops::strided::copy_run;
use crate::tensor::Tensor;
use crate::tuning::{DOT_LANES, PACK_BYTES, PACK_FOR_ROWS, PACK_ROWS, PACKED_BYTES, PANEL};
use std::fmt;
use std::ops::Range;

/// A matrix operand: elements from `offset` on, with a stride for rows, one for columns, and one for panels of
/// [`PANEL`] columns.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) elements: &'a [T],
    pub(crate) offset: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) strides: (isize, isize),
    /// From a panel to the next: `PANEL` times the stride of columns, if the matrix is not packed.
    pub(crate) panel_step: isize,
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

impl<T> fmt::Debug for Product<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Product").field("add", &self.add).finish_non_exhaustive()
    }
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
    /// A matrix with these strides for rows and columns.
    #[inline]
    pub(crate) fn strided(
        elements: &'a [T],
        offset: usize,
        [rows, columns]: [usize; 2],
        strides: (isize, isize),
    ) -> Self {
        Matrix { elements, offset, rows, columns, strides, panel_step: PANEL as isize * strides.1 }
    }

    /// A contiguous matrix.
    #[inline]
    pub(crate) fn row_major(elements: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(elements, 0, [rows, columns], (columns as isize, 1))
    }

    /// A matrix in panels, one after the other, each a contiguous `[rows, PANEL]`.
    #[inline]
    pub(crate) fn packed(elements: &'a [T], rows: usize, columns: usize) -> Self {
        Matrix {
            panel_step: (rows * PANEL) as isize,
            ..Self::strided(elements, 0, [rows, columns], (PANEL as isize, 1))
        }
    }

    /// Some of the columns, from the first of a panel on.
    #[inline]
    pub(crate) fn slice_columns(self, columns: Range<usize>) -> Self {
        let offset = self.offset as isize + (columns.start / PANEL) as isize * self.panel_step;
        Matrix { offset: offset as usize, columns: columns.len(), ..self }
    }

    /// The element in row `i` and column `j`.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> T {
        let [panel, column] = [j / PANEL, j % PANEL].map(|j| j as isize);
        let at = self.offset as isize + i as isize * self.strides.0 + panel * self.panel_step + column * self.strides.1;
        self.elements[at as usize]
    }

    /// Whether all columns are the same distance apart.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.columns <= PANEL || self.panel_step == PANEL as isize * self.strides.1
    }

    /// Whether every element is within `elements`.
    #[inline]
    pub(crate) fn is_in_bounds(&self) -> bool {
        if self.rows == 0 || self.columns == 0 {
            return true;
        }
        // The corners of the first panel, of the last whole one and of the last one: all others are between them.
        let (panels, rest) = ((self.columns - 1) / PANEL, (self.columns - 1) % PANEL);
        let whole = if panels > 0 { PANEL - 1 } else { rest };
        let corners = [
            (0, 0),
            (0, whole),
            (panels.saturating_sub(1), 0),
            (panels.saturating_sub(1), whole),
            (panels, 0),
            (panels, rest),
        ];
        let right = corners.map(|(panel, column)| panel as isize * self.panel_step + column as isize * self.strides.1);
        let down = (self.rows as isize - 1) * self.strides.0;
        let (least, most) = right.iter().fold((0, 0), |(least, most), &right| (right.min(least), right.max(most)));
        let (first, last) = (self.offset as isize + least + down.min(0), self.offset as isize + most + down.max(0));
        first >= 0 && (last as usize) < self.elements.len()
    }

    #[inline]
    fn start(&self) -> *const T {
        // An empty operand is never read, and may start past the end.
        self.elements.get(self.offset..).unwrap_or(&[]).as_ptr()
    }
}

/// The product of plain numbers. The kernel reads rows of `b` as vectors; other matrices are packed for it, or, for a
/// single row of `a`, multiplied as dot products.
#[inline]
pub(super) fn multiply<T: Scalar + Kernel>(product: Product<'_, T>) {
    let Product { a, b, c, row_step, spread, add } = product;
    let [m, k, n] = [a.rows, a.columns, b.columns];
    if m == 0 || n == 0 {
        return;
    }
    if spread > 1 {
        return multiply_apart(product);
    }
    let is_ready = b.strides.1 == 1 || n == 1;
    if !is_ready && m == 1 && k >= DOT_LANES && b.strides.0 == 1 && a.strides.1 == 1 && b.is_plain() {
        return multiply_row(product);
    }
    let pays = m >= PACK_FOR_ROWS && k * n * size_of::<T>() >= PACK_BYTES && b.is_plain();
    let of_columns = |b: Matrix<'_, T>, j: usize| {
        let (size, a_steps, b_row, b_panel) = ([m, k, b.columns], a.strides, b.strides.0, b.panel_step);
        // SAFETY: `Product::new` has the caller's word that the operands are within their slices at their strides, and that
        // c holds m rows of n elements, which nobody else reads or writes meanwhile. The columns of `b` are those from j on.
        unsafe {
            let (a, b, c) = (a.start(), b.start(), c.add(j));
            T::multiply(Operands { size, a, a_steps, b, b_row, b_panel, c, c_row: row_step, add });
        }
    };
    if is_ready && !pays {
        return of_columns(b, 0);
    }
    // Some panels at a time, which are multiplied while they are in cache.
    let panels = (PACKED_BYTES / (k * PANEL * size_of::<T>()).max(1)).max(2);
    let mut memory = Tensor::<T>::scratch([k * n.next_multiple_of(PANEL).min(panels * PANEL)]);
    for j in (0..n).step_by(panels * PANEL) {
        let some = b.slice_columns(j..n.min(j + panels * PANEL));
        let packed = &mut memory.as_mut_slice()[..k * some.columns.next_multiple_of(PANEL)];
        pack(some, packed, k, 0);
        of_columns(Matrix::packed(packed, k, some.columns), j);
    }
}

/// A product into elements that are apart, as the values of dual numbers are.
fn multiply_apart<T: Scalar + Kernel>(product: Product<'_, T>) {
    let Product { a, b, c, row_step, spread, add } = product;
    let n = b.columns;
    let mut together = Tensor::<T>::scratch([a.rows * n]);
    let rows = together.as_mut_slice();
    // SAFETY: the operands are those of `product`, and `rows` holds the result.
    multiply(unsafe { Product::new(a, b, rows.as_mut_ptr(), n, false) });
    for (i, row) in rows.chunks_exact(n).enumerate() {
        for (j, &x) in row.iter().enumerate() {
            // SAFETY: as in `multiply`, with elements `spread` apart.
            let c = unsafe { &mut *c.add((i * row_step + j) * spread) };
            *c = if add { *c + x } else { x };
        }
    }
}

/// The product of a contiguous row with a transpose: each element of it the dot product of two rows.
fn multiply_row<T: Scalar>(product: Product<'_, T>) {
    let Product { a, b, c, add, .. } = product;
    let (k, (_, right)) = (a.columns, b.strides);
    let x = &a.elements[a.offset..][..k];
    dispatch(
        #[inline(always)]
        || {
            for j in 0..b.columns {
                let sum = dot(x, &b.elements[(b.offset as isize + j as isize * right) as usize..][..k]);
                // SAFETY: as in `multiply`.
                let c = unsafe { &mut *c.add(j) };
                *c = if add { *c + sum } else { sum };
            }
        },
    );
}

/// The sum of products, in several sums side by side.
#[inline(always)]
fn dot<T: Number>(x: &[T], y: &[T]) -> T {
    let mut sums = [T::ZERO; DOT_LANES];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<DOT_LANES>(), y.as_chunks::<DOT_LANES>());
    for (x, y) in x.iter().zip(y) {
        for i in 0..DOT_LANES {
            sums[i] += x[i] * y[i];
        }
    }
    for (i, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
        sums[i] += x * y;
    }
    let mut width = DOT_LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Copies a matrix into panels of `height` rows, from row `top` on.
pub(crate) fn pack<T: Scalar>(matrix: Matrix<'_, T>, panels: &mut [T], height: usize, top: usize) {
    for (i, panel) in panels.chunks_exact_mut((height * PANEL).max(1)).enumerate() {
        let start = i * PANEL;
        let part = matrix.slice_columns(start..matrix.columns.min(start + PANEL));
        pack_panel(part, &mut panel[top * PANEL..][..matrix.rows * PANEL]);
    }
}

/// Copies at most [`PANEL`] columns to rows of as many elements. What is after them is arbitrary: it is never read.
fn pack_panel<T: Scalar>(matrix: Matrix<'_, T>, panel: &mut [T]) {
    let (source, (down, right), count) = (matrix.elements, matrix.strides, matrix.columns);
    let first = matrix.offset as isize;
    if right == 1 {
        for (i, row) in panel.chunks_exact_mut(PANEL).enumerate() {
            copy_run(&mut row[..count], &source[(first + i as isize * down) as usize..][..count]);
        }
        return;
    }
    if down != 1 {
        for (i, row) in panel.chunks_exact_mut(PANEL).enumerate() {
            for (j, x) in row[..count].iter_mut().enumerate() {
                *x = source[(first + i as isize * down + j as isize * right) as usize];
            }
        }
        return;
    }
    dispatch(
        #[inline(always)]
        || transpose(source, (first as usize, right), count, panel),
    );
}

/// Copies columns, each of contiguous elements, to rows: squares of 4 x 4, which the compiler transposes in registers, and
/// the rest one by one.
#[inline(always)]
fn transpose<T: Scalar>(source: &[T], (first, right): (usize, isize), count: usize, panel: &mut [T]) {
    const SIDE: usize = 4;
    let column = |j: usize, i: usize| (first as isize + j as isize * right) as usize + i;
    let height = panel.len() / PANEL;
    let squares = |length: usize| length - length % SIDE;
    for (block, rows) in panel.chunks_mut(PACK_ROWS * PANEL).enumerate() {
        let top = block * PACK_ROWS;
        for j in (0..squares(count)).step_by(SIDE) {
            for (i, rows) in rows.chunks_exact_mut(SIDE * PANEL).enumerate() {
                let square: [[T; SIDE]; SIDE] = std::array::from_fn(
                    #[inline(always)]
                    |c| source[column(j + c, top + i * SIDE)..][..SIDE].try_into().expect("of this length"),
                );
                for r in 0..SIDE {
                    let row: &mut [T; SIDE] = (&mut rows[r * PANEL + j..][..SIDE]).try_into().expect("of this length");
                    *row = std::array::from_fn(
                        #[inline(always)]
                        |c| square[c][r],
                    );
                }
            }
        }
    }
    for (i, row) in panel.chunks_exact_mut(PANEL).enumerate() {
        let from = if i < squares(height) { squares(count) } else { 0 };
        for j in from..count {
            row[j] = source[column(j, i)];
        }
    }
}
