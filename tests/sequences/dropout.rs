//! What is left out at random, layer by layer, and that training with it can be repeated to the bit.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Merge, Stack};
use unspool_tests::{Probe, values};

const TRAINING: Mode = Mode::Training { seed: 7 };
const OTHER: Mode = Mode::Training { seed: 8 };

fn bits(x: Var<'_, f64>) -> Vec<u64> {
    x.value().to_vec().into_iter().map(f64::to_bits).collect()
}

/// Which elements are zero.
fn zeros(x: Var<'_, f64>) -> HashSet<usize> {
    let x = x.value().to_vec();
    (0..x.len()).filter(|&i| x[i] == 0.0).collect()
}

#[test]
fn evaluation_leaves_nothing_out_and_training_what_the_seed_says() {
    fn check<'t, L: Layer<'t, f64>>(name: &str, layer: &L, without: &L, xs: Var<'t, f64>) {
        let run = |layer: &L, mode: Mode| bits(layer.apply(xs, mode.into()).into());
        assert_eq!(run(layer, Mode::Evaluation), bits(layer.forward(xs).into()), "{name}: evaluation is forward");
        assert_eq!(run(layer, Mode::Evaluation), run(layer, Mode::Evaluation), "{name}: evaluation twice");
        assert_eq!(run(layer, Mode::Evaluation), run(without, TRAINING), "{name}: no dropout");
        assert_eq!(run(layer, TRAINING), run(layer, TRAINING), "{name}: the same seed");
        assert_ne!(run(layer, TRAINING), run(layer, OTHER), "{name}: another seed");
        assert_ne!(run(layer, TRAINING), run(layer, Mode::Evaluation), "{name}: training");
    }
    let tape = Tape::new();
    let xs = tape.constant(&values([6, 4, 3], 1));
    let lstm = |i| Lstm::<Tensor<f64>>::new(&mut rng(i), 3, 3);
    check("dropout", &dropout(0.3), &dropout(0.0), xs);
    let stack = |rate| tape.bind(&Stack::new([0, 1].map(|i| Recurrent::new(lstm(i)))).dropout(rate));
    check("stack", &stack(0.3), &stack(0.0), xs);
    let both = |i| Bidirectional::new(lstm(i), lstm(i + 1)).merge(Merge::Sum);
    let stack = |rate| tape.bind(&Stack::new([both(0), both(2)]).dropout(rate).return_sequences());
    check("stack of both", &stack(0.3), &stack(0.0), xs);
    let layer = |i| move |_: &mut Rng| Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(i), 3, 3)).return_sequences();
    let model = |rate| tape.bind(&sequential().add(layer(0)).add(dropout(rate)).add(layer(1)));
    check("sequential", &model(0.3), &model(0.0), xs);
    let layer = |i, rate| Stack::new([lstm(i), lstm(i)].map(Recurrent::new)).dropout(rate);
    let model = |rate| tape.bind(&sequential().add(move |_: &mut Rng| layer(0, rate)));
    check("stack in sequential", &model(0.3), &model(0.0), xs);
}

#[test]
fn a_stack_drops_between_its_layers_and_differently_each_time() {
    let tape = Tape::new();
    let xs = tape.variable(&Tensor::ones([10, 20, 5]));
    let stack = Stack::new([5; 4].map(|width| Recurrent::new(Probe::new(width)))).dropout(0.5);
    let run = tape.bind(&stack).apply(xs, TRAINING.into());
    let left_out: Vec<_> = run.layers.iter().map(|layer| zeros(layer.sequence())).collect();
    assert!(left_out[0].is_empty(), "nothing before the first layer");
    // Half of what is left, every time: the same choice would leave out nothing more.
    for (i, expected) in [(1, 500), (2, 750), (3, 875)] {
        let count = left_out[i].len();
        assert!(count.abs_diff(expected) < 60, "{count} of 1000 after layer {i}");
        assert!(left_out[i - 1].is_subset(&left_out[i]));
    }
    assert_eq!(left_out[3], zeros(run.sequence()), "nothing after the last layer");
    assert!(run.sequence().value().to_vec().iter().all(|&y| y == 0.0 || y == 8.0));
    let d_x = run.sequence().sum().backward().wrt(xs);
    assert_eq!(d_x.to_vec(), run.sequence().value().to_vec(), "the gradient goes where the values went");
}

#[test]
fn layers_of_a_sequential_model_have_different_seeds() {
    let tape = Tape::new();
    let ones = tape.constant(&Tensor::<f64>::ones([1000]));
    let model = sequential().add(dropout(0.5)).add(dropout(0.5)).add(dropout(0.5));
    let net = tape.bind(&model);
    let count = zeros(net.apply(ones, TRAINING.into())).len();
    assert!(count.abs_diff(875) < 40, "{count} of 1000");
}

#[test]
fn a_cell_is_told_the_mode_of_its_layer() {
    let tape = Tape::new();
    let xs = tape.constant(&values([3, 2, 4], 1));
    let modes = |probe: &Probe<Tensor<f64>>| {
        let modes: Vec<Mode> = probe.take().steps.into_iter().map(|(_, mode, _)| mode).collect();
        assert!(modes.iter().all(|&mode| mode == modes[0]), "one mode for all steps");
        modes[0]
    };
    let layer = Recurrent::new(Probe::new(4));
    let net = tape.bind(&layer);
    for mode in [Mode::Evaluation, TRAINING, OTHER] {
        net.apply(xs, mode.into());
        assert_eq!(modes(&layer.cell), mode);
        net.apply(xs, Context::from(mode).with_lengths(&[1, 3]));
        assert_eq!(modes(&layer.cell), mode);
    }
    net.forward(xs);
    assert_eq!(modes(&layer.cell), Mode::Evaluation);

    let both = || Bidirectional::new(Probe::new(4), Probe::new(4)).merge(Merge::Mean);
    let stack = Stack::new([both(), both()]).dropout(0.5);
    let cells = || stack.layers.iter().flat_map(|both| [&both.forward.cell, &both.backward.cell]);
    let net = tape.bind(&stack);
    net.apply(xs, TRAINING.into());
    let mut seeds: HashSet<u64> = HashSet::from([7]);
    for cell in cells() {
        let Mode::Training { seed } = modes(cell) else { panic!("not in training") };
        assert!(seeds.insert(seed), "a seed is used twice");
    }
    net.forward(xs);
    assert!(cells().all(|cell| modes(cell) == Mode::Evaluation));
}

/// A layer that writes down its modes.
#[derive(Params)]
struct Noted<P> {
    dense: Dense<P>,
    modes: Arc<Mutex<Vec<Mode>>>,
}

impl<'t> Layer<'t, f64> for Noted<Var<'t, f64>> {
    type Output = Var<'t, f64>;
    fn apply(&self, x: Var<'t, f64>, cx: Context<'_>) -> Var<'t, f64> {
        self.modes.lock().unwrap().push(cx.mode);
        self.dense.apply(x, cx)
    }
}

#[test]
fn every_part_of_every_batch_of_a_training_has_a_seed_of_its_own() {
    let data = Dataset::new(values([80, 2], 1), values([80, 1], 2)).unwrap();
    let mut model = Noted { dense: Dense::new(&mut rng(0), 2, 1), modes: Arc::default() };
    let seeds_of = |model: &Noted<Tensor<f64>>| -> Vec<u64> {
        let seed = |mode| match mode {
            Mode::Training { seed } => Some(seed),
            Mode::Evaluation => None,
        };
        let mut seeds: Vec<u64> = model.modes.lock().unwrap().drain(..).filter_map(seed).collect();
        seeds.sort_unstable();
        seeds
    };
    let mut train = |seed| {
        fit(&mut model, &data).loss(mse).batch_size(40).epochs(3).seed(seed).validate(&data).quiet().run().unwrap();
        seeds_of(&model)
    };
    let first = train(1);
    assert_eq!(first.len(), 3 * 2 * 2); // epochs, batches, parts of 20
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len(), "a seed is used twice");
    assert_eq!(train(1), first);
    assert!(train(2).iter().all(|seed| !first.contains(seed)));
    evaluate(&model, &data, mse);
    predict(&model, data.x());
    let modes = std::mem::take(&mut *model.modes.lock().unwrap());
    assert!(!modes.is_empty() && modes.iter().all(|&mode| mode == Mode::Evaluation));
}

/// The weights after a short training on `threads` threads, the losses, and predictions, as bits.
fn train(threads: usize, seed: u64, rate: f64) -> [Vec<u32>; 3] {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let data = Dataset::<Tensor>::new(values([6, 200, 1], 1).cast(), values([200, 1], 2).cast()).unwrap();
        let stack = move |rng: &mut Rng| {
            let lstms = [Lstm::new(rng, 8, 8), Lstm::new(rng, 8, 8)];
            Stack::new(lstms.map(Recurrent::new)).dropout(rate)
        };
        let layer = simple_rnn(1, 8).return_sequences();
        let mut model = sequential().add(layer).add(dropout(rate)).add(stack).add(dropout(rate)).add(dense(8, 1));
        let history =
            fit(&mut model, &data).loss(mse).batch_size(70).epochs(2).seed(seed).validate(&data).quiet().run().unwrap();
        let bits = |t: &Tensor| t.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let losses = history.loss.iter().chain(&history.val_loss).map(|&loss| (loss as f32).to_bits()).collect();
        [model.leaves().into_iter().flat_map(bits).collect(), losses, bits(&predict(&model, data.x()))]
    })
}

#[test]
fn training_with_dropout_gives_the_same_bits_at_any_number_of_threads() {
    let one = train(1, 5, 0.3);
    for threads in [1, 2, 3] {
        assert_eq!(train(threads, 5, 0.3), one, "{threads} threads");
    }
    assert_ne!(train(1, 6, 0.3), one, "another seed");
    assert_ne!(train(1, 5, 0.0), one, "no dropout");
}
