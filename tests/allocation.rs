//! A training step that repeats takes no memory for tensors from the system. One test: the count is of the whole
//! process.

use unspool::prelude::*;
use unspool::tensor::memory_drawn;
use unspool_tests::values;

#[test]
fn a_steady_training_step_draws_no_memory() {
    let (x, y): (Tensor, Tensor) = (values([50, 32, 1], 1).cast(), values([32, 1], 2).cast());
    let mut model = sequential().add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1));
    let (mut adam, mut tape) = (Adam::default(), Tape::new());
    let mut drawn = Vec::new();
    for _ in 0..10 {
        let net = tape.bind(&model);
        let gradients = mse(net.forward(tape.constant(&x)), tape.constant(&y)).backward().of(&net);
        tape.reset();
        adam.step(&mut model, &gradients);
        drawn.push(memory_drawn());
    }
    assert!(
        drawn[0] > 0 && drawn[1..].iter().all(|&bytes| bytes == drawn[1]),
        "bytes drawn after each step: {drawn:?}"
    );
}
