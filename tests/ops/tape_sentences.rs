//! What the tape refuses, word for word, and the line it points to.

use unspool::ops::{InputGrads, Inputs, Op};
use unspool::prelude::*;
use unspool_tests::{panic_of, sentences, zeros};

#[test]
fn asking_for_a_gradient_that_is_not_there_says_why() {
    let (tape, other) = (Tape::new(), Tape::new());
    let x = tape.variable(&zeros([2]));
    let (c, y) = (tape.constant(&zeros([2])), x.tanh());
    let gradients = y.sum().backward();
    sentences! {
        gradients.wrt(c) => "gradient: a constant has none";
        gradients.wrt(y) => "gradient: that of a computed value is kept only if retain_grad() was called on it before";
        gradients.wrt(other.variable(&zeros([2]))) => "gradient: the variable belongs to another tape";
        gradients.of(&Dense { weight: x, bias: c }) => "gradient of bias: a constant has none";
    }
}

/// `x w` with the factors of its weight's gradient swapped.
#[derive(Clone)]
struct Swapped;

impl Op for Swapped {
    fn name(&self) -> &'static str {
        "swapped"
    }
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].matmul(&x[1])
    }
    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_matmul_tn(1, &grad, &x[0]);
    }
}

#[test]
fn a_gradient_of_the_wrong_shape_is_refused() {
    let tape = Tape::new();
    let y = tape.apply(Swapped, &[tape.variable(&zeros([4, 3])), tape.variable(&zeros([3, 2]))]);
    let (message, file, _) = panic_of(|| drop(y.sum().backward()));
    assert_eq!(message, "add_matmul_tn: [4, 2]ᵀ x [4, 3] is not a gradient of input 1, [3, 2]");
    assert_eq!(file, file!());
}

/// The identity, with a gradient of another shape for the input that it says.
#[derive(Clone)]
struct Wrong(usize);

impl Op for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].clone()
    }
    fn backward<T: Scalar>(&self, _: Inputs<'_, T>, _: &Tensor<T>, _: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add(self.0, Tensor::zeros([7]));
    }
}

#[test]
fn a_contribution_that_fits_no_input_is_refused() {
    let tape = Tape::new();
    let x = tape.variable(&zeros([2]));
    for (input, sentence) in [
        (0, "add: [7] is not a gradient of input 0, [2], nor of what it broadcasts to"),
        (5, "an op of 1 inputs has no input 5"),
    ] {
        let (message, file, _) = panic_of(|| drop(tape.apply(Wrong(input), &[x]).sum().backward()));
        assert_eq!(message, sentence);
        assert!(file.ends_with("tape_sentences.rs"), "{file}");
    }
    unspool::ops::elementwise! {
        struct Twice = "twice";
        value: |x| x + x;
        derivative: |_, _| T::ONE + T::ONE;
    }
    unspool::ops::elementwise! {
        struct Sum = "sum";
        value: |[a, b]| a + b;
        gradients: |[_, _], _, dy| [dy, dy];
    }
    let y = tape.variable(&zeros([3]));
    sentences! {
        tape.apply(Twice, &[x, x]) => "twice: 2 inputs were given to a function of 1";
        tape.apply(Sum, &[x, x, x]) => "sum: 3 inputs were given to a function of 2";
        tape.apply(Sum, &[x, y]) => "sum: shapes [2] and [3] do not broadcast";
    }
}

#[test]
fn a_panic_in_an_op_leaves_the_tape_usable() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::ones([2]));
    panic_of(|| {
        let _ = x.matmul(x);
    });
    assert_eq!(x.square().sum().backward().wrt(x).to_vec(), [2.0, 2.0]);
}

#[test]
fn a_tape_that_notes_nothing_has_no_profile() {
    let tape = Tape::<f32>::new();
    sentences! {
        tape.profile() => "profile: this tape notes nothing; make it with Tape::new().profiled()";
        tape.to_dot() => "to_dot: this tape notes no scopes; make it with Tape::new().profiled()";
        Shards::<f32>::new().profile() =>
            "profile: these shards note nothing; make them with Shards::new().profiled()";
    }
}
