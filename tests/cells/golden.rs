//! The recurrent cells against PyTorch's and Keras's layers, and against loops written from the papers' equations:
//! values and all gradients. `fixtures/cells.py` and `fixtures/linear_cells.py` say what the files hold.

use serde_json::Value;
use unspool::autograd::Path;
use unspool::cells::*;
use unspool::layers::Activation;
use unspool::prelude::*;
use unspool_tests::{Parts, assert_close, fixture, tensor};

const TOLERANCE: f64 = 1e-10;

type V<'t> = Var<'t, f64>;

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Holds a stack of cells against one case: outputs, last states and all gradients.
fn check<C>(case: &Value, cell: impl Fn(&mut Rng, usize, usize) -> C)
where
    C: Params<Tensor<f64>>,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    let name = format!("{} {}", case["cell"], case["name"]);
    let close = |what: String, got: &Tensor<f64>, expected: &Value| {
        assert_close(&format!("{name}: {what}"), got, &tensor(expected), TOLERANCE);
    };
    // The cell as `new` makes it, with the fixture's numbers: names and shapes must be the same.
    let fill = |layer: &Value, (inputs, hidden)| {
        let mut cell = cell(&mut rng(0), inputs, hidden);
        let (names, weights) = (cell.names(), layer["weights"].as_object().unwrap());
        assert_eq!(names.len(), weights.len(), "{name}: weights");
        for (leaf, parameter) in cell.leaves_mut().into_iter().zip(names) {
            let given = tensor(&weights[&parameter]);
            assert_eq!(leaf.shape(), given.shape(), "{name}: shape of {parameter}");
            *leaf = given;
        }
        Recurrent::new(cell)
    };

    let tape = Tape::new();
    let x = tape.variable(&tensor(&case["x"]));
    let mut xs = if case["reverse"] == true { x.flip(0) } else { x };
    let mut loss = (xs * 0.0).sum();
    let (mut nets, mut states) = (Vec::new(), Vec::new());
    for layer in list(&case["layers"]) {
        let last = || list(&layer["h_n"]).last().map(|h| tensor(h).shape()[1]).unwrap();
        let hidden = case["hidden"].as_u64().map_or_else(last, |hidden| hidden as usize);
        let net = tape.bind(&fill(layer, (xs.shape()[2], hidden)));
        let run = if layer["h0"].is_null() {
            states.push(Vec::new());
            net.forward(xs)
        } else {
            let state: Vec<V> = list(&layer["h0"]).iter().map(|h| tape.variable(&tensor(h))).collect();
            states.push(state.clone());
            net.run(xs, Some(Parts::from_parts(&state)), Context::default())
        };
        xs = run.sequence();
        let last = run.state().parts();
        assert_eq!(last.len(), list(&layer["h_n"]).len(), "{name}: parts of the state");
        for (i, part) in last.into_iter().enumerate() {
            close(format!("h_n {i}"), &part.value(), &layer["h_n"][i]);
            loss = loss + (part * tape.constant(&tensor(&layer["g_h_n"][i]))).sum();
        }
        nets.push(net);
    }
    close("outputs".into(), &xs.value(), &case["outputs"]);
    loss = loss + (xs * tape.constant(&tensor(&case["g_outputs"]))).sum();

    let gradients = loss.backward();
    close("d_x".into(), &gradients.wrt(x), &case["d_x"]);
    for ((net, state), layer) in nets.iter().zip(states).zip(list(&case["layers"])) {
        let of_cell = gradients.of(&net.cell);
        of_cell.visit_leaves(Path::ROOT, &mut |path, gradient| {
            close(format!("gradient of {path}"), gradient, &layer["grads"][path.to_string()]);
        });
        for (i, part) in state.into_iter().enumerate() {
            close(format!("d_h0 {i}"), &gradients.wrt(part), &layer["d_h0"][i]);
        }
    }
}

fn activation(case: &Value) -> Activation {
    activation_named(case["activation"].as_str().unwrap())
}

fn activation_named(name: &str) -> Activation {
    match name {
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "relu" => Activation::Relu,
        "leaky_relu" => Activation::LeakyRelu(0.2),
        "elu" => Activation::Elu(1.3),
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "softplus" => Activation::Softplus,
        "hardsigmoid" => Activation::HardSigmoid,
        "hardtanh" => Activation::HardTanh,
        "identity" => Activation::Identity,
        other => panic!("unknown activation {other}"),
    }
}

fn check_file(file: &str, cells: &[&str]) {
    let cases = fixture(file);
    let names: Vec<&str> = list(&cases).iter().map(|case| case["cell"].as_str().unwrap()).collect();
    assert_eq!(names, cells, "{file}");
    for case in list(&cases) {
        match case["cell"].as_str().unwrap() {
            "simple_rnn" => check(case, |rng, i, h| SimpleRnn::new(rng, i, h).activation(activation(case))),
            "lstm" => check(case, Lstm::new),
            "peephole_lstm" => check(case, PeepholeLstm::new),
            "cifg_lstm" => check(case, CifgLstm::new),
            "projected_lstm" => check(case, |rng, i, h| ProjectedLstm::new(rng, i, h, 2)),
            "layer_norm_lstm" => check(case, LayerNormLstm::new),
            "slstm" => check(case, Slstm::new),
            "gru" => check(case, Gru::new),
            "gru_reset_before" => check(case, GruResetBefore::new),
            "layer_norm_gru" => check(case, LayerNormGru::new),
            "mgu" => check(case, Mgu::new),
            "min_gru" => check(case, MinGru::new),
            "min_lstm" => check(case, MinLstm::new),
            "ind_rnn" => check(case, IndRnn::new),
            "qrnn" => check(case, Qrnn::new),
            "lru" => check(case, Lru::new),
            "rg_lru" => check(case, |rng, _, h| RgLru::new(rng, h)),
            "mlstm" => check(case, |rng, i, h| Mlstm::new(rng, i, h, 2)),
            other => panic!("the fixture has a cell {other} that this test does not know"),
        }
    }
}

#[test]
fn lstm_agrees_with_pytorch() {
    check_file("lstm_torch.json", &["lstm", "lstm", "projected_lstm"]);
}

#[test]
fn gru_agrees_with_pytorch() {
    check_file("gru_torch.json", &["gru", "gru"]);
}

#[test]
fn lstm_agrees_with_keras_forwards_and_backwards() {
    check_file("lstm_keras.json", &["lstm", "lstm"]);
}

#[test]
fn both_grus_agree_with_keras_forwards_and_backwards() {
    check_file("gru_keras.json", &["gru", "gru", "gru_reset_before", "gru_reset_before"]);
}

#[test]
fn variants_of_the_lstm_agree_with_their_papers() {
    check_file("lstm_papers.json", &["peephole_lstm", "cifg_lstm", "layer_norm_lstm", "slstm"]);
}

#[test]
fn variants_of_the_gru_agree_with_their_papers() {
    check_file("gru_papers.json", &["layer_norm_gru", "mgu", "min_gru", "min_lstm", "ind_rnn"]);
}

#[test]
fn cells_that_are_linear_in_their_state_agree_with_their_papers() {
    check_file("linear_papers.json", &["qrnn", "lru", "rg_lru", "mlstm"]);
}

#[test]
fn every_activation_agrees_with_pytorch() {
    check_file("activations_torch.json", &["simple_rnn"; 11]);
}

#[test]
fn gated_cells_with_other_functions_agree_with_keras() {
    let cases = fixture("gated_activations_keras.json");
    assert_eq!(list(&cases).len(), 5);
    for case in list(&cases) {
        let named = |key: &str| match case[key].as_str().unwrap() {
            "elu" => Activation::Elu(1.0), // Keras's alpha
            name => activation_named(name),
        };
        let [outer, gates] = ["activation", "recurrent_activation"].map(named);
        match case["cell"].as_str().unwrap() {
            "lstm" => check(case, |rng, i, h| Lstm::new(rng, i, h).activation(outer).recurrent_activation(gates)),
            "gru" => check(case, |rng, i, h| Gru::new(rng, i, h).activation(outer).recurrent_activation(gates)),
            "gru_reset_before" => {
                check(case, |rng, i, h| GruResetBefore::new(rng, i, h).activation(outer).recurrent_activation(gates));
            }
            other => panic!("unknown cell {other}"),
        }
    }
}
