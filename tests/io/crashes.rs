//! Kills, full disks and several savers of one file.

use crate::processes::{FOLDER, asked_to_work, child, in_shell};
use crate::{files_in, folder};
use std::env;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use unspool::io::WeightFile;
use unspool::prelude::*;
use unspool::{load, save};

const FILE: &str = "model.safetensors";

/// 240 KB, so that a save takes many writes.
fn model(value: f32) -> Dense<Tensor> {
    sized(300, value)
}

/// A model of `rows` times 800 bytes, and some.
fn sized(rows: usize, value: f32) -> Dense<Tensor> {
    Dense { weight: Tensor::full(value, [rows, 200]), bias: Tensor::full(value, [200]) }
}

/// Saves until it is killed.
#[test]
fn saving_without_end() {
    let Some(folder) = asked_to_work() else { return };
    for i in 1.. {
        save(folder.join(FILE), &model(i as f32)).unwrap();
    }
}

/// 100, or as many as the environment says: `UNSPOOL_KILLS=480`.
fn kills() -> usize {
    env::var("UNSPOOL_KILLS").map_or(100, |kills| kills.parse().expect("a number of kills"))
}

#[test]
fn a_kill_at_any_moment_leaves_a_file_that_loads() {
    let folder = folder("killed");
    let path = folder.join(FILE);
    save(&path, &model(0.0)).unwrap();
    let (mut moments, mut newer, mut interrupted) = (rng(5), 0, 0);
    let kills = kills();
    for kill in 0..kills {
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
    eprintln!("{kills} kills, of {interrupted} processes in a save; {newer} had saved before; 0 damaged files");
    assert!(newer > kills / 2 && interrupted > kills / 10, "{newer} saved, {interrupted} were killed in a save");
    save(&path, &model(1.0)).unwrap();
    assert_eq!(files_in(&folder), [FILE]);
}

/// Saves 150 times from each of two threads.
#[test]
fn saving_beside_others() {
    let Some(folder) = asked_to_work() else { return };
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let path = folder.join(FILE);
            scope.spawn(move || (0..150).for_each(|i| save(&path, &model((1000 * thread + i) as f32)).unwrap()));
        }
    });
}

/// Each finds the others' temporary files, and may find them before their writers have locked them.
#[test]
fn savers_of_one_file_do_not_hinder_each_other() {
    let folder = folder("beside others");
    let mut savers: Vec<_> = (0..3).map(|_| child("crashes::saving_beside_others", &folder).spawn().unwrap()).collect();
    let (path, mut running) = (folder.join(FILE), true);
    while running {
        running = savers.iter_mut().any(|saver| saver.try_wait().unwrap().is_none());
        if path.exists() {
            let mut loaded = model(-1.0);
            load(&path, &mut loaded).unwrap();
            let value = loaded.bias.at([0]);
            assert!(loaded.leaves().iter().all(|leaf| **leaf == Tensor::full(value, leaf.shape())), "a mixture");
        }
    }
    let ends: Vec<_> = savers.into_iter().map(|mut saver| saver.wait().unwrap()).collect();
    assert!(ends.iter().all(|end| end.success()), "{ends:?}");
    assert_eq!(files_in(&folder), [FILE]);
}

/// As in a hyperparameter search whose trainings all save to one file.
#[test]
fn trainings_with_one_checkpoint_do_not_hinder_each_other() {
    let path = folder("trainings").join(FILE);
    let data = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1])).unwrap();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (data, path) = (&data, &path);
            scope.spawn(move || {
                let mut model: Dense<Tensor> = Dense::new(&mut rng(seed), 3, 1);
                let training =
                    fit(&mut model, data).loss(mse).batch_size(8).epochs(20).checkpoint(path).checkpoint_every(1);
                training.quiet().run().unwrap();
            });
        }
    });
    let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 1);
    WeightFile::open(&path).unwrap().load("model", &mut model).unwrap();
    assert_eq!(files_in(path.parent().unwrap()), [FILE]);
}

const NO_ROOM: &str = "crashes::saving_where_there_is_no_room";

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
        assert_eq!(error.kind(), unspool::io::ErrorKind::Io(kind));
        assert_eq!(error.to_string(), format!("cannot save {}: {source}", path.display()));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(files_in(&folder), [FILE]);
    }
    WeightFile::open(&path).unwrap().load("", &mut small.clone()).unwrap();
    fs::write(folder.join("done"), "").unwrap();
}

#[test]
fn a_limit_on_the_size_of_files_leaves_the_old_file() {
    let folder = folder("limited");
    // In units of 512 bytes; without its signal, the limit is an error of the write.
    assert!(in_shell("trap '' XFSZ; ulimit -f 64; exec \"$@\"", NO_ROOM, &folder));
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
    assert!(in_shell(&line, NO_ROOM, &folder));
    assert!(files_in(&folder).is_empty(), "mounted where all could see it");
}
