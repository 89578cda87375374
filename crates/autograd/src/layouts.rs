//! Weights laid out for products, while they are on a tape.

use std::cell::RefCell;
use std::collections::HashMap;
use unspool_tensor::{Packed, Scalar, Tensor};

/// The packed forms of the matrices that a tape's products have used.
///
/// A recurrent weight is multiplied with at every time step, and its transpose at every step on the way back. From its
/// second use on, a copy that the products read in order is kept until the tape is reset.
pub(crate) struct Layouts<T: Scalar>(RefCell<HashMap<Key, Layout<T>>>);

/// The id of a value, and whether it is its transpose.
type Key = (u32, bool);

enum Layout<T: Scalar> {
    UsedOnce,
    Packed(Packed<T>),
}

/// Products with more rows than this read a matrix so often that the product crate arranges it better by itself.
const MANY_ROWS: usize = 512;
/// A matrix of fewer elements stays in the second-level cache as it is, and is read as it is if its rows are whole vectors.
const LARGE: usize = 1 << 16;
const VECTOR: usize = 16;

impl<T: Scalar> Layouts<T> {
    pub(crate) fn new() -> Self {
        Layouts(RefCell::default())
    }

    /// `a b`, or `a bᵀ`, where `b` is value `id` of the tape.
    #[track_caller]
    pub(crate) fn product(&self, a: &Tensor<T>, id: u32, b: &Tensor<T>, transposed: bool) -> Tensor<T> {
        let columns = a.shape().last().copied().unwrap_or(1).max(1);
        let rows = a.elements() / columns;
        let is_fine = |b: &Tensor<T>| !transposed && b.elements() < LARGE && b.shape()[1].is_multiple_of(VECTOR);
        if b.rank() != 2 || rows <= 1 || rows > MANY_ROWS || is_fine(b) {
            return if transposed { a.matmul(&b.t()) } else { a.matmul(b) };
        }
        let b = if transposed { b.t() } else { b.clone() };
        let mut layouts = self.0.borrow_mut();
        match layouts.get_mut(&(id, transposed)) {
            None => {
                layouts.insert((id, transposed), Layout::UsedOnce);
                a.matmul(&b)
            }
            Some(Layout::Packed(packed)) => a.matmul_packed(packed),
            Some(once) => {
                let packed = b.pack();
                let product = a.matmul_packed(&packed);
                *once = Layout::Packed(packed);
                product
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.get_mut().clear();
    }
}
