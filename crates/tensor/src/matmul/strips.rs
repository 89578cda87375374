//! One product cut into strips of columns, which several threads may compute.

use crate::scalar::Scalar;
use crate::scalar::gemm::{Matrix, Product};
use rayon::prelude::*;

/// Checks the operands, so that the product reads and writes in bounds, and multiplies.
#[inline]
pub(crate) fn multiply<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], add: bool) {
    multiply_strips(a, (b.columns, b.columns.max(1), a.rows.max(1)), |_| b, c, add, false);
}

/// The product of `a` with a matrix of `columns` columns, in strips of `width` columns (the last
/// may be narrower): strip `i` is `strip(i)`. At most `rows` rows of `a` are multiplied at once.
///
/// If `parallel`, several threads may take strips. Each element is computed by one of them, in the
/// same way, so the bits do not depend on the number of threads.
#[inline]
pub(crate) fn multiply_strips<'b, T: Scalar>(
    a: Matrix<'_, T>,
    (columns, width, rows): (usize, usize, usize),
    strip: impl Fn(usize) -> Matrix<'b, T> + Sync,
    c: &mut [T],
    add: bool,
    parallel: bool,
) {
    if a.rows == 0 || columns == 0 {
        return;
    }
    assert!(c.len() >= a.rows * columns && a.is_in_bounds());
    let c = Disjoint(c.as_mut_ptr());
    let multiply = |i: usize| {
        let (b, start) = (strip(i), i * width);
        assert!(b.columns == width.min(columns - start) && a.columns == b.rows && b.is_in_bounds());
        for top in (0..a.rows).step_by(rows) {
            let a = a.slice_rows(top..a.rows.min(top + rows));
            // SAFETY: `c` holds all rows of `columns` elements, and `start` is less than that. The operands were checked
            // above, and no other strip writes these columns.
            T::gemm(unsafe { Product::new(a, b, c.get().add(top * columns + start), columns, add) });
        }
    };
    let strips = columns.div_ceil(width);
    if parallel { (0..strips).into_par_iter().for_each(multiply) } else { (0..strips).for_each(multiply) }
}

/// The first element of a result of which several threads write different columns.
struct Disjoint<T>(*mut T);

// SAFETY: every thread writes other elements, see `multiply_strips`.
unsafe impl<T: Scalar> Sync for Disjoint<T> {}

impl<T> Disjoint<T> {
    // A method, so that closures capture the whole struct, which is `Sync`, and not the pointer, which is not.
    fn get(&self) -> *mut T {
        self.0
    }
}
