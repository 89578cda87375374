//! What is said of the first number that is not finite: which op made it, of what, and where.

use unspool::autograd::{BadValue, Cause};
use unspool::prelude::*;
use unspool_tests::{marked, panic_of};

fn vector(numbers: &[f64]) -> Tensor<f64> {
    Tensor::from_slice(numbers, [numbers.len()])
}

fn said(bad: Option<BadValue>) -> String {
    marked(&bad.expect("a bad value").to_string(), file!(), include_str!("bad_value_sentences.rs"))
}

#[test]
fn sentences_of_the_forward_pass() {
    let tape = Tape::new().keep_all();
    let x = tape.variable(&vector(&[-0.25, 0.0, 0.5]));
    let said = |loss: Var<'_, f64>| said(loss.bad_value());
    let loss = x.ln().sum(); // @
    assert_eq!(
        said(loss),
        "ln of [3] (-0.25 to 0.5) is NaN at index [0], at @: the logarithm of a negative number is not \
         defined; clamp the operand above 0, or compute the loss from scores (`logsigmoid`, `log_softmax`)"
    );
    let loss = x.square().ln().sum(); // @
    assert_eq!(
        said(loss),
        "ln of [3] (0 to 0.25) is -inf at index [1], at @: the logarithm of 0 is infinite; clamp the \
         operand above 0, or compute the loss from scores (`logsigmoid`, `log_softmax`)"
    );
    let loss = x.sqrt().sum(); // @
    assert_eq!(
        said(loss),
        "sqrt of [3] (-0.25 to 0.5) is NaN at index [0], at @: the square root of a negative number is not \
         defined; clamp the operand at 0"
    );
    let loss = x.powf(0.5).sum(); // @
    assert_eq!(
        said(loss),
        "powf of [3] (-0.25 to 0.5) is NaN at index [0], at @: a negative number to a power that is not \
         whole is not defined; clamp the operand above 0"
    );
    let loss = x.square().powf(-1.0).sum(); // @
    assert_eq!(
        said(loss),
        "powf of [3] (0 to 0.25) is inf at index [1], at @: 0 to a negative power is infinite; clamp the \
         operand above 0"
    );
    let loss = (x / x).sum(); // @
    assert_eq!(
        said(loss),
        "div of [3] (-0.25 to 0.5) and [3] (-0.25 to 0.5) is NaN at index [1], at @: 0 / 0 is not defined; \
         add a small number to the divisor, or clamp it away from 0"
    );
    let loss = (1.0 / x).sum(); // @
    assert_eq!(
        said(loss),
        "div of 1 and [3] (-0.25 to 0.5) is inf at index [1], at @: a division by 0; add a small number to \
         the divisor, or clamp it away from 0"
    );
    let loss = x.reciprocal().sum(); // @
    assert_eq!(
        said(loss),
        "reciprocal of [3] (-0.25 to 0.5) is inf at index [1], at @: a division by 0; add a small number \
         to the divisor, or clamp it away from 0"
    );
    let loss = (x * 2000.0).exp().sum(); // @
    assert_eq!(
        said(loss),
        "exp of [3] (-500 to 1000) is inf at index [2], at @: the exponential of a number above 709.8 \
         overflows f64; clamp the operand, or subtract the largest first, as `softmax` and `logsumexp` do"
    );
    let loss = (x * 1e200).square().sum(); // @
    assert_eq!(
        said(loss),
        "square of [3] (-2.5e199 to 5e199) is inf at index [0], at @: the numbers are too large for f64; \
         scale the data, or keep the weights small with a smaller learning rate or gradient clipping \
         (`clip_norm`)"
    );
    let loss = (x * 0.0).layer_norm(0.0).sum(); // @
    assert_eq!(
        said(loss),
        "layer_norm of [3] (all 0), [3] (all 1) and [3] (all 0) is NaN at index [0], at @: a row without \
         variation is divided by 0; pass an epsilon above 0, such as 1e-5"
    );
    let loss = x.unsqueeze(1).matmul(x.unsqueeze(0) * f64::MAX * 4.0).sum(); // @
    assert_eq!(
        said(loss),
        "mul of [1, 3] (-4.494e307 to 8.988e307) and 4 is inf at index [0, 2], at @, which makes NaN in \
         matmul at @: the numbers are too large for f64; scale the data, or keep the weights small with a \
         smaller learning rate or gradient clipping (`clip_norm`)"
    );
}

/// An infinity is blamed where it becomes NaN only if it is a mask's, a constant without +inf; else where it was made.
#[test]
fn sentences_about_infinities() {
    let tape = Tape::new().keep_all();
    let x = tape.variable(&vector(&[0.0, 0.5]));
    let bad = (x.ln() * 0.0).sum().bad_value(); // @
    assert_eq!(
        said(bad),
        "ln of [2] (0 to 0.5) is -inf at index [0], at @, which makes NaN in mul at @: the logarithm of 0 \
         is infinite; clamp the operand above 0, or compute the loss from scores (`logsigmoid`, \
         `log_softmax`)"
    );
    let mask = tape.constant(&vector(&[f64::NEG_INFINITY, f64::NEG_INFINITY]));
    let bad = (x + mask).softmax(0).sum().bad_value(); // @
    assert_eq!(
        said(bad),
        "softmax of [2] (all -inf) is NaN at index [0], at @: a row of scores holds an infinity, or \
         nothing but -inf: a mask must leave at least one element"
    );
    let bad = (x * mask).sum().bad_value(); // @
    assert_eq!(
        said(bad),
        "mul of [2] (0 to 0.5) and a constant [2] (all -inf) is NaN at index [0], at @: infinity minus \
         infinity, or 0 times infinity, is not defined; check where the infinity comes from"
    );
    let bad = (x + mask).sum().bad_value(); // @
    assert_eq!(
        said(bad),
        "a constant [2] is -inf at index [0], first read by add, at @: a constant comes from the program: \
         check the data, or the state, that it is made of"
    );
    let weight = tape.variable(&vector(&[1.0, f64::INFINITY]));
    let bad = (weight - weight).sum().bad_value(); // @
    assert_eq!(
        said(bad),
        "a variable [2] is inf at index [1], first read by sub, at @: it was so before this pass: an \
         earlier step, or what set it, made it so; try a smaller learning rate"
    );
}

#[test]
fn sentences_about_leaves() {
    let tape = Tape::new().keep_all();
    let net = tape.bind(&Dense { weight: Tensor::full(f64::NAN, [2, 1]), bias: Tensor::zeros([1]) });
    let x = tape.constant(&Tensor::from_vec(vec![1.0, f64::NAN], [1, 2]));
    let good = tape.constant(&Tensor::ones([1, 2]));
    {
        let scope = tape.scope("encoder");
        scope.step(4);
        let bad = net.forward(good).square().sum().bad_value(); // @
        assert_eq!(
            said(bad),
            "weight [2, 1] is NaN at index [0, 0], first read by linear, in encoder, time step 4, at @: it was \
         so before this pass: an earlier step, or what set it, made it so; try a smaller learning rate"
        );
        let bad = (good + x).square().sum().bad_value(); // @
        assert_eq!(
            said(bad),
            "a constant [1, 2] is NaN at index [0, 1], first read by add, in encoder, time step 4, at @: a \
         constant comes from the program: check the data, or the state, that it is made of"
        );
    }
    assert_eq!(
        said(tape.variable(&vector(&[f64::INFINITY])).bad_value()),
        "a variable [1] is inf at index [0]: it was so before this pass: an earlier step, or what set it, \
         made it so; try a smaller learning rate"
    );
    assert!(good.sum().bad_value().is_none());
}

#[test]
fn sentences_of_the_backward_pass() {
    let tape = Tape::new().keep_all();
    let x = tape.variable(&vector(&[0.0, 0.25]));
    let said = |loss: Var<'_, f64>| {
        assert!(loss.item().is_finite());
        said(loss.backward().bad_value())
    };
    let loss = x.sqrt().sum(); // @
    assert_eq!(
        said(loss),
        "the backward pass of sqrt of [2] (0 to 0.25), given the gradient [2] (all 1), made that of its \
         operand inf at index [0], at @: the derivative of the square root is infinite at 0; add a small \
         number, such as 1e-12, before it"
    );
    let loss = x.powf(0.5).sum(); // @
    assert_eq!(
        said(loss),
        "the backward pass of powf of [2] (0 to 0.25), given the gradient [2] (all 1), made that of its \
         operand inf at index [0], at @: the derivative of this power is infinite at 0; clamp the operand \
         above 0"
    );
    let loss = x.relu().sqrt().sum(); // @
    assert_eq!(
        said(loss),
        "the backward pass of sqrt of [2] (0 to 0.25), given the gradient [2] (all 1), made that of its \
         operand inf at index [0], at @, which makes NaN in the backward pass of relu at @: the derivative \
         of the square root is infinite at 0; add a small number, such as 1e-12, before it"
    );
    let loss = x.ln().exp().sum(); // @
    assert_eq!(
        said(loss),
        "ln of [2] (0 to 0.25) is -inf at index [0], at @, which makes NaN in the backward pass of ln at \
         @: the logarithm of 0 is infinite; clamp the operand above 0, or compute the loss from scores \
         (`logsigmoid`, `log_softmax`)"
    );
    let loss = (1.0 / (1.0 + (x * 4000.0).exp())).sum(); // @
    assert_eq!(
        said(loss),
        "exp of [2] (0 to 1000) is inf at index [1], at @, which makes NaN in the backward pass of exp at \
         @: the exponential of a number above 709.8 overflows f64; clamp the operand, or subtract the \
         largest first, as `softmax` and `logsumexp` do"
    );
    let loss = (x * 1e308 + x * 1e308).sum(); // @
    assert_eq!(
        said(loss),
        "the gradients of [2] (0 to 0.25), each finite, add up to inf at index [0], the largest that of \
         mul, at @: the gradient has grown too large for f64; a smaller learning rate, gradient clipping \
         (`clip_norm`) and smaller weights help"
    );
    let zero = tape.variable(&vector(&[0.0]));
    let loss = (zero * 1e200 * 1e200).sum(); // @
    assert_eq!(
        said(loss),
        "the backward pass of mul of [1] (all 0) and 1e200, given the gradient [1] (all 1e200), made that \
         of operand 1 inf at index [0], at @: the gradient has grown too large for f64; a smaller learning \
         rate, gradient clipping (`clip_norm`) and smaller weights help"
    );
    let mask = tape.constant(&vector(&[f64::NEG_INFINITY, 1.0]));
    let loss = (mask * (x + 1.0)).tanh().sum(); // @
    assert_eq!(
        said(loss),
        "the backward pass of mul of a constant [2] (-inf to 1) and [2] (1 to 1.25), given the gradient [2] \
         (0 to 0.2804), made that of operand 2 NaN at index [0], at @: an operand is infinite, and \
         infinity times 0 is not defined; check where the infinity comes from"
    );
    let infinite = tape.constant(&vector(&[f64::INFINITY, 1.0]));
    let loss = (infinite * (x + 1.0)).tanh().sum(); // @
    assert_eq!(
        said(loss),
        "a constant [2] is inf at index [0], first read by mul, at @, which makes NaN in the backward pass of \
         mul at @: a constant comes from the program: check the data, or the state, that it is made of"
    );
    // Left out of the loss, but not of the gradient.
    let chosen = tape.constant(&vector(&[0.0, 1.0]));
    let loss = chosen.where_((x - 0.1).sqrt(), x).sum(); // @
    assert_eq!(
        said(loss),
        "sqrt of [2] (-0.1 to 0.15) is NaN at index [0], at @, which makes NaN in the backward pass of \
         sqrt at @: the square root of a negative number is not defined; clamp the operand at 0"
    );
}

#[test]
fn sentences_of_a_tape_that_looks_for_bad_values() {
    let tape = Tape::new().find_bad_values().keep_all(); // as it does already
    let x = tape.variable(&vector(&[0.0, -0.25]));
    let said = |f: &dyn Fn()| {
        let (sentence, file, _) = panic_of(f);
        assert_eq!(file, file!());
        marked(&sentence, file!(), include_str!("bad_value_sentences.rs"))
    };
    let mistake = || _ = x.sqrt(); // @
    assert_eq!(
        said(&mistake),
        "sqrt of [2] (-0.25 to 0) is NaN at index [1], at @: the square root of a negative number is not \
         defined; clamp the operand at 0"
    );
    let mistake = || drop(x.ln1p().square().ln().sum().backward()); // @
    assert_eq!(
        said(&mistake),
        "ln of [2] (0 to 0.08276) is -inf at index [0], at @: the logarithm of 0 is infinite; clamp the \
         operand above 0, or compute the loss from scores (`logsigmoid`, `log_softmax`)"
    );
    let mistake = || drop(x.abs().sqrt().sum().backward()); // @
    assert_eq!(
        said(&mistake),
        "the backward pass of sqrt of [2] (0 to 0.25), given the gradient [2] (all 1), made that of its \
         operand inf at index [0], at @, which makes NaN in the backward pass of abs at @: the derivative \
         of the square root is infinite at 0; add a small number, such as 1e-12, before it"
    );
    let bad = tape.constant(&vector(&[f64::NAN]));
    // Not new.
    let loss = (x.exp() * bad).sum(); // @
    let mistake = || drop(loss.backward());
    assert_eq!(
        said(&mistake),
        "a constant [1] is NaN at index [0], first read by mul, at @: a constant comes from the program: \
         check the data, or the state, that it is made of"
    );
    x.exp().sum().backward();
}

#[test]
fn sentences_without_kept_values() {
    let tape = Tape::new();
    let x = tape.variable(&vector(&[0.0]));
    let sentence = "bad_value: the tape does not keep all values: make it with `Tape::new().keep_all()`";
    unspool_tests::sentences! {
        x.bad_value() => sentence;
        x.sum().backward().bad_value() => sentence;
    }
}

#[test]
fn the_parts_of_a_bad_value() {
    let tape = Tape::new().keep_all();
    let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, -4.0], [2, 2]));
    let scope = tape.scope("gate");
    scope.step(7);
    let bad = x.sqrt().sum().bad_value().unwrap();
    assert_eq!((bad.cause, bad.op, &bad.scope[..], bad.step), (Cause::Forward, Some("sqrt"), "gate", Some(7)));
    assert_eq!((&bad.index[..], bad.shape, bad.value.is_nan()), (&[1, 1][..], [2, 2].into(), true));
    let [operand] = &bad.operands[..] else { panic!("{bad:?}") };
    assert_eq!((operand.min, operand.max, &operand.name), (-4.0, 3.0, &None));
    assert_eq!((bad.location.unwrap().file(), bad.location.unwrap().line()), (file!(), line!() - 5));
    assert!(bad.gradient.is_none() && bad.example.is_none() && bad.then.is_none());
}

/// Whatever would free values in training keeps them here.
#[test]
fn values_inside_segments_and_scopes_are_kept() {
    let tape = Tape::new().keep_all();
    let x = tape.variable(&vector(&[-1.0, 2.0]));
    let [y] = tape.checkpoint(|| [(x * 2.0).ln().exp()]);
    let [z] = tape.tidy(|| [(tape.constant(&vector(&[-1.0])) + 0.5).sqrt().tanh()]);
    let since = tape.len();
    let w = tape.constant(&Tensor::full(f64::MAX, [2])) + f64::MAX + x; // no rule reads the constant
    tape.release(since..tape.len(), &[w]);
    let [step] = tape.fori_loop(0..3, [x], |_, [x]| [x.powf(0.5)]);
    let ops = [y, z, w, step].map(|var| var.bad_value().unwrap().op);
    assert_eq!(ops, [Some("ln"), Some("sqrt"), Some("add"), Some("powf")]);
    assert_eq!(w.bad_value().unwrap().operands[0].max, f64::MAX);
}

#[test]
fn the_seed_of_a_pass_may_be_bad() {
    let tape = Tape::new().keep_all();
    let x = tape.variable(&vector(&[1.0, 2.0]));
    let bad = x.exp().backward_with(&vector(&[1.0, f64::NAN])).bad_value();
    assert_eq!(said(bad), "the seed of the backward pass is NaN at index [1]");
}

/// A second run of a batch must not take all memory.
#[test]
fn a_tape_may_keep_no_more_than_so_much() {
    let values = |limit: usize| {
        let tape = Tape::new().keep_all_within(limit);
        let x = tape.variable(&Tensor::<f64>::ones([1000]));
        let run = std::panic::AssertUnwindSafe(|| (0..100).for_each(|_| _ = x.exp()));
        (std::panic::catch_unwind(run).is_ok(), tape.len())
    };
    assert_eq!(values(usize::MAX), (true, 101));
    let (ended, len) = values(100_000);
    assert!(!ended && (8..14).contains(&len), "{len}");
}

/// The scope is in the sentence; it is not added to it once more.
#[test]
fn sentences_in_a_scope() {
    let tape = Tape::new().find_bad_values();
    let x = tape.variable(&vector(&[-1.0]));
    let scope = tape.scope("head");
    scope.step(2);
    let (sentence, file, _) = panic_of(|| _ = x.sqrt()); // @
    assert_eq!(file, file!());
    assert_eq!(
        marked(&sentence, file!(), include_str!("bad_value_sentences.rs")),
        "sqrt of [1] (all -1) is NaN at index [0], in head, time step 2, at @: the square root of a negative number is not \
         defined; clamp the operand at 0"
    );
}
