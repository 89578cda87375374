//! Gradients against central differences of the objective.

use crate::{assert_close, matrix, numbers, output};
use serde_json::{Value, json};

/// All numbers below `value`, to change.
fn numbers_mut(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(values) => values.iter_mut().flat_map(numbers_mut).collect(),
        _ => vec![value],
    }
}

/// How the objective, which may be several numbers, changes with those numbers of a field.
fn difference(module: &str, objective: &str, input: &Value, field: &str, changes: impl Fn(usize) -> bool) -> Vec<f64> {
    let step = 1e-6;
    let at = |change: f64| {
        let mut input = input.clone();
        for (_, number) in numbers_mut(&mut input[field]).into_iter().enumerate().filter(|(i, _)| changes(*i)) {
            *number = json!(number.as_f64().expect("a number") + change);
        }
        numbers(&output(module, objective, &input))
    };
    at(step).iter().zip(at(-step)).map(|(above, below)| (above - below) / (2.0 * step)).collect()
}

/// How the objective changes with each number of these fields.
fn differences(module: &str, objective: &str, input: &Value, fields: &[&str]) -> Vec<f64> {
    let of_field = |field: &&str| -> Vec<f64> {
        (0..numbers(&input[*field]).len()).map(|i| difference(module, objective, input, field, |j| i == j)[0]).collect()
    };
    fields.iter().flat_map(of_field).collect()
}

#[track_caller]
fn check(module: &str, [objective, gradient]: [&str; 2], input: &Value, fields: &[&str]) {
    let expected = differences(module, objective, input, fields);
    assert!(expected.iter().any(|d| d.abs() > 1e-3), "these gradients would not show a mistake");
    assert_close(&numbers(&output(module, gradient, input)), &expected, 1e-7);
}

#[test]
fn lse() {
    check("lse", ["primal", "gradient"], &json!({ "x": matrix(1, 7, 0.0)[0] }), &["x"]);
}

#[test]
fn llsq() {
    check("llsq", ["primal", "gradient"], &json!({ "x": matrix(1, 5, 0.0)[0], "n": 9 }), &["x"]);
}

#[test]
fn gmm() {
    let (d, k, n) = (3, 4, 5);
    let input = json!({
        "d": d, "k": k, "n": n, "m": 2, "gamma": 0.7, "x": matrix(n, d, 0.1), "alpha": matrix(1, k, 0.2)[0],
        "mu": matrix(k, d, 0.3), "q": matrix(k, d, 0.4), "l": matrix(k, d * (d - 1) / 2, 0.5),
    });
    // In the order of the output's keys.
    check("gmm", ["objective", "jacobian"], &input, &["alpha", "l", "mu", "q"]);
}

#[test]
fn lstm() {
    let input = json!({
        "main_params": matrix(4, 12, 0.1), "extra_params": matrix(3, 3, 0.2), "state": matrix(4, 3, 0.3),
        "sequence": [[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
    });
    check("lstm", ["objective", "jacobian"], &input, &["main_params", "extra_params"]);
}

#[test]
fn det() {
    // 7: beyond the minors of which the tape keeps partial derivatives alone.
    for ell in [1, 3, 7] {
        check("det", ["primal", "gradient"], &json!({ "A": numbers(&matrix(ell, ell, 0.1)), "ell": ell }), &["A"]);
    }
}

#[test]
fn ba() {
    let camera = [0.3, -0.2, 0.5, 0.1, 0.2, -3.0, 2.0, 0.4, -0.3, 0.02, 0.01];
    let input = json!({ "n": 1, "m": 1, "p": 10, "cam": camera, "x": [0.5, -0.7, 2.0], "w": 0.8, "feat": [0.1, 0.2] });
    let columns: Vec<Vec<f64>> = [("cam", 11), ("x", 3), ("w", 1)]
        .iter()
        .flat_map(|(field, n)| (0..*n).map(|i| difference("ba", "objective", &input, field, |j| i == j)))
        .collect();
    // The objective: two errors, how often these are repeated, the error of the weight.
    let expected: Vec<f64> =
        [0, 1].iter().flat_map(|&row| columns.iter().map(move |c| c[row])).chain([columns[14][3]]).collect();
    assert_close(&numbers(&output("ba", "jacobian", &input)["vals"]), &expected, 1e-7);
}

#[test]
fn ht() {
    let theta = numbers(&matrix(1, 26, 0.7)[0]);
    let on_triangles = json!([[0.25, 0.5], [0.5, 0.0], [0.1, 0.2]]);
    for (us, shifts) in [(on_triangles, 2), (json!([]), 0)] {
        let input = crate::values::hand(&theta, us, &[0, 1, 1]);
        let shift = |k: usize| difference("ht", "objective", &input, "us", |i| i % 2 == k);
        let turn = |k: usize| difference("ht", "objective", &input, "theta", |i| i == k);
        let columns: Vec<Vec<f64>> = (0..shifts).map(shift).chain((0..26).map(turn)).collect();
        let expected: Vec<f64> = (0..9).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        assert_close(&numbers(&output("ht", "jacobian", &input)), &expected, 1e-7);
    }
}
