//! Messages of any length from each rank to each.

use ferrompi::{Communicator, Result};

/// Sends `to[r]` to every rank `r`, at most `most` bytes to each at a time, and returns what each has sent.
pub(crate) fn all_to_all(communicator: &impl AllToAll, to: &[&[u8]], most: usize) -> Result<Vec<Vec<u8>>> {
    // Each rank tells every other the length of its message, and that of its longest one: by these all know the number
    // of rounds.
    let longest = to.iter().map(|message| message.len()).max().unwrap_or(0) as u64;
    let lengths: Vec<u64> = to.iter().flat_map(|message| [message.len() as u64, longest]).collect();
    let lengths = communicator.same_lengths(&lengths)?;
    let (lengths, _) = lengths.as_chunks();
    let mut received: Vec<Vec<u8>> = lengths.iter().map(|&[length, _]| Vec::with_capacity(length as usize)).collect();
    let longest = lengths.iter().map(|&[_, longest]| longest as usize).max().unwrap_or(0);
    for start in (0..longest).step_by(most.max(1)) {
        let of_round = |length: usize| length.saturating_sub(start).min(most);
        let parts: Vec<&[u8]> =
            to.iter().map(|message| &message[start.min(message.len())..][..of_round(message.len())]).collect();
        let from: Vec<usize> = lengths.iter().map(|&[length, _]| of_round(length as usize)).collect();
        let bytes = communicator.parts(&parts, &from)?;
        let mut rest = &bytes[..];
        for (message, length) in received.iter_mut().zip(from) {
            let (part, after) = rest.split_at(length);
            message.extend(part);
            rest = after;
        }
    }
    Ok(received)
}

/// What this needs of MPI.
pub(crate) trait AllToAll {
    /// Two numbers to each rank.
    fn same_lengths(&self, lengths: &[u64]) -> Result<Vec<u64>>;
    /// A part to each rank; as many bytes as in `from` from each, one after the other.
    fn parts(&self, to: &[&[u8]], from: &[usize]) -> Result<Vec<u8>>;
}

impl AllToAll for Communicator {
    fn same_lengths(&self, lengths: &[u64]) -> Result<Vec<u64>> {
        let mut received = vec![0; lengths.len()];
        self.alltoall(lengths, &mut received)?;
        Ok(received)
    }

    fn parts(&self, to: &[&[u8]], from: &[usize]) -> Result<Vec<u8>> {
        let (sent, starts) = counts(to.iter().map(|part| part.len()));
        let (received, places) = counts(from.iter().copied());
        let mut bytes = vec![0; from.iter().sum()];
        self.alltoallv(&to.concat(), &sent, &starts, &mut bytes, &received, &places)?;
        Ok(bytes)
    }
}

/// Lengths as MPI counts them, and where each part starts.
fn counts(lengths: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<i32>) {
    let mut start = 0;
    let of = |length: usize| {
        let part = (length as i32, start);
        start += length as i32;
        part
    };
    lengths.map(of).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// A rank by itself that says what it passes on.
    struct Alone(RefCell<Vec<usize>>);

    impl AllToAll for Alone {
        fn same_lengths(&self, lengths: &[u64]) -> Result<Vec<u64>> {
            Ok(lengths.to_vec())
        }
        fn parts(&self, to: &[&[u8]], from: &[usize]) -> Result<Vec<u8>> {
            assert!(to.iter().map(|part| part.len()).eq(from.iter().copied()));
            self.0.borrow_mut().push(from[0]);
            Ok(to.concat())
        }
    }

    #[test]
    fn long_messages_are_sent_in_parts() {
        let message: Vec<u8> = (0..103).collect();
        for (most, parts) in [(10, vec![10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 3]), (103, vec![103]), (500, vec![103])]
        {
            let alone = Alone(RefCell::default());
            assert_eq!(all_to_all(&alone, &[&message], most).unwrap().concat(), message);
            assert_eq!(alone.0.into_inner(), parts);
        }
        assert_eq!(all_to_all(&Alone(RefCell::default()), &[&[]], 10).unwrap(), [b""]);
    }
}
