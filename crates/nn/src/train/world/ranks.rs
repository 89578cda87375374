//! The ranks of a world, and messages between them.

use super::messages::{Elements, Reader, put_number, put_text};
use super::{LocalWorld, World};
use crate::io::ErrorKind;
use crate::train::error::FitError;
use crate::train::history::History;
use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use unspool_autograd::mistake::{Caught, catch};
use unspool_autograd::{Real, Scalar};

/// The ranks of a [`World`], for [`Shards`](crate::train::Shards) that each compute on one of them.
///
/// [`fit`](crate::train::fit()) makes one of the world that it is given, and hands it to its
/// [task](crate::train::Task::set_ranks). A loop of your own makes one itself:
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::{Ranks, ThreadWorld};
/// let data = Dataset::new(Tensor::<f32>::from_fn([96, 3], |i| (i as f32).sin()), Tensor::ones([96, 1]))?;
/// let weights = ThreadWorld::run(2, |world| {
///     let mut shards = Shards::new();
///     shards.set_ranks(&Ranks::new(world));
///     let (mut model, mut sgd) = (sequential().add(dense(3, 1)), Sgd::default());
///     for step in 0..5 {
///         let (_, gradients) = shards.batch_gradients(&model, &data, mse, Mode::Training { seed: step });
///         sgd.step(&mut model, &gradients); // the same on all ranks
///     }
///     model.layers.layer.weight.to_vec()
/// });
/// assert_eq!(weights[0], weights[1]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
pub struct Ranks<T: Scalar = f32> {
    pub(in crate::train) shared: Arc<Shared>,
    pub(super) elements: Elements<T>,
}

impl<T: Scalar> Clone for Ranks<T> {
    fn clone(&self) -> Self {
        Ranks { shared: self.shared.clone(), elements: self.elements }
    }
}

impl<T: Scalar> fmt::Debug for Ranks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranks").field("rank", &self.rank()).field("size", &self.size()).finish_non_exhaustive()
    }
}

/// One rank of a world, and its messages to the others.
pub struct Shared {
    world: Box<dyn World>,
    /// The number of exchanges so far.
    exchanges: AtomicU64,
    /// Why there are no more exchanges.
    closed: Mutex<Option<Broken>>,
    /// Whether whoever waits for an error gets it: then a panic with it has no message.
    is_caught: bool,
}

/// What a message is part of.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// This rank stops; why.
    Stops,
    /// What must be the same on all ranks.
    Agreement,
    /// Sums of gradients, slice by slice.
    Slices,
    /// The total of a slice.
    Totals,
    /// What each rank has computed of a list.
    Parts,
    /// Whether to stop.
    Flags,
    /// States to be saved.
    #[cfg(feature = "safetensors")]
    States,
    /// The end of a training.
    End,
}

/// Why ranks no longer exchange messages.
#[derive(Clone, Debug)]
pub enum Broken {
    /// Another rank has stopped, for this reason.
    Stopped { rank: usize, sentence: String },
    /// Messages are not passed on, or the ranks do not do the same.
    World { kind: ErrorKind, sentence: String },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Stopped { rank, sentence } => write!(f, "rank {rank} has stopped: {sentence}"),
            Broken::World { sentence, .. } => f.write_str(sentence),
        }
    }
}

impl Broken {
    /// The ranks do not do the same.
    pub(super) fn differ(sentence: String) -> Self {
        Broken::World { kind: ErrorKind::Mismatch, sentence }
    }

    pub fn with_history(self, history: Option<Box<History>>) -> FitError {
        match self {
            Broken::Stopped { rank, sentence } => FitError::RankStopped { rank, sentence, history },
            Broken::World { kind, sentence } => FitError::World { kind, sentence, history },
        }
    }
}

impl<T: Real> Ranks<T> {
    /// The ranks of a world.
    pub fn new(world: &(impl World + Clone + 'static)) -> Self {
        Self::of(Box::new(world.clone()), false)
    }

    /// One rank by itself.
    pub(crate) fn alone() -> Self {
        Self::of(Box::new(LocalWorld), true)
    }

    /// The ranks of a world, where errors are caught with [`catching`](Shared::catching).
    pub(crate) fn of(world: Box<dyn World>, is_caught: bool) -> Self {
        let shared = Shared { world, exchanges: AtomicU64::new(0), closed: Mutex::new(None), is_caught };
        Ranks { shared: Arc::new(shared), elements: Elements { to_bytes: T::to_bytes, from_bytes: T::from_bytes } }
    }
}

impl<T: Scalar> Ranks<T> {
    /// The number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.shared.rank()
    }

    /// The number of ranks.
    pub fn size(&self) -> usize {
        self.shared.size()
    }

    /// Those of `n` shards, or other parts, that this rank computes: none if there are more ranks than parts.
    pub fn own(&self, n: usize) -> Range<usize> {
        self.shared.of_rank(self.rank(), n)
    }
}

/// What does not depend on the type of numbers, and so is compiled once.
impl Shared {
    pub fn rank(&self) -> usize {
        self.world.rank()
    }

    pub fn size(&self) -> usize {
        self.world.size()
    }

    /// Those of `n` parts that a rank computes.
    pub(super) fn of_rank(&self, rank: usize, n: usize) -> Range<usize> {
        n * rank / self.size()..n * (rank + 1) / self.size()
    }

    /// A message to another rank, to which its contents are to be appended.
    pub(super) fn message(&self, kind: Kind) -> Vec<u8> {
        let mut message = vec![kind as u8];
        put_number(self.exchanges.load(Ordering::Relaxed) as usize, &mut message);
        message
    }

    /// Sends messages of this kind to all ranks, and gives those that they have sent to `read`.
    ///
    /// # Errors
    /// If another rank has stopped, or is elsewhere in the program, or the world does not pass them on. There are no
    /// more exchanges then.
    pub(super) fn exchange(&self, kind: Kind, to: &[Vec<u8>]) -> Result<Messages, Broken> {
        if let Some(broken) = &*self.closed() {
            return Err(broken.clone());
        }
        let result = self.exchange_open(kind, to);
        if let Err(broken) = &result {
            *self.closed() = Some(broken.clone());
        }
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        result
    }

    fn exchange_open(&self, kind: Kind, to: &[Vec<u8>]) -> Result<Messages, Broken> {
        let slices: Vec<&[u8]> = to.iter().map(|message| &message[..]).collect();
        let messages = self.world.exchange(&slices);
        let messages = messages.map_err(|error| {
            let sentence = format!("rank {} cannot exchange messages with the others: {error}", self.rank());
            Broken::World { kind: ErrorKind::Io(error.kind()), sentence }
        })?;
        let (ranks, got) = (self.size(), messages.len());
        if got != ranks {
            return Err(Broken::differ(format!("the world has passed on {got} messages, expected {ranks}")));
        }
        let header = self.message(kind);
        let stopped = messages.iter().enumerate().filter(|(_, message)| message.first() == Some(&(Kind::Stops as u8)));
        let stopped = stopped.filter_map(|(rank, message)| {
            let mut reader = Reader(message.get(header.len()..)?);
            Some((reader.number()?, rank, reader.text()?))
        });
        if let Some((_, rank, sentence)) = stopped.min() {
            return Err(Broken::Stopped { rank, sentence });
        }
        match messages.iter().position(|message| !message.starts_with(&header)) {
            Some(rank) => Err(Broken::differ(format!(
                "rank {rank} is at another place of the program than rank {}: all must run the same training",
                self.rank()
            ))),
            None => Ok(Messages { messages, start: header.len() }),
        }
    }

    /// The same message to all ranks.
    pub(super) fn to_all(&self, kind: Kind, contents: &[u8]) -> Result<Messages, Broken> {
        let mut message = self.message(kind);
        message.extend(contents);
        self.exchange(kind, &vec![message; self.size()])
    }

    /// Whether each of these holds on any rank.
    pub fn any<const N: usize>(&self, flags: [bool; N]) -> Result<[bool; N], Broken> {
        if self.size() == 1 {
            return Ok(flags);
        }
        let messages = self.to_all(Kind::Flags, &flags.map(u8::from))?;
        messages.read(|messages| {
            let mut any = [false; N];
            for message in messages {
                any.iter_mut().zip(message.bytes(N)?).for_each(|(any, flag)| *any |= *flag == 1);
            }
            Some(any)
        })
    }

    /// Tells the other ranks that this one stops, in place of whatever they exchange next. Of several that stop at
    /// once, one speaks for all: the first that knows the cause. Returns why another than this one does.
    pub fn stop(&self, sentence: &str, knows_cause: bool) -> Option<Broken> {
        let mut message = self.message(Kind::Stops);
        put_number(usize::from(!knows_cause), &mut message);
        put_text(sentence, &mut message);
        match self.exchange(Kind::Stops, &vec![message; self.size()]) {
            Err(Broken::Stopped { rank, .. }) if rank == self.rank() => None,
            Err(broken) => Some(broken),
            Ok(_) => None,
        }
    }

    /// Runs a training, which ends on all ranks at once: if it fails or panics on one, the others get an error with
    /// its sentence, wherever they are.
    pub fn together(&self, run: &mut dyn FnMut() -> Result<History, FitError>) -> Result<History, FitError> {
        let result = match catch(|| self.catching(run)) {
            Ok(result) => result.unwrap_or_else(|broken| Err(broken.with_history(None))),
            Err(panic) => {
                // Another rank's sentence is of no use to whoever debugs this one.
                self.stop(&sentence(&panic), true);
                panic.raise(None)
            }
        };
        let error = match result {
            Ok(history) if self.size() == 1 => return Ok(history),
            Ok(history) => match self.to_all(Kind::End, &[]) {
                Ok(_) => return Ok(history),
                Err(broken) => broken.with_history(Some(Box::new(history))),
            },
            Err(error) => error,
        };
        match self.stop(&error.to_string(), error.has_cause()) {
            Some(broken) => Err(broken.with_history(error.history().cloned().map(Box::new))),
            None => Err(error),
        }
    }

    /// Runs `f`, inside which [`unwrap`](Shared::unwrap) leads to an error.
    pub fn catching<R>(&self, f: impl FnOnce() -> R) -> Result<R, Broken> {
        catch_unwind(AssertUnwindSafe(f)).map_err(|payload| match payload.downcast::<Broken>() {
            Ok(broken) => {
                // Also if it comes from other `Ranks` of the same world, those of a task's own.
                self.closed().get_or_insert(Broken::clone(&broken));
                *broken
            }
            Err(other) => resume_unwind(other),
        })
    }

    /// The result, or a panic where there is no way to return an error.
    pub(super) fn unwrap<R>(&self, result: Result<R, Broken>) -> R {
        result.unwrap_or_else(|broken| {
            if !self.is_caught {
                eprintln!("{broken}");
            }
            resume_unwind(Box::new(broken))
        })
    }

    fn closed(&self) -> MutexGuard<'_, Option<Broken>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages from all ranks, of the kind that was expected.
#[derive(Debug)]
pub struct Messages {
    messages: Vec<Vec<u8>>,
    /// Where their contents start.
    start: usize,
}

impl Messages {
    /// What `read` reads from all of them, in the order of the ranks.
    pub(super) fn read<R>(&self, read: impl FnOnce(&mut [Reader<'_>]) -> Option<R>) -> Result<R, Broken> {
        let mut readers: Vec<_> = self.messages.iter().map(|message| Reader(&message[self.start..])).collect();
        let result = read(&mut readers);
        let unread = readers.iter().any(|reader| !reader.0.is_empty());
        result.filter(|_| !unread).ok_or_else(|| {
            Broken::differ("the messages of the ranks do not fit together: all must run the same program".to_owned())
        })
    }
}

/// What a panic says.
fn sentence(panic: &Caught) -> String {
    let text = |payload: &Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<String>().cloned();
        text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
    };
    match panic {
        Caught::Mistake(mistake) => mistake.to_string(),
        Caught::Other(payload) => text(payload).unwrap_or_else(|| "it panicked".to_owned()),
    }
}
