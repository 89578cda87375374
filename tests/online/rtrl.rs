//! Real-time recurrent learning is backpropagation through time.

use super::*;
use unspool::cells::*;
use unspool::layers::Activation;
use unspool::online::{Rtrl, zero_state};
use unspool::recurrent::Stack;
use unspool_tests::{assert_close, panic_of};

fn new<C>(cell: fn(&mut Rng, usize, usize) -> C) -> C {
    cell(&mut rng(7), INPUTS, HIDDEN)
}

#[track_caller]
fn same<M: Params<Tensor<f64>>>(online: (f64, M), bptt: (f64, M)) {
    assert!((online.0 - bptt.0).abs() <= 1e-12 * bptt.0, "losses {} and {}", online.0, bptt.0);
    let (error, name) = error(&online.1, &bptt.1);
    assert!(error < 1e-9, "{name}: {error:e}");
}

/// A test of one cell: its inputs, itself, and its outputs.
macro_rules! cells {
    ($($name:ident: $inputs:expr, $cell:expr, $outputs:expr;)*) => {$(
        #[test]
        fn $name() {
            let model = net($cell, $outputs);
            for batch in [1, 3] {
                let data = data(TIME, batch, $inputs);
                let mut learner = Rtrl::new(zero_state(&model.layer.cell, batch));
                same(online(&mut learner, &model, &data), bptt(&model, &data));
            }
        }
    )*};
}

cells! {
    simple_rnn: INPUTS, new(SimpleRnn::new), HIDDEN;
    lstm: INPUTS, new(Lstm::new), HIDDEN;
    peephole_lstm: INPUTS, new(PeepholeLstm::new), HIDDEN;
    cifg_lstm: INPUTS, new(CifgLstm::new), HIDDEN;
    projected_lstm: INPUTS, ProjectedLstm::new(&mut rng(7), INPUTS, HIDDEN, 5), 5;
    layer_norm_lstm: INPUTS, new(LayerNormLstm::new), HIDDEN;
    slstm: INPUTS, new(Slstm::new), HIDDEN;
    mlstm: INPUTS, Mlstm::new(&mut rng(7), INPUTS, HIDDEN, 2), HIDDEN;
    gru: INPUTS, new(Gru::new), HIDDEN;
    gru_reset_before: INPUTS, new(GruResetBefore::new), HIDDEN;
    layer_norm_gru: INPUTS, new(LayerNormGru::new), HIDDEN;
    mgu: INPUTS, new(Mgu::new), HIDDEN;
    min_gru: INPUTS, new(MinGru::new), HIDDEN;
    min_lstm: INPUTS, new(MinLstm::new), HIDDEN;
    ind_rnn_of_relu: INPUTS, new(IndRnn::new), HIDDEN;
    ind_rnn_of_tanh: INPUTS, new(IndRnn::new).activation(Activation::Tanh), HIDDEN;
    qrnn: INPUTS, new(Qrnn::new), HIDDEN;
    lru: INPUTS, Lru::on_ring(&mut rng(7), INPUTS, HIDDEN, 0.5..0.9, 0.5), HIDDEN;
    rg_lru: HIDDEN, RgLru::new(&mut rng(7), HIDDEN), HIDDEN;
}

#[test]
fn two_layers() {
    let layers = [Lstm::new(&mut rng(7), INPUTS, HIDDEN), Lstm::new(&mut rng(9), HIDDEN, 5)];
    let start: Vec<_> = layers.iter().map(|cell| zero_state(cell, 2)).collect();
    let layer = Stack::new(layers.map(Recurrent::new)).return_sequences();
    let mut model = Net { layer, head: Dense::new(&mut rng(8), 5, 2) };
    scatter(&mut model);
    let data = data(TIME, 2, INPUTS);
    let mut learner = Rtrl::new(start);
    same(online(&mut learner, &model, &data), bptt(&model, &data));
    let states: &Vec<(Tensor<f64>, Tensor<f64>)> = learner.state();
    let tape = Tape::new();
    let after = tape.bind(&model).layer.run(tape.constant(&data.0), None, Context::default()).state();
    for ((h, c), after) in states.iter().zip(after) {
        assert_close("h", h, &after.0.value(), 1e-12);
        assert_close("c", c, &after.1.value(), 1e-12);
    }
}

/// Two moving averages of a recurrent unit, and an output that the input's own weight computes.
#[derive(Params, Clone)]
struct Tied<P> {
    w: P,
    u: P,
    #[params(buffer)]
    rate: P,
}

#[derive(Clone, State)]
struct Averages<P> {
    fast: P,
    slow: Vec<P>,
    steps: usize,
}

impl<'t, T: Scalar> Tied<Var<'t, T>> {
    fn step(&self, x: Var<'t, T>, state: Averages<Var<'t, T>>) -> (Var<'t, T>, Averages<Var<'t, T>>) {
        let fast = (x.matmul(self.w) + (state.fast + state.slow[1]).matmul(self.u)).tanh();
        let mean = state.slow[0] + (fast - state.slow[0]) * self.rate;
        let slow = vec![mean, state.slow[0] * 0.9];
        (mean.matmul(self.w.t()), Averages { fast, slow, steps: state.steps + 1 })
    }
}

fn tied() -> (Tied<Tensor<f64>>, Averages<Tensor<f64>>) {
    let [w, u, rate] = [([2, 4], 3), ([4, 4], 4), ([1, 4], 5)].map(|(shape, salt)| values(shape, salt));
    let [fast, a, b] = [6, 7, 8].map(|salt| values([3, 4], salt));
    (Tied { w, u, rate }, Averages { fast, slow: vec![a, b], steps: 0 })
}

/// The sum of the gradients of all steps, of which `counts` picks those with a target.
fn tied_online(
    learner: &mut impl OnlineLearner<Number = f64, State = Averages<Tensor<f64>>>,
    ys: &Tensor<f64>,
    counts: impl Fn(usize) -> bool,
) -> (f64, Tied<Tensor<f64>>) {
    let (model, _) = tied();
    let (mut losses, mut sum) = (0.0, model.zeros_like());
    for t in 0..ys.shape()[0] - 1 {
        let (loss, gradients) = learner.step(&model, [&ys.select(0, t), &ys.select(0, t + 1)], |net, [x, y], state| {
            let (output, state) = net.step(x, state);
            let zero = output.tape().constant(&Tensor::zeros([1, 1]));
            (if counts(t) { mse(output, y) } else { zero }, state)
        });
        losses += loss;
        for (sum, gradient) in sum.leaves_mut().into_iter().zip(gradients.leaves()) {
            sum.update(gradient, |sum, gradient| sum + gradient);
        }
        assert_eq!(gradients.rate, Tensor::zeros([1, 4]));
    }
    (losses, sum)
}

fn tied_bptt(ys: &Tensor<f64>, counts: impl Fn(usize) -> bool) -> (f64, Tied<Tensor<f64>>) {
    let (model, state) = tied();
    let tape = Tape::new();
    let net = tape.bind(&model);
    let (mut state, mut sum) = (Averages::attach(&tape, &state), tape.constant(&Tensor::scalar(0.0)));
    for t in 0..ys.shape()[0] - 1 {
        let (output, next) = net.step(tape.constant(&ys.select(0, t)), state);
        state = next;
        if counts(t) {
            sum = sum + mse(output, tape.constant(&ys.select(0, t + 1)));
        }
    }
    (sum.item(), sum.backward().of(&net))
}

#[test]
fn a_shared_parameter_a_buffer_and_a_derived_state() {
    let ys = values([TIME, 3, 2], 9);
    let mut learner = Rtrl::new(tied().1);
    same(tied_online(&mut learner, &ys, |_| true), tied_bptt(&ys, |_| true));
    assert_eq!(learner.state().steps, TIME - 1);
    // No buffer has an influence.
    assert_eq!(learner.influence_size(), 3 * (4 + 4 + 4) * (8 + 16));
}

/// Steps without a target carry the influence on to the one that has it.
#[test]
fn one_target_at_the_end() {
    let ys = values([12, 3, 2], 9);
    let last = |t| t == 10;
    same(tied_online(&mut Rtrl::new(tied().1), &ys, last), tied_bptt(&ys, last));
}

/// A step that does not use a parameter keeps the influence of those that did.
#[test]
fn a_parameter_of_the_first_step_alone() {
    let (model, x) = (Dense::new(&mut rng(1), 2, 2), values([1, 2], 1));
    let mut learner = Rtrl::new(Tensor::zeros([1, 2]));
    learner.step(&model, [&x], |net, [x], h| (h.sum(), (net.forward(x) + h).tanh()));
    learner.step(&model, [], |_, [], h| (h.sum(), h * 0.5));
    let online = learner.step(&model, [], |_, [], h| ((h * 0.5).square().sum(), h));
    let tape = Tape::new();
    let net = tape.bind(&model);
    let loss = (net.forward(tape.constant(&x)).tanh() * 0.25).square().sum();
    same(online, (loss.item(), loss.backward().of(&net)));
}

#[test]
fn a_frozen_parameter_has_no_influence() {
    let ys = values([TIME, 3, 2], 9);
    let mut learner = Rtrl::new(tied().1).freeze("u*");
    let (_, gradients) = tied_online(&mut learner, &ys, |_| true);
    assert_eq!(gradients.u, Tensor::zeros([4, 4]));
    assert_close("w", &gradients.w, &tied_bptt(&ys, |_| true).1.w, 1e-9);
    assert_eq!(learner.influence_size(), 3 * (4 + 4 + 4) * 8);
}

#[test]
fn a_reset_starts_another_sequence_and_another_model() {
    let (model, other) = (net(new(Gru::new), HIDDEN), net(Gru::new(&mut rng(1), INPUTS, HIDDEN), HIDDEN));
    let data = data(7, 1, INPUTS);
    let mut learner = Rtrl::new(zero_state(&model.layer.cell, 1));
    let first = online(&mut learner, &model, &data);
    assert!(error(&online(&mut learner, &model, &data).1, &first.1).0 > 1e-3, "the state goes on");
    learner.reset();
    assert_eq!(learner.influence_size(), 0);
    let again = online(&mut learner, &model, &data);
    assert_eq!((again.0, error(&again.1, &first.1).0), (first.0, 0.0));
    learner.reset();
    same(online(&mut learner, &other, &data), bptt(&other, &data));
    // And one of other shapes.
    learner.reset();
    let (model, xs) = (Dense::new(&mut rng(1), HIDDEN, HIDDEN), values([1, HIDDEN], 1));
    learner.step(&model, [&xs], |net, [x], h| (h.sum(), (net.forward(x) + h).tanh()));
    assert_eq!(learner.influence_size(), HIDDEN * (HIDDEN + 1) * HIDDEN);
}

/// A panic in the step leaves the learner as it was before it.
#[test]
fn a_panic_in_a_step_is_as_if_it_had_not_been() {
    let model = net(new(Lstm::new), HIDDEN);
    let data = data(6, 1, INPUTS);
    let mut learner = Rtrl::new(zero_state(&model.layer.cell, 1));
    let half = |from: usize| (data.0.slice(0, from..from + 3), data.1.slice(0, from..from + 3));
    let first = online(&mut learner, &model, &half(0));
    let (message, ..) = panic_of(|| {
        learner.step(&model, [], |net, [], (h, c)| {
            assert!(h.shape()[0] == 7, "no data");
            (net.head.forward(h).sum(), (h, c))
        });
    });
    assert_eq!(message, "no data");
    let second = online(&mut learner, &model, &half(3));
    let mut sum = first.1;
    for (sum, gradient) in sum.leaves_mut().into_iter().zip(second.1.leaves()) {
        sum.update(gradient, |sum, gradient| sum + gradient);
    }
    same((first.0 + second.0, sum), bptt(&model, &data));
}

/// The whole batch is one state: its sequences may see each other, as in a normalization over the batch.
#[test]
fn sequences_of_a_batch_that_see_each_other() {
    let (model, xs) = (Dense::new(&mut rng(1), 2, 2), values([8, 3, 2], 1));
    fn step<'t>(x: Var<'t, f64>, h: Var<'t, f64>) -> Var<'t, f64> {
        ((x + h) - (x + h).mean_keepdim(&[0])).tanh()
    }
    let mut learner = Rtrl::new(values([3, 2], 2));
    let (mut losses, mut sum) = (0.0, model.zeros_like());
    for t in 0..8 {
        let (loss, gradients) = learner.step(&model, [&xs.select(0, t)], |net, [x], h| {
            let h = net.forward(step(x, h));
            (h.square().sum(), h)
        });
        losses += loss;
        for (sum, gradient) in sum.leaves_mut().into_iter().zip(gradients.leaves()) {
            sum.update(gradient, |sum, gradient| sum + gradient);
        }
    }
    let tape = Tape::new();
    let net = tape.bind(&model);
    let (mut h, mut loss) = (tape.constant(&values([3, 2], 2)), tape.constant(&Tensor::scalar(0.0)));
    for t in 0..8 {
        h = net.forward(step(tape.constant(&xs.select(0, t)), h));
        loss = loss + h.square().sum();
    }
    same((losses, sum), (loss.item(), loss.backward().of(&net)));
}
