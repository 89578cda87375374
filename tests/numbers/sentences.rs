//! The sentences of mistakes.

use unspool::Number;
use unspool::numbers::{NumberTape, hvp, jvp, preaccumulate};
use unspool_tests::sentences;

#[test]
fn mistakes_are_named() {
    let (tape, other) = (NumberTape::new(), NumberTape::new());
    let (x, y) = (tape.variable(1.0), other.variable(2.0));
    let two_tapes = "numbers: the operands are on two tapes";
    sentences! {
        x + y => two_tapes;
        x * y => two_tapes;
        x.atan2(y) => two_tapes;
        x.backward().wrt(y) => "numbers: the result is on another tape than the number";
        x.backward().wrt(x * x) => "numbers: a derivative is by a variable, not by what was computed from one";
        preaccumulate(&[x, y], |[x, _]| [x]) => "preaccumulate: the inputs are on two tapes";
        jvp(&[1.0, 2.0][..], &[1.0][..], |x| x[0]) => "numbers: 1 inputs for a function of 2";
        hvp(&vec![1.0], &vec![1.0, 2.0], |x| x[0]) => "numbers: 2 inputs for a function of 1";
    }
}
