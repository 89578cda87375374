//! Sine and cosine without branches, so that a loop over them becomes SIMD code: of angles up to a
//! limit, beyond which the standard library has to do it.
//!
//! With `n` the integer nearest to `2 x / pi` and `r = x - n pi / 2`, both are the sine or the cosine of
//! `r`, up to a sign, by the quadrant `n` mod 4. `pi / 2` is the sum of three numbers, so that `r` keeps
//! its digits where it is small (Cody and Waite 1980); `|r| <= pi / 4`, where the Taylor series need 4
//! terms for f32 and 8 for f64.

/// `1 / k!` for `k = 2, 3, ..`.
const INVERSE_FACTORIALS: [f64; 17] = {
    let mut table = [0.0; 17];
    let (mut k, mut factorial) = (2, 1.0);
    while k < 19 {
        factorial *= k as f64;
        table[k - 2] = 1.0 / factorial;
        k += 1;
    }
    table
};

macro_rules! sines {
    (
        $module:ident, $t:ident, mantissa: $mantissa:literal, sign: $sign:literal,
        half_pi: [$high:expr, $middle:literal, $low:literal], limit: $limit:literal, terms: $terms:literal
    ) => {
        pub(crate) mod $module {
            /// Adding this rounds to an integer, which then occupies the low bits.
            const ROUND: $t = 1.5 * (1u64 << $mantissa) as $t;

            /// The largest angle, in either direction.
            pub(crate) const LIMIT: $t = $limit;

            /// The sine and the cosine of an angle up to [`LIMIT`].
            #[inline(always)]
            pub(crate) fn sin_cos(x: $t) -> ($t, $t) {
                let shifted = x.mul_add(std::$t::consts::FRAC_2_PI, ROUND);
                let quadrant = shifted.to_bits();
                let n = ROUND - shifted;
                // `n` times the first part of pi / 2 cancels without an error. What the second product and
                // the sum after it lose to rounding is added with the third part.
                let r = n.mul_add($high, x);
                let product = n * $middle;
                let sum = r + product;
                let of_product = sum - r;
                let lost = (r - (sum - of_product)) + (product - of_product);
                let r = sum + (lost + n.mul_add($low, n.mul_add($middle, -product)));

                let z = -(r * r);
                let mut sin = super::INVERSE_FACTORIALS[2 * $terms - 1] as $t;
                let mut cos = super::INVERSE_FACTORIALS[2 * $terms] as $t;
                let mut k = 2 * $terms;
                while k > 2 {
                    k -= 2;
                    sin = sin.mul_add(z, super::INVERSE_FACTORIALS[k - 1] as $t);
                    cos = cos.mul_add(z, super::INVERSE_FACTORIALS[k] as $t);
                }
                let sin = (r * z).mul_add(sin, r);
                let cos = z.mul_add(z.mul_add(cos, 0.5), 1.0);

                let (first, second) = if quadrant & 1 == 0 { (sin, cos) } else { (cos, sin) };
                let negated = |y: $t, when| $t::from_bits(y.to_bits() ^ ((when & 2) << ($sign - 1)));
                let sin = if x == 0.0 { x } else { negated(first, quadrant) };
                (sin, negated(second, quadrant.wrapping_add(1)))
            }
        }
    };
}

sines!(single, f32, mantissa: 23, sign: 31,
    half_pi: [std::f32::consts::FRAC_PI_2, -4.371_139e-8, -1.715_125e-15], limit: 262_144.0, terms: 4);
sines!(double, f64, mantissa: 52, sign: 63,
    half_pi: [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33],
    limit: 1_073_741_824.0, terms: 8);

#[cfg(test)]
mod tests {
    use super::{double, single};

    /// The error in units in the last place of `exact`.
    fn ulps(error: f64, exact: f64, mantissa: i32) -> f64 {
        let ulps = error.abs() / (exact.abs().log2().floor() - f64::from(mantissa)).exp2();
        if ulps.is_nan() { f64::INFINITY } else { ulps }
    }

    #[test]
    fn single_precision_is_within_3_ulp_everywhere_up_to_the_limit() {
        let mut worst = [0f64; 2];
        let angles = (0..single::LIMIT.to_bits()).step_by(251).map(f32::from_bits).filter(|x| x.is_normal());
        // The multiples of pi / 2, where one of the two is nearly 0.
        let near = (1..160_000).map(|n| (f64::from(n) * std::f64::consts::FRAC_PI_2) as f32);
        for x in angles.chain(near).flat_map(|x| [x, -x]) {
            let (sin, cos) = single::sin_cos(x);
            let exact = f64::from(x).sin_cos();
            worst[0] = worst[0].max(ulps(f64::from(sin) - exact.0, exact.0, 23));
            worst[1] = worst[1].max(ulps(f64::from(cos) - exact.1, exact.1, 23));
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of sine and cosine: {worst:?}");
    }

    #[test]
    fn double_precision_is_within_3_ulp_of_the_standard_library() {
        let mut worst = [0f64; 2];
        let all = (0..2_000_000).map(|i| f64::from(i) * 7.61e-4);
        let large = (0..1_000_000).map(|i| double::LIMIT - f64::from(i) * 331.7);
        let tiny = (-300..=9).flat_map(|e| [1.7, 9.3].map(|m| m * 10f64.powi(e))).filter(|&x| x <= double::LIMIT);
        let near = (1..600_000_000).step_by(997).map(|n| f64::from(n) * std::f64::consts::FRAC_PI_2);
        for x in all.chain(large).chain(tiny).chain(near).flat_map(|x| [x, -x]) {
            let (sin, cos) = double::sin_cos(x);
            let exact = x.sin_cos();
            if exact.0 != 0.0 {
                worst[0] = worst[0].max(ulps(sin - exact.0, exact.0, 52));
            }
            worst[1] = worst[1].max(ulps(cos - exact.1, exact.1, 52));
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of sine and cosine: {worst:?}");
    }

    #[test]
    fn zeros_and_the_smallest_numbers_keep_their_sign_and_digits() {
        for x in [0.0, 5e-324, 1e-310].into_iter().flat_map(|x: f64| [x, -x]) {
            let (sin, cos) = double::sin_cos(x);
            assert_eq!((sin.to_bits(), cos), (x.to_bits(), 1.0));
            let x = x as f32;
            let (sin, cos) = single::sin_cos(x);
            assert_eq!((sin.to_bits(), cos), (x.to_bits(), 1.0));
        }
    }
}
