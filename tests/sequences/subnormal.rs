//! Gradients that vanish through time become 0, not subnormal, unless that is switched off.

use unspool::autograd::{InputGrads, Inputs, Op, RowFunction, Scalar, Shape, row_function};
use unspool::prelude::*;

const TIME: usize = 160;
const SHAPE: [usize; 2] = [3, 20]; // [B, H]

/// A variable `[3, 20]` or another shape, with elements of about `size`.
fn var<'t>(tape: &'t Tape<f32>, shape: impl Into<Shape>, size: f32) -> Var<'t> {
    tape.variable(&Tensor::from_fn(shape, |i| size * (1.0 + 0.1 * (i as f32).sin())))
}

/// The number of subnormal elements, and of elements other than 0, in the gradients of all values that the steps of a
/// recurrence note down.
fn count(flush: bool, step: impl for<'t> Fn(&'t Tape<f32>, Var<'t>, &mut Vec<Var<'t>>) -> Var<'t>) -> [usize; 2] {
    let mut tape = Tape::new();
    tape.set_flush_denormal(flush);
    let (tape, mut noted) = (&tape, Vec::new());
    let mut h = var(tape, SHAPE, 1.0);
    for _ in 0..TIME {
        h = step(tape, h, &mut noted);
        h.retain_grad();
        noted.push(h);
    }
    let gradients = h.sum().backward();
    let elements = || noted.iter().flat_map(|&var| gradients.wrt(var).to_vec());
    [elements().filter(|x| x.is_subnormal()).count(), elements().filter(|&x| x != 0.0).count()]
}

macro_rules! vanish {
    ($($(#[$about:meta])* $name:ident: $step:expr;)+) => {$(
        $(#[$about])*
        #[test]
        fn $name() {
            let [subnormal, reached] = count(false, $step);
            assert!(subnormal > 0, "the case has no subnormal gradients to flush");
            let [flushed, still_reached] = count(true, $step);
            assert_eq!(flushed, 0);
            assert!(still_reached > reached / 4, "of {reached} gradients {still_reached} are not 0");
        }
    )+};
}

/// `x`, whose gradient is counted.
fn noted<'t>(x: Var<'t>, all: &mut Vec<Var<'t>>) -> Var<'t> {
    x.retain_grad();
    all.push(x);
    x
}

vanish! {
    simple_rnn: |tape, h, all| {
        let z = noted(h.matmul(var(tape, [20, 20], 0.02)), all);
        noted(z + 0.1, all).tanh()
    };
    products_alone: |tape, h, _| h.matmul(var(tape, [20, 20], 0.02));
    affine_maps: |tape, h, _| h.linear(var(tape, [20, 20], 0.02), var(tape, [20], 0.1));
    a_gate: |tape, h, all| {
        let f = noted(var(tape, SHAPE, 0.4), all);
        noted(f * h, all) + noted(0.1 * f, all)
    };
    quotients: |tape, h, all| h / noted(var(tape, SHAPE, 2.5), all);
    a_function_of_one_number: |_, h, all| noted(0.7 * h, all).sin() + 0.5;
    a_function_of_several: |tape, h, all| h.lerp(noted(var(tape, SHAPE, 1.0), all), noted(var(tape, SHAPE, 0.6), all));
    powers: |_, h, all| noted(0.3 * h.abs(), all).powf(0.9) + 0.3;
    whole_powers: |_, h, all| noted(0.2 * h, all).powi(2) + 1.0;
    means: |_, h, all| noted(0.4 * h.mean_keepdim(&[1]), all) + noted(0.0 * h, all);
    dropped: |_, h, _| 0.4 * h.dropout(0.1, 1);
    convolutions: |tape, h, _| h.unsqueeze(1).matmul(var(tape, [3, 20, 20], 0.02)).squeeze(1);
    user_rules: |tape, h, _| tape.apply(Halved, &[h]);
}

/// A rule that knows nothing of subnormal numbers.
#[derive(Clone)]
struct Halved;

impl Op for Halved {
    fn name(&self) -> &'static str {
        "halved"
    }

    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].map(|x| x * T::from_f64(0.5))
    }

    fn backward<T: Scalar>(&self, _: Inputs<'_, T>, _: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || grad.map(|g| g * T::from_f64(0.5)));
    }
}

row_function! {
    /// A unit that sees itself alone.
    struct Scaled = "scaled";
    |[h, a]| -> [T; 1] { [a * h] }
}

/// The gradient with respect to the first state, of one that grows by 2^20 in each of seven steps and shrinks by as much in
/// seven: 1 where the subnormal numbers that it passes on its way back, the least 2^-140, are kept.
fn there_and_back(flush: bool, run: impl for<'t> Fn(Var<'t>, Var<'t>, Var<'t>) -> Var<'t>) -> f32 {
    let mut tape = Tape::new();
    tape.set_flush_denormal(flush);
    let h0 = var(&tape, [1], 1.0);
    let a = tape.variable(&Tensor::from_fn([14, 1], |t| if t < 7 { 1048576.0 } else { 1.0 / 1048576.0 }));
    let zeros = tape.constant(&Tensor::zeros([14, 1]));
    run(a, zeros, h0).select(0, 13).sum().backward().wrt(h0).item()
}

#[test]
fn ops_over_all_steps_flush_from_step_to_step() {
    type Run = for<'t> fn(Var<'t>, Var<'t>, Var<'t>) -> Var<'t>;
    let runs: [(&str, Run); 4] = [
        ("linear", |a, zeros, h0| Var::linear_recurrence(a, zeros, h0)),
        ("lerp", |a, zeros, h0| Var::lerp_recurrence(zeros, 1.0 - a, h0)),
        ("complex", |a, zeros, h0| Var::complex_linear_recurrence((a, zeros), (zeros, zeros), (h0, h0)).0),
        ("scan", |a, _, h0| Scaled.scan([h0], &[a], &[])[0]),
    ];
    assert_eq!(runs.map(|(name, run)| (name, there_and_back(false, run))), runs.map(|(name, _)| (name, 1.0)));
    assert_eq!(runs.map(|(name, run)| (name, there_and_back(true, run))), runs.map(|(name, _)| (name, 0.0)));
}

#[test]
fn larger_gradients_keep_their_bits() {
    let gradient = |flush| {
        let mut tape = Tape::new();
        tape.set_flush_denormal(flush);
        let layer = Lstm::<Tensor>::new(&mut rng(0), 3, 8);
        let net = tape.bind(&Recurrent::new(layer));
        let xs = var(&tape, [20, 2, 3], 0.5);
        net.forward(xs).last().square().mean().backward().wrt(xs).to_vec()
    };
    assert_eq!(gradient(true), gradient(false));
}

#[test]
fn gradients_of_a_sum_over_rows_are_flushed_as_its_tape_says() {
    for (flush, expected) in [(true, 0.0), (false, 1e-18)] {
        let mut tape = Tape::new();
        tape.set_flush_denormal(flush);
        let x = var(&tape, [1], 1.0);
        let sum = tape.sum_over_rows(1, [x], |_, [x], _| x.sum() * 1e18 * 1e-18 * 1e-18);
        assert!((sum.backward().wrt(x).item() - expected).abs() < 1e-20); // having been 1e-36 on its way
    }
}
