//! Tapes that are kept for the next call.

use crate::tape::Tape;
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use unspool_tensor::Scalar;

thread_local! {
    /// The tapes that no call of this thread uses now, by the type of their numbers.
    static TAPES: RefCell<HashMap<TypeId, Vec<Box<dyn Any>>>> = RefCell::default();
}

/// An empty tape with the memory of earlier ones, which is kept again when this is dropped.
///
/// Not a function that takes a closure: in that, a mistake would not point to the line of the user's call.
pub(super) struct KeptTape<T: Scalar>(Option<Box<Tape<T>>>);

impl<T: Scalar> KeptTape<T> {
    pub(super) fn take() -> Self {
        let kept = TAPES.with_borrow_mut(|tapes| tapes.get_mut(&TypeId::of::<T>())?.pop());
        KeptTape(Some(kept.and_then(|tape| tape.downcast().ok()).unwrap_or_else(|| Box::new(Tape::new()))))
    }
}

impl<T: Scalar> Deref for KeptTape<T> {
    type Target = Tape<T>;
    fn deref(&self) -> &Tape<T> {
        self.0.as_ref().expect("a tape until it is dropped")
    }
}

impl<T: Scalar> Drop for KeptTape<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Some(mut tape) = self.0.take() {
            tape.reset();
            // A thread that ends has none to keep it in.
            let _ = TAPES.try_with(|tapes| tapes.borrow_mut().entry(TypeId::of::<T>()).or_default().push(tape));
        }
    }
}
