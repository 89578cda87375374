//! Cells that compute many steps at once: the layer gets the same numbers as step by step.

use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Cell, Checkpointing, StreamingCell, Unrolled};
use unspool_tests::assert_close;

/// `h_t = h_{t-1} + x_t W`, at once or step by step.
#[derive(Params, Clone, Debug)]
struct Sum<P, const AT_ONCE: bool> {
    weight: P,
}

impl<'t, T: Scalar, const AT_ONCE: bool> Cell<'t, T> for Sum<Var<'t, T>, AT_ONCE> {
    type State = Var<'t, T>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.weight.new_zeros([batch, self.weight.shape()[1]])
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        xs.matmul(self.weight)
    }

    fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Self::State) {
        let h = h + x;
        (h, h)
    }

    fn unroll(&self, xs: Var<'t, T>, h: Var<'t, T>) -> Option<Unrolled<'t, T, Self::State>> {
        AT_ONCE.then(|| Unrolled::of(h + xs.cumsum(0)))
    }
}

const TIME: usize = 150; // three groups of 64 steps of four sequences
const BATCH: usize = 4;

fn sum<const AT_ONCE: bool>() -> Sum<Tensor<f64>, AT_ONCE> {
    Sum { weight: Tensor::from_fn([3, 5], |i| (i as f64 * 1.3).sin()) }
}

fn inputs() -> Tensor<f64> {
    Tensor::from_fn([TIME, BATCH, 3], |i| (i as f64 * 0.37).sin())
}

/// Outputs, states and gradients of a layer.
fn run<const AT_ONCE: bool>(layer: &Recurrent<Sum<Tensor<f64>, AT_ONCE>>, cx: Context<'_>) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let (net, xs) = (tape.bind(layer), tape.variable(&inputs()));
    let state = tape.variable(&Tensor::from_fn([BATCH, 5], |i| i as f64));
    let output = net.run(xs, Some(state), cx);
    let mut all = vec![output.sequence(), output.last(), output.state()];
    if layer.checkpointing.is_none() {
        all.push(output.states());
    }
    let loss = all.iter().fold(None, |sum: Option<Var<'_, f64>>, var| {
        let term = var.sin().sum();
        Some(sum.map_or(term, |sum| sum + term))
    });
    let gradients = loss.expect("some").backward();
    let mut values: Vec<Tensor<f64>> = all.iter().map(|var| var.value()).collect();
    values.extend([xs, state, net.cell.weight].map(|var| gradients.wrt(var)));
    let last = net.run(xs, Some(state), cx.without_sequence());
    assert_close("last", &last.last().value(), &values[1], 1e-12);
    values
}

fn check(name: &str, cx: Context<'_>) {
    for reverse in [false, true] {
        let layer = |checkpointing| Recurrent { reverse, checkpointing, ..Recurrent::new(sum::<true>()) };
        let by_step = run(&Recurrent { reverse, ..Recurrent::new(sum::<false>()) }, cx);
        let at_once = run(&layer(None), cx);
        for (a, b) in at_once.iter().zip(&by_step) {
            assert_close(name, a, b, 1e-12);
        }
        // Without the states, the loss has another gradient.
        let stored = run(&Recurrent { checkpointing: Some(Checkpointing::every(1000)), ..layer(None) }, cx);
        assert_eq!(run(&layer(Some(Checkpointing::every(10))), cx), stored);
    }
}

#[test]
fn at_once_is_step_by_step() {
    let cx = Context::default();
    check("whole", cx);
    check("lengths", cx.with_lengths(&[100, 150, 3, 99]));
    check("lengths with 0", cx.with_lengths(&[100, 0, 3, 100]));
    check("no steps", cx.with_lengths(&[0; 4]));
    let mask = Tensor::<f64>::from_fn([TIME, BATCH], |i| f64::from(u8::from(i % 5 != 0 && i % 7 != 3)));
    check("mask", cx.with_mask(&mask));
}

#[test]
fn streams_and_both_directions() {
    let xs = inputs();
    let mut stream = StreamingCell::new(sum::<true>());
    let streamed: Vec<Tensor<f64>> = (0..TIME).map(|t| stream.step(&xs.select(0, t))).collect();
    let whole = StreamingCell::new(sum::<true>()).run(&xs);
    assert_close("stream", &Tensor::stack(0, &streamed), &whole, 1e-12);
    let tape = Tape::new();
    let both = |tape: &Tape<f64>| {
        let net = tape.bind(&Bidirectional::new(sum::<true>(), sum::<true>()));
        net.forward(tape.constant(&xs)).sequence().value()
    };
    let steps = tape.bind(&Bidirectional::new(sum::<false>(), sum::<false>()));
    assert_close("both", &both(&tape), &steps.forward(tape.constant(&xs)).sequence().value(), 1e-12);
}

/// A cell whose outputs have the wrong number of steps.
#[derive(Params)]
struct Wrong<P> {
    weight: P,
}

impl<'t, T: Scalar> Cell<'t, T> for Wrong<Var<'t, T>> {
    type State = Var<'t, T>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.weight.new_zeros([batch, 3])
    }

    fn step(&self, x: Var<'t, T>, _: Var<'t, T>) -> (Var<'t, T>, Self::State) {
        (x, x)
    }

    fn unroll(&self, xs: Var<'t, T>, _: Var<'t, T>) -> Option<Unrolled<'t, T, Self::State>> {
        Some(Unrolled::of(xs.slice(0, 1..)))
    }
}

#[test]
#[should_panic(expected = "Cell: unroll turns 7 steps of a batch of 4 into outputs [6, 4, 3]")]
fn a_wrong_number_of_steps_is_told() {
    let model = Recurrent::new(Wrong { weight: Tensor::<f32>::ones([1]) });
    let tape = Tape::new();
    tape.bind(&model).forward(tape.constant(&Tensor::ones([7, 4, 3])));
}

/// Of a cell that goes step by step, the first steps keep no more than those after them.
#[test]
fn asking_a_cell_to_unroll_keeps_no_inputs() {
    let bytes = |steps: usize| {
        let tape = Tape::new();
        let net = tape.bind(&Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, 32)));
        let xs = tape.constant(&Tensor::ones([steps, 16, 1]));
        let since = tape.len();
        let _output = net.forward(xs);
        tape.bytes(since..tape.len())
    };
    assert!(2 * bytes(16) < bytes(32) + bytes(32) / 20, "{} {}", bytes(16), bytes(32)); // two groups of 16 steps
}
