//! A training that can be interrupted, and resumes as if it had not been.
//!
//! ```text
//! cargo run --release --features ctrlc,safetensors --example resume
//! ```
//!
//! Ctrl-c or SIGTERM ends it after its current step, a second ctrl-c or a kill at once; the same
//! command resumes it. Whatever happens in between, the weights saved at the end are the same, bit
//! for bit. The task: at every step of sequences of different lengths, the largest number so far.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::error::Error;
use std::path::Path;
use unspool::data::{DataError, pad};
use unspool::io::Checkpoint;
use unspool::losses::mae;
use unspool::optim::schedules::{Cosine, Plateau};
use unspool::optim::{AdamW, Ema};
use unspool::prelude::*;
use unspool::train::{EarlyStopping, Interrupt, StopReason};

const USAGE: &str = "
Trains a network; if it is interrupted, the same command resumes it.
  --folder resume-out  where the checkpoint is saved, and the weights at the end";

fn main() -> Result<(), Box<dyn Error>> {
    let folder: String = cli::Cli::read(USAGE).get("folder");
    train(Path::new(&folder), 300)
}

fn train(folder: &Path, epochs: usize) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let [checkpoint, weights] = ["checkpoint", "weights"].map(|name| folder.join(name).with_extension("safetensors"));

    let data = sequences()?;
    let mut model = sequential()
        .add(gru(1, 16).return_sequences())
        .add(dropout(0.1))
        .add(gru(16, 16).return_sequences())
        .add(dense(16, 1));
    let mut average = Ema::new(&model, 0.99);
    let adamw = AdamW::default()
        .learning_rate(1e-2)
        .schedule(Cosine::new(30 * epochs).warmup(20))
        .reduce_on_plateau(Plateau::new().patience(10).factor(0.5));

    // All of this continues where it was: the order of sequences, the masks of dropout, the learning
    // rate, the moments of AdamW, the average of the weights, and how long there was no improvement.
    let mut fit = fit(&mut model, &data)
        .loss(mse)
        .optimizer((adamw, &mut average))
        .metric("mae", mae)
        .validation_split(0.25)
        .bucket_by_length()
        .batch_size(10)
        .accumulate(2)
        .epochs(epochs)
        .callback(EarlyStopping::new(40))
        .interrupt(&Interrupt::on_ctrl_c()?)
        .checkpoint(&checkpoint)
        .checkpoint_every(20);
    if checkpoint.exists() {
        println!("resuming from {}", checkpoint.display());
        fit = fit.resume(&checkpoint);
    }
    let history = fit.run()?;

    if history.stop_reason == StopReason::Interrupted {
        println!("interrupted; the same command resumes");
        return Ok(());
    }
    let mut file = Checkpoint::new();
    file.put_model("model", &model);
    file.put_model("average", average.model());
    file.put_text("history", history.to_csv());
    file.save(&weights)?;
    std::fs::remove_file(checkpoint)?;
    println!("{} epochs; the weights are in {}", history.loss.len(), weights.display());
    Ok(())
}

/// 800 sequences of 3 to 30 numbers, and at each step the largest number so far.
fn sequences() -> Result<Dataset, DataError> {
    let rng = &mut rng(1);
    let lengths: Tensor = Tensor::uniform(rng, [800], 3.0, 31.0);
    let xs = lengths.to_vec().into_iter().map(|length| Tensor::uniform(rng, [length as usize, 1], -1.0, 1.0));
    let xs: Vec<Tensor> = xs.collect();
    let largest = |x: &Tensor| {
        let numbers = x.to_vec();
        Tensor::from_fn(x.shape(), |t| numbers[..=t].iter().copied().fold(f32::NEG_INFINITY, f32::max))
    };
    let (x, y) = (pad(&xs)?, pad(&xs.iter().map(largest).collect::<Vec<_>>())?);
    Dataset::new(x.x, y.x)?.with_lengths(x.lengths)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::process::{Command, Stdio};
    use std::thread::sleep;
    use std::time::Duration;

    const FOLDER: &str = "UNSPOOL_RESUME_FOLDER";

    /// The example itself: this test, in a process of its own.
    #[test]
    fn as_a_process() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        train(Path::new(&folder), 4).unwrap();
    }

    /// Starts the training until it has saved its weights; each time, some milliseconds after the
    /// first checkpoint, it gets the next signal. Returns the weights and the number of signals.
    fn run(name: &str, signals: &[&str]) -> (Vec<u8>, usize) {
        let folder = std::env::temp_dir().join(format!("unspool-resume-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let saved = || fs::metadata(folder.join("checkpoint.safetensors")).and_then(|file| file.modified()).ok();
        let mut sent = 0;
        while !folder.join("weights.safetensors").exists() {
            assert!(sent < 50, "it does not end");
            let (before, mut command) = (saved(), Command::new(std::env::current_exe().unwrap()));
            command.args(["--exact", "tests::as_a_process"]).env(FOLDER, &folder);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while saved() == before && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_micros(200));
            }
            sleep(Duration::from_millis(7 * (sent as u64 % 5))); // less and more than to the next checkpoint
            let signal = signals.get(sent % 3).filter(|_| child.try_wait().unwrap().is_none());
            if let Some(signal) = signal {
                assert!(Command::new("kill").args([signal, &child.id().to_string()[..]]).status().unwrap().success());
                sent += 1;
            }
            assert!(child.wait().unwrap().success() || signal == Some(&"-KILL"));
        }
        let weights = fs::read(folder.join("weights.safetensors")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        (weights, sent)
    }

    #[test]
    fn killed_interrupted_and_straight_runs_end_in_the_same_bits() {
        let (straight, _) = run("straight", &[]);
        let (resumed, signals) = run("resumed", &["-KILL", "-INT", "-TERM"]);
        assert!(signals >= 3, "{signals} signals before the end");
        assert!(resumed == straight, "other weights");
    }
}
