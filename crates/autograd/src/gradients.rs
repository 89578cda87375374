//! The backward sweep and its result.

use crate::op::{InputGrads, Inputs};
use crate::params::{Params, Path};
use crate::rules::RuleRef;
use crate::sweep::Sweep;
use crate::tape::{Record, Tape};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

/// The gradients of one loss with respect to the variables of its tape: what
/// [`Var::backward`](crate::Var::backward) returns.
pub struct Gradients<'t, T: Scalar = f32> {
    tape: &'t Tape<T>,
    sweep: Sweep<T>,
    /// Which sweep of the tape this was.
    number: u32,
}

impl<'t, T: Scalar> Gradients<'t, T> {
    /// Sweeps from `loss`, whose gradient is `seed`, back to the variables.
    pub(crate) fn sweep(loss: Var<'t, T>, seed: Tensor<T>) -> Self {
        let tape = loss.tape;
        let (mut sweep, number) = {
            let record = &mut *tape.record.borrow_mut();
            record.sweeps += 1;
            (std::mem::take(&mut record.spare), record.sweeps - 1)
        };
        let record = &*tape.record.borrow();
        sweep.start(loss.id, seed);
        for id in (0..=loss.id).rev() {
            step(&mut sweep, record, id, number);
        }
        Gradients { tape, sweep, number }
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

    /// The gradient with respect to one value: zero if the loss does not depend on it.
    ///
    /// # Panics
    /// If `var` is a constant, from another tape, or a computed value whose gradient was not to be kept (see
    /// [`retain_grad`](crate::Var::retain_grad)).
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
        if node.rule != RuleRef::LEAF && node.retained_from > self.number {
            return Err("that of a computed value is kept only if retain_grad() was called on it before");
        }
        Ok(match self.sweep.get(var.id) {
            Some(grad) => grad.contiguous(),
            None => Tensor::zeros(record.values[var.id as usize].shape()),
        })
    }
}

/// Passes the gradient of value `id` on to what it was made of.
#[inline]
fn step<T: Scalar>(sweep: &mut Sweep<T>, record: &Record<T>, id: u32, number: u32) {
    sweep.settle(id);
    let node = record.nodes[id as usize];
    if node.rule == RuleRef::LEAF {
        return;
    }
    let Some(grad) = sweep.take(id, node.retained_from <= number) else { return };
    let (ids, sweep_number) = (record.inputs_of(node), number + 1);
    let inputs = Inputs { values: &record.values, ids, layouts: &record.layouts, sweep: sweep_number };
    let mut into = InputGrads { sweep, nodes: &record.nodes, inputs };
    record.rules.backward(node.rule, inputs, &record.values[id as usize], grad, &mut into);
}

impl<T: Scalar> Drop for Gradients<'_, T> {
    /// Gives the room back to the tape, for the next sweep.
    fn drop(&mut self) {
        self.sweep.clear();
        if let Ok(mut record) = self.tape.record.try_borrow_mut() {
            record.spare = std::mem::take(&mut self.sweep);
        }
    }
}
