//! Exponential functions, logarithms and the arc tangent without branches, so that a loop over them
//! becomes SIMD code.
//!
//! The exponentials rest on `exp(x) = 2^n exp(r)`, with `n` the integer nearest to `x / ln 2` and
//! `|r| <= ln 2 / 2`, where the Taylor series of `exp(r) - 1` needs 7 terms for f32 and 13 for f64.
//! Each step keeps its rounding small relative to the result: `exp_m1`, `tanh` and `sigmoid` are
//! written so that nothing cancels.

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

/// `(-1)^k / (2 k + 1)` for `k = 1, 2, ..`, the Taylor coefficients of `atan(t) / t` after the
/// first. With a table the compiler unrolls the sum over all terms, and can vectorize it.
const ATAN_COEFFICIENTS: [f64; 20] = {
    let mut table = [0.0; 20];
    let (mut k, mut sign) = (1, -1.0);
    while k <= 20 {
        table[k - 1] = sign / (2 * k + 1) as f64;
        sign = -sign;
        k += 1;
    }
    table
};

macro_rules! exponentials {
    (
        $module:ident, $t:ident, $bits:ident, $signed:ident, mantissa: $mantissa:literal, bias: $bias:literal,
        terms: $terms:literal, ln_terms: $ln_terms:literal,
        ln2_low: $ln2_low:expr, exp_range: $lowest:literal..$highest:literal, tanh_limit: $tanh_limit:literal,
        expm1_range: $lowest_m1:literal..$highest_m1:literal, atan_terms: $atan_terms:literal, pi_low: $pi_low:expr
    ) => {
        pub(crate) mod $module {
            /// Adding this rounds to an integer, which then occupies the low bits.
            const ROUND: $t = 1.5 * (1u64 << $mantissa) as $t;
            const LN_2: $t = std::$t::consts::LN_2;
            /// What rounding ln 2 to `LN_2` loses.
            const LN_2_LOW: $t = $ln2_low;
            /// The same for pi.
            const PI_LOW: $t = $pi_low;

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

            /// `2^n p + (2^n - 1)` with `p = exp(r) - 1`; twice half of that, where 2^n overflows
            /// by itself.
            #[inline(always)]
            pub(crate) fn exp_m1(x: $t) -> $t {
                let a = if x < $lowest_m1 { $lowest_m1 } else { x };
                let a = if a > $highest_m1 { $highest_m1 } else { a };
                let (n, p) = reduce(a);
                let (n, factor) = if n as $signed > $bias { (n.wrapping_sub(1), 2.0) } else { (n, 1.0) };
                let scale = power_of_two(n);
                let y = factor * scale.mul_add(p, scale - 1.0);
                if x == 0.0 { x } else { y }
            }

            /// `n ln 2 + ln(1 + f)` with `x = 2^n (1 + f)`, `1 + f` between `sqrt(1/2)` and
            /// `sqrt 2`.
            ///
            /// With `s = f / (2 + f)`, `ln(1 + f) = 2 (s + s³/3 + s⁵/5 + ..)`, which is
            /// `f - (f²/2 - s (f²/2 + r))` where `r = 2 (s²/3 + s⁴/5 + ..)`: the second form rounds
            /// less.
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

            /// `ln u` for the rounded `u = 1 + x`, plus the slope there times what the rounding
            /// lost.
            #[inline(always)]
            pub(crate) fn ln_1p(x: $t) -> $t {
                let u = 1.0 + x;
                let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
                let y = ln(u);
                if u == 1.0 {
                    x
                } else if y.is_finite() {
                    y + lost / u
                } else {
                    y
                }
            }

            /// The angle of the point `(b, a)`, or `(-b, a)` if `is_left`, where neither `a` nor
            /// `b` is negative: a fraction of pi plus `atan t` with `t² <= 3 - 2 sqrt 2`, from its
            /// Taylor series. Where `a` and `b` are of similar size,
            /// `atan(a / b) = pi / 4 + atan((a - b) / (a + b))`.
            #[inline(always)]
            fn angle(a: $t, b: $t, is_left: bool) -> $t {
                const TAN_PI_8: $t = std::$t::consts::SQRT_2 - 1.0;
                // At the origin the angle is 0; that of two infinities is that of 1 and 1.
                let (a, b) = if a == $t::INFINITY && b == $t::INFINITY { (1.0, 1.0) } else { (a, b) };
                let b = if a == 0.0 && b == 0.0 { 1.0 } else { b };
                // Scaled, so that their sum does not overflow and subnormal numbers keep their digits.
                let scale =
                    if a < $t::MIN_POSITIVE * (1u64 << $mantissa) as $t { (16u64 << $mantissa) as $t } else { 1.0 };
                let scale = if a > $t::MAX / 8.0 { 0.125 } else { scale };
                let (a, b) = (a * scale, b * scale);
                let is_steep = a * TAN_PI_8 > b;
                let is_flat = a <= b * TAN_PI_8;
                let numerator = if is_flat { a } else { a - b };
                let numerator = if is_steep { -b } else { numerator };
                let denominator = if is_flat { b } else { a + b };
                let denominator = if is_steep { a } else { denominator };
                let of_pi: $t = if is_flat { 0.0 } else { 0.25 };
                let of_pi = if is_steep { 0.5 } else { of_pi };
                let t = numerator / denominator;
                let (of_pi, t) = if is_left { (1.0 - of_pi, -t) } else { (of_pi, t) };
                let z = t * t;
                let mut series = super::ATAN_COEFFICIENTS[$atan_terms - 1] as $t;
                let mut k = $atan_terms - 1;
                while k > 0 {
                    k -= 1;
                    series = z.mul_add(series, super::ATAN_COEFFICIENTS[k] as $t);
                }
                of_pi.mul_add(std::$t::consts::PI, t + (t * z).mul_add(series, of_pi * PI_LOW))
            }

            #[inline(always)]
            pub(crate) fn atan(x: $t) -> $t {
                angle(x.abs(), 1.0, false).copysign(x)
            }

            #[inline(always)]
            pub(crate) fn atan2(y: $t, x: $t) -> $t {
                angle(y.abs(), x.abs(), x.is_sign_negative()).copysign(y)
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
    ln2_low: -1.904_654_3e-9, exp_range: -110.0..90.0, tanh_limit: 9.1,
    expm1_range: -20.0..89.0, atan_terms: 9, pi_low: -8.742_278e-8);
exponentials!(double, f64, u64, i64, mantissa: 52, bias: 1023, terms: 13, ln_terms: 11,
    ln2_low: 2.319_046_813_846_299_6e-17, exp_range: -760.0..720.0, tanh_limit: 19.2,
    expm1_range: -40.0..710.0, atan_terms: 20, pi_low: 1.224_646_799_147_353_2e-16);

#[cfg(test)]
mod tests {
    use super::{double, single};

    const NAMES: &str = "exp, tanh, sigmoid, ln, exp_m1, ln_1p, atan";

    /// The distance of `got` from `exact` in units in the last place of f32.
    fn ulps32(got: f32, exact: f64) -> f64 {
        let nearest = exact as f32;
        if got == nearest || (got.is_nan() && nearest.is_nan()) {
            return 0.0;
        }
        let ulp = f64::from(f32::from_bits(nearest.abs().to_bits() + 1)) - f64::from(nearest.abs());
        apart((f64::from(got) - exact).abs() / ulp)
    }

    fn ulps64(got: f64, reference: f64) -> f64 {
        if got == reference || (got.is_nan() && reference.is_nan()) {
            return 0.0;
        }
        let ulp = f64::from_bits(reference.abs().to_bits() + 1) - reference.abs();
        apart((got - reference).abs() / ulp)
    }

    /// NaN instead of a number counts as infinitely far from it; `max` alone would ignore it.
    fn apart(ulps: f64) -> f64 {
        if ulps.is_nan() { f64::INFINITY } else { ulps }
    }

    /// Every 1021st bit pattern of f32, both signs: 4.2 million values.
    fn sweep() -> impl Iterator<Item = f32> {
        (0..=u32::MAX).step_by(1021).map(f32::from_bits)
    }

    #[test]
    fn single_precision_is_within_3_ulp_everywhere() {
        let mut worst = [0f64; 7];
        for x in sweep() {
            let d = f64::from(x);
            let logistic = if d < 0.0 { d.exp() / (1.0 + d.exp()) } else { 1.0 / (1.0 + (-d).exp()) };
            let exact = [d.exp(), d.tanh(), logistic, d.ln(), d.exp_m1(), d.ln_1p(), d.atan()];
            use single::*;
            let got = [exp(x), tanh(x), sigmoid(x), ln(x), exp_m1(x), ln_1p(x), atan(x)];
            for (i, got) in got.into_iter().enumerate() {
                worst[i] = worst[i].max(ulps32(got, exact[i]));
            }
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of {NAMES}: {worst:?}");
    }

    #[test]
    fn double_precision_is_within_3_ulp_of_the_standard_library() {
        let mut worst = [0f64; 7];
        // 2 million values over the range where the functions are not constant, and tiny ones.
        let dense = (-1_000_000..1_000_000).map(|i| f64::from(i) * 7.61e-4);
        let tiny = (-300..=2).flat_map(|e| [1.7, -3.3].map(|m| m * 10f64.powi(e)));
        for x in dense.chain(tiny) {
            // The standard library's own error of half an ulp to one is counted against ours.
            let e = x.exp();
            let logistic = if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + (-x).exp()) };
            let reference = [e, x.tanh(), logistic, x.ln(), x.exp_m1(), x.ln_1p(), x.atan()];
            use double::*;
            let got = [exp(x), tanh(x), sigmoid(x), ln(x), exp_m1(x), ln_1p(x), atan(x)];
            for (i, got) in got.into_iter().enumerate() {
                worst[i] = worst[i].max(ulps64(got, reference[i]));
            }
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of {NAMES}: {worst:?}");
    }

    #[test]
    fn angles_are_within_3_ulp_everywhere() {
        let mut worst = [0f64; 2];
        // Every pair of some 1,000 numbers of all sizes and both signs, and directions close to each other.
        let sizes = || (0..=u32::MAX).step_by(4_194_301).map(f32::from_bits);
        let round = (0..20_000).map(|i| (f64::from(i) * 3.1416e-4).sin_cos()).map(|(y, x)| (y as f32, x as f32));
        for (y, x) in sizes().flat_map(|y| sizes().map(move |x| (y, x))).chain(round) {
            let (dy, dx) = (f64::from(y), f64::from(x));
            worst[0] = worst[0].max(ulps32(single::atan2(y, x), dy.atan2(dx)));
            // Numbers of f64 with 52 bits that count, and exponents beyond those of f32.
            let (dy, dx) = (dy.powi(7) * std::f64::consts::LN_10, dx.powi(7) * std::f64::consts::LN_2);
            worst[1] = worst[1].max(ulps64(double::atan2(dy, dx), dy.atan2(dx)));
        }
        assert!(worst.iter().all(|&w| w <= 3.0), "worst ulp of atan2 in f32 and f64: {worst:?}");
    }

    #[test]
    fn angles_at_zeros_and_infinities_are_those_of_ieee() {
        // Among them numbers whose sum overflows, and subnormal ones of a single bit.
        let values = [0.0, 1.0, 5e-324, 1.5e-323, 1e308, f64::MAX, f64::INFINITY, f64::NAN]
            .into_iter()
            .flat_map(|x: f64| [x, -x]);
        for y in values.clone() {
            for x in values.clone() {
                let double = (double::atan2(y, x), y.atan2(x), 3e-16);
                let (y32, x32) = (y as f32, x as f32);
                let single = (f64::from(single::atan2(y32, x32)), f64::from(y32.atan2(x32)), 2e-7);
                for (got, expected, tolerance) in [double, single] {
                    let same = (got - expected).abs() <= tolerance * expected.abs()
                        && got.is_sign_negative() == expected.is_sign_negative();
                    assert!(same || (got.is_nan() && expected.is_nan()), "atan2({y:e}, {x:e}): {got}, not {expected}");
                }
            }
        }
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
        assert_eq!([single::exp_m1(inf), single::exp_m1(-inf), single::exp_m1(89.0)], [inf, -1.0, inf]);
        assert_eq!([single::ln_1p(inf), single::ln_1p(-1.0), single::ln_1p(1e-30)], [inf, -inf, 1e-30]);
        assert!(single::ln_1p(-2.0).is_nan() && double::ln_1p(-inf as f64).is_nan());
        for f in [single::tanh, single::exp_m1, single::ln_1p, single::atan] {
            assert!(f(-0.0).is_sign_negative() && f(-0.0) == 0.0);
            assert_eq!(f(1e-45), 1e-45); // the smallest
        }
        use std::f32::consts::FRAC_PI_2;
        assert_eq!([single::atan(inf), single::atan(-inf), single::atan(f32::MAX)], [FRAC_PI_2, -FRAC_PI_2, FRAC_PI_2]);
        use single as s;
        for f in [s::exp, s::tanh, s::sigmoid, s::ln, s::exp_m1, s::ln_1p, s::atan] {
            assert!(f(f32::NAN).is_nan());
        }
        use double as d;
        for f in [d::exp, d::tanh, d::sigmoid, d::ln, d::exp_m1, d::ln_1p, d::atan] {
            assert!(f(f64::NAN).is_nan());
        }
        assert_eq!([double::exp(f64::INFINITY), double::exp(-1e300)], [f64::INFINITY, 0.0]);
        assert_eq!(double::tanh(5e-324), 5e-324);
    }
}
