//! Derivatives of derivatives through an LSTM: a gradient penalty and MAML's inner step, against PyTorch's double
//! backward.

use serde_json::Value;
use unspool::autograd::Nested;
use unspool::layers::Activation;
use unspool::prelude::*;
use unspool::recurrent::Checkpointing;
use unspool_tests::{assert_close, fixture, tensor};

type N = Nested<f64>;

#[derive(Params)]
struct Net<P> {
    layer: Recurrent<Lstm<P>>,
    head: P,
}

impl Net<Tensor<f64>> {
    fn read(of: &Value) -> Self {
        let cell = Lstm {
            x: Dense { weight: tensor(&of["w_ih"]), bias: tensor(&of["bias"]) },
            u: tensor(&of["w_hh"]),
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
        };
        Net { layer: Recurrent::new(cell), head: tensor(&of["head"]) }
    }
}

fn loss<'t>(net: &Net<Var<'t, N>>, x: Var<'t, N>, y: &Value) -> Var<'t, N> {
    let prediction = net.layer.forward(x).last().matmul(net.head);
    (prediction - x.tape().constant(&tensor(y).cast())).square().mean()
}

#[track_caller]
fn check(name: &str, value: (Var<'_, N>, &Value), gradient: Net<Tensor<N>>, expected: &Value) {
    assert!((value.0.item().0 - value.1.as_f64().unwrap()).abs() < 1e-12, "{name}: {}", value.0.item());
    let expected = Net::read(expected);
    for ((path, got), expected) in gradient.names().iter().zip(gradient.leaves()).zip(expected.leaves()) {
        assert_close(&format!("gradient of {name} with respect to {path}"), &got.cast(), expected, 1e-10);
    }
}

#[test]
fn derivatives_of_derivatives_through_an_lstm_agree_with_pytorch() {
    let case = fixture("nested_torch.json");
    let weights = Net::read(&case["weights"]).cast();
    // Checkpointing frees nothing here, and changes nothing.
    for checkpointing in [false, true] {
        let mut tape = Tape::new();
        for _ in 0..2 {
            let mut net = tape.bind(&weights);
            if checkpointing {
                net.layer.checkpointing = Some(Checkpointing::every(2));
            }
            let x = [0, 1].map(|i| tape.variable(&tensor(&case["x"][i]).cast()));
            let y = &case["y"];

            let [d_x] = loss(&net, x[0], &y[0]).gradient_wrt([x[0]]);
            let penalty = d_x.square().sum();
            check("the penalty", (penalty, &case["penalty"]), penalty.backward().of(&net), &case["d_penalty"]);

            let inner = loss(&net, x[0], &y[0]).gradient_of(&net);
            let rate = case["rate"].as_f64().unwrap();
            let adapted = net.zip_leaves(&inner, |&weight, &g| weight - rate * g);
            let maml = loss(&adapted, x[1], &y[1]);
            check("the outer loss", (maml, &case["maml"]), maml.backward().of(&net), &case["d_maml"]);
            tape.reset();
        }
    }
}
