//! What the sentences of mistakes say.

use unspool::cells::MinGru;
use unspool::inspect::{GradientFlow, Jacobian};
use unspool::prelude::*;
use unspool_tests::sentences;

#[test]
fn mistakes_name_the_way_out() {
    let layer = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 2));
    let dense = Dense::<Tensor>::new(&mut rng(0), 1, 2);
    let xs = Tensor::ones([3, 2, 1]);
    let tape = Tape::new();
    let loss = tape.bind(&dense).weight.sum();
    sentences! {
        loss.backward().contributions(Some(0..1)) => "contributions: the tape keeps no gradients of computed values; make it by Tape::new().keep_all()";
        GradientFlow::of(&dense, |tape, net| net.forward(tape.constant(&xs)).sum()) => "GradientFlow: the loss ran no recurrent layer; it is computed from a `Recurrent`, or a layer that holds one";
        GradientFlow::of(&layer, |tape, net| net.forward(tape.constant(&xs)).last()) => "backward: a loss has one element, this value has shape [2, 2]";
        GradientFlow::options().jacobian(Jacobian::Probes(0)).of(&layer, |tape, net| net.forward(tape.constant(&xs)).last().sum()) => "GradientFlow: a Jacobian takes at least one random vector";
    }
}

/// The variables that a loss does not depend on, because they are made beside it, say so, and where to look instead.
#[test]
fn slices_and_copies_beside_the_loss_name_the_way_out() {
    let tape = Tape::new();
    let net = tape.bind(&Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, 2)));
    let unrolled = tape.bind(&Recurrent::new(MinGru::<Tensor>::new(&mut rng(0), 1, 2)));
    let xs = tape.constant(&Tensor::ones([3, 2, 1]));
    let output = net.apply(xs, Context::default().with_lengths(&[3, 2]));
    let whole = net.forward(xs);
    let unrolled = unrolled.forward(xs);
    let beside = [
        output.steps()[1].retain_grad(),
        output.states().0.retain_grad(),
        whole.states().1.retain_grad(),
        unrolled.steps()[1].retain_grad(),
    ];
    let gradients = (output.last() + whole.last() + unrolled.last()).sum().backward();
    const SENTENCE: &str = "gradient: the loss does not depend on this value; call retain_grad() on the very variable that the loss is computed from, not on a slice or a copy made beside it; `inspect::GradientFlow` has those of all states of a recurrent layer";
    sentences! {
        gradients.wrt(beside[0]) => SENTENCE;
        gradients.wrt(beside[1]) => SENTENCE;
        gradients.wrt(beside[2]) => SENTENCE;
        gradients.wrt(beside[3]) => SENTENCE;
    }
    // Those of a whole sequence are the ones that the loss is computed from.
    let tape = Tape::new();
    let net = tape.bind(&Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, 2)));
    let whole = net.forward(tape.constant(&Tensor::ones([3, 2, 1])));
    let h = whole.steps()[0].retain_grad();
    assert!(whole.last().sum().backward().wrt(h).to_vec().iter().all(|&g| g != 0.0));
}
