//! A training that can be interrupted, and resumes as if it had not been.
//!
//! ```text
//! cargo run --release --features ctrlc,safetensors --example resume -- --checkpoint running.safetensors
//! cargo run --release --features ctrlc,safetensors --example resume -- --checkpoint running.safetensors --resume
//! ```
//!
//! Ctrl-c or SIGTERM ends the first command after its current step, a second ctrl-c or a kill at
//! once; the second command resumes it. Whatever happens in between, the weights that `--weights`
//! saves at the end are the same, bit for bit, and so is the history in that file. The task: at
//! every step of sequences of different lengths, the largest number so far.

#![forbid(unsafe_code)]

use clap::{Parser, builder::RangedU64ValueParser};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use unspool::data::pad;
use unspool::io::Checkpoint;
use unspool::losses::mae;
use unspool::optim::schedules::{Cosine, Plateau};
use unspool::optim::{AdamW, Ema};
use unspool::prelude::*;
use unspool::train::{EarlyStopping, Interrupt, StopReason};
use unspool::{dropout, gru};

/// Train a network, be interrupted, and resume.
#[derive(Parser)]
#[command(name = "resume")]
struct Options {
    /// Save a checkpoint to this file every 20 steps
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Resume from the checkpoint
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// Save the weights, their average, and the history to this file at the end
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    epochs: usize,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("resume: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<StopReason, Box<dyn Error>> {
    let data = sequences()?;
    let mut model = sequential()
        .add(gru(1, 16).return_sequences())
        .add(dropout(0.1))
        .add(gru(16, 16).return_sequences())
        .add(dense(16, 1));
    let mut average = Ema::new(&model, 0.99);
    let adamw = AdamW::default()
        .learning_rate(1e-2)
        .schedule(Cosine::new(30 * options.epochs).warmup(20))
        .reduce_on_plateau(Plateau::new().patience(2).factor(0.5));

    let mut fit = fit(&mut model, &data)
        .loss(mse)
        .optimizer((adamw, &mut average))
        .metric("mae", mae)
        .validation_split(0.25)
        .bucket_by_length()
        .batch_size(10)
        .accumulate(2)
        .epochs(options.epochs)
        .callback(EarlyStopping::new(4))
        .interrupt(&Interrupt::on_ctrl_c()?);
    if let Some(path) = &options.checkpoint {
        fit = fit.checkpoint(path).checkpoint_every(20);
        if options.resume {
            fit = fit.resume(path);
        }
    }
    let history = fit.run()?;

    if history.stop_reason == StopReason::Interrupted {
        println!("interrupted; with --resume, training goes on");
        return Ok(history.stop_reason);
    }
    println!("{} epochs, validation loss {:?}", history.loss.len(), history.val_loss);
    if let Some(path) = &options.weights {
        let mut file = Checkpoint::new();
        file.put_model("model", &model);
        file.put_model("average", average.model());
        file.put_text("history", history.to_csv());
        file.save(path)?;
    }
    Ok(history.stop_reason)
}

/// 800 sequences of 3 to 30 numbers, and at each step the largest number so far.
fn sequences() -> Result<Dataset, unspool::data::DataError> {
    let rng = &mut rng(1);
    let lengths: Tensor = init::uniform(rng, [800], 3.0, 31.0);
    let xs: Vec<Tensor> =
        lengths.to_vec().iter().map(|&length| init::uniform(rng, [length as usize, 1], -1.0, 1.0)).collect();
    let largest = |x: &Tensor| {
        let mut largest = f32::NEG_INFINITY;
        let so_far = x.to_vec().into_iter().map(|number| {
            largest = largest.max(number);
            largest
        });
        Tensor::from_vec(so_far.collect(), x.shape())
    };
    let ys: Vec<Tensor> = xs.iter().map(largest).collect();
    let (x, y) = (pad(&xs)?, pad(&ys)?);
    Dataset::new(x.x, y.x)?.with_lengths(x.lengths)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    const FOLDER: &str = "UNSPOOL_RESUME_FOLDER";
    const CHECKPOINT: &str = "running.safetensors";
    const WEIGHTS: &str = "weights.safetensors";

    /// The example itself: this test, in a process of its own.
    #[test]
    fn as_a_process() {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
        let checkpoint = folder.join(CHECKPOINT);
        let resume = checkpoint.exists();
        let options = Options { checkpoint: Some(checkpoint), resume, weights: Some(folder.join(WEIGHTS)), epochs: 6 };
        run(&options).unwrap();
    }

    fn start(folder: &Path) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tests::as_a_process", "--nocapture"]).env(FOLDER, folder);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("unspool-resume-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Waits for a checkpoint that is newer, and some time more; whether the process is still
    /// there.
    fn wait_for_a_checkpoint(child: &mut Child, folder: &Path, more: Duration) -> bool {
        let changed = || fs::metadata(folder.join(CHECKPOINT)).and_then(|file| file.modified()).ok();
        let (before, started) = (changed(), Instant::now());
        while changed() == before && child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(60), "no checkpoint comes");
            sleep(Duration::from_micros(200));
        }
        sleep(more);
        child.try_wait().unwrap().is_none()
    }

    /// The weights in the end, and how often it took a new start.
    fn interrupted_by(signal: &str, folder: &Path) -> (Vec<u8>, usize) {
        for interruptions in 0.. {
            let mut child = start(folder);
            // Less and more than it takes to the next checkpoint.
            let more = Duration::from_millis(7 * (interruptions as u64 % 5));
            if wait_for_a_checkpoint(&mut child, folder, more) {
                let pid = child.id().to_string();
                assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            }
            let status = child.wait().unwrap();
            assert!(status.success() || status.signal() == Some(9), "{status}");
            if folder.join(WEIGHTS).exists() {
                return (fs::read(folder.join(WEIGHTS)).unwrap(), interruptions);
            }
        }
        unreachable!("it ends")
    }

    #[test]
    fn killed_interrupted_and_straight_runs_end_in_the_same_bits() {
        let straight = folder("straight");
        assert!(start(&straight).wait().unwrap().success());
        let weights = fs::read(straight.join(WEIGHTS)).unwrap();
        fs::remove_dir_all(&straight).unwrap();
        for signal in ["-KILL", "-INT", "-TERM"] {
            let folder = folder(&signal[1..]);
            let (resumed, interruptions) = interrupted_by(signal, &folder);
            assert!(interruptions >= 2, "{signal} came {interruptions} times before the end");
            assert!(resumed == weights, "{signal}: other weights");
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}
