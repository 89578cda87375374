//! Properties of tensors at random shapes and views, against element-by-element definitions.

use proptest::prelude::*;
use unspool::tensor::{Shape, SliceRange};
use unspool::{Indices, Tape, Tensor, Var};
use unspool_tests::values;

mod orders;
mod places;
mod products;

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..5usize, 0..5)
}

/// A tensor whose axes were cut, turned round and reordered, so that it is a strided view.
fn view() -> impl Strategy<Value = Tensor<f64>> {
    sizes().prop_flat_map(|sizes| {
        let order: Vec<usize> = (0..sizes.len()).collect();
        (Just(sizes), Just(order).prop_shuffle(), any::<u64>())
            .prop_map(|(sizes, order, salt)| strided(&sizes, salt).permute(&order))
    })
}

/// A view of the given shape that has gaps, and runs backwards along some of its axes.
fn strided(sizes: &[usize], salt: u64) -> Tensor<f64> {
    let padded: Shape = sizes.iter().map(|n| n + 1).collect();
    (0..sizes.len()).fold(values(padded, salt), |x, axis| {
        let forwards = salt >> axis & 1 == 0;
        x.slice(axis, 1..).slice_step(axis, .., if forwards { 1 } else { -1 })
    })
}

/// The row-major index of each element of a shape.
fn indices(shape: Shape) -> impl Iterator<Item = Vec<usize>> {
    (0..shape.numel()).map(move |mut at| {
        let mut index = vec![0; shape.rank()];
        for (i, &size) in index.iter_mut().zip(shape.iter()).rev() {
            *i = at % size;
            at /= size;
        }
        index
    })
}

/// The element at `index`, reached one axis at a time; an index too long is cut in front, and axes of size 1
/// repeat.
fn element(x: &Tensor<f64>, index: &[usize]) -> f64 {
    let index = &index[index.len() - x.rank()..];
    index.iter().fold(x.clone(), |x, &i| x.select(0, if x.shape()[0] == 1 { 0 } else { i })).item()
}

/// The element at an index of the tensor's own rank.
fn element_at(x: &Tensor<f64>, index: &[usize]) -> f64 {
    index.iter().fold(x.clone(), |x, &i| x.select(0, i)).item()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn maps_and_copies_see_the_elements_in_order(x in view()) {
        let expected: Vec<f64> = indices(x.shape()).map(|i| element(&x, &i)).collect();
        prop_assert_eq!(x.to_vec(), expected.clone());
        let doubled: Vec<f64> = expected.iter().map(|v| 2.0 * v).collect();
        prop_assert_eq!(x.map(|v| 2.0 * v).to_vec(), doubled);
    }

    #[test]
    fn zips_broadcast_as_defined(x in view(), keep in prop::collection::vec(any::<bool>(), 5), cut in 0..5usize) {
        // An operand that broadcasts to x: some axes of size 1, the first few missing.
        let small: Shape = x.shape().iter().zip(&keep).map(|(&n, &k)| if k { n } else { 1 }).skip(cut).collect();
        let y = values(small, 7);
        for (got, flip) in [(x.zip(&y, |a, b| a - b), false), (y.zip(&x, |a, b| a - b), true)] {
            prop_assert_eq!(got.shape(), x.shape());
            for index in indices(x.shape()) {
                let difference = element(&x, &index) - element(&y, &index);
                prop_assert_eq!(element(&got, &index), if flip { -difference } else { difference });
            }
        }
        let mut updated = x.copy();
        updated.update(&y, |a, b| a - b);
        prop_assert_eq!(&updated, &x.zip(&y, |a, b| a - b));
        prop_assert_eq!(&x.copy().into_zip(&y, |a, b| a - b), &updated);
        prop_assert_eq!(&x.zip3(&y, &x, |a, b, c| a - b + c * 0.0), &updated);
    }

    #[test]
    fn sum_to_undoes_broadcasting(x in view(), keep in prop::collection::vec(any::<bool>(), 5), cut in 0..5usize) {
        let small: Shape = x.shape().iter().zip(&keep).map(|(&n, &k)| if k { n } else { 1 }).skip(cut).collect();
        let sum = x.sum_to(small);
        prop_assert_eq!(sum.shape(), small);
        let mut expected = vec![0.0; small.numel()];
        for index in indices(x.shape()) {
            let tail = &index[index.len() - small.rank()..];
            let at = tail.iter().zip(small.iter()).fold(0, |at, (&i, &n)| at * n + if n == 1 { 0 } else { i });
            expected[at] += element(&x, &index);
        }
        for (got, expected) in sum.to_vec().into_iter().zip(expected) {
            prop_assert!((got - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn updates_follow_the_strides_of_the_other(x in view(), salt in any::<u64>()) {
        let other = strided(&x.shape(), salt);
        let mut updated = x.clone();
        updated.update(&other, |a, b| a - 2.0 * b);
        for index in indices(x.shape()) {
            prop_assert_eq!(element_at(&updated, &index), element_at(&x, &index) - 2.0 * element_at(&other, &index));
        }
    }

    #[test]
    fn several_tensors_are_updated_as_defined_and_those_who_share_them_keep_theirs(x in view(), salt in any::<u64>()) {
        let [a, b, y] = [1, 2, 3].map(|i| strided(&x.shape(), salt ^ i));
        let (mut got, mut others) = (x.clone(), [a.clone(), b.clone()]);
        got.zip_mut_with(&mut others, &y, |x, [a, b], y| (x - 2.0 * y, [b + y, a * x]));
        for i in indices(x.shape()) {
            let [x, a, b, y] = [&x, &a, &b, &y].map(|t| element_at(t, &i));
            prop_assert_eq!(element_at(&got, &i), x - 2.0 * y);
            prop_assert_eq!([&others[0], &others[1]].map(|t| element_at(t, &i)), [b + y, a * x]);
        }
    }

    #[test]
    fn the_largest_is_the_first_of_equals_or_the_first_nan(x in view(), axis in 0..4usize, nan in any::<bool>()) {
        prop_assume!(axis < x.rank() && x.shape()[axis] > 0);
        // Few different values, so that many are equal.
        let x = x.map(|v| if nan && v < -0.7 { f64::NAN } else { (v * 2.0).round() + 0.0 });
        let (positions, best, least) = (x.argmax(axis), x.max_axes(&[axis]), x.min_axes(&[axis]));
        for (i, rest) in indices(best.shape()).enumerate() {
            let row: Vec<f64> = (0..x.shape()[axis]).map(|at| element_at(&x.select(axis, at), &rest)).collect();
            let (mut first, mut smallest) = (0, row[0]);
            for (at, &v) in row.iter().enumerate() {
                let beaten = row[first].is_nan() || v <= row[first];
                first = if beaten { first } else { at };
                smallest = if smallest.is_nan() || v >= smallest { smallest } else { v };
            }
            prop_assert_eq!(positions.as_slice()[i], first);
            prop_assert_eq!(element_at(&best, &rest).to_bits(), row[first].to_bits());
            prop_assert_eq!(element_at(&least, &rest).to_bits(), smallest.to_bits());
        }
    }

    #[test]
    fn stacking_and_selecting_are_inverse(x in view(), axis in 0..4usize) {
        prop_assume!(axis < x.rank() && x.shape()[axis] > 0);
        let parts: Vec<Tensor<f64>> = (0..x.shape()[axis]).map(|i| x.select(axis, i)).collect();
        prop_assert_eq!(Tensor::stack(axis, &parts), x);
    }

    #[test]
    fn products_agree_with_the_definition(m in 0..9usize, k in 0..9usize, n in 0..9usize, salt in any::<u64>()) {
        let (a, b) = (values([k, m], salt).t(), values([n, k], salt ^ 1).t());
        let c = a.matmul(&b);
        for index in indices(c.shape()) {
            let expected: f64 = (0..k).map(|l| a.at([index[0], l]) * b.at([l, index[1]])).sum();
            prop_assert!((element(&c, &index) - expected).abs() < 1e-12);
        }
    }
}
