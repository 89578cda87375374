//! What layers note on a tape that keeps all values, for those who look at it.

use super::record::Record;
use super::{Tape, Var};
use std::any::Any;
use unspool_tensor::Scalar;

/// Notes of any type, in the order in which they were made.
pub(super) type Remarks = Vec<Box<dyn Any + Send>>;

#[doc(hidden)]
impl<T: Scalar> Tape<T> {
    /// Keeps a note until the tape is reset, if the tape [keeps all](Tape::keep_all) values.
    pub fn remark(&self, remark: impl Any + Send) {
        if let Some(watch) = &mut self.record.borrow_mut().watch {
            watch.remarks.push(Box::new(remark));
        }
    }

    /// All notes of one type.
    pub fn remarks<R: Any + Clone>(&self) -> Vec<R> {
        let record: &Record<T> = &self.record.borrow();
        let remarks = record.watch.iter().flat_map(|watch| &watch.remarks);
        remarks.filter_map(|remark| remark.downcast_ref().cloned()).collect()
    }
}

impl<T: Scalar> Var<'_, T> {
    /// Where the value is on its tape: `tape.values(position..position + 1)` is this variable.
    #[doc(hidden)]
    pub fn position(self) -> usize {
        self.id() as usize
    }
}
