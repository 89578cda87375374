//! Which products of a tape read a packed copy of their matrix, and where these copies are kept.

use crate::tuning::{LARGE, MANY_ROWS, VECTOR};
use std::cell::RefCell;
use std::collections::{HashMap, hash_map};
use std::ops::Range;
use unspool_tensor::{PackedMatrix, Scalar, Tensor};

/// The packed forms of the matrices that a tape's products have used.
///
/// A recurrent weight is multiplied with at every time step, and its transpose at every step of the
/// backward pass. From its second use on, a copy that the products read in order is kept until the
/// tape is reset. A packed matrix rounds in another order than a plain one, so the choice must not
/// depend on what ran before: the first use within a pass is plain again, and every pass over a
/// tape makes the same bits.
pub(crate) struct PackedWeights<T: Scalar>(RefCell<Uses<T>>);

struct Uses<T: Scalar> {
    entries: HashMap<Key, Entry<T>>,
    /// The values that were the first use of a matrix in a forward pass, in ascending order: made
    /// again, they take the plain product again.
    first: Vec<(u32, Key)>,
    /// The number of replays so far.
    replays: usize,
    /// The matrices of which a copy is kept.
    copies: Vec<Key>,
}

/// When an op runs.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Turn {
    /// As it is recorded, as value `node`.
    Forward { node: u32 },
    /// Once more, for a backward pass that needs value `node` again.
    Replay { node: u32 },
    /// In a backward pass of the tape; they are counted from 0.
    Backward { pass: u32 },
}

/// The id of a value, and whether its transpose is meant.
type Key = (u32, bool);

struct Entry<T: Scalar> {
    /// The backward pass of the latest use; `None` in a forward pass.
    pass: Option<u32>,
    /// The latest replay in which a first use was repeated.
    replay: usize,
    packed: Option<PackedMatrix<T>>,
}

impl<T: Scalar> PackedWeights<T> {
    pub(super) fn new() -> Self {
        PackedWeights(RefCell::new(Uses { entries: HashMap::new(), first: Vec::new(), replays: 0, copies: Vec::new() }))
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
        turn: Turn,
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
        let uses = &mut *self.0.borrow_mut();
        let key = (id, transposed);
        let pass = match turn {
            Turn::Backward { pass } => Some(pass),
            Turn::Forward { .. } | Turn::Replay { .. } => None,
        };
        let (entry, is_new) = match uses.entries.entry(key) {
            hash_map::Entry::Vacant(unused) => (unused.insert(Entry { pass, replay: 0, packed: None }), true),
            hash_map::Entry::Occupied(used) => (used.into_mut(), false),
        };
        let is_first = match turn {
            Turn::Replay { node } => {
                let at = uses.first.partition_point(|&(first, _)| first < node);
                uses.first[at..].iter().take_while(|&&(first, _)| first == node).any(|&(_, first)| first == key)
                    && std::mem::replace(&mut entry.replay, uses.replays) != uses.replays
            }
            Turn::Forward { .. } | Turn::Backward { .. } => std::mem::replace(&mut entry.pass, pass) != pass || is_new,
        };
        if let (true, Turn::Forward { node }) = (is_first, turn) {
            uses.first.push((node, key));
        }
        match is_first {
            true if has_many_rows => with_packed(sum, a, &b.pack()),
            true => plain(sum, a, &b),
            false => {
                let copies = &mut uses.copies;
                let packed = entry.packed.get_or_insert_with(|| {
                    copies.push(key);
                    b.pack()
                });
                with_packed(sum, a, packed)
            }
        }
    }

    /// Before values are made again, each of them once.
    pub(super) fn begin_replay(&mut self) {
        self.0.get_mut().replays += 1;
    }

    /// Drops the copies of matrices that were computed in a segment whose values are dropped.
    pub(super) fn drop_copies(&mut self, segment: Range<u32>) {
        let uses = self.0.get_mut();
        uses.copies.retain(|key| {
            let stays = !segment.contains(&key.0);
            if !stays && let Some(entry) = uses.entries.get_mut(key) {
                entry.packed = None;
            }
            stays
        });
    }

    /// Forgets the matrices from value `since` on: their ids are used again.
    pub(super) fn forget_from(&mut self, since: u32) {
        let uses = self.0.get_mut();
        uses.first.truncate(uses.first.partition_point(|&(node, _)| node < since));
        if uses.entries.keys().any(|&(id, _)| id >= since) {
            uses.entries.retain(|&(id, _), _| id < since);
            uses.copies.retain(|&(id, _)| id < since);
        }
    }

    pub(super) fn clear(&mut self) {
        let uses = self.0.get_mut();
        uses.entries.clear();
        uses.first.clear();
        uses.copies.clear();
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
