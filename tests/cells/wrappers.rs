//! Cells around cells, attention, and decoders.

use unspool::layers::{AdditiveAttention, attention, dot_product_scores};
use unspool::prelude::*;
use unspool::recurrent::StreamingCell;
use unspool::recurrent::wrappers::{RecurrentDropout, Residual, Zoneout};
use unspool::{Lstm, Mode, dropout};
use unspool_tests::{assert_close, values};

const TRAINING: Mode = Mode::Training { seed: 11 };

/// A cell that tells what it sees: its output is the h it was given, the next h the old one plus 1.
#[derive(Params, Clone)]
struct Probe<P> {
    unused: P,
}

impl<'t, T: Scalar> Cell<'t, T> for Probe<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    fn zero_state(&self, batch: usize) -> Self::State {
        let ones = self.unused.tape().constant(&Tensor::ones([batch, 40]));
        (ones, ones)
    }

    fn step(&self, _: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        (h, (h * 0.0 + 1.0, c * 2.0))
    }
}

fn probe() -> Probe<Tensor<f64>> {
    Probe { unused: Tensor::zeros([]) }
}

/// A cell whose h is 1 and whose c doubles at every step.
#[derive(Params, Clone)]
struct Doubling<P> {
    unused: P,
}

impl<'t, T: Scalar> Cell<'t, T> for Doubling<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    fn zero_state(&self, batch: usize) -> Self::State {
        let ones = self.unused.tape().constant(&Tensor::ones([batch, 40]));
        (ones, ones)
    }

    fn step(&self, _: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        (h, (h, c * 2.0))
    }
}

fn doubling() -> Doubling<Tensor<f64>> {
    Doubling { unused: Tensor::zeros([]) }
}

/// The outputs `[T, B, H]` of a layer over some input of three steps.
macro_rules! outputs {
    ($cell:expr, $mode:expr) => {{
        let tape = Tape::new();
        let layer = Recurrent::new($cell);
        let net = tape.bind(&layer);
        let run = net.apply(tape.constant(&values([3, 2, 40], 1)), $mode.into());
        (run.sequence().value(), run.state().1.value())
    }};
}

#[test]
fn dropout_on_h_leaves_out_other_elements_at_every_step_or_the_same() {
    let (seen, c) = outputs!(RecurrentDropout::new(probe(), 0.5), TRAINING);
    assert!(seen.to_vec().iter().all(|&h| h == 0.0 || h == 2.0));
    assert_ne!(seen.select(0, 1), seen.select(0, 2));
    assert_eq!(c, Tensor::full(8.0, [2, 40])); // the other state is left alone

    let (seen, _) = outputs!(RecurrentDropout::new(probe(), 0.5).same_over_time(), TRAINING);
    assert!(seen.to_vec().contains(&0.0) && seen.to_vec().contains(&2.0));
    assert_eq!(seen.select(0, 0), seen.select(0, 2));
    assert_ne!(seen, outputs!(RecurrentDropout::new(probe(), 0.5).same_over_time(), Mode::Training { seed: 12 }).0);

    for (seen, _) in [
        outputs!(RecurrentDropout::new(probe(), 0.5), Mode::Evaluation),
        outputs!(RecurrentDropout::new(probe(), 0.5).same_over_time(), Mode::Evaluation),
    ] {
        assert_eq!(seen, Tensor::ones([3, 2, 40]));
    }
}

#[test]
fn zoneout_keeps_old_values_or_mixes_them_in() {
    let (_, c) = outputs!(Zoneout::new(doubling(), 0.3, 0.5), TRAINING);
    assert!(c.to_vec().iter().all(|c| [1.0, 2.0, 4.0, 8.0].contains(c)));
    assert!([1.0, 2.0, 4.0, 8.0].iter().all(|n| c.to_vec().contains(n)));
    let (_, c) = outputs!(Zoneout::new(doubling(), 0.3, 0.25), Mode::Evaluation);
    assert_close("c", &c, &Tensor::full(1.75f64.powi(3), [2, 40]), 1e-15);
    let (_, c) = outputs!(Zoneout::new(doubling(), 0.0, 0.0), TRAINING);
    assert_eq!(c, Tensor::full(8.0, [2, 40]));
}

#[test]
fn zoneout_hands_on_the_state_it_made() {
    let cell: Lstm<Tensor<f64>> = Lstm::new(&mut rng(0), 3, 5);
    let tape = Tape::new();
    let xs = tape.constant(&values([4, 2, 3], 1));
    let run = tape.bind(&Recurrent::new(Zoneout::new(cell.clone(), 0.4, 0.2))).apply(xs, TRAINING.into());
    assert_eq!(run.last().value(), run.state().0.value());
    let plain = tape.bind(&Recurrent::new(cell)).forward(xs);
    assert_ne!(run.last().value(), plain.last().value());
}

#[test]
fn residual_adds_the_input_and_leaves_the_state() {
    let cell: Lstm<Tensor<f64>> = Lstm::new(&mut rng(0), 4, 4);
    let tape = Tape::new();
    let xs = tape.constant(&values([3, 2, 4], 1));
    let plain = tape.bind(&Recurrent::new(cell.clone())).forward(xs);
    let run = tape.bind(&Recurrent::new(Residual::new(cell, 4))).forward(xs);
    assert_eq!(run.sequence().value(), (plain.sequence() + xs).value());
    assert_eq!(run.state().0.value(), plain.state().0.value());
}

#[test]
fn gradients_through_wrappers_agree_with_differences() {
    let lstm = || Lstm::<Tensor<f64>>::new(&mut rng(1), 3, 3);
    macro_rules! check {
        ($cell:expr) => {
            gradcheck(&Recurrent::new($cell), |tape, net| {
                let run =
                    net.apply(tape.constant(&values([5, 2, 3], 2)), Context::from(TRAINING).with_lengths(&[3, 5]));
                (run.sequence() * tape.constant(&values([5, 2, 3], 3))).sum() + run.state().1.square().sum()
            })
            .unwrap();
        };
    }
    check!(Zoneout::new(lstm(), 0.3, 0.4));
    check!(RecurrentDropout::new(lstm(), 0.3));
    check!(RecurrentDropout::new(lstm(), 0.3).same_over_time());
    check!(Residual::new(Zoneout::new(RecurrentDropout::new(lstm(), 0.2).same_over_time(), 0.1, 0.1), 3));
}

#[test]
fn a_sequence_without_the_same_features_at_every_step() {
    let tape = Tape::new();
    let xs = tape.constant(&Tensor::<f64>::ones([5, 2, 30]));
    let same = dropout(0.5).same_over_time().apply(xs, TRAINING.into()).value();
    assert_eq!(same.select(0, 0), same.select(0, 4));
    assert!(same.to_vec().contains(&0.0) && same.to_vec().contains(&2.0));
    let other = dropout(0.5).apply(xs, TRAINING.into()).value();
    assert_ne!(other.select(0, 0), other.select(0, 4));
}

/// The parts of an attention, as a model.
#[derive(Params)]
struct Attending<P> {
    attention: AdditiveAttention<P>,
    query: P,
    values: P,
}

#[test]
fn attention_is_a_mean_over_what_is_no_padding() {
    let additive_attention = AdditiveAttention::new(&mut rng(3), 4, 3, 5);
    let model = Attending { attention: additive_attention, query: values([2, 4], 1), values: values([6, 2, 3], 2) };
    let looked = |tape: &'_ Tape<f64>, padding: f64| {
        let mut padded = model.values.copy();
        padded.slice_assign(0, 4, &Tensor::full(padding, [2, 2, 3]));
        let net = tape.bind(&model);
        let values = tape.constant(&padded);
        let scores = net.attention.scores(net.query, net.attention.keys(values));
        let attended = attention(scores, values, Some(&[4, 3]));
        (attended.context.value(), attended.weights.value())
    };
    let tape = Tape::new();
    let (context, weights) = looked(&tape, 0.0);
    assert_eq!(context, looked(&tape, 1e9).0);
    assert_close("weights", &weights.sum_axes(&[0]), &Tensor::ones([2]), 1e-15);
    assert_eq!([weights.at([4, 0]), weights.at([5, 1]), weights.at([3, 1])], [0.0; 3]);

    gradcheck(&model, |tape, net| {
        let keys = net.attention.keys(net.values);
        let additive = attention(net.attention.scores(net.query, keys), net.values, Some(&[6, 3])).context;
        let dot = attention(dot_product_scores(additive, net.values), net.values, None).context;
        (dot * tape.constant(&values([2, 3], 4))).sum()
    })
    .unwrap();
}

#[test]
fn many_queries_at_once_are_each_of_them_alone() {
    let tape = Tape::new();
    let (queries, keys) = (tape.variable(&values([5, 2, 3], 1)), tape.variable(&values([6, 2, 3], 2)));
    let looked = |query| attention(dot_product_scores(query, keys), keys, Some(&[4, 6]));
    let together = looked(queries);
    let alone: Vec<_> = queries.unbind().map(looked).collect();
    let contexts: Vec<_> = alone.iter().map(|attended| attended.context).collect();
    assert_close("contexts", &together.context.value(), &Var::stack(0, &contexts).value(), 1e-15);
    for (n, alone) in alone.iter().enumerate() {
        assert_close("weights", &together.weights.value().select(1, n), &alone.weights.value(), 1e-15);
    }
    let sums = [together.context, Var::stack(0, &contexts)].map(|contexts| contexts.square().sum().backward());
    for var in [queries, keys] {
        assert_close("gradients", &sums[0].wrt(var), &sums[1].wrt(var), 1e-14);
    }
}

#[test]
fn a_decoder_fed_with_targets_is_a_layer_over_them() {
    let layer = Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(2), 3, 3));
    let tape = Tape::new();
    let (net, xs) = (tape.bind(&layer), tape.constant(&values([5, 2, 3], 1)));
    let whole = net.forward(xs);
    let forced = net.decode(xs.select(0, 0), net.cell.zero_state(2), 5, Mode::Evaluation, |t, _| xs.select(0, t + 1));
    assert_close("forced", &forced.sequence().value(), &whole.sequence().value(), 1e-14);
    // By its own outputs.
    let free = net.decode(xs.select(0, 0), net.cell.zero_state(2), 3, Mode::Evaluation, |_, output| output);
    let second = net.run(
        free.steps()[0].unsqueeze(0),
        Some(net.forward(xs.slice(0, ..1)).state().to_owned()),
        Context::default(),
    );
    assert_close("free", &free.steps()[1].value(), &second.last().value(), 1e-14);
}

#[test]
fn a_teacher_forces_as_often_as_the_schedule_says() {
    let layer = Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(2), 3, 3));
    let tape = Tape::new();
    let (net, targets) = (tape.bind(&layer), tape.variable(&values([400, 2, 3], 1)));
    let start = tape.constant(&Tensor::zeros([2, 3]));
    // The outputs, and how many of the targets they depend on.
    let decoded = |ratio: f64, mode: Mode| {
        let run = net.decode(start, net.cell.zero_state(2), 401, mode, |t, output| {
            if mode.fold_in(t).bernoulli(ratio) { targets.select(0, t) } else { output }
        });
        let d_targets = run.sequence().sum().backward().wrt(targets);
        let used = (0..400).filter(|&t| d_targets.select(0, t).to_vec().iter().all(|&g| g != 0.0)).count();
        (run.sequence().value(), used)
    };
    let shifted = net.forward(Var::concat(0, &[start.unsqueeze(0), targets])).sequence().value();
    let (forced, used) = decoded(1.0, TRAINING);
    assert_close("forced", &forced, &shifted, 1e-14);
    assert_eq!(used, 400);
    let (free, used) = decoded(0.0, TRAINING);
    assert_eq!(used, 0);
    assert_eq!(decoded(1.0, Mode::Evaluation), (free, 0)); // no teacher in evaluation
    for (ratio, expected) in [(0.75, 300), (0.25, 100)] {
        let used = decoded(ratio, TRAINING).1;
        assert!(used.abs_diff(expected) < 40, "{used} of 400 forced at {ratio}");
    }
}

#[test]
fn a_stream_continues_from_a_state() {
    let cell = Lstm::<Tensor>::new(&mut rng(2), 3, 8);
    let xs = Tensor::from_fn([50, 1, 3], |i| (i as f32).cos());
    let mut stream = StreamingCell::new(cell.clone());
    let outputs: Vec<Tensor> = (0..50).map(|t| stream.step(&xs.select(0, t))).collect();

    let tape = Tape::new();
    let whole = tape.bind(&Recurrent::new(cell.clone())).forward(tape.constant(&xs)).sequence();
    assert_close("outputs", &Tensor::stack(0, &outputs).cast(), &whole.value().cast(), 1e-6);

    let mut resumed = StreamingCell::new(cell);
    (0..20).for_each(|t| drop(resumed.step(&xs.select(0, t))));
    let state = resumed.state().cloned();
    resumed.set_state(None);
    assert_eq!(resumed.step(&xs.select(0, 0)), outputs[0]);
    resumed.set_state(state);
    for (t, output) in outputs.iter().enumerate().skip(20) {
        assert_eq!(resumed.step(&xs.select(0, t)), *output);
    }
}

#[test]
fn a_stream_runs_whole_sequences_in_parts() {
    let cell = Lstm::<Tensor>::new(&mut rng(2), 3, 8);
    let xs = Tensor::from_fn([150, 2, 3], |i| (i as f32).cos());
    let mut steps = StreamingCell::new(cell.clone());
    let outputs: Vec<Tensor> = (0..150).map(|t| steps.step(&xs.select(0, t))).collect();
    let mut stream = StreamingCell::new(cell);
    let parts = [(0, 3), (3, 150)].map(|(from, to)| stream.run(&xs.slice(0, from..to)));
    assert_close("outputs", &Tensor::concat(0, &parts).cast(), &Tensor::stack(0, &outputs).cast(), 1e-6);
    let (ran, stepped) = (stream.state().unwrap(), steps.state().unwrap());
    assert_close("h", &ran.0.cast(), &stepped.0.cast(), 1e-6);
    assert_close("c", &ran.1.cast(), &stepped.1.cast(), 1e-6);
}
