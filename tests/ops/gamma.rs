//! The gamma function's logarithm and its derivatives, against values of 40 digits computed by `fixtures/special.py`.

use serde_json::Value;
use unspool::tensor::{Dual, Number};
use unspool_tests::fixture;

/// Rows of x, `lgamma(x)`, and its first six derivatives.
fn rows() -> Vec<Vec<f64>> {
    let numbers = |row: &Value| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    fixture("gamma_mpmath.json").as_array().unwrap().iter().map(numbers).collect()
}

#[track_caller]
fn assert_near(what: &str, got: f64, expected: f64, tolerance: f64) {
    // Relative, but for values near a zero of the function.
    assert!((got - expected).abs() <= tolerance * expected.abs().max(0.1), "{what}: {got:e} is not {expected:e}");
}

#[test]
fn gamma_functions_are_right_to_14_digits() {
    for row in rows() {
        let x = row[0];
        // Rounding x alone moves the value of a function this steep.
        let tolerance = |n: usize| 1e-14 + 4.0 * f64::EPSILON * (x * row.get(n + 1).unwrap_or(&0.0) / row[n]).abs();
        assert_near(&format!("lgamma({x})"), Number::lgamma(x), row[1], tolerance(1));
        for order in 0..6 {
            let got = Number::polygamma(x, order as u32);
            assert_near(&format!("polygamma({order}, {x})"), got, row[order + 2], tolerance(order + 2));
        }
    }
}

#[test]
fn gamma_functions_of_single_precision_are_right_to_6_digits() {
    for row in rows().iter().filter(|row| row[0] > 0.0 && row[0] < 1e3 && row[0] > 1e-3) {
        let (x, tolerance) = (row[0] as f32, 1e-6);
        assert_near(&format!("lgamma({x})"), f64::from(Number::lgamma(x)), row[1], tolerance);
        for order in 0..2 {
            let got = f64::from(Number::polygamma(x, order as u32));
            assert_near(&format!("polygamma({order}, {x})"), got, row[order + 2], 2.0 * tolerance);
        }
    }
}

#[test]
fn poles_and_infinity() {
    let inf = f64::INFINITY;
    assert_eq!([0.0, -0.0, -3.0].map(Number::lgamma), [inf; 3]);
    assert_eq!([0.0, -0.0, inf].map(|x: f64| x.polygamma(0)), [-inf, inf, inf]);
    assert_eq!([0.0, -0.0, -3.0, inf].map(|x: f64| x.polygamma(1)), [inf, inf, inf, 0.0]);
    assert_eq!([0.0, -0.0].map(|x: f64| x.polygamma(2)), [-inf, inf]);
    assert!((-3.0).polygamma(0).is_nan() && f64::NAN.polygamma(0).is_nan() && f64::NAN.polygamma(3).is_nan());
}

#[test]
fn nested_derivatives_of_lgamma_are_its_polygammas() {
    for row in rows().iter().filter(|row| row[0].abs() > 0.1 && row[0].abs() < 100.0) {
        let x = Dual { value: row[0], tangent: 1.0 };
        let x = Dual { value: x, tangent: Dual::ONE };
        let x = Dual { value: x, tangent: Dual::ONE };
        let y = Number::lgamma(x);
        assert_near("first", y.tangent.value.value, row[2], 1e-11);
        assert_near("second", y.tangent.tangent.value, row[3], 1e-11);
        assert_near("third", y.tangent.tangent.tangent, row[4], 1e-11);
    }
}
