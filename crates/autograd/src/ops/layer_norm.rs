//! Features with mean 0 and variance 1.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor, sum_row};

struct LayerNorm {
    epsilon: f64,
}

impl LayerNorm {
    /// The mean of a row and `1 / sqrt(variance + epsilon)`; `room` is overwritten.
    #[inline(always)]
    fn statistics<T: Scalar>(&self, x: &[T], room: &mut [T]) -> (T, T) {
        let n = T::from_f64(x.len() as f64);
        let mean = sum_row(x) / n;
        room.iter_mut().zip(x).for_each(#[inline(always)] |(r, &x)| *r = (x - mean) * (x - mean));
        (mean, T::ONE / (sum_row(room) / n + T::from_f64(self.epsilon)).sqrt())
    }
}

impl<T: Scalar> Op<T> for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].map_rows("layer_norm", [], #[inline(always)] |x, [], y| {
            let (mean, scale) = self.statistics(x, y);
            y.iter_mut().zip(x).for_each(#[inline(always)] |(y, &x)| *y = (x - mean) * scale);
        })
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || {
            grad.map_rows("layer_norm", [&x[0], y], #[inline(always)] |g, [x, y], dx| {
                let n = T::from_f64(x.len() as f64);
                let (_, scale) = self.statistics(x, dx);
                dx.iter_mut().zip(g).zip(y).for_each(#[inline(always)] |((d, &g), &y)| *d = g * y);
                let (mean, along) = (sum_row(g) / n, sum_row(dx) / n);
                let terms = dx.iter_mut().zip(g).zip(y);
                terms.for_each(#[inline(always)] |((d, &g), &y)| *d = (g - mean - y * along) * scale);
            })
        });
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The features, `[.., F]`, shifted and scaled to mean 0 and variance 1 over the last axis: `y = (x - mean) /
    /// sqrt(variance + epsilon)`, with the variance of all `F` values (not `F - 1`). `dx = (dy - mean(dy) - y mean(dy
    /// y)) / sqrt(variance + epsilon)`. The shape stays.
    ///
    /// The gain and bias of the paper are a product and a sum more: `x.layer_norm(1e-5) * gain + bias`.
    ///
    /// Ba, Kiros and Hinton 2016, "Layer normalization".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 3.0], [1, 2]));
    /// let y = x.layer_norm(0.0);
    /// assert_eq!(y.value().to_vec(), [-1.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0, or `epsilon` is negative.
    #[track_caller]
    #[inline]
    pub fn layer_norm(self, epsilon: f64) -> Self {
        assert!(self.shape().rank() > 0, "layer_norm: a value of rank 0 has no axis of features");
        assert!(epsilon >= 0.0, "layer_norm: epsilon is {epsilon}, it must not be negative");
        self.unary(LayerNorm { epsilon })
    }
}
