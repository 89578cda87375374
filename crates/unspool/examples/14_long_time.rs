//! One long series, learned through its whole length with gradient checkpointing, and in windows.
//!
//! ```text
//! cargo run --release --example long_time
//! cargo run --release --example long_time -- --data sunspots.csv --column number --ahead 6
//! ```
//!
//! How high does the water stand in a well, given the rain? Rain seeps through three layers and
//! arrives after some 2,000 steps: a gradient that ends after 1,000 does not see what it does.
//!
//! All ways train the same linear recurrent unit from the same seed, for as many passes over the
//! series, and each has the best of three learning rates by the error on the validation part. In
//! windows (truncated backpropagation through time) the state is carried on, and each window is a
//! step of the optimizer, up to 480 in a pass; through the whole series it is one. The table shows
//! the error on the last fifth of the series, as a stream, with the weights as they are.
//!
//! ```text
//! steps per window      rate  test MSE  seconds  peak MB
//! 50                   0.003    0.3474      6.1      0.7
//! 200                  0.003    0.3628      3.5      1.2
//! 1000                  0.01    0.4102      3.0      1.8
//! all, checkpointed     0.01    0.0044      2.5     10.1
//! all, stored           0.01    0.0044      4.0     23.5
//! ```
//!
//! Always the mean: 0.3228. It is not so for every series. With the rain scaled to variance 1
//! instead of the range from 0 to 1, windows of 1,000 end at 0.0104, and the whole series, with its
//! few steps of the optimizer, at 0.0482. And the daily sunspot numbers (SILSO, 74,600 days from 1818
//! on; `--ahead 27 --passes 100`) need no longer memory than windows of 50 days give: the ways end at
//! 0.277, 0.283, 0.278 and 0.299, the mean at 1.031.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::process::Command;
use std::{env, error::Error, fs, ops::Range, time::Instant};
use unspool::cells::Lru;
use unspool::data::{Csv, MinMaxScaler, StandardScaler, time_split};
use unspool::prelude::*;
use unspool::recurrent::{Checkpointing, SequenceLayer, State, StreamingCell};

const USAGE: &str = "
Learns one long series through its whole length, and in windows, and compares the ways.
  --data FILE     a CSV file with a series of your own, instead of rain and the level of a well
  --column NAME   the column to learn from
  --target NAME   the column to forecast, if it is another
  --ahead 1       how many steps ahead
  --length 40000  the number of time steps, if there is no file
  --passes 300    passes over the training part
  --way WAY       one way only: a number of steps per window, checkpointed, or stored";

const WAYS: [&str; 5] = ["50", "200", "1000", "checkpointed", "stored"];
const HIDDEN: usize = 16;
const RATES: [f64; 3] = [0.01, 0.003, 0.001];
/// The bytes of steps that the tape keeps.
const BUDGET: usize = 1 << 20;

#[derive(Params, Clone)]
struct Model<P> {
    memory: Recurrent<Lru<P>>,
    head: Dense<P>,
}

/// Inputs and targets `[T, 1, 1]`, and the steps to learn from, to choose by, and to be judged by.
struct Series {
    x: Tensor,
    y: Tensor,
    parts: [Range<usize>; 3],
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = cli::Cli::read(USAGE);
    let columns: Tensor = match options.optional("data") {
        Some(file) => {
            let column = options.optional("column").ok_or("--data needs a --column")?;
            Csv::new().columns([column].into_iter().chain(options.optional("target"))).read(file)?
        }
        None => rain_and_level(options.get("length")),
    };
    let series = Series::new(&columns, options.get("ahead"))?;
    if let Some(way) = options.optional("way") {
        return compare_rates(&series, way, options.get("passes"));
    }
    let mean = series.y.slice(0, series.parts[2].clone()).map(|y| y * y).mean().item();
    println!(
        "{} steps, {} of them to learn from; test MSE of the mean: {mean:.4}\n",
        columns.shape()[0],
        series.parts[0].len()
    );
    println!("steps per window      rate  test MSE  seconds  peak MB");
    for way in WAYS {
        // In a process of its own, so that its peak of memory is its own, too.
        Command::new(env::current_exe()?).args(env::args().skip(1)).args(["--way", way]).status()?;
    }
    Ok(())
}

impl Series {
    /// The last of the columns is forecast from the first.
    fn new(columns: &Tensor, ahead: usize) -> Result<Self, Box<dyn Error>> {
        let [rows, count] = [0, 1].map(|axis| columns.shape()[axis]);
        let steps = rows.checked_sub(ahead).filter(|&steps| steps >= 5).ok_or("the series is too short")?;
        let parts = time_split(steps, [60, 20, 20]);
        let (x, y) = (columns.slice(1, ..1).slice(0, ..steps), columns.slice(1, count - 1..).slice(0, ahead..));
        let learned = parts[0].clone();
        let x = MinMaxScaler::fit(&x.slice(0, learned.clone()))?.transform(&x).unsqueeze(1);
        let y = StandardScaler::fit(&y.slice(0, learned))?.transform(&y).unsqueeze(1);
        Ok(Series { x, y, parts })
    }
}

/// Trains a model with each learning rate, and prints the row of the best one.
fn compare_rates(series: &Series, way: &str, passes: usize) -> Result<(), Box<dyn Error>> {
    let _ = fs::write("/proc/self/clear_refs", "5"); // the peak starts again from here
    let before = memory("VmRSS");
    let runs = RATES.map(|rate| {
        let start = Instant::now();
        let model = train(series, way, rate, passes);
        (errors(&model, series), rate, start.elapsed().as_secs_f64())
    });
    let peak = memory("VmHWM").zip(before).map_or("-".into(), |(peak, before)| format!("{:.1}", peak - before));
    let ([_, error], rate, seconds) = runs.into_iter().min_by(|a, b| a.0[0].total_cmp(&b.0[0])).expect("rates");
    let name = if way.parse::<usize>().is_ok() { way.into() } else { format!("all, {way}") };
    println!("{name:<17}  {rate:>7}  {error:>8.4}  {seconds:>7.1}  {peak:>7}");
    Ok(())
}

fn train(series: &Series, way: &str, rate: f64, passes: usize) -> Model<Tensor> {
    let rng = &mut rng(0);
    let memory = Recurrent::new(Lru::on_ring(rng, 1, HIDDEN, 0.9..0.99, 0.01));
    let mut model = Model { memory, head: Dense::new(rng, HIDDEN, 1) };
    model.memory.checkpointing = (way == "checkpointed").then(|| Checkpointing::budget(BUDGET));
    let train = series.parts[0].len();
    let window = way.parse().unwrap_or(train);
    let (mut tape, mut adam) = (Tape::new(), Adam::default().learning_rate(rate).clip_norm(1.0));
    for _ in 0..passes {
        let mut carried = None;
        for start in (0..train).step_by(window) {
            let [x, y] = [&series.x, &series.y].map(|of| of.slice(0, start..train.min(start + window)));
            let gradients = {
                let net = tape.bind(&model);
                let state = carried.as_ref().map(|carried| State::attach(&tape, carried));
                let output = net.memory.run(tape.constant(&x), state, Context::default());
                carried = Some(output.state().detached());
                mse(net.head.forward(output.sequence()), tape.constant(&y)).backward().of(&net)
            };
            tape.reset();
            adam.step(&mut model, &gradients);
        }
    }
    model
}

/// The mean squared errors on the validation part and the test part, in one stream from the start
/// of the series, whose memory does not grow with its length.
fn errors(model: &Model<Tensor>, series: &Series) -> [f64; 2] {
    let (mut stream, mut tape, mut errors) = (StreamingCell::new(model.memory.cell.clone()), Tape::new(), [0.0; 2]);
    for (t, y) in series.y.to_vec().into_iter().enumerate() {
        let h = stream.step(&series.x.select(0, t));
        let forecast = tape.bind_frozen(&model.head).forward(tape.constant(&h)).item();
        tape.reset();
        for (error, part) in errors.iter_mut().zip(&series.parts[1..]).filter(|(_, part)| part.contains(&t)) {
            *error += f64::from(forecast - y).powi(2) / part.len() as f64;
        }
    }
    errors
}

/// A field of what Linux reports on this process, in MB.
fn memory(field: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')?.trim().strip_suffix(" kB"))?;
    Some(line.parse::<f64>().ok()? * 1024.0 / 1e6)
}

/// Rare showers, and the level of a well, which they reach through three layers: `[steps, 2]`.
fn rain_and_level(steps: usize) -> Tensor {
    const SEEPAGE: f64 = 1.0 / 700.0;
    let rng = &mut rng(1);
    let [chance, amount, error] = [(); 3].map(|()| Tensor::<f64>::uniform(rng, [steps], 0.0, 1.0).to_vec());
    let mut layers = [0.0; 3];
    let rows = (0..steps).flat_map(|t| {
        let rain = if chance[t] < 0.005 { -amount[t].ln() } else { 0.0 };
        let mut flow = rain;
        for water in &mut layers {
            *water += flow - SEEPAGE * *water;
            flow = SEEPAGE * *water;
        }
        [rain as f32, (flow + 0.0003 * error[t]) as f32]
    });
    Tensor::from_vec(rows.collect(), [steps, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_changes_no_bit_and_the_state_is_carried() {
        let series = Series::new(&rain_and_level(2000), 1).unwrap();
        let errors = |way| errors(&train(&series, way, 0.01, 2), &series);
        assert_eq!(errors("checkpointed"), errors("stored"));
        assert_eq!(errors("1200"), errors("stored"));
        assert_ne!(errors("400"), errors("stored"));
    }
}
