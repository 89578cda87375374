//! The tool, spoken to as the suite does: its protocol, and the values and gradients of each eval on a
//! small input. The suite itself is not needed.

mod gradients;
mod protocol;
mod values;

use serde_json::{Value, json};

/// The responses to these messages.
fn converse(messages: &[Value]) -> Vec<Value> {
    let lines: String = messages.iter().map(|message| format!("{message}\n")).collect();
    let mut output = Vec::new();
    unspool_gradbench::serve(lines.as_bytes(), &mut output).expect("these are messages");
    let output = String::from_utf8(output).expect("JSON is text");
    output.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn respond(module: &str, function: &str, input: &Value) -> Value {
    let message = json!({ "id": 0, "kind": "evaluate", "module": module, "function": function, "input": input });
    converse(&[message]).remove(0)
}

/// The output of a function that succeeds.
#[track_caller]
fn output(module: &str, function: &str, input: &Value) -> Value {
    let response = respond(module, function, input);
    assert_eq!(response["success"], true, "{module}::{function} failed: {}", response["error"]);
    response["output"].clone()
}

/// All numbers of nested lists and objects, in the order of their keys.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Object(values) => values.values().flat_map(numbers).collect(),
        _ => vec![value.as_f64().expect("a number")],
    }
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= tolerance * (1.0 + e.abs()), "number {i}: {a} is not {e}");
    }
}

/// `[rows, columns]` numbers between -1 and 1 that look random.
fn matrix(rows: usize, columns: usize, seed: f64) -> Value {
    let number = |i: usize, j: usize| ((i * columns + j).pow(2) as f64 * 0.7 + seed).sin();
    (0..rows).map(|i| (0..columns).map(|j| json!(number(i, j))).collect::<Value>()).collect()
}
