//! What the sentences of mistakes say.

use unspool::inspect::{GradientFlow, Jacobian};
use unspool::prelude::*;
use unspool_tests::sentences;

#[test]
fn mistakes_name_the_way_out() {
    let layer = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 2));
    let dense = Dense::<Tensor>::new(&mut rng(0), 1, 2);
    let xs = Tensor::ones([3, 2, 1]);
    sentences! {
        GradientFlow::of(&dense, |tape, net| net.forward(tape.constant(&xs)).sum()) => "GradientFlow: the loss ran no recurrent layer; it is computed from a `Recurrent`, or a layer that holds one";
        GradientFlow::of(&layer, |tape, net| net.forward(tape.constant(&xs)).last()) => "backward: a loss has one element, this value has shape [2, 2]";
        GradientFlow::options().jacobian(Jacobian::Probes(0)).of(&layer, |tape, net| net.forward(tape.constant(&xs)).last().sum()) => "GradientFlow: a Jacobian takes at least one random vector";
    }
}
