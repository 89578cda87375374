//! Real-time recurrent learning is backpropagation through time.

use super::*;
use unspool::cells::*;
use unspool::layers::Activation;
use unspool::online::{Rtrl, zero_state};

fn new<C>(cell: fn(&mut Rng, usize, usize) -> C) -> C {
    cell(&mut rng(7), INPUTS, HIDDEN)
}

#[track_caller]
fn same<M: Params<Tensor<f64>>>(online: (f64, M), bptt: (f64, M)) {
    assert!((online.0 - bptt.0).abs() <= 1e-12 * bptt.0, "losses {} and {}", online.0, bptt.0);
    let (error, name) = error(&online.1, &bptt.1);
    assert!(error < 1e-9, "{name}: {error:e}");
}

macro_rules! cells {
    ($($name:ident: $cell:expr, $outputs:expr;)*) => {$(
        #[test]
        fn $name() {
            let model = net($cell, $outputs);
            for batch in [1, 3] {
                let data = data(TIME, batch);
                let mut learner = Rtrl::new(zero_state(&model.layer.cell, batch));
                same(online(&mut learner, &model, &data), bptt(&model, &data));
            }
        }
    )*};
}

cells! {
    simple_rnn: new(SimpleRnn::new), HIDDEN;
    lstm: new(Lstm::new), HIDDEN;
    peephole_lstm: new(PeepholeLstm::new), HIDDEN;
    cifg_lstm: new(CifgLstm::new), HIDDEN;
    projected_lstm: ProjectedLstm::new(&mut rng(7), INPUTS, HIDDEN, 5), 5;
    layer_norm_lstm: new(LayerNormLstm::new), HIDDEN;
    slstm: new(Slstm::new), HIDDEN;
    gru: new(Gru::new), HIDDEN;
    gru_reset_before: new(GruResetBefore::new), HIDDEN;
    layer_norm_gru: new(LayerNormGru::new), HIDDEN;
    mgu: new(Mgu::new), HIDDEN;
    min_gru: new(MinGru::new), HIDDEN;
    min_lstm: new(MinLstm::new), HIDDEN;
    ind_rnn_of_relu: new(IndRnn::new), HIDDEN;
    ind_rnn_of_tanh: new(IndRnn::new).activation(Activation::Tanh), HIDDEN;
}
