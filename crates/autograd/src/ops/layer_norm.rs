//! Features with mean 0 and variance 1.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct LayerNorm {
    epsilon: f64,
}

impl LayerNorm {
    /// `x - mean` and `1 / sqrt(variance + epsilon)`, the latter with the last axis of size 1.
    fn parts<T: Scalar>(&self, x: &Tensor<T>) -> (Tensor<T>, Tensor<T>) {
        let axis = x.rank() - 1;
        let epsilon = T::from_f64(self.epsilon);
        let mean = x.mean_axes(&[axis]).unsqueeze(axis);
        let centred = x.zip("layer_norm", &mean, #[inline(always)] |x, mean| x - mean);
        let variance = centred.map(#[inline(always)] |c| c * c).mean_axes(&[axis]).unsqueeze(axis);
        (centred, variance.map(#[inline(always)] |v| T::ONE / (v + epsilon).sqrt()))
    }
}

impl<T: Scalar> Op<T> for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let (centred, scale) = self.parts(&x[0]);
        centred.into_zip("layer_norm", &scale, #[inline(always)] |c, s| c * s)
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || {
            let axis = y.rank() - 1;
            let mean = |x: &Tensor<T>| x.mean_axes(&[axis]).unsqueeze(axis);
            let along_y = mean(&grad.zip("layer_norm", y, #[inline(always)] |g, y| g * y));
            let (_, scale) = self.parts(&x[0]);
            grad.zip("layer_norm", &mean(&grad), #[inline(always)] |g, mean| g - mean)
                .zip3("layer_norm", y, &along_y, #[inline(always)] |g, y, along| g - y * along)
                .into_zip("layer_norm", &scale, #[inline(always)] |g, s| g * s)
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
