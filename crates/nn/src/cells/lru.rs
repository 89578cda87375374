//! The linear recurrent unit.

use crate::layers::init::{blocks, glorot_uniform, uniform};
use crate::random::Rng;
use crate::recurrent::cell::{Cell, Unrolled, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use std::f64::consts::TAU;
use std::ops::Range;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The linear recurrent unit; its output is y `[B, H]`, its state the complex h, a pair of a real
/// and an imaginary part `[B, H]`.
///
/// ```text
/// λ = exp(-exp(ν) + i exp(θ))
/// h_t = λ ⊙ h_{t-1} + exp(γ) ⊙ (x_t B)
/// y_t = Re(h_t C) + x_t D
/// ```
///
/// Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences", section 3; ν,
/// θ and γ are its ν^log, θ^log and γ^log. λ, B and C are complex, everything else is real. The
/// modulus of λ is less than 1, so that nothing explodes, and a step is linear: many of them are
/// computed at once, as a [linear recurrence](Var::complex_linear_recurrence). The nonlinearity is
/// between the layers of a deep model.
///
/// ```
/// use unspool::cells::Lru;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Lru::<Tensor>::new(&mut rng(0), 3, 5));
/// # #[rustfmt::skip]
/// assert_eq!(layer.names(), [
///     "cell.nu_log", "cell.theta_log", "cell.gamma_log", "cell.w", "cell.c_re", "cell.c_im",
/// ]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Lru<P> {
    /// `ν`: `[H]`, the logarithm of the decay per step.
    pub nu_log: P,
    /// `θ`: `[H]`, the logarithm of the angle per step, in radians.
    pub theta_log: P,
    /// `γ`: `[H]`, the logarithm of the input's scale.
    pub gamma_log: P,
    /// The weights of the input: `[F, 3H]`, in the order Re B, Im B, D.
    pub w: P,
    /// `Re C`: `[H, H]`.
    pub c_re: P,
    /// `Im C`: `[H, H]`.
    pub c_im: P,
}

impl<T: Scalar> Lru<Tensor<T>> {
    /// A cell whose λ are uniform in the unit disk, with Glorot-uniform weights.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        Lru::on_ring(rng, inputs, hidden, 0.0..1.0, TAU)
    }

    /// A cell whose λ are uniform in a ring, or a part of one: with moduli in `radius` and angles
    /// from 0 to `angle`, in radians. A modulus near 1 remembers for long (0.999: some 1,000 steps),
    /// small angles keep what changes slowly. The scale exp(γ) starts at `sqrt(1 - |λ|²)`, with which
    /// h of white noise has variance 1 (lemma 3.2 and section 3.4 of the paper).
    ///
    /// ```
    /// use unspool::cells::Lru;
    /// use unspool::{Tensor, rng};
    /// let long: Lru<Tensor> = Lru::on_ring(&mut rng(0), 3, 5, 0.9..0.999, 0.3);
    /// let modulus = long.nu_log.map(|nu| (-nu.exp()).exp());
    /// assert!(modulus.to_vec().iter().all(|r| (0.9..0.999).contains(r)));
    /// ```
    ///
    /// # Panics
    /// If the radius is not a range within 0 to 1, or the angle is not positive.
    #[track_caller]
    pub fn on_ring(rng: &mut Rng, inputs: usize, hidden: usize, radius: Range<f64>, angle: f64) -> Self {
        let Range { start, end } = radius;
        let fits = 0.0 <= start && start < end && end <= 1.0;
        ensure!(fits, "Lru: a radius from {start} to {end} is not a range within 0 to 1");
        ensure!(angle > 0.0 && angle.is_finite(), "Lru: the angle {angle} is not positive");
        // Uniform by area: the square of the radius is uniform. Not from 0 on, whose logarithm is infinite.
        let least = (start * start).max(1e-4 * end * end);
        let squared: Tensor<f64> = uniform(rng, [hidden], least, end * end);
        let theta: Tensor<f64> = uniform(rng, [hidden], 1e-4 * angle, angle);
        // A modulus of 1 - 1e-7 at most: at 1, as f32 rounds it, the input's scale would be 0.
        let squared = squared.map(|r2| r2.min(1.0 - 2e-7));
        let log = |of: &Tensor<f64>, f: fn(f64) -> f64| Tensor::from_fn([hidden], |i| T::from_f64(f(of.at([i]))));
        Lru {
            nu_log: log(&squared, |r2| (-0.5 * r2.ln()).ln()),
            theta_log: log(&theta, f64::ln),
            gamma_log: log(&squared, |r2| 0.5 * (1.0 - r2).ln()),
            w: blocks(rng, 3, |rng| glorot_uniform(rng, inputs, hidden)),
            c_re: glorot_uniform(rng, hidden, hidden),
            c_im: glorot_uniform(rng, hidden, hidden),
        }
    }
}

impl<'t, T: Scalar> Lru<Var<'t, T>> {
    /// λ: its real and imaginary part.
    fn lambda(&self) -> (Var<'t, T>, Var<'t, T>) {
        let (modulus, angle) = ((-self.nu_log.exp()).exp(), self.theta_log.exp());
        (modulus * angle.cos(), modulus * angle.sin())
    }

    /// The real and the imaginary part of the scaled input, and x D.
    fn inputs(&self, x: Var<'t, T>) -> [Var<'t, T>; 3] {
        let ([re, im, direct], scale) = (x.chunks(), self.gamma_log.exp());
        [scale * re, scale * im, direct]
    }

    fn output(&self, (re, im): (Var<'t, T>, Var<'t, T>), direct: Var<'t, T>) -> Var<'t, T> {
        re.matmul(self.c_re) - im.matmul(self.c_im) + direct
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Lru<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.w.new_zeros([batch, self.nu_log.shape()[0]]);
        (zeros, zeros)
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        xs.matmul(self.w)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (re, im): Self::State) -> (Var<'t, T>, Self::State) {
        let (l_re, l_im) = self.lambda();
        let [x_re, x_im, direct] = self.inputs(x);
        let h = (l_re * re - l_im * im + x_re, l_re * im + l_im * re + x_im);
        (self.output(h, direct), h)
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, h: Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let [x_re, x_im, direct] = self.inputs(xs);
        let h = Var::complex_linear_recurrence(self.lambda(), (x_re, x_im), h);
        let last = xs.shape()[0] - 1;
        let state = (h.0.select(0, last), h.1.select(0, last));
        Some(Unrolled { outputs: self.output(h, direct), states: Some(h), state })
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["re", "im"]
    }
}

/// A recurrent layer of [`Lru`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::lru;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(lru(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn lru(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Lru<Tensor>> {
    recurrent(move |rng| Lru::new(rng, inputs, hidden))
}
