//! A profile as a trace, in the format of Chrome's `about:tracing`.

use super::{Event, Profile, ProfileRow};
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

impl Profile {
    /// The calls of the latest step over time, in the JSON of Chrome's trace events: Perfetto
    /// (<https://ui.perfetto.dev>) and `chrome://tracing` open it. The calls of one scope and time step
    /// lie under a bar with its name.
    pub fn chrome_trace(&self) -> String {
        let mut json = String::from("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
        let mut events = self.events.clone();
        events.sort_by_key(|event| (event.tape, event.start));
        let tapes = events.last().map_or(0, |event| event.tape + 1);
        for tape in 0..tapes {
            let _ = writeln!(
                json,
                "{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":0,\"tid\":{tape},\"args\":{{\"name\":\"tape {tape}\"}}}},"
            );
        }
        let row = |event: &Event| &self.rows[event.row as usize];
        let same = |a: &Event, b: &Event| {
            (a.tape, a.backward, a.step, &row(a).scope) == (b.tape, b.backward, b.step, &row(b).scope)
        };
        for calls in events.chunk_by(same) {
            let (first, last) = (&calls[0], &calls[calls.len() - 1]);
            let ProfileRow { scope, .. } = row(first);
            if !scope.is_empty() {
                let name = first.step.map_or_else(|| scope.clone(), |t| format!("{scope}, time step {t}"));
                push(&mut json, &name, &Event { time: last.start + last.time - first.start, ..*first }, scope);
            }
            for call in calls {
                push(&mut json, row(call).op, call, scope);
            }
        }
        // No comma after the last.
        if let Some(comma) = json.rfind(',').filter(|_| tapes > 0) {
            json.truncate(comma);
        }
        json.push_str("\n]}\n");
        json
    }

    /// Writes the [trace](Profile::chrome_trace) to a file.
    ///
    /// # Errors
    /// If it cannot be written; the sentence names the file.
    pub fn save_chrome_trace(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.chrome_trace())
            .map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))
    }
}

/// Appends a complete event.
fn push(json: &mut String, name: &str, event: &Event, scope: &str) {
    let us = |time: Duration| time.as_nanos() as f64 / 1e3;
    let pass = if event.backward { "backward" } else { "forward" };
    let _ = write!(
        json,
        "{{\"name\":{},\"cat\":\"{pass}\",\"ph\":\"X\",\"ts\":{:.3},\"dur\":{:.3},\"pid\":0,\"tid\":{},\"args\":{{\"scope\":{}",
        quoted(name),
        us(event.start),
        us(event.time),
        event.tape,
        quoted(scope),
    );
    if let Some(t) = event.step {
        let _ = write!(json, ",\"time step\":{t}");
    }
    json.push_str("}},\n");
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(json, "\\u{:04x}", c as u32);
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
