//! Buffers: leaves that are no parameters. What a tape and its transforms make of them.

use unspool::ParamsExt;
use unspool::autograd::{Path, hvp, jvp, vjp};
use unspool::prelude::*;
use unspool_tests::panic_of;

#[derive(Params)]
struct Child<P> {
    gain: P,
    #[params(buffer)]
    mean: P,
}

/// Buffers in all forms that fields take.
#[derive(Params)]
struct Zoo<P, C> {
    weight: P,
    #[params(buffer)]
    leaf: P,
    #[params(buffer)]
    some: Option<P>,
    #[params(buffer)]
    none: Option<P>,
    #[params(buffer)]
    list: Vec<P>,
    #[params(buffer)]
    pair: [P; 2],
    #[params(buffer)]
    child: Dense<P>,
    #[params(buffer)]
    children: Vec<Dense<P>>,
    #[params(buffer)]
    generic: C,
    inner: Child<P>,
    bias: P,
}

#[derive(Params)]
struct Tuple<P>(P, #[params(buffer)] P);

fn filled(value: f64) -> Tensor<f64> {
    Tensor::full(value, [2])
}

fn dense_of(value: f64) -> Dense<Tensor<f64>> {
    Dense { weight: Tensor::full(value, [2, 1]), bias: Tensor::full(value, [1]) }
}

fn zoo() -> Zoo<Tensor<f64>, Tuple<Tensor<f64>>> {
    Zoo {
        weight: filled(1.0),
        leaf: filled(2.0),
        some: Some(filled(3.0)),
        none: None,
        list: vec![filled(4.0), filled(5.0)],
        pair: [filled(6.0), filled(7.0)],
        child: dense_of(8.0),
        children: vec![dense_of(9.0)],
        generic: Tuple(filled(10.0), filled(11.0)),
        inner: Child { gain: filled(12.0), mean: filled(13.0) },
        bias: filled(14.0),
    }
}

#[test]
fn every_form_of_field_may_be_a_buffer() {
    let mut model = zoo();
    let (mut parameters, mut buffers) = (Vec::new(), Vec::new());
    model.visit_leaves(Path::ROOT, &mut |path, _| match path.is_buffer() {
        true => buffers.push(path.to_string()),
        false => parameters.push(path.to_string()),
    });
    assert_eq!(parameters, ["weight", "inner.gain", "bias"]);
    let expected = "leaf some list.0 list.1 pair.0 pair.1 child.weight child.bias children.0.weight children.0.bias \
                    generic.0 generic.1 inner.mean";
    assert_eq!(buffers.join(" "), expected);
    // The three walks agree.
    let flags = |model: &Zoo<_, _>| {
        let mut flags = Vec::new();
        model.visit_leaves(Path::ROOT, &mut |path, _: &Tensor<f64>| flags.push(path.is_buffer()));
        flags
    };
    let mut mapped = Vec::new();
    let copy = model.map_leaves(Path::ROOT, &mut |path, leaf| {
        mapped.push(path.is_buffer());
        leaf.clone()
    });
    let mut mutable = Vec::new();
    model.visit_leaves_mut(Path::ROOT, &mut |path, _| mutable.push(path.is_buffer()));
    assert_eq!((&mapped, &mutable), (&flags(&copy), &flags(&model)));

    assert_eq!((model.names(), model.parameter_count()), (parameters, 6));
    let first = |leaves: Vec<&Tensor<f64>>| leaves.into_iter().map(|leaf| leaf.at([0])).collect::<Vec<_>>();
    assert_eq!(first(model.leaves()), [1.0, 12.0, 14.0]);
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = filled(0.0));
    assert_eq!((model.leaf, model.inner.gain), (filled(2.0), filled(0.0)));

    let tuple = Tuple(filled(0.0), filled(1.0));
    assert_eq!(tuple.names(), ["0"]);
    let cast = zoo().cast::<f32>();
    assert_eq!((cast.leaf.to_vec(), cast.inner.mean.to_vec()), (vec![2f32; 2], vec![13f32; 2]));
    assert_eq!(zoo().zeros_like().leaf, filled(0.0));
}

/// Two weights and a running mean of one.
#[derive(Params)]
struct Model<P> {
    weight: P,
    inner: Child<P>,
}

fn model() -> Model<Tensor<f64>> {
    let [weight, gain, mean] = [[0.5, -1.0], [2.0, 3.0], [0.25, -0.5]].map(|values| Tensor::from_slice(&values, [2]));
    Model { weight, inner: Child { gain, mean } }
}

fn loss<'t, T: Scalar>(net: &Model<Var<'t, T>>) -> Var<'t, T> {
    ((net.weight - net.inner.mean).square() * net.inner.gain * net.inner.mean).sum()
}

#[test]
fn a_buffer_is_a_constant_of_the_tape() {
    let (model, tape) = (model(), Tape::new());
    let net = tape.bind(&model);
    let gradients = loss(&net).backward();
    let (message, ..) = panic_of(|| drop(gradients.wrt(net.inner.mean)));
    assert_eq!(message, "gradient: a constant has none");
    let of_net = gradients.of(&net);
    assert_eq!(of_net.inner.mean, Tensor::zeros([2]));
    assert_eq!(of_net.inner.gain.to_vec(), [0.0625 * 0.25, 0.25 * -0.5]);
    assert_eq!(of_net.weight.to_vec(), [0.25 * 2.0 * 2.0 * 0.25, -0.5 * 2.0 * 3.0 * -0.5]);
    // What depends on buffers alone is constant.
    let (message, ..) = panic_of(|| drop(net.inner.mean.sum().backward()));
    assert_eq!(message, "backward: the loss depends on no variable of its tape");
    // A gradient is a tensor like any other.
    let mut of_net = of_net;
    of_net.inner.mean.as_mut_slice().fill(1.0);
    assert_eq!(of_net.inner.mean, Tensor::ones([2]));
}

#[test]
fn derivatives_are_with_respect_to_parameters() {
    gradcheck(&model(), |_, net| loss(net)).unwrap();
    // No direction moves a buffer.
    let along = |buffer: f64| Model {
        weight: filled(1.0),
        inner: Child { gain: filled(0.5), mean: Tensor::full(buffer, [2]) },
    };
    let still = jvp(&model(), &along(0.0), |_, net| loss(net));
    assert_eq!(jvp(&model(), &along(7.0), |_, net| loss(net)), still);
    let (_, gradient) = vjp(&model(), &Tensor::scalar(1.0), |_, net| loss(net));
    assert_eq!(gradient.inner.mean, filled(0.0));
    let slope: f64 = gradient.weight.sum().item() + 0.5 * gradient.inner.gain.sum().item();
    assert!((still.1.item() - slope).abs() < 1e-15);

    let (gradient, product) = hvp(&model(), &along(7.0), |_, net| loss(net));
    let (_, expected) = hvp(&model(), &along(0.0), |_, net| loss(net));
    assert_eq!((&product.weight, &product.inner.gain), (&expected.weight, &expected.inner.gain));
    assert_eq!((gradient.inner.mean, product.inner.mean), (filled(0.0), filled(0.0)));
}
