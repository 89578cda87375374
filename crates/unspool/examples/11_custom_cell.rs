//! A custom recurrent cell: written, checked, trained.
//!
//! ```text
//! cargo run --release --example custom_cell
//! ```
//!
//! The task: of 20 numbers from 0 to 1, output the first. The gradient has to reach back 20 steps.

#![forbid(unsafe_code)]

use std::error::Error;
use unspool::prelude::*;

/// The minimal gated unit:
/// `f = sigmoid(x W_f + b_f + h U_f)`, `c = tanh(x W_c + b_c + (f h) U_c)`, `h' = h + f (c - h)`.
///
/// Zhou et al. 2016, "Minimal gated unit for recurrent neural networks".
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
        (h, h) // output and next state
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    check()?;
    println!("the gradient of the cell agrees with central differences");
    let error = train(20, 16_000, 6)?;
    println!("mean squared error {error:.6}; always 1/2: {:.6}", 1.0 / 12.0);
    Ok(())
}

/// Compares every derivative of a small cell with central differences.
fn check() -> Result<(), Box<dyn Error>> {
    let small = Recurrent::new(Mgu::new(&mut rng(0), 2, 3));
    gradcheck(&small, |tape, net| {
        let xs = tape.constant(&Tensor::from_fn([5, 4, 2], |i| (i as f64).sin()));
        net.forward(xs).sequence().square().mean()
    })?;
    Ok(())
}

/// Trains the cell as any built-in one. Returns the error on sequences that it has not seen.
fn train(length: usize, sequences: usize, epochs: usize) -> Result<f64, Box<dyn Error>> {
    let rng = &mut rng(1);
    let mut first = |count| {
        let xs = Tensor::uniform(rng, [length, count, 1], 0.0, 1.0);
        Dataset::new(xs.clone(), xs.select(0, 0))
    };
    let (train, test) = (first(sequences)?, first(1000)?);
    let mut model = sequential().add(recurrent(|rng: &mut Rng| Mgu::new(rng, 1, 32))).add(dense(32, 1));
    let adam = Adam::default().learning_rate(5e-3);
    fit(&mut model, &train).loss(mse).optimizer(adam).batch_size(64).epochs(epochs).run()?;
    Ok(evaluate(&model, &test, mse))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_cell_has_the_right_gradient_and_learns() {
        super::check().unwrap();
        let error = super::train(3, 3200, 2).unwrap();
        assert!(error < 0.01, "{error}");
    }
}
