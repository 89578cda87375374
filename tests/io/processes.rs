//! Processes that are killed, limited or many: this test binary again, run with a filter for one test, with
//! a folder in the environment.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What tells a process that it is such a one, and where it is meant to work.
pub(crate) const FOLDER: &str = "UNSPOOL_TEST_FOLDER";

/// The test of this name, in a process of its own.
pub(crate) fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::null());
    command
}

/// The folder, in the process that is meant to work there.
pub(crate) fn asked_to_work() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

/// Runs a line of shell that ends in a test, in a process of its own, and says whether that succeeded.
pub(crate) fn in_shell(line: &str, test: &str, folder: &Path) -> bool {
    let test = child(test, folder);
    let mut shell = Command::new("sh");
    shell.args(["-c", line, "sh"]).arg(test.get_program()).args(test.get_args()).env(FOLDER, folder);
    shell.stdout(Stdio::null()).status().unwrap().success()
}
