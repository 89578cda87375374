//! A step that repeats, of training or of a stream, takes no memory for tensors from the system. One test: the count is
//! of the whole process.

use unspool::prelude::*;
use unspool::tensor::memory_drawn;
use unspool::{Lstm, Stream};
use unspool_tests::values;

#[test]
fn a_steady_step_draws_no_memory() {
    train();
    stream();
}

fn stream() {
    let mut stream = Stream::new(Lstm::<Tensor>::new(&mut rng(2), 3, 8));
    let x = Tensor::ones([1, 3]);
    (0..2).for_each(|_| drop(stream.step(&x)));
    let drawn = memory_drawn();
    (0..1000).for_each(|_| drop(stream.step(&x)));
    assert_eq!(memory_drawn(), drawn);
}

fn train() {
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
