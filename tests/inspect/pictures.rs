//! A gradient flow as text and as pictures.

use unspool::inspect::{GradientFlow, Jacobian};
use unspool::prelude::*;

fn flow() -> GradientFlow {
    let model = sequential().add(lstm(1, 3).return_sequences()).add(gru(3, 2)).add(dense(2, 1));
    let xs = Tensor::ones([4, 2, 1]);
    let options = GradientFlow::options().jacobian(Jacobian::Exact);
    options.of(&model, |tape, net| net.forward(tape.constant(&xs)).square().sum())
}
