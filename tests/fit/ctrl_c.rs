//! Ctrl-c, in a process of its own.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use unspool::Interrupt;

const ASKED: &str = "UNSPOOL_CTRL_C";

#[test]
fn waiting_for_ctrl_c() {
    if env::var_os(ASKED).is_none() {
        return;
    }
    let interrupt = Interrupt::on_ctrl_c().unwrap();
    assert!(!interrupt.is_set());
    assert!(Interrupt::on_ctrl_c().is_err(), "there is one already");
    eprintln!("ready");
    while !interrupt.is_set() {
        sleep(Duration::from_millis(1));
    }
    eprintln!("set");
    sleep(Duration::from_secs(60));
}

#[test]
fn a_second_ctrl_c_ends_the_process() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "ctrl_c::waiting_for_ctrl_c", "--nocapture"]).env(ASKED, "");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for expected in ["ready", "set"] {
        assert_eq!(lines.next().unwrap().unwrap(), expected);
        assert!(child.try_wait().unwrap().is_none(), "it has not ended");
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
