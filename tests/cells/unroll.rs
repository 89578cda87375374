//! Cells that compute many steps at once: values and gradients are those of their steps.

use unspool::cells::*;
use unspool::prelude::*;
use unspool::recurrent::wrappers::Residual;
use unspool_tests::{Parts, assert_close, values};

type V<'t> = Var<'t, f64>;

const TIME: usize = 9;
const BATCH: usize = 2;
const INPUTS: usize = 3;
const HIDDEN: usize = 4;

/// The outputs `[T, B, H]` of a bound cell, and the parts of its last state: of steps taken one by one, or at once in
/// pieces of so many steps.
fn run<'t, C>(cell: &C, xs: V<'t>, start: C::State, piece: Option<usize>) -> Vec<V<'t>>
where
    C: Cell<'t, f64, State: Parts<'t>>,
{
    let (projected, mut state, mut outputs) = (cell.project(xs), start, Vec::new());
    for from in (0..TIME).step_by(piece.unwrap_or(1)) {
        let Some(piece) = piece else {
            let (output, next) = cell.step(projected.select(0, from), state);
            outputs.push(output.unsqueeze(0));
            state = next;
            continue;
        };
        let steps = projected.slice(0, from..TIME.min(from + piece));
        let unrolled = cell.unroll(steps, state).expect("a cell that unrolls");
        for (all, last) in unrolled.states.iter().flat_map(|states| states.parts()).zip(unrolled.state.parts()) {
            assert_eq!(all.select(0, all.shape()[0] - 1).value(), last.value(), "the state is that of the last step");
        }
        outputs.push(unrolled.outputs);
        state = unrolled.state;
    }
    [vec![Var::concat(0, &outputs)], state.parts()].concat()
}

/// Compares values and gradients, with gates that are open or shut where `scale` is large.
fn check<C>(mut cell: C, inputs: usize, tolerance: f64)
where
    C: Params<Tensor<f64>>,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    for (salt, leaf) in cell.leaves_mut().into_iter().enumerate() {
        leaf.update(&values(leaf.shape(), 10 + salt as u64), |w, v| w + 0.3 * v);
    }
    for scale in [1.0, 30.0] {
        let all = |piece| {
            let tape = Tape::new();
            let net = tape.bind(&cell);
            let xs = tape.variable(&values([TIME, BATCH, inputs], 1).map(|x| scale * x));
            let zeros = net.zero_state(BATCH).parts();
            let start = |(i, zeros): (usize, &V<'_>)| tape.variable(&values(zeros.shape(), 2 + i as u64));
            let start: Vec<V<'_>> = zeros.iter().enumerate().map(start).collect();
            let results = run(&net, xs, Parts::from_parts(&start), piece);
            let mut loss = (xs * 0.0).sum();
            for (i, &y) in results.iter().enumerate() {
                loss = loss + (y * tape.constant(&values(y.shape(), 98 + i as u64))).sum();
            }
            let gradients = loss.backward();
            let mut all: Vec<Tensor<f64>> = results.iter().map(|y| y.value()).collect();
            all.extend([&[xs][..], &start].concat().into_iter().map(|x| gradients.wrt(x)));
            all.extend(gradients.of(&net).leaves().into_iter().cloned());
            all
        };
        let by_step = all(None);
        for piece in [1, 4, TIME] {
            for (i, (found, expected)) in all(Some(piece)).iter().zip(&by_step).enumerate() {
                assert_close(&format!("{i}, in pieces of {piece}, scale {scale}"), found, expected, tolerance);
            }
        }
    }
}

#[test]
fn many_steps_at_once_are_the_steps() {
    let rng = &mut rng(7);
    check(MinGru::new(rng, INPUTS, HIDDEN), INPUTS, 1e-12);
    check(MinLstm::new(rng, INPUTS, HIDDEN), INPUTS, 1e-12);
    check(Qrnn::new(rng, INPUTS, HIDDEN), INPUTS, 1e-12);
    check(Lru::new(rng, INPUTS, HIDDEN), INPUTS, 1e-12);
    check(RgLru::new(rng, HIDDEN), HIDDEN, 1e-12);
    check(Mlstm::new(rng, INPUTS, HIDDEN, 2), INPUTS, 1e-11);
    check(Residual::new(MinGru::new(rng, HIDDEN, HIDDEN), HIDDEN), HIDDEN, 1e-12);
}

/// Input gates whose exponentials no number holds, open and shut by turns, and forget gates like them: finite in f32.
#[test]
fn the_gates_of_an_mlstm_are_exponentials_that_do_not_overflow() {
    let gates = [-1e4f32, -200.0, 0.0, 200.0, 1e4];
    for (gate, forget) in gates.into_iter().flat_map(|gate| gates.map(|forget| (gate, forget))) {
        let mut cell: Mlstm<Tensor> = Mlstm::new(&mut rng(7), 1, 2, 1);
        cell.x.weight.update(&Tensor::from_fn([1, 10], |i| f32::from(i as u8 == 8)), |w, one| w + gate * one);
        cell.x.bias =
            Tensor::from_fn([10], |i| if i == 8 { -gate.abs() / 2.0 } else { 0.0 } + if i == 9 { forget } else { 0.0 });
        let alternating = Tensor::from_fn([40, 1, 1], |i| if i % 3 == 0 { 1.0 } else { -0.5 });
        let mut all = Vec::new();
        for at_once in [true, false] {
            let tape = Tape::new();
            let net = tape.bind(&cell);
            let xs = tape.variable(&alternating);
            let (projected, mut state, mut outputs) = (net.project(xs), net.zero_state(1), Vec::new());
            if at_once {
                outputs.push(net.unroll(projected, state).unwrap().outputs);
            } else {
                for x in projected.unbind() {
                    let (output, next) = net.step(x, state);
                    (state, _) = (next, outputs.push(output.unsqueeze(0)));
                }
            }
            let outputs = Var::concat(0, &outputs);
            let gradients = outputs.square().sum().backward();
            let gradient = gradients.of(&net);
            let found = [outputs.value(), gradients.wrt(xs), gradient.x.weight, gradient.x.bias];
            assert!(
                found.iter().all(|x| x.to_vec().iter().all(|x| x.is_finite())),
                "gates {gate}, {forget}: {found:?}"
            );
            all.push(Tensor::from_vec(outputs.value().to_vec().into_iter().map(f64::from).collect(), [40, 2]));
        }
        assert_close(&format!("gates {gate}, {forget}"), &all[0], &all[1], 1e-5);
    }
}

/// Where the decay is 1, as f32 rounds it, or 0.
#[test]
fn an_rg_lru_whose_gates_are_shut_or_open_has_finite_gradients() {
    for (gate, lambda) in [(-1e3f32, 3.0), (1e3, 3.0), (0.0, 100.0), (0.0, -100.0)] {
        let mut cell: RgLru<Tensor> = RgLru::new(&mut rng(7), 2);
        cell.lambda = Tensor::full(lambda, [2]);
        cell.x.bias = Tensor::full(gate, [4]);
        let tape = Tape::new();
        let net = tape.bind(&Recurrent::new(cell));
        let xs = tape.variable(&Tensor::ones([5, 1, 2]));
        let outputs = net.forward(xs).sequence();
        let gradients = outputs.square().sum().backward();
        let gradient = gradients.of(&net).cell;
        for found in [outputs.value(), gradients.wrt(xs), gradient.lambda, gradient.x.bias] {
            assert!(found.to_vec().iter().all(|x| x.is_finite()), "gate {gate}, lambda {lambda}: {found:?}");
        }
    }
}

/// Both gates so far shut that f32 holds neither: their ratio counts.
#[test]
fn a_min_lstm_whose_gates_are_both_shut_weighs_them() {
    let mut cell: MinLstm<Tensor> = MinLstm::new(&mut rng(7), 1, 1);
    cell.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::zeros(leaf.shape()));
    cell.x.bias = Tensor::from_vec(vec![-120.0, -121.0, 1.0], [3]); // i, f, g
    let tape = Tape::new();
    let net = tape.bind(&Recurrent::new(cell));
    let h = net.forward(tape.constant(&Tensor::ones([1, 1, 1]))).last();
    assert!((h.item() - 1.0 / (1.0 + (-1f32).exp())).abs() < 1e-6, "{}", h.item());
    let gradient = h.sum().backward().of(&net).cell.x.bias;
    assert!(gradient.to_vec().iter().all(|g| g.is_finite() && *g != 0.0), "{gradient:?}");
}
