//! Vanishing and exploding gradients: how much of the gradient reaches a step long ago, and what clipping does.
//!
//! ```text
//! cargo run --release --example vanishing -- --picture vanishing.svg
//! ```
//!
//! A number is shown at the first step, noise at all others; the target, after the last step, is the number. On its way
//! back the gradient is multiplied, at every step, by the Jacobian of that step. Where its norm is below 1 the gradient
//! vanishes, above 1 it explodes (Bengio, Simard and Frasconi 1994, "Learning long-term dependencies with gradient
//! descent is difficult"; Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
//! who clip it). An orthogonal or identity matrix begins near 1 (Le, Jaitly and Hinton 2015, "A simple way to initialize
//! recurrent networks of rectified linear units"). The cell state of an LSTM is multiplied by its forget gate (Gers,
//! Schmidhuber and Cummins 2000, "Learning to forget"), which a bias of 1 opens (Jozefowicz, Zaremba and Sutskever 2015,
//! "An empirical exploration of recurrent network architectures").
//!
//! The curves are those of h, and of c for an LSTM: of the state that carries the gradient.

#![forbid(unsafe_code)]

#[path = "shared/charts.rs"]
#[allow(dead_code)]
mod charts;
#[path = "shared/cli.rs"]
mod cli;

use charts::{Area, COLORS, Drawn, draw_legend, marks, mesh, picture, range};
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;
use unspool::inspect::GradientFlow;
use unspool::layers::{Activation, Model};
use unspool::optim::{clip_norm, gradient_norm};
use unspool::prelude::*;

const USAGE: &str = "
Shows how far the gradients of recurrent cells reach, before and after training, and what clipping does.
  --length 60     the number of time steps
  --steps 1000    the number of training steps
  --picture FILE  where to write the picture, as SVG";

const HIDDEN: usize = 32;
const BATCH: usize = 32;

/// What is seen of one cell.
struct Seen {
    name: &'static str,
    /// The gradient norm at each distance from the last step, as a multiple of that of the last step.
    before: Vec<f64>,
    after: Vec<f64>,
    mse: f64,
}

/// The loss and the gradient norm of every training step.
type Training = Vec<(f64, f64)>;

fn main() -> Result<(), Box<dyn Error>> {
    let options = cli::Cli::read(USAGE);
    let (length, steps) = (options.get("length"), options.get("steps"));
    let third = |i| i * (length - 1) / 3;
    let [near, middle, far] = [third(1), third(2), third(3)];
    println!("|dL/ds| at a distance from the last step, which has 1; {HIDDEN} units, {steps} training steps");
    println!("The number shown is between -1 and 1: always 0 has a test MSE of 1/3 = 0.3333.\n");
    println!("{:18}{:^27}  {:^27}", "", "before training", "after training");
    println!("{:18}{near:>9}{middle:>9}{far:>9}  {near:>9}{middle:>9}{far:>9}  test MSE", "distance");
    let all = every_cell(length, steps);
    for seen in &all {
        let row = |norms: &[f64]| [near, middle, far].map(|at| format!("{:>9.0e}", norms[at])).concat();
        println!("{:18}{}  {}  {:.4}", seen.name, row(&seen.before), row(&seen.after), seen.mse);
    }
    println!("\nSimpleRnn with weights that are too large, trained by SGD:");
    let runs = [("plain", explode(length, steps, f64::INFINITY)), ("clipped", explode(length, steps, 1.0))];
    for (name, run) in &runs {
        let largest = run.iter().fold(0.0, |largest, step| f64::max(largest, step.1));
        println!("{name:10}largest gradient norm {largest:.0e}, mean loss of the last 100 steps {:.3}", last_loss(run));
    }
    if let Some(path) = options.optional("picture") {
        std::fs::write(path, draw(&all, &runs)?)?;
    }
    Ok(())
}

fn every_cell(length: usize, steps: usize) -> Vec<Seen> {
    let rng = &mut rng(0);
    let rnn = SimpleRnn::new(rng, 1, HIDDEN);
    let with = |u: Tensor| SimpleRnn { u, ..rnn.clone() };
    let bound = 1.0 / f64::sqrt(HIDDEN as f64); // PyTorch's default
    let uniform = with(init::uniform(rng, [HIDDEN, HIDDEN], -bound, bound));
    let identity = with(Tensor::from_fn([HIDDEN, HIDDEN], |i| if i % (HIDDEN + 1) == 0 { 1.0 } else { 0.0 }));
    let mut closed = Lstm::new(rng, 1, HIDDEN);
    closed.x.bias = Tensor::zeros([4 * HIDDEN]);
    let simple = |cell| sequential().add(recurrent(|_| cell)).add(dense(HIDDEN, 1));
    vec![
        see("tanh, uniform", simple(uniform), length, steps),
        see("tanh, orthogonal", simple(rnn.clone()), length, steps),
        see("tanh, too large", simple(too_large(&rnn)), length, steps),
        see("relu, identity", simple(identity.activation(Activation::Relu)), length, steps),
        see("LSTM, bias 0", sequential().add(recurrent(|_| closed)).add(dense(HIDDEN, 1)), length, steps),
        see("LSTM, bias 1", sequential().add(lstm(1, HIDDEN)).add(dense(HIDDEN, 1)), length, steps),
        see("GRU", sequential().add(gru(1, HIDDEN)).add(dense(HIDDEN, 1)), length, steps),
    ]
}

/// The same cell, whose weights stretch the state at every step.
fn too_large(cell: &SimpleRnn<Tensor>) -> SimpleRnn<Tensor> {
    SimpleRnn { u: cell.u.map(|u| 1.4 * u), ..cell.clone() }
}

/// A model before and after training.
fn see<M: Model<f32> + Send + Sync>(name: &'static str, mut model: M, length: usize, steps: usize) -> Seen {
    let test = sequences(&mut rng(1), length, 200);
    let before = distances(&model, &test);
    let mut adam = Adam::default().learning_rate(2e-3).clip_norm(1.0);
    train(&mut model, length, steps, |model, gradients| adam.step(model, &gradients));
    Seen { name, before, after: distances(&model, &test), mse: evaluate(&model, &test, mse) }
}

/// The gradient norm with respect to the state, from the last step to the first, as a multiple of that of the last.
fn distances<M: Model<f32>>(model: &M, data: &Dataset) -> Vec<f64> {
    let flow = GradientFlow::of(model, |tape, net| {
        mse(M::output(net, tape.constant(data.x()), Context::default()), tape.constant(data.y()))
    });
    let carrier = flow.layers[0].states.last().expect("h, or c of an LSTM");
    carrier.norm.iter().rev().map(|norm| norm / carrier.norm[carrier.norm.len() - 1]).collect()
}

/// The same exploding network, by SGD with a limit on the gradient norm.
fn explode(length: usize, steps: usize, limit: f64) -> Training {
    let cell = too_large(&SimpleRnn::new(&mut rng(0), 1, HIDDEN));
    let mut model = sequential().add(recurrent(|_| cell)).add(dense(HIDDEN, 1));
    let mut sgd = Sgd::default().learning_rate(0.03);
    train(&mut model, length, steps, |model, mut gradients| {
        clip_norm(&mut gradients, limit);
        sgd.step(model, &gradients);
    })
}

/// Takes training steps, each on new sequences.
fn train<M: Model<f32> + Send + Sync>(
    model: &mut M,
    length: usize,
    steps: usize,
    mut step: impl FnMut(&mut M, M),
) -> Training {
    let (rng, mut shards) = (&mut rng(2), Shards::new());
    let mut take_step = |_| {
        let batch = sequences(rng, length, BATCH);
        let (loss, gradients) = shards.batch_gradients(model, &batch, mse, Mode::Training { seed: 0 });
        let norm = gradient_norm(&gradients);
        step(model, gradients);
        (loss, norm)
    };
    (0..steps).map(&mut take_step).collect()
}

/// The mean of the last hundred.
fn last_loss(run: &[(f64, f64)]) -> f64 {
    let last = &run[run.len().saturating_sub(100)..];
    last.iter().map(|(loss, _)| loss).sum::<f64>() / last.len() as f64
}

/// `count` sequences `[length, count, 1]`, and the numbers `[count, 1]` with which they begin.
fn sequences(rng: &mut Rng, length: usize, count: usize) -> Dataset {
    let numbers = Tensor::<f32>::uniform(rng, [1, count, 1], -1.0, 1.0);
    let noise = Tensor::normal(rng, [length - 1, count, 1], 0.0, 0.1);
    Dataset::new(Tensor::concat(0, [&numbers, &noise]), numbers.reshape([count, 1])).expect("a number for each")
}

/// The curves of all cells, and the two trainings below them.
fn draw(all: &[Seen], runs: &[(&str, Training)]) -> Drawn<String> {
    let norms = |seen: &Seen, is_trained: bool| if is_trained { seen.after.clone() } else { seen.before.clone() };
    let curves =
        |is_trained| all.iter().zip(COLORS).map(move |(seen, color)| (color, norms(seen, is_trained))).collect();
    let [before, after]: [Vec<Curve>; 2] = [false, true].map(curves);
    let both = range(before.iter().chain(&after).flat_map(|(_, norms)| norms.iter().copied()));
    let colors = [COLORS[4], COLORS[5]];
    let trained = |of: fn(&(f64, f64)) -> f64| -> Vec<Curve> {
        let curves = runs.iter().zip(colors);
        curves.map(|((_, run), color)| (color, smoothed(&run.iter().map(of).collect::<Vec<_>>()))).collect()
    };
    picture((900, 800), "How far gradients reach through time, and what clipping does", |root| {
        let (upper, lower) = root.split_vertically(430);
        let (panels, legend) = upper.split_vertically(390);
        let axes = ["distance from the last step (time steps)", "|dL/ds|, at the last step = 1"];
        let panels = panels.split_evenly((1, 2));
        curve_panel(&panels[0], "before training", axes, &before, both.clone())?;
        curve_panel(&panels[1], "after training", axes, &after, both)?;
        draw_legend(&legend, all.iter().zip(COLORS).map(|(seen, color)| (color, seen.name)).collect())?;

        let (panels, legend) = lower.split_vertically(310);
        let panels = panels.split_evenly((1, 2));
        for (panel, (y, curves)) in panels.iter().zip([
            ("loss, mean of 10", trained(|s| s.0)),
            ("gradient norm before clipping, mean of 10", trained(|s| s.1)),
        ]) {
            let span = range(curves.iter().flat_map(|(_, values)| values.iter().copied()));
            curve_panel(panel, "tanh, too large, by SGD", ["training step", y], &curves, span)?;
        }
        draw_legend(&legend, colors.into_iter().zip(["plain", "gradients clipped at norm 1"]).collect())
    })
}

/// A color, and a value for each step.
type Curve = (RGBColor, Vec<f64>);

/// The geometric mean of each value and up to nine before it.
fn smoothed(values: &[f64]) -> Vec<f64> {
    let mean = |i: usize| {
        let window = &values[i.saturating_sub(9)..=i];
        (window.iter().map(|value| value.ln()).sum::<f64>() / window.len() as f64).exp()
    };
    (0..values.len()).map(mean).collect()
}

/// Curves on a logarithmic axis.
fn curve_panel(panel: &Area, title: &str, [x, y]: [&str; 2], curves: &[Curve], span: Range<f64>) -> Drawn {
    let span = span.start / 1.5..span.end * 1.5;
    let last = curves.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(panel)
        .caption(title, ("sans-serif", 16))
        .margin(8)
        .margin_right(20)
        .x_label_area_size(42)
        .y_label_area_size(66)
        .build_cartesian_2d(0..last, span.clone().log_scale().with_key_points(marks(&span)))?;
    mesh!(chart)
        .x_desc(x)
        .y_desc(y)
        .axis_desc_style(("sans-serif", 15))
        .y_label_formatter(&|value| format!("{value:e}"))
        .draw()?;
    for (color, values) in curves {
        // What a logarithmic axis has no place for is a gap.
        let points = values.iter().copied().enumerate().filter(|(_, value)| *value > 0.0 && value.is_finite());
        chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_vanish_explode_and_last() {
        let seen = every_cell(60, 0);
        let far = |name| seen.iter().find(|seen| seen.name == name).unwrap().before[59];
        assert!(far("tanh, uniform") < 1e-6 && far("LSTM, bias 0") < 1e-6, "{}", far("tanh, uniform"));
        assert!(far("tanh, too large") > 10.0 && (0.1..10.0).contains(&far("relu, identity")));
        assert!(far("LSTM, bias 1") > 100.0 * far("LSTM, bias 0"));
    }
}
