//! The result of a backward pass.

use crate::params::{Params, Path};
use crate::tape::{Accumulator, Tape, Var, backward, contributions};
use std::fmt;
use std::ops::Range;
use unspool_tensor::mistake::raise_placed;
use unspool_tensor::{Scalar, Tensor};

/// The gradients of one loss with respect to the variables of its tape: what
/// [`Var::backward`](crate::Var::backward) returns.
pub struct Gradients<'t, T: Scalar = f32> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) sums: Accumulator<T>,
    /// Which backward pass of the tape this was, from 0.
    pub(crate) pass: u32,
}

impl<T: Scalar> fmt::Debug for Gradients<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gradients").field("tape", self.tape).field("pass", &self.pass).finish_non_exhaustive()
    }
}

impl<'t, T: Scalar> Gradients<'t, T> {
    /// Runs a backward pass from `loss`, whose gradient is `seed`, to the variables.
    #[track_caller]
    pub(crate) fn backward(loss: Var<'t, T>, seed: Tensor<T>) -> Self {
        Self::backward_since(loss, seed, 0)
    }

    /// The same, through the values from number `since` on.
    #[inline(never)]
    #[track_caller]
    fn backward_since(loss: Var<'t, T>, seed: Tensor<T>, since: usize) -> Self {
        let tape = loss.tape;
        let (mut sums, pass, finds_bad_values) = {
            let record = &mut *tape.record.borrow_mut();
            record.passes += 1;
            (std::mem::take(&mut record.spare), record.passes - 1, record.finds_bad_values())
        };
        if finds_bad_values && let Some(bad) = loss.bad_value() {
            raise_placed(bad.to_string());
        }
        backward(&mut tape.record.borrow_mut(), loss.id(), seed, pass, since as u32, &mut sums);
        let gradients = Gradients { tape, sums, pass };
        if finds_bad_values && let Some(bad) = gradients.bad_value() {
            raise_placed(bad.to_string());
        }
        gradients
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
            self.look_up(var).unwrap_or_else(|why| {
                failure.get_or_insert_with(|| format!("gradient of {path}: {why}"));
                Tensor::zeros([])
            })
        });
        if let Some(failure) = failure {
            fail!("{failure}");
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
        match self.look_up(var) {
            Ok(grad) => grad,
            Err(why) => fail!("gradient: {why}"),
        }
    }

    /// The gradient with respect to one value, if there is one: [`wrt`](Gradients::wrt) without a panic.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let (used, unused) = (x.square(), x.exp());
    /// let gradients = used.square().backward();
    /// assert_eq!(gradients.get(used), Some(Tensor::scalar(2.0 * 9.0)));
    /// assert_eq!(gradients.get(unused), None);
    /// ```
    pub fn get(&self, var: Var<'t, T>) -> Option<Tensor<T>> {
        self.look_up(var).ok()
    }

    /// For each of these ranges of the tape's [lengths](Tape::len): what the ops that computed the
    /// values there add to the gradient of each variable, in no particular order. Over ranges that
    /// cover the tape, these are the terms of the sum that the gradient is.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let w = tape.variable(&Tensor::scalar(0.5));
    /// let mut h = tape.constant(&Tensor::scalar(1.0));
    /// let steps: Vec<_> = (0..3).map(|_| {
    ///     let since = tape.len();
    ///     h = h * w;
    ///     since..tape.len()
    /// }).collect();
    /// let gradients = h.backward(); // of w³
    /// let terms: Vec<f64> = gradients.contributions(steps).map(|step| step[0].1.item()).collect();
    /// assert_eq!(terms, [0.25, 0.25, 0.25]);
    /// assert_eq!(gradients.wrt(w).item(), 0.75);
    /// ```
    ///
    /// # Panics
    /// If the tape does not [keep all](Tape::keep_all) gradients.
    #[track_caller]
    pub fn contributions(
        &self,
        ranges: impl IntoIterator<Item = Range<usize>>,
    ) -> impl Iterator<Item = Vec<(Var<'t, T>, Tensor<T>)>> {
        let kept = self.tape.keeps_all();
        ensure!(
            kept,
            "contributions: the tape keeps no gradients of computed values; make it by Tape::new().keep_all()"
        );
        let mut scratch = Accumulator::default();
        ranges.into_iter().map(move |range| contributions(self.tape, &self.sums, range, &mut scratch))
    }

    fn look_up(&self, var: Var<'t, T>) -> Result<Tensor<T>, &'static str> {
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
                "the loss does not depend on this value; call retain_grad() on the very variable that the loss is computed from, not on a slice or a copy made beside it; `inspect::GradientFlow` has those of all states of a recurrent layer",
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
    /// use unspool::{Tape, Tensor};
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
        ensure!(shape.numel() == 1, "backward: a loss has one element, this value has shape {shape}");
        self.require_variable();
        Gradients::backward(self, Tensor::ones(shape))
    }

    /// Like [`backward`](Var::backward), for a value of any shape: the gradients of the sum of its
    /// elements times those of `seed`, a vector-Jacobian product.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
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
        ensure!(shape == given, "backward_with: the seed {given} must have the shape of the value, {shape}");
        self.require_variable();
        Gradients::backward(self, seed.clone())
    }

    /// Like [`backward_with`](Var::backward_with), through the values that the tape has had since it had the
    /// [length](Tape::len) `since`: the gradients of earlier ones are what this part of the tape adds to them.
    ///
    /// # Panics
    /// As [`backward_with`](Var::backward_with).
    #[doc(hidden)]
    #[track_caller]
    pub fn backward_since(self, seed: &Tensor<T>, since: usize) -> Gradients<'t, T> {
        let (shape, given) = (self.shape(), seed.shape());
        ensure!(shape == given, "backward_since: the seed {given} must have the shape of the value, {shape}");
        self.require_variable();
        Gradients::backward_since(self, seed.clone(), since)
    }

    #[track_caller]
    fn require_variable(self) {
        let needs_gradient = self.tape.record.borrow().nodes[self.id() as usize].needs_gradient();
        ensure!(needs_gradient, "backward: the loss depends on no variable of its tape");
    }
}
