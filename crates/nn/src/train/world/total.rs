//! The sum of the gradients that all ranks have computed.
//!
//! Each rank owns a slice of all elements: it gets what the others have computed of it, adds it up in the order of
//! the tree, and sends the total to all. A rank sends and receives about twice the size of the gradients, whatever the
//! number of ranks (once more for each node beyond the first in its part of the tree).

use super::messages::{Reader, put_number};
use super::ranks::{Broken, Kind, Messages, Ranks};
use super::tree::{cover, sum};
use std::ops::Range;
use unspool_autograd::{Params, ParamsExt, Scalar, Tensor};

impl<T: Scalar> Ranks<T> {
    /// The sum over all `n` shards of their losses and gradients, on all ranks, given the sums of the [nodes](cover) of
    /// this rank's part.
    pub(crate) fn total<M: Params<Tensor<T>>>(&self, n: usize, mut own: Vec<(f64, M)>, like: &M) -> (f64, M) {
        if self.shared.size() == 1 {
            return own.pop().expect("at least one shard");
        }
        let leaves: Vec<_> = own.iter().map(|(loss, gradients)| (*loss, gradients.leaves())).collect();
        let (loss, totals) = self.shared.unwrap(self.totals(n, &leaves, &like.leaves()));
        let mut gradients = own.into_iter().next().map_or_else(|| like.zeros_like(), |(_, gradients)| gradients);
        self.shared.unwrap(self.fill(&totals, &mut gradients.leaves_mut()));
        (loss, gradients)
    }

    /// The total of all losses, and messages with that of each rank's slice of the gradients.
    #[inline(never)] // see compiled.rs
    pub(crate) fn totals(
        &self,
        n: usize,
        own: &[(f64, Vec<&Tensor<T>>)],
        like: &[&Tensor<T>],
    ) -> Result<(f64, Messages), Broken> {
        let lengths: Vec<usize> = like.iter().map(|leaf| leaf.numel()).collect();
        let messages: Vec<_> = (0..self.shared.size())
            .map(|to| {
                let mut message = self.shared.message(Kind::Slices);
                // Ranks with other shards, or another model, would add what does not belong together.
                put_number(n, &mut message);
                put_number(lengths.iter().sum(), &mut message);
                for (loss, leaves) in own {
                    message.extend(loss.to_le_bytes());
                    for (leaf, range) in self.slice(to, &lengths) {
                        let leaf = leaves[leaf].contiguous();
                        self.elements.put(&leaf.as_slice().expect("contiguous")[range], &mut message);
                    }
                }
                message
            })
            .collect();
        let elements = lengths.iter().sum();
        let (loss, total) =
            self.shared.exchange(Kind::Slices, &messages)?.read(|messages| self.added(n, elements, messages))?;
        let mut message = self.shared.message(Kind::Totals);
        self.elements.put(&total, &mut message);
        Ok((loss, self.shared.exchange(Kind::Totals, &vec![message; self.shared.size()])?))
    }

    /// Reads the totals of all slices.
    #[inline(never)] // see compiled.rs
    pub(crate) fn fill(&self, totals: &Messages, leaves: &mut [&mut Tensor<T>]) -> Result<(), Broken> {
        let lengths: Vec<usize> = leaves.iter().map(|leaf| leaf.numel()).collect();
        totals.read(|messages| {
            for (from, message) in messages.iter_mut().enumerate() {
                for (leaf, range) in self.slice(from, &lengths) {
                    message.elements(self.elements, &mut leaves[leaf].as_mut_slice()[range])?;
                }
            }
            Some(())
        })
    }

    /// The sum of the losses of all shards, and that of this rank's slice of their gradients.
    fn added(&self, n: usize, elements: usize, messages: &mut [Reader<'_>]) -> Option<(f64, Vec<T>)> {
        let (mut sums, length) = (Vec::new(), self.shared.of_rank(self.shared.rank(), elements).len());
        for (rank, message) in messages.iter_mut().enumerate() {
            if (message.number()?, message.number()?) != (n, elements) {
                return None;
            }
            for node in cover(n, &self.shared.of_rank(rank, n)) {
                let (loss, mut slice) = (message.float()?, vec![T::ZERO; length]);
                message.elements(self.elements, &mut slice)?;
                sums.push((node, (loss, slice)));
            }
        }
        Some(sum(&(0..n), &mut sums.into_iter().peekable(), &mut |(loss_a, mut a), (loss_b, b)| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            (loss_a + loss_b, a)
        }))
    }

    /// The pieces of a rank's slice of all elements.
    fn slice(&self, rank: usize, lengths: &[usize]) -> impl Iterator<Item = (usize, Range<usize>)> {
        pieces(lengths, self.shared.of_rank(rank, lengths.iter().sum()))
    }
}

/// The pieces of a slice of all elements: the leaf of each, and where in the leaf it is.
fn pieces(lengths: &[usize], slice: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut start = 0;
    lengths.iter().enumerate().filter_map(move |(leaf, &length)| {
        let (from, to) = (slice.start.max(start), slice.end.min(start + length));
        let piece = (from < to).then(|| (leaf, from - start..to - start));
        start += length;
        piece
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn the_pieces_of_all_slices_are_all_elements() {
        let lengths = [3, 0, 5, 1];
        assert_eq!(pieces(&lengths, 2..9).collect::<Vec<_>>(), [(0, 2..3), (2, 0..5), (3, 0..1)]);
        assert_eq!(pieces(&lengths, 4..6).collect::<Vec<_>>(), [(2, 1..3)]);
        assert_eq!(pieces(&lengths, 4..4).count(), 0);
    }
}
