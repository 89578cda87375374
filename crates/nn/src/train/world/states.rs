//! States of which each rank holds a part, for a checkpoint.

use super::messages::{Elements, Reader, put_number, put_text};
use super::ranks::{Kind, Ranks};
use crate::optim::state_dict::StateDict;
use unspool_autograd::Scalar;

impl<T: Scalar> Ranks<T> {
    /// On rank 0, all that the ranks hold of a state; on the others, what they hold.
    pub(crate) fn on_rank_0(&self, own: StateDict<T>) -> StateDict<T> {
        if self.shared.size() == 1 {
            return own;
        }
        let mut messages = vec![self.shared.message(Kind::States); self.shared.size()];
        self.elements.put_state(&own, &mut messages[0]);
        let messages = self.shared.exchange(Kind::States, &messages);
        self.shared.unwrap(messages.and_then(|messages| {
            messages.read(|messages| {
                if self.shared.rank() > 0 {
                    return Some(own);
                }
                let mut all = StateDict::new();
                for message in messages {
                    let StateDict { tensors, numbers } = message.state(self.elements)?;
                    // What several hold is the same.
                    all.tensors.extend(tensors);
                    all.numbers.extend(numbers);
                }
                Some(all)
            })
        }))
    }
}

impl<T: Scalar> Elements<T> {
    fn put_state(self, state: &StateDict<T>, message: &mut Vec<u8>) {
        put_number(state.tensors.len(), message);
        for (name, tensor) in &state.tensors {
            put_text(name, message);
            self.put_tensor(tensor, message);
        }
        put_number(state.numbers.len(), message);
        for (name, number) in &state.numbers {
            put_text(name, message);
            message.extend(number.to_le_bytes());
        }
    }
}

impl Reader<'_> {
    fn state<T: Scalar>(&mut self, how: Elements<T>) -> Option<StateDict<T>> {
        let mut state = StateDict::new();
        for _ in 0..self.number()? {
            state.tensors.insert(self.text()?, self.tensor(how)?);
        }
        for _ in 0..self.number()? {
            state.numbers.insert(self.text()?, self.float()?);
        }
        Some(state)
    }
}
