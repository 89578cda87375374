//! `Display` of tensors: rows in brackets, aligned, long axes shortened, as NumPy's `str` prints
//! arrays.

use super::numbers::{NumberFormat, alone};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use std::fmt;

/// NumPy's `threshold`: arrays of more elements are shortened.
const THRESHOLD: usize = 1000;
/// NumPy's `edgeitems`: how many entries of a shortened axis are shown at each end.
const EDGE: usize = 3;
/// NumPy's `linewidth`: longer rows are broken.
const WIDTH: usize = 75;
/// NumPy's `precision`: the digits after the point.
const PRECISION: usize = 8;

/// Prints as NumPy prints arrays. `{:.3}` shows at most three digits after the point instead of
/// eight, `{:#}` begins with a line that shows element type and shape.
///
/// ```
/// use unspool::Tensor;
/// let x = Tensor::<f32>::from_vec(vec![1.0, -2.5, 0.125, 10.0], [2, 2]);
/// assert_eq!(x.to_string(), "[[ 1.    -2.5  ]\n [ 0.125 10.   ]]");
/// assert_eq!(format!("{:#.1}", x), "Tensor<f32>[2, 2]\n[[ 1.  -2.5]\n [ 0.1 10. ]]");
/// ```
impl<T: Scalar> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            writeln!(f, "Tensor<{}>{}", T::NAME, self.shape())?;
        }
        if self.rank() == 0 && T::TANGENTS == 0 {
            return f.write_str(&alone(self.item(), f.precision()));
        }
        if self.numel() == 0 {
            return f.write_str("[]");
        }
        let edge = if self.numel() > THRESHOLD { EDGE } else { usize::MAX };
        let mut words = words(&shown(self, edge), f.precision().unwrap_or(PRECISION)).into_iter();
        f.write_str(&rows(self.shape().iter().as_slice(), edge, 1, WIDTH, &mut words))
    }
}

/// The positions of an axis of size `n` that are shown, and how many of them come before the dots,
/// if there are any.
fn ends(n: usize, edge: usize) -> (impl Iterator<Item = usize> + Clone, Option<usize>) {
    let is_short = n <= edge.saturating_mul(2);
    let (first, rest) = if is_short { (n, n) } else { (edge, n - edge) };
    ((0..first).chain(rest..n), (!is_short).then_some(edge))
}

/// The elements that are shown, in row-major order.
fn shown<T: Scalar>(tensor: &Tensor<T>, edge: usize) -> Vec<T> {
    let corners = (0..tensor.rank()).fold(tensor.clone(), |x, axis| {
        let (positions, _) = ends(x.shape()[axis], edge);
        x.index_select(axis, positions.collect::<Vec<usize>>())
    });
    corners.to_vec()
}

/// The elements as text, all of one width.
fn words<T: Scalar>(elements: &[T], precision: usize) -> Vec<String> {
    if T::TANGENTS > 0 {
        let words: Vec<String> = elements.iter().map(|x| x.to_string()).collect();
        let width = words.iter().map(String::len).max().unwrap_or(0);
        return words.iter().map(|word| format!("{word:>width$}")).collect();
    }
    let format = NumberFormat::of(elements, precision);
    elements.iter().map(|&x| format.format(x)).collect()
}

/// The array of shape `sizes` whose elements are the next `words`, in brackets. Lines after the
/// first begin with `indent` spaces, and rows break before `width`.
fn rows(sizes: &[usize], edge: usize, indent: usize, width: usize, words: &mut impl Iterator<Item = String>) -> String {
    let Some((&n, inner)) = sizes.split_first() else { return words.next().expect("a word for each element") };
    let (positions, dots_after) = ends(n, edge);
    let mut entries: Vec<String> = positions.map(|_| rows(inner, edge, indent + 1, width - 1, words)).collect();
    if let Some(at) = dots_after {
        entries.insert(at, "...".to_string());
    }
    let new_line = format!("\n{:indent$}", "");
    if !inner.is_empty() {
        return format!("[{}]", entries.join(&("\n".repeat(inner.len() - 1) + &new_line)));
    }
    let (mut text, mut column) = (String::from("["), indent);
    for (i, entry) in entries.iter().enumerate() {
        // A bracket must fit after the last word, as a space does after the others.
        if column > indent && column + entry.len() > width - 1 {
            text.truncate(text.trim_end().len());
            text += &new_line;
            column = indent;
        }
        text += entry;
        column += entry.len() + 1;
        if i + 1 < entries.len() {
            text.push(' ');
        }
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use crate::{Dual, Scalar, Tensor};

    fn check<T: Scalar>(shape: &[usize], precision: usize, elements: &str, expected: &str) {
        let count = shape.iter().product();
        let elements: Vec<f64> = match elements {
            "mod 13" => (0..count).map(|i| (i % 13) as f64).collect(),
            list => list.split_whitespace().map(|x| x.parse().unwrap()).collect(),
        };
        let tensor = Tensor::<T>::from_fn(shape, |i| T::from_f64(elements[i]));
        let text = if precision == 8 { tensor.to_string() } else { format!("{tensor:.precision$}") };
        assert_eq!(text, expected, "\n{text}\n is not NumPy's\n{expected}\n of {shape:?} {elements:?}");
    }

    #[test]
    fn arrays_print_as_numpy_prints_them() {
        let mut lines = include_str!("display_cases.txt").lines().peekable();
        let mut cases = 0;
        while let Some(head) = lines.next() {
            let [dtype, shape, precision, elements] = head.split('|').collect::<Vec<_>>()[..] else { panic!("{head}") };
            let shape: Vec<usize> = shape.split(',').filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect();
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with(':')) {
                expected.push(&line[1..]);
            }
            let check = if dtype == "float32" { check::<f32> } else { check::<f64> };
            check(&shape, precision.parse().unwrap(), elements, &expected.join("\n"));
            cases += 1;
        }
        assert!(cases > 100, "{cases}");
    }

    #[test]
    fn shape_and_type_come_on_request() {
        assert_eq!(format!("{:#}", Tensor::<f64>::scalar(0.5)), "Tensor<f64>[]\n0.5");
        assert_eq!(format!("{:#}", Tensor::<f32>::zeros([2, 0])), "Tensor<f32>[2, 0]\n[]");
    }

    #[test]
    fn dual_numbers_print_with_their_tangents() {
        let x = Tensor::from_vec(vec![Dual { value: 1.5, tangent: 2.0 }, Dual::constant(10.0)], [2]);
        assert_eq!(x.to_string(), "[1.5 + 2 e  10 + 0 e]");
    }
}
