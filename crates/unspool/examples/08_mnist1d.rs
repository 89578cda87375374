//! One-dimensional digits, classified by a bidirectional GRU.
//!
//! ```text
//! cargo run --release --example mnist1d
//! cargo run --release --example mnist1d -- --data mnist1d
//! ```
//!
//! MNIST-1D (Greydanus and Kobak 2024, "Scaling down deep learning with MNIST-1D",
//! github.com/greydanus/mnist1d): 4,000 training sequences of 40 values and 1,000 test sequences,
//! ten classes. The model and its training are those published there: a bidirectional GRU(6), the
//! outputs of all time steps into one dense layer, Adam with learning rate 0.01, batch size 100,
//! 6,000 steps. The folder holds `train.csv` and `test.csv`, without a header, the class in the
//! first column. Without it, the example generates sequences of the same shape.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::error::Error;
use std::path::Path;
use unspool::data::Csv;
use unspool::layers::Model;
use unspool::losses::sparse_cross_entropy;
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::train::metrics::{ConfusionMatrix, sparse_accuracy};

const USAGE: &str = "
Classifies the digits of MNIST-1D with a bidirectional GRU(6).
  --data DIR    the folder with train.csv and test.csv; without it, generated sequences
  --epochs 150  the number of passes over the training sequences
  --seeds 3     how many times the model is trained, with seeds 0, 1, ..";

const CLASSES: usize = 10;
const LENGTH: usize = 40;
const HIDDEN: usize = 6;

/// Sequences `[40, N, 1]` and the class of each.
type Digits = Dataset<Tensor, Indices>;

fn main() -> Result<(), Box<dyn Error>> {
    let options = cli::Cli::read(USAGE);
    let (train, test) = match options.optional("data").map(Path::new) {
        Some(folder) => (read(&folder.join("train.csv"))?, read(&folder.join("test.csv"))?),
        None => generate(4000, 1000),
    };
    let (epochs, seeds): (usize, u64) = (options.get("epochs"), options.get("seeds"));
    println!("{} sequences to learn from, {} to test\n", train.len(), test.len());
    println!("seed  training accuracy  test accuracy  seconds");
    let (mut total, mut confusion) = (0.0, None);
    for seed in 0..seeds {
        let mut model = model(seed);
        let adam = Adam::default().learning_rate(1e-2);
        let fit = fit(&mut model, &train).loss(sparse_cross_entropy).optimizer(adam).batch_size(100);
        let history = fit.epochs(epochs).seed(seed).quiet().run()?;
        let [learned, right] = [&train, &test].map(|data| 100.0 * evaluate(&model, data, sparse_accuracy));
        println!("{seed:>4}  {learned:>16.2}%  {right:>12.2}%  {:>7.1}", history.seconds);
        total += right;
        confusion = Some(ConfusionMatrix::new(&predict(&model, &test), test.y()));
    }
    println!("mean  {:>32.2}%  published for MNIST-1D: about 91%", total / seeds as f64);
    confusion.iter().for_each(|table| println!("\nthe test sequences and the last model:\n{table}"));
    Ok(())
}

fn model(seed: u64) -> impl Model<f32> + Send + Sync {
    sequential()
        .seed(seed)
        .add(|rng: &mut Rng| Bidirectional::new(Gru::new(rng, 1, HIDDEN), Gru::new(rng, 1, HIDDEN)).return_sequences())
        .add(flatten())
        .add(dense(LENGTH * 2 * HIDDEN, CLASSES))
}

/// A row for each sequence: its class, then its 40 values.
fn read(file: &Path) -> Result<Digits, Box<dyn Error>> {
    let rows: Tensor = Csv::new().without_header().delimiter(',').decimal('.').read(file)?;
    let [count, cells] = rows.shape()[..] else { unreachable!("a table has two axes") };
    let classes = rows.select(1, 0).to_vec();
    if cells != 1 + LENGTH || classes.iter().any(|&class| !(0.0..CLASSES as f32).contains(&class)) {
        let file = file.display();
        return Err(format!("{file}: a row must be a class less than {CLASSES} and {LENGTH} values").into());
    }
    let x = rows.slice(1, 1..).t().contiguous().reshape([LENGTH, count, 1]);
    Ok(Dataset::classes(x, classes.iter().map(|&class| class as usize).collect::<Vec<_>>())?)
}

/// A pattern of 12 points for each class, somewhere in the sequence, scaled, with noise: for
/// training, and for testing.
fn generate(train: usize, test: usize) -> (Digits, Digits) {
    const POINTS: usize = 12;
    let rng = &mut rng(0);
    let patterns: Tensor = Tensor::uniform(rng, [CLASSES, POINTS], -1.5, 1.5);
    let mut digits = |count: usize| {
        let classes: Vec<usize> = (0..count).map(|i| i % CLASSES).collect();
        let scales: Tensor = Tensor::uniform(rng, [count], 0.6, 1.4);
        let starts: Tensor<f64> = Tensor::uniform(rng, [count], 0.0, (LENGTH - POINTS + 1) as f64);
        let noise: Tensor = Tensor::uniform(rng, [LENGTH, count, 1], -0.5, 0.5);
        let pattern = Tensor::from_fn([LENGTH, count, 1], |i| {
            let (step, sequence) = (i / count, i % count);
            let point = step.wrapping_sub(starts.at([sequence]) as usize); // huge before the start
            if point < POINTS { scales.at([sequence]) * patterns.at([classes[sequence], point]) } else { 0.0 }
        });
        Dataset::classes(noise + pattern, classes).expect("a class for each sequence")
    };
    (digits(train), digits(test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_sequences() {
        let file = std::env::temp_dir().join(format!("unspool-mnist1d-{}.csv", std::process::id()));
        let row =
            |class: &str| format!("{class},{}\n", (0..LENGTH).map(|t| format!("{t}.5")).collect::<Vec<_>>().join(","));
        std::fs::write(&file, row("3") + &row("0")).unwrap();
        let data = read(&file).unwrap();
        assert_eq!((data.y().as_slice(), &data.x().shape()[..]), (&[3, 0][..], &[LENGTH, 2, 1][..]));
        assert_eq!(data.x().select(0, 7).to_vec(), [7.5, 7.5]);
        std::fs::write(&file, row("10")).unwrap();
        assert!(read(&file).unwrap_err().to_string().ends_with("a class less than 10 and 40 values"));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn generated_sequences_are_learned() {
        // Two GRUs with one bias per gate and one more for n (PyTorch has two for each, 24 parameters more); the head.
        let (mut model, (train, test)) = (model(0), generate(1000, 200));
        assert_eq!(model.parameter_count(), 2 * (3 * HIDDEN * (1 + HIDDEN + 1) + HIDDEN) + 480 * 10 + 10);
        let adam = Adam::default().learning_rate(1e-2);
        fit(&mut model, &train)
            .loss(sparse_cross_entropy)
            .optimizer(adam)
            .batch_size(100)
            .epochs(5)
            .quiet()
            .run()
            .unwrap();
        let right = evaluate(&model, &test, sparse_accuracy);
        assert!(right > 0.3, "{right}");
    }
}
