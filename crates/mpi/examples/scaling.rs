//! What training on several ranks costs: time for a step, the share of it that goes into messages, and their bytes
//! beside the formula.
//!
//! ```sh
//! cargo build --release --example scaling
//! RAYON_NUM_THREADS=2 mpirun -n 1 target/release/examples/scaling
//! RAYON_NUM_THREADS=1 mpirun -n 2 --bind-to core target/release/examples/scaling
//! ```

use clap::Parser;
use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use unspool::Mode;
use unspool::optim::{Optimizer, Sgd};
use unspool::prelude::*;
use unspool::train::{Ranks, Shards, World};
use unspool_mpi::MpiWorld;

/// Measures training steps of an LSTM on the ranks of an MPI program.
#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 256)]
    hidden: usize,
    /// Examples in a batch.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Time steps.
    #[arg(long, default_value_t = 100)]
    time: usize,
    /// Training steps; the median of their times is printed.
    #[arg(long, default_value_t = 15)]
    steps: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    unspool_mpi::run(|world| measure(&args, world))
}

/// A world that counts what goes through it.
#[derive(Clone)]
struct Counting {
    world: MpiWorld,
    seconds: Arc<Mutex<f64>>,
    bytes: Arc<AtomicU64>,
}

impl World for Counting {
    fn rank(&self) -> usize {
        self.world.rank()
    }

    fn size(&self) -> usize {
        self.world.size()
    }

    fn exchange(&self, to: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        let others = to.iter().enumerate().filter(|(rank, _)| *rank != self.rank());
        self.bytes.fetch_add(others.map(|(_, message)| message.len() as u64).sum(), Ordering::Relaxed);
        let started = Instant::now();
        let result = self.world.exchange(to);
        *self.seconds.lock().expect("no panic in it") += started.elapsed().as_secs_f64();
        result
    }
}

fn measure(args: &Args, world: &MpiWorld) -> Result<(), Box<dyn Error>> {
    let x = Tensor::<f32>::from_fn([args.time, args.batch, args.hidden], |i| (i as f32 * 0.37).sin());
    let data = Dataset::new(x, Tensor::zeros([args.batch, args.hidden]))?;
    let mut model = sequential().add(lstm(args.hidden, args.hidden));
    let world = Counting { world: world.clone(), seconds: Arc::default(), bytes: Arc::default() };
    let mut shards = Shards::new();
    shards.set_ranks(&Ranks::new(&world));
    let mut sgd = Sgd::default().learning_rate(1e-3);
    let mut times = Vec::new();
    for step in 0..args.steps + 3 {
        if step == 3 {
            // The first steps fill caches.
            *world.seconds.lock().expect("no panic in it") = 0.0;
            world.bytes.store(0, Ordering::Relaxed);
        }
        let started = Instant::now();
        let (_, gradients) = shards.batch_gradients(&model, &data, mse, Mode::Training { seed: 0 });
        sgd.step(&mut model, &gradients);
        times.push(started.elapsed().as_secs_f64());
    }
    let times = &mut times[3..];
    let all: f64 = times.iter().sum();
    times.sort_by(f64::total_cmp);
    let (ranks, elements) = (world.size() as f64, model.parameter_count() as f64);
    let bytes = world.bytes.load(Ordering::Relaxed) as f64 / args.steps as f64;
    if world.rank() == 0 {
        println!(
            "{ranks} ranks: {:.1} ms a step (least {:.1}), {:.1}% of it in messages; sent {bytes:.0} bytes a step, \
             2 x 4 bytes x {elements} x (R - 1) / R is {:.0}",
            times[times.len() / 2] * 1e3,
            times[0] * 1e3,
            *world.seconds.lock().expect("no panic in it") / all * 100.0,
            8.0 * elements * (ranks - 1.0) / ranks
        );
    }
    Ok(())
}
