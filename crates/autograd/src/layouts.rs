//! Weights laid out for products, while they are on a tape.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use unspool_tensor::{Packed, Scalar, Tensor};

/// The packed forms of the matrices that a tape's products have used.
///
/// A recurrent weight is multiplied with at every time step, and its transpose at every step on the way back. From its
/// second use on, a copy that the products read in order is kept until the tape is reset. (In another order they round in
/// another way. The first use of a sweep is a first one again, so that every sweep over a tape makes the same bits.)
pub(crate) struct Layouts<T: Scalar>(RefCell<HashMap<Key, Layout<T>>>);

/// The id of a value, and whether it is its transpose.
type Key = (u32, bool);

struct Layout<T: Scalar> {
    /// Which sweep the last first use was in; 0 going forwards.
    sweep: u32,
    packed: Option<Packed<T>>,
}

/// A product with so many rows reads its matrix so often that the copy pays for this product alone; it is not kept.
const MANY_ROWS: usize = 512;
/// A matrix of fewer elements stays in the second-level cache as it is, and is read as it is if its rows are whole vectors.
const LARGE: usize = 1 << 16;
const VECTOR: usize = 16;

impl<T: Scalar> Layouts<T> {
    pub(crate) fn new() -> Self {
        Layouts(RefCell::default())
    }

    /// `a b`, or `a bᵀ`, where `b` is value `id` of the tape; plus `sum`, if there is one. In the sweep of this number, or going
    /// forwards.
    #[track_caller]
    pub(crate) fn product(
        &self,
        sweep: u32,
        sum: Option<Tensor<T>>,
        a: &Tensor<T>,
        (id, transposed): Key,
        b: &Tensor<T>,
    ) -> Tensor<T> {
        let columns = a.shape().last().copied().unwrap_or(1).max(1);
        let rows = a.elements() / columns;
        let has_many_rows = rows >= MANY_ROWS;
        let is_fine = |b: &Tensor<T>| {
            !transposed && !has_many_rows && b.elements() < LARGE && b.shape()[1].is_multiple_of(VECTOR)
        };
        // The padding of a narrow one would cost more than it brings.
        let is_narrow = |b: &Tensor<T>| has_many_rows && b.shape()[usize::from(!transposed)] < VECTOR;
        if b.rank() != 2 || rows <= 1 || is_fine(b) || is_narrow(b) {
            return if transposed { plain(sum, a, &b.t()) } else { plain(sum, a, b) };
        }
        let b = if transposed { b.t() } else { b.clone() };
        let mut layouts = self.0.borrow_mut();
        let (layout, is_first) = match layouts.entry((id, transposed)) {
            Entry::Vacant(unused) => (unused.insert(Layout { sweep, packed: None }), true),
            Entry::Occupied(used) => {
                let layout = used.into_mut();
                let is_first = std::mem::replace(&mut layout.sweep, sweep) != sweep;
                (layout, is_first)
            }
        };
        match is_first {
            true if has_many_rows => with_packed(sum, a, &b.pack()),
            true => plain(sum, a, &b),
            false => with_packed(sum, a, layout.packed.get_or_insert_with(|| b.pack())),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.get_mut().clear();
    }
}

#[track_caller]
fn with_packed<T: Scalar>(sum: Option<Tensor<T>>, a: &Tensor<T>, b: &Packed<T>) -> Tensor<T> {
    match sum {
        None => a.matmul_packed(b),
        Some(mut sum) => {
            sum.add_matmul_packed(a, b);
            sum
        }
    }
}

#[track_caller]
fn plain<T: Scalar>(sum: Option<Tensor<T>>, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    match sum {
        None => a.matmul(b),
        Some(mut sum) => {
            sum.add_matmul(a, b);
            sum
        }
    }
}
