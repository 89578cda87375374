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

/// How the objective changes with each number of these fields.
fn differences(module: &str, objective: &str, input: &Value, fields: &[&str]) -> Vec<f64> {
    let step = 1e-6;
    let at = |field: &str, i: usize, change: f64| {
        let mut input = input.clone();
        let number = numbers_mut(&mut input[field]).swap_remove(i);
        *number = json!(number.as_f64().expect("a number") + change);
        numbers(&output(module, objective, &input))[0]
    };
    let difference = |field: &str, i| (at(field, i, step) - at(field, i, -step)) / (2.0 * step);
    fields.iter().flat_map(|field| (0..numbers(&input[field]).len()).map(|i| difference(field, i))).collect()
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
