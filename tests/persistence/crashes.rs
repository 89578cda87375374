//! Kills and full disks. What must survive them runs in a process of its own: this test binary again, asked for one test
//! with a folder in the environment.

use crate::{files_in, folder};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use unspool::prelude::*;
use unspool::{CheckpointFile, load, save};

const FOLDER: &str = "UNSPOOL_TEST_FOLDER";
const FILE: &str = "model.safetensors";

/// 240 KB, so that a save takes many writes.
fn model(value: f32) -> Dense<Tensor> {
    sized(300, value)
}

/// A model of `rows` times 800 bytes, and some.
fn sized(rows: usize, value: f32) -> Dense<Tensor> {
    Dense { weight: Tensor::full(value, [rows, 200]), bias: Tensor::full(value, [200]) }
}

/// The test of this name, in a process of its own.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::null());
    command
}

/// The folder, in the process that is meant to work there.
fn asked_to_work() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

/// Saves until it is killed.
#[test]
fn saving_without_end() {
    let Some(folder) = asked_to_work() else { return };
    for i in 1.. {
        save(folder.join(FILE), &model(i as f32)).unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_file_that_loads() {
    let folder = folder("killed");
    let path = folder.join(FILE);
    save(&path, &model(0.0)).unwrap();
    let (mut moments, mut newer, mut interrupted) = (rng(5), 0, 0);
    for kill in 0..200 {
        let mut saving = child("crashes::saving_without_end", &folder).spawn().unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        let since = Instant::now();
        while fs::metadata(&path).unwrap().modified().unwrap() == before && since.elapsed() < Duration::from_secs(10) {
            sleep(Duration::from_micros(200)); // until it has begun
        }
        let random = init::uniform::<f64>(&mut moments, [1], 0.0, 0.01).item();
        sleep(Duration::from_secs_f64(random));
        saving.kill().unwrap(); // SIGKILL
        saving.wait().unwrap();
        newer += usize::from(fs::metadata(&path).unwrap().modified().unwrap() != before);

        let mut loaded = model(-1.0);
        load(&path, &mut loaded).unwrap_or_else(|error| panic!("after kill {kill}: {error}"));
        let value = loaded.bias.at([0]);
        assert!(loaded.leaves().iter().all(|leaf| **leaf == Tensor::full(value, leaf.shape())), "a mixture");
        let left = files_in(&folder);
        assert!(left.len() <= 2, "the leftovers of earlier kills are still there: {left:?}");
        interrupted += left.len() - 1;
    }
    assert!(newer > 100 && interrupted > 20, "{newer} processes saved, {interrupted} were killed in a save");
    save(&path, &model(1.0)).unwrap();
    assert_eq!(files_in(&folder), [FILE]);
}

/// Saves once, on a disk without room for it.
#[test]
fn saving_where_there_is_no_room() {
    let Some(folder) = asked_to_work() else { return };
    let path = folder.join(FILE);
    let small: Dense<Tensor> = Dense::new(&mut rng(3), 2, 2);
    save(&path, &small).unwrap();
    let before = fs::read(&path).unwrap();

    // The first is found out in the middle; the other fits into the buffer, and is found out at the end.
    for rows in [300, 60] {
        let error = save(&path, &sized(rows, 1.0)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
        let kind = source.kind();
        assert!(matches!(kind, std::io::ErrorKind::StorageFull | std::io::ErrorKind::FileTooLarge), "{kind:?}");
        assert_eq!(error.to_string(), format!("cannot save {}: {source}", path.display()));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(files_in(&folder), [FILE]);
    }
    CheckpointFile::open(&path).unwrap().load("", &mut small.clone()).unwrap();
    fs::write(folder.join("done"), "").unwrap();
}

/// Runs a line of shell that ends in the test above, in `$FOLDER`.
fn in_shell(line: &str, folder: &Path) -> bool {
    let test = child("crashes::saving_where_there_is_no_room", folder);
    let mut shell = Command::new("sh");
    shell.args(["-c", line, "sh"]).arg(test.get_program()).args(test.get_args()).env(FOLDER, folder);
    shell.stdout(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_limit_on_the_size_of_files_leaves_the_old_file() {
    let folder = folder("limited");
    // In units of 512 bytes; without its signal, the limit is an error of the write.
    assert!(in_shell("trap '' XFSZ; ulimit -f 64; exec \"$@\"", &folder));
    assert_eq!(files_in(&folder), ["done", FILE]);
}

/// Only where this process may mount a file system: in a namespace of its own, that goes when the child ends.
#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = folder("full");
    let mount = format!("mount -t tmpfs -o size=40k tmpfs \"${FOLDER}\"");
    let mut probe = Command::new("unshare");
    let probe = probe.args(["--mount", "sh", "-c", &mount]).env(FOLDER, &folder);
    if !probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no right to mount a file system");
        return;
    }
    let line = format!("exec unshare --mount sh -c '{mount} && \"$@\" && test -e \"${FOLDER}/done\"' sh \"$@\"");
    assert!(in_shell(&line, &folder));
    assert!(files_in(&folder).is_empty(), "mounted where all could see it");
}
