//! A custom recurrent cell: written, checked, trained.
//!
//! `cargo run --release --example custom_cell`
//!
//! The task: of 20 numbers drawn from 0 to 1, output the first. The gradient has to reach back 20
//! steps.

use clap::Parser;
use rand::RngExt;
use unspool::prelude::*;

/// Write a recurrent cell, check its gradient, and train it to remember the first of 20 numbers.
#[derive(Parser)]
#[command(name = "custom_cell")]
struct Options {
    /// The number of training steps
    #[arg(long, value_name = "N", default_value_t = 1500, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
}

/// The minimal gated unit (Zhou et al. 2016):
/// `f = sigmoid(x W_f + b_f + h U_f)`, `c = tanh(x W_c + b_c + (f h) U_c)`, `h' = h + f (c - h)`.
#[derive(Params)]
struct Mgu<P> {
    x: Dense<P>, // W_f and W_c side by side
    u_f: P,
    u_c: P,
}

impl Mgu<Tensor> {
    fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::new(rng, inputs, 2 * hidden);
        Mgu { x, u_f: init::orthogonal(rng, hidden, hidden), u_c: init::orthogonal(rng, hidden, hidden) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Mgu<Var<'t, T>> {
    type State = Var<'t, T>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.u_f.new_zeros([batch, self.u_f.shape()[0]])
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs) // of all time steps at once
    }

    fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Self::State) {
        let [xf, xc] = x.chunks();
        let f = (xf + h.matmul(self.u_f)).sigmoid();
        let c = (xc + (f * h).matmul(self.u_c)).tanh();
        let h = h + f * (c - h);
        (h, h)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (options, rng) = (Options::parse(), &mut rng(0));

    // Checked: every derivative of a small one against central differences.
    let small = Recurrent::new(Mgu::new(rng, 2, 3));
    gradcheck(&small, |tape, net| {
        let xs = tape.constant(&Tensor::from_fn([5, 4, 2], |i| (i as f64).sin()));
        net.forward(xs).sequence().square().mean()
    })?;
    println!("the gradient of the cell agrees with central differences");

    // Trained, by a loop of one's own. (`fit` takes the model as well.)
    let mut model = Pair { recurrent: Recurrent::new(Mgu::new(rng, 1, 32)), head: Dense::new(rng, 32, 1) };
    let mut adam = Adam::default().learning_rate(5e-3);
    let mut tape = Tape::new();
    for step in 1..=options.steps {
        let xs = Tensor::from_fn([20, 64, 1], |_| rng.random());
        let target = xs.select(0, 0);

        let net = tape.bind(&model);
        let last = net.recurrent.forward(tape.constant(&xs)).last();
        let loss = mse(net.head.forward(last), tape.constant(&target));
        let (error, gradients) = (loss.item(), loss.backward().of(&net));
        tape.reset(); // a Var used after this does not compile

        adam.step(&mut model, &gradients);
        if step % 250 == 0 {
            println!("step {step:4}: mean squared error {error:.6}");
        }
    }
    Ok(())
}

/// The unrolled cell, with a dense layer on its last output.
#[derive(Params)]
struct Pair<P> {
    recurrent: Recurrent<Mgu<P>>,
    head: Dense<P>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_out_of_range_are_refused() {
        for arguments in [&["--steps", "0"][..], &["--steps", "x"], &["--nothing"]] {
            assert!(Options::try_parse_from(["custom_cell"].iter().chain(arguments)).is_err(), "{arguments:?}");
        }
        assert_eq!(Options::try_parse_from(["custom_cell"]).map(|options| options.steps).ok(), Some(1500));
    }
}
