//! Learning without unrolling: gradients through time from one step at a time, in memory that does
//! not grow with time.
//!
//! Backpropagation through time keeps what all steps computed, and gives a gradient only at the end
//! of them. An [`OnlineLearner`] carries forward, from step to step, how the state depends on the
//! parameters, and gives the gradient of each step's loss at once: for signals that never end, and
//! models that change while they run.
//!
//! | learner | gradient | memory | cost of a step |
//! |---|---|---|---|
//! | [`Rtrl`] | exact | n p | n reverse passes and n² p multiplications |
//! | [`SnAp1`] | biased, by what parameters do through other units | about p | n reverse passes |
//! | [`Uoro`] | unbiased, with noise | n + p | 2 reverse passes, over dual numbers |
//! | [truncated BPTT](crate::train::TruncatedBptt) | biased, by what is older than its window of K steps | activations of K steps | 1 reverse pass over K steps, for K steps |
//!
//! n is the number of elements of the state, of all sequences of a batch, and p that of the
//! parameters which it depends on.
//!
//! ```
//! use unspool::online::{OnlineLearner, SnAp1, zero_state};
//! use unspool::prelude::*;
//!
//! #[derive(Params)]
//! struct Forecaster<P> { layer: Recurrent<Lstm<P>>, head: Dense<P> }
//!
//! let rng = &mut rng(0);
//! let mut model = Forecaster { layer: Recurrent::new(Lstm::<Tensor>::new(rng, 1, 8)), head: Dense::new(rng, 8, 1) };
//! let (mut learner, mut adam) = (SnAp1::new(zero_state(&model.layer.cell, 1)), Adam::default());
//! let mut signal = (0..).map(|t| Tensor::full((t as f32 / 4.0).sin(), [1, 1, 1])); // [T, B, F], T = 1
//! let mut x = signal.next().unwrap();
//! for y in signal.take(20) {
//!     let (loss, gradients) = learner.step(&model, [&x, &y], |net, [x, y], state| {
//!         let output = net.layer.run(x, Some(state), Context::default());
//!         (mse(net.head.forward(output.sequence()), y), output.state())
//!     });
//!     adam.step(&mut model, &gradients);
//!     x = y;
//! }
//! ```

// What must stay true: a learner holds tensors alone between two steps, and its tape is empty then;
// a step reads the state and the influence before it, and replaces both at its end, so that a panic
// in the closure leaves them as they were.

mod learner;
mod recorder;
mod rtrl;
mod snap1;
mod sparse;
mod uoro;

pub use learner::{OnlineLearner, zero_state};
pub use rtrl::Rtrl;
pub use snap1::SnAp1;
pub use uoro::Uoro;
