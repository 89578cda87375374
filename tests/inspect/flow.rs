//! The curves of the one call are those of a loop with `retain_grad`, to the bit.

use crate::by_hand::{self, Loop};
use unspool::autograd::Gradients;
use unspool::cells::*;
use unspool::inspect::{GradientFlow, Jacobian, LayerFlow};
use unspool::layers::{Boxed, boxed};
use unspool::prelude::*;
use unspool::recurrent::wrappers::{Residual, Zoneout};
use unspool::recurrent::{Bidirectional, Stack};
use unspool_tests::{Parts, values};

type V<'t> = Var<'t, f64>;

const TIME: usize = 9;
const BATCH: usize = 3;
const SIZE: usize = 4;
const WHOLE: [usize; BATCH] = [TIME; BATCH];

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Compares one layer with a loop.
#[track_caller]
fn compare<'t>(what: &str, layer: &LayerFlow, by_hand: &Loop<'t>, gradients: &Gradients<'t, f64>) {
    let states = layer.states.iter().filter(|state| state.name != "output");
    for (i, state) in states.enumerate() {
        let (gradient, norm) = by_hand.gradients(gradients, i);
        assert_eq!(bits(&state.gradient.to_vec()), bits(&gradient.to_vec()), "{what}: dL/d{}", state.name);
        assert_eq!(bits(&state.norm), bits(&norm), "{what}: |dL/d{}|", state.name);
        assert!(norm.iter().any(|&norm| norm > 0.0) || state.name == "m", "{what}: {}", state.name);
    }
}

/// The weights of the outputs in the loss.
fn weighted(sequence: V<'_>) -> V<'_> {
    (sequence * sequence.tape().constant(&values(sequence.shape(), 5))).sum()
}

fn inputs() -> Tensor<f64> {
    values([TIME, BATCH, SIZE], 1)
}

/// A cell forwards and backwards in time, with lengths and without.
fn check<C>(what: &str, mut cell: C)
where
    C: Params<Tensor<f64>> + Clone,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    for (salt, leaf) in cell.leaves_mut().into_iter().enumerate() {
        leaf.update(&values(leaf.shape(), 10 + salt as u64), |w, v| w + 0.3 * v);
    }
    for lengths in [WHOLE, [4, TIME, 6]] {
        for reverse in [false, true] {
            let mut model = Recurrent::new(cell.clone());
            model.reverse = reverse;
            let flow = GradientFlow::of(&model, |tape, net| {
                weighted(net.apply(tape.constant(&inputs()), Context::default().with_lengths(&lengths)).sequence())
            });
            let tape = Tape::new();
            let by_hand = by_hand::run(&tape.bind(&model).cell, tape.constant(&inputs()), &lengths, reverse);
            let loss = weighted(by_hand.sequence);
            assert_eq!(loss.item().to_bits(), flow.loss.to_bits(), "{what}: the loss");
            let what = format!("{what}, lengths {lengths:?}, reverse: {reverse}");
            assert_eq!(flow.layers[0].reverse, reverse);
            compare(&what, &flow.layers[0], &by_hand, &loss.backward());
        }
    }
}

#[test]
fn the_curve_of_every_cell_is_that_of_a_loop_with_retain_grad() {
    let rng = &mut rng(3);
    check("SimpleRnn", SimpleRnn::new(rng, SIZE, SIZE));
    check("IndRnn", IndRnn::new(rng, SIZE, SIZE));
    check("Lstm", Lstm::new(rng, SIZE, SIZE));
    check("CifgLstm", CifgLstm::new(rng, SIZE, SIZE));
    check("LayerNormLstm", LayerNormLstm::new(rng, SIZE, SIZE));
    check("PeepholeLstm", PeepholeLstm::new(rng, SIZE, SIZE));
    check("ProjectedLstm", ProjectedLstm::new(rng, SIZE, SIZE, 2));
    check("Slstm", Slstm::new(rng, SIZE, SIZE));
    check("Gru", Gru::new(rng, SIZE, SIZE));
    check("GruResetBefore", GruResetBefore::new(rng, SIZE, SIZE));
    check("LayerNormGru", LayerNormGru::new(rng, SIZE, SIZE));
    check("Mgu", Mgu::new(rng, SIZE, SIZE));
}

#[test]
fn cells_that_compute_many_steps_at_once_go_step_by_step_here() {
    let rng = &mut rng(4);
    check("MinGru", MinGru::new(rng, SIZE, SIZE));
    check("MinLstm", MinLstm::new(rng, SIZE, SIZE));
    check("Qrnn", Qrnn::new(rng, SIZE, SIZE));
    check("Lru", Lru::new(rng, SIZE, SIZE));
    check("RgLru", RgLru::new(rng, SIZE));
    check("Mlstm", Mlstm::new(rng, SIZE, SIZE, 2));
}

#[test]
fn wrapped_cells_have_the_states_and_gates_of_the_inner_one() {
    let rng = &mut rng(5);
    check("Residual", Residual::new(Lstm::new(rng, SIZE, SIZE), SIZE));
    check("Zoneout", Zoneout::new(Gru::new(rng, SIZE, SIZE), 0.1, 0.1));
    let model = Recurrent::new(Residual::new(Zoneout::new(Lstm::<Tensor<f64>>::new(rng, SIZE, SIZE), 0.1, 0.2), SIZE));
    let flow = GradientFlow::of(&model, |tape, net| weighted(net.forward(tape.constant(&inputs())).sequence()));
    let layer = &flow.layers[0];
    assert_eq!(layer.states.iter().map(|state| &state.name[..]).collect::<Vec<_>>(), ["h", "c", "output"]);
    assert_eq!(layer.gates.iter().map(|gate| &gate.name[..]).collect::<Vec<_>>(), ["i", "f", "o"]);
    assert_eq!(layer.name, "cell");
    // The output of a residual cell reaches the loss at its own step alone.
    let expected = values([TIME, BATCH, SIZE], 5).to_vec();
    assert_eq!(bits(&layer.state("output").unwrap().gradient.to_vec()), bits(&expected));
}

#[test]
fn both_directions_have_their_curves() {
    let rng = &mut rng(6);
    let model = Bidirectional::new(Lstm::<Tensor<f64>>::new(rng, SIZE, SIZE), Lstm::new(rng, SIZE, SIZE));
    for lengths in [WHOLE, [4, TIME, 6]] {
        let flow = GradientFlow::of(&model, |tape, net| {
            weighted(net.apply(tape.constant(&inputs()), Context::default().with_lengths(&lengths)).sequence())
        });
        let tape = Tape::new();
        let (net, xs) = (tape.bind(&model), tape.constant(&inputs()));
        let forward = by_hand::run(&net.forward.cell, xs, &lengths, false);
        let backward = by_hand::run(&net.backward.cell, xs, &lengths, true);
        let gradients = weighted(Var::concat(2, &[forward.sequence, backward.sequence])).backward();
        for (name, by_hand) in [("forward.cell", &forward), ("backward.cell", &backward)] {
            compare(name, flow.layer(name).unwrap(), by_hand, &gradients);
        }
    }
}

#[test]
fn stacked_layers_have_their_curves() {
    let rng = &mut rng(7);
    let layers = [Gru::<Tensor<f64>>::new(rng, SIZE, SIZE), Gru::new(rng, SIZE, SIZE)].map(Recurrent::new);
    let model = Stack::new(layers);
    for lengths in [WHOLE, [4, TIME, 6]] {
        let flow = GradientFlow::of(&model, |tape, net| {
            weighted(net.apply(tape.constant(&inputs()), Context::default().with_lengths(&lengths)).sequence())
        });
        let tape = Tape::new();
        let net = tape.bind(&model);
        let lower = by_hand::run(&net.layers[0].cell, tape.constant(&inputs()), &lengths, false);
        let upper = by_hand::run(&net.layers[1].cell, lower.sequence, &lengths, false);
        let gradients = weighted(upper.sequence).backward();
        for (name, by_hand) in [("layers.0.cell", &lower), ("layers.1.cell", &upper)] {
            compare(name, flow.layer(name).unwrap(), by_hand, &gradients);
        }
    }
}

/// Steps outside of a mask are not computed: the state passes them by.
#[test]
fn masked_steps_have_no_gradient_and_pass_that_of_later_steps_on() {
    let model = Recurrent::new(Gru::<Tensor<f64>>::new(&mut rng(8), SIZE, SIZE));
    let (xs, kept) = (values([5, 1, SIZE], 1), [0, 2, 4]);
    let mask = Tensor::from_fn([5, 1], |t| f32::from(u8::from(kept.contains(&t))));
    let masked = GradientFlow::of(&model, |tape, net| {
        net.apply(tape.constant(&xs), Context::default().with_mask(&mask)).last().square().sum()
    });
    let rows = Tensor::concat(0, &kept.map(|t| xs.slice(0, t..t + 1)));
    let short = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&rows)).last().square().sum());
    let (masked, short) = (&masked.layers[0].states[0], &short.layers[0].states[0]);
    for (s, t) in kept.into_iter().enumerate() {
        assert_eq!(bits(&masked.norm[t..=t]), bits(&short.norm[s..=s]));
    }
    assert!(masked.norm[1].is_nan() && masked.norm[3].is_nan());
    assert!(masked.example_norms().to_vec()[1].is_nan() && masked.unit_norms().at([3, 2]).is_nan());
}

/// What a `NaN` does to the picture: it is there, not passed over.
#[test]
fn a_gradient_that_is_nan_is_shown() {
    let model = Recurrent::new(SimpleRnn::<Tensor<f64>>::new(&mut rng(9), 1, 2));
    let flow = GradientFlow::of(&model, |tape, net| {
        let steps = net.forward(tape.constant(&Tensor::ones([3, 2, 1]))).steps();
        (steps[1].slice(0, 1..) * f64::NAN).sum() + steps[2].sum() // of one example
    });
    let norm = &flow.layers[0].states[0].norm;
    assert!(norm[0].is_nan() && norm[1].is_nan() && norm[2].is_finite(), "{norm:?}");
}

/// A decoder reads its own outputs; the layer that ran twice has two names.
#[test]
fn decoders_are_seen_and_repeated_layers_are_numbered() {
    let model = Recurrent::new(Gru::<Tensor<f64>>::new(&mut rng(10), SIZE, SIZE));
    let flow = GradientFlow::of(&model, |tape, net| {
        let encoded = net.forward(tape.constant(&inputs()));
        let decoded = net.decode(encoded.last(), encoded.state(), 4, Default::default(), |_, h| h.tanh());
        decoded.last().square().sum()
    });
    let names: Vec<&str> = flow.layers.iter().map(|layer| &layer.name[..]).collect();
    assert_eq!(names, ["cell", "cell, run 2"]);
    let [encoder, decoder] = [0, 1].map(|i| &flow.layers[i].states[0].norm);
    assert_eq!((encoder.len(), decoder.len()), (TIME, 4));
    assert!(encoder.iter().chain(decoder).all(|&norm| norm > 0.0));
}

#[test]
fn gates_are_counted() {
    let mut cell = Lstm::<Tensor<f64>>::new(&mut rng(11), 1, 2);
    cell.leaves_mut().into_iter().for_each(|leaf| leaf.update(&Tensor::scalar(0.0), |_, zero| zero));
    // Of the two units, i is 1/2 and open, f closed and 1/2; o is 0.052 and 0.953.
    let bias = [0.0, 9.0, -9.0, 0.0, 0.0, 0.0, -2.9, 3.0];
    cell.x.bias = Tensor::from_slice(&bias, [8]);
    let model = Recurrent::new(cell);
    let flow = GradientFlow::of(&model, |tape, net| {
        let xs = tape.constant(&Tensor::ones([3, 2, 1]));
        net.apply(xs, Context::default().with_lengths(&[2, 1])).sequence().sum()
    });
    let layer = &flow.layers[0];
    let half_open = (0.5 + 1.0 / (1.0 + f64::exp(-9.0))) / 2.0;
    let gate = |name: &str| layer.gate(name).unwrap();
    for t in 0..2 {
        assert!((gate("i").mean[t] - half_open).abs() < 1e-15);
        assert!((gate("f").mean[t] - (1.0 - half_open)).abs() < 1e-15);
        assert_eq!((gate("i").closed[t], gate("i").open[t]), (0.0, 0.5));
        assert_eq!((gate("f").closed[t], gate("f").open[t]), (0.5, 0.0));
        assert_eq!((gate("o").closed[t], gate("o").open[t]), (0.0, 0.5));
    }
    assert!(gate("o").mean[2].is_nan());
    assert_eq!(layer.gates.len(), 3);
}

/// A model of the user's, with a layer that was chosen at run time.
#[derive(Params)]
struct Mixed<P> {
    encoder: Boxed<P>,
    rest: Stack<Recurrent<Gru<P>>>,
}

#[test]
fn layers_are_found_in_any_arrangement() {
    let rng = &mut rng(12);
    let encoder = boxed(Recurrent::new(Lstm::<Tensor>::new(rng, SIZE, SIZE)).return_sequences());
    let model = Mixed { encoder, rest: Stack::new([Recurrent::new(Gru::<Tensor>::new(rng, SIZE, SIZE))]) };
    let xs = inputs().cast();
    let flow =
        GradientFlow::of(&model, |tape, net| net.rest.forward(net.encoder.forward(tape.constant(&xs))).last().sum());
    let names: Vec<&str> = flow.layers.iter().map(|layer| &layer.name[..]).collect();
    assert_eq!(names, ["encoder.cell", "rest.layers.0.cell"]);
    assert_eq!(flow.layers[0].parameters[0].name, "encoder.cell.x.weight");
}

/// No sequence has a step, or there is none.
#[test]
fn empty_batches_have_no_norms() {
    let model = Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(13), SIZE, SIZE));
    for (batch, lengths) in [(2, &[0, 0][..]), (0, &[])] {
        let xs = Tensor::zeros([3, batch, SIZE]);
        let options = GradientFlow::options().jacobian(Jacobian::Exact);
        let flow = options.of(&model, |tape, net| {
            let output = net.apply(tape.constant(&xs), Context::default().with_lengths(lengths));
            output.sequence().sum() + net.cell.u.sum()
        });
        let layer = &flow.layers[0];
        assert!(layer.states.iter().all(|state| state.norm.len() == 3 && state.norm.iter().all(|norm| norm.is_nan())));
        assert!(layer.gates.iter().all(|gate| gate.mean.iter().all(|mean| mean.is_nan())));
        assert!(flow.to_svg().contains("no gradient norm |dL/ds_t| is finite"));
        flow.to_heat_map_svg();
    }
}
