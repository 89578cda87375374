//! The suite's protocol: a line of JSON for each message, and one for each response.

use crate::evals;
use crate::runs::Evaluation;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::io::{self, BufRead, Write};

/// A message of an eval. What only some kinds have is empty in the others.
#[derive(Deserialize)]
struct Message<'a> {
    id: Value,
    kind: String,
    #[serde(default)]
    module: String,
    #[serde(default)]
    function: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// Answers the messages on `input` until it ends.
///
/// # Errors
/// If a line is no message, which has no id to answer to, or if reading or writing fails.
pub fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let message = serde_json::from_str(&line)
            .map_err(|error| io::Error::other(format!("this line is no message of GradBench's protocol: {error}")))?;
        serde_json::to_writer(&mut output, &respond(message))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

fn respond(message: Message<'_>) -> Value {
    let mut response = Map::from_iter([("id".to_string(), message.id)]);
    match message.kind.as_str() {
        "start" => {
            response.insert("tool".to_string(), json!("unspool"));
        }
        "define" => report(&mut response, evals::find(&message.module).map(|_| None)),
        "evaluate" => {
            let input = message.input.map_or("null", RawValue::get);
            report(&mut response, evaluate(&message.module, &message.function, input).map(Some));
        }
        _ => {} // the id acknowledges it
    }
    Value::Object(response)
}

fn evaluate(module: &str, function: &str, input: &str) -> Result<Evaluation, String> {
    let functions = evals::find(module)?;
    let Some((_, evaluate)) = functions.iter().find(|(name, _)| *name == function) else {
        let names: Vec<_> = functions.iter().map(|(name, _)| *name).collect();
        return Err(format!("the module {module:?} has no function {function:?}; it has {}", names.join(", ")));
    };
    evaluate(input)
}

fn report(response: &mut Map<String, Value>, result: Result<Option<Evaluation>, String>) {
    response.insert("success".to_string(), json!(result.is_ok()));
    match result {
        Ok(None) => {}
        Ok(Some(Evaluation { output, nanoseconds })) => {
            let timings = nanoseconds.iter().map(|n| json!({ "name": "evaluate", "nanoseconds": n }));
            response.insert("timings".to_string(), timings.collect());
            response.insert("output".to_string(), output);
        }
        Err(error) => {
            response.insert("error".to_string(), json!(error));
        }
    }
}
