//! The lecture's time series: two sine waves and some noise, the same numbers that NumPy draws.

use rand_mt::Mt;
use unspool::data::DataError;
use unspool::{Dataset, Tensor};

/// Series, all of one length, one after the other.
pub struct Series {
    values: Vec<f64>,
    steps: usize,
}

/// What `numpy.random.rand` returns after `numpy.random.seed(seed)`: MT19937, 53 random bits a
/// number.
struct NumpyRandom(Mt);

impl NumpyRandom {
    fn new(seed: u32) -> Self {
        NumpyRandom(Mt::new(seed))
    }

    fn next(&mut self) -> f64 {
        let high = f64::from(self.0.next_u32() >> 5);
        let low = f64::from(self.0.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    fn rand(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }
}

impl Series {
    /// `n` series of `steps` points at t = 0 .. 1:
    /// `0.5 sin((t - o1)(10 f1 + 10)) + 0.2 sin((t - o2)(20 f2 + 20)) + 0.1 (u - 0.5)`,
    /// with frequencies, offsets and noise u uniform in 0 .. 1.
    pub fn generate(seed: u32, n: usize, steps: usize) -> Self {
        let mut random = NumpyRandom::new(seed);
        let [f1, f2, o1, o2] = std::array::from_fn(|_| random.rand(n)); // rand(4, n, 1)
        let mut values = Vec::with_capacity(n * steps);
        for i in 0..n {
            for step in 0..steps {
                let t = step as f64 / (steps - 1) as f64;
                let slow = 0.5 * ((t - o1[i]) * (f1[i] * 10.0 + 10.0)).sin();
                let fast = 0.2 * ((t - o2[i]) * (f2[i] * 20.0 + 20.0)).sin();
                values.push(slow + fast + 0.1 * (random.next() - 0.5)); // rand(n, steps), row by row
            }
        }
        Series { values, steps }
    }

    /// Series `from..to` as examples: all points but the last, `[T, N, 1]`, and the last, `[N, 1]`.
    pub fn examples(&self, from: usize, to: usize) -> Result<Dataset, DataError> {
        self.ahead(from, to, self.steps - 1, 1)
    }

    /// Series `from..to` as examples: the first `window` points, `[window, N, 1]`, and the `ahead`
    /// points after them, `[N, ahead]`.
    pub fn ahead(&self, from: usize, to: usize, window: usize, ahead: usize) -> Result<Dataset, DataError> {
        let n = to - from;
        let y = Tensor::from_fn([n, ahead], |i| self.at(from + i / ahead, window + i % ahead));
        Dataset::new(self.windows(from, to, window), y)
    }

    /// The same with the `ahead` points after every step, `[window, N, ahead]`.
    pub fn ahead_at_every_step(
        &self,
        from: usize,
        to: usize,
        window: usize,
        ahead: usize,
    ) -> Result<Dataset, DataError> {
        let n = to - from;
        let y = Tensor::from_fn([window, n, ahead], |i| {
            let (step, series) = (i / (n * ahead), i / ahead % n);
            self.at(from + series, step + 1 + i % ahead)
        });
        Dataset::new(self.windows(from, to, window), y)
    }

    fn windows(&self, from: usize, to: usize, window: usize) -> Tensor {
        let n = to - from;
        Tensor::from_fn([window, n, 1], |i| self.at(from + i % n, i / n))
    }

    fn at(&self, series: usize, step: usize) -> f32 {
        self.values[series * self.steps + step] as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // From NumPy: `np.random.seed(42)`, then `np.random.rand(5)`, and the lecture's 10,000 series of 51 points.
    const RAND: [f64; 5] =
        [0.3745401188473625, 0.9507143064099162, 0.7319939418114051, 0.5986584841970366, 0.15601864044243652];
    const FIRST: [f64; 4] = [0.45969481032440634, 0.3148667953026042, 0.12497122264947966, -0.10391340226879867];
    const FIRST_END: f64 = -0.3548939760704898;
    const SECOND: [f64; 2] = [0.24511376910373156, 0.23174433980359832];
    const LAST: [f64; 3] = [0.15683163731020022, 0.1196282877950444, -0.05645953790266572];
    const LAST_END: [f64; 2] = [0.16028288566540172, 0.050528233701987696];
    const SUM: f64 = -0.322522558301173;
    const SUM_OF_SQUARES: f64 = 74248.64316060458;
    const SUM_OF_SQUARED_TARGETS: f64 = 1476.2332847609462;

    #[test]
    fn random_numbers_are_those_of_numpy() {
        assert_eq!(NumpyRandom::new(42).rand(5), RAND);
    }

    #[test]
    fn the_series_are_those_of_numpy() {
        let series = Series::generate(42, 10_000, 51);
        // The sines of two libraries may differ in the last bit.
        let near = |start: usize, expected: &[f64]| {
            for (i, (value, expected)) in series.values[start..].iter().zip(expected).enumerate() {
                assert!((value - expected).abs() <= 1e-15, "value {}: {value}, not {expected}", start + i);
            }
        };
        near(0, &FIRST);
        near(50, &[FIRST_END]);
        near(51, &SECOND);
        near(9_999 * 51, &LAST);
        near(10_000 * 51 - 2, &LAST_END);

        let sum = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>();
        let values = || series.values.iter().copied();
        assert_eq!(values().count(), 510_000);
        assert!((sum(&mut values()) - SUM).abs() < 1e-9);
        assert!((sum(&mut values().map(|v| v * v)) - SUM_OF_SQUARES).abs() < 1e-6);
        assert!((sum(&mut values().skip(50).step_by(51).map(|v| v * v)) - SUM_OF_SQUARED_TARGETS).abs() < 1e-9);
    }

    #[test]
    fn examples_are_all_points_but_the_last_and_the_last() {
        let series = Series { values: (0..12).map(f64::from).collect(), steps: 4 };
        let data = series.examples(1, 3).unwrap();
        assert_eq!(data.x().shape()[..], [3, 2, 1]);
        assert_eq!(data.x().to_vec(), [4., 8., 5., 9., 6., 10.]);
        assert_eq!(data.y().to_vec(), [7., 11.]);
    }
    #[test]
    fn targets_follow_their_window_or_every_step_of_it() {
        let series = Series { values: (0..12).map(f64::from).collect(), steps: 6 };
        let data = series.ahead(0, 2, 3, 2).unwrap();
        assert_eq!(data.x().to_vec(), [0., 6., 1., 7., 2., 8.]);
        assert_eq!(data.y().to_vec(), [3., 4., 9., 10.]);
        let data = series.ahead_at_every_step(0, 2, 3, 2).unwrap();
        assert_eq!(data.x().to_vec(), [0., 6., 1., 7., 2., 8.]);
        assert_eq!(data.y().shape()[..], [3, 2, 2]);
        assert_eq!(data.y().to_vec(), [1., 2., 7., 8., 2., 3., 8., 9., 3., 4., 9., 10.]);
        assert_eq!(data.y().select(0, 2).to_vec(), series.ahead(0, 2, 3, 2).unwrap().y().to_vec());
    }
}
