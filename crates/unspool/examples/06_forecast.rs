//! Forecasts the last of 51 points of a noisy wave from the 50 before it, as the lecture does: with
//! a linear model, with simple recurrent networks, and with an LSTM and a GRU.
//!
//! ```text
//! cargo run --release --example forecast            # 20 epochs, 45 seconds on two cores
//! cargo run --release --example forecast -- 2       # 2 epochs
//! ```
//!
//! Prints a table, and plots forecasts and losses. A series of your own: `crates/apps/forecast`.

#![forbid(unsafe_code)]

#[path = "shared/charts.rs"]
mod charts;
#[path = "shared/waves.rs"]
mod waves;

use charts::{COLORS, draw_legend, mesh, padded, picture, range, tick};
use plotters::prelude::{BLACK, ChartBuilder, Circle, Color, LineSeries, PathElement};
use std::{env, error::Error, fs};
use unspool::io::write_file;
use unspool::layers::Model;
use unspool::prelude::*;
use unspool::train::History;
use unspool::{gru, lstm, predict};

const SEEDS: u64 = 3;
const EPOCHS: usize = 20;

/// Examples `[50, N, 1]` to `[N, 1]`: to learn from, to watch, and to be judged by.
struct Task {
    train: Dataset,
    valid: Dataset,
    test: Dataset,
    epochs: usize,
}

/// What a model that was trained with seed 0 forecasts of the test series, `[N, 1]`.
struct Outcome {
    model: &'static str,
    forecasts: Tensor,
    history: History,
}

fn main() -> Result<(), Box<dyn Error>> {
    let epochs = env::args().nth(1).map_or(Ok(EPOCHS), |epochs| epochs.parse())?;
    let waves: Tensor = waves::waves(10_000, 51).cast();
    let [train, valid, test] = Dataset::new(waves.slice(0, ..50), waves.select(0, 50))?.split([70, 20, 10], 0)?;
    let task = Task { train, valid, test, epochs };

    println!("{:<28}  parameters  test MSE   seed 0   seed 1   seed 2   lecture  s/fit", "model");
    let outcomes = [
        naive(&task),
        train_and_test("Dense(1)", "0.00399", &task, |seed| sequential().seed(seed).add(flatten()).add(dense(50, 1)))?,
        train_and_test("SimpleRNN(1)", "0.01103", &task, |seed| sequential().seed(seed).add(simple_rnn(1, 1)))?,
        train_and_test("SimpleRNN(20)-(20)-(1)", "0.003197", &task, |seed| {
            sequential()
                .seed(seed)
                .add(simple_rnn(1, 20).return_sequences())
                .add(simple_rnn(20, 20).return_sequences())
                .add(simple_rnn(20, 1))
        })?,
        train_and_test("SimpleRNN(20)-(20), Dense(1)", "0.002758", &task, |seed| {
            sequential().seed(seed).add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1))
        })?,
        train_and_test("LSTM(20)-(20), Dense(1)", "-", &task, |seed| {
            sequential().seed(seed).add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1))
        })?,
        train_and_test("GRU(20)-(20), Dense(1)", "-", &task, |seed| {
            sequential().seed(seed).add(gru(1, 20).return_sequences()).add(gru(20, 20)).add(dense(20, 1))
        })?,
    ];
    println!(
        "\ntest MSE: mean over the seeds; lecture: what the lecture quotes for Keras\n\
         Keras 3.15 on the same data, mean of three seeds: LSTM 0.00280, GRU 0.00306\n\
         SimpleRNN(1) depends on its seed: its recurrent weight, an orthogonal 1 x 1 matrix, starts at +1 or -1, and from\n\
         some starting weights training gets stuck. All seeds are shown, none is chosen."
    );

    fs::create_dir_all("forecast-out")?;
    let trained: Vec<_> = outcomes.iter().zip(COLORS).skip(1).map(|(o, color)| (color, o.model, &o.history)).collect();
    let losses = charts::losses(&trained, "mean squared error")?;
    let forecasts = plot_forecasts(&outcomes, &task.test)?;
    for (file, svg) in [("forecast-out/forecasts.svg", forecasts), ("forecast-out/losses.svg", losses)] {
        write_file(file, svg)?;
        println!("{file}");
    }
    Ok(())
}

/// Things stay as they are: the forecast is the last value known.
fn naive(task: &Task) -> Outcome {
    let (model, forecasts) = ("naive: the last value", task.test.x().select(0, 49));
    let loss = mean_squared_error(&forecasts, &task.test);
    println!("{model:<28}           0  {loss:>8.5}        -        -        -         -      -");
    Outcome { model, forecasts, history: History::default() }
}

/// Trains the model that `make` makes of each seed, and prints its errors on the test series.
fn train_and_test<M: Model<f32> + Send + Sync>(
    model: &'static str,
    lecture: &str,
    task: &Task,
    make: impl Fn(u64) -> M,
) -> Result<Outcome, Box<dyn Error>> {
    let (mut losses, mut seconds, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..SEEDS {
        let mut network = make(seed);
        let fit = fit(&mut network, &task.train).loss(mse).optimizer(Adam::default()).batch_size(32);
        let history = fit.epochs(task.epochs).seed(seed).validate(&task.valid).quiet().run()?;
        let forecasts = predict(&network, task.test.x());
        losses.push(mean_squared_error(&forecasts, &task.test));
        seconds.push(history.seconds);
        outcomes.push(Outcome { model, forecasts, history });
    }
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    seconds.sort_by(f64::total_cmp);
    print!("{model:<28}  {:>10}  {mean:>8.5}", make(0).parameter_count());
    losses.iter().for_each(|loss| print!("  {loss:.5}"));
    println!("  {lecture:>8}  {:.3}", seconds[seconds.len() / 2]);
    Ok(outcomes.remove(0))
}

fn mean_squared_error(forecasts: &Tensor, data: &Dataset) -> f64 {
    forecasts.cast::<f64>().zip(&data.y().cast(), |forecast, target| (forecast - target).powi(2)).mean().item()
}

/// The end of the first six test series, and what each model forecasts.
fn plot_forecasts(outcomes: &[Outcome], test: &Dataset) -> Result<String, Box<dyn Error>> {
    let title = "Six test series: forecasts of point 51, made from the 50 before it (seed 0)";
    picture((900, 600), title, |root| {
        let (panels, legend) = root.split_vertically(530);
        for (series, panel) in panels.split_evenly((2, 3)).iter().enumerate() {
            let value = |step: usize| f64::from(test.x().at([step, series, 0]));
            let known: Vec<(f64, f64)> = (30..50).map(|step| (step as f64 + 1.0, value(step))).collect();
            let target = f64::from(test.y().at([series, 0]));
            let forecasts = outcomes.iter().map(|outcome| f64::from(outcome.forecasts.at([series, 0])));
            let values = known.iter().map(|(_, value)| *value).chain(forecasts.clone()).chain([target]);
            let end = 51.0 + 0.7 * (outcomes.len() + 1) as f64 - 0.3;
            let mut chart = ChartBuilder::on(panel)
                .margin(6)
                .x_label_area_size(34)
                .y_label_area_size(44)
                .build_cartesian_2d(30.0..end, padded(range(values)))?;
            mesh!(chart)
                .x_desc("step")
                .y_desc("value")
                .x_labels(6)
                .y_labels(6)
                .x_label_formatter(&|step| if *step > 50.0 { String::new() } else { format!("{step:.0}") })
                .y_label_formatter(&|value| tick(*value, 1.0))
                .draw()?;
            // Forecasts of one point, side by side; the line is the truth.
            chart.draw_series([PathElement::new([(51.0, target), (end, target)], BLACK.mix(0.4))])?;
            chart.draw_series(LineSeries::new(known, BLACK.filled()).point_size(1))?;
            chart.draw_series([Circle::new((51.0, target), 5, BLACK.filled())])?;
            for (i, (forecast, color)) in forecasts.zip(COLORS).enumerate() {
                chart.draw_series([Circle::new((51.0 + 0.7 * (i + 1) as f64, forecast), 4, color.filled())])?;
            }
        }
        let models = outcomes.iter().zip(COLORS).map(|(outcome, color)| (color, outcome.model));
        draw_legend(&legend, [(BLACK, "true point 51")].into_iter().chain(models).collect())
    })
}
