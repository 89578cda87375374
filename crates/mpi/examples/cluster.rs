//! A language model of a text, trained on any number of ranks with the bits of one.
//!
//! ```sh
//! cargo build --release --example cluster
//! mpirun -n 4 target/release/examples/cluster --checkpoint model.safetensors --epochs 20 text.txt
//! ```
//!
//! Interrupted (ctrl-c, or the end of a job's time) and started again with `--resume`, on any number of ranks, it ends
//! in the same weights. Without a text, it reads the design notes of the library.

use clap::Parser;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use unspool::Adam;
use unspool::prelude::*;
use unspool::text::{LanguageModel, Vocabulary, characters, read_text};
use unspool::train::{Interrupt, TruncatedBptt};
use unspool_mpi::MpiWorld;

/// Trains a language model of a text's characters, on all ranks of an MPI program.
#[derive(Parser)]
struct Args {
    /// The text.
    text: Option<PathBuf>,
    /// The hidden units of each of two layers.
    #[arg(long, default_value_t = 128)]
    hidden: usize,
    /// Sequences side by side, which the ranks share: some 32 for each core.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Time steps in a window.
    #[arg(long, default_value_t = 50)]
    steps: usize,
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    /// Where rank 0 saves the state of the training, after each epoch and when it is interrupted.
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Whether to continue from there.
    #[arg(long, requires = "checkpoint")]
    resume: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    unspool_mpi::run(|world| train(&args, world))
}

fn train(args: &Args, world: &MpiWorld) -> Result<(), Box<dyn Error>> {
    let text = match &args.text {
        Some(path) => read_text(path)?,
        None => include_str!("../../../docs/DESIGN.md").to_owned(),
    };
    let vocabulary = Vocabulary::new(characters(&text), 1, [])?;
    let tokens = vocabulary.encode(characters(&text))?;
    let (train, valid) = tokens.split_at(tokens.len() * 9 / 10);
    let mut task = TruncatedBptt::tokens(train, args.batch, args.steps)?.validate_tokens(valid, 16)?;
    let sizes = [args.hidden, args.hidden];
    let mut model: LanguageModel<Tensor, Lstm<Tensor>> =
        LanguageModel::new(&mut rng(0), vocabulary.len(), 32, sizes, Lstm::new);
    let interrupt = Interrupt::on_ctrl_c()?;
    let mut fit = fit(&mut model, &mut task).epochs(args.epochs).world(world).interrupt(&interrupt);
    if let Some(path) = &args.checkpoint {
        fit = fit.checkpoint(path);
        if args.resume {
            fit = fit.resume(path);
        }
    }
    let history = fit.optimizer(Adam::default().learning_rate(0.003).clip_norm(1.0)).run()?;
    if world.rank() == 0 {
        println!("{history}");
    }
    Ok(())
}
