//! Where a program asks for the first bad value.

use super::BadValue;
use super::trace::{is_nan, of_gradients, of_value};
use crate::gradients::Gradients;
use crate::tape::{Record, Tape, Var};
use unspool_tensor::Scalar;
use unspool_tensor::mistake::raise_placed;

/// # Looking for bad values
impl<T: Scalar> Tape<T> {
    /// The same tape, which [keeps all](Tape::keep_all) values and panics at the first bad one, with
    /// the sentence of a [`BadValue`]: at once when an op makes NaN of operands that are not NaN,
    /// and in [`backward`](Var::backward) if the loss or the gradient of a variable is not finite.
    ///
    /// For looking for a mistake; every number is read again. PyTorch's `detect_anomaly`, JAX's
    /// `debug_nans`. NaN that a program makes and then leaves out, with
    /// [`where_`](Var::where_) for example, stops it, too; [`Var::bad_value`] does not mind it.
    ///
    /// ```should_panic
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().find_bad_values();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.5, 0.0], [2]));
    /// let y = x.sqrt(); // finite
    /// y.sum().backward(); // panics: the derivative of the square root is infinite at 0
    /// ```
    pub fn find_bad_values(self) -> Self {
        let mut tape = self.keep_all();
        tape.record.get_mut().find_bad_values();
        tape
    }
}

/// # Looking for bad values
impl<T: Scalar> Var<'_, T> {
    /// If this value is infinite or NaN somewhere: the first bad value that it comes from. The tape
    /// must [keep all](Tape::keep_all) values.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1.0], [2]));
    /// let mask = tape.constant(&Tensor::from_vec(vec![f64::NEG_INFINITY, 0.0], [2]));
    /// let weights = (x + mask).softmax(0); // an infinity that does no harm
    /// let loss = (weights / x).sum();
    /// assert!(weights.bad_value().is_none());
    /// assert_eq!(loss.bad_value().unwrap().op, Some("div"));
    /// ```
    ///
    /// # Panics
    /// If the tape does not keep all values.
    #[track_caller]
    #[inline(never)]
    pub fn bad_value(self) -> Option<BadValue> {
        let record = self.tape.record.borrow();
        record.require_all_kept("bad_value");
        record.check_epoch("bad_value", self);
        of_value(&record, self.id())
    }
}

impl<T: Scalar> Gradients<'_, T> {
    /// If the gradient of a variable is infinite or NaN somewhere: the first bad value that it comes
    /// from, in the backward pass or before it. The tape must [keep all](Tape::keep_all) values.
    ///
    /// ```
    /// use unspool::autograd::Cause;
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 0.0], [2]));
    /// let bad = x.sqrt().sum().backward().bad_value().unwrap();
    /// assert_eq!((bad.cause, bad.op, &bad.index[..]), (Cause::Backward, Some("sqrt"), &[1][..]));
    /// ```
    ///
    /// # Panics
    /// If the tape does not keep all values.
    #[track_caller]
    #[inline(never)]
    pub fn bad_value(&self) -> Option<BadValue> {
        let record = self.tape.record.borrow();
        record.require_all_kept("bad_value");
        of_gradients(&record, &self.sums)
    }
}

impl<T: Scalar> Record<T> {
    #[track_caller]
    fn require_all_kept(&self, method: &str) {
        ensure!(self.keeps_all(), "{method}: the tape does not keep all values: make it with `Tape::new().keep_all()`");
    }

    /// # Panics
    /// If value `id`, the latest, is NaN somewhere and was made of values that are not.
    #[track_caller]
    pub(crate) fn panic_at_new_nan(&self, id: u32) {
        let is_new = is_nan(&self.values[id as usize])
            && !self.inputs_of(id).iter().any(|&input| is_nan(&self.values[input as usize]));
        if let Some(bad) = is_new.then(|| of_value(self, id)).flatten() {
            raise_placed(bad.to_string());
        }
    }
}
