//! A world of threads.

use super::World;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A world whose ranks are threads of this process: to try what a program does on several ranks, in a test for
/// example. Ranks are no faster than the threads of one: [`Shards`](super::super::Shards) use all cores by themselves.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::ThreadWorld;
/// let data = Dataset::new(Tensor::<f32>::from_fn([640, 3], |i| (i as f32).sin()), Tensor::ones([640, 1]))?;
/// let train = |world: &ThreadWorld| {
///     let mut model = sequential().add(dense(3, 1));
///     let fit = fit(&mut model, &data).loss(mse).batch_size(320).epochs(3).world(world);
///     fit.run().map(|_| model.layers.layer.weight.to_vec())
/// };
/// let alone = ThreadWorld::run(1, train).remove(0)?;
/// for weights in ThreadWorld::run(3, train) {
///     assert_eq!(weights?, alone); // the same bits
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ThreadWorld(Arc<Ends>);

/// One rank's ends of the channels from each rank to each.
#[derive(Debug)]
struct Ends {
    rank: usize,
    to: Vec<Sender<Vec<u8>>>,
    from: Vec<Mutex<Receiver<Vec<u8>>>>,
}

impl ThreadWorld {
    /// Runs `f` on `size` threads, each as another rank, and returns their results in the order of the ranks. Each
    /// has a pool of one thread of its own for the parallel parts of its work.
    ///
    /// # Panics
    /// If `f` does on any rank, after all have ended; if `size` is 0; or if a thread cannot be started.
    #[track_caller]
    pub fn run<R: Send>(size: usize, f: impl Fn(&ThreadWorld) -> R + Sync) -> Vec<R> {
        ensure!(size > 0, "ThreadWorld: 0 ranks: there must be at least 1");
        let run = |world: ThreadWorld| {
            // A rank that waits for others must not keep a thread that these need.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread for each rank");
            pool.install(|| f(&world))
        };
        let results: Vec<_> = thread::scope(|scope| {
            let run = &run;
            let threads: Vec<_> = worlds(size).into_iter().map(|world| scope.spawn(move || run(world))).collect();
            threads.into_iter().map(|thread| thread.join()).collect()
        });
        results.into_iter().map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    }
}

fn worlds(size: usize) -> Vec<ThreadWorld> {
    let mut ends: Vec<_> = (0..size).map(|rank| Ends { rank, to: Vec::new(), from: Vec::new() }).collect();
    for from in 0..size {
        for to in 0..size {
            let (sender, receiver) = channel();
            ends[from].to.push(sender);
            ends[to].from.push(Mutex::new(receiver));
        }
    }
    ends.into_iter().map(|ends| ThreadWorld(Arc::new(ends))).collect()
}

impl World for ThreadWorld {
    fn rank(&self) -> usize {
        self.0.rank
    }

    fn size(&self) -> usize {
        self.0.to.len()
    }

    fn exchange(&self, to: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        let left = |rank: usize| io::Error::new(io::ErrorKind::BrokenPipe, format!("rank {rank} has ended"));
        for (channel, message) in self.0.to.iter().zip(to) {
            // What it has sent before it ended may still say why.
            let _ = channel.send(message.to_vec());
        }
        let receive = |(rank, channel): (usize, &Mutex<Receiver<Vec<u8>>>)| {
            channel.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(|_| left(rank))
        };
        self.0.from.iter().enumerate().map(receive).collect()
    }
}
