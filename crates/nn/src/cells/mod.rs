//! The built-in cells, each an ordinary implementation of [`Cell`](crate::recurrent::Cell).
//!
//! | cell | state | source |
//! |---|---|---|
//! | [`SimpleRnn`] | h | Elman 1990 |
//! | [`Lstm`] | h, c | Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 |
//! | [`PeepholeLstm`] | h, c | Gers and Schmidhuber 2000 |
//! | [`CifgLstm`] | h, c | Greff et al. 2017: input and forget gate are one |
//! | [`ProjectedLstm`] | h, c | Sak, Senior and Beaufays 2014: h is smaller than c |
//! | [`LayerNormLstm`] | h, c | Ba, Kiros and Hinton 2016 |
//! | [`Gru`] | h | Cho et al. 2014, reset gate after the product, as in PyTorch and Keras |
//! | [`GruResetBefore`] | h | Cho et al. 2014, as in the paper |
//! | [`LayerNormGru`] | h | Ba, Kiros and Hinton 2016 |
//! | [`Mgu`] | h | Zhou et al. 2016: one gate |
//! | [`MinGru`], [`MinLstm`] | h | Feng et al. 2024: gates of the input alone |
//! | [`Qrnn`] | p, c | Bradbury et al. 2017: gates of this input and the one before |
//! | [`Lru`] | h, complex | Orvieto et al. 2023: linear, with decay and angle learned |
//! | [`RgLru`] | h | De et al. 2024 (Griffin): a gated decay of the input alone |
//! | [`IndRnn`] | h | Li et al. 2018: each unit sees only itself |
//! | [`Slstm`] | h, c, n, m | Beck et al. 2024 (xLSTM): exponential gates |
//! | [`Mlstm`] | C, n, m | Beck et al. 2024 (xLSTM): a matrix memory, exponential gates |
//!
//! In the equations x is a row, `⊙` is the elementwise product and `σ` the logistic function. The
//! gates of a cell share one weight, concatenated along its last axis in the order that its page
//! gives. Input weights are initialized [Glorot-uniform](crate::layers::init::glorot_uniform) and
//! recurrent weights [orthogonal](crate::layers::init::orthogonal), each gate separately; biases
//! start at 0, those of forget gates at 1 unless the page of the cell says otherwise.
//!
//! `MinGru`, `MinLstm`, `Qrnn`, `Lru`, `RgLru` and `Mlstm` are linear in their state and compute many steps
//! at once: they implement [`Cell::unroll`](crate::recurrent::Cell::unroll).
//!
//! The example of each cell lists the names of its parameters. The name of every bias ends in
//! `bias` and that of every gain in `gain`, so that one pattern of a
//! [group](crate::optim::RuleOptimizer::group) matches them all.

mod cifg_lstm;
mod gru;
mod gru_reset_before;
mod ind_rnn;
mod layer_norm_gru;
mod layer_norm_lstm;
mod lru;
mod lstm;
mod mgu;
mod min_gru;
mod min_lstm;
mod mlstm;
mod peephole_lstm;
mod projected_lstm;
mod qrnn;
mod rg_lru;
mod simple_rnn;
mod slstm;

pub use cifg_lstm::{CifgLstm, cifg_lstm};
pub use gru::{Gru, gru};
pub use gru_reset_before::{GruResetBefore, gru_reset_before};
pub use ind_rnn::{IndRnn, ind_rnn};
pub use layer_norm_gru::{LayerNormGru, layer_norm_gru};
pub use layer_norm_lstm::{LayerNormLstm, layer_norm_lstm};
pub use lru::{Lru, lru};
pub use lstm::{Lstm, lstm};
pub use mgu::{Mgu, mgu};
pub use min_gru::{MinGru, min_gru};
pub use min_lstm::{MinLstm, min_lstm};
pub use mlstm::{Mlstm, mlstm};
pub use peephole_lstm::{PeepholeLstm, peephole_lstm};
pub use projected_lstm::{ProjectedLstm, projected_lstm};
pub use qrnn::{Qrnn, qrnn};
pub use rg_lru::{RgLru, rg_lru};
pub use simple_rnn::{SimpleRnn, simple_rnn};
pub use slstm::{Slstm, slstm};

/// What layer normalization adds to the variance.
const EPSILON: f64 = 1e-5;
