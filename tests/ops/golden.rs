//! Values and gradients against those of PyTorch and Keras, computed by `fixtures/generate.py`.

use serde_json::Value;
use unspool::Indices;
use unspool::autograd::{Nested, hvp};
use unspool::layers::Activation;
use unspool::ops::Convolution;
use unspool::prelude::*;
use unspool_tests::{assert_close, fixture, indices, integers, tensor};

const TOLERANCE: f64 = 1e-10;

fn apply<'t, T: Scalar>(case: &Value, x: &[Var<'t, T>]) -> Var<'t, T> {
    match case["op"].as_str().unwrap() {
        "add" => x[0] + x[1],
        "sub" => x[0] - x[1],
        "mul" => x[0] * x[1],
        "div" => x[0] / x[1],
        "neg" => -x[0],
        "square" => x[0].square(),
        "tanh" => x[0].tanh(),
        "sigmoid" => x[0].sigmoid(),
        "relu" => x[0].relu(),
        "sqrt" => x[0].sqrt(),
        "exp" => x[0].exp(),
        "expm1" => x[0].expm1(),
        "ln" => x[0].ln(),
        "ln1p" => x[0].ln1p(),
        "sin" => x[0].sin(),
        "cos" => x[0].cos(),
        "atan" => x[0].atan(),
        "atan atan2" => x[0].atan2(x[1]),
        "erf" => x[0].erf(),
        "erf erfc" => x[0].erfc(),
        "lgamma" => x[0].lgamma(),
        "lgamma digamma" => x[0].digamma(),
        "abs" => x[0].abs(),
        "sign" => x[0].sign(),
        "floor" => x[0].floor(),
        "ceil" => x[0].ceil(),
        "round" => x[0].round(),
        "trunc" => x[0].trunc(),
        "remainder" => x[0].remainder(x[1]),
        "reciprocal" => x[0].reciprocal(),
        "softplus" => x[0].softplus(),
        "silu" => x[0].silu(),
        "hardsigmoid" => x[0].hardsigmoid(),
        "clamp hardtanh" => x[0].hardtanh(),
        "clamp" => x[0].clamp(number(&case["min"]), number(&case["max"])),
        "leaky_relu" => x[0].leaky_relu(number(&case["slope"])),
        "elu" => x[0].elu(number(&case["alpha"])),
        "selu" => x[0].selu(),
        "mish" => x[0].mish(),
        "softsign" => x[0].softsign(),
        "logsigmoid" => x[0].logsigmoid(),
        "hardswish" => x[0].hardswish(),
        "gelu" => x[0].gelu(),
        "gelu tanh" => x[0].gelu_tanh(),
        "pow" => x[0].pow(x[1]),
        "pow integer" => x[0].powi(signed(&case["exponent"]) as i32),
        "pow number" => x[0].powf(number(&case["exponent"])),
        "maximum minimum" => x[0].minimum(x[1]),
        "maximum" => x[0].maximum(x[1]),
        "where_" => x[0].where_(x[1], x[2]),
        "lerp" => x[0].lerp(x[1], x[2]),
        "matmul" => x[0].matmul(x[1]),
        "sum" => x[0].sum(),
        "mean" => x[0].mean(),
        "sum axes" => x[0].sum_axes(&integers(&case["axes"])),
        "mean axes" => x[0].mean_axes(&integers(&case["axes"])),
        "prod" => x[0].prod_axes(&integers(&case["axes"])),
        "max" => x[0].max_axes(&integers(&case["axes"])),
        "max min" => x[0].min_axes(&integers(&case["axes"])),
        "var" => x[0].var_axes(&integers(&case["axes"]), integer(&case["correction"])),
        "var std" => x[0].std_axes(&integers(&case["axes"]), integer(&case["correction"])),
        "norm" => x[0].norm_axes(&integers(&case["axes"])),
        "logsumexp" => x[0].logsumexp_axes(&integers(&case["axes"])),
        "softmax" => x[0].softmax(integer(&case["axis"])),
        "log_softmax" => x[0].log_softmax(integer(&case["axis"])),
        "cumsum" => x[0].cumsum(integer(&case["axis"])),
        "expand" => x[0].expand(&integers(&case["shape"])[..]),
        "flip" => x[0].flip(integer(&case["axis"])),
        "pad" => x[0].pad(integer(&case["axis"]), integer(&case["before"]), integer(&case["after"])),
        "pad number" => {
            let [axis, before, after] = ["axis", "before", "after"].map(|name| integer(&case[name]));
            x[0].pad_with(axis, before, after, number(&case["number"]))
        }
        "roll" => x[0].roll(integer(&case["axis"]), signed(&case["shift"])),
        "tril" => x[0].tril(signed(&case["diagonal"])),
        "tril triu" => x[0].triu(signed(&case["diagonal"])),
        "vec_to_tril_matrix" => x[0].vec_to_tril_matrix(signed(&case["diagonal"])),
        "vec_to_tril_matrix back" => x[0].tril_matrix_to_vec(signed(&case["diagonal"])),
        "sort" => at_places(x[0].sort(integer(&case["axis"])), case),
        "sort topk" => at_places(x[0].topk(integer(&case["axis"]), integer(&case["k"])), case),
        "concat" => Var::concat(integer(&case["axis"]), x),
        "index_select" => x[0].index_select(integer(&case["axis"]), integers(&case["index"])),
        "reshape" => x[0].reshape(&integers(&case["shape"])[..]),
        "permute" => x[0].permute(&integers(&case["order"])),
        "select" => x[0].select(integer(&case["axis"]), integer(&case["index"])),
        "slice" => {
            let start = integer(&case["start"]);
            x[0].slice(integer(&case["axis"]), start..start + integer(&case["len"]))
        }
        "stack" => Var::stack(integer(&case["axis"]), x),
        "cumprod" => x[0].cumprod(integer(&case["axis"])),
        "linear_recurrence" => Var::linear_recurrence(x[0], x[1], x[2]),
        "lerp_recurrence" => Var::lerp_recurrence(x[0], x[1], x[2]),
        "linear_recurrence complex" => {
            let (re, im) = Var::complex_linear_recurrence((x[0], x[1]), (x[2], x[3]), (x[4], x[5]));
            Var::stack(0, &[re, im])
        }
        "linear" => x[0].linear(x[1], x[2]),
        "dot" => x[0].dot(x[1]),
        "dot outer" => x[0].outer(x[1]),
        "einsum" => Var::einsum(case["formula"].as_str().unwrap(), x[0], x[1]),
        "conv1d" => {
            let [stride, before, after, dilation] =
                ["stride", "before", "after", "dilation"].map(|name| integer(&case[name]));
            x[0].conv1d(x[1], Convolution { stride, before, after, dilation })
        }
        "layer_norm" => x[0].layer_norm(number(&case["epsilon"])),
        "rms_norm" => x[0].rms_norm(number(&case["epsilon"])),
        "rms_norm affine" => x[0].rms_norm_affine(x[1], number(&case["epsilon"])),
        "repeat" => x[0].repeat(integer(&case["axis"]), integer(&case["times"])),
        "gather" => x[0].gather(integer(&case["axis"]), indices(&case["places"])),
        "gather take_along" => x[0].take_along(integer(&case["axis"]), indices(&case["places"])),
        "scatter_add" => x[0].scatter_add(integer(&case["axis"]), indices(&case["places"]), x[1]),
        "where_ masked_fill" => {
            x[0].masked_fill(x[0].tape().constant(&tensor(&case["mask"]).cast()), number(&case["number"]))
        }
        "index_select embedding" => x[0].index_select(0, indices(&case["tokens"])),
        "slice step" => {
            let [start, end, step] = ["start", "end", "step"].map(|name| signed(&case[name]));
            x[0].slice_step(integer(&case["axis"]), start..end, step)
        }
        "permute transpose" => x[0].transpose(integer(&case["a"]), integer(&case["b"])),
        other => panic!("the fixture has an op {other} that this test does not know"),
    }
}

fn integer(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn signed(value: &Value) -> isize {
    value.as_i64().unwrap() as isize
}

/// The values, whose positions must be those of the case.
fn at_places<'t, T: Scalar>((values, positions): (Var<'t, T>, Indices), case: &Value) -> Var<'t, T> {
    assert_eq!(positions, indices(&case["places"]));
    values
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

const FILES: [&str; 5] = ["ops", "reductions", "sequence_ops", "recurrences", "special"];

#[test]
fn every_op_agrees_with_pytorch() {
    let cases = FILES.map(|file| fixture(&format!("{file}_torch.json")));
    let mut seen = std::collections::BTreeSet::new();
    for case in cases.iter().flat_map(list) {
        let name = case["op"].as_str().unwrap();
        seen.insert(name.split(' ').next().unwrap()); // "sum axes" is a form of "sum"
        let tape = Tape::new();
        let inputs: Vec<Var<f64>> = list(&case["inputs"]).iter().map(|x| tape.variable(&tensor(x))).collect();
        let y = apply(case, &inputs);
        assert_close(name, &y.value(), &tensor(&case["output"]), TOLERANCE);
        let gradients = (y * tape.constant(&tensor(&case["g"]))).sum().backward();
        // PyTorch's gradient of hardsigmoid has 1/6 rounded to f32.
        let tolerance = if name == "hardsigmoid" { 1e-7 } else { TOLERANCE };
        for (x, expected) in inputs.iter().zip(list(&case["grads"])) {
            assert_close(&format!("gradient of {name}"), &gradients.wrt(*x), &tensor(expected), tolerance);
        }
    }
    seen.insert("dropout"); // draws its own numbers: see `dropout_leaves_out_a_share_of_the_elements`
    assert_eq!(seen, unspool::ops::NAMES.iter().copied().collect(), "ops with PyTorch's values");
}

/// The gradient of `sum(gradients * c)`, by recorded gradients, against PyTorch's double backward.
#[test]
fn second_derivatives_of_every_op_agree_with_pytorch() {
    let mut held = 0;
    for file in FILES {
        let [cases, seconds] = ["", "_second"].map(|kind| fixture(&format!("{file}{kind}_torch.json")));
        assert_eq!(list(&cases).len(), list(&seconds).len());
        for (case, second) in list(&cases).iter().zip(list(&seconds)) {
            assert_eq!(case["op"], second["op"]);
            let tape = Tape::<Nested<f64>>::new();
            let inputs = list(&case["inputs"]).iter().map(|x| tape.variable(&tensor(x).cast()));
            let inputs: Vec<Var<_>> = inputs.collect();
            let loss = (apply(case, &inputs) * tape.constant(&tensor(&case["g"]).cast())).sum();
            let product = inputs.iter().enumerate().map(|(k, &x)| {
                let c = Tensor::<f64>::from_fn(x.shape(), |i| (((7 * i + 3 * k) % 11) as f64 - 5.0) / 4.0);
                let [gradient] = loss.gradient_wrt([x]);
                (gradient * tape.constant(&c.cast())).sum()
            });
            let product = product.reduce(|a, b| a + b).unwrap();
            let gradients = product.requires_grad().then(|| product.backward());
            for (k, expected) in list(&second["second"]).iter().enumerate().filter(|(_, expected)| !expected.is_null())
            {
                let shape = inputs[k].shape();
                let got = gradients.as_ref().map_or_else(|| Tensor::zeros(shape), |gradients| gradients.wrt(inputs[k]));
                let (got, expected) = (got.cast::<f64>(), tensor(expected));
                // At a kink of the slope, ours is that from the left, PyTorch's that from the right.
                let has_kink = ["elu", "selu"].iter().any(|op| case["op"] == *op);
                let got = match has_kink {
                    true => got.zip3(
                        &inputs[k].value().cast(),
                        &expected,
                        |got, x, right| if x == 0.0 { right } else { got },
                    ),
                    false => got,
                };
                let what = format!("second derivatives of {} with respect to input {k}", case["op"]);
                assert_close(&what, &got, &expected, TOLERANCE);
                held += 1;
            }
        }
    }
    assert!(held > 150, "{held}");
}

/// StackOutput layers, with everything a fixture holds gradients of.
#[derive(Params)]
struct Stack<P> {
    layers: Vec<Recurrent<SimpleRnn<P>>>,
    h0: Vec<State<P>>,
    x: P,
}

#[derive(Params)]
struct State<P> {
    h: P,
}

/// Holds outputs, last states and all gradients of one case against the fixture.
fn check_simple_rnn(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let activation = match case["activation"].as_str().unwrap() {
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        other => panic!("unknown activation {other}"),
    };
    let layers = list(&case["layers"]);
    let layer = |l: &Value| {
        let x = Dense { weight: tensor(&l["w_ih"]), bias: tensor(&l["b"]) };
        Recurrent::new(SimpleRnn { x, u: tensor(&l["w_hh"]), activation })
    };
    let h0 = |states: &Value| list(states).iter().map(|h| State { h: tensor(h) }).collect();
    let model = Stack {
        layers: layers.iter().map(layer).collect(),
        h0: if case["h0"].is_null() { Vec::new() } else { h0(&case["h0"]) },
        x: tensor(&case["x"]),
    };

    let tape = Tape::new();
    let net = tape.bind(&model);
    let (mut xs, mut last) = (net.x, None);
    let mut loss = tape.constant(&Tensor::zeros([]));
    for (i, layer) in net.layers.iter().enumerate() {
        let run = match net.h0.get(i) {
            Some(state) => layer.run(xs, Some(state.h), Context::default()),
            None => layer.forward(xs),
        };
        (xs, last) = (run.sequence(), Some(run.last()));
        if !case["h_n"].is_null() {
            assert_close(&format!("{name}: h_n {i}"), &run.state().value(), &tensor(&case["h_n"][i]), TOLERANCE);
            loss = loss + (run.state() * tape.constant(&tensor(&case["g_h_n"][i]))).sum();
        }
    }
    let expected = tensor(&case["outputs"]);
    let outputs = if expected.rank() == 3 { xs } else { last.unwrap() };
    assert_close(&format!("{name}: outputs"), &outputs.value(), &expected, TOLERANCE);
    loss = loss + (outputs * tape.constant(&tensor(&case["g_outputs"]))).sum();

    let gradients = loss.backward().of(&net);
    let close = |what: String, got: &Tensor<f64>, expected: &Value| {
        assert_close(&format!("{name}: {what}"), got, &tensor(expected), TOLERANCE);
    };
    close("d_x".into(), &gradients.x, &case["d_x"]);
    for (i, (layer, expected)) in gradients.layers.iter().zip(layers).enumerate() {
        close(format!("d_w_ih {i}"), &layer.cell.x.weight, &expected["d_w_ih"]);
        close(format!("d_b {i}"), &layer.cell.x.bias, &expected["d_b"]);
        close(format!("d_w_hh {i}"), &layer.cell.u, &expected["d_w_hh"]);
    }
    for (i, state) in gradients.h0.iter().enumerate() {
        close(format!("d_h0 {i}"), &state.h, &case["d_h0"][i]);
    }
}

#[test]
fn simple_rnn_agrees_with_pytorch() {
    let cases = fixture("simple_rnn_torch.json");
    assert_eq!(list(&cases).len(), 4);
    list(&cases).iter().for_each(check_simple_rnn);
}

#[test]
fn simple_rnn_agrees_with_keras() {
    let cases = fixture("simple_rnn_keras.json");
    assert_eq!(list(&cases).len(), 2);
    list(&cases).iter().for_each(check_simple_rnn);
}

#[test]
fn dense_agrees_with_keras() {
    let case = fixture("dense_keras.json");
    let layer = Dense { weight: tensor(&case["kernel"]), bias: tensor(&case["bias"]) };
    let tape = Tape::new();
    let (net, x) = (tape.bind(&layer), tape.variable(&tensor(&case["x"])));
    let y = net.forward(x);
    assert_close("y", &y.value(), &tensor(&case["y"]), TOLERANCE);
    let gradients = (y * tape.constant(&tensor(&case["g"]))).sum().backward();
    assert_close("d_x", &gradients.wrt(x), &tensor(&case["d_x"]), TOLERANCE);
    assert_close("d_kernel", &gradients.of(&net).weight, &tensor(&case["d_kernel"]), TOLERANCE);
    assert_close("d_bias", &gradients.of(&net).bias, &tensor(&case["d_bias"]), TOLERANCE);
}

#[derive(Params)]
struct Critic<P> {
    x: P,
    w: P,
    u: P,
}

#[test]
fn the_gradient_of_a_gradient_penalty_agrees_with_pytorch() {
    let case = fixture("gradient_penalty_torch.json");
    let critic = Critic { x: tensor(&case["x"]), w: tensor(&case["w"]), u: tensor(&case["u"]) };
    fn loss<'t, T: Scalar>(c: &Critic<Var<'t, T>>) -> Var<'t, T> {
        c.x.matmul(c.w).tanh().matmul(c.u).sigmoid().square().mean()
    }
    let (gradient, _) = hvp(&critic, &critic.zeros_like(), |_, c| loss(c));
    let penalty = gradient.x.map(|g| g * g).sum().item();
    assert!((penalty - number(&case["penalty"])).abs() < TOLERANCE);

    // The penalty's gradient is twice the mixed derivatives along dL/dx.
    let along_x = Critic { x: gradient.x, ..critic.zeros_like() };
    let (_, product) = hvp(&critic, &along_x, |_, c| loss(c));
    assert_close("d_w", &product.w.map(|p| 2.0 * p), &tensor(&case["d_w"]), TOLERANCE);
    assert_close("d_u", &product.u.map(|p| 2.0 * p), &tensor(&case["d_u"]), TOLERANCE);
}

#[test]
fn five_steps_of_adam_agree_with_keras() {
    let case = fixture("adam_keras.json");
    let mut model = State { h: tensor(&case["param"]) };
    let mut adam = Adam::default();
    assert_eq!(list(&case["grads"]).len(), 5);
    for (gradient, after) in list(&case["grads"]).iter().zip(list(&case["after"])) {
        adam.step(&mut model, &State { h: tensor(gradient) });
        assert_close("parameter", &model.h, &tensor(after), 1e-12);
    }
}
