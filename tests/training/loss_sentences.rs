//! What losses refuse, word for word, and the line it points to.

use unspool::CrossEntropy;
use unspool::losses::{bce_with_logits, cross_entropy, ctc, huber, kl_div, mae, nll, weighted_bce_with_logits};
use unspool::prelude::*;
use unspool_tests::{panic_of, sentences, zeros};

#[test]
fn losses() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, b, c) = (v(&[32, 20]), v(&[30, 20]), v(&[2, 3]));
    let plain = CrossEntropy::default();
    let weighted = CrossEntropy::default().weights(&zeros([2]));
    let negative = Tensor::<f32>::full(-1.0, [2]);
    let padded = CrossEntropy::default().ignore(7);
    sentences! {
        mse(a, b) => "mse: output [32, 20] and target [30, 20] differ in shape";
        mae(a, b) => "mae: output [32, 20] and target [30, 20] differ in shape";
        bce_with_logits(a, b) => "bce_with_logits: output [32, 20] and target [30, 20] differ in shape";
        cross_entropy(a, b) => "cross_entropy: output [32, 20] and target [30, 20] differ in shape";
        cross_entropy(v(&[]), v(&[])) => "cross_entropy: scores of rank 0 have no class axis";
        kl_div(a, b) => "kl_div: output [32, 20] and target [30, 20] differ in shape";
        kl_div(v(&[]), v(&[])) => "kl_div: scores of rank 0 have no class axis";
        nll(v(&[]), [0]) => "nll: scores of rank 0 have no class axis";
        nll(c, [0, 1, 2]) => "nll: classes [3] do not fit scores [2, 3], they must be [2]";
        nll(c, [0, 3]) => "nll: class 3 is out of range for 3 classes";
        nll(v(&[2, 0]), [0, 0]) => "nll: scores [2, 0] have no classes";
        plain.classes(v(&[]), [0]) => "cross_entropy: scores of rank 0 have no class axis";
        plain.classes(c, [0]) => "cross_entropy: classes [1] do not fit scores [2, 3], they must be [2]";
        plain.classes(c, [3, 0]) => "cross_entropy: class 3 is out of range for 3 classes";
        plain.classes(v(&[2, 0]), [0, 0]) => "cross_entropy: scores [2, 0] have no classes";
        padded.classes(c, [7, 6]) => "cross_entropy: class 6 is out of range for 3 classes";
        plain.probabilities(c, a) => "cross_entropy: output [2, 3] and target [32, 20] differ in shape";
        plain.probabilities(v(&[]), v(&[])) => "cross_entropy: scores of rank 0 have no class axis";
        weighted.classes(c, [0, 1]) => "cross_entropy: the weights must be [3], one for each class, not [2]";
        weighted.probabilities(c, c) => "cross_entropy: the weights must be [3], one for each class, not [2]";
        huber::<f32>(-1.0) => "huber: delta must be greater than 0, not -1";
        weighted_bce_with_logits(&negative) => "weighted_bce_with_logits: a weight is -1; it must be finite and not negative";
        plain.clone().label_smoothing(1.5) => "label_smoothing: 1.5 is not between 0 and 1";
        plain.clone().label_smoothing(f64::NAN) => "label_smoothing: NaN is not between 0 and 1";
    }
    // A closure does not know its caller's line.
    let (message, ..) = panic_of(|| {
        huber(1.0)(a, b);
    });
    assert_eq!(message, "huber: output [32, 20] and target [30, 20] differ in shape");
    let (message, ..) = panic_of(|| {
        weighted_bce_with_logits(&zeros([2, 1, 20]))(a, a);
    });
    assert_eq!(message, "weighted_bce_with_logits: weights [2, 1, 20] do not broadcast to scores [32, 20]");
}

#[test]
fn what_is_wrong_is_said_where_the_shapes_show_it() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (rows, column, scores, steps) = (v(&[32]), v(&[32, 1]), v(&[32, 10]), v(&[50, 32, 1]));
    let differ = |output, target, cure| format!("mse: output {output} and target {target} differ in shape: {cure}");
    let axis = |of| format!("unsqueeze(1) gives the {of} an axis of one feature");
    let (leave_out, add) = (
        "the output has all time steps, leave out .return_sequences() in the last recurrent layer",
        "the target has all time steps, add .return_sequences() to the last recurrent layer",
    );
    let classes = |target| {
        let cure = "classes given by number are `Indices`, for sparse_cross_entropy";
        format!("cross_entropy: output [32, 10] and target {target} differ in shape: {cure}")
    };
    sentences! {
        mse(column, rows) => differ("[32, 1]", "[32]", axis("target"));
        mse(rows, column) => differ("[32]", "[32, 1]", axis("output"));
        mse(steps, column) => differ("[50, 32, 1]", "[32, 1]", leave_out.to_owned());
        mse(column, steps) => differ("[32, 1]", "[50, 32, 1]", add.to_owned());
        cross_entropy(scores, rows) => classes("[32]");
        cross_entropy(scores, column) => classes("[32, 1]");
    }
}

#[test]
fn labelings() {
    let tape = Tape::new();
    let p = tape.variable(&Tensor::<f32>::zeros([4, 2, 3]));
    let flat = tape.variable(&Tensor::<f32>::zeros([4, 3]));
    let no_classes = tape.variable(&Tensor::<f32>::zeros([4, 2, 0]));
    let beside =
        |label: usize| format!("ctc: label {label} of target 1 is not one of 3 classes other than the blank 0");
    let short = |what: &str| format!("ctc: {what}; to ignore such targets, use `Ctc::zero_infinity`");
    sentences! {
        ctc(flat, &[[1]], &[4], 0) => "ctc: the log-probabilities must be [T, B, C], not [4, 3]";
        ctc(p, &[[1]], &[4, 4], 0) => "ctc: 1 targets and 2 lengths for a batch of 2 sequences";
        ctc(p, &[[1], [2]], &[4], 0) => "ctc: 2 targets and 1 lengths for a batch of 2 sequences";
        ctc(p, &[[1], [2]], &[4, 4], 3) => "ctc: the blank 3 is not one of 3 classes";
        ctc(no_classes, &[[1], [2]], &[4, 4], 0) => "ctc: the blank 0 is not one of 0 classes";
        ctc(p, &[[1], [2]], &[4, 5], 0) => "ctc: the length 5 of sequence 1 is greater than the 4 time steps";
        ctc(p, &[[1], [3]], &[4, 4], 0) => beside(3);
        ctc(p, &[[1], [0]], &[4, 4], 0) => beside(0);
        ctc(p, &[[1, 2], [2, 1]], &[2, 1], 0) => short("target 1 needs at least 2 time steps, its sequence has 1");
        ctc(p, &[[1, 1], [2, 1]], &[2, 2], 0) => short("target 0 needs at least 3 time steps, its sequence has 2");
    }
}
