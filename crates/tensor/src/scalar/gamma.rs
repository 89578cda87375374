//! The derivatives of the logarithm of the gamma function.

/// `B_2k / (2k)!` for `k = 1, 2, ..`, with `B` the Bernoulli numbers.
const BERNOULLI_OVER_FACTORIAL: [f64; 10] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30_240.0,
    -1.0 / 1_209_600.0,
    1.0 / 47_900_160.0,
    -691.0 / 1_307_674_368_000.0,
    1.0 / 74_724_249_600.0,
    -3617.0 / 10_670_622_842_880_000.0,
    43_867.0 / 5_109_094_217_170_944_000.0,
    -174_611.0 / 802_857_662_698_291_200_000.0,
];

/// The polygamma function: the derivative of order `order + 1` of `ln gamma(x)`; of order 0, the digamma function.
///
/// For `x` of at least 10, the asymptotic series; below, by `psi_n(x) = psi_n(x + 1) - (-1)^n n! / x^(n + 1)`; for
/// negative `x`, by the reflection `psi_n(x) = (-1)^n psi_n(1 - x) - pi (d/dx)^n cot(pi x)` (Abramowitz and Stegun
/// 1964, 6.4).
pub(crate) fn polygamma(order: u32, x: f64) -> f64 {
    if x == 0.0 {
        // The pole of `-(-1)^n n! / x^(n + 1)`.
        return -sign(order) / (if order.is_multiple_of(2) { x } else { x * x });
    }
    if x < 0.0 {
        if x == x.floor() {
            return if order % 2 == 1 { f64::INFINITY } else { f64::NAN };
        }
        return sign(order) * polygamma(order, 1.0 - x) - pi_cotangent(order, x);
    }
    let power = order as i32 + 1;
    let factorial: f64 = (1..=order).map(f64::from).product();
    // The smallest terms first.
    let steps = (10.0 + f64::from(order) - x).ceil().max(0.0) as u32;
    let shifted = x + f64::from(steps);
    let below = (0..steps).rev().map(|k| factorial / (x + f64::from(k)).powi(power));
    asymptotic(order, shifted) - sign(order) * below.sum::<f64>()
}

/// `(-1)^n`.
fn sign(n: u32) -> f64 {
    if n.is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// The series for large `x`, of which a term is `B_2k (2k + n - 1)! / ((2k)! x^(2k + n))`.
fn asymptotic(order: u32, x: f64) -> f64 {
    let n = f64::from(order);
    let rising = |k: usize| (1..2 * k as u32 + order).map(f64::from).product::<f64>();
    let (mut series, square) = (0.0, x * x);
    for (k, &b) in BERNOULLI_OVER_FACTORIAL.iter().enumerate().rev() {
        series = (series + b * rising(k + 1)) / square;
    }
    if order == 0 {
        return x.ln() - 0.5 / x - series;
    }
    let factorial: f64 = (1..order).map(f64::from).product();
    -sign(order) * (factorial + 0.5 * n * factorial / x + series) / x.powi(order as i32)
}

/// `pi (d/dx)^n cot(pi x)`: a polynomial of `c = cot(pi x)`, since `dc/dx = -pi (1 + c²)`.
fn pi_cotangent(order: u32, x: f64) -> f64 {
    use std::f64::consts::PI;
    // Exact: what the sine of pi x loses for large x is whole turns.
    let c = 1.0 / (PI * (x - x.round())).tan();
    let mut coefficients = vec![0.0, 1.0];
    for _ in 0..order {
        let mut next = vec![0.0; coefficients.len() + 1];
        for (power, coefficient) in coefficients.iter().enumerate().skip(1) {
            next[power - 1] -= power as f64 * coefficient;
            next[power + 1] -= power as f64 * coefficient;
        }
        coefficients = next;
    }
    PI.powi(order as i32 + 1) * coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * c + coefficient)
}
