//! Numbers as NumPy prints them: the shortest digits that name the value, all elements of an array
//! alike.

use crate::scalar::Scalar;

/// How all elements of an array print, so that their points are below each other.
pub(super) struct NumberFormat {
    precision: usize,
    /// `1.5e+10` instead of `15000000000.`, with this many digits in the exponent.
    exponent_digits: Option<usize>,
    /// The characters before and after the point.
    left: usize,
    right: usize,
}

impl NumberFormat {
    /// The format of an array that shows these elements, with at most `precision` digits after the
    /// point.
    ///
    /// NumPy's rule: exponents if a number is 1e8 (f32: 1e6) or more or less than 1e-4, or if they
    /// differ by more than a factor of 1000.
    pub(super) fn of<T: Scalar>(elements: &[T], precision: usize) -> NumberFormat {
        let finite = || elements.iter().copied().filter(|x| x.is_finite());
        let sizes = || finite().map(T::abs).filter(|&x| x != T::ZERO);
        let largest = sizes().fold(T::ZERO, |a, b| if b > a { b } else { a });
        let smallest = sizes().fold(largest, |a, b| if b < a { b } else { a });
        let of = T::from_f64;
        let has_exponents = largest >= of(if is_single::<T>() { 1e6 } else { 1e8 })
            || (largest != T::ZERO && (smallest < of(1e-4) || largest / smallest > of(1000.0)));
        let mut format = NumberFormat { precision, exponent_digits: None, left: 0, right: 0 };
        if has_exponents {
            let words = || finite().map(|x| scientific(x, precision));
            let digits = words().map(|(_, _, exponent)| exponent.len() - 1).max().unwrap_or(0);
            format.exponent_digits = Some(digits);
            format.precision = words().map(|(_, fraction, _)| fraction.len()).max().unwrap_or(0);
            format.left = words().map(|(whole, ..)| whole.len()).max().unwrap_or(0);
            format.right = format.precision + 2 + digits;
        } else {
            let words = || finite().map(|x| positional(x, precision));
            format.left = words().map(|(whole, _)| whole.len()).max().unwrap_or(0);
            format.right = words().map(|(_, fraction)| fraction.len()).max().unwrap_or(0);
        }
        if elements.iter().any(|x| !x.is_finite()) {
            let minus_infinity = -T::ONE / T::ZERO;
            let widest = if elements.contains(&minus_infinity) { 4 } else { 3 };
            format.left = format.left.max(usize::saturating_sub(widest, format.right + 1));
        }
        format
    }

    /// The element, as wide as every other.
    pub(super) fn format<T: Scalar>(&self, x: T) -> String {
        let (left, right) = (self.left, self.right);
        if !x.is_finite() {
            return format!("{:>1$}", not_finite(x), left + 1 + right);
        }
        if let Some(exponent_digits) = self.exponent_digits {
            // All have as many digits as the longest, those beyond the shortest form from the exact value.
            let text = format!("{:.*e}", self.precision, x.to_f64());
            let (whole, fraction, exponent) = split_exponent(&text);
            let (sign, exponent) = exponent.split_at(1);
            return format!("{whole:>left$}.{fraction}e{sign}{exponent:0>exponent_digits$}");
        }
        let (whole, fraction) = positional(x, self.precision);
        format!("{whole:>left$}.{fraction:<right$}")
    }
}

/// A number by itself: with an exponent if it is 1e16 (f32: 1e6) or more or less than 1e-4.
pub(super) fn alone<T: Scalar>(x: T, precision: Option<usize>) -> String {
    let size = x.to_f64().abs();
    if !x.is_finite() {
        not_finite(x).to_string()
    } else if size != 0.0 && !(1e-4..if is_single::<T>() { 1e6 } else { 1e16 }).contains(&size) {
        let (whole, fraction, exponent) = scientific(x, precision.unwrap_or(usize::MAX));
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{whole}{point}{fraction}e{exponent}")
    } else {
        let (whole, fraction) = positional(x, precision.unwrap_or(usize::MAX));
        format!("{whole}.{}", if fraction.is_empty() { "0" } else { &fraction })
    }
}

fn is_single<T: Scalar>() -> bool {
    size_of::<T>() == size_of::<f32>()
}

fn not_finite<T: Scalar>(x: T) -> &'static str {
    if x.is_nan() {
        "nan"
    } else if x > T::ZERO {
        "inf"
    } else {
        "-inf"
    }
}

/// What is before and after the point, without zeros at the end.
///
/// The shortest form has the number of digits, the exact value the digits: the two differ where the
/// value is halfway between two decimals, which NumPy rounds to even.
fn positional<T: Scalar>(x: T, precision: usize) -> (String, String) {
    let shortest = x.to_string();
    let digits = shortest.split_once('.').map_or(0, |(_, fraction)| fraction.len()).min(precision);
    let text = format!("{:.digits$}", x.to_f64());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    (whole.to_string(), fraction.trim_end_matches('0').to_string())
}

/// The same for a number with an exponent, and the exponent: its sign and at least two digits.
fn scientific<T: Scalar>(x: T, precision: usize) -> (String, String, String) {
    let shortest = if is_single::<T>() { format!("{:e}", x.to_f64() as f32) } else { format!("{:e}", x.to_f64()) };
    let digits = split_exponent(&shortest).1.len().min(precision);
    let text = format!("{:.digits$e}", x.to_f64());
    let (whole, fraction, exponent) = split_exponent(&text);
    (whole.to_string(), fraction.trim_end_matches('0').to_string(), exponent)
}

/// The parts of a number that Rust printed with an exponent.
fn split_exponent(text: &str) -> (&str, &str, String) {
    let (mantissa, exponent) = text.split_once('e').expect("with an exponent");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    (whole, fraction, format!("{:+03}", exponent.parse::<i32>().expect("an integer")))
}
