//! A recurrence as one op: against the same function applied step by step.

use unspool::autograd::{hvp, jacfwd, jacrev};
use unspool::ops::{RowFunction, row_function};
use unspool::prelude::*;
use unspool_tests::{assert_close, values};

row_function! {
    /// A unit of an LSTM that sees itself alone; its third result is how often it was open so far.
    struct Unit = "unit";
    |[h, c, opened, x, forget, weight, bias]| -> [T; 3] {
        let gate = (x + weight * h + bias).sigmoid();
        let c = forget * c + (T::ONE - forget) * gate;
        // Rows take their own branch at their own steps.
        let opened = if gate > T::from_f64(0.6) { opened + c } else { opened };
        [c.tanh() * gate, c, opened]
    }
}

/// The states of all steps, `[T, ..]`, by one op for each step.
fn unrolled<'t, T: Scalar>(
    state: [Var<'t, T>; 3],
    inputs: [Var<'t, T>; 2],
    constants: [Var<'t, T>; 2],
) -> [Var<'t, T>; 3] {
    let (mut state, mut all) = (state, [const { Vec::new() }; 3]);
    for t in 0..inputs[0].shape()[0] {
        let ([h, c, opened], [x, forget], [weight, bias]) = (state, inputs.map(|x| x.select(0, t)), constants);
        state = Unit.map_elements([h, c, opened, x, forget, weight, bias]);
        all.iter_mut().zip(state).for_each(|(all, state)| all.push(state));
    }
    all.map(|all| Var::stack(0, &all))
}

/// What `Unit` takes for `T` steps of `[B, H]`: the state broadcasts, one input is a view in another order, the other the
/// same at every step.
fn inputs(steps: usize, batch: usize, hidden: usize) -> [Tensor<f64>; 7] {
    [
        values([batch, hidden], 1),
        values([hidden], 2),
        values([1, 1], 3),
        values([batch, hidden, steps], 4).permute(&[2, 0, 1]),
        values([batch, 1], 5).map(f64::abs).expand([steps, batch, 1]),
        values([hidden], 6),
        values([batch, hidden], 7),
    ]
}

#[test]
fn it_is_the_function_applied_step_by_step() {
    // Up to more rows than are computed at once.
    for (steps, batch, hidden) in [(1, 1, 1), (5, 3, 14), (4, 10, 70), (30, 2, 16)] {
        let x = inputs(steps, batch, hidden);
        let seeds = [8, 9, 10].map(|seed| values([steps, batch, hidden], seed));
        let run = |is_scan: bool| {
            let tape = Tape::new();
            let vars @ [h, c, opened, x, forget, weight, bias] = x.each_ref().map(|x| tape.variable(x));
            let states = match is_scan {
                true => Unit.scan([h, c, opened], &[x, forget], &[weight, bias]),
                false => unrolled([h, c, opened], [x, forget], [weight, bias]),
            };
            let loss = states.iter().zip(&seeds).map(|(&y, seed)| (y * tape.constant(seed)).sum()).reduce(|a, b| a + b);
            let gradients = loss.unwrap().backward();
            (states.map(|y| y.value()), vars.map(|x| gradients.wrt(x)))
        };
        let ((found, gradients), (expected, expected_gradients)) = (run(true), run(false));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.to_vec(), expected.to_vec());
        }
        for (i, (found, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
            assert_close(&format!("gradient {i} of {steps} steps"), found, expected, 1e-12);
        }
    }
}

#[test]
fn only_the_gradients_that_are_asked_for_are_computed() {
    let x = inputs(6, 2, 5);
    let of = |which: &[usize]| {
        let tape = Tape::new();
        let all: Vec<_> = x
            .iter()
            .enumerate()
            .map(|(i, x)| if which.contains(&i) { tape.variable(x) } else { tape.constant(x) })
            .collect();
        let [_, c, opened] = Unit.scan([all[0], all[1], all[2]], &all[3..5], &all[5..]);
        // The last step alone: everything before it counts by way of the state.
        let gradients = (c + opened).select(0, 5).square().sum().backward();
        which.iter().map(|&i| gradients.wrt(all[i]).to_vec()).collect::<Vec<_>>()
    };
    let all = of(&[0, 1, 2, 3, 4, 5, 6]);
    assert!(all[3][..10].iter().all(|&dx| dx != 0.0), "the first step counts");
    for (i, dx) in all.iter().enumerate() {
        assert_eq!(&of(&[i])[0], dx, "input {i}");
    }
}

#[derive(Params, Clone)]
struct Weights<P> {
    h: P,
    x: P,
    weight: P,
}

/// A loss of states of one number, by one op or by one for each step.
fn loss<'t, T: Scalar>(weights: &Weights<Var<'t, T>>, is_scan: bool) -> Var<'t, T> {
    let Weights { h, x, weight } = *weights;
    let (zero, gates) = (h.new_zeros([3]), x.sigmoid());
    let [h, c, opened] = match is_scan {
        true => Unit.scan([h, zero, zero], &[x, gates], &[weight, zero]),
        false => unrolled([h, zero, zero], [x, gates], [weight, zero]),
    };
    (h * c + opened).square()
}

#[test]
fn its_gradient_is_that_of_differences() {
    let weights = Weights { h: values([3], 1), x: values([4, 3], 2), weight: values([3], 3) };
    gradcheck(&weights, |_, weights| loss(weights, true).sum()).unwrap();
}

#[test]
fn second_derivatives_and_forward_mode_pass() {
    let weights = Weights { h: values([3], 1), x: values([4, 3], 2), weight: values([3], 3) };
    let direction = Weights { h: values([3], 4), x: values([4, 3], 5), weight: values([3], 6) };
    let of = |is_scan| hvp(&weights, &direction, |_, weights| loss(weights, is_scan).sum());
    let ((gradient, product), (expected_gradient, expected_product)) = (of(true), of(false));
    for (found, expected) in [(gradient, expected_gradient), (product, expected_product)] {
        for (found, expected) in found.leaves().into_iter().zip(expected.leaves()) {
            assert_close("derivative", found, expected, 1e-12);
        }
    }
    let (forward, backward) = (
        jacfwd(&weights.x, |_, x| loss(&with(&weights, x), true)),
        jacrev(&weights.x, |_, x| loss(&with(&weights, x), false)),
    );
    assert_close("Jacobian", &forward, &backward, 1e-12);
}

/// Constant weights, and `x`.
fn with<'t, T: Scalar>(weights: &Weights<Tensor<f64>>, x: Var<'t, T>) -> Weights<Var<'t, T>> {
    Weights { x, weight: x.tape().data(&weights.weight), h: x.tape().data(&weights.h) }
}

row_function! {
    /// States that are a constant and an input.
    struct Plain = "plain";
    |[_a, _b, x]| -> [T; 2] { [T::ONE, x] }
}

#[test]
fn no_steps_and_no_rows_are_none() {
    for (steps, rows) in [(0, 3), (3, 0)] {
        let tape = Tape::new();
        let [a, b] = [(); 2].map(|()| tape.variable(&Tensor::<f64>::ones([rows])));
        let xs = tape.variable(&Tensor::ones([steps, rows]));
        let [ones, inputs] = Plain.scan([a, b], &[xs], &[]);
        assert_eq!((ones.shape()[..].to_vec(), inputs.shape()[..].to_vec()), (vec![steps, rows], vec![steps, rows]));
        let gradients = (ones + inputs).sum().backward();
        assert_eq!((gradients.wrt(a).to_vec(), gradients.wrt(b).to_vec()), (vec![0.0; rows], vec![0.0; rows]));
        assert_eq!(gradients.wrt(xs).shape()[..], [steps, rows]);
    }
}

#[test]
fn states_may_be_constants_and_inputs() {
    let tape = Tape::new();
    let [a, b] = [(); 2].map(|()| tape.variable(&Tensor::<f64>::ones([3])));
    let xs = tape.variable(&values([4, 3], 1));
    let [ones, inputs] = Plain.scan([a, b], &[xs], &[]);
    assert_eq!((ones.value().to_vec(), inputs.value().to_vec()), (vec![1.0; 12], xs.value().to_vec()));
    let seed = values([4, 3], 2);
    let gradients = (ones * inputs * tape.constant(&seed)).sum().backward();
    assert_eq!((gradients.wrt(a).to_vec(), gradients.wrt(xs).to_vec()), (vec![0.0; 3], seed.to_vec()));
}
