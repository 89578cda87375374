//! Padding and masked steps are never read: outputs and all gradients have the same bits with NaN,
//! infinities and zeros there, for every layer of `sequential`, every cell and wrapper, and losses.

use unspool::cells::*;
use unspool::layers::{Activation, LayerNorm, sequence_mask, zero_padding};
use unspool::losses::ctc;
use unspool::prelude::*;
use unspool::recurrent::wrappers::{RecurrentDropout, Residual, Zoneout};
use unspool::recurrent::{Bidirectional, Merge, Stack};
use unspool::train::predict;
use unspool_tests::{assert_close, padded, values};

type V<'t> = Var<'t, f64>;

const TIME: usize = 5;
const WIDTH: usize = 3;
const LENGTHS: [usize; 4] = [3, 5, 0, 1];
const TRAINING: Mode = Mode::Training { seed: 3 };

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    x.to_vec().into_iter().map(f64::to_bits).collect()
}

/// Sequences with `padding` where `mask` is 0.
fn sequences(mask: &Tensor<f64>, padding: f64) -> Tensor<f64> {
    let xs = values([TIME, LENGTHS.len(), WIDTH], 1);
    let counts = mask.to_vec();
    Tensor::from_fn(xs.shape(), |i| if counts[i / WIDTH] != 0.0 { xs.to_vec()[i] } else { padding })
}

/// Bits of the outputs, of the gradient of the input, and of that of each parameter. The loss looks at all outputs.
fn measure<'t, M>(
    tape: &'t Tape<f64>,
    model: &M,
    x: V<'t>,
    y: impl FnOnce(&M::With<V<'t>>, V<'t>) -> V<'t>,
) -> Vec<Vec<u64>>
where
    M: Params<Tensor<f64>>,
{
    let net = tape.bind(model);
    let y = y(&net, x);
    let gradients = (y * tape.constant(&values(y.shape(), 2))).sum().backward();
    let of_net: M = gradients.of(&net);
    let all: Vec<Tensor<f64>> =
        [y.value(), gradients.wrt(x)].into_iter().chain(of_net.leaves().into_iter().cloned()).collect();
    assert!(all.iter().all(|x| x.to_vec().iter().all(|x| x.is_finite())), "not finite");
    assert!(of_net.leaves().iter().all(|g| g.to_vec().iter().any(|&g| g != 0.0)), "a parameter without a gradient");
    all.iter().map(bits).collect()
}

const NOT_ZERO: [f64; 4] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];

fn lengths_are_honoured<M>(name: &str, model: M)
where
    M: Params<Tensor<f64>>,
    for<'t> M::With<V<'t>>: Layer<'t, f64>,
{
    let run = |padding| {
        let tape = Tape::new();
        let x = tape.variable(&sequences(&sequence_mask(&LENGTHS, TIME), padding));
        measure(&tape, &model, x, |net, x| net.apply(x, Context::from(TRAINING).with_lengths(&LENGTHS)).into())
    };
    let zeros = run(0.0);
    for padding in NOT_ZERO {
        assert_eq!(run(padding), zeros, "{name} with {padding}");
    }
}

/// A layer that a user wrote, which computes every step by itself.
#[derive(Params, Clone)]
struct Scaled<P> {
    by: P,
}

impl<'t> Layer<'t, f64> for Scaled<V<'t>> {
    type Output = V<'t>;
    fn apply(&self, x: V<'t>, cx: Context<'_>) -> V<'t> {
        (zero_padding(x, cx) * self.by).tanh()
    }
}

type Cells = SimpleRnn<Tensor<f64>>;

fn dense(rng: &mut Rng) -> Dense<Tensor<f64>> {
    Dense::new(rng, WIDTH, WIDTH)
}

fn norm() -> LayerNorm<Tensor<f64>> {
    LayerNorm { gain: values([WIDTH], 5), bias: values([WIDTH], 6) }
}

fn scaled(_: &mut Rng) -> Scaled<Tensor<f64>> {
    Scaled { by: values([WIDTH], 7) }
}

fn rnn(rng: &mut Rng) -> Recurrent<Cells> {
    Recurrent::new(SimpleRnn::new(rng, WIDTH, WIDTH))
}

#[test]
fn every_layer_of_a_sequential_model_honours_lengths() {
    lengths_are_honoured("dense", dense(&mut rng(1)));
    lengths_are_honoured("layer_norm", norm());
    lengths_are_honoured("dense, alone", sequential().add(dense));
    lengths_are_honoured("layer_norm, alone", sequential().add(|_: &mut Rng| norm()));
    lengths_are_honoured("a layer of one's own, alone", sequential().add(scaled));
    lengths_are_honoured("dense before", sequential().add(dense).add(rnn));
    lengths_are_honoured("layer_norm before", sequential().add(|_: &mut Rng| norm()).add(rnn));
    lengths_are_honoured("a layer of one's own before", sequential().add(scaled).add(rnn));
    lengths_are_honoured("dropout before", sequential().add(dropout(0.3)).add(dense).add(rnn));
    lengths_are_honoured(
        "the same dropout before",
        sequential().add(dropout(0.3).same_over_time()).add(dense).add(rnn),
    );
    let whole = |rng: &mut Rng| rnn(rng).return_sequences();
    lengths_are_honoured("after", sequential().add(whole).add(dense).add(|_: &mut Rng| norm()).add(scaled));
    lengths_are_honoured("between", sequential().add(whole).add(dense).add(dropout(0.3)).add(rnn).add(dense));
    let both = |rng: &mut Rng| Bidirectional::new(rnn(rng).cell, rnn(rng).cell).merge(Merge::Sum).return_sequences();
    lengths_are_honoured("both", sequential().add(dense).add(both).add(dense));
    let stack = |rng: &mut Rng| Stack::new([rnn(rng), rnn(rng)]).dropout(0.3).return_sequences();
    lengths_are_honoured("stack", sequential().add(dense).add(stack).add(dense));
}

/// A layer over a cell, with lengths and with masks, from its own first state and from one with a gradient.
fn cell_honours<C>(name: &str, cell: C)
where
    C: Params<Tensor<f64>> + Clone,
    for<'t> C::With<V<'t>>: Cell<'t, f64>,
{
    for reverse in [false, true] {
        let layer = Recurrent { reverse, ..Recurrent::new(cell.clone()) };
        lengths_are_honoured(name, layer.clone());
        let columns = [[1, 1, 0, 1, 0], [0, 0, 1, 0, 1], [0; 5], [1; 5]];
        let mask = Tensor::from_fn([TIME, 4], |i| f64::from(columns[i % 4][i / 4]));
        let run = |padding| {
            let tape = Tape::new();
            let x = tape.variable(&sequences(&mask, padding));
            measure(&tape, &layer, x, |net, x| {
                let run = net.apply(x, Context::from(TRAINING).with_mask(&mask));
                run.sequence() * run.last()
            })
        };
        let zeros = run(0.0);
        for padding in NOT_ZERO {
            assert_eq!(run(padding), zeros, "{name} with a mask, {padding}");
        }
    }
}

#[test]
fn every_cell_honours_lengths_and_masks() {
    let rng = &mut rng(2);
    macro_rules! cells {
        ($($cell:ident)*) => {$( cell_honours(stringify!($cell), $cell::new(rng, WIDTH, WIDTH)); )*};
    }
    cells!(SimpleRnn Lstm Gru PeepholeLstm CifgLstm LayerNormLstm GruResetBefore LayerNormGru Mgu MinGru MinLstm Slstm Qrnn Lru);
    cell_honours("RgLru", RgLru::new(rng, WIDTH));
    cell_honours("Mlstm", Mlstm::new(rng, WIDTH, WIDTH, 1));
    cell_honours("IndRnn", IndRnn::new(rng, WIDTH, WIDTH).activation(Activation::Tanh));
    cell_honours("ProjectedLstm", ProjectedLstm::new(rng, WIDTH, WIDTH, 2));
    let cell = |rng: &mut Rng| Lstm::new(rng, WIDTH, WIDTH);
    cell_honours("Residual", Residual::new(cell(rng), WIDTH));
    cell_honours("Zoneout", Zoneout::new(cell(rng), 0.3, 0.2));
    cell_honours("RecurrentDropout", RecurrentDropout::new(cell(rng), 0.3));
}

/// Nothing is made, states stay, outputs are zeros: with lengths of 0, with a mask of 0, and of no sequence at all.
#[test]
fn a_batch_without_a_step_is_a_batch() {
    let layer = Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(1), WIDTH, 2));
    for layer in [layer.clone(), layer.reverse()] {
        let tape = Tape::new();
        let net = tape.bind(&layer);
        let x = tape.variable(&Tensor::full(f64::NAN, [TIME, 2, WIDTH]));
        let state = [1, 2].map(|salt| tape.variable(&values([2, 2], salt)));
        let none = Tensor::<f64>::zeros([TIME, 2]);
        let cx = Context::default();
        for cx in [cx.with_lengths(&[0, 0]), cx.with_mask(&none)] {
            let run = net.run(x, Some((state[0], state[1])), cx);
            assert_eq!(run.sequence().value(), Tensor::zeros([TIME, 2, 2]));
            assert_eq!(run.last().value(), Tensor::zeros([2, 2]));
            let (h, c) = run.state();
            assert_eq!([h.value(), c.value()], [state[0].value(), state[1].value()]);
            let gradients = (run.sequence().sum() + run.last().sum() + (h * c).sum()).backward();
            assert_eq!(gradients.wrt(state[0]), state[1].value());
            assert_eq!(gradients.wrt(x), Tensor::zeros([TIME, 2, WIDTH]));
            let of_cell: Recurrent<Lstm<Tensor<f64>>> = gradients.of(&net);
            assert!(of_cell.leaves().iter().all(|g| g.to_vec().iter().all(|&g| g == 0.0)));
        }
        let no_one = tape.variable(&Tensor::zeros([TIME, 0, WIDTH]));
        let none = Tensor::<f64>::zeros([TIME, 0]);
        for cx in [cx.with_lengths(&[]), cx.with_mask(&none)] {
            let run = net.apply(no_one, cx);
            assert_eq!(
                [run.sequence().shape()[..].to_vec(), run.last().shape()[..].to_vec()],
                [vec![TIME, 0, 2], vec![0, 2]]
            );
            assert_eq!(run.sequence().sum().backward().wrt(no_one).shape()[..], [TIME, 0, WIDTH]);
        }
    }
}

/// Where a step does not count, the state is that of the step before, and before the first step the one to begin with.
#[test]
fn states_stay_where_a_mask_is_0() {
    let layer = Recurrent::new(SimpleRnn::<Tensor<f64>>::new(&mut rng(1), WIDTH, 2));
    let mask = Tensor::from_vec(vec![0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0], [4, 2]); // what is not 0 counts
    for reverse in [false, true] {
        let tape = Tape::new();
        let (net, forwards) = (tape.bind(&Recurrent { reverse, ..layer.clone() }), tape.bind(&layer));
        let (x, h0) = (tape.constant(&values([4, 2, WIDTH], 1)), tape.constant(&values([2, 2], 2)));
        let run = net.run(x, Some(h0), Context::default().with_mask(&mask));
        // The state of a sequence after these steps.
        let after = |b: usize, steps: &[usize]| {
            let (start, xs) = (h0.slice(0, b..b + 1), x.slice(1, b..b + 1).index_select(0, steps));
            if steps.is_empty() {
                start.value()
            } else {
                forwards.run(xs, Some(start), Context::default()).state().value()
            }
        };
        let made: [[&[usize]; 2]; 4] = match reverse {
            false => [[&[], &[0]], [&[], &[0, 1]], [&[2], &[0, 1]], [&[2], &[0, 1]]],
            true => [[&[2], &[1, 0]], [&[2], &[1]], [&[2], &[]], [&[], &[]]],
        };
        for (t, made) in made.iter().enumerate() {
            for (b, steps) in made.iter().enumerate() {
                let state = run.states().select(0, t).slice(0, b..b + 1);
                assert_close(&format!("reverse {reverse}, step {t} of {b}"), &state.value(), &after(b, steps), 1e-14);
            }
        }
    }
}

/// PyTorch's `padding_idx`: the row starts at zero and gets no gradient, whatever it holds.
#[test]
fn the_row_of_the_token_that_means_nothing_stays() {
    let mut table = Embedding::<Tensor<f64>>::new(&mut rng(0), 4, 2).padding(2);
    assert_eq!(table.weight.select(0, 2).to_vec(), [0.0, 0.0]);
    table.weight = values([4, 2], 1);
    let tape = Tape::new();
    let net = tape.bind(&table);
    let tokens = Indices::from_vec(vec![2, 0, 2, 3, 3, 1], [3, 2]);
    let vectors = net.forward(&tokens);
    assert_eq!(vectors.value(), table.weight.index_select(0, &tokens));
    let gradient = vectors.square().sum().backward().of(&net).weight;
    let expected = |i: usize| [2.0, 2.0, 0.0, 4.0][i / 2] * table.weight.to_vec()[i];
    assert_eq!(gradient, Tensor::from_fn([4, 2], expected));
}

/// A custom model, one layer of which is given no lengths.
#[derive(Params, Clone)]
struct Untold<P> {
    dense: Dense<P>,
    layer: Recurrent<Gru<P>>,
}

impl<'t> Layer<'t, f64> for Untold<V<'t>> {
    type Output = V<'t>;
    fn apply(&self, x: V<'t>, cx: Context<'_>) -> V<'t> {
        self.layer.apply(self.dense.forward(x), cx).into()
    }
}

#[test]
fn what_fits_evaluates_and_predicts_never_sees_padding() {
    let lengths = [3, 5, 2, 1];
    let measure = |padding: f64| {
        let x = sequences(&sequence_mask(&lengths, TIME), padding);
        let data = Dataset::new(x.clone(), values([4, WIDTH], 9)).unwrap().with_lengths(lengths.to_vec()).unwrap();
        let mut model =
            Untold { dense: dense(&mut rng(1)), layer: Recurrent::new(Gru::new(&mut rng(2), WIDTH, WIDTH)) };
        fit(&mut model, &data).loss(mse).epochs(2).batch_size(2).quiet().run().unwrap();
        let said = predict(&model, &padded(&x, &lengths));
        let mut all: Vec<Vec<u64>> = model.leaves().into_iter().map(bits).collect();
        all.extend([bits(&said), vec![evaluate(&model, &data, mse).to_bits()]]);
        all
    };
    let zeros = measure(0.0);
    assert_eq!(measure(f64::NAN), zeros);
    assert_eq!(measure(f64::INFINITY), zeros);
}

/// A sequence without steps is predicted from no step: what the layers say of an output of zeros.
#[test]
fn sequences_without_steps_are_predicted() {
    let model = sequential().add(gru(2, 4)).add(unspool::dense(4, 1));
    let x = Tensor::full(f32::NAN, [3, 2, 2]);
    assert_eq!(predict(&model, &padded(&x, &[0, 0])), Tensor::zeros([2, 1])); // the bias
}

/// A mask reaches every layer of a layer: what is masked at the end is padding, with outputs that repeat.
#[test]
fn masks_go_through_layers_of_layers() {
    let rng = &mut rng(1);
    let mut gru = || Gru::<Tensor<f64>>::new(rng, WIDTH, WIDTH);
    let (both, stack) = (Bidirectional::new(gru(), gru()), Stack::new([gru(), gru()].map(Recurrent::new)));
    let model = sequential().add(move |_: &mut Rng| stack.return_sequences()).add(move |_: &mut Rng| both);
    let batch = LENGTHS.len();
    let mask: Tensor<f64> = sequence_mask(&LENGTHS, TIME);
    let run = |fill: f64, cx: Context<'_>| {
        let tape = Tape::new();
        let x = tape.variable(&sequences(&mask, fill));
        let y = tape.bind(&model).apply(x, cx);
        (y.value(), y.square().sum().backward().wrt(x))
    };
    let cx = Context::default();
    let masked = run(f64::NAN, cx.with_mask(&mask));
    assert_eq!(masked.0.shape()[..], [batch, 2 * WIDTH]);
    assert_close("outputs", &masked.0, &run(0.0, cx.with_lengths(&LENGTHS)).0, 1e-14);
    assert_close("gradients", &masked.1, &run(0.0, cx.with_lengths(&LENGTHS)).1, 1e-14);
    assert_ne!(masked.0, run(0.0, cx).0);
}

#[test]
fn ctc_does_not_read_what_lies_behind_a_sequence() {
    let measure = |padding: f64| {
        let mut x = values([4, 2, 3], 1);
        let mut last = x.slice(0, 3..4).copy();
        last.slice_assign(1, 1, &Tensor::full(padding, [1, 1, 3]));
        x.slice_assign(0, 3, &last);
        let tape = Tape::new();
        let log_probs = tape.variable(&x);
        let loss = ctc(log_probs, &[&[1, 2][..], &[2]], &[4, 3], 0);
        [bits(&loss.value()), bits(&loss.backward().wrt(log_probs))]
    };
    let zeros = measure(0.0);
    for padding in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(measure(padding), zeros, "{padding}");
    }
}

/// Examples of weight 0 are not read either, also where no other is left.
#[test]
fn examples_that_do_not_count_may_hold_anything() {
    let data = Dataset::new(Tensor::full(f32::NAN, [2, 3]), Tensor::full(f32::NAN, [2, 1])).unwrap();
    let data = data.with_weights(vec![0.0, 0.0]).unwrap();
    assert_eq!(evaluate(&sequential().add(unspool::dense(3, 1)), &data, mse), 0.0);
}
