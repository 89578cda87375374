//! Elements in order, moved round, and cut off beside a diagonal.

use super::*;
use std::cmp::Ordering;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_sorted_is_stable_with_nan_last(x in view(), axis in 0..4usize, k in 0..5usize, nan in any::<bool>()) {
        prop_assume!(axis < x.rank());
        // Few different values, so that many are equal.
        let x = x.map(|v| if nan && v < -0.7 { f64::NAN } else { (v * 2.0).round() });
        let n = x.shape()[axis];
        let tape = Tape::new();
        let v = tape.variable(&x);
        let ((sorted, order), (best, places)) = (v.sort(axis), v.topk(axis, k.min(n)));
        prop_assert_eq!(order.shape(), x.shape());
        prop_assert_eq!(best.shape(), x.shape().with(axis, k.min(n)));
        prop_assert_eq!(places.shape(), best.shape());
        let position = |indices: &Indices, index: &[usize]| {
            let at = indices.shape().iter().zip(index).fold(0, |at, (&n, &i)| at * n + i);
            indices.as_slice()[at]
        };
        let bits = |x: f64| (x + 0.0).to_bits(); // zeros of both signs are equal
        for (y, positions, largest_first) in [(sorted, order, false), (best, places, true)] {
            for index in indices(y.shape()) {
                let from = |at: usize| {
                    let mut from = index.clone();
                    from[axis] = at;
                    element_at(&x, &from)
                };
                let nan_last = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(a.is_nan().cmp(&b.is_nan()));
                let mut row: Vec<usize> = (0..n).collect();
                row.sort_by(|&a, &b| {
                    let order = nan_last(&from(a), &from(b));
                    if largest_first { order.reverse() } else { order }
                });
                prop_assert_eq!(position(&positions, &index), row[index[axis]]);
                prop_assert_eq!(bits(element_at(&y.value(), &index)), bits(from(row[index[axis]])));
            }
            let seed = values(y.shape(), 3);
            let mut expected = x.map(|_| 0.0);
            expected.scatter_add(axis, &positions, &seed);
            prop_assert_eq!(y.backward_with(&seed).wrt(v), expected);
        }
    }

    #[test]
    fn what_is_rolled_comes_round(x in view(), axis in 0..4usize, shift in -9..9isize) {
        prop_assume!(axis < x.rank());
        let tape = Tape::new();
        let v = tape.variable(&x);
        let y = v.roll(axis, shift);
        prop_assert_eq!(y.shape(), x.shape());
        let seed = values(y.shape(), 3);
        let gradient = y.backward_with(&seed).wrt(v);
        for index in indices(x.shape()) {
            let mut to = index.clone();
            to[axis] = (index[axis] as isize + shift).rem_euclid(x.shape()[axis] as isize) as usize;
            prop_assert_eq!(element_at(&y.value(), &to), element_at(&x, &index));
            prop_assert_eq!(element_at(&gradient, &index), element_at(&seed, &to));
        }
    }

    #[test]
    fn triangles_end_at_their_diagonal(x in view(), diagonal in -6..6isize) {
        prop_assume!(x.rank() >= 2);
        let tape = Tape::new();
        let v = tape.variable(&x.map(|v| if v < 0.0 { f64::NAN } else { v }));
        let (lower, upper) = (v.tril(diagonal), v.triu(diagonal));
        let seed = values(x.shape(), 3);
        for (y, inside) in [(lower, Ordering::Less), (upper, Ordering::Greater)] {
            let gradient = y.backward_with(&seed).wrt(v);
            for index in indices(x.shape()) {
                let (i, j) = (index[x.rank() - 2] as isize, index[x.rank() - 1] as isize);
                let side = (j - i).cmp(&diagonal);
                let kept = |x: f64| if side == inside || side == Ordering::Equal { x } else { 0.0 };
                prop_assert_eq!(element_at(&y.value(), &index).to_bits(), kept(element_at(&v.value(), &index)).to_bits());
                prop_assert_eq!(element_at(&gradient, &index), kept(element_at(&seed, &index)));
            }
        }
    }

    #[test]
    fn products_over_axes_are_as_defined(x in view(), which in 0..16usize, zeros in any::<bool>()) {
        let x = x.map(|v| if zeros && v.abs() < 0.3 { 0.0 } else { v });
        let axes: Vec<usize> = (0..x.rank()).filter(|axis| which >> axis & 1 == 1).collect();
        let tape = Tape::new();
        let v = tape.variable(&x);
        let y = v.prod_axes(&axes);
        let seed = values(y.shape(), 3);
        let gradient = y.backward_with(&seed).wrt(v);
        let rest = |index: &[usize]| -> Vec<usize> {
            (0..x.rank()).filter(|axis| !axes.contains(axis)).map(|axis| index[axis]).collect()
        };
        let product = |place: &[usize], without: &[usize]| -> f64 {
            let factors = indices(x.shape()).filter(|index| rest(index) == place && index[..] != *without);
            factors.map(|index| element_at(&x, &index)).product()
        };
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * b.abs();
        for place in indices(y.shape()) {
            prop_assert!(close(element_at(&y.value(), &place), product(&place, &[usize::MAX])));
        }
        for index in indices(x.shape()).take(20) {
            let expected = element_at(&seed, &rest(&index)) * product(&rest(&index), &index);
            prop_assert!(close(element_at(&gradient, &index), expected));
        }
    }
}
