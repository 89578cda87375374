//! What layers over sequences ask of a cell, step by step, and which outputs a cost may leave out.

use unspool::prelude::*;
use unspool::recurrent::SequenceOutput;
use unspool::recurrent::{Bidirectional, Merge, Stack};
use unspool_tests::{Probe, assert_close, context, values};

const LENGTHS: [usize; 6] = [3, 0, 7, 1, 3, 5];
/// The number of sequences still running at each step.
const RUNNING: [usize; 7] = [5, 4, 4, 2, 2, 1, 1];

/// Rows of each step, and rows of each projection.
fn rows(probe: &Probe<Tensor<f64>>) -> (Vec<usize>, Vec<usize>) {
    let seen = probe.take();
    (seen.steps.into_iter().map(|(rows, ..)| rows).collect(), seen.projected)
}

#[test]
fn padding_costs_no_row_of_any_step() {
    let tape = Tape::new();
    let xs = tape.constant(&values([9, 6, 2], 1));
    let total: usize = LENGTHS.iter().sum();
    for reverse in [false, true] {
        let layer = Recurrent { reverse, ..Recurrent::new(Probe::new(2)) };
        let net = tape.bind(&layer);
        net.apply(xs, Context::default().with_lengths(&LENGTHS));
        assert_eq!(rows(&layer.cell), (RUNNING.to_vec(), vec![total]));
        net.forward(xs);
        assert_eq!(rows(&layer.cell), (vec![6; 9], vec![54]));
        net.apply(xs, Context::default().with_lengths(&[9; 6]));
        assert_eq!(rows(&layer.cell), (vec![6; 9], vec![54]));
    }
    let both = Bidirectional::new(Probe::new(2), Probe::new(2)).merge(Merge::Sum);
    let stack = Stack::new([both.clone(), both.clone()]);
    tape.bind(&stack).apply(xs, Context::default().with_lengths(&LENGTHS));
    for cell in [&both.forward.cell, &both.backward.cell] {
        assert_eq!(rows(cell), ([RUNNING, RUNNING].concat(), vec![total; 2]));
    }
}

#[test]
fn the_work_on_the_tape_is_that_of_the_valid_steps() {
    // Sixty-three of sixty-four sequences end after the first step: the rest is the work of one sequence.
    let count = |time: usize, lengths: &[usize]| {
        let layer = Recurrent::new(Probe::new(1));
        let tape = Tape::new();
        let xs = tape.constant(&values([time, lengths.len(), 1], 1));
        tape.bind(&layer).apply(xs, Context::default().with_lengths(lengths));
        rows(&layer.cell).0.into_iter().sum::<usize>()
    };
    let mut lengths = [1; 64];
    lengths[17] = 100;
    assert_eq!(count(100, &lengths), 64 + 99);
}

#[test]
fn steps_are_numbered_in_the_order_they_are_made() {
    let tape = Tape::new();
    let xs = tape.constant(&values([4, 2, 1], 1));
    for reverse in [false, true] {
        for lengths in [[4, 4], [2, 4]] {
            let layer = Recurrent { reverse, ..Recurrent::new(Probe::new(1)) };
            tape.bind(&layer).apply(xs, Context::default().with_lengths(&lengths));
            let numbers: Vec<usize> = layer.cell.take().steps.into_iter().map(|(.., t)| t).collect();
            assert_eq!(numbers, [0, 1, 2, 3]);
        }
    }
}

fn last_three(steps: Vec<Var<'_, f64>>) -> Var<'_, f64> {
    steps[7].square().sum() + steps[8].square().sum() + steps[9].square().sum()
}

#[test]
fn a_cost_over_the_last_three_steps_leaves_the_others_alone() {
    let tape = Tape::new();
    let xs = tape.variable(&values([10, 4, 3], 1));

    // Without memory only their own inputs count.
    let net = tape.bind(&Recurrent::new(Probe::new(3)));
    let gradient = last_three(net.forward(xs).steps()).backward().wrt(xs).to_vec();
    assert!(gradient[..7 * 12].iter().all(|&g| g == 0.0));
    assert!(gradient[7 * 12..].iter().all(|&g| g != 0.0));

    // With memory all inputs count, as they do for these outputs of the whole sequence.
    let net = tape.bind(&Recurrent::new(Lstm::new(&mut rng(0), 3, 5)));
    let run = net.forward(xs);
    let gradients = last_three(run.steps()).backward();
    let sliced = run.sequence().slice(0, 7..).square().sum().backward();
    assert!(gradients.wrt(xs).to_vec().iter().all(|&g| g != 0.0));
    assert_close("d_x", &gradients.wrt(xs), &sliced.wrt(xs), 1e-14);
    let (a, b) = (gradients.of(&net), sliced.of(&net));
    for (a, b) in a.leaves().into_iter().zip(b.leaves()) {
        assert_close("weights", a, b, 1e-14);
    }

    // A cost after step 3 knows nothing of the steps after it.
    let gradient = run.steps()[3].sum().backward().wrt(xs).to_vec();
    assert!(gradient[..4 * 12].iter().all(|&g| g != 0.0));
    assert!(gradient[4 * 12..].iter().all(|&g| g == 0.0));
    // And backwards nothing of those before it.
    let net = tape.bind(&Recurrent::new(Lstm::new(&mut rng(0), 3, 5)).reverse());
    let gradient = net.forward(xs).steps()[3].sum().backward().wrt(xs).to_vec();
    assert!(gradient[..3 * 12].iter().all(|&g| g == 0.0));
    assert!(gradient[3 * 12..].iter().all(|&g| g != 0.0));
}

#[test]
fn a_layer_is_its_sequence_or_its_last_output() {
    fn check<'t, L: SequenceLayer<'t, f64>>(whole: L, last: L, xs: Var<'t, f64>) {
        for lengths in [None, Some(&[4, 1][..])] {
            let [whole, last] = [&whole, &last].map(|layer| layer.apply(xs, context(lengths, Mode::Evaluation)));
            let (sequence, last_of_it) = (whole.sequence().value(), whole.last().value());
            assert_ne!(sequence.shape(), last_of_it.shape());
            assert_eq!(whole.into().value(), sequence);
            assert_eq!(last.into().value(), last_of_it);
        }
    }
    let tape = Tape::new();
    let xs = tape.constant(&values([4, 2, 3], 1));
    let cell = || Gru::<Tensor<f64>>::new(&mut rng(0), 3, 3);
    let layer = || Recurrent::new(cell());
    let both = || Bidirectional::new(cell(), cell());
    let stack = || Stack::new([layer(), layer()]);
    check(tape.bind(&layer().return_sequences()), tape.bind(&layer()), xs);
    check(tape.bind(&layer().reverse().return_sequences()), tape.bind(&layer().reverse()), xs);
    check(tape.bind(&both().return_sequences()), tape.bind(&both()), xs);
    check(tape.bind(&stack().return_sequences()), tape.bind(&stack()), xs);
}

#[test]
fn a_stack_in_windows_is_a_stack_at_once() {
    let rng = &mut rng(4);
    let stack = Stack::new([Lstm::<Tensor<f64>>::new(rng, 3, 4), Lstm::new(rng, 4, 4)].map(Recurrent::new));
    let tape = Tape::new();
    let (net, xs) = (tape.bind(&stack), tape.constant(&values([9, 2, 3], 1)));
    let whole = net.forward(xs);
    let first = net.forward(xs.slice(0, ..4));
    let second = net.run(xs.slice(0, 4..), Some(first.state()), Context::default());
    assert_close("outputs", &second.sequence().value(), &whole.sequence().slice(0, 4..).value(), 1e-14);
    for (a, b) in second.state().iter().zip(whole.state()) {
        assert_close("h", &a.0.value(), &b.0.value(), 1e-14);
        assert_close("c", &a.1.value(), &b.1.value(), 1e-14);
    }
}

#[test]
fn each_direction_begins_with_its_own_state() {
    let rng = &mut rng(5);
    let both = Bidirectional::new(Gru::<Tensor<f64>>::new(rng, 3, 4), Gru::new(rng, 3, 4));
    let tape = Tape::new();
    let (net, xs) = (tape.bind(&both), tape.constant(&values([5, 2, 3], 1)));
    let state = (tape.constant(&values([2, 4], 2)), tape.constant(&values([2, 4], 3)));
    let run = net.run(xs, Some(state), Context::default());
    let forward = net.forward.run(xs, Some(state.0), Context::default());
    let backward = net.backward.run(xs, Some(state.1), Context::default());
    assert_eq!(run.last().value(), Var::concat(1, &[forward.last(), backward.last()]).value());
    assert_eq!(run.state().1.value(), backward.state().value());
}

/// The curve of a lecture on vanishing gradients, dL/dh_t over t: by `steps`, and by a loop written by hand.
#[test]
fn the_steps_are_the_variables_that_a_loss_depends_on() {
    for reverse in [false, true] {
        let tape = Tape::new();
        let net = tape.bind(&Recurrent { reverse, ..Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(1), 3, 4)) });
        let xs = tape.constant(&values([140, 2, 3], 1)); // of two projections

        let output = net.forward(xs);
        let steps: Vec<_> = output.steps().into_iter().map(Var::retain_grad).collect();
        let by_steps = (output.sequence().sin().mean() + output.last().square().sum()).backward();

        let mut state = net.cell.zero_state(2);
        let mut by_hand = vec![state.0; 140];
        for t in 0..140 {
            let t = if reverse { 139 - t } else { t };
            (by_hand[t], state) = net.cell.step(net.cell.project(xs.slice(0, t..t + 1)).squeeze(0), state);
            by_hand[t].retain_grad();
        }
        let gradients = (Var::stack(0, &by_hand).sin().mean() + state.0.square().sum()).backward();
        for t in 0..140 {
            assert_close(&format!("time {t}"), &by_steps.wrt(steps[t]), &gradients.wrt(by_hand[t]), 1e-14);
            assert!(by_steps.wrt(steps[t]).to_vec().iter().any(|&g| g != 0.0));
        }
    }
}

#[test]
#[should_panic(expected = "gradient: the loss does not depend on this value; call retain_grad() on the very variable")]
fn a_slice_beside_the_loss_has_no_gradient_rather_than_zero() {
    let tape = Tape::new();
    let net = tape.bind(&Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(1), 3, 4)));
    let output = net.apply(tape.constant(&values([5, 2, 3], 1)), Context::default().with_lengths(&[5, 2]));
    let h = output.steps()[1].retain_grad();
    output.last().sum().backward().wrt(h);
}
