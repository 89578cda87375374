//! Training on several processes, or machines, at once.
//!
//! - `tree`: the order in which the gradients of shards are added;
//! - `ranks`: messages between the ranks, which all take part in, and what happens if one stops;
//! - `total`: the sum of the gradients of all ranks; `gather`: lists of which each has a part; `states`: states, for
//!   a checkpoint;
//! - `messages`: tensors and names as bytes;
//! - `agreement`: what must be the same on all ranks;
//! - `threads`: a world of threads.
//!
//! What must stay true: the weights have the same bits at any number of ranks. So the tree depends on the number of
//! shards alone, and every rank takes the same steps on the same sums. And no rank waits for one that has stopped:
//! whatever can fail on one rank alone passes through `Shared::together` in `ranks`.

pub(crate) mod agreement;
mod gather;
mod messages;
pub(crate) mod ranks;
#[cfg(feature = "safetensors")]
mod states;
mod threads;
mod total;
pub(crate) mod tree;

pub use ranks::Ranks;
pub use threads::ThreadWorld;

use std::io;

/// The processes that train one model together, as one of them, a *rank*, sees them: what
/// [`Fit::world`](super::Fit::world) takes. The crate `unspool-mpi` has one of the processes of an MPI program,
/// [`ThreadWorld`] is one of threads, and another way to pass bytes around becomes a world with these three methods.
///
/// ```
/// use unspool::train::{ThreadWorld, World};
/// /// The sum of one number of each rank, on all of them.
/// fn sum(world: &impl World, number: f64) -> std::io::Result<f64> {
///     let message = number.to_le_bytes();
///     let received = world.exchange(&vec![&message[..]; world.size()])?;
///     Ok(received.iter().map(|bytes| f64::from_le_bytes(bytes[..].try_into().unwrap())).sum())
/// }
/// let sums = ThreadWorld::run(3, |world| sum(world, world.rank() as f64).unwrap());
/// assert_eq!(sums, [3.0, 3.0, 3.0]);
/// ```
pub trait World: Send + Sync {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks, at least 1.
    fn size(&self) -> usize;

    /// Sends `to[r]` to every rank `r`, and returns what each has sent to this one, in the order of the ranks. All
    /// ranks call it, and wait for each other: MPI's `MPI_Alltoallv`. There are as many messages as ranks; each has
    /// a length of its own.
    ///
    /// # Errors
    /// If a message cannot be passed on. Training then ends with an error on this rank.
    fn exchange(&self, to: &[&[u8]]) -> io::Result<Vec<Vec<u8>>>;
}

/// One process by itself: where [`fit`](super::fit()) trains unless it is given another world.
///
/// ```
/// use unspool::train::{LocalWorld, World};
/// assert_eq!((LocalWorld.rank(), LocalWorld.size()), (0, 1));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalWorld;

impl World for LocalWorld {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn exchange(&self, to: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        Ok(to.iter().map(|message| message.to_vec()).collect())
    }
}
