//! Messages and responses.

use crate::{converse, respond};
use serde_json::json;

#[test]
fn a_session_of_hello() {
    let responses = converse(&[
        json!({ "id": 0, "kind": "start", "eval": "hello" }),
        json!({ "id": 1, "kind": "define", "module": "hello" }),
        json!({ "id": 2, "kind": "evaluate", "module": "hello", "function": "square", "input": 3.0, "description": "3" }),
        json!({ "id": 3, "kind": "analysis", "of": 2, "valid": true }),
        json!({ "id": 4, "kind": "evaluate", "module": "hello", "function": "double", "input": 9.0 }),
        json!({ "id": 5, "kind": "a kind of the future" }),
    ]);
    assert_eq!(responses[0], json!({ "id": 0, "tool": "unspool" }));
    assert_eq!(responses[1], json!({ "id": 1, "success": true }));
    assert_eq!(responses[2]["output"], 9.0);
    assert_eq!(responses[2]["timings"].as_array().map(Vec::len), Some(1));
    assert_eq!(responses[2]["timings"][0]["name"], "evaluate");
    assert!(responses[2]["timings"][0]["nanoseconds"].is_u64());
    assert_eq!(responses[3], json!({ "id": 3 }));
    assert_eq!(responses[4]["output"], 18.0);
    assert_eq!(responses[5], json!({ "id": 5 }));
}

#[test]
fn a_function_runs_as_often_as_asked() {
    let timings = |runs: usize, seconds: f64| {
        let input = json!({ "x": [0.0, 1.0], "min_runs": runs, "min_seconds": seconds });
        respond("lse", "primal", &input)["timings"].as_array().expect("a list").clone()
    };
    assert_eq!(timings(7, 0.0).len(), 7);
    let total: u64 = timings(1, 0.01).iter().map(|timing| timing["nanoseconds"].as_u64().expect("a time")).sum();
    assert!(total >= 10_000_000, "{total} ns");
}

#[test]
fn what_is_unknown_fails_with_a_sentence() {
    let responses = converse(&[
        json!({ "id": 1, "kind": "define", "module": "kelvin" }),
        json!({ "id": 2, "kind": "evaluate", "module": "kelvin", "function": "cost", "input": 1 }),
        json!({ "id": 3, "kind": "evaluate", "module": "kmeans", "function": "costs", "input": 1 }),
    ]);
    let error = |i: usize| (&responses[i]["success"], responses[i]["error"].as_str().expect("a sentence"));
    assert_eq!(error(0), (&json!(false), "unspool has no module \"kelvin\""));
    assert_eq!(error(1), (&json!(false), "unspool has no module \"kelvin\""));
    assert_eq!(error(2), (&json!(false), "the module \"kmeans\" has no function \"costs\"; it has cost, dir"));
}

#[test]
fn a_wrong_input_fails_with_a_sentence_and_the_session_goes_on() {
    let evaluate = |id: u32, input| json!({ "id": id, "kind": "evaluate", "module": "kmeans", "function": "cost", "input": input });
    let responses = converse(&[
        evaluate(1, json!({ "points": [[1.0, 2.0], [3.0]], "centroids": [[0.0, 0.0]] })),
        evaluate(2, json!({ "points": [[1.0, 2.0]] })),
        evaluate(3, json!({ "points": [[1.0, 2.0]], "centroids": [[0.0, 0.0, 0.0]] })),
        json!({ "id": 4, "kind": "evaluate", "module": "kmeans", "function": "cost" }),
        evaluate(5, json!({ "points": [[1.0, 2.0]], "centroids": [[0.0, 0.0]] })),
    ]);
    let errors: Vec<_> =
        responses[..4].iter().map(|r| (r["success"] == false, r["error"].as_str().unwrap_or_default())).collect();
    assert!(errors[0].0 && errors[0].1.contains("row 1 has 1 numbers, the first 2"), "{}", errors[0].1);
    assert!(errors[1].0 && errors[1].1.contains("missing field `centroids`"), "{}", errors[1].1);
    assert!(errors[2].0 && errors[2].1.contains("shapes [1, 3] and [2, 1] do not multiply"), "{}", errors[2].1);
    assert!(errors[3].0 && errors[3].1.starts_with("the input is not what this function takes"), "{}", errors[3].1);
    assert_eq!(responses[4]["output"], 5.0);
}

#[test]
fn a_line_that_is_no_message_ends_the_session_with_an_error() {
    for line in ["{\"id\": 1", "7", "{\"kind\": \"start\"}"] {
        let mut output = Vec::new();
        let error = unspool_gradbench::serve(line.as_bytes(), &mut output).expect_err("no message");
        assert!(error.to_string().starts_with("this line is no message of GradBench's protocol: "), "{error}");
        assert!(output.is_empty());
    }
}
