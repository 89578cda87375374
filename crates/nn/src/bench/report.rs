//! The results of a benchmark.

use std::fmt::{self, Display};
use std::time::Duration;

/// What [`bench::cell`](super::cell) and [`Bench::run`](super::Bench::run) measured. Displays as a
/// table.
///
/// ```
/// use unspool::bench::Bench;
/// use unspool::{Gru, rng};
/// let report = Bench::new([5, 2, 4]).cell("mine", Gru::new(&mut rng(0), 4, 8)).seconds(0.01).run();
/// assert_eq!((report.shape, report.rows.len()), ([5, 2, 4], 1));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BenchReport {
    /// `[T, B, F]`.
    pub shape: [usize; 3],
    /// The number of rounds, in each of which every program had its turn of a few milliseconds. Times are
    /// medians over all steps.
    pub rounds: usize,
    /// The fastest fused multiply-adds of one core: see [`fma_peak`](super::fma_peak).
    pub fma_peak: f64,
    /// One for each program, in the order in which they were added.
    pub rows: Vec<BenchRow>,
}

/// What was measured of one cell or layer.
///
/// ```
/// use unspool::bench::Bench;
/// use unspool::{Gru, rng};
/// let report = Bench::new([5, 2, 4]).cell("mine", Gru::new(&mut rng(0), 4, 8)).seconds(0.01).run();
/// assert!(report.rows[0].parameters == 3 * 8 * (4 + 8) + 4 * 8 && report.rows[0].gflops() > 0.0);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BenchRow {
    /// Its name.
    pub name: String,
    /// The number of its parameters.
    pub parameters: usize,
    /// The time of the forward pass and the loss, with frozen weights.
    pub objective: Duration,
    /// The time of the forward pass, the loss and the gradients of all parameters.
    pub gradient: Duration,
    /// The floating-point operations of the gradient, in its matrix products: those of a
    /// [`Profile`](unspool_autograd::Profile).
    pub flops: f64,
    /// The bytes that the values on the tape hold after the forward pass.
    pub tape_bytes: usize,
    /// The most bytes of values and gradients at the same time.
    pub peak_bytes: usize,
    /// The allocations of the gradient of a step like those before it; `None` if the program's global
    /// allocator is not a [`CountingAllocator`](unspool_autograd::CountingAllocator).
    pub allocations: Option<usize>,
}

impl BenchRow {
    /// The time of the gradient over that of the objective.
    pub fn ratio(&self) -> f64 {
        self.gradient.as_secs_f64() / self.objective.as_secs_f64()
    }

    /// Billions of floating-point operations per second, in the gradient.
    pub fn gflops(&self) -> f64 {
        self.flops / self.gradient.as_secs_f64() / 1e9
    }
}

const HEADER: [&str; 11] = [
    "",
    "parameters",
    "objective ms",
    "gradient ms",
    "ratio",
    "of Lstm",
    "GFLOP/s",
    "of peak",
    "tape MB",
    "peak MB",
    "allocations",
];

impl Display for BenchReport {
    /// A row for each program: the times of objective and gradient and their ratio, the time of the
    /// gradient over that of `Lstm` if there is one, and what share of the core's fused multiply-adds
    /// the products make.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [time, batch, features] = self.shape;
        writeln!(
            f,
            "sequences [T {time}, B {batch}, F {features}], medians of {} rounds; a core's multiply-adds: {:.0} GFLOP/s\n",
            self.rounds, self.fma_peak
        )?;
        let lstm = self.rows.iter().find(|row| row.name == "Lstm");
        let cells = |row: &BenchRow| {
            let ms = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1e3);
            let mb = |bytes: usize| format!("{:.2}", bytes as f64 / 1e6);
            let of_lstm = lstm.map(|lstm| row.gradient.as_secs_f64() / lstm.gradient.as_secs_f64());
            [
                row.name.clone(),
                row.parameters.to_string(),
                ms(row.objective),
                ms(row.gradient),
                format!("{:.2}", row.ratio()),
                of_lstm.map_or("-".into(), |ratio| format!("{ratio:.2}")),
                format!("{:.1}", row.gflops()),
                format!("{:.0}%", 100.0 * row.gflops() / self.fma_peak),
                mb(row.tape_bytes),
                mb(row.peak_bytes),
                row.allocations.map_or("-".into(), |count| count.to_string()),
            ]
        };
        let lines: Vec<_> = [HEADER.map(str::to_string)].into_iter().chain(self.rows.iter().map(cells)).collect();
        let widths: [usize; HEADER.len()] =
            std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0));
        for line in &lines {
            write!(f, "{:<1$}", line[0], widths[0])?;
            for (cell, width) in line.iter().zip(widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        if self.rows.iter().any(|row| row.gflops() > self.fma_peak) {
            writeln!(f, "\nA share above 100%: the library was compiled without full optimization; use --release.")?;
        }
        if self.rows.iter().any(|row| row.allocations.is_none()) {
            writeln!(f, "\nAllocations are counted with unspool::tensor::CountingAllocator as the global allocator.")?;
        }
        Ok(())
    }
}
