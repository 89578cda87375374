//! The result of a backward pass.

use crate::params::{Params, Path};
use crate::tape::{Accumulator, Tape, Var, backward};
use unspool_tensor::{Scalar, Tensor};

/// The gradients of one loss with respect to the variables of its tape: what
/// [`Var::backward`](crate::Var::backward) returns.
pub struct Gradients<'t, T: Scalar = f32> {
    tape: &'t Tape<T>,
    sums: Accumulator<T>,
    /// Which backward pass of the tape this was, from 0.
    pass: u32,
}

impl<'t, T: Scalar> Gradients<'t, T> {
    /// Runs a backward pass from `loss`, whose gradient is `seed`, to the variables.
    pub(crate) fn backward(loss: Var<'t, T>, seed: Tensor<T>) -> Self {
        let tape = loss.tape;
        let (mut sums, pass) = {
            let record = &mut *tape.record.borrow_mut();
            record.passes += 1;
            (std::mem::take(&mut record.spare), record.passes - 1)
        };
        backward(&mut tape.record.borrow_mut(), loss.id(), seed, pass, &mut sums);
        Gradients { tape, sums, pass }
    }

    /// The gradients with respect to the parameters of a model that was bound to the tape, as a
    /// model.
    ///
    /// A parameter that the loss does not depend on has gradient zero, and so has a
    /// [buffer](Params#buffers).
    ///
    /// # Panics
    /// If a parameter is not a variable of this tape.
    #[track_caller]
    pub fn of<N: Params<Var<'t, T>>>(&self, net: &N) -> N::With<Tensor<T>> {
        // A closure cannot pass on the caller's line, so the first failure is kept and reported
        // outside.
        let mut failure = None;
        let gradients = net.map_leaves(Path::ROOT, &mut |path, &var| {
            if path.is_buffer() {
                // One zero, seen as many: nothing is filled in each step.
                return Tensor::zeros([]).expand(var.shape());
            }
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

    /// The gradient with respect to one value. That of a variable is zero if the loss does not depend
    /// on it.
    ///
    /// # Panics
    /// If `var` is a constant, from another tape, or a computed value whose gradient was not
    /// retained (see [`retain_grad`](crate::Var::retain_grad)) or on which the loss does not depend.
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
        if record.is_freed(var) {
            return Err("this value was computed inside a scope and freed at its end");
        }
        let node = record.nodes[var.id() as usize];
        if !node.needs_gradient() {
            return Err("a constant has none");
        }
        if !node.is_leaf() && !record.retains(var.id(), self.pass) {
            return Err("that of a computed value is kept only if retain_grad() was called on it before");
        }
        match self.sums.get(var.id()) {
            Some(grad) => Ok(grad.contiguous()),
            // A computed value is looked at on purpose: a zero would be believed.
            None if !node.is_leaf() => Err(
                "the loss does not depend on this value; call retain_grad() on the very variable that the loss is computed from, not on a slice or a copy made beside it",
            ),
            None => Ok(Tensor::zeros(record.values[var.id() as usize].shape())),
        }
    }
}

impl<T: Scalar> Drop for Gradients<'_, T> {
    /// Gives the capacity back to the tape, for the next backward pass.
    fn drop(&mut self) {
        self.sums.clear();
        if let Ok(mut record) = self.tape.record.try_borrow_mut() {
            record.spare = std::mem::take(&mut self.sums);
        }
    }
}

/// # Gradients
impl<'t, T: Scalar> Var<'t, T> {
    /// The gradients of this value, a loss of one element, with respect to every variable of the
    /// tape: `d loss / d x` for each.
    ///
    /// One walk over the tape, from this value to its start.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, -2.0], [2]));
    /// let gradients = x.square().sum().backward();
    /// assert_eq!(gradients.wrt(x).to_vec(), [2.0, -4.0]);
    /// ```
    ///
    /// # Panics
    /// If the value does not have exactly one element, or depends on no variable.
    #[track_caller]
    pub fn backward(self) -> Gradients<'t, T> {
        let shape = self.shape();
        assert!(shape.numel() == 1, "backward: a loss has one element, this value has shape {shape}");
        self.require_variable();
        Gradients::backward(self, Tensor::ones(shape))
    }

    /// Like [`backward`](Var::backward), for a value of any shape: the gradients of the sum of its
    /// elements times those of `seed`, a vector-Jacobian product.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, -2.0], [2]));
    /// let gradients = x.square().backward_with(&Tensor::from_vec(vec![10.0, 1.0], [2]));
    /// assert_eq!(gradients.wrt(x).to_vec(), [20.0, -4.0]);
    /// ```
    ///
    /// # Panics
    /// If `seed` has another shape than the value, or the value depends on no variable.
    #[track_caller]
    pub fn backward_with(self, seed: &Tensor<T>) -> Gradients<'t, T> {
        let (shape, given) = (self.shape(), seed.shape());
        assert!(shape == given, "backward_with: the seed {given} must have the shape of the value, {shape}");
        self.require_variable();
        Gradients::backward(self, seed.clone())
    }

    #[track_caller]
    fn require_variable(self) {
        let needs_gradient = self.tape.record.borrow().nodes[self.id() as usize].needs_gradient();
        assert!(needs_gradient, "backward: the loss depends on no variable of its tape");
    }
}
