//! Gradients while a backward pass adds them up.

use crate::tuning::DEFERRED_ROWS;
use std::ops::Range;
use unspool_tensor::{PackedMatrix, Scalar, Shape, Tensor};

/// The gradients so far, by the id of the value they belong to.
///
/// A sequence uses each weight, and cuts each input, once per time step. So contributions are not
/// simply added: products `aᵀ g` of one weight wait until many can be computed as one, and slices
/// of one gradient are written next to each other without zeros first.
/// [`settle`](Accumulator::settle) completes a gradient before it is read.
pub(crate) struct Accumulator<T: Scalar> {
    slots: Vec<Option<Tensor<T>>>,
    /// The products that wait for the pass to reach their weight, or for more rows.
    deferred: Vec<Deferred<T>>,
    /// The gradients of which only a range is written yet; the rest of their elements are
    /// arbitrary.
    partial: Vec<Partial>,
    /// The capacity of earlier lists of factors.
    spare_factors: Vec<Vec<Factors<T>>>,
}

/// The contributions `aᵀ g` to one weight that have not been computed yet.
struct Deferred<T: Scalar> {
    id: u32,
    rows: usize,
    pairs: Vec<Factors<T>>,
}

/// The factors of one contribution, as matrices with the same number of rows.
struct Factors<T: Scalar> {
    a: Tensor<T>,
    grad: Tensor<T>,
}

/// A gradient whose positions `start..end` along an axis are written.
struct Partial {
    id: u32,
    axis: usize,
    start: usize,
    end: usize,
}

impl<T: Scalar> Default for Accumulator<T> {
    fn default() -> Self {
        Accumulator { slots: Vec::new(), deferred: Vec::new(), partial: Vec::new(), spare_factors: Vec::new() }
    }
}

impl<T: Scalar> Accumulator<T> {
    /// The length of the tape up to which there may be gradients.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Begins with the gradient of value `id`; values after it on the tape have none.
    pub(super) fn start(&mut self, id: u32, grad: Tensor<T>) {
        self.slots.resize_with(id as usize + 1, || None);
        self.slots[id as usize] = Some(grad);
    }

    /// Makes room for the gradients of the values before `id`.
    pub(super) fn reserve(&mut self, id: u32) {
        if self.slots.len() < id as usize {
            self.slots.resize_with(id as usize, || None);
        }
    }

    /// The gradient of value `id`, if it has any.
    pub(crate) fn get(&self, id: u32) -> Option<&Tensor<T>> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// Whether one of these values has a gradient so far.
    pub(super) fn reach(&self, ids: Range<u32>) -> bool {
        self.slots[ids.start as usize..ids.end as usize].iter().any(Option::is_some)
            || self.deferred.iter().any(|deferred| ids.contains(&deferred.id))
    }

    /// Takes the gradient of value `id`, if it has any; a copy of it if it is to be kept. Taking it
    /// leaves one owner, so that the op may reuse its memory.
    #[inline]
    pub(super) fn take(&mut self, id: u32, keep: bool) -> Option<Tensor<T>> {
        if keep { self.slots[id as usize].clone() } else { self.slots[id as usize].take() }
    }

    /// Drops all gradients and keeps the capacity.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }

    /// Adds a contribution: the first is kept as is, later ones are added in place.
    #[inline]
    pub(super) fn add(&mut self, id: u32, grad: Tensor<T>) {
        self.fill_zeros(id);
        let slot = &mut self.slots[id as usize];
        *slot = Some(match slot.take() {
            None => grad,
            Some(sum) => sum + &grad,
        });
    }

    /// The gradient of value `id` so far, of the given shape, to be added to.
    #[inline]
    pub(super) fn sum(&mut self, id: u32, shape: Shape) -> &mut Tensor<T> {
        self.fill_zeros(id);
        self.slots[id as usize].get_or_insert_with(|| Tensor::zeros(shape))
    }

    /// Adds to the positions `(axis, start, step)` of the gradient of value `id`, which has the
    /// given shape.
    ///
    /// The steps of a sequence come one next to the other, the last first: each is written once,
    /// and nothing is set to zero. Any other order falls back to adding to zeros.
    #[track_caller]
    pub(super) fn slice_add(
        &mut self,
        id: u32,
        shape: Shape,
        (axis, start, step): (usize, usize, isize),
        grad: &Tensor<T>,
    ) {
        let end = start + grad.shape().get(axis).copied().unwrap_or(0);
        let slot = &mut self.slots[id as usize];
        let open = self.partial.iter().position(|p| p.id == id);
        let is_next = |p: &&mut Partial| step == 1 && p.axis == axis && (p.start == end || p.end == start);
        let continued = open.map(|i| &mut self.partial[i]).filter(is_next);
        match (slot, continued) {
            (Some(sum), Some(written)) => {
                sum.slice_assign(axis, start, grad);
                (written.start, written.end) = (written.start.min(start), written.end.max(end));
            }
            (slot @ None, _) if step == 1 => {
                slot.insert(Tensor::scratch(shape)).slice_assign(axis, start, grad);
                self.partial.push(Partial { id, axis, start, end });
            }
            _ => self.sum(id, shape).slice_add(axis, start, step, grad),
        }
    }

    /// Writes zeros to the positions of the gradient of value `id` that are not written yet.
    #[inline]
    fn fill_zeros(&mut self, id: u32) {
        if let Some(i) = self.partial.iter().position(|p| p.id == id) {
            self.fill_partial(i);
        }
    }

    #[inline(never)] // so that the rest is inlined
    fn fill_partial(&mut self, i: usize) {
        let Partial { id, axis, start, end } = self.partial.swap_remove(i);
        let sum = self.slots[id as usize].as_mut().expect("a range of it is written");
        let shape = sum.shape();
        let zero = Tensor::scalar(T::ZERO);
        for (from, to) in [(0, start), (end, shape[axis])] {
            if from < to {
                sum.slice_assign(axis, from, &zero.expand(shape.with(axis, to - from)));
            }
        }
    }

    /// Adds the contribution `aᵀ grad`, later: one product over many rows is faster than many over
    /// few.
    pub(super) fn add_matmul_tn(&mut self, id: u32, a: &Tensor<T>, grad: &Tensor<T>) {
        let at = self.deferred.iter().position(|d| d.id == id).unwrap_or_else(|| {
            let pairs = self.spare_factors.pop().unwrap_or_default();
            self.deferred.push(Deferred { id, rows: 0, pairs });
            self.deferred.len() - 1
        });
        let deferred = &mut self.deferred[at];
        let (a, grad) = (a.as_matrix(), grad.as_matrix());
        deferred.rows += a.shape()[0];
        deferred.pairs.push(Factors { a, grad });
        if deferred.rows >= DEFERRED_ROWS {
            self.settle(id);
        }
    }

    /// Whether products wait that belong to the gradient of value `id`.
    pub(super) fn defers(&self, id: u32) -> bool {
        self.deferred.iter().any(|deferred| deferred.id == id)
    }

    /// The bytes of the gradients of the values up to `id`, memory that they share once, and of those
    /// that wait as a factor.
    pub(super) fn bytes(&self, id: u32) -> usize {
        let gradients = self.slots[..=id as usize].iter().flatten();
        let mut blocks: Vec<(usize, usize)> = gradients.flat_map(Tensor::blocks).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let waiting = |deferred: &Deferred<T>| {
            let columns = deferred.pairs.first().map_or(0, |pair| pair.grad.shape()[1]);
            deferred.rows * columns * size_of::<T>()
        };
        blocks.iter().map(|(_, bytes)| bytes).sum::<usize>() + self.deferred.iter().map(waiting).sum::<usize>()
    }

    /// Completes the gradient of value `id`: computes what is deferred, and fills in zeros.
    #[inline]
    pub(super) fn settle(&mut self, id: u32) {
        self.fill_zeros(id);
        if let Some(i) = self.deferred.iter().position(|d| d.id == id) {
            let mut deferred = self.deferred.swap_remove(i);
            compute(&mut self.slots[id as usize], &mut deferred.pairs);
            self.spare_factors.push(deferred.pairs);
        }
    }

    /// Completes all gradients.
    pub(super) fn settle_all(&mut self) {
        let unsettled: Vec<u32> = self.deferred.iter().map(|d| d.id).chain(self.partial.iter().map(|p| p.id)).collect();
        unsettled.into_iter().for_each(|id| self.settle(id));
    }
}

/// Adds the sum of the products `aᵀ g`, as one product over all their rows, to `slot`.
fn compute<T: Scalar>(slot: &mut Option<Tensor<T>>, pairs: &mut Vec<Factors<T>>) {
    if pairs.is_empty() {
        return;
    }
    let a = join_rows(pairs.iter().map(|pair| &pair.a));
    let grad = PackedMatrix::concat(pairs.iter().map(|pair| &pair.grad));
    pairs.clear();
    match slot {
        Some(sum) => sum.add_matmul_packed(&a.t(), &grad),
        None => *slot = Some(a.t().matmul_packed(&grad)),
    }
}

/// The rows of matrices of one width, at least one of them, one matrix after the other.
fn join_rows<'a, T: Scalar>(matrices: impl ExactSizeIterator<Item = &'a Tensor<T>> + Clone) -> Tensor<T> {
    if matrices.len() == 1 { matrices.last().expect("one").clone() } else { Tensor::concat(0, matrices) }
}
