//! A program at work in a process of its own.

use serde_json::Value;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

/// A program that is ready to work; see [`serve`](crate::serve) for what is said.
pub struct Program {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// Gives the last line that the process wrote as an error.
    complaint: Option<JoinHandle<String>>,
}

/// A program that does not work.
#[derive(Debug, PartialEq)]
pub enum Absent {
    /// It does not do this work, for a reason.
    Skips(String),
    /// It failed: its last words.
    Failed(String),
}

impl Program {
    /// Starts it, without waiting until it is ready.
    pub fn start(command: &mut Command) -> Result<Program, Absent> {
        let command = command.env("RUST_BACKTRACE", "0");
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = started.map_err(|e| Absent::Failed(e.to_string()))?;
        let errors = BufReader::new(process.stderr.take().expect("piped"));
        let complaint = std::thread::spawn(move || {
            // Rust's last line after a panic is a note on how to see more.
            let says_something = |line: &String| !line.trim().is_empty() && !line.starts_with("note: ");
            let lines = errors.lines().map_while(Result::ok).filter(says_something);
            lines.last().unwrap_or_else(|| "it ended without a word".to_owned())
        });
        Ok(Program {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().expect("piped")).lines(),
            process,
            complaint: Some(complaint),
        })
    }

    /// Waits until it is ready; its version.
    pub fn ready(&mut self) -> Result<String, Absent> {
        let line = self.answer()?;
        match (line["ready"].as_str(), line["skip"].as_str()) {
            (Some(version), _) => Ok(version.to_owned()),
            (_, Some(reason)) => Err(Absent::Skips(reason.to_owned())),
            _ => Err(Absent::Failed(format!("it said {line}"))),
        }
    }

    /// Does `count` steps; the nanoseconds that one took.
    pub fn steps(&mut self, count: u64) -> Result<f64, Absent> {
        self.say(&count.to_string());
        let answer = self.answer()?;
        match answer.as_f64() {
            Some(nanoseconds) => Ok(nanoseconds / count as f64),
            None => Err(Absent::Failed(format!("it said {answer}"))),
        }
    }

    /// The growth of its memory at the peak, in bytes, if it knows.
    pub fn memory(&mut self) -> Result<Option<u64>, Absent> {
        self.say("memory");
        Ok(self.answer()?.as_u64())
    }

    /// A process that is gone shows when its answer is missing.
    fn say(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = writeln!(input, "{line}").and_then(|()| input.flush());
        }
    }

    /// The next line that is JSON; libraries write other things in between.
    fn answer(&mut self) -> Result<Value, Absent> {
        let json = |line: String| serde_json::from_str(&line).ok();
        match self.output.by_ref().map_while(Result::ok).find_map(json) {
            Some(value) => Ok(value),
            None => {
                self.input = None;
                let complaint = self.complaint.take().and_then(|thread| thread.join().ok());
                Err(Absent::Failed(complaint.unwrap_or_default()))
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn a_program_is_asked_and_answers() {
        let mut program =
            shell(r#"echo hello; echo '{"ready": "sh 1"}'; read n; echo ${n}000; read m; echo 77; read x"#);
        assert_eq!(program.ready().unwrap(), "sh 1");
        assert_eq!(program.steps(5).unwrap(), 1000.0);
        assert_eq!(program.memory().unwrap(), Some(77));
    }

    #[test]
    fn a_program_may_decline_or_fail() {
        assert_eq!(shell(r#"echo '{"skip": "no GRU"}'"#).ready(), Err(Absent::Skips("no GRU".into())));
        let failed = shell("echo one >&2; echo two >&2; echo note: three >&2; exit 1").ready();
        assert_eq!(failed, Err(Absent::Failed("two".into())));
        assert_eq!(shell("exit 1").ready(), Err(Absent::Failed("it ended without a word".into())));
        let absent = Program::start(&mut Command::new("/no/such/program")).err().unwrap();
        assert!(matches!(absent, Absent::Failed(_)));
    }
}
