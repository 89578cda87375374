//! Gradient checkpointing: the same bits as the stored run, whatever is nested in what.

use proptest::prelude::*;
use std::cell::Cell as StdCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use unspool::autograd::{Dual, InputGrads, Inputs, Op};
use unspool::prelude::*;

/// One step of a recurrent net whose ops save inputs, values, or nothing; `w` is packed from its
/// second use on.
fn step<'t, T: Scalar>(net: &[Var<'t, T>; 3], x: Var<'t, T>, h: Var<'t, T>, seed: u64) -> Var<'t, T> {
    let [w, u, b] = *net;
    let mask = x.tape().constant(&Tensor::ones([])).expand(h.shape()).dropout(0.3, seed);
    let [z, c] = (x.matmul(u) + b).chunks();
    let z = (z + h.matmul(w)).sigmoid();
    let c = ((h * mask).matmul(w) + c).tanh();
    h + z * (c - h)
}

const HIDDEN: usize = 20;

fn net<T: Scalar>() -> [Tensor<T>; 3] {
    let number = |i: usize| T::from_f64((i as f64 * 0.37).sin() * 0.3);
    [
        Tensor::from_fn([HIDDEN, HIDDEN], number),
        Tensor::from_fn([3, 2 * HIDDEN], number),
        Tensor::from_fn([2 * HIDDEN], number),
    ]
}

/// Where segments open and close: at each step a number of segments to open before it and to close
/// after it.
type Nesting = Vec<(u8, u8)>;

/// The gradients of the weights, the inputs and the first state, twice, with the steps nested in
/// segments.
fn gradients<T: Scalar>(nesting: &Nesting, checkpointed: bool) -> Vec<Vec<T>> {
    let tape = Tape::new();
    let net = net::<T>().map(|tensor| tape.variable(&tensor));
    let steps = nesting.len();
    let xs = tape.variable(&Tensor::from_fn([steps, 4, 3], |i| T::from_f64((i as f64 * 0.7).cos())));
    let start = tape.variable(&Tensor::full(T::from_f64(0.1), [4, HIDDEN]));
    let (mut h, mut outputs, mut open) = (start, Vec::new(), Vec::new());
    {
        let _recomputable = tape.recomputable();
        for (t, &(opened, closed)) in nesting.iter().enumerate() {
            open.extend((0..opened).map(|_| tape.len()));
            let since = tape.len();
            let x = xs.select(0, t) * 1.5;
            h = step(&net, x, h, t as u64);
            tape.release(since..tape.len(), &[h]);
            if t % 3 == 0 {
                tape.keep(h);
                outputs.push(h);
            }
            for _ in 0..closed {
                if let Some(start) = open.pop()
                    && checkpointed
                {
                    tape.close_segment(start..tape.len(), &[h], t % 4 != 3);
                }
            }
        }
    }
    let loss = Var::stack(0, &outputs).square().sum() + h.sum();
    let mut all = vec![loss.value().to_vec()];
    for _ in 0..2 {
        let gradients = loss.backward();
        all.extend(net.iter().chain([&xs, &start]).map(|&var| gradients.wrt(var).to_vec()));
    }
    assert_eq!(tape.recomputed() > 0, checkpointed && nesting_drops(nesting));
    all
}

/// Whether a segment of the nesting drops values that a backward pass needs.
fn nesting_drops(nesting: &Nesting) -> bool {
    let mut open = 0;
    let mut drops = false;
    for (t, &(opened, closed)) in nesting.iter().enumerate() {
        open += opened;
        let closes = closed.min(open);
        drops |= closes > 0 && t % 4 != 3;
        open -= closes;
    }
    drops || nesting_replays(nesting)
}

/// Segments that keep their values at first drop them after the first backward pass.
fn nesting_replays(nesting: &Nesting) -> bool {
    let mut open = 0;
    nesting.iter().any(|&(opened, closed)| {
        open += opened;
        let closes = closed.min(open);
        open -= closes;
        closes > 0
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn segments_change_no_bit(nesting in prop::collection::vec((0u8..3, 0u8..3), 1..24)) {
        prop_assert_eq!(gradients::<f32>(&nesting, true), gradients::<f32>(&nesting, false));
    }
}

#[test]
fn second_derivatives_go_through_segments() {
    let nesting = vec![(1, 0), (1, 1), (0, 0), (0, 1), (1, 0), (0, 1), (0, 0)];
    let numbers = |checkpointed| gradients::<Dual<f64>>(&nesting, checkpointed);
    assert_eq!(numbers(true), numbers(false));
}

/// A function that does something else each time it runs: the backward pass repeats the ops that
/// were recorded, not the function.
fn layer<'t>(runs: &StdCell<i32>, h: Var<'t>) -> Var<'t> {
    runs.set(runs.get() + 1);
    (h * f64::from(runs.get() % 7)).sin()
}

#[test]
fn closures_nest_and_run_once() {
    let runs = StdCell::new(0);
    let gradient = |checkpointed: bool| {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::<f32>::from_fn([8], |i| i as f32 * 0.1));
        runs.set(0);
        let layer = |h| layer(&runs, h);
        let block = |h| if checkpointed { tape.checkpoint(|| [layer(layer(h))])[0] } else { layer(layer(h)) };
        let mut h = x;
        for _ in 0..4 {
            h = if checkpointed { tape.checkpoint(|| vec![block(block(h)) + x])[0] } else { block(block(h)) + x };
        }
        let gradient = h.sum().backward().wrt(x);
        assert_eq!(runs.get(), 16);
        gradient
    };
    assert_eq!(gradient(true), gradient(false));
}

#[test]
fn the_first_use_of_a_large_matrix_is_repeated_as_it_was() {
    // Packed and plain products round differently here; the first use of a matrix is plain.
    let number = |i: usize| (i as f32 * 0.7).sin();
    let gradient = |checkpointed: bool| {
        let tape = Tape::new();
        let w = tape.variable(&Tensor::from_fn([600, 600], |i| 0.1 * number(i)));
        let mut h = tape.variable(&Tensor::from_fn([4, 600], number));
        for _ in 0..4 {
            let step = || h.matmul(w).tanh().square();
            h = if checkpointed { tape.checkpoint(|| [step()])[0] } else { step() };
        }
        h.sum().backward().wrt(w)
    };
    assert_eq!(gradient(true), gradient(false));
}

#[test]
fn what_a_segment_reads_outlives_a_release() {
    let gradient = |checkpointed: bool| {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::<f32>::from_fn([8], |i| i as f32 * 0.1));
        let since = tape.len();
        let sum = x + x; // no gradient rule reads it, but the segment does
        let y = if checkpointed { tape.checkpoint(|| [(sum + x).sin()])[0] } else { (sum + x).sin() };
        tape.release(since..tape.len(), &[y]);
        y.square().sum().backward().wrt(x)
    };
    assert_eq!(gradient(true), gradient(false));
}

#[test]
fn dropped_values_free_their_memory() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::ones([4]));
    let before = tape.len();
    let [y] = tape.checkpoint(|| [x.exp().sin()]);
    assert_eq!(tape.recomputed(), 0);
    let one = tape.bytes(0..before);
    assert_eq!(tape.bytes(before..tape.len()), one, "the sine alone");
    y.sum().backward();
    assert_eq!(tape.recomputed(), 1, "exp; the sine was kept");
}

#[test]
fn retained_values_inside_stay_readable() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f64>::scalar(0.5));
    let mut inside = None;
    let [y] = tape.checkpoint(|| {
        let gate = x.sigmoid().retain_grad();
        inside = Some(gate);
        [gate.square()]
    });
    let gate = inside.unwrap();
    let gradients = y.backward();
    assert_eq!(gradients.wrt(gate).item(), 2.0 * gate.item());
}

#[test]
#[should_panic(
    expected = "mul: this value was computed inside a checkpointed segment and dropped; return it from there, or call retain_grad() on it"
)]
fn a_dropped_value_is_not_read_in_silence() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::ones([4]));
    let mut inside = None;
    let [y] = tape.checkpoint(|| {
        let e = x.exp();
        inside = Some(e);
        [e.sin()]
    });
    let _ = y * inside.unwrap();
}

#[test]
#[should_panic(expected = "add: the operands belong to different tapes")]
fn a_variable_of_another_tape_is_refused_inside() {
    let (tape, other) = (Tape::new(), Tape::new());
    let (x, y) = (tape.variable(&Tensor::<f32>::ones([4])), other.variable(&Tensor::<f32>::ones([4])));
    let _ = tape.checkpoint(|| [x + y]);
}

#[test]
#[should_panic(expected = "checkpoint: a returned variable belongs to another tape")]
fn a_variable_of_another_tape_is_not_returned() {
    let (tape, other) = (Tape::<f32>::new(), Tape::new());
    let y = other.variable(&Tensor::<f32>::ones([4]));
    let _ = tape.checkpoint(|| [y]);
}

/// An op that does not compute the same each time: it counts.
#[derive(Clone)]
struct Count {
    runs: Arc<AtomicUsize>,
    grows: bool,
}

impl Op for Count {
    fn name(&self) -> &'static str {
        "count"
    }
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        if self.grows { Tensor::ones([1 + run]) } else { x[0].map(|x| x + T::from_f64(run as f64)) }
    }
    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add(0, grad);
    }
}

fn counted(grows: bool, then: fn(Var<'_, f32>) -> Var<'_, f32>) {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::ones([1]));
    let op = Count { runs: Arc::default(), grows };
    let [y] = tape.checkpoint(|| [then(tape.apply(op, &[x]))]);
    let _ = y.sum().backward();
}

#[test]
#[should_panic(expected = "checkpoint: made again, the value of tanh [1] is another, [1]; an op must compute the same")]
fn a_segment_that_computes_something_else_the_second_time_is_noticed() {
    counted(false, |y| (y * y).tanh());
}

#[test]
#[should_panic(
    expected = "checkpoint: made again, the value of count [1] is another, [2]; an op must compute the same"
)]
fn a_segment_whose_shapes_change_is_noticed() {
    counted(true, |y| (y * y).tanh());
}

#[test]
fn a_segment_that_computes_nan_may_do_so_twice() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::full(-1.0, [2]));
    let [y] = tape.checkpoint(|| [x.ln().exp()]);
    assert!(y.sum().backward().wrt(x).to_vec().iter().all(|g| g.is_nan()));
}

#[test]
fn a_panic_inside_leaves_the_tape_usable() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::ones([4]));
    let (three, before) = (tape.variable(&Tensor::ones([3])), x.exp());
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tape.checkpoint(|| [before + three])));
    assert!(panics.is_err());
    let [y] = tape.checkpoint(|| [before * 2.0]);
    assert_eq!(y.sum().backward().wrt(x), x.value().map(|x| 2.0 * x.exp()));
}
