//! Ctrl-c, and the other signals that end a training, in a process of its own.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use unspool::train::Interrupt;

const ASKED: &str = "UNSPOOL_CTRL_C";

#[test]
fn waiting_for_ctrl_c() {
    if env::var_os(ASKED).is_none() {
        return;
    }
    let interrupt = Interrupt::on_ctrl_c().unwrap();
    assert!(!interrupt.is_set());
    assert!(Interrupt::on_ctrl_c().is_err(), "there is one already");
    for training in 0..2 {
        eprintln!("ready");
        while !interrupt.is_set() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(100)); // until both signals have come
        eprintln!("set");
        if training == 0 {
            sleep(Duration::from_millis(600));
            interrupt.clear();
        }
    }
    sleep(Duration::from_secs(60));
}

fn kill(signal: &str, child: &mut Child) {
    assert!(child.try_wait().unwrap().is_none(), "it has ended before {signal}");
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Schedulers send SIGTERM, a terminal that is closed SIGHUP. What comes at once, as from both a terminal and its shell, is one
/// wish, also where another training was ended before; the next ends the process.
#[test]
fn the_first_signals_are_a_wish_and_a_later_one_ends_the_process() {
    // Two of one kind may come as one.
    for (signal, other) in [("-INT", "-TERM"), ("-TERM", "-HUP"), ("-HUP", "-INT")] {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "ctrl_c::waiting_for_ctrl_c", "--nocapture"]).env(ASKED, "");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for training in 0..2 {
            assert_eq!(lines.next().unwrap().unwrap(), "ready", "{signal}, {training}");
            let both = format!("kill {signal} {0}; kill {other} {0}", child.id());
            assert!(Command::new("sh").args(["-c", &both]).status().unwrap().success());
            let said = lines.next().expect("it goes on").unwrap();
            assert_eq!(said, "set", "{signal}, {training}");
        }
        sleep(Duration::from_millis(600));
        kill(signal, &mut child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
    }
}
