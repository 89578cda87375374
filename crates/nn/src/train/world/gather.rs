//! A list of which each rank has computed a part.

use super::messages::{Reader, put_number};
use super::ranks::{Kind, Ranks};
use unspool_autograd::{Scalar, Tensor};

impl<T: Scalar> Ranks<T> {
    /// A list of `n` numbers on all ranks, given [this rank's](Ranks::own) part of it.
    pub(crate) fn all_numbers(&self, n: usize, own: Vec<f64>) -> Vec<f64> {
        let put = |number: &f64, message: &mut Vec<u8>| message.extend(number.to_le_bytes());
        self.all(n, own, put, |message| message.float())
    }

    /// A list of `n` lists of tensors on all ranks, given this rank's part of it.
    pub(crate) fn all_tensors(&self, n: usize, own: Vec<Vec<Tensor<T>>>) -> Vec<Vec<Tensor<T>>> {
        let put = |tensors: &Vec<Tensor<T>>, message: &mut Vec<u8>| {
            put_number(tensors.len(), message);
            tensors.iter().for_each(|tensor| self.elements.put_tensor(tensor, message));
        };
        self.all(n, own, put, |message| (0..message.number()?).map(|_| message.tensor(self.elements)).collect())
    }

    fn all<X>(
        &self,
        n: usize,
        own: Vec<X>,
        put: impl Fn(&X, &mut Vec<u8>),
        read: impl Fn(&mut Reader<'_>) -> Option<X>,
    ) -> Vec<X> {
        if self.shared.size() == 1 {
            return own;
        }
        let mut contents = Vec::new();
        own.iter().for_each(|part| put(part, &mut contents));
        let messages = self.shared.to_all(Kind::Parts, &contents);
        self.shared.unwrap(messages.and_then(|messages| {
            messages.read(|messages| {
                let parts = messages.iter_mut().enumerate().flat_map(|(rank, message)| {
                    let own = self.shared.of_rank(rank, n);
                    own.map(|_| read(message)).collect::<Vec<_>>()
                });
                parts.collect()
            })
        }))
    }
}
