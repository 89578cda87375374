//! One product cut into strips of columns, which several threads may compute.

use crate::scalar::Scalar;
use crate::scalar::gemm::{Matrix, Product};
use crate::tuning::{PANEL, PARALLEL_PANELS, PARALLEL_PRODUCT};
use rayon::prelude::*;

/// Checks the operands, so that the product reads and writes in bounds, and multiplies.
#[inline]
pub(crate) fn multiply<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], add: bool) {
    check(a, b, c);
    // SAFETY: checked above, and `c` is borrowed mutably.
    T::gemm(unsafe { Product::new(a, b, c.as_mut_ptr(), b.columns, add) });
}

/// The same, shared among several threads if it is large.
///
/// Each element is computed by one of them, in the same way, so the bits do not depend on the number of threads.
#[inline]
pub(crate) fn multiply_on_all<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], add: bool) {
    if c.len().saturating_mul(b.rows) < PARALLEL_PRODUCT {
        return multiply(a, b, c, add);
    }
    check(a, b, c);
    let (c, width) = (Disjoint(c.as_mut_ptr()), PARALLEL_PANELS * PANEL);
    (0..b.columns.div_ceil(width)).into_par_iter().for_each(|i| {
        let strip = b.slice_columns(i * width..b.columns.min((i + 1) * width));
        // SAFETY: checked above: `c` holds all rows of `b.columns` elements, and no other strip writes these columns.
        T::gemm(unsafe { Product::new(a, strip, c.get().add(i * width), b.columns, add) });
    });
}

fn check<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &[T]) {
    assert!(a.columns == b.rows && c.len() >= a.rows * b.columns && a.is_in_bounds() && b.is_in_bounds());
}

/// The first element of a result of which several threads write different columns.
struct Disjoint<T>(*mut T);

// SAFETY: every thread writes other elements, see `multiply_on_all`.
unsafe impl<T: Scalar> Sync for Disjoint<T> {}

impl<T> Disjoint<T> {
    // A method, so that closures capture the whole struct, which is `Sync`, and not the pointer, which is not.
    fn get(&self) -> *mut T {
        self.0
    }
}
