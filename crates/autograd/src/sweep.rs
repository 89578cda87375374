//! Gradients being added up during a backward sweep.

use unspool_tensor::{Packed, Scalar, Shape, Tensor};

/// Gradients while they are being added up, by the id of the value they belong to.
pub(crate) struct Sweep<T: Scalar> {
    slots: Vec<Option<Tensor<T>>>,
    /// Products waiting for the sweep to reach their weight.
    deferred: Vec<Deferred<T>>,
    /// Gradients of which only a part has been written.
    partial: Vec<Partial>,
    /// Room for the rows of deferred products, one pair of lists for all weights.
    spare_pairs: Vec<Vec<Factors<T>>>,
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

/// A gradient whose positions `start..end` along an axis have been written so far.
struct Partial {
    id: u32,
    axis: usize,
    start: usize,
    end: usize,
}

/// Deferred products are computed when this many rows have come together: enough for a product at full speed,
/// few enough that the rows are still in cache.
const ROWS: usize = 256;

impl<T: Scalar> Default for Sweep<T> {
    fn default() -> Self {
        Sweep { slots: Vec::new(), deferred: Vec::new(), partial: Vec::new(), spare_pairs: Vec::new() }
    }
}

impl<T: Scalar> Sweep<T> {
    /// Begins with the gradient of value `id`; nothing that came later on the tape has one.
    pub(crate) fn start(&mut self, id: u32, grad: Tensor<T>) {
        self.slots.resize_with(id as usize + 1, || None);
        self.slots[id as usize] = Some(grad);
    }

    /// The gradient of value `id`, if it has any.
    pub(crate) fn get(&self, id: u32) -> Option<&Tensor<T>> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// Takes the gradient of value `id`, if it has any; a copy of it if it is to be kept.
    #[inline]
    pub(crate) fn take(&mut self, id: u32, keep: bool) -> Option<Tensor<T>> {
        if keep { self.slots[id as usize].clone() } else { self.slots[id as usize].take() }
    }

    /// Forgets all gradients, keeping the room for them.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }

    /// Adds a contribution: the first is kept as it is, later ones are added in place.
    #[inline]
    pub(crate) fn add(&mut self, id: u32, grad: Tensor<T>) {
        self.complete(id);
        let slot = &mut self.slots[id as usize];
        *slot = Some(match slot.take() {
            None => grad,
            Some(sum) => sum.into_zip(
                "add",
                &grad,
                #[inline(always)]
                |a, b| a + b,
            ),
        });
    }

    /// The gradient of value `id`, which has the given shape, so far: to be added to.
    #[inline]
    pub(crate) fn sum(&mut self, id: u32, shape: Shape) -> &mut Tensor<T> {
        self.complete(id);
        self.slots[id as usize].get_or_insert_with(|| Tensor::zeros(shape))
    }

    /// Adds to the gradient of value `id`, which has the given shape, at the positions `(axis, start, step)`.
    #[track_caller]
    pub(crate) fn add_part(
        &mut self,
        id: u32,
        shape: Shape,
        (axis, start, step): (usize, usize, isize),
        grad: &Tensor<T>,
    ) {
        let end = start + grad.shape().get(axis).copied().unwrap_or(0);
        let slot = &mut self.slots[id as usize];
        let open = self.partial.iter().position(|p| p.id == id);
        let side_by_side = |p: &&mut Partial| step == 1 && p.axis == axis && (p.start == end || p.end == start);
        let continued = open.map(|i| &mut self.partial[i]).filter(side_by_side);
        match (slot, continued) {
            (Some(sum), Some(part)) => {
                sum.write(axis, start, grad);
                (part.start, part.end) = (part.start.min(start), part.end.max(end));
            }
            (slot @ None, _) if step == 1 => {
                slot.insert(Tensor::scratch(shape)).write(axis, start, grad);
                self.partial.push(Partial { id, axis, start, end });
            }
            _ => self.sum(id, shape).add_part(axis, start, step, grad),
        }
    }

    /// Writes zeros where nothing has been written to the gradient of value `id`.
    #[inline]
    fn complete(&mut self, id: u32) {
        if let Some(i) = self.partial.iter().position(|p| p.id == id) {
            let Partial { axis, start, end, .. } = self.partial.swap_remove(i);
            let sum = self.slots[id as usize].as_mut().expect("a part of it was written");
            let shape = sum.shape();
            let zero = Tensor::scalar(T::ZERO);
            for (from, to) in [(0, start), (end, shape[axis])] {
                if from < to {
                    sum.write(axis, from, &zero.expand(shape.with(axis, to - from)));
                }
            }
        }
    }

    /// Adds the contribution `aᵀ grad`, later.
    pub(crate) fn add_matmul_tn(&mut self, id: u32, a: &Tensor<T>, grad: &Tensor<T>) {
        let at = self.deferred.iter().position(|d| d.id == id).unwrap_or_else(|| {
            let pairs = self.spare_pairs.pop().unwrap_or_default();
            self.deferred.push(Deferred { id, rows: 0, pairs });
            self.deferred.len() - 1
        });
        let deferred = &mut self.deferred[at];
        let (a, grad) = (a.rows(), grad.rows());
        deferred.rows += a.shape()[0];
        deferred.pairs.push(Factors { a, grad });
        if deferred.rows >= ROWS {
            self.settle(id);
        }
    }

    /// Computes what has been deferred for this id.
    #[inline]
    pub(crate) fn settle(&mut self, id: u32) {
        self.complete(id);
        if let Some(i) = self.deferred.iter().position(|d| d.id == id) {
            let mut deferred = self.deferred.swap_remove(i);
            compute(&mut self.slots[id as usize], &mut deferred.pairs);
            self.spare_pairs.push(deferred.pairs);
        }
    }
}

/// Adds the sum of the products `aᵀ g`, as one product over all their rows, to `slot`.
fn compute<T: Scalar>(slot: &mut Option<Tensor<T>>, pairs: &mut Vec<Factors<T>>) {
    if pairs.is_empty() {
        return;
    }
    let a = join_rows(pairs.iter().map(|pair| &pair.a));
    let grad = Packed::concat(pairs.iter().map(|pair| &pair.grad));
    pairs.clear();
    match slot {
        Some(sum) => sum.add_matmul_packed(&a.t(), &grad),
        None => *slot = Some(a.t().matmul_packed(&grad)),
    }
}

/// Matrices of one width, at least one of them, on top of each other.
fn join_rows<'a, T: Scalar>(parts: impl ExactSizeIterator<Item = &'a Tensor<T>> + Clone) -> Tensor<T> {
    if parts.len() == 1 { parts.last().expect("one").clone() } else { Tensor::concat(0, parts) }
}
