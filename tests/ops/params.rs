//! `#[derive(Params)]` on the shapes of structs that models take.

use unspool::ParamsExt;
use unspool::autograd::Path;
use unspool::prelude::*;

/// Leaves, children, lists, options, arrays, configuration, a generic child and a lifetime-free const.
#[derive(Params)]
struct Zoo<P, C, const N: usize> {
    leaf: P,
    child: Dense<P>,
    list: Vec<Dense<P>>,
    some: Option<Dense<P>>,
    none: Option<Dense<P>>,
    array: [Dense<P>; 2],
    maybe: Option<P>,
    gates: Vec<P>,
    pair: [P; 2],
    generic: C,
    sizes: [usize; N],
    #[params(skip)]
    note: Option<&'static str>,
}

#[derive(Params)]
struct Tuple<P>(P, Dense<P>);

fn dense_of(value: f32) -> Dense<Tensor> {
    Dense { weight: Tensor::full(value, [2, 3]), bias: Tensor::full(value, [3]) }
}

fn zoo() -> Zoo<Tensor, Tuple<Tensor>, 3> {
    Zoo {
        leaf: Tensor::full(1.0, [4]),
        child: dense_of(2.0),
        list: vec![dense_of(3.0), dense_of(4.0)],
        some: Some(dense_of(5.0)),
        none: None,
        array: [dense_of(6.0), dense_of(7.0)],
        maybe: Some(Tensor::full(7.25, [])),
        gates: vec![Tensor::full(7.5, [])],
        pair: [Tensor::full(7.75, []), Tensor::full(7.875, [])],
        generic: Tuple(Tensor::full(8.0, []), dense_of(9.0)),
        sizes: [1, 2, 3],
        note: Some("kept"),
    }
}

#[test]
fn names_follow_the_fields() {
    let expected = "leaf child.weight child.bias list.0.weight list.0.bias list.1.weight list.1.bias some.weight \
                    some.bias array.0.weight array.0.bias array.1.weight array.1.bias maybe gates.0 pair.0 pair.1 generic.0 generic.1.weight \
                    generic.1.bias";
    assert_eq!(zoo().names().join(" "), expected);
    assert_eq!(zoo().parameter_count(), 4 + 7 * 9 + 4 + 1);
}

#[test]
fn mapping_keeps_configuration_and_order() {
    let doubled = zoo().map_leaves(Path::ROOT, &mut |_, leaf: &Tensor| leaf.map(|x| 2.0 * x));
    assert_eq!((doubled.sizes, doubled.note, doubled.none.is_none()), ([1, 2, 3], Some("kept"), true));
    let first = |model: &Zoo<Tensor, Tuple<Tensor>, 3>| -> Vec<f32> {
        model.leaves().iter().map(|leaf| leaf.to_vec()[0]).collect()
    };
    assert_eq!(first(&doubled), first(&zoo()).iter().map(|x| 2.0 * x).collect::<Vec<_>>());
}

#[test]
fn models_bind_cast_and_come_back_as_gradients() {
    let model = zoo().cast::<f64>();
    let tape = Tape::new();
    let net = tape.bind(&model);
    let loss = net.array[1].weight.square().sum() + net.generic.0 * 3.0 + net.leaf.sum();
    let gradients: Zoo<Tensor<f64>, Tuple<Tensor<f64>>, 3> = loss.backward().of(&net);
    assert_eq!(gradients.array[1].weight, Tensor::full(14.0, [2, 3]));
    assert_eq!(gradients.generic.0.item(), 3.0);
    assert_eq!(gradients.leaf, Tensor::ones([4]));
    assert_eq!(gradients.child.bias, Tensor::zeros([3]), "not part of the loss");
    assert_eq!(gradients.note, Some("kept"));
}

#[test]
fn a_weight_used_twice_is_tied() {
    let model = Tuple(Tensor::scalar(3.0f64), dense_of(0.0).cast());
    let tape = Tape::new();
    let net = tape.bind(&model);
    assert_eq!((net.0 * net.0 * net.0).backward().of(&net).0.item(), 27.0);
}

#[test]
fn zeros_like_keeps_shapes() {
    let zeros = zoo().zeros_like();
    assert_eq!(zeros.names(), zoo().names());
    assert!(zeros.leaves().iter().zip(zoo().leaves()).all(|(a, b)| **a == Tensor::zeros(b.shape())));
}

#[test]
fn models_are_shared_between_threads_and_tapes_move_to_them() {
    fn shared<S: Send + Sync>() {}
    fn moved<S: Send>() {}
    shared::<Zoo<Tensor, Tuple<Tensor>, 3>>();
    moved::<Tape>();
}

/// Types passed to a macro keep the span of the call; the names around them are the derive's.
macro_rules! model {
    ($name:ident { $($field:ident: $ty:ty),* }) => {
        #[derive(Params)]
        struct $name<P> { $($field: $ty),* }
    };
    (around $name:ident, $child:ty) => {
        #[derive(Params)]
        struct $name<P> { child: $child, bias: P, all: Vec<$child> }
    };
    (named $name:ident, $child:ident, $field:ident) => {
        #[derive(Params)]
        struct $name<P> { $field: $child<P>, bias: P }
    };
}

model!(Handed { leaf: P, child: Dense<P>, list: Vec<P>, maybe: Option<Dense<P>>, pair: [P; 2], size: usize });
model!(around Around, Dense<P>);
model!(named Named, Dense, child);

#[test]
fn a_macro_may_write_a_model() {
    let handed = Handed {
        leaf: Tensor::full(1.0, [4]),
        child: dense_of(2.0),
        list: vec![Tensor::full(3.0, [])],
        maybe: Some(dense_of(4.0)),
        pair: [Tensor::full(5.0, []), Tensor::full(6.0, [])],
        size: 7,
    };
    let names = "leaf child.weight child.bias list.0 maybe.weight maybe.bias pair.0 pair.1";
    assert_eq!(handed.names().join(" "), names);
    assert_eq!(handed.zeros_like().size, 7);
    let around = Around { child: dense_of(1.0), bias: Tensor::full(2.0, [3]), all: vec![dense_of(3.0)] };
    assert_eq!(around.names().join(" "), "child.weight child.bias bias all.0.weight all.0.bias");
    let named = Named { child: dense_of(1.0), bias: Tensor::full(2.0, [3]) };
    assert_eq!(named.names().join(" "), "child.weight child.bias bias");
    let tape = Tape::new();
    let net = tape.bind(&around);
    assert_eq!((net.bias.sum() + net.child.bias.sum()).backward().of(&net).bias.to_vec(), [1.0; 3]);
}
