//! A model as a table: its layers, and what their parameters are like.

use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Stack};
use unspool::{Gru, summary};

#[derive(Params)]
struct Model<P> {
    list: Vec<Dense<P>>,
    stack: Stack<Bidirectional<Gru<P>>>,
    scale: P,
    none: Option<P>,
    empty: P,
}

#[derive(Params)]
struct Centered<P> {
    inner: Inner<P>,
    #[params(buffer)]
    mask: P,
}

#[derive(Params)]
struct Inner<P> {
    weight: P,
    #[params(buffer)]
    mean: Option<P>,
}

fn lines(table: impl ToString) -> Vec<String> {
    table.to_string().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn layers_have_their_parameters_and_what_these_are_like() {
    let rng = &mut rng(0);
    let gru = Bidirectional::new(Gru::<Tensor<f64>>::new(rng, 2, 3), Gru::new(rng, 2, 3));
    let row = |values: &[f64]| Tensor::from_slice(values, [1, values.len()]);
    let mut model = Model {
        list: vec![
            Dense { weight: row(&[0.5, 1.5]), bias: Tensor::from_slice(&[1.0 / 3.0], [1]) },
            Dense { weight: row(&[1.0, 2.0, 3.0, 4.0, 5.0]), bias: Tensor::from_slice(&[0.0, 1.0, -2.0, 1.0], [4]) },
        ],
        stack: Stack::new([gru]),
        scale: Tensor::zeros([]),
        none: None,
        empty: Tensor::zeros([0, 3]),
    };
    let x_weight = model.stack.layers[0].forward.cell.x.weight.clone();
    model.stack.layers[0].backward.cell.x.weight = x_weight.clone();
    let mean = x_weight.mean().item();
    let deviation = x_weight.map(|w| (w - mean) * (w - mean)).mean().item().sqrt();
    let uniform = format!("[2, 9] 18 {mean:.4} ± {deviation:.4}");
    let mut expected = vec!["layer shape parameters values".to_string()];
    expected.extend(["list.0 3", "weight [1, 2] 2 1.0000 ± 0.5000", "bias [1] 1 0.3333"].map(String::from));
    expected.extend(["list.1 9", "weight [1, 5] 5 3.0000 ± 1.4142", "bias [4] 4 0 or 1 or -2"].map(String::from));
    expected.push("stack 114".into());
    for direction in ["forward", "backward"] {
        let cell = format!("layers.0.{direction}.cell");
        expected.extend([format!("{cell}.x.weight {uniform}"), format!("{cell}.x.bias [9] 9 0")]);
        expected.extend([format!("{cell}.u [3, 9] 27 orthogonal"), format!("{cell}.recurrent_bias [3] 3 0")]);
    }
    expected.extend(["scale [] 1 0", "empty [0, 3] 0", "127 parameters in 14 tensors"].map(String::from));
    assert_eq!(lines(summary(&model)), expected);

    // One element of one gate, and it is orthogonal no more.
    let u = &mut model.stack.layers[0].forward.cell.u;
    *u = Tensor::from_fn([3, 9], |i| u.at([i / 9, i % 9]) + if i == 26 { 1e-3 } else { 0.0 });
    let orthogonal = lines(summary(&model)).iter().filter(|line| line.ends_with("orthogonal")).count();
    assert_eq!(orthogonal, 1);
}

#[test]
fn buffers_are_marked_and_not_counted() {
    let inner = Inner { weight: Tensor::<f32>::zeros([2, 3]), mean: Some(Tensor::ones([3])) };
    let mut model = Centered { inner, mask: Tensor::zeros([4]) };
    let expected = [
        "layer shape parameters values",
        "inner 6",
        "weight [2, 3] 6 0",
        "mean [3] buffer 1",
        "mask [4] buffer 0",
        "6 parameters in 1 tensors, and 2 buffers",
    ];
    assert_eq!(lines(summary(&model)), expected);
    model.inner.mean = None;
    assert_eq!(lines(summary(&model)).last().unwrap(), "6 parameters in 1 tensors, and 1 buffer");
}

#[test]
fn a_model_without_parameters_is_an_empty_table() {
    assert_eq!(lines(summary::<f32, _>(&())), ["layer shape parameters values", "0 parameters in 0 tensors"]);
}
