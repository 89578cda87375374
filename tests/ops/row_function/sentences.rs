//! What is said of inputs that do not fit, at the caller's line.

use super::Odd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use unspool::ops::{RowFunction, row_function};
use unspool::prelude::*;
use unspool_tests::panic_of;

row_function! {
    /// A state that stays.
    struct Still = "still";
    |[h, _x, _y]| -> [T; 1] { [h] }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let tape = Tape::new();
    let [a, b, c, d] = [&[5, 2][..], &[5, 2], &[4, 1], &[]].map(|shape| tape.variable(&Tensor::<f64>::zeros(shape)));
    let sentence = |mistake: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(mistake)).expect_err("it must be refused");
        panic.downcast_ref::<String>().expect("a sentence").clone()
    };
    let width = "odd: inputs [5, 2], [5, 2] have 4 numbers a row, the function takes 3";
    assert_eq!(sentence(&|| _ = Odd.map_rows(&[a, b])), width);
    assert_eq!(sentence(&|| _ = Odd.jacobians(&[&a.value()], &[&b.value()])), width);
    assert_eq!(sentence(&|| _ = Odd.map_rows(&[a, c])), "odd: the rows of inputs [5, 2], [4, 1] do not broadcast");
    assert_eq!(sentence(&|| _ = Odd.map_rows(&[a, d])), "odd: inputs [5, 2], []: one of rank 0 has no rows");
    assert_eq!(sentence(&|| _ = Odd.map_rows::<f64>(&[])), "odd: no inputs were given");
    assert_eq!(sentence(&|| _ = Odd.map_elements([a, c, b])), "odd: inputs [5, 2], [4, 1], [5, 2] do not broadcast");
    let scan = |state, inputs: &[_], constants: &[_]| sentence(&|| _ = Still.scan([state], inputs, constants));
    let few = "still: state, inputs and constants are 1, 1 and 0 numbers, the function takes 3";
    assert_eq!(scan(c, &[a], &[]), few);
    assert_eq!(scan(c, &[], &[a, b]), "still: no input states the number of steps");
    assert_eq!(
        scan(d, &[a, c], &[]),
        "still: inputs [[5, 2], [4, 1]]: their first axes are not the same number of steps"
    );
    assert_eq!(scan(c, &[d], &[a]), "still: inputs [[]]: their first axes are not the same number of steps");
    assert_eq!(
        scan(c, &[a], &[b]),
        "still: the shapes [4, 1], [5, 2], [5, 2] do not broadcast, those of inputs without their steps"
    );
    let many = tape.variable(&Tensor::<f64>::zeros([1, 1, 1, 1, 1, 2]));
    assert_eq!(scan(c, &[many], &[c]), "still: steps of 5 axes: a scan takes 4 at most");
    let other = Tape::new();
    let foreign = other.variable(&Tensor::zeros([5, 1]));
    assert_eq!(sentence(&|| _ = Odd.map_rows(&[a, foreign])), "odd: the operands belong to different tapes");
}

#[test]
fn a_mistake_points_to_the_callers_line() {
    let tape = Tape::new();
    let a = tape.variable(&Tensor::<f64>::zeros([5, 2]));
    let here = line!() + 1;
    let (_, file, line) = panic_of(|| _ = Odd.map_rows(&[a, a]));
    assert_eq!((file.as_str(), line), (file!(), here));
}
