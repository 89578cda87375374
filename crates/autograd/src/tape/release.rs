//! Letting go of values that nothing will read again.

use super::{Tape, Var};
use crate::tuning::HOLLOW_SHAPES;
use std::ops::Range;
use unspool_tensor::{Scalar, Shape, Tensor};

impl<T: Scalar> Tape<T> {
    /// Forgets the values `made`, a range of the tape's [lengths](Tape::len), except `kept` and what gradient rules will
    /// read. Memory that is free again is still in cache, and a long sequence needs a fraction of it.
    ///
    /// [`Recurrent`](https://docs.rs/unspool-nn) calls this after each of a cell's steps, of which only the output and the
    /// state are seen from outside.
    ///
    /// A forgotten variable keeps its shape and its gradient, a forgotten constant neither. To read its value is a mistake
    /// that panics; [`retain_grad`](Var::retain_grad) retains the value, too.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let since = tape.len();
    /// let sum = x + x; // no rule reads it: that of `tanh` reads the result
    /// let y = sum.tanh();
    /// tape.release(since..tape.len(), &[y]);
    /// assert_eq!(y.item(), 6f64.tanh());
    /// assert_eq!(y.backward().wrt(x).item(), 2.0 * (1.0 - 6f64.tanh().powi(2)));
    /// ```
    ///
    /// # Panics
    /// If a variable to be kept belongs to another tape.
    #[track_caller]
    pub fn release(&self, made: Range<usize>, kept: &[Var<'_, T>]) {
        let record = &mut *self.record.borrow_mut();
        let since = made.start;
        let end = made.end.min(record.nodes.len());
        if since >= end {
            return;
        }
        let mut read = std::mem::take(&mut record.needed);
        read.clear();
        read.resize(end - since, false);
        let mut mark = |id: u32| {
            if let Some(read) = (id as usize).checked_sub(since).and_then(|i| read.get_mut(i)) {
                *read = true;
            }
        };
        for var in kept {
            assert!(std::ptr::eq(var.tape, self), "release: a variable to be kept belongs to another tape");
            mark(var.id);
        }
        let mut only_constants = true;
        for id in since..record.nodes.len() {
            let node = record.nodes[id];
            only_constants &= !node.needs_gradient;
            if node.saves.output || node.is_retained() {
                mark(id as u32);
            }
            if node.saves.inputs {
                record.inputs_of(node).iter().for_each(|&id| mark(id));
            }
        }
        for (id, _) in (since..end).zip(&read).filter(|(_, read)| !**read) {
            let node = &mut record.nodes[id];
            if !node.is_released {
                node.is_released = true;
                // Gradient rules ask for shapes; where there are none, not even these are kept.
                record.values[id] = match only_constants {
                    true => record.empty.clone(),
                    false => hollow(&mut record.hollows, record.values[id].shape()),
                };
            }
        }
        record.needed = read;
    }
}

/// A tensor of this shape without elements, shared with others of this shape.
fn hollow<T: Scalar>(known: &mut Vec<Tensor<T>>, shape: Shape) -> Tensor<T> {
    if let Some(hollow) = known.iter().find(|hollow| hollow.shape() == shape) {
        return hollow.clone();
    }
    if known.len() == HOLLOW_SHAPES {
        known.clear();
    }
    known.push(Tensor::hollow(shape));
    known[known.len() - 1].clone()
}
