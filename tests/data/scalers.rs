//! Scalers: what they make of columns, and back.

use super::*;
use unspool::data::{MinMaxScaler, StandardScaler};

/// Values of very different sizes, some columns constant: `[T, N, F]`.
fn values() -> impl Strategy<Value = Tensor<f64>> {
    let column = (-1e6..1e6, prop_oneof![Just(0.0), 1e-3..1e6]);
    (1..6usize, 1..6usize, prop::collection::vec(column, 1..4)).prop_flat_map(|(time, n, columns)| {
        let width = columns.len();
        prop::collection::vec(-1.0..1.0, time * n * width).prop_map(move |noise| {
            let noise = noise.into_iter().enumerate();
            let values = noise.map(|(i, x): (usize, f64)| columns[i % width].0 + x * columns[i % width].1);
            Tensor::from_vec(values.collect(), [time, n, width])
        })
    })
}

fn columns(values: &Tensor<f64>) -> Vec<Vec<f64>> {
    let width = *values.shape().last().unwrap();
    (0..width).map(|column| values.select(values.rank() - 1, column).to_vec()).collect()
}

#[track_caller]
fn near(a: &Tensor<f64>, b: &Tensor<f64>, tolerance: f64) {
    assert_eq!(a.shape(), b.shape());
    for (a, b) in a.to_vec().into_iter().zip(b.to_vec()) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} {b}");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn standard_columns_have_mean_0_and_deviation_1_and_come_back(values in values()) {
        let scaler = StandardScaler::fit(&values).unwrap();
        let scaled = scaler.transform(&values);
        for (column, original) in columns(&scaled).into_iter().zip(columns(&values)) {
            let n = column.len() as f64;
            let mean = column.iter().sum::<f64>() / n;
            let variance = column.iter().map(|x| x * x).sum::<f64>() / n;
            if original.iter().all(|x| *x == original[0]) {
                prop_assert!(column.iter().all(|x| *x == 0.0));
            } else {
                prop_assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
            }
        }
        near(&scaler.inverse(&scaled), &values, 1e-9);
    }

    #[test]
    fn least_becomes_0_and_greatest_1_and_both_come_back(values in values()) {
        let scaler = MinMaxScaler::fit(&values).unwrap();
        let scaled = scaler.transform(&values);
        for (column, original) in columns(&scaled).into_iter().zip(columns(&values)) {
            let (min, max) = column.iter().fold((f64::MAX, f64::MIN), |(min, max), x| (min.min(*x), max.max(*x)));
            let constant = original.iter().all(|x| *x == original[0]);
            prop_assert_eq!((min, max), (0.0, if constant { 0.0 } else { 1.0 }));
        }
        near(&scaler.inverse(&scaled), &values, 1e-9);
    }
}

#[test]
fn the_numbers_are_those_of_the_columns() {
    let values = Tensor::<f32>::from_vec(vec![1., 10., 7., 3., 10., 7., 8., 10., 1.], [3, 3]);
    let scaler = StandardScaler::fit(&values).unwrap();
    let std = ((9. + 1. + 16.) / 3f64).sqrt();
    let near = |a: &[f64], b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {b:?}");
    near(&scaler.mean, &[4., 10., 5.]);
    near(&scaler.std, &[std, 1., 8f64.sqrt()]);
    let picked = scaler.columns(&[2, 0]);
    assert_eq!((picked.mean, picked.std), (vec![scaler.mean[2], scaler.mean[0]], vec![scaler.std[2], scaler.std[0]]));

    let scaler = MinMaxScaler::fit(&values).unwrap();
    assert_eq!((&scaler.min[..], &scaler.max[..]), (&[1., 10., 1.][..], &[8., 10., 7.][..]));
    let two = scaler.columns(&[1, 0]).transform(&Tensor::<f32>::from_vec(vec![12., 15.], [2]));
    assert_eq!(two.to_vec(), [2., 2.]);
}

#[test]
fn a_constant_is_one_whatever_the_rounding_of_its_mean() {
    let constant = Tensor::<f64>::full(0.1, [70, 1]);
    assert_ne!((0..70).map(|_| 0.1 / 70.0).sum::<f64>(), 0.1);
    let scaler = StandardScaler::fit(&constant).unwrap();
    assert_eq!(scaler, StandardScaler { mean: vec![0.1], std: vec![1.0] });
    assert_eq!(scaler.inverse(&scaler.transform(&constant)), constant);
}

#[test]
fn what_cannot_be_scaled_by_is_said_in_a_sentence() {
    let of = |values: &[f64]| Tensor::from_slice(values, [values.len() / 2, 2]);
    for (sentence, expected) in [
        (
            sentence(StandardScaler::fit(&Tensor::<f32>::zeros([0, 3]))),
            "values [0, 3] hold nothing to scale by: they must be [.., F] with at least one row",
        ),
        (
            sentence(MinMaxScaler::fit(&Tensor::<f32>::scalar(1.0))),
            "values [] hold nothing to scale by: they must be [.., F] with at least one row",
        ),
        (
            sentence(StandardScaler::fit(&Tensor::<f32>::zeros([5]))),
            "values [5] have no axis of columns: they must be [.., F]; a series of one column is [5, 1]",
        ),
        (
            sentence(StandardScaler::fit(&of(&[1., 2., 3., f64::NAN]))),
            "row 1 of column 1 is NaN: values must be finite numbers",
        ),
        (
            sentence(MinMaxScaler::fit(&of(&[1., 2., f64::INFINITY, 4.]))),
            "row 1 of column 0 is inf: values must be finite numbers",
        ),
        (
            sentence(StandardScaler::fit(&of(&[1., 1e300, 1., -1e300]))),
            "the values of column 1 are too far apart for their standard deviation: change the unit",
        ),
        (
            sentence(StandardScaler::fit(&of(&[1e-300, 1., 2e-300, 2.]))),
            "the values of column 0 are too close together for their standard deviation: change the unit",
        ),
        (
            sentence(MinMaxScaler::fit(&of(&[1., 1.7e308, 1., -1.7e308]))),
            "the values of column 1 are too far apart for their difference: change the unit",
        ),
    ] {
        assert_eq!(sentence, expected);
    }
}
