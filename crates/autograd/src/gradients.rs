//! The backward sweep and its result.

use crate::op::{Contributions, Inputs};
use crate::params::{Params, Path};
use crate::rules::RuleRef;
use crate::tape::{Record, Tape};
use crate::var::Var;
use unspool_tensor::{Scalar, Shape, Tensor};

/// The gradients of one loss with respect to the variables of its tape: what
/// [`Var::backward`](crate::Var::backward) returns.
pub struct Gradients<'t, T: Scalar = f32> {
    tape: &'t Tape<T>,
    sweep: Sweep<T>,
}

/// Gradients while they are being added up, by the id of the value they belong to.
pub(crate) struct Sweep<T: Scalar> {
    slots: Vec<Option<Tensor<T>>>,
    /// Products waiting for the sweep to reach their weight.
    deferred: Vec<Deferred<T>>,
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

/// Deferred products are computed when this many rows have come together: enough for a product at full speed,
/// few enough that the rows are still in cache.
const ROWS: usize = 512;

impl<T: Scalar> Default for Sweep<T> {
    fn default() -> Self {
        Sweep { slots: Vec::new(), deferred: Vec::new(), spare_pairs: Vec::new() }
    }
}

impl<T: Scalar> Sweep<T> {
    /// Adds a contribution: the first is kept as it is, later ones are added in place.
    #[inline]
    pub(crate) fn add(&mut self, id: u32, grad: Tensor<T>) {
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

    pub(crate) fn add_part(&mut self, id: u32, shape: Shape, axis: usize, start: usize, grad: &Tensor<T>) {
        let slot = self.slots[id as usize].get_or_insert_with(|| Tensor::zeros(shape));
        slot.add_part(axis, start, grad);
    }

    pub(crate) fn add_product(&mut self, id: u32, a: &Tensor<T>, grad: &Tensor<T>) {
        let deferred = match self.deferred.iter_mut().find(|d| d.id == id) {
            Some(deferred) => deferred,
            None => {
                let pairs = self.spare_pairs.pop().unwrap_or_default();
                self.deferred.push(Deferred { id, rows: 0, pairs });
                self.deferred.last_mut().expect("just pushed")
            }
        };
        let (a, grad) = (a.rows(), grad.rows());
        deferred.rows += a.shape()[0];
        deferred.pairs.push(Factors { a, grad });
        if deferred.rows >= ROWS {
            deferred.rows = 0;
            compute(&mut self.slots[id as usize], &mut deferred.pairs);
        }
    }

    /// Computes what has been deferred for this id.
    #[inline]
    fn settle(&mut self, id: u32) {
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
    let grad = join_rows(pairs.iter().map(|pair| &pair.grad));
    pairs.clear();
    match slot {
        Some(sum) => sum.add_product(&a, &grad),
        None => *slot = Some(a.t().matmul(&grad)),
    }
}

/// Matrices of one width, at least one of them, on top of each other.
fn join_rows<'a, T: Scalar>(parts: impl Iterator<Item = &'a Tensor<T>> + Clone) -> Tensor<T> {
    let rows = parts.clone().map(|part| part.shape()[0]).sum();
    let first = parts.clone().next().expect("at least one matrix");
    if first.shape()[0] == rows {
        return first.clone(); // the only one, or the only one with any rows
    }
    let mut end = 0;
    let placed = parts.map(|part| {
        end += part.shape()[0];
        (end - part.shape()[0], part)
    });
    Tensor::assemble([rows, first.shape()[1]], 0, placed)
}

impl<'t, T: Scalar> Gradients<'t, T> {
    /// Sweeps from `loss`, whose gradient is `seed`, back to the variables.
    pub(crate) fn sweep(loss: Var<'t, T>, seed: Tensor<T>) -> Self {
        let tape = loss.tape;
        let mut sweep = std::mem::take(&mut tape.record.borrow_mut().spare);
        let record = &*tape.record.borrow();
        sweep.slots.resize_with(loss.id as usize + 1, || None);
        sweep.slots[loss.id as usize] = Some(seed);
        for id in (0..=loss.id).rev() {
            sweep.step(record, id);
        }
        Gradients { tape, sweep }
    }

    /// The gradients with respect to the parameters of a model that was bound to the tape, as a model.
    ///
    /// A parameter that the loss does not depend on has gradient zero.
    ///
    /// # Panics
    /// If a parameter is not a variable of this tape.
    #[track_caller]
    pub fn of<N: Params<Var<'t, T>>>(&self, net: &N) -> N::With<Tensor<T>> {
        // A closure cannot pass on the caller's line, so the first failure is kept and told outside.
        let mut failure = None;
        let gradients = net.map_leaves(Path::ROOT, &mut |path, &var| {
            self.get(var).unwrap_or_else(|why| {
                failure.get_or_insert_with(|| format!("gradient of {path}: {why}"));
                Tensor::zeros([])
            })
        });
        if let Some(failure) = failure {
            panic!("{failure}");
        }
        gradients
    }

    /// The gradient with respect to one variable: zero if the loss does not depend on it.
    ///
    /// # Panics
    /// If `var` is not a variable of this tape: a constant, a computed value (gradients of these are not
    /// kept), or from another tape.
    #[track_caller]
    pub fn wrt(&self, var: Var<'t, T>) -> Tensor<T> {
        match self.get(var) {
            Ok(grad) => grad,
            Err(why) => panic!("gradient: {why}"),
        }
    }

    fn get(&self, var: Var<'t, T>) -> Result<Tensor<T>, &'static str> {
        if !std::ptr::eq(var.tape, self.tape) {
            return Err("the variable belongs to another tape");
        }
        let record = self.tape.record.borrow();
        let node = record.nodes[var.id as usize];
        if !node.needs_gradient {
            return Err("a constant has none");
        }
        if node.rule != RuleRef::LEAF {
            return Err("that of a computed value is not kept");
        }
        Ok(match self.sweep.slots.get(var.id as usize) {
            Some(Some(grad)) => grad.contiguous(),
            _ => Tensor::zeros(record.values[var.id as usize].shape()),
        })
    }
}

impl<T: Scalar> Sweep<T> {
    /// Passes the gradient of value `id` on to what it was made of.
    #[inline]
    fn step(&mut self, record: &Record<T>, id: u32) {
        self.settle(id);
        let node = record.nodes[id as usize];
        if node.rule == RuleRef::LEAF {
            return;
        }
        let Some(grad) = self.slots[id as usize].take() else { return };
        let inputs = Inputs { values: &record.values, ids: record.inputs_of(node) };
        let mut into = Contributions { sweep: self, nodes: &record.nodes, inputs };
        record.rules.backward(node.rule, inputs, &record.values[id as usize], grad, &mut into);
    }
}

impl<T: Scalar> Drop for Gradients<'_, T> {
    /// Gives the room back to the tape, for the next sweep.
    fn drop(&mut self) {
        self.sweep.slots.clear();
        if let Ok(mut record) = self.tape.record.try_borrow_mut() {
            record.spare = std::mem::take(&mut self.sweep);
        }
    }
}
