//! Tapes that are kept for the next call.

use crate::tape::Tape;
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use unspool_tensor::Scalar;

thread_local! {
    /// The tapes that no call of this thread uses now, by the type of their numbers.
    static TAPES: RefCell<HashMap<TypeId, Vec<Box<dyn Any>>>> = RefCell::default();
}

/// Runs `f` with an empty tape, which keeps the memory of earlier ones.
pub(super) fn with_tape<T: Scalar, R>(f: impl FnOnce(&mut Tape<T>) -> R) -> R {
    let kept = TAPES.with_borrow_mut(|tapes| tapes.get_mut(&TypeId::of::<T>())?.pop());
    let mut tape = kept.and_then(|tape| tape.downcast().ok()).unwrap_or_else(|| Box::new(Tape::<T>::new()));
    let result = f(&mut tape);
    tape.reset();
    TAPES.with_borrow_mut(|tapes| tapes.entry(TypeId::of::<T>()).or_default().push(tape));
    result
}
