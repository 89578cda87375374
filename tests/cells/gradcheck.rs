//! Every cell against central differences, over seven steps from a state that is not zero.

use unspool::autograd::Shape;
use unspool::cells::*;
use unspool::layers::Activation;
use unspool::prelude::*;
use unspool_tests::{Parts, assert_close, values};

const TIME: usize = 7;
const BATCH: usize = 2;
const INPUTS: usize = 3;
const HIDDEN: usize = 4;

#[derive(Params)]
struct FromState<C, P> {
    layer: Recurrent<C>,
    state: Vec<P>,
    xs: P,
}

fn project(y: Var<'_, f64>) -> Var<'_, f64> {
    (y * y.tape().constant(&values(y.shape(), 99))).sum()
}

/// The shape of a part of a state: its width, or the sizes of its axes after B.
fn part(width: &(impl Clone + Into<Width>)) -> Shape {
    let Width(sizes) = width.clone().into();
    [BATCH].into_iter().chain(sizes).collect()
}

struct Width(Vec<usize>);

impl From<usize> for Width {
    fn from(width: usize) -> Self {
        Width(vec![width])
    }
}

impl From<&[usize]> for Width {
    fn from(sizes: &[usize]) -> Self {
        Width(sizes.to_vec())
    }
}

/// A test of one cell; the numbers are the widths of the parts of its state, and the width of its input if that is
/// another one.
macro_rules! cells {
    ($($name:ident: $cell:expr, $widths:expr $(, $inputs:expr)?;)*) => {$(
        #[test]
        fn $name() {
            let mut cell = $cell;
            let inputs = [$($inputs,)? INPUTS][0];
            // Every weight away from where it starts, where one of them may do nothing.
            for (salt, leaf) in cell.leaves_mut().into_iter().enumerate() {
                leaf.update(&values(leaf.shape(), 10 + salt as u64), |w, v| w + 0.3 * v);
            }
            let xs = values([TIME, BATCH, inputs], 1);
            // Positive, as the normalizer n of the sLSTM is.
            let shapes = $widths.map(|width| part(&width));
            let state = |(i, &shape): (usize, &Shape)| values(shape, 2 + i as u64).map(|v| 1.1 + v);
            let state: Vec<Tensor<f64>> = shapes.iter().enumerate().map(state).collect();
            let model = FromState { layer: Recurrent::new(cell), state, xs };
            gradcheck(&model, |_, m| {
                let run = m.layer.run(m.xs, Some(Parts::from_parts(&m.state)), Context::default());
                run.state().parts().into_iter().fold(project(run.sequence()), |loss, part| loss + project(part))
            })
            .unwrap();

            // A run from nowhere starts at zero.
            let tape = Tape::new();
            let net = tape.bind(&model);
            let zeros = shapes.map(|shape| tape.constant(&Tensor::zeros(shape)));
            let run = net.layer.forward(net.xs).sequence();
            let from_zero = net.layer.run(net.xs, Some(Parts::from_parts(&zeros)), Context::default()).sequence();
            assert_close("outputs", &run.value(), &from_zero.value(), 1e-12);
        }
    )*};
}

/// With most seeds, one of the cells is so steep somewhere that the differences are off by a millionth.
fn new<C>(cell: fn(&mut Rng, usize, usize) -> C) -> C {
    cell(&mut rng(14), INPUTS, HIDDEN)
}

cells! {
    simple_rnn: new(SimpleRnn::new), [HIDDEN];
    simple_rnn_of_softplus: new(SimpleRnn::new).activation(Activation::Softplus), [HIDDEN];
    lstm: new(Lstm::new), [HIDDEN; 2];
    peephole_lstm: new(PeepholeLstm::new), [HIDDEN; 2];
    cifg_lstm: new(CifgLstm::new), [HIDDEN; 2];
    projected_lstm: ProjectedLstm::new(&mut rng(7), INPUTS, HIDDEN, 2), [2, HIDDEN];
    layer_norm_lstm: new(LayerNormLstm::new), [HIDDEN; 2];
    slstm: new(Slstm::new), [HIDDEN; 4];
    gru: new(Gru::new), [HIDDEN];
    lstm_of_others: new(Lstm::new).activation(Activation::Elu(1.0)).recurrent_activation(Activation::Tanh), [HIDDEN; 2];
    gru_of_others: new(Gru::new).activation(Activation::Softplus).recurrent_activation(Activation::Tanh), [HIDDEN];
    gru_reset_before_of_others: new(GruResetBefore::new).activation(Activation::Softplus), [HIDDEN];
    gru_reset_before: new(GruResetBefore::new), [HIDDEN];
    layer_norm_gru: new(LayerNormGru::new), [HIDDEN];
    mgu: new(Mgu::new), [HIDDEN];
    min_gru: new(MinGru::new), [HIDDEN];
    min_lstm: new(MinLstm::new), [HIDDEN];
    qrnn: new(Qrnn::new), [3 * HIDDEN, HIDDEN];
    lru: Lru::on_ring(&mut rng(7), INPUTS, HIDDEN, 0.5..0.9, 0.5), [HIDDEN; 2];
    rg_lru: RgLru::new(&mut rng(7), HIDDEN), [HIDDEN], HIDDEN;
    mlstm: Mlstm::new(&mut rng(8), INPUTS, HIDDEN, 2), [&[2, 2, 2][..], &[2, 2], &[2]];
    ind_rnn_of_relu: new(IndRnn::new), [HIDDEN];
    ind_rnn_of_tanh: new(IndRnn::new).activation(Activation::Tanh), [HIDDEN];
}

/// Gates whose exponentials f32 cannot hold: what the sLSTM's m is for.
#[test]
fn the_gates_of_the_slstm_are_exponentials_that_do_not_overflow() {
    let mut cell: Slstm<Tensor> = Slstm::new(&mut rng(7), 1, 1);
    cell.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::zeros(leaf.shape()));
    cell.x.weight = Tensor::from_vec(vec![1.0, 0.0, 0.001, 0.0], [1, 4]); // ĩ = x, z̃ = x / 1000
    let tape = Tape::new();
    let xs = tape.constant(&Tensor::from_vec(vec![-500.0, 500.0, -500.0, 499.0], [4, 1, 1]));
    let outputs = tape.bind(&Recurrent::new(cell)).forward(xs).sequence().value().to_vec();
    // Each time one of the steps so far outweighs all others; f halves it at every step: 1/4 against 1/e at the last.
    let (low, high, next) = ((-0.5f64).tanh(), 0.5f64.tanh(), 0.499f64.tanh());
    let mixed = (0.25 * high + (-1f64).exp() * next) / (0.25 + (-1f64).exp());
    for (output, expected) in outputs.into_iter().zip([low, high, high, mixed]) {
        assert!((output as f64 - 0.5 * expected).abs() < 1e-4, "{output} and not {}", 0.5 * expected);
    }
}
