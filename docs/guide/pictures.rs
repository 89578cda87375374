//! Draws the picture of the chapter `seeing.md`, as its snippet does: `cargo run -p unspool-guide --example pictures`.
//!
//! The others are of examples and programs: `vanishing`, `forecast`, `unspool-translate`.

#![forbid(unsafe_code)]

use unspool::inspect::GradientFlow;
use unspool::prelude::*;

fn main() -> std::io::Result<()> {
    let (x, y) = (Tensor::normal(&mut rng(0), [60, 8, 1], 0.0, 1.0), Tensor::zeros([8, 1]));
    let model = sequential().add(lstm(1, 32).return_sequences()).add(gru(32, 32)).add(dense(32, 1));
    let flow = GradientFlow::of(&model, |tape, net| mse(net.forward(tape.constant(&x)), tape.constant(&y)));
    flow.save_svg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pictures/flow.svg"))
}
