//! Which products of a tape read a packed copy of their matrix, and where these copies are kept.

use crate::tuning::{LARGE, MANY_ROWS, VECTOR};
use std::cell::RefCell;
use std::collections::{HashMap, hash_map};
use unspool_tensor::{PackedMatrix, Scalar, Tensor};

/// The packed forms of the matrices that a tape's products have used.
///
/// A recurrent weight is multiplied with at every time step, and its transpose at every step of the
/// backward pass. From its second use on, a copy that the products read in order is kept until the
/// tape is reset. A packed matrix rounds in another order than a plain one, so the choice must not
/// depend on what ran before: the first use within a pass is plain again, and every pass over a
/// tape makes the same bits.
pub(crate) struct PackedWeights<T: Scalar>(RefCell<HashMap<Key, Entry<T>>>);

/// The id of a value, and whether its transpose is meant.
type Key = (u32, bool);

struct Entry<T: Scalar> {
    /// The pass of the latest use; 0 is the forward pass.
    pass: u32,
    packed: Option<PackedMatrix<T>>,
}

impl<T: Scalar> PackedWeights<T> {
    pub(super) fn new() -> Self {
        PackedWeights(RefCell::default())
    }

    /// `a b`, or `a bᵀ`, where `b` is value `id` of the tape; plus `sum`, if there is one.
    ///
    /// | rows of `a` | `b` | product |
    /// |---|---|---|
    /// | at most 1 | any | plain: packing reads `b` once, as the product does |
    /// | fewer than [`MANY_ROWS`] | small, not transposed, rows of whole vectors | plain: it reads `b` from cache in order |
    /// | fewer than [`MANY_ROWS`] | any other matrix | plain at the first use in a pass, packed and kept from the second on |
    /// | many | narrower than a vector | plain: the padding of the packed form would cost more than it gains |
    /// | many | any other matrix | packed for this product alone at the first use, kept from the second on |
    #[track_caller]
    pub(super) fn product(
        &self,
        pass: u32,
        sum: Option<Tensor<T>>,
        a: &Tensor<T>,
        (id, transposed): Key,
        b: &Tensor<T>,
    ) -> Tensor<T> {
        let columns = a.shape().last().copied().unwrap_or(1).max(1);
        let rows = a.numel() / columns;
        let has_many_rows = rows >= MANY_ROWS;
        let is_fast_as_is =
            |b: &Tensor<T>| !transposed && !has_many_rows && b.numel() < LARGE && b.shape()[1].is_multiple_of(VECTOR);
        let is_narrow = |b: &Tensor<T>| has_many_rows && b.shape()[usize::from(!transposed)] < VECTOR;
        if b.rank() != 2 || rows <= 1 || is_fast_as_is(b) || is_narrow(b) {
            return if transposed { plain(sum, a, &b.t()) } else { plain(sum, a, b) };
        }
        let b = if transposed { b.t() } else { b.clone() };
        let mut entries = self.0.borrow_mut();
        let (entry, is_first) = match entries.entry((id, transposed)) {
            hash_map::Entry::Vacant(unused) => (unused.insert(Entry { pass, packed: None }), true),
            hash_map::Entry::Occupied(used) => {
                let entry = used.into_mut();
                let is_first = std::mem::replace(&mut entry.pass, pass) != pass;
                (entry, is_first)
            }
        };
        match is_first {
            true if has_many_rows => with_packed(sum, a, &b.pack()),
            true => plain(sum, a, &b),
            false => with_packed(sum, a, entry.packed.get_or_insert_with(|| b.pack())),
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.get_mut().clear();
    }
}

#[track_caller]
fn with_packed<T: Scalar>(sum: Option<Tensor<T>>, a: &Tensor<T>, b: &PackedMatrix<T>) -> Tensor<T> {
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
