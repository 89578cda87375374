//! Layer normalization: features with mean 0 and variance 1.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor, sum_row};

#[derive(Clone)]
struct LayerNorm {
    epsilon: f64,
}

impl LayerNorm {
    /// The mean of a row and `1 / sqrt(variance + epsilon)`; `scratch` is overwritten.
    #[inline(always)]
    fn statistics<T: Scalar>(&self, x: &[T], scratch: &mut [T]) -> (T, T) {
        let (n, epsilon) = (T::from_f64(x.len() as f64), T::from_f64(self.epsilon));
        let mean = sum_row(x) / n;
        scratch.iter_mut().zip(x).for_each(#[inline(always)] |(r, &x)| *r = (x - mean) * (x - mean));
        let spread = sum_row(scratch) / n;
        let variance = spread + epsilon;
        // The mean of nearly equal numbers may round to a value outside their range; that matters
        // unless epsilon hides it.
        let are_apart = mean * mean + spread != mean * mean || epsilon + spread == epsilon;
        if variance > T::ZERO && (variance * n).is_finite() && are_apart {
            (mean, T::ONE / variance.sqrt())
        } else {
            careful_statistics(x, scratch, n, epsilon)
        }
    }
}

/// The same where sums or squares leave the range of the type, or elements are nearly equal:
/// computed from `x / n`, then from numbers up to 1. The mean is clamped to the smallest and the
/// largest element, so that equal elements have no distance from it.
#[cold]
#[inline(never)]
fn careful_statistics<T: Scalar>(x: &[T], scratch: &mut [T], n: T, epsilon: T) -> (T, T) {
    scratch.iter_mut().zip(x).for_each(|(r, &x)| *r = x / n);
    let mean = sum_row(scratch);
    let ends = (T::from_f64(f64::INFINITY), T::from_f64(f64::NEG_INFINITY));
    let (least, most) =
        x.iter().fold(ends, |(least, most), &x| (if x < least { x } else { least }, if x > most { x } else { most }));
    let inside = if mean < least { least } else if mean > most { most } else { mean };
    let mean = inside.with_tangent_of(mean);
    let largest = x.iter().fold(T::ZERO, |most, &x| if (x - mean).abs() > most { (x - mean).abs() } else { most });
    if largest == T::ZERO {
        return (mean, T::ONE / epsilon.sqrt());
    }
    let largest = largest.with_tangent_of(T::ZERO);
    scratch.iter_mut().zip(x).for_each(|(r, &x)| *r = (x - mean) / largest * ((x - mean) / largest));
    let scale = T::ONE / (sum_row(scratch) / n + epsilon / largest / largest).sqrt();
    (mean, scale / largest)
}

/// The inputs are `x`, gain and bias.
impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let (gain, bias) = (x[1].contiguous(), x[2].contiguous());
        let (gain, bias) = (row(&gain), row(&bias));
        x[0].map_rows_named("layer_norm", [], #[inline(always)] |x, [], y| {
            let (mean, scale) = self.statistics(x, y);
            let terms = y.iter_mut().zip(x).zip(gain).zip(bias);
            terms.for_each(#[inline(always)] |(((y, &x), &a), &b)| *y = (x - mean) * scale * a + b);
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
                let (mean, scale) = self.statistics(x, dx);
                let terms = dx.iter_mut().zip(g).zip(x);
                terms.for_each(#[inline(always)] |((d, &g), &x)| *d = g * ((x - mean) * scale));
                if let Some(dgain) = &mut dgain {
                    add_row(dgain, dx);
                }
                dx.iter_mut().zip(gain).for_each(#[inline(always)] |(d, &a)| *d *= a);
                let along = sum_row(dx) / n;
                dx.iter_mut().zip(g).zip(gain).for_each(#[inline(always)] |((d, &g), &a)| *d = g * a);
                let across = sum_row(dx) / n;
                let terms = dx.iter_mut().zip(x);
                terms.for_each(#[inline(always)] |(d, &x)| *d = (*d - across - (x - mean) * scale * along) * scale);
            })
        };
        into.add(0, dx);
        if let Some([dgain, _]) = dgain {
            into.add(1, dgain);
        }
        into.pass_on(2, || grad);
    }
}

/// Adds a row to sums over any number of rows, each stored with its rounding error (Kahan 1965).
#[inline(always)]
pub(super) fn add_row<T: Scalar>([sums, lost]: &mut [&mut [T]; 2], row: &[T]) {
    let terms = sums.iter_mut().zip(&mut **lost).zip(row);
    terms.for_each(
        #[inline(always)]
        |((sum, lost), &d)| {
            let term = d - *lost;
            let next = *sum + term;
            *lost = (next - *sum) - term;
            *sum = next;
        },
    );
}

/// The elements of a contiguous tensor.
pub(super) fn row<T: Scalar>(x: &Tensor<T>) -> &[T] {
    x.as_slice().expect("contiguous")
}

impl<T: Scalar> Var<'_, T> {
    /// The features, `[.., F]`, shifted and scaled to mean 0 and variance 1 over the last axis: `y
    /// = (x - mean) / sqrt(variance + epsilon)`, with the variance of all `F` values (not `F - 1`).
    /// `dx = (dy - mean(dy) - y mean(dy y)) / sqrt(variance + epsilon)`. The shape is unchanged.
    ///
    /// With the gain and bias of the paper, it is [`layer_norm_affine`](Var::layer_norm_affine).
    ///
    /// Ba, Kiros and Hinton 2016, "Layer normalization".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
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
        let shape = self.shape();
        ensure!(shape.rank() > 0, "layer_norm: a value of rank 0 has no axis of features");
        let size = [shape[shape.rank() - 1]];
        let [one, zero] = [1.0, 0.0].map(|number| self.tape.full(number, size));
        self.layer_norm_affine(one, zero, epsilon)
    }

    /// [`layer_norm`](Var::layer_norm) with a gain and a bias for each feature:
    /// `y = x̂ gain + bias`, where x̂, `[.., F]`, has mean 0 and variance 1 over the last axis, and
    /// gain and bias are `[F]`. `d gain` is the sum of `dy x̂` over all rows, `d bias` that of
    /// `dy`.
    ///
    /// The same as `x.layer_norm(epsilon) * gain + bias`, with two fewer values to write and store.
    ///
    /// Ba, Kiros and Hinton 2016, "Layer normalization", equation 4.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 3.0], [1, 2]));
    /// let [gain, bias] = [[2.0, 4.0], [0.5, 0.5]].map(|row| tape.variable(&Tensor::from_vec(row.to_vec(), [2])));
    /// let y = x.layer_norm_affine(gain, bias, 0.0);
    /// assert_eq!(y.value().to_vec(), [-1.5, 4.5]);
    /// assert_eq!(y.sum().backward().wrt(gain).to_vec(), [-1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the rank is 0, gain or bias is not `[F]`, `epsilon` is negative, or the three belong to
    /// different tapes.
    #[track_caller]
    #[inline]
    pub fn layer_norm_affine(self, gain: Self, bias: Self, epsilon: f64) -> Self {
        let shape = self.shape();
        ensure!(shape.rank() > 0, "layer_norm: a value of rank 0 has no axis of features");
        ensure!(epsilon >= 0.0, "layer_norm: epsilon is {epsilon}, it must not be negative");
        for (name, given) in [("gain", gain.shape()), ("bias", bias.shape())] {
            let size = shape[shape.rank() - 1];
            ensure!(given[..] == [size], "layer_norm: the {name} of features {shape} must be [{size}], not {given}");
        }
        self.tape.apply(LayerNorm { epsilon }, &[self, gain, bias])
    }
}

#[cfg(test)]
mod tests {
    use crate::Tape;
    use unspool_tensor::Tensor;

    #[test]
    fn the_gradient_of_the_gain_is_exact_over_a_million_rows() {
        const ROWS: usize = 1 << 20;
        let tape = Tape::new();
        let x = tape.constant(&Tensor::from_fn([ROWS, 2], |i| if i % 2 == 0 { 1f32 } else { -1.0 }));
        let [gain, bias] = [1.0, 0.0].map(|x| tape.variable(&Tensor::full(x, [2])));
        let gradients = x.layer_norm_affine(gain, bias, 0.0).backward_with(&Tensor::full(0.1, [ROWS, 2]));
        let expected = f64::from(0.1f32) * ROWS as f64;
        for (i, sign) in [1.0, -1.0].into_iter().enumerate() {
            let found = f64::from(gradients.wrt(gain).at([i]));
            assert!((found / (sign * expected) - 1.0).abs() < 1e-6, "{found}");
        }
    }
}
