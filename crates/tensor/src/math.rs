//! Exponential functions and the logarithm without branches, so that a loop over them becomes SIMD code.
//!
//! The exponentials rest on `exp(x) = 2^n exp(r)`, with `n` the integer nearest to `x / ln 2` and `|r| <= ln 2 / 2`, where the
//! Taylor series of `exp(r) - 1` needs 7 terms for f32 and 13 for f64. Each step keeps its rounding small
//! relative to the result: `tanh` and `sigmoid` are written so that nothing cancels.

/// `1 / k!` for `k = 2, 3, ..`, the Taylor coefficients after the first.
const INVERSE_FACTORIALS: [f64; 12] = {
    let mut table = [0.0; 12];
    let (mut k, mut factorial) = (2, 1.0);
    while k < 14 {
        factorial *= k as f64;
        table[k - 2] = 1.0 / factorial;
        k += 1;
    }
    table
};

macro_rules! exponentials {
    (
        $module:ident, $t:ident, $bits:ident, $signed:ident, mantissa: $mantissa:literal, bias: $bias:literal,
        terms: $terms:literal, ln_terms: $ln_terms:literal,
        ln2_low: $ln2_low:expr, exp_range: $lowest:literal..$highest:literal, tanh_limit: $tanh_limit:literal
    ) => {
        pub(crate) mod $module {
            /// Adding this rounds to an integer, which then stands in the low bits.
            const ROUND: $t = 1.5 * (1u64 << $mantissa) as $t;
            const LN_2: $t = std::$t::consts::LN_2;
            /// What is lost of ln 2 by rounding it to `LN_2`.
            const LN_2_LOW: $t = $ln2_low;

            /// 2^n for a normal result.
            #[inline(always)]
            fn power_of_two(n: $bits) -> $t {
                $t::from_bits(n.wrapping_add($bias) << $mantissa)
            }

            /// `(n, exp(r) - 1)` with `x = n ln 2 + r`.
            #[inline(always)]
            fn reduce(x: $t) -> ($bits, $t) {
                let shifted = x.mul_add(std::$t::consts::LOG2_E, ROUND);
                let n = shifted.to_bits().wrapping_sub(ROUND.to_bits());
                let whole = shifted - ROUND;
                let r = (-whole).mul_add(LN_2_LOW, (-whole).mul_add(LN_2, x));
                let mut q = super::INVERSE_FACTORIALS[$terms - 2] as $t;
                let mut k = $terms - 2;
                while k > 0 {
                    k -= 1;
                    q = q.mul_add(r, super::INVERSE_FACTORIALS[k] as $t);
                }
                (n, (r * r).mul_add(q, r))
            }

            #[inline(always)]
            pub(crate) fn exp(x: $t) -> $t {
                let x = if x < $lowest { $lowest } else { x };
                let x = if x > $highest { $highest } else { x };
                let (n, p) = reduce(x);
                // Two factors, so that results down to the smallest subnormal come out right.
                let half = (n as $signed >> 1) as $bits;
                (1.0 + p) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
            }

            /// `n ln 2 + ln(1 + f)` with `x = 2^n (1 + f)`, `1 + f` between `sqrt(1/2)` and `sqrt 2`.
            ///
            /// With `s = f / (2 + f)`, `ln(1 + f) = 2 (s + s³/3 + s⁵/5 + ..) = f - (f²/2 - s (f²/2 + r))` where
            /// `r = 2 (s²/3 + s⁴/5 + ..)`: the second form rounds less.
            #[inline(always)]
            pub(crate) fn ln(x: $t) -> $t {
                let subnormal = x < $t::MIN_POSITIVE;
                let normal = if subnormal { x * (1u64 << $mantissa) as $t } else { x };
                let bits = normal.to_bits();
                let above = bits.wrapping_sub(std::$t::consts::FRAC_1_SQRT_2.to_bits());
                let n = (above as $signed >> $mantissa) as $bits;
                let f = $t::from_bits(bits.wrapping_sub(n << $mantissa)) - 1.0;
                let n = $t::from_bits(ROUND.to_bits().wrapping_add(n)) - ROUND;
                let n = if subnormal { n - $mantissa as $t } else { n };

                let s = f / (2.0 + f);
                let z = s * s;
                let mut r = 0.0;
                let mut k = $ln_terms;
                while k > 0 {
                    r = z * (2.0 / (2 * k + 1) as $t + r);
                    k -= 1;
                }
                let half = 0.5 * f * f;
                let y = n.mul_add(LN_2, f - (half - s.mul_add(half + r, n * LN_2_LOW)));
                let y = if x == $t::INFINITY { x } else { y };
                let y = if x == 0.0 { $t::NEG_INFINITY } else { y };
                if x >= 0.0 { y } else { $t::NAN }
            }

            /// `t / (t + 2)` with `t = exp(2 |x|) - 1`, and the sign of `x`.
            #[inline(always)]
            pub(crate) fn tanh(x: $t) -> $t {
                let a = x.abs();
                let a = if a > $tanh_limit { $tanh_limit } else { a };
                let (n, p) = reduce(a + a);
                let scale = power_of_two(n);
                let t = scale.mul_add(p, scale - 1.0);
                (t / (t + 2.0)).copysign(x)
            }

            /// `1 / (1 + exp(-x))`, as `exp(x) / (1 + exp(x))` for negative `x`.
            #[inline(always)]
            pub(crate) fn sigmoid(x: $t) -> $t {
                let e = exp(-x.abs());
                let numerator = if x >= 0.0 { 1.0 } else { e };
                numerator / (1.0 + e)
            }
        }
    };
}

exponentials!(single, f32, u32, i32, mantissa: 23, bias: 127, terms: 7, ln_terms: 5,
    ln2_low: -1.904_654_3e-9, exp_range: -110.0..90.0, tanh_limit: 9.1);
exponentials!(double, f64, u64, i64, mantissa: 52, bias: 1023, terms: 13, ln_terms: 11,
    ln2_low: 2.319_046_813_846_299_6e-17, exp_range: -760.0..720.0, tanh_limit: 19.2);

#[cfg(test)]
mod tests {
    use super::{double, single};

    /// The distance of `got` from `exact` in units in the last place of f32.
    fn ulps32(got: f32, exact: f64) -> f64 {
        let nearest = exact as f32;
        if got == nearest || (got.is_nan() && nearest.is_nan()) {
            return 0.0;
        }
        let ulp = f64::from(f32::from_bits(nearest.abs().to_bits() + 1)) - f64::from(nearest.abs());
        (f64::from(got) - exact).abs() / ulp
    }

    fn ulps64(got: f64, reference: f64) -> f64 {
        if got == reference || (got.is_nan() && reference.is_nan()) {
            return 0.0;
        }
        let ulp = f64::from_bits(reference.abs().to_bits() + 1) - reference.abs();
        (got - reference).abs() / ulp
    }

    /// Every 1021st bit pattern of f32, both signs: 4.2 million values.
    fn sweep() -> impl Iterator<Item = f32> {
        (0..=u32::MAX).step_by(1021).map(f32::from_bits)
    }

    #[test]
    fn single_precision_is_within_3_ulp_everywhere() {
        let mut worst = [0f64; 4];
        for x in sweep() {
            let d = f64::from(x);
            let exact =
                [d.exp(), d.tanh(), if d < 0.0 { d.exp() / (1.0 + d.exp()) } else { 1.0 / (1.0 + (-d).exp()) }, d.ln()];
            for (i, got) in [single::exp(x), single::tanh(x), single::sigmoid(x), single::ln(x)].into_iter().enumerate()
            {
                worst[i] = worst[i].max(ulps32(got, exact[i]));
            }
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of exp, tanh, sigmoid, ln: {worst:?}");
    }

    #[test]
    fn double_precision_is_within_3_ulp_of_the_standard_library() {
        let mut worst = [0f64; 4];
        // 2 million values over the range where the functions are not constant, and tiny ones.
        let dense = (-1_000_000..1_000_000).map(|i| f64::from(i) * 7.61e-4);
        let tiny = (-300..=2).flat_map(|e| [1.7, -3.3].map(|m| m * 10f64.powi(e)));
        for x in dense.chain(tiny) {
            // The standard library's own error of half an ulp to one is counted against ours.
            let e = x.exp();
            let reference = [e, x.tanh(), if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + (-x).exp()) }, x.ln()];
            for (i, got) in [double::exp(x), double::tanh(x), double::sigmoid(x), double::ln(x)].into_iter().enumerate()
            {
                worst[i] = worst[i].max(ulps64(got, reference[i]));
            }
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of exp, tanh, sigmoid, ln: {worst:?}");
    }

    #[test]
    fn special_values_are_those_of_ieee() {
        let inf = f32::INFINITY;
        assert_eq!([single::ln(inf), single::ln(0.0), single::ln(-0.0), single::ln(1.0)], [inf, -inf, -inf, 0.0]);
        assert!(single::ln(-1.0).is_nan() && single::ln(-inf).is_nan() && double::ln(-1e-310).is_nan());
        assert_eq!(double::ln(5e-324), 5e-324f64.ln());
        assert_eq!([single::exp(inf), single::exp(-inf), single::exp(0.0)], [inf, 0.0, 1.0]);
        assert_eq!([single::tanh(inf), single::tanh(-inf)], [1.0, -1.0]);
        assert_eq!([single::sigmoid(inf), single::sigmoid(-inf)], [1.0, 0.0]);
        assert!(single::tanh(-0.0).is_sign_negative() && single::tanh(-0.0) == 0.0);
        for f in [single::exp, single::tanh, single::sigmoid, single::ln] {
            assert!(f(f32::NAN).is_nan());
        }
        for f in [double::exp, double::tanh, double::sigmoid, double::ln] {
            assert!(f(f64::NAN).is_nan());
        }
        assert_eq!([double::exp(f64::INFINITY), double::exp(-1e300)], [f64::INFINITY, 0.0]);
        assert_eq!(double::tanh(5e-324), 5e-324);
    }
}
