//! Integer powers.

use crate::loops::blocks::update_run;
use crate::loops::simd::dispatch;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::tuning::MAP_CHUNK;

impl<T: Scalar> Tensor<T> {
    /// Each element to the power of an integer, by repeated multiplication: exponent 9 takes four
    /// products. A negative power is 1 over the positive one; `x^0` is 1.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![2.0, -1.0, 0.0], [3]);
    /// assert_eq!(x.powi(3).to_vec(), [8.0, -1.0, 0.0]);
    /// assert_eq!(x.powi(-2).to_vec(), [0.25, 1.0, f32::INFINITY]);
    /// ```
    pub fn powi(&self, exponent: i32) -> Tensor<T> {
        let source = self.contiguous();
        let source = source.as_slice().expect("contiguous");
        Tensor::written(self.shape(), |out| {
            dispatch(
                #[inline(always)]
                || {
                    for (out, x) in out.chunks_mut(MAP_CHUNK).zip(source.chunks(MAP_CHUNK)) {
                        powi_run(out, x, exponent);
                    }
                },
            );
        })
    }
}

/// From the highest binary digit of the exponent to the lowest: the power is squared for each, and
/// multiplied by `x` for a 1.
#[inline(always)]
fn powi_run<T: Scalar>(out: &mut [T], x: &[T], exponent: i32) {
    let n = exponent.unsigned_abs();
    let Some(digits) = n.checked_ilog2() else {
        return out.fill(T::ONE);
    };
    out.copy_from_slice(x);
    for digit in (0..digits).rev() {
        match n >> digit & 1 {
            0 => update_run(
                out,
                [],
                #[inline(always)]
                |y, []| y * y,
            ),
            _ => update_run(
                out,
                [x],
                #[inline(always)]
                |y, [x]| y * y * x,
            ),
        }
    }
    if exponent < 0 {
        update_run(
            out,
            [],
            #[inline(always)]
            |y, []| T::ONE / y,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::dual::Dual;

    #[test]
    fn powers_are_repeated_products() {
        let x = Tensor::<f64>::from_fn([3, 41], |i| (i as f64 - 60.0) / 16.0).t();
        for exponent in -9..=9i32 {
            let by_hand = |x: f64| (0..exponent.abs()).fold(1.0, |power, _| power * x);
            let powers = x.powi(exponent);
            assert_eq!(powers.shape(), x.shape());
            for (power, x) in powers.to_vec().into_iter().zip(x.to_vec()) {
                let expected = if exponent < 0 { 1.0 / by_hand(x) } else { by_hand(x) };
                assert!(power == expected || (power / expected - 1.0).abs() < 1e-14, "{x}^{exponent}: {power}");
            }
        }
        let extreme = Tensor::<f64>::from_vec(vec![1.0, -1.0, 0.5, 2.0, 0.0], [5]);
        assert_eq!(extreme.powi(i32::MIN).to_vec(), [1.0, 1.0, f64::INFINITY, 0.0, f64::INFINITY]);
    }

    #[test]
    fn tangents_of_powers_are_right_at_zero() {
        let x = Tensor::from_vec(vec![Dual { value: 0.0, tangent: 1.0 }, Dual { value: -2.0, tangent: 1.0 }], [2]);
        let tangents = |exponent| x.powi(exponent).tangents().to_vec();
        assert_eq!(
            [tangents(0), tangents(1), tangents(2), tangents(3)],
            [[0.0, 0.0], [1.0, 1.0], [0.0, -4.0], [0.0, 12.0]]
        );
        assert_eq!(tangents(-1)[1], -0.25);
    }
}
