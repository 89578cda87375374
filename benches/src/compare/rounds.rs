//! Programs in turn.

use crate::child::{Absent, Program};
use crate::peers::{Candidate, Side};
use std::time::{Duration, Instant};

/// A repetition of short steps is as many as take about this long.
const REPETITION: Duration = Duration::from_millis(50);
/// Every program gets this many turns, however long they take.
const LEAST_ROUNDS: usize = 3;

/// What a program was measured to take.
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub side: Side,
    /// What it says it is.
    pub version: String,
    /// Nanoseconds per step, one for each repetition.
    pub nanoseconds: Vec<f64>,
    /// The number of steps in a repetition.
    pub steps: u64,
    /// The growth of its memory at the peak, in bytes.
    pub memory: Option<u64>,
}

/// A program that takes part.
struct Runner {
    program: Program,
    measured: Measured,
}

/// Lets the programs of a workload do one repetition each, in turn, for some seconds. Those that cannot are named on the
/// standard error and left out.
///
/// A turn begins with a repetition that does not count: training goes on for long, and a program that has just been
/// asleep can have all of its threads on one core for some 30 milliseconds.
pub fn measure(workload: &str, candidates: Vec<Candidate>, seconds: f64, threads: usize) -> Vec<Measured> {
    let mut runners = start(workload, candidates);
    let started = Instant::now();
    let mut rounds = 0;
    while !runners.is_empty() && (rounds < LEAST_ROUNDS || started.elapsed().as_secs_f64() < seconds) {
        keep_working(workload, &mut runners, |runner| {
            settle(threads);
            runner.program.steps(runner.measured.steps)?;
            let nanoseconds = runner.program.steps(runner.measured.steps)?;
            runner.measured.nanoseconds.push(nanoseconds);
            Ok(())
        });
        rounds += 1;
    }
    keep_working(workload, &mut runners, |runner| {
        runner.measured.memory = runner.program.memory()?;
        Ok(())
    });
    runners.into_iter().map(|runner| runner.measured).collect()
}

/// Starts all of them at once, waits for each, and finds out how many steps make a repetition.
fn start(workload: &str, candidates: Vec<Candidate>) -> Vec<Runner> {
    let mut runners = Vec::new();
    for Candidate { name, side, mut command } in candidates {
        match Program::start(&mut command) {
            Ok(program) => {
                let measured =
                    Measured { name, side, version: String::new(), nanoseconds: vec![], steps: 1, memory: None };
                runners.push(Runner { program, measured });
            }
            Err(absent) => tell(workload, &name, &absent),
        }
    }
    keep_working(workload, &mut runners, |runner| {
        runner.measured.version = runner.program.ready()?;
        Ok(())
    });
    keep_working(workload, &mut runners, |runner| {
        let one = runner.program.steps(1)?.min(runner.program.steps(1)?);
        runner.measured.steps = (REPETITION.as_nanos() as f64 / one.max(1.0)).ceil() as u64;
        Ok(())
    });
    runners
}

/// Does something with each program and leaves out those that fail.
fn keep_working(workload: &str, runners: &mut Vec<Runner>, mut ask: impl FnMut(&mut Runner) -> Result<(), Absent>) {
    runners.retain_mut(|runner| match ask(runner) {
        Ok(()) => true,
        Err(absent) => {
            tell(workload, &runner.measured.name, &absent);
            false
        }
    });
}

fn tell(workload: &str, name: &str, absent: &Absent) {
    match absent {
        Absent::Skips(reason) => eprintln!("{workload}: {name} does not do this: {reason}"),
        Absent::Failed(words) => eprintln!("{workload}: {name} failed and is left out: {words}"),
    }
}

/// Threads of a program that has just been at work look for more for a while, and would take the next one's cores.
fn settle(threads: usize) {
    std::thread::sleep(Duration::from_millis(if threads > 1 { 30 } else { 2 }));
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::process::Command;

    fn candidate(name: &str, script: &str) -> Candidate {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Candidate { name: name.to_owned(), side: Side::Python, command }
    }

    #[test]
    fn programs_take_turns_and_those_that_fail_are_left_out() {
        // Says that a step takes 10 ms.
        let works = r#"echo '{"ready": "1"}'; while read n; do
            if [ "$n" = memory ]; then echo 123; else echo $((n * 10000000)); fi; done"#;
        let candidates = vec![
            candidate("works", works),
            candidate("never starts", "exit 3"),
            candidate(
                "dies",
                r#"echo '{"ready": "1"}'; read n; echo 5; read n; echo 5; read n; echo 5; read n; exit 1"#,
            ),
            candidate("works, too", works),
        ];
        let measured = measure("W0", candidates, 0.0, 1);
        assert_eq!(measured.iter().map(|m| &m.name[..]).collect::<Vec<_>>(), ["works", "works, too"]);
        assert_eq!((measured[0].steps, measured[0].memory), (5, Some(123)));
        assert_eq!(measured[1].nanoseconds, [1e7; LEAST_ROUNDS]);
    }
}
