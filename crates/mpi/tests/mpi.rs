//! Programs under `mpirun`: the same bits at any number of ranks, faults that end all ranks with one sentence, and
//! ranks that are killed.
//!
//! This program is both: without arguments it starts itself under `mpirun` and judges the results, with the name of a
//! program it is a rank that runs it. `UNSPOOL_KILLS` is the number of times that a rank is killed.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use unspool::prelude::*;
use unspool::text::LanguageModel;
use unspool::train::{Callback, Progress, TruncatedBptt};
use unspool_mpi::MpiWorld;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [flag, program, args @ ..] if flag == "--rank" => unspool_mpi::run(|world| rank(program, args, world)),
        _ => judge(),
    }
}

/// What a rank runs.
fn rank(program: &str, args: &[String], world: &MpiWorld) -> Result<(), Box<dyn Error>> {
    let last = world.rank() + 1 == world.size();
    match program {
        "network" => network(world, 1, false),
        "lengths" => lengths(world),
        "text" => text(world, args.first().map(Path::new), args.get(1).is_some()),
        "other data" => network(world, 1 + u64::from(last), false),
        "panic" => network(world, 1, last),
        "not finite" => not_finite(world),
        "error" if last => Err("the disk of this host is full".into()),
        "ends" if last => Ok(()),
        "error" | "ends" => network(world, 1, false),
        "no checkpoint" => text(world, Some(Path::new("/no such folder/file")), false),
        _ => unreachable!("a program of this file"),
    }
}

/// Prints a hash of the weights, on rank 0.
fn print_hash<M: Params<Tensor>>(world: &MpiWorld, model: &M) {
    let mut hash = 0_u64;
    let mut add = |x: f32| hash = (hash ^ u64::from(x.to_bits())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    model.visit_leaves(unspool::Path::ROOT, &mut |_, leaf| leaf.to_vec().into_iter().for_each(&mut add));
    if world.rank() == 0 {
        println!("hash {hash:x}");
    }
}

fn waves(n: usize, seed: u64) -> Dataset {
    let x = Tensor::from_fn([20, n, 1], |i| ((i * 31 + seed as usize * 7) as f32 * 0.37).sin());
    let y = Tensor::from_fn([n, 1], |i| ((i * 17) as f32 * 0.11).cos());
    Dataset::new(x, y).expect("as many of both")
}

/// A callback of a closure.
struct OnStep<F>(F);

impl<M, F: FnMut(usize)> Callback<f32, M> for OnStep<F> {
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        (self.0)(progress.steps);
        ControlFlow::Continue(())
    }
}

/// The lecture's network.
fn network(world: &MpiWorld, seed: u64, panics: bool) -> Result<(), Box<dyn Error>> {
    let (train, valid) = (waves(300, seed), waves(600, 3));
    let mut model =
        sequential().seed(1).add(simple_rnn(1, 9).return_sequences()).add(simple_rnn(9, 8)).add(dense(8, 1));
    let step = OnStep(|step| assert!(!panics || step != 3, "no more coffee"));
    let fit = fit(&mut model, &train).loss(mse).batch_size(200).epochs(3).validate(&valid).callback(step);
    fit.world(world).quiet().run()?;
    print_hash(world, &model);
    Ok(())
}

/// From the second step on, a number that is not finite in one example alone: in the shard of one rank.
fn not_finite(world: &MpiWorld) -> Result<(), Box<dyn Error>> {
    static IS_LATE: AtomicBool = AtomicBool::new(false);
    fn loss<'t>(output: Var<'t>, target: Var<'t>) -> Var<'t> {
        let is_bad = IS_LATE.load(Ordering::SeqCst) && target.value().to_vec().contains(&7.0);
        mse(output, target) + (output.square().mean() * 0.0 + if is_bad { -1.0 } else { 1e-3 }).sqrt() * 0.0
    }
    let waves = waves(96, 1);
    let y = waves.y().to_vec();
    let y = Tensor::from_fn([96, 1], |i| if i == 50 { 7.0 } else { y[i] });
    let data = Dataset::new(waves.x().clone(), y)?;
    let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
    let late = OnStep(|_| IS_LATE.store(true, Ordering::SeqCst));
    let fit = fit(&mut model, &data).loss(loss).batch_size(96).shuffle(false).epochs(3).callback(late);
    fit.world(world).quiet().run()?;
    Ok(())
}

/// Sequences of different lengths, with dropout.
fn lengths(world: &MpiWorld) -> Result<(), Box<dyn Error>> {
    let data = waves(300, 5).with_lengths((0..300).map(|i| 1 + i * 7 % 20).collect())?;
    let model = sequential().seed(2).add(lstm(1, 6).return_sequences()).add(unspool::layers::dropout(0.3));
    let mut model = model.add(gru(6, 5)).add(dense(5, 1));
    fit(&mut model, &data).loss(mse).batch_size(100).bucket_by_length().epochs(3).world(world).quiet().run()?;
    print_hash(world, &model);
    Ok(())
}

/// A language model that is saved after every step, to be resumed.
fn text(world: &MpiWorld, checkpoint: Option<&Path>, resume: bool) -> Result<(), Box<dyn Error>> {
    let text: Vec<usize> = (0..6000).map(|i| (i * i + i / 5) % 7).collect();
    let mut task = TruncatedBptt::tokens(&text[..5000], 70, 3)?.validate_tokens(&text[5000..], 40)?;
    let mut model: LanguageModel<Tensor, Gru<Tensor>> = LanguageModel::new(&mut rng(0), 7, 8, [24, 24], Gru::new);
    println!("process {}", std::process::id());
    let mut fit = fit(&mut model, &mut task).epochs(6).world(world).quiet();
    if let Some(path) = checkpoint {
        fit = fit.checkpoint(path).checkpoint_every(1);
        if resume && path.exists() {
            fit = fit.resume(path);
        }
    }
    fit.run()?;
    print_hash(world, &model);
    Ok(())
}

/// `mpirun` of a program on so many ranks.
fn mpirun(ranks: usize, program: &[&str]) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["-n", &ranks.to_string()]).arg(std::env::current_exe().expect("this program")).arg("--rank");
    command
        .args(program)
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Of Open MPI alone: as root, and with more ranks than cores.
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.env("OMPI_MCA_rmaps_base_oversubscribe", "1");
    command
}

/// Runs it, for two minutes at most.
fn output(mut command: Command) -> Output {
    let mut child = command.spawn().expect("mpirun");
    let started = Instant::now();
    while child.try_wait().expect("its status").is_none() {
        if started.elapsed() > Duration::from_secs(120) {
            let _ = child.kill();
            panic!("still running after two minutes: {command:?}");
        }
        sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("what it printed")
}

fn hash(ranks: usize, program: &[&str]) -> String {
    let output = output(mpirun(ranks, program));
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program:?} on {ranks} ranks: {errors}");
    let hash = out.lines().find_map(|line| line.strip_prefix("hash "));
    hash.unwrap_or_else(|| panic!("{program:?} on {ranks} ranks printed {out}{errors}")).to_owned()
}

fn judge() -> ExitCode {
    let tests: [(&str, fn()); 3] = [
        ("the_number_of_ranks_does_not_change_a_bit", the_number_of_ranks_does_not_change_a_bit),
        ("a_fault_of_one_rank_ends_all_with_one_sentence", a_fault_of_one_rank_ends_all_with_one_sentence),
        ("a_killed_training_is_resumed_on_another_number_of_ranks", a_killed_training_is_resumed),
    ];
    let mut failed = 0;
    for (name, test) in tests {
        let passes = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passes { "ok" } else { "FAILED" });
        failed += usize::from(!passes);
    }
    println!(
        "\ntest result: {}. {} passed; {failed} failed",
        if failed == 0 { "ok" } else { "FAILED" },
        tests.len() - failed
    );
    ExitCode::from(u8::from(failed > 0))
}

fn the_number_of_ranks_does_not_change_a_bit() {
    for program in ["network", "lengths", "text"] {
        let alone = hash(1, &[program]);
        for ranks in [2, 3, 4, 5, 8] {
            assert_eq!(hash(ranks, &[program]), alone, "{program} on {ranks} ranks");
        }
    }
}

fn a_fault_of_one_rank_ends_all_with_one_sentence() {
    for (program, sentence) in [
        ("other data", "rank 0: before training, rank 2 has another set of examples than rank 0"),
        ("error", "rank 2: the disk of this host is full"),
        ("ends", "rank 2: the program has ended, but rank 0 still trains"),
        ("no checkpoint", "rank 0: cannot save /no such folder/file: "),
        ("not finite", "rank 1: the loss became NaN in batch 1 of epoch 2: sqrt"),
        ("panic", "rank 2 panicked at tests/mpi.rs"),
    ] {
        let output = output(mpirun(3, &[program]));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{program}: {errors}");
        assert_eq!(errors.matches(sentence).count(), 1, "{program}: {errors}");
        let told = errors.lines().filter(|line| line.starts_with("rank ")).count();
        assert_eq!(told, 1, "{program}: {errors}");
    }
}

fn a_killed_training_is_resumed() {
    let path: PathBuf = std::env::temp_dir().join(format!("unspool-mpi-{}.safetensors", std::process::id()));
    let name = path.to_str().expect("a folder with a simple name");
    let straight = hash(2, &["text", name]);
    let kills = std::env::var("UNSPOOL_KILLS").map_or(3, |kills| kills.parse().expect("a number of kills"));
    for i in 0..kills {
        let _ = std::fs::remove_file(&path);
        let mut child = mpirun(2 + i % 3, &["text", name]).spawn().expect("mpirun");
        // After another step each time, of 144, and at any moment in it.
        let (mut saved, mut seen) = (None, 0);
        while seen < (i * 17 + 1) % 50 {
            let now = std::fs::metadata(&path).and_then(|file| file.modified()).ok();
            seen += usize::from(now != saved);
            saved = now;
            sleep(Duration::from_micros(300));
        }
        sleep(Duration::from_micros(i as u64 * 317 % 5000));
        let ranks = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().expect("pgrep").stdout;
        let ranks: Vec<String> = String::from_utf8_lossy(&ranks).lines().map(str::to_owned).collect();
        assert_eq!(ranks.len(), 2 + i % 3, "the ranks are children of mpirun");
        Command::new("kill").args(["-9", &ranks[i % ranks.len()]]).status().expect("kill");
        assert!(!child.wait().expect("its status").success(), "kill {i} came too late");
        assert_eq!(hash(1 + (i + 2) % 4, &["text", name, "resume"]), straight, "kill {i}");
    }
    let _ = std::fs::remove_file(&path);
}
