//! The ticks of an axis, and their labels.

/// An axis, linear or logarithmic.
#[derive(Debug, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// The values of the ticks, and their labels.
    pub(crate) marks: Vec<(f64, String)>,
}

/// Values with a larger ratio get a logarithmic axis.
const RATIO: f64 = 20.0;

impl Axis {
    /// An axis that covers these values, which are finite and at most 1e100; from 0 to 1 if there
    /// are none.
    pub(crate) fn of(values: &mut dyn Iterator<Item = f64>) -> Axis {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            Axis::linear(0.0, 1.0)
        } else if low > 0.0 && high > RATIO * low {
            Axis::logarithmic(low / 1.1, high * 1.1)
        } else {
            // A little wider, so that nothing touches the frame; a constant curve runs through the middle.
            let size = low.abs().max(high.abs());
            let margin = if high - low > 1e-9 * size { 0.05 * (high - low) } else { 0.1 * size };
            let margin = if margin > 0.0 { margin } else { 1.0 };
            Axis::linear(low - margin, high + margin)
        }
    }

    /// A logarithmic axis that covers the positive ones of these values, and a power of ten at least.
    pub(crate) fn of_positive(values: &mut dyn Iterator<Item = f64>) -> Axis {
        let values = values.filter(|&value| value > 0.0);
        let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return Axis::logarithmic(0.1, 1.0);
        }
        let margin = f64::max(1.1, (10.0 * low / high).sqrt());
        Axis::logarithmic(low / margin, high * margin)
    }

    /// From 0 to 1.
    pub(crate) fn of_shares(_: &mut dyn Iterator<Item = f64>) -> Axis {
        Axis { low: -0.02, high: 1.02, ..Axis::linear(0.0, 1.0) }
    }

    /// Ticks at four to eight multiples of 1, 2 or 5 times a power of ten.
    fn linear(low: f64, high: f64) -> Axis {
        let (digit, power) = round_step((high - low) / 8.0);
        let step = parse(digit, power);
        let first = (low / step).ceil() as i64;
        let numbers = (first..).map(|i| i as f64 * step).take_while(|&value| value <= high);
        // Decimals as the step has them, so that 3 steps of 0.1 are 0.3.
        let labeled = numbers.map(|value| (value, label(value, power)));
        Axis { low, high, logarithmic: false, marks: labeled.collect() }
    }

    /// Ticks at 1, 2 and 5 times every power of ten; if that were too many, at powers of ten, all
    /// or some.
    fn logarithmic(low: f64, high: f64) -> Axis {
        let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let count = powers.clone().count();
        let digits: &[i32] = if count > 5 { &[1] } else { &[1, 2, 5] };
        let every = count.div_ceil(10) as i32;
        let powers = powers.filter(|power| power % every == 0);
        let marks = powers.flat_map(|power| digits.iter().map(move |&digit| (parse(digit, power), power)));
        let marks = marks.filter(|(value, _)| (low..=high).contains(value));
        let labeled = marks.map(|(value, power)| (value, label(value, power)));
        Axis { low, high, logarithmic: true, marks: labeled.collect() }
    }

    /// Whether the axis has a place for a value: a logarithmic one has none for 0 and below.
    pub(crate) fn has(&self, value: f64) -> bool {
        !self.logarithmic || value > 0.0
    }

    /// Where a value lies, from 0 at the low end to 1 at the high one.
    pub(crate) fn place(&self, value: f64) -> f64 {
        if self.logarithmic {
            // The quotient of two values may be beyond all numbers, the difference of their logarithms is not.
            (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }
}

/// The numbers at which an axis of `count` integers from `first` on is marked: some eight.
pub(crate) fn step_marks(first: usize, count: usize) -> Vec<usize> {
    let (digit, power) = round_step(count as f64 / 8.0);
    let step = (parse(digit, power) as usize).max(1);
    (first.div_ceil(step)..(first + count).div_ceil(step)).map(|i| i * step).collect()
}

/// The least of 1, 2 and 5 times a power of ten that is at least `step`: the digit and the power.
fn round_step(step: f64) -> (i32, i32) {
    let power = step.log10().floor() as i32;
    let digit = [1, 2, 5].into_iter().find(|&digit| parse(digit, power) >= step * (1.0 - 1e-9));
    digit.map_or((1, power + 1), |digit| (digit, power))
}

/// `digit` times ten to the power, as near as a number can be: 5e-3 is 0.005 and no neighbor of it.
fn parse(digit: i32, power: i32) -> f64 {
    format!("{digit}e{power}").parse().expect("a number")
}

/// A multiple of ten to the power, without digits beyond that.
fn label(value: f64, power: i32) -> String {
    let decimals = (-power).max(0) as usize;
    if value.abs() < 0.5 * parse(1, power) {
        "0".to_string()
    } else if value.abs() < 1e6 && decimals <= 5 {
        format!("{value:.decimals$}")
    } else {
        // The digits in front of the step's last one.
        let digits = (value.abs().log10().floor() as i32 - power).clamp(0, 15) as usize;
        let text = format!("{value:.digits$e}");
        let (number, power) = text.split_once('e').expect("written so");
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        format!("{number}e{power}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.marks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn marks_are_round_numbers_inside_the_axis() {
        for (values, expected) in [
            (vec![0.0, 1.0], vec!["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (vec![0.31, 0.05], vec!["0.05", "0.10", "0.15", "0.20", "0.25", "0.30"]),
            (vec![-3.0, 2.0], vec!["-3", "-2", "-1", "0", "1", "2"]),
            (vec![0.25], vec!["0.23", "0.24", "0.25", "0.26", "0.27"]),
            (vec![1e-8, 2e-8], vec!["1e-8", "1.2e-8", "1.4e-8", "1.6e-8", "1.8e-8", "2e-8"]),
            (vec![2e7, 1e7], vec!["1e7", "1.2e7", "1.4e7", "1.6e7", "1.8e7", "2e7"]),
            (vec![0.0025, 0.15], vec!["0.005", "0.01", "0.02", "0.05", "0.1"]),
            (vec![2e-6, 3.0], vec!["0.00001", "0.0001", "0.001", "0.01", "0.1", "1"]),
            (vec![1e-40, 1.0], vec!["1e-40", "1e-35", "1e-30", "1e-25", "1e-20", "1e-15", "1e-10", "0.00001", "1"]),
        ] {
            assert_eq!(labels(&Axis::of(&mut values.iter().copied())), expected, "{values:?}");
        }
        for (epochs, expected) in [
            (0, vec![]),
            (1, vec![1]),
            (3, vec![1, 2, 3]),
            (20, vec![5, 10, 15, 20]),
            (60, vec![10, 20, 30, 40, 50, 60]),
            (1001, vec![200, 400, 600, 800, 1000]),
        ] {
            assert_eq!(step_marks(1, epochs), expected, "{epochs}");
        }
        assert_eq!(step_marks(0, 30), [0, 5, 10, 15, 20, 25]);
        assert_eq!(step_marks(0, 1), [0]);
    }
}
