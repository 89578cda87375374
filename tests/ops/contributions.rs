//! Which ops a gradient comes from.

use unspool::prelude::*;
use unspool_tests::{assert_close, values};

/// Of a chain of three parts that use a weight several times: the parts' terms, and passes through the last part alone.
#[test]
fn parts_of_a_tape_add_up_to_its_gradients() {
    let tape = Tape::new().keep_all();
    let w = tape.variable(&values([3, 3], 1));
    let bias = tape.variable(&values([3], 2));
    let mut x = tape.variable(&values([2, 3], 3));
    let (mut parts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let since = tape.len();
        x = (x.matmul(w) + bias).tanh().matmul(w) * bias + x;
        parts.push(since..tape.len());
        ends.push(x);
    }
    let gradients = x.square().sum().backward();
    let terms: Vec<_> = gradients.contributions(parts.clone()).collect();
    for variable in [w, bias] {
        let mut sum = Tensor::zeros(variable.shape());
        for part in &terms {
            let (_, term) = part.iter().find(|(var, _)| var.ptr_eq(variable)).expect("used in every part");
            sum.update(term, |sum, term| sum + term);
        }
        assert_close("sum", &sum, &gradients.wrt(variable), 1e-14);
    }
    // The last part, from its own end: what a pass through it alone adds to each variable, and to what it began with.
    let seed = gradients.get(ends[2]).expect("the loss depends on it");
    let last = ends[2].backward_since(&seed, parts[2].start);
    for (variable, term) in &terms[2] {
        if variable.ptr_eq(w) || variable.ptr_eq(bias) {
            assert_close("a pass through the last part", &last.wrt(*variable), term, 1e-14);
        }
    }
    assert_close("its beginning", &last.wrt(ends[1]), &gradients.wrt(ends[1]), 1e-14);
    assert_eq!(last.get(ends[0]), None);
    // It leaves nothing behind for a later pass.
    drop(last);
    assert_close("a later pass", &x.square().sum().backward().wrt(w), &gradients.wrt(w), 1e-15);
}
