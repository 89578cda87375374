//! Root mean square normalization: features with mean square 1.

use super::layer_norm::{add_row, row};
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor, max_row, sum_row};

#[derive(Clone)]
struct RmsNorm {
    epsilon: f64,
}

impl RmsNorm {
    /// Two numbers of a row: `size`, at least as large as each element, and `scale`, with which
    /// `x / size * scale` has a mean square of 1. The squares are those of `x / size`: they neither
    /// overflow nor vanish. `scratch` is overwritten.
    #[inline(always)]
    fn statistics<T: Scalar>(&self, x: &[T], scratch: &mut [T]) -> (T, T) {
        let least = T::from_f64(self.epsilon.sqrt());
        scratch.iter_mut().zip(x).for_each(#[inline(always)] |(r, &x)| *r = x.abs());
        let largest = if scratch.is_empty() { least } else { max_row(scratch) };
        let size = if largest > least { largest } else { least };
        scratch.iter_mut().zip(x).for_each(#[inline(always)] |(r, &x)| *r = (x / size) * (x / size));
        let n = T::from_f64(x.len() as f64);
        let epsilon = least / size;
        (size, T::ONE / (sum_row(scratch) / n + epsilon * epsilon).sqrt())
    }
}

/// The inputs are `x` and gain.
impl Op for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let gain = x[1].contiguous();
        let gain = row(&gain);
        x[0].map_rows_named("rms_norm", [], #[inline(always)] |x, [], y| {
            let (size, scale) = self.statistics(x, y);
            let terms = y.iter_mut().zip(x).zip(gain);
            terms.for_each(#[inline(always)] |((y, &x), &a)| *y = x / size * scale * a);
        })
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let gain = x[1].contiguous();
        let mut dgain = into.needs(1).then(|| [(); 2].map(|()| Tensor::zeros(gain.shape())));
        let dx = {
            let (gain, mut dgain) = (row(&gain), dgain.as_mut().map(|sums| sums.each_mut().map(Tensor::as_mut_slice)));
            grad.map_rows([&x[0]], #[inline(always)] |g, [x], dx| {
                let n = T::from_f64(x.len() as f64);
                let (size, scale) = self.statistics(x, dx);
                let terms = dx.iter_mut().zip(g).zip(x);
                terms.for_each(#[inline(always)] |((d, &g), &x)| *d = g * (x / size * scale));
                if let Some(dgain) = &mut dgain {
                    add_row(dgain, dx);
                }
                dx.iter_mut().zip(gain).for_each(#[inline(always)] |(d, &a)| *d *= a);
                let along = sum_row(dx) / n;
                let terms = dx.iter_mut().zip(g).zip(x).zip(gain);
                terms.for_each(
                    #[inline(always)]
                    |(((d, &g), &x), &a)| *d = (g * a - x / size * scale * along) * scale / size,
                );
            })
        };
        into.add(0, dx);
        if let Some([dgain, _]) = dgain {
            into.add(1, dgain);
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The features, `[.., F]`, scaled to mean square 1 over the last axis:
    /// `y = x / sqrt(mean(x²) + epsilon)`. `dx = (dy - y mean(dy y)) / sqrt(mean(x²) + epsilon)`.
    /// The shape is unchanged.
    ///
    /// With the gain of the paper, it is [`rms_norm_affine`](Var::rms_norm_affine).
    ///
    /// Zhang and Sennrich 2019, "Root mean square layer normalization".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![4.0, 0.0, 0.0, 0.0], [1, 4]));
    /// let y = x.rms_norm(0.0);
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0, 0.0, 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5, 0.5, 0.5]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0, or `epsilon` is negative.
    #[track_caller]
    #[inline]
    pub fn rms_norm(self, epsilon: f64) -> Self {
        let shape = self.shape();
        ensure!(shape.rank() > 0, "rms_norm: a value of rank 0 has no axis of features");
        self.rms_norm_affine(self.tape.full(1.0, [shape[shape.rank() - 1]]), epsilon)
    }

    /// [`rms_norm`](Var::rms_norm) with a gain for each feature: `y = x̂ gain`, where x̂,
    /// `[.., F]`, has mean square 1 over the last axis, and the gain is `[F]`. `d gain` is the sum
    /// of `dy x̂` over all rows.
    ///
    /// Zhang and Sennrich 2019, "Root mean square layer normalization", equation 4.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-8.0, 8.0], [1, 2]));
    /// let gain = tape.variable(&Tensor::from_vec(vec![5.0, 10.0], [2]));
    /// let y = x.rms_norm_affine(gain, 0.0);
    /// assert_eq!(y.value().to_vec(), [-5.0, 10.0]);
    /// assert_eq!(y.sum().backward().wrt(gain).to_vec(), [-1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0, the gain is not `[F]`, `epsilon` is negative, or the two belong to
    /// different tapes.
    #[track_caller]
    #[inline]
    pub fn rms_norm_affine(self, gain: Self, epsilon: f64) -> Self {
        let (shape, given) = (self.shape(), gain.shape());
        ensure!(shape.rank() > 0, "rms_norm: a value of rank 0 has no axis of features");
        ensure!(epsilon >= 0.0, "rms_norm: epsilon is {epsilon}, it must not be negative");
        let size = shape[shape.rank() - 1];
        ensure!(given[..] == [size], "rms_norm: the gain of features {shape} must be [{size}], not {given}");
        self.tape.apply(RmsNorm { epsilon }, &[self, gain])
    }
}
