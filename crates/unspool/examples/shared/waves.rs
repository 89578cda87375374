//! The lecture's time series: two sine waves and some noise, the same numbers that NumPy draws.

use rand_mt::Mt;
use unspool::Tensor;

/// What `numpy.random.rand` returns after `numpy.random.seed`: MT19937, 53 random bits a number.
fn rand(random: &mut Mt) -> f64 {
    let [high, low] = [5, 6].map(|unused| f64::from(random.next_u32() >> unused));
    (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
}

/// Series `[steps, series, 1]` at t = 0 .. 1:
/// `0.5 sin((t - o1)(10 f1 + 10)) + 0.2 sin((t - o2)(20 f2 + 20)) + 0.1 (u - 0.5)`,
/// with frequencies, offsets and noise u uniform in 0 .. 1.
pub fn waves(series: usize, steps: usize) -> Tensor<f64> {
    let random = &mut Mt::new(42);
    let [f1, f2, o1, o2] = [(); 4].map(|()| (0..series).map(|_| rand(random)).collect::<Vec<_>>());
    let rows = Tensor::from_fn([series, steps], |place| {
        let (i, t) = (place / steps, (place % steps) as f64 / (steps - 1) as f64);
        let slow = 0.5 * ((t - o1[i]) * (f1[i] * 10.0 + 10.0)).sin();
        let fast = 0.2 * ((t - o2[i]) * (f2[i] * 20.0 + 20.0)).sin();
        slow + fast + 0.1 * (rand(random) - 0.5)
    });
    rows.t().unsqueeze(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_and_series_are_those_of_numpy() {
        // `np.random.seed(42)`, then `np.random.rand(3)`; and `numpy_series` in tests/fixtures/generate.py.
        let random = &mut Mt::new(42);
        let expected = [0.3745401188473625, 0.9507143064099162, 0.7319939418114051];
        assert_eq!([(); 3].map(|()| rand(random)), expected);

        let series = waves(10_000, 51);
        for ([step, i], expected) in [
            ([0, 0], 0.45969481032440634),
            ([1, 0], 0.3148667953026042),
            ([50, 0], -0.3548939760704898),
            ([0, 9_999], 0.15683163731020022),
            ([50, 9_999], 0.050528233701987696),
        ] {
            // The sines of two libraries may differ in the last bit.
            let value = series.at([step, i, 0]);
            assert!((value - expected).abs() <= 1e-15, "step {step} of series {i}: {value}, not {expected}");
        }
        let squares = |values: Tensor<f64>| values.to_vec().iter().map(|x| x * x).sum::<f64>();
        assert!((series.to_vec().iter().sum::<f64>() + 0.322522558301173).abs() < 1e-9);
        assert!((squares(series.clone()) - 74_248.64316060458).abs() < 1e-6);
        assert!((squares(series.select(0, 50)) - 1_476.2332847609462).abs() < 1e-9);
    }
}
