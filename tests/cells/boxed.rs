//! Layers behind one type, and states of a custom type.

use unspool::layers::activations::{self, log_softmax, relu, softmax};
use unspool::layers::{Activation, Boxed, boxed};
use unspool::prelude::*;
use unspool::recurrent::StreamingCell;
use unspool::{Gru, Lstm, Mode, ParamsExt, State, dropout, mse, predict};
use unspool_tests::padded;

fn data() -> Dataset {
    let x = Tensor::<f32>::from_fn([6, 40, 2], |i| (i as f32 * 0.37).sin());
    let y = Tensor::from_fn([40, 1], |i| x.slice(1, i..i + 1).mean().item());
    Dataset::new(x, y).unwrap()
}

fn layer(kind: &str) -> Boxed {
    let rng = &mut rng(3);
    match kind {
        "lstm" => boxed(Recurrent::new(Lstm::new(rng, 2, 5))),
        "gru" => boxed(Recurrent::new(Gru::new(rng, 2, 5))),
        _ => boxed(Recurrent::new(SimpleRnn::new(rng, 2, 5))),
    }
}

#[test]
fn a_boxed_layer_trains_to_the_same_bits() {
    let inside = |rng: &mut Rng| Recurrent::new(Gru::new(rng, 2, 5));
    let mut plain = sequential().add(move |_: &mut Rng| inside(&mut rng(3))).add(dropout(0.2)).add(dense(5, 1));
    let mut choice = sequential().add(layer("gru")).add(dropout(0.2)).add(dense(5, 1));
    assert_eq!(plain.names(), choice.names());
    let losses = [
        fit(&mut plain, &data()).loss(mse).batch_size(8).epochs(3).quiet().run().unwrap().loss,
        fit(&mut choice, &data()).loss(mse).batch_size(8).epochs(3).quiet().run().unwrap().loss,
    ];
    assert_eq!(losses[0], losses[1]);
    assert_eq!(predict(&plain, data().x()), predict(&choice, data().x()));
    let lengths: Vec<usize> = (0..40).map(|i| 1 + i % 6).collect();
    assert_eq!(predict(&plain, &padded(data().x(), &lengths)), predict(&choice, &padded(data().x(), &lengths)));
}

/// The weights are not shared: an optimizer writes to them in place.
#[test]
fn the_weights_of_a_boxed_layer_are_its_own() {
    let mut layers: Vec<Boxed> = ["lstm", "gru", "simple-rnn"].map(layer).into();
    let count = |layers: &[Boxed]| layers.iter().map(ParamsExt::parameter_count).collect::<Vec<_>>();
    assert_eq!(count(&layers), [4 * (2 + 5 + 1) * 5, 3 * (2 + 5 + 1) * 5 + 5, (2 + 5 + 1) * 5]);
    for layer in &mut layers {
        for leaf in layer.leaves_mut() {
            let place = leaf.as_slice().unwrap().as_ptr();
            leaf.as_mut_slice().fill(0.0);
            assert_eq!(leaf.as_slice().unwrap().as_ptr(), place, "copied");
        }
        let y = predict(&*layer, data().x());
        assert_eq!(y.to_vec(), vec![0.0; 40 * 5]);
    }
    let copy = layers[0].clone();
    layers[0].leaves_mut()[0].as_mut_slice().fill(1.0);
    assert_eq!(copy.leaves()[0].to_vec(), vec![0.0; 2 * 20]);
    assert!(format!("{copy:?}").starts_with("{cell.x.weight: "));
}

#[test]
fn a_layer_that_drops_out_does_so_in_a_box() {
    let layer = boxed::<f32, _>(dropout(0.5));
    let tape = Tape::new();
    let (net, x) = (tape.bind(&layer), tape.constant(&Tensor::ones([3, 8])));
    assert_eq!(net.forward(x).value(), x.value());
    let mode = Mode::Training { seed: 5 };
    assert_eq!(net.apply(x, mode.into()).value(), dropout(0.5).apply(x, mode.into()).value());
}

#[test]
fn activations_are_layers() {
    let model = sequential().add(dense(2, 6)).add(relu()).add(dense(6, 4)).add(Activation::Tanh).add(softmax());
    assert_eq!(model.parameter_count(), 2 * 6 + 6 + 6 * 4 + 4);
    let tape = Tape::new();
    let x = tape.constant(&Tensor::from_fn([3, 2], |i| i as f32 - 2.5));
    let (net, y) = (tape.bind(&model), tape.bind(&model).forward(x));
    let (first, second) = (&net.layers.before.before.before.before.layer, &net.layers.before.before.layer);
    let by_hand = second.forward(first.forward(x).relu()).tanh().softmax(1);
    assert_eq!(y.value(), by_hand.value());
    let sequences = tape.constant(&Tensor::<f32>::from_fn([3, 2, 4], |i| i as f32));
    assert_eq!(
        log_softmax().apply(sequences, Context::default().with_lengths(&[3, 1])).value(),
        sequences.log_softmax(2).value()
    );
}

#[test]
fn every_activation_is_a_layer() {
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f64>::from_slice(&[-4.0, -0.5, 0.0, 0.25, 4.0], [5]));
    macro_rules! check {
        ($($name:ident($($parameter:literal)?))*) => {$(
            let layer = activations::$name($($parameter)?);
            assert_eq!(layer.forward(x).value(), x.$name($($parameter)?).value(), stringify!($name));
        )*};
    }
    check!(tanh() sigmoid() relu() leaky_relu(0.1) elu(2.0) selu() gelu() silu() softplus());
    check!(mish() softsign() logsigmoid() hardsigmoid() hardtanh() hardswish());
}

/// Part, list, other state and configuration.
#[derive(Clone, State)]
struct StateDict<P> {
    h: P,
    both: (P, P),
    older: Vec<P>,
    step: usize,
}

#[derive(Params, Clone)]
struct Remembering<P> {
    x: Dense<P>,
}

impl<'t, T: Scalar> Cell<'t, T> for Remembering<Var<'t, T>> {
    type State = StateDict<Var<'t, T>>;

    fn zero_state(&self, batch: usize) -> Self::State {
        let zero = self.x.bias.new_zeros([batch, self.x.bias.shape()[0]]);
        StateDict { h: zero, both: (zero, zero), older: vec![zero; 2], step: 7 }
    }

    fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
        let h = (self.x.forward(x) + state.h * 0.5 + state.older[1] * 0.25).tanh();
        (h, StateDict { h, both: (state.h, h), older: vec![h, state.older[0]], step: state.step })
    }
}

#[test]
fn a_state_of_ones_own_is_packed_carried_and_streamed() {
    let cell = Remembering { x: Dense::<Tensor>::new(&mut rng(0), 2, 3) };
    let layer = Recurrent::new(cell.clone());
    let xs = Tensor::from_fn([5, 4, 2], |i| (i as f32).cos());
    let tape = Tape::new();
    let net = tape.bind(&layer);
    let whole = net.forward(tape.constant(&xs));
    // Of each sequence as far as it goes, as if it were alone.
    let lengths = [5, 2, 4, 1];
    let ragged = net.apply(tape.constant(&xs), Context::default().with_lengths(&lengths));
    for (b, length) in lengths.into_iter().enumerate() {
        let alone = net.forward(tape.constant(&xs.slice(0, ..length).slice(1, b..b + 1)));
        let (found, expected) = (ragged.state(), alone.state());
        for (found, expected) in
            [(found.h, expected.h), (found.older[1], expected.older[1]), (found.both.0, expected.both.0)]
        {
            assert_eq!(found.slice(0, b..b + 1).value(), expected.value(), "sequence {b}");
        }
        assert_eq!(found.step, 7);
    }
    // In two windows.
    let carried: StateDict<Tensor> = net.forward(tape.constant(&xs.slice(0, ..2))).state().detached();
    let rest = net.run(
        tape.constant(&xs.slice(0, 2..)),
        Some(State::attach(tape.constant(&xs.slice(0, 2..)).tape(), &carried)),
        Context::default(),
    );
    assert_eq!(rest.last().value(), whole.last().value());
    // Step by step.
    let mut stream = StreamingCell::new(cell);
    let said = (0..5).map(|t| stream.step(&xs.select(0, t))).last().unwrap();
    assert_eq!(said, whole.last().value());
    gradcheck(&layer, |tape, net| {
        net.apply(tape.constant(&xs.cast()), Context::default().with_lengths(&lengths)).last().square().mean()
    })
    .unwrap();
}
