//! What a learner cannot take, and the line where it was called.

use super::*;
use unspool::cells::*;
use unspool::online::{Rtrl, SnAp1, Uoro, zero_state};
use unspool_tests::{sentences, zeros};

fn dense_layer(inputs: usize, outputs: usize) -> Dense<Tensor> {
    Dense::new(&mut rng(0), inputs, outputs)
}

/// A learner after a step of a model `[2, 2]`.
fn after_a_step<L: OnlineLearner<Number = f32, State = Tensor>>(mut learner: L) -> L {
    learner.step(&dense_layer(2, 2), [], |net, [], h| (h.sum(), net.forward(h)));
    learner
}

fn start() -> Tensor {
    zeros([1, 2])
}

#[test]
fn steps_that_do_not_fit_are_refused_in_a_sentence() {
    let layer = dense_layer(2, 2);
    let (mut rtrl, mut snap, mut uoro) = (Rtrl::new(start()), SnAp1::new(start()), Uoro::new(start(), 0));
    let mut pair = Rtrl::new((start(), zeros([1, 3])));
    let mut list = Rtrl::new(vec![start(), start()]);
    let mut known = after_a_step(Rtrl::new(start()));
    let mut lstm = Rtrl::new(zero_state(&Lstm::<Tensor>::new(&mut rng(0), 2, 3), 1));
    let x = zeros([1, 1, 5]);
    sentences! {
        rtrl.step(&layer, [], |net, [], h| (net.forward(h), h)) => "Rtrl: a loss has one element, this value has shape [1, 2]";
        snap.step(&layer, [], |net, [], h| (net.forward(h), h)) => "SnAp1: a loss has one element, this value has shape [1, 2]";
        uoro.step(&layer, [], |net, [], h| (net.forward(h), h)) => "Uoro: a loss has one element, this value has shape [1, 2]";
        rtrl.step(&layer, [], |_, [], h| (h.sum(), h.sum_axes(&[0]))) => "Rtrl: part 0 of the state has shape [2] after a step, and [1, 2] before it";
        pair.step(&layer, [], |_, [], (a, b)| (a.sum(), (a, b.t()))) => "Rtrl: part 1 of the state has shape [3, 1] after a step, and [1, 3] before it";
        uoro.step(&layer, [], |_, [], h| (h.sum(), h.sum_axes(&[0]))) => "Uoro: part 0 of the state has shape [2] after a step, and [1, 2] before it";
        list.step(&layer, [], |_, [], h| (h[0].sum(), vec![h[0]])) => "Rtrl: parts of the state: 1 after a step, and 2 before it";
        known.step(&dense_layer(3, 2), [], |_, [], h| (h.sum(), h)) => "Rtrl: parameter weight has shape [3, 2], and [2, 2] in the step before; call reset() for another model";
        known.step(&(), [], |_, [], h| (h.sum(), h)) => "Rtrl: parameters of the model: 0, and 2 in the step before; call reset() for another model";
        lstm.step(&Recurrent::new(Lstm::new(&mut rng(0), 2, 3)), [&x], |net, [x], s| (s.0.sum(), net.run(x, Some(s), Context::default()).state())) => "linear: shapes [1, 1, 5] and [2, 12] do not multiply: the layer takes 2 features, the input has 5 (in cell.x)";
    }
    sentences! {
        Rtrl::new(start()).freeze("layer.*").step(&layer, [], |net, [], h| (h.sum(), net.forward(h))) => "freeze: no parameter matches \"layer.*\"; the parameters are weight, bias";
    }
    // And go on after that.
    known.step(&layer, [], |net, [], h| (h.sum(), net.forward(h)));
}
