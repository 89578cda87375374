//! Which products of a tape read a packed copy of their matrix, and where these copies are kept.

use crate::tuning::LARGE;
use std::cell::RefCell;
use std::collections::{HashMap, hash_map};
use std::ops::Range;
use unspool_tensor::{PackedMatrix, Scalar, Tensor};

/// The packed forms of the matrices that a tape's products have used.
///
/// A recurrent weight is multiplied with at every time step, and its transpose at every step of the
/// backward pass. A copy that the products read in order is kept until the tape is reset. It changes no
/// bits: packed or not, a product adds in the same order.
pub(crate) struct PackedWeights<T: Scalar>(RefCell<HashMap<Key, Option<PackedMatrix<T>>>>);

/// The id of a value, and whether its transpose is meant.
type Key = (u32, bool);

impl<T: Scalar> PackedWeights<T> {
    pub(super) fn new() -> Self {
        PackedWeights(RefCell::new(HashMap::new()))
    }

    /// `a b`, or `a bᵀ`, where `b` is value `id` of the tape; plus `sum`, if there is one.
    ///
    /// A small matrix is read as it is. A large one is packed at its second use, and a transpose at its first: a product
    /// that is given one packs it, too.
    #[track_caller]
    pub(super) fn product(
        &self,
        sum: Option<Tensor<T>>,
        a: &Tensor<T>,
        (id, transposed): Key,
        b: &Tensor<T>,
    ) -> Tensor<T> {
        if b.rank() != 2 || (!transposed && b.numel() < LARGE) {
            return if transposed { plain(sum, a, &b.t()) } else { plain(sum, a, b) };
        }
        let b = if transposed { b.t() } else { b.clone() };
        let mut entries = self.0.borrow_mut();
        let packed = match entries.entry((id, transposed)) {
            hash_map::Entry::Vacant(unused) if !transposed => {
                unused.insert(None);
                return plain(sum, a, &b);
            }
            entry => entry.or_default().get_or_insert_with(|| b.pack()),
        };
        match sum {
            None => a.matmul_packed(packed),
            Some(mut sum) => {
                sum.add_matmul_packed(a, packed);
                sum
            }
        }
    }

    /// Drops the copies of matrices that were computed in a segment whose values are dropped.
    pub(super) fn drop_copies(&mut self, segment: Range<u32>) {
        self.0.get_mut().retain(|(id, _), _| !segment.contains(id));
    }

    /// Forgets the matrices from value `since` on: their ids are used again.
    pub(super) fn forget_from(&mut self, since: u32) {
        self.0.get_mut().retain(|&(id, _), _| id < since);
    }

    pub(super) fn clear(&mut self) {
        self.0.get_mut().clear();
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
