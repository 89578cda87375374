//! The real-gated linear recurrent unit.

use crate::layers::dense::Dense;
use crate::layers::init::uniform;
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, Unrolled, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The real-gated linear recurrent unit; its output is its state h `[B, H]`, and its input is of the
/// same width, `[B, H]`.
///
/// ```text
/// r_t = σ(x_t W_r + b_r)
/// i_t = σ(x_t W_i + b_i)
/// a_t = σ(Λ)^(8 r_t)
/// h_t = a_t ⊙ h_{t-1} + sqrt(1 - a_t²) ⊙ (i_t ⊙ x_t)
/// ```
///
/// De et al. 2024, "Griffin: mixing gated linear recurrences with local attention for efficient
/// language models", equations 1 to 4 (its gates a and x are r and i here). The gates depend on the
/// input alone, and many steps are computed at once, as a
/// [linear recurrence](Var::linear_recurrence). The square root is of 1e-12 at least, for the sake
/// of its gradient.
///
/// ```
/// use unspool::cells::RgLru;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(RgLru::<Tensor>::new(&mut rng(0), 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.lambda"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 5])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct RgLru<P> {
    /// The projection of the input for the gates: `W` `[H, 2H]` and `b` `[2H]`, in the order r, i.
    pub x: Dense<P>,
    /// `Λ`: `[H]`.
    pub lambda: P,
}

/// The exponent of a at a gate that is open, the paper's c.
const C: f64 = 8.0;

impl<T: Scalar> RgLru<Tensor<T>> {
    /// A cell with Glorot-uniform weights, zero biases, and a at an open gate, `σ(Λ)^8`, uniform
    /// between 0.9 and 0.999.
    pub fn new(rng: &mut Rng, hidden: usize) -> Self {
        let x = Dense::gates(rng, hidden, hidden, [0.0; 2]);
        let a: Tensor<T> = uniform(rng, [hidden], 0.9, 0.999);
        // σ(Λ) = a^(1/8), and its inverse function is the logit.
        let lambda = Tensor::from_fn([hidden], |i| {
            let root = a.at([i]).to_f64().powf(1.0 / C);
            T::from_f64((root / (1.0 - root)).ln())
        });
        RgLru { x, lambda }
    }
}

impl<'t, T: Scalar> RgLru<Var<'t, T>> {
    /// The factor and the term of the recurrence, of one step or many.
    fn coefficients(&self, x: Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
        let [r, i, x] = x.chunks();
        let log_a = C * self.lambda.logsigmoid() * r.sigmoid();
        let scale = (-(2.0 * log_a).expm1()).maximum(1e-12).sqrt();
        (log_a.exp(), scale * i.sigmoid() * x)
    }
}

impl<'t, T: Scalar> Cell<'t, T> for RgLru<Var<'t, T>> {
    type State = Var<'t, T>;

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.lambda.new_zeros([batch, self.lambda.shape()[0]])
    }

    /// The gates' sums, and the input itself.
    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        Var::concat(xs.shape().rank() - 1, &[self.x.forward(xs), xs])
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let (a, b) = self.coefficients(x);
        let h = a * h + b;
        (h, h)
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, h: Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let (a, b) = self.coefficients(xs);
        Some(Unrolled::of(Var::linear_recurrence(a, b, h)))
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["r", "i"]
    }
}

/// A recurrent layer of [`RgLru`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::rg_lru;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(dense(3, 8)).add(rg_lru(8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn rg_lru(hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> RgLru<Tensor>> {
    recurrent(move |rng| RgLru::new(rng, hidden))
}
