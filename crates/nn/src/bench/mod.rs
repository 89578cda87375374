//! Benchmarks of your own cells and layers, beside the built-in ones of the same size.
//!
//! A program of twenty lines, in your own crate (`cargo run --release`):
//!
//! ```standalone_crate
//! use unspool::bench;
//! use unspool::prelude::*;
//! use unspool::tensor::CountingAllocator;
//!
//! #[derive(Params)]
//! struct Elman<P> { x: Dense<P>, u: P }
//!
//! impl<'t, T: Scalar> Cell<'t, T> for Elman<Var<'t, T>> {
//!     type State = Var<'t, T>;
//!     fn zero_state(&self, batch: usize) -> Var<'t, T> { self.u.new_zeros([batch, self.u.shape()[0]]) }
//!     fn project(&self, xs: Var<'t, T>) -> Var<'t, T> { self.x.forward(xs) }
//!     fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
//!         let h = (x + h.matmul(self.u)).tanh();
//!         (h, h)
//!     }
//! }
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator; // only if allocations are to be counted
//!
//! fn main() {
//!     let (rng, inputs, hidden) = (&mut rng(0), 8, 16);
//!     let cell = Elman { x: Dense::new(rng, inputs, hidden), u: init::orthogonal(rng, hidden, hidden) };
//!     println!("{}", bench::cell(cell, [5, 4, inputs])); // sequences [T, B, F]
//! }
//! ```
//!
//! The objective is the mean of the squares of all outputs, computed with frozen weights; the gradient
//! is the objective with the gradients of all parameters, as in a step of training without the
//! optimizer. Everything runs in `f32` on one thread. To compare several cells or layers of yours, or
//! to measure for longer, see [`Bench`].

mod machine;
mod program;
mod report;

pub use machine::fma_peak;
pub use report::{BenchReport, BenchRow};

use crate::cells::{Gru, Lstm, SimpleRnn};
use crate::layers::layer::Model;
use crate::random::rng;
use crate::recurrent::layer::Recurrent;
use program::{Program, Steps};
use std::fmt;
use std::time::Duration;
use unspool_autograd::clock::{self, Instant};
use unspool_autograd::{Params, Tensor};

/// A turn takes so long, of as many steps as it needs.
const TURN: Duration = Duration::from_millis(2);
/// The least number of rounds.
const ROUNDS: usize = 5;

/// Measures a cell on sequences of the shape `[T, B, F]`, beside the built-in [`Lstm`], [`Gru`] and
/// [`SimpleRnn`] with as many units: see the [module](self).
///
/// ```
/// use unspool::bench;
/// use unspool::{SimpleRnn, rng};
/// let report = bench::cell(SimpleRnn::new(&mut rng(0), 4, 8), [5, 2, 4]);
/// assert_eq!((report.rows.len(), &report.rows[0].name[..]), (4, "SimpleRnn"));
/// println!("{report}"); // beside the built-in three with 8 units
/// ```
///
/// # Panics
/// If the cell does not take inputs of F features, or panics itself.
#[track_caller]
pub fn cell<C>(cell: C, shape: [usize; 3]) -> BenchReport
where
    C: Params<Tensor> + Send + 'static,
    Recurrent<C>: Model<f32>,
{
    let name = std::any::type_name::<C>();
    let end = name.find('<').unwrap_or(name.len());
    let start = name[..end].rfind(':').map_or(0, |colon| colon + 1);
    let bench = Bench::new(shape).cell(&name[start..end], cell);
    let units = bench.programs[0].1.units();
    bench.built_in(units).run()
}

/// A benchmark of several cells and layers, which take turns.
///
/// ```
/// use unspool::bench::Bench;
/// use unspool::cells::GruResetBefore;
/// use unspool::{Dense, Gru, Tensor, rng};
/// let rng = &mut rng(0);
/// let report = Bench::new([10, 8, 4])
///     .cell("after", Gru::new(rng, 4, 16))
///     .cell("before", GruResetBefore::new(rng, 4, 16))
///     .layer("dense", Dense::<Tensor>::new(rng, 4, 16))
///     .seconds(0.05)
///     .run();
/// let [after, before, dense] = &report.rows[..] else { panic!() };
/// assert!(before.parameters < after.parameters && dense.flops < before.flops);
/// ```
#[must_use = "run() measures"]
pub struct Bench {
    shape: [usize; 3],
    seconds: f64,
    programs: Vec<(String, Box<dyn Program>)>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.programs.iter().map(|(name, _)| name).collect();
        f.debug_struct("Bench")
            .field("shape", &self.shape)
            .field("seconds", &self.seconds)
            .field("programs", &names)
            .finish()
    }
}

impl Bench {
    /// A benchmark on sequences of the shape `[T, B, F]`, of 2 seconds.
    pub fn new(shape: [usize; 3]) -> Self {
        Bench { shape, seconds: 2.0, programs: Vec::new() }
    }

    /// Measures for so many seconds, and at least five rounds.
    pub fn seconds(self, seconds: f64) -> Self {
        Bench { seconds, ..self }
    }

    /// Adds a cell, unrolled over the sequence.
    #[track_caller]
    pub fn cell<C>(self, name: impl Into<String>, cell: C) -> Self
    where
        C: Params<Tensor> + Send + 'static,
        Recurrent<C>: Model<f32>,
    {
        self.layer(name, Recurrent::new(cell).return_sequences())
    }

    /// Adds a layer, or a model of several, that takes a sequence.
    #[track_caller]
    pub fn layer<M: Model<f32> + Send + 'static>(mut self, name: impl Into<String>, layer: M) -> Self {
        self.programs.push((name.into(), Box::new(Steps::new(layer, self.shape))));
        self
    }

    /// Adds [`Lstm`], [`Gru`] and [`SimpleRnn`], each with so many units.
    #[track_caller]
    pub fn built_in(self, units: usize) -> Self {
        let (rng, inputs) = (&mut rng(0), self.shape[2]);
        self.cell("Lstm", Lstm::new(rng, inputs, units))
            .cell("Gru", Gru::new(rng, inputs, units))
            .cell("SimpleRnn", SimpleRnn::new(rng, inputs, units))
    }

    /// Measures.
    ///
    /// # Panics
    /// If the machine gives it no thread or has no clock, as in a browser, or a cell or a layer panics.
    #[track_caller]
    pub fn run(mut self) -> BenchReport {
        ensure!(clock::RUNS, "Bench: this platform has no clock to measure by");
        // Large products would share the work of one program among threads.
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        one_thread.install(|| self.measure())
    }

    fn measure(&mut self) -> BenchReport {
        let mut peak = fma_peak();
        let mut rows: Vec<_> = self.programs.iter_mut().map(|(name, program)| program.describe(name)).collect();
        let count = |step: &mut dyn FnMut()| {
            let begun = Instant::now();
            step();
            (TURN.as_secs_f64() / begun.elapsed().as_secs_f64()).ceil().clamp(1.0, 1e3) as usize
        };
        let counts: Vec<[usize; 2]> = (self.programs.iter_mut())
            .map(|(_, program)| [count(&mut || program.objective()), count(&mut || program.gradient())])
            .collect();
        let mut times = vec![[const { Vec::new() }; 2]; rows.len()];
        let (begun, mut rounds) = (Instant::now(), 0);
        while rounds < ROUNDS || begun.elapsed().as_secs_f64() < self.seconds {
            for (((_, program), counts), times) in self.programs.iter_mut().zip(&counts).zip(&mut times) {
                turn(counts[0], &mut times[0], || program.objective());
                turn(counts[1], &mut times[1], || program.gradient());
            }
            rounds += 1;
        }
        peak = peak.max(fma_peak());
        for (row, [objective, gradient]) in rows.iter_mut().zip(&mut times) {
            (row.objective, row.gradient) = (median(objective), median(gradient));
        }
        BenchReport { shape: self.shape, rounds, fma_peak: peak, rows }
    }
}

/// Times so many steps each by itself, so that one that is interrupted is one of many; the first, if
/// there are more, brings its data into cache and does not count.
fn turn(count: usize, times: &mut Vec<Duration>, mut step: impl FnMut()) {
    for i in 0..count {
        let begun = Instant::now();
        step();
        if i > 0 || count == 1 {
            times.push(begun.elapsed());
        }
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
