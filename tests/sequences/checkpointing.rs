//! Gradient checkpointing of recurrent layers: the same bits as stored.

use unspool::autograd::{Params, Var, hvp};
use unspool::cells::*;
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Checkpointing, SequenceLayer, Stack, State, wrappers};

const TIME: usize = 420; // seven groups of 64 steps of four sequences
const BATCH: usize = 4;

/// Everything that a training step reads, with the number of values that were made again.
fn training_step<M>(model: &M, cx: Context<'_>, whole: bool) -> (Vec<Tensor>, usize)
where
    M: Params<Tensor> + Clone,
    for<'t> M::With<Var<'t>>: SequenceLayer<'t, f32>,
{
    let tape = Tape::new();
    let net = tape.bind(model);
    let xs = tape.variable(&Tensor::from_fn([TIME, BATCH, 3], |i| (i as f32 * 0.37).sin()));
    // A state that comes in, to which a gradient goes out.
    let first = net.run(xs.slice(0, ..1) * 0.1, None, cx.mode.into()).state();
    let cx = if whole { cx } else { cx.without_sequence() };
    let output = net.run(xs, Some(first), cx);
    let mut loss = output.last().square().sum();
    output.state().visit(&mut |var| loss = loss + var.sin().sum());
    if whole {
        loss = loss + output.sequence().square().mean();
    }
    let gradients = loss.backward();
    let mut all = vec![loss.value(), gradients.wrt(xs)];
    all.extend(gradients.of(&net).leaves().into_iter().cloned());
    (all, tape.recomputed())
}

fn check<M>(name: &str, model: &M, checkpointed: fn(M, Checkpointing) -> M, cx: Context<'_>)
where
    M: Params<Tensor> + Clone,
    for<'t> M::With<Var<'t>>: SequenceLayer<'t, f32>,
{
    for whole in [true, false] {
        let (stored, _) = training_step(model, cx, whole);
        let mut recomputed = Vec::new();
        let least = least_budget(model, checkpointed, cx, whole);
        let budgets = [0, 1, 4, 9, 30, 100, 300, 10_000].map(|i| Checkpointing::budget(least + i * least / 10));
        for setting in budgets.into_iter().chain([1, 64, 100, 200, 419, 1000].map(Checkpointing::every)) {
            let (values, again) = training_step(&checkpointed(model.clone(), setting), cx, whole);
            assert!(values == stored, "{name}, {setting:?}: other bits than stored");
            recomputed.push(again);
        }
        let (budgets, every) = recomputed.split_at(budgets.len());
        assert!(budgets.is_sorted_by(|a, b| a >= b), "{name}: {budgets:?}");
        assert!(budgets[0] >= every[0] && every[0] > 0, "{name}: {budgets:?} {every:?}");
        assert_eq!((budgets[7], every[5]), (0, 0), "{name}: plenty");
    }
}

/// The least budget, from the sentence that states it.
fn least_budget<M>(model: &M, checkpointed: fn(M, Checkpointing) -> M, cx: Context<'_>, whole: bool) -> usize
where
    M: Params<Tensor> + Clone,
    for<'t> M::With<Var<'t>>: SequenceLayer<'t, f32>,
{
    let mut least = 0;
    loop {
        let model = checkpointed(model.clone(), Checkpointing::budget(least));
        let run = std::panic::AssertUnwindSafe(|| training_step(&model, cx, whole));
        let Err(panic) = std::panic::catch_unwind(run) else { return least };
        let message = *panic.downcast::<String>().expect("a sentence");
        let (_, rest) = message.split_once("the least is ").expect("a sentence about the budget");
        let needed = rest.split_once(": ").unwrap().0.parse().unwrap();
        assert!(needed > least, "{message}");
        least = needed;
    }
}

fn each_layer<C>(stack: Stack<Recurrent<C>>, setting: Checkpointing) -> Stack<Recurrent<C>> {
    Stack { layers: stack.layers.into_iter().map(|layer| layer.checkpointing(setting)).collect(), ..stack }
}

fn lstm(rng: &mut Rng, inputs: usize) -> Recurrent<Lstm<Tensor>> {
    Recurrent::new(Lstm::new(rng, inputs, 5))
}

#[test]
fn cells_in_both_directions() {
    let rng = &mut rng(1);
    let cx = Context::training(3);
    check("lstm", &lstm(rng, 3), Recurrent::checkpointing, cx);
    check("lstm, reverse", &lstm(rng, 3).reverse(), Recurrent::checkpointing, cx);
    check("gru", &Recurrent::new(Gru::new(rng, 3, 40)), Recurrent::checkpointing, cx);
    check("simple rnn", &Recurrent::new(SimpleRnn::new(rng, 3, 5)), Recurrent::checkpointing, cx);
}

#[test]
fn masks_of_the_wrappers() {
    let rng = &mut rng(2);
    let cx = Context::training(3);
    check(
        "zoneout",
        &Recurrent::new(wrappers::Zoneout::new(Lstm::new(rng, 3, 5), 0.1, 0.4)),
        Recurrent::checkpointing,
        cx,
    );
    check(
        "recurrent dropout",
        &Recurrent::new(wrappers::RecurrentDropout::new(Gru::new(rng, 3, 5), 0.3)),
        Recurrent::checkpointing,
        cx,
    );
}

#[test]
fn lengths_and_masks() {
    let rng = &mut rng(3);
    let cx = Context::training(3);
    check("lengths", &lstm(rng, 3), Recurrent::checkpointing, cx.with_lengths(&[300, 420, 7, 419]));
    check("lengths, one 0", &lstm(rng, 3), Recurrent::checkpointing, cx.with_lengths(&[300, 0, 7, 410]));
    check("lengths, reverse", &lstm(rng, 3).reverse(), Recurrent::checkpointing, cx.with_lengths(&[300, 420, 7, 419]));
    let mask = Tensor::<f32>::from_fn([TIME, BATCH], |i| f32::from(u8::from(i % 7 != 0)));
    check("mask", &Recurrent::new(Gru::new(rng, 3, 5)), Recurrent::checkpointing, cx.with_mask(&mask));
}

#[test]
fn layers_of_layers() {
    let rng = &mut rng(4);
    let cx = Context::training(3);
    check(
        "bidirectional",
        &Bidirectional::new(Gru::new(rng, 3, 5), Gru::new(rng, 3, 5)),
        Bidirectional::checkpointing,
        cx,
    );
    check("stack", &Stack::new([lstm(rng, 3), lstm(rng, 5)]).dropout(0.2), each_layer, cx);
    check(
        "stack, lengths",
        &Stack::new([lstm(rng, 3), lstm(rng, 5)]).dropout(0.2),
        each_layer,
        cx.with_lengths(&[50, 420, 300, 9]),
    );
    let mut both_ways = |inputs| {
        let mut cell = || wrappers::Zoneout::new(Gru::new(rng, inputs, 4), 0.2, 0.0);
        Bidirectional::new(cell(), cell())
    };
    check(
        "stack, both ways, zoneout, lengths",
        &Stack::new([both_ways(3), both_ways(8)]).dropout(0.2),
        |stack: Stack<Bidirectional<_>>, setting| Stack {
            layers: stack.layers.into_iter().map(|layer| layer.checkpointing(setting)).collect(),
            ..stack
        },
        cx.with_lengths(&[50, 420, 300, 9]),
    );
}

/// Groups of 16 steps: budgets from that of one of 125 groups to that of all.
#[test]
fn any_budget_for_two_thousand_steps() {
    let (layer, xs) =
        (Recurrent::new(Lstm::new(&mut rng(10), 2, 2)), Tensor::from_fn([2000, 16, 2], |i| (i as f32 * 0.37).sin()));
    let step = |setting: Option<Checkpointing>| {
        let (tape, layer) = (Tape::new(), Recurrent { checkpointing: setting, ..layer.clone() });
        let net = tape.bind(&layer);
        let output = net.apply(tape.constant(&xs), Context::default().without_sequence());
        let gradients = (output.last().square().sum() + output.state().1.sum()).backward().of(&net);
        (gradients.leaves().into_iter().cloned().collect::<Vec<_>>(), tape.recomputed())
    };
    let (stored, _) = step(None);
    let told = |budget| {
        let panic = std::panic::catch_unwind(|| step(Some(Checkpointing::budget(budget)))).unwrap_err();
        let message = *panic.downcast::<String>().unwrap();
        message.split("the least is ").nth(1).unwrap().split(':').next().unwrap().parse::<usize>().unwrap()
    };
    let least = told(0);
    assert_eq!(told(least - 1), least, "the sentence names the least budget");
    let mut recomputed = Vec::new();
    for percent in [100, 103, 110, 130, 200, 400, 1000, 20_000] {
        let (gradients, again) = step(Some(Checkpointing::budget(least * percent / 100)));
        assert!(gradients == stored, "{percent}% of the least budget: other bits than stored");
        recomputed.push(again);
    }
    assert!(recomputed.is_sorted_by(|a, b| a >= b), "{recomputed:?}");
    assert!(recomputed[0] > 20 * recomputed[4] && recomputed[7] == 0, "{recomputed:?}");
}

#[test]
fn second_derivatives() {
    let cell = wrappers::Zoneout::new(Lstm::<Tensor<f64>>::new(&mut rng(11), 2, 3), 0.1, 0.2);
    let stored = Recurrent::new(cell);
    let xs = Tensor::<f64>::from_fn([300, 4, 2], |i| (i as f64 * 0.37).sin());
    let both = |layer: &Recurrent<wrappers::Zoneout<Lstm<Tensor<f64>>>>| {
        let (gradient, curvature) = hvp(layer, &stored, |tape, net| {
            let xs = tape.constant(&xs.cast());
            net.apply(xs, Context::training(1).with_lengths(&[300, 9, 200, 299])).last().square().sum()
        });
        [gradient, curvature].map(|layer| layer.leaves().into_iter().cloned().collect::<Vec<_>>())
    };
    let [gradient, curvature] = both(&stored);
    assert!(curvature.iter().all(|leaf| leaf.to_vec().iter().any(|&x| x != 0.0)));
    for setting in [Checkpointing::every(1), Checkpointing::every(150), Checkpointing::budget(400_000)] {
        assert!(both(&stored.clone().checkpointing(setting)) == [gradient.clone(), curvature.clone()], "{setting:?}");
    }
}

/// Tensors that are put on the tape stay, in whatever segment: those of a step must be numbers.
#[test]
fn a_step_leaves_less_than_its_state() {
    fn check<C>(name: &str, cell: C)
    where
        C: Params<Tensor> + Clone,
        for<'t> C::With<Var<'t>>: Cell<'t, f32>,
    {
        let layer = Recurrent::new(cell).checkpointing(Checkpointing::every(160));
        let bytes = |steps: usize| {
            let tape = Tape::new();
            let xs = tape.constant(&Tensor::ones([steps, 16, 3]));
            let since = tape.len();
            let _last = tape.bind(&layer).apply(xs, Context::training(1).without_sequence()).last();
            tape.bytes(since..tape.len())
        };
        let step = (bytes(640) - bytes(320)) / 320;
        assert!(step < 100, "{name}: {step} bytes a step, of which h would be 4096");
    }
    let rng = &mut rng(12);
    let hidden = 64;
    check("lstm", Lstm::new(rng, 3, hidden));
    check("zoneout", wrappers::Zoneout::new(Lstm::new(rng, 3, hidden), 0.1, 0.4));
    check("recurrent dropout", wrappers::RecurrentDropout::new(Gru::new(rng, 3, hidden), 0.3));
    let variational = wrappers::RecurrentDropout::new(Gru::new(rng, 3, hidden), 0.3).same_over_time();
    check("variational dropout", variational);
    check("layer norm lstm", LayerNormLstm::new(rng, 3, hidden));
    check("layer norm gru", LayerNormGru::new(rng, 3, hidden));
}

#[test]
#[should_panic(expected = "Checkpointing: a state every 0 steps; the number must be at least 1")]
fn a_state_every_0_steps() {
    let _ = Checkpointing::every(0);
}

#[test]
fn the_least_budget_is_told() {
    let model = lstm(&mut rng(5), 3).checkpointing(Checkpointing::budget(1000));
    let panic = std::panic::catch_unwind(|| {
        let tape = Tape::new();
        tape.bind(&model).forward(tape.constant(&Tensor::ones([TIME, BATCH, 3])));
    });
    let message = *panic.unwrap_err().downcast::<String>().unwrap();
    let start = "Recurrent: a checkpointing budget of 1000 bytes is too small; the least is ";
    assert!(message.starts_with(start), "{message}");
    assert!(message.contains(" for what 64 steps at a time compute, "), "{message}");
}

#[test]
fn without_the_sequence_the_last_output_is_the_same() {
    let model = Bidirectional::new(Gru::<Tensor>::new(&mut rng(6), 3, 5), Gru::new(&mut rng(7), 3, 5));
    let xs = Tensor::from_fn([TIME, BATCH, 3], |i| (i as f32 * 0.37).sin());
    for cx in [Context::default(), Context::default().with_lengths(&[300, 420, 0, 419])] {
        let last = |cx: Context<'_>, frozen: bool| {
            let tape = Tape::new();
            let net = if frozen { tape.bind_frozen(&model) } else { tape.bind(&model) };
            let output = net.apply(tape.constant(&xs), cx);
            let state = output.state();
            (output.last().value(), state.0.value(), state.1.value())
        };
        let whole = last(cx, false);
        for frozen in [true, false] {
            assert_eq!(last(cx, frozen), whole);
            assert_eq!(last(cx.without_sequence(), frozen), whole);
        }
    }
}

#[test]
fn evaluation_records_nothing_that_grows_with_time() {
    let model = lstm(&mut rng(8), 1);
    let length = |steps: usize, cx: Context<'_>| {
        let tape = Tape::new();
        let xs = tape.constant(&Tensor::ones([steps, 1, 1]));
        let output = tape.bind_frozen(&model).apply(xs, cx);
        assert!(output.last().value().to_vec()[0].is_finite());
        (tape.len(), tape.bytes(1..tape.len()))
    };
    let last = Context::default().without_sequence();
    assert_eq!(length(5000, last), length(1000, last));
    let (whole, _) = length(5000, Context::default());
    assert!(whole < 2 * 5000 + 50, "an output and a state c per step, not {whole} values");
}

#[test]
#[should_panic(expected = "sequence: the context was without_sequence(), so the layer kept only the last output")]
fn a_sequence_that_was_not_kept_is_not_read() {
    let tape = Tape::new();
    let net = tape
        .bind(&lstm(&mut rng(9), 1))
        .apply(tape.constant(&Tensor::ones([5, 1, 1])), Context::default().without_sequence());
    net.sequence();
}

#[test]
#[should_panic(
    expected = "states: only the last was kept; so it is with gradient checkpointing, a context without_sequence()"
)]
fn states_that_were_not_kept_are_not_read() {
    let tape = Tape::new();
    let layer = lstm(&mut rng(9), 1).checkpointing(Checkpointing::every(10));
    tape.bind(&layer).forward(tape.constant(&Tensor::ones([5, 1, 1]))).states();
}

/// One after the other on one tape: the segments of a frozen layer die with what it computed.
#[test]
fn a_frozen_layer_may_come_before_one_that_learns() {
    let rng = &mut rng(3);
    let [a, b] = [1, 4].map(|inputs| Recurrent::new(Gru::<Tensor>::new(rng, inputs, 4)));
    let gradient = |checkpointing: Option<Checkpointing>| {
        let tape = Tape::new();
        let [a, b] = [&a, &b].map(|layer| Recurrent { checkpointing, ..layer.clone() });
        let (frozen, net) = (tape.bind_frozen(&a), tape.bind(&b));
        let xs = tape.constant(&Tensor::ones([1000, 2, 1]));
        let loss = net.forward(frozen.forward(xs).sequence()).last().sum();
        loss.backward().of(&net).cell.u
    };
    assert_eq!(gradient(Some(Checkpointing::every(1))), gradient(None));
}

/// Two backward passes read the last output, which lies in the last segment.
#[test]
fn two_passes_without_a_sequence_make_the_same_bits() {
    fn check<C>(cell: C)
    where
        C: Params<Tensor> + Clone,
        for<'t> C::With<Var<'t>>: Cell<'t, f32>,
    {
        let tape = Tape::new();
        let net = tape.bind(&Recurrent::new(cell).checkpointing(Checkpointing::every(64)));
        let xs = tape.variable(&Tensor::from_fn([600, 4, 4], |i| (i as f32).sin()));
        let last = net.apply(xs, Context::default().without_sequence()).last();
        let gradients = || last.square().sum().backward().wrt(xs);
        assert_eq!(gradients(), gradients());
        assert_eq!(last.value().shape()[1], 4);
    }
    let rng = &mut rng(3);
    check(Lstm::new(rng, 4, 4));
    check(MinGru::new(rng, 4, 4));
    check(Lru::new(rng, 4, 4));
    check(Qrnn::new(rng, 4, 4));
    check(Mlstm::new(rng, 4, 4, 2));
    check(wrappers::Residual::new(Lstm::new(rng, 4, 4), 4));
}

/// The states between segments are not views of the many that were computed at once.
#[test]
fn a_budget_holds_for_cells_that_compute_many_steps_at_once() {
    fn check<C>(name: &str, cell: C)
    where
        C: Params<Tensor> + Clone,
        for<'t> C::With<Var<'t>>: Cell<'t, f32>,
    {
        let budget = 1_000_000;
        let tape = Tape::new();
        let net = tape.bind(&Recurrent::new(cell).checkpointing(Checkpointing::budget(budget)));
        let xs = tape.constant(&Tensor::from_fn([40_000, 1, 32], |i| (i as f32).sin()));
        let since = tape.len();
        let last = net.apply(xs, Context::default().without_sequence()).last();
        let bytes = || tape.bytes(since..tape.len());
        assert!(bytes() < budget + budget / 4, "{name}: {} bytes", bytes());
        last.sum().backward();
        assert!(bytes() < budget + budget / 4, "{name}: {} bytes after a backward pass", bytes());
    }
    let rng = &mut rng(3);
    check("min_gru", MinGru::new(rng, 32, 32));
    check("min_lstm", MinLstm::new(rng, 32, 32));
    check("qrnn", Qrnn::new(rng, 32, 32));
    check("lru", Lru::new(rng, 32, 32));
    check("rg_lru", RgLru::new(rng, 32));
    check("lstm", Lstm::new(rng, 32, 32));
}
