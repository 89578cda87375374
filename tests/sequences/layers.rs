//! What holds of layers over sequences, whatever the numbers: padding means nothing and costs nothing, backwards is
//! forwards on the flipped sequence, windows with a carried state are one long run.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, proptest};
use unspool::cells::Slstm;
use unspool::prelude::*;
use unspool::recurrent::SequenceOutput;
use unspool::recurrent::{Bidirectional, Merge, Stack};
use unspool_tests::{Parts, assert_close, context, values};

const INPUTS: usize = 2;
const HIDDEN: usize = 3;

type V<'t> = Var<'t, f64>;
type NewCell<C> = fn(&mut Rng, usize, usize) -> C;

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    x.to_vec().into_iter().map(f64::to_bits).collect()
}

fn weighted<'t>(y: V<'t>, by: &Tensor<f64>) -> V<'t> {
    (y * y.tape().constant(by)).sum()
}

/// A layer's outputs, last outputs, the loss `sum(outputs * g_outputs) + sum(last * g_last)`, and its gradients: of the
/// input, then of each parameter.
fn measure<L>(layer: &L, xs: &Tensor<f64>, lengths: Option<&[usize]>, g: [&Tensor<f64>; 2]) -> Vec<Tensor<f64>>
where
    L: Params<Tensor<f64>>,
    for<'t> L::With<V<'t>>: SequenceLayer<'t, f64>,
{
    let tape = Tape::new();
    let (net, x) = (tape.bind(layer), tape.variable(xs));
    let run = net.apply(x, context(lengths, Mode::Evaluation));
    let (sequence, last) = (run.sequence(), run.last());
    let loss = weighted(sequence, g[0]) + weighted(last, g[1]);
    let gradients = loss.backward();
    let of_net: L = gradients.of(&net);
    let mut all = vec![sequence.value(), last.value(), loss.value(), gradients.wrt(x)];
    all.extend(of_net.leaves().into_iter().cloned());
    all
}

/// Step `t` of sequence `b` for all steps of sequence `b`, as a batch of one.
fn one_of(xs: &Tensor<f64>, b: usize, length: usize) -> Tensor<f64> {
    Tensor::from_fn([length, 1, xs.shape()[2]], |i| xs.at([i / xs.shape()[2], b, i % xs.shape()[2]]))
}

/// `xs` with `padding` after the end of each sequence.
fn padded(xs: &Tensor<f64>, lengths: &[usize], padding: f64) -> Tensor<f64> {
    let (batch, width) = (xs.shape()[1], xs.shape()[2]);
    Tensor::from_fn(xs.shape(), |i| {
        let (t, b, f) = (i / width / batch, i / width % batch, i % width);
        if t < lengths[b] { xs.at([t, b, f]) } else { padding }
    })
}

fn padding_means_nothing<L>(name: &str, layer: &L, width: usize, (time, lengths, salt): &(usize, Vec<usize>, u64))
where
    L: Params<Tensor<f64>>,
    for<'t> L::With<V<'t>>: SequenceLayer<'t, f64>,
{
    let batch = lengths.len();
    let xs = values([*time, batch, INPUTS], *salt);
    // The loss looks at the padding of the outputs, too: these are zeros without a gradient.
    let (g_outputs, g_last) = (values([*time, batch, width], salt + 1), values([batch, width], salt + 2));
    let run = |padding| measure(layer, &padded(&xs, lengths, padding), Some(lengths), [&g_outputs, &g_last]);
    let zeros = run(0.0);
    for padding in [f64::NAN, 1e30, f64::NEG_INFINITY] {
        for (i, (got, expected)) in run(padding).iter().zip(&zeros).enumerate() {
            assert_eq!(bits(got), bits(expected), "{name}: {i} with {padding}");
        }
    }
    for what in [0, 3] {
        let nothing = padded(&zeros[what], lengths, 0.0);
        assert_eq!(bits(&zeros[what]), bits(&nothing), "{name}: {what} in the padding");
    }

    // Each sequence alone.
    let mut sum: Vec<Tensor<f64>> = zeros[4..].iter().map(|g| Tensor::zeros(g.shape())).collect();
    for (b, &length) in lengths.iter().enumerate() {
        let last = |of: &Tensor<f64>| Tensor::from_fn([1, width], |i| of.at([b, i]));
        if length == 0 {
            assert_eq!(last(&zeros[1]).to_vec(), vec![0.0; width], "{name}: last output of an empty sequence");
            continue;
        }
        let alone = measure(layer, &one_of(&xs, b, length), None, [&one_of(&g_outputs, b, length), &last(&g_last)]);
        assert_close(&format!("{name}: outputs of {b}"), &one_of(&zeros[0], b, length), &alone[0], 1e-13);
        assert_close(&format!("{name}: last of {b}"), &last(&zeros[1]), &alone[1], 1e-13);
        assert_close(&format!("{name}: d_x of {b}"), &one_of(&zeros[3], b, length), &alone[3], 1e-13);
        for (sum, gradient) in sum.iter_mut().zip(&alone[4..]) {
            sum.update(gradient, |a, b| a + b);
        }
    }
    for (i, (got, expected)) in zeros[4..].iter().zip(&sum).enumerate() {
        assert_close(&format!("{name}: gradient of parameter {i}"), got, expected, 1e-13);
    }
}

/// A time, lengths of a batch (one of them at least 1), and a salt for its values.
fn batches() -> impl Strategy<Value = (usize, Vec<usize>, u64)> {
    (1usize..8, 1usize..6).prop_flat_map(|(time, batch)| {
        let lengths = prop::collection::vec(0..=time, batch);
        (Just(time), lengths.prop_filter("no steps", |l| l.iter().any(|&l| l > 0)), 0..1000u64)
    })
}

/// The properties that every cell is held to.
macro_rules! cells {
    ($($name:ident: $cell:ident;)*) => {$(
        mod $name {
            use super::*;

            const NEW: NewCell<$cell<Tensor<f64>>> = $cell::new;

            fn first() -> $cell<Tensor<f64>> {
                NEW(&mut rng(1), INPUTS, HIDDEN)
            }

            proptest! {
                #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

                #[test]
                fn padding_means_nothing_to_a_layer(batch in batches()) {
                    padding_means_nothing("forwards", &Recurrent::new(first()), HIDDEN, &batch);
                    padding_means_nothing("backwards", &Recurrent::new(first()).reverse(), HIDDEN, &batch);
                }

                #[test]
                fn padding_means_nothing_to_layers_of_layers(batch in batches()) {
                    let cell = |seed, inputs| NEW(&mut rng(seed), inputs, HIDDEN);
                    let both = |seed, inputs| Bidirectional::new(cell(seed, inputs), cell(seed + 1, inputs));
                    padding_means_nothing("both", &both(2, INPUTS).merge(Merge::Mean), HIDDEN, &batch);
                    let stack = Stack::new([first(), cell(4, HIDDEN)].map(Recurrent::new));
                    padding_means_nothing("stack", &stack, HIDDEN, &batch);
                    let stack = Stack::new([both(5, INPUTS), both(7, 2 * HIDDEN)]);
                    padding_means_nothing("stack of both", &stack, 2 * HIDDEN, &batch);
                }

                #[test]
                fn each_sequence_has_the_states_it_has_alone(batch in batches(), reverse in any::<bool>()) {
                    let layer = Recurrent { reverse, ..Recurrent::new(first()) };
                    each_sequence_has_its_own_states(&layer, &batch);
                }
            }

            #[test]
            fn backwards_is_forwards_on_the_flipped_sequence() {
                backwards_is_flipped(first());
            }

            #[test]
            fn windows_are_one_long_run_through_which_no_gradient_flows() {
                windows_are_one_run(&Recurrent::new(first()));
            }
        }
    )*};
}

cells! {
    simple_rnn: SimpleRnn;
    lstm: Lstm;
    gru: Gru;
    slstm: Slstm;
}

/// From states that are not zero, as after other steps.
fn each_sequence_has_its_own_states<C>(layer: &Recurrent<C>, (time, lengths, salt): &(usize, Vec<usize>, u64))
where
    C: Params<Tensor<f64>>,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    let (tape, batch) = (Tape::new(), lengths.len());
    let net = tape.bind(layer);
    let xs = tape.constant(&values([*time, batch, INPUTS], *salt));
    let count = net.cell.zero_state(batch).parts().len() as u64;
    let initial = |i| tape.variable(&values([batch, HIDDEN], salt + 10 + i).map(|v| 1.1 + v));
    let initial: Vec<V> = (0..count).map(initial).collect();
    let run = net.run(xs, Some(Parts::from_parts(&initial)), Context::default().with_lengths(lengths));
    let (state, states) = (run.state().parts(), run.states().parts());
    let h = run.states().parts()[0].value();
    assert_eq!(bits(&h), bits(&run.sequence().value()), "every h is an output");
    for (b, &length) in lengths.iter().enumerate() {
        let alone = |steps: std::ops::Range<usize>| {
            let parts: Vec<V> = initial.iter().map(|part| part.slice(0, b..b + 1)).collect();
            let xs = xs.slice(0, steps).slice(1, b..b + 1);
            if xs.shape()[0] == 0 {
                parts
            } else {
                net.run(xs, Some(Parts::from_parts(&parts)), Context::default()).state().parts()
            }
        };
        for (got, expected) in state.iter().zip(alone(0..length)) {
            assert_close("state", &got.slice(0, b..b + 1).value(), &expected.value(), 1e-13);
        }
        for t in 0..*time {
            let expected = match t {
                t if t >= length => net.cell.zero_state(1).parts().iter().map(|part| *part * 0.0).collect(),
                t if layer.reverse => alone(t..length),
                t => alone(0..t + 1),
            };
            for (got, expected) in states.iter().zip(expected) {
                assert_close("states", &got.select(0, t).slice(0, b..b + 1).value(), &expected.value(), 1e-13);
            }
        }
    }
    // A sequence without steps hands its state on, with the whole gradient.
    let loss = state.iter().map(|part| part.sum()).reduce(|a, b| a + b).unwrap();
    if let Some(b) = lengths.iter().position(|&length| length == 0) {
        let gradients = loss.backward();
        for part in initial {
            assert_eq!(gradients.wrt(part).to_vec()[b * HIDDEN..(b + 1) * HIDDEN], [1.0; HIDDEN]);
        }
    }
}

fn backwards_is_flipped<C>(cell: C)
where
    C: Params<Tensor<f64>> + Clone,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    let tape = Tape::new();
    let backwards = tape.bind(&Recurrent::new(cell.clone()).reverse());
    let forwards = tape.bind(&Recurrent::new(cell));
    let (x, y) = (tape.variable(&values([5, 4, INPUTS], 1)), tape.variable(&values([5, 4, INPUTS], 1)));
    let (a, b) = (backwards.forward(x), forwards.forward(y.flip(0)));
    let same = |what: &str, a: V, b: V| assert_eq!(bits(&a.value()), bits(&b.value()), "{what}");
    same("outputs", a.sequence(), b.sequence().flip(0));
    same("last", a.last(), b.last());
    same("last is that of time 0", a.last(), a.sequence().select(0, 0));
    a.state().parts().into_iter().zip(b.state().parts()).for_each(|(a, b)| same("state", a, b));
    a.states().parts().into_iter().zip(b.states().parts()).for_each(|(a, b)| same("states", a, b.flip(0)));
    let g = values([5, 4, HIDDEN], 2);
    let (of_a, of_b) = (weighted(a.sequence(), &g).backward(), weighted(b.sequence().flip(0), &g).backward());
    assert_eq!(bits(&of_a.wrt(x)), bits(&of_b.wrt(y)));
    assert!(of_a.wrt(x).to_vec().iter().all(|&g| g != 0.0));
    let (of_a, of_b): (C, C) = (of_a.of(&backwards.cell), of_b.of(&forwards.cell));
    for (a, b) in of_a.leaves().into_iter().zip(of_b.leaves()) {
        assert_close("weights", a, b, 1e-14); // their sums over time have another order
    }
}

fn windows_are_one_run<C>(layer: &Recurrent<C>)
where
    C: Params<Tensor<f64>>,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    let tape = Tape::new();
    let net = tape.bind(layer);
    let (xs, lengths) = (values([12, 3, INPUTS], 1), [12, 7, 2]);
    let x = tape.constant(&xs);
    let (whole, ragged) = (net.forward(x), net.apply(x, Context::default().with_lengths(&lengths)));
    let (mut carried, mut carried_ragged) = (None, None);
    let (mut before, mut links): (Option<V>, usize) = (None, 0);
    for start in [0, 4, 8] {
        let window = tape.variable(&x.slice(0, start..start + 4).value());
        let run =
            net.run(window, carried.as_ref().map(|carried| State::attach(window.tape(), carried)), Context::default());
        let expected = whole.sequence().slice(0, start..start + 4).value();
        assert_close("window", &run.sequence().value(), &expected, 1e-13);
        let gradients = run.sequence().sum().backward();
        assert!(gradients.wrt(window).to_vec().iter().all(|&g| g != 0.0));
        if let Some(before) = before {
            assert!(gradients.wrt(before).to_vec().iter().all(|&g| g == 0.0), "a gradient into the window before");
            links += 1;
        }
        (carried, before) = (Some(run.state().detached()), Some(window));

        let left = lengths.map(|length: usize| length.saturating_sub(start).min(4));
        let run = net.run(
            window,
            carried_ragged.as_ref().map(|carried| State::attach(window.tape(), carried)),
            Context::default().with_lengths(&left),
        );
        let expected = ragged.sequence().slice(0, start..start + 4).value();
        assert_close("window of different lengths", &run.sequence().value(), &expected, 1e-13);
        carried_ragged = Some(run.state().detached());
    }
    assert_eq!(links, 2);
    for (carried, run) in [(carried, whole), (carried_ragged, ragged)] {
        let carried = <C::With<V<'_>> as Cell<'_, f64>>::State::attach(&tape, &carried.unwrap()).parts();
        for (carried, part) in carried.into_iter().zip(run.state().parts()) {
            assert_close("state after the last window", &carried.value(), &part.value(), 1e-13);
        }
    }
}

/// Over a thousand steps in all, so that their inputs are projected in several parts.
#[test]
fn long_batches_are_projected_in_parts_that_make_no_difference() {
    let lengths: Vec<usize> = (0..40).map(|b| 20 + b * 7 % 41).collect();
    assert!(lengths.iter().sum::<usize>() > 1500);
    let forwards = Recurrent::new(Lstm::new(&mut rng(1), INPUTS, HIDDEN));
    let backwards = forwards.clone().reverse();
    for lengths in [lengths, vec![60; 40]] {
        padding_means_nothing("lstm", &forwards, HIDDEN, &(60, lengths.clone(), 3));
        padding_means_nothing("lstm, backwards", &backwards, HIDDEN, &(60, lengths, 3));
    }
}
