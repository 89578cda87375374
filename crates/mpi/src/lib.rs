//! Training with [unspool](https://docs.rs/unspool) on many machines: its [`World`] of ranks over MPI.
//!
//! Every process runs the same program, and each becomes a rank:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use unspool::prelude::*;
//!
//! fn main() -> ExitCode {
//!     unspool_mpi::run(|world| {
//!         let data = Dataset::new(Tensor::<f32>::ones([50, 6400, 1]), Tensor::zeros([6400, 1]))?;
//!         let mut model = sequential().add(lstm(1, 64)).add(dense(64, 1));
//!         let history = fit(&mut model, &data).loss(mse).batch_size(1024).epochs(5).world(world).run()?;
//!         if world.rank() == 0 {
//!             println!("{history}");
//!         }
//!         Ok(())
//!     })
//! }
//! ```
//!
//! ```sh
//! cargo build --release
//! mpirun -n 4 target/release/program
//! ```
//!
//! The weights have the same bits at any number of ranks. What the ranks share, what has to be the same on all of
//! them, and what happens if one fails: see [`Fit::world`](unspool::train::Fit::world).
//!
//! # Building
//!
//! It needs a C compiler and an MPI library with its compiler wrapper `mpicc`: Open MPI or MPICH (on Debian
//! `libopenmpi-dev openmpi-bin`), or the module of a cluster (`module load openmpi`). The bindings are those of
//! [ferrompi](https://docs.rs/ferrompi), which lists the variables that choose a library.
//!
//! # Cores
//!
//! A rank uses all cores that it may run on, as a program by itself does. Launchers give each rank cores of its own:
//! `mpirun --map-by slot:PE=8 --bind-to core`, or Slurm's `--cpus-per-task=8`. Where they do not, set
//! `RAYON_NUM_THREADS`: ranks that share cores wait for each other.

mod exchange;

use ferrompi::{Communicator, Mpi, ThreadLevel};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;
use unspool::train::{FitError, World};

/// This process as one of the ranks of an MPI program. [`run`] makes it.
#[derive(Clone)]
pub struct MpiWorld {
    rank: usize,
    size: usize,
    /// One thread at a time may call MPI.
    communicator: Arc<Mutex<Communicator>>,
    /// Whether anything was exchanged.
    is_used: Arc<AtomicBool>,
}

impl fmt::Debug for MpiWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MpiWorld").field("rank", &self.rank).field("size", &self.size).finish_non_exhaustive()
    }
}

impl MpiWorld {
    /// The number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl MpiWorld {
    /// Waits for all ranks to come to the end of the program: one that still trains would wait for this one forever.
    fn end(&self) -> io::Result<()> {
        const END: &[u8] = b"end";
        if self.rank == 0 && self.size > 1 && !self.is_used.load(Ordering::Relaxed) {
            eprintln!("warning: {} ranks have trained nothing together: is `.world(world)` missing?", self.size);
        }
        let messages = self.exchange(&vec![END; self.size])?;
        match messages.iter().position(|message| message != END) {
            None => Ok(()),
            Some(other) => Err(io::Error::other(format!(
                "the program has ended, but rank {other} still trains: all ranks must run the same training"
            ))),
        }
    }
}

impl World for MpiWorld {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn exchange(&self, to: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        self.is_used.store(true, Ordering::Relaxed);
        let communicator = self.communicator.lock().unwrap_or_else(PoisonError::into_inner);
        // MPI counts the bytes of all messages together in 32 bits.
        exchange::all_to_all(&*communicator, to, i32::MAX as usize / self.size).map_err(io::Error::other)
    }
}

/// Runs a program on all ranks, and ends it on all: what `main` returns.
///
/// If `program` fails or panics on one rank, that is printed with the number of the rank, and all are ended with
/// `MPI_Abort` and the exit code 1. A checkpoint stays as it was saved last.
///
/// An error that all ranks meet is printed by one of them; a panic by each that gets to it.
pub fn run(program: impl FnOnce(&MpiWorld) -> Result<(), Box<dyn Error>>) -> ExitCode {
    let mpi = match start() {
        Ok(mpi) => mpi,
        Err(sentence) => {
            eprintln!("{sentence}");
            return ExitCode::FAILURE;
        }
    };
    let communicator = mpi.world();
    let (rank, size) = (communicator.rank() as usize, communicator.size() as usize);
    let world = MpiWorld { rank, size, communicator: Arc::new(Mutex::new(communicator)), is_used: Arc::default() };
    if size > 1 {
        set_hook(Box::new(move |panic| {
            eprintln!("rank {rank} {panic}");
            let trace = Backtrace::capture();
            if trace.status() == BacktraceStatus::Captured {
                eprintln!("{trace}");
            }
        }));
    }
    let ended = || program(&world).and_then(|()| Ok(world.end()?));
    match catch_unwind(AssertUnwindSafe(ended)) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => {
            // The rank that this one has its error from speaks itself, if it still can, and one that knows more than that
            // ranks do not do the same speaks before the others.
            let patience = match fit_error(&*error) {
                Some(FitError::RankStopped { .. }) => PATIENCE,
                Some(FitError::World { .. }) => PATIENCE / 2,
                _ => Duration::ZERO,
            };
            sleep(patience + PATIENCE.min(TURN * rank as u32));
            eprintln!("rank {rank}: {error}");
        }
        Err(_) => {} // its message was printed
    }
    mpi.world().abort(1)
}

/// The error of a training that another error is or has as its source.
fn fit_error<'a>(mut error: &'a (dyn Error + 'static)) -> Option<&'a FitError> {
    loop {
        match error.downcast_ref() {
            Some(found) => return Some(found),
            None => error = error.source()?,
        }
    }
}

/// How long a rank waits for another one to say what went wrong.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after the rank before it a rank speaks.
const TURN: Duration = Duration::from_millis(500);

/// Starts MPI for calls from any thread, one at a time.
fn start() -> Result<Mpi, String> {
    let mpi = Mpi::init_thread(ThreadLevel::Serialized).map_err(|error| format!("cannot start MPI: {error}"))?;
    match mpi.thread_level() {
        ThreadLevel::Serialized | ThreadLevel::Multiple => Ok(mpi),
        level => Err(format!(
            "this MPI library lets one thread alone communicate (its thread level is {level:?}), and the level Serialized \
             is needed: build it with support for threads"
        )),
    }
}
