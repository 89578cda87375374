//! The loss of a character model: LSTMs with diagonal weights that predict the bits of the next
//! character of a text.
//!
//! ADBench (Microsoft 2019), "LSTM".

use super::Functions;
use crate::json::matrix;
use crate::runs::run_on_tape;
use serde::Deserialize;
use unspool::autograd::{ParamsExt, RowFunction, row_function};
use unspool::{Params, Tape, Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("objective", |input| {
        run_on_tape(input, |tape, input: &Input| loss(tape, &tape.bind_frozen(&input.model()), input).item())
    }),
    ("jacobian", |input| {
        run_on_tape(input, |tape, input: &Input| {
            let model = tape.bind(&input.model());
            let gradient = loss(tape, &model, input).backward().of(&model);
            Tensor::concat(0, gradient.leaves())
        })
    }),
];

/// Sizes: `L` layers of width `H`, as many as a character has bits; `T` characters.
#[derive(Deserialize)]
struct Input {
    /// Of each layer, the weights and the biases of its gates: `[2 L, 4 H]`.
    #[serde(deserialize_with = "matrix")]
    main_params: Tensor<f64>,
    /// The weights of the input, then weights and biases of the output: `[3, H]`.
    #[serde(deserialize_with = "matrix")]
    extra_params: Tensor<f64>,
    /// Of each layer, h and c before the first step: `[2 L, H]`.
    #[serde(deserialize_with = "matrix")]
    state: Tensor<f64>,
    /// The bits of the text: `[T, H]`.
    #[serde(deserialize_with = "matrix")]
    sequence: Tensor<f64>,
}

/// The gates of a layer, in the order of the input.
#[derive(Params, Clone, Copy)]
struct Gates<P> {
    forget: P,
    input: P,
    output: P,
    change: P,
}

/// An LSTM whose units do not see each other: weights are vectors.
#[derive(Params)]
struct DiagonalLstm<P> {
    weight: Gates<P>,
    bias: Gates<P>,
}

#[derive(Params)]
struct Model<P> {
    layers: Vec<DiagonalLstm<P>>,
    input_weight: P,
    output_weight: P,
    output_bias: P,
}

impl Input {
    fn model(&self) -> Model<Tensor<f64>> {
        let width = self.sequence.shape()[1];
        let gates = |row: usize| {
            let row = self.main_params.select(0, row);
            let [forget, input, output, change] = [0, 1, 2, 3].map(|i| row.slice(0, i * width..(i + 1) * width));
            Gates { forget, input, output, change }
        };
        let layer = |i: usize| DiagonalLstm { weight: gates(2 * i), bias: gates(2 * i + 1) };
        let [input_weight, output_weight, output_bias] = [0, 1, 2].map(|i| self.extra_params.select(0, i));
        let layers = (0..self.main_params.shape()[0] / 2).map(layer).collect();
        Model { layers, input_weight, output_weight, output_bias }
    }
}

row_function! {
    /// A step of a unit, from its state h, c and its forget and output gates to the next state. The input gate and the
    /// candidate see the state alone.
    struct Step = "step";
    |[h, c, forget, output, w_i, b_i, w_g, b_g]| -> [T; 2] {
        let (input, change) = ((w_i * h + b_i).sigmoid(), (w_g * h + b_g).tanh());
        let c = forget * c + input * change;
        [output * c.tanh(), c]
    }
}

impl<'t> DiagonalLstm<Var<'t, f64>> {
    /// The h of all steps, `[T, H]`, from the inputs `[T, H]` and the first h and c.
    fn run(&self, xs: Var<'t, f64>, state: [Var<'t, f64>; 2]) -> Var<'t, f64> {
        let (weight, bias) = (self.weight, self.bias);
        // The forget and output gates see the input alone, so they are computed for all steps at once.
        let forget = (xs * weight.forget + bias.forget).sigmoid();
        let output = (xs * weight.output + bias.output).sigmoid();
        let [h, _] = Step.scan(state, &[forget, output], &[weight.input, bias.input, weight.change, bias.change]);
        h
    }
}

/// The mean of `-y ln p` over all bits of all characters but the first, where `y` is a bit of the
/// next character and `ln p = z - ln(2 + sum exp z)`.
fn loss<'t>(tape: &'t Tape<f64>, model: &Model<Var<'t, f64>>, input: &Input) -> Var<'t, f64> {
    let text = tape.constant(&input.sequence); // [T, H]
    let mut xs = text.slice(0, ..-1) * model.input_weight;
    for (i, layer) in model.layers.iter().enumerate() {
        let state = [2 * i, 2 * i + 1].map(|row| tape.constant(&input.state.select(0, row)));
        xs = layer.run(xs, state);
    }
    let z = xs * model.output_weight + model.output_bias;
    let log_p = z - (z.exp().sum_keepdim(&[1]) + 2.0).ln();
    -(text.slice(0, 1..) * log_p).mean()
}
