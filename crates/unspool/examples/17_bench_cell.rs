//! A benchmark of a custom cell, beside the built-in ones of the same size.
//!
//! ```text
//! cargo run --release --example bench_cell -- --time 100 --batch 64 --inputs 256 --hidden 256
//! ```
//!
//! The cell is that of the example `custom_cell`, twice: with the inputs of all time steps projected
//! at once, and with those of each step by themselves. A table shows what that gains, and what the
//! products make of the machine. For the profile of one of them, by op: `--profile`.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use unspool::bench::{Bench, BenchReport};
use unspool::prelude::*;
use unspool::tensor::CountingAllocator;

const USAGE: &str = "
Benchmarks a minimal gated unit beside the built-in cells.
  --time 50
  --batch 32
  --inputs 32
  --hidden 64
  --seconds 3
  --profile        prints what the ops of a step cost";

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The minimal gated unit of Zhou et al. 2016.
#[derive(Params)]
struct Mgu<P> {
    x: Dense<P>,
    u_f: P,
    u_c: P,
    at_once: bool,
}

impl Mgu<Tensor> {
    fn new(rng: &mut Rng, inputs: usize, hidden: usize, at_once: bool) -> Self {
        let x = Dense::new(rng, inputs, 2 * hidden);
        let [u_f, u_c] = [(); 2].map(|()| init::orthogonal(rng, hidden, hidden));
        Mgu { x, u_f, u_c, at_once }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Mgu<Var<'t, T>> {
    type State = Var<'t, T>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.u_f.new_zeros([batch, self.u_f.shape()[0]])
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        if self.at_once { self.x.forward(xs) } else { xs }
    }

    fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Self::State) {
        let [xf, xc] = if self.at_once { x } else { self.x.forward(x) }.chunks();
        let f = (xf + h.matmul(self.u_f)).sigmoid();
        let c = (xc + (f * h).matmul(self.u_c)).tanh();
        let h = h + f * (c - h);
        (h, h)
    }
}

fn main() {
    let cli = cli::Cli::read(USAGE);
    let shape = [cli.get("time"), cli.get("batch"), cli.get("inputs")];
    let hidden = cli.get("hidden");
    print!("{}", bench(shape, hidden, cli.get("seconds")));
    if cli.flag("profile") {
        print!("\n{}", profile(shape, hidden));
    }
}

fn bench([time, batch, inputs]: [usize; 3], hidden: usize, seconds: f64) -> BenchReport {
    let rng = &mut rng(0);
    Bench::new([time, batch, inputs])
        .cell("Mgu", Mgu::new(rng, inputs, hidden, true))
        .cell("Mgu, each step", Mgu::new(rng, inputs, hidden, false))
        .built_in(hidden)
        .seconds(seconds)
        .run()
}

/// What the ops of some steps of training cost.
fn profile([time, batch, inputs]: [usize; 3], hidden: usize) -> String {
    let model = Recurrent::new(Mgu::new(&mut rng(0), inputs, hidden, true));
    let xs = Tensor::uniform(&mut rng(1), [time, batch, inputs], -1.0, 1.0);
    let mut tape = Tape::new().profiled();
    for _ in 0..10 {
        let net = tape.bind(&model);
        let loss = net.forward(tape.constant(&xs)).sequence().square().mean();
        drop(loss.backward().of(&net));
        tape.reset();
    }
    tape.profile().to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_cell_is_measured_beside_the_built_in_ones() {
        let report = super::bench([4, 3, 2], 5, 0.01);
        let names: Vec<_> = report.rows.iter().map(|row| &row.name[..]).collect();
        assert_eq!(names, ["Mgu", "Mgu, each step", "Lstm", "Gru", "SimpleRnn"]);
        assert_eq!(report.rows[0].flops, report.rows[1].flops);
        assert!(report.rows.iter().all(|row| row.allocations.is_some() && row.ratio() > 0.0));
        assert!(super::profile([4, 3, 2], 5).contains("matmul"));
    }
}
