//! The optimiser Adam.

use crate::optimizer::Optimizer;
use unspool_autograd::{Params, Scalar, Tensor, Weights};

/// Adam: `m` and `v` are running means of the gradient and of its square, and each weight moves by
/// `-rate m / (sqrt(v) + epsilon)`, both corrected for starting at zero.
///
/// Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1, in the form at the end of
/// section 2, where epsilon stands beside the uncorrected `sqrt(v)`, as in Keras. The defaults are Keras's:
/// rate 0.001, betas 0.9 and 0.999, epsilon 1e-7.
///
/// ```
/// use unspool_nn::{Adam, Dense, Optimizer, rng};
/// use unspool_autograd::{Tape, Tensor};
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 2, 1);
/// let mut adam = Adam::default().learning_rate(0.1);
/// let mut tape = Tape::new();
/// for _ in 0..100 {
///     let net = tape.bind(&model);
///     let gradients = (net.weight.square().sum() + net.bias.square().sum()).backward().of(&net);
///     tape.reset();
///     adam.step(&mut model, &gradients);
/// }
/// assert!(model.weight.at([0, 0]).abs() < 1e-2);
/// ```
#[derive(Clone, Debug)]
pub struct Adam<M> {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    steps: i32,
    /// `m` and `v`, from the first step on.
    moments: Option<(M, M)>,
}

impl<M> Default for Adam<M> {
    fn default() -> Self {
        Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, steps: 0, moments: None }
    }
}

impl<M> Adam<M> {
    /// Sets the learning rate.
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        Adam { learning_rate, ..self }
    }

    /// Sets the decay of the two running means, per step.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Adam { beta1, beta2, ..self }
    }

    /// Sets the small number that keeps the division finite.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adam { epsilon, ..self }
    }
}

impl<T: Scalar, M: Params<Tensor<T>>> Optimizer<T, M> for Adam<M> {
    fn step(&mut self, model: &mut M, gradients: &M) {
        self.steps = self.steps.saturating_add(1);
        let correction = (1.0 - self.beta2.powi(self.steps)).sqrt() / (1.0 - self.beta1.powi(self.steps));
        let rate = T::from_f64(self.learning_rate * correction);
        let (keep1, keep2) = (T::from_f64(1.0 - self.beta1), T::from_f64(1.0 - self.beta2));
        let epsilon = T::from_f64(self.epsilon);

        let (m, v) = self.moments.get_or_insert_with(|| (model.zeros_like(), model.zeros_like()));
        let moments = m.leaves_mut().into_iter().zip(v.leaves_mut());
        for ((weight, gradient), (m, v)) in model.leaves_mut().into_iter().zip(gradients.leaves()).zip(moments) {
            m.update(
                gradient,
                #[inline(always)]
                |m, g| m + (g - m) * keep1,
            );
            v.update(
                gradient,
                #[inline(always)]
                |v, g| v + (g * g - v) * keep2,
            );
            let change = m.zip(
                "adam",
                v,
                #[inline(always)]
                |m, v| rate * m / (v.sqrt() + epsilon),
            );
            weight.update(
                &change,
                #[inline(always)]
                |w, c| w - c,
            );
        }
    }
}
