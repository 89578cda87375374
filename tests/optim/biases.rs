//! Patterns that find the biases of every cell.

use super::*;
use unspool::cells::{
    CifgLstm, GruResetBefore, IndRnn, LayerNormGru, LayerNormLstm, Lru, Mgu, MinGru, MinLstm, Mlstm, PeepholeLstm,
    ProjectedLstm, Qrnn, RgLru, Slstm,
};
use unspool::layers::{AdditiveAttention, LayerNorm};
use unspool::text::LanguageModel;
use unspool::{Embedding, Gru, Lstm};

fn new<C>(cell: fn(&mut Rng, usize, usize) -> C) -> C {
    cell(&mut rng(3), 3, 4)
}

/// Steps without a gradient: what the line of the guide spares, and `*gain`, is all that is no matrix, but for these vectors
/// of weights. Returns the name, of which there is a file if it is that of a cell.
fn check<'a, M: Params<Tensor<f64>>>(name: &'a str, mut model: M, vectors: &[&str]) -> &'a str {
    // Away from zero, where there is nothing to decay.
    model.leaves_mut().into_iter().for_each(|leaf| *leaf = Tensor::ones(leaf.shape()));
    let no_gradient = model.zeros_like();
    let mut adamw = AdamW::default().learning_rate(0.5).weight_decay(0.5);
    for pattern in ["*bias", "*gain"] {
        let found = model.names().iter().any(|name| name.ends_with(&pattern[1..]));
        adamw = if found { adamw.group(pattern, |g| g.weight_decay(0.0)) } else { adamw };
    }
    adamw.step(&mut model, &no_gradient);
    for (parameter, leaf) in model.names().iter().zip(model.leaves()) {
        let decays = leaf.rank() > 1 || vectors.contains(&&parameter[..]);
        assert_eq!(leaf.to_vec()[0], if decays { 0.75 } else { 1.0 }, "{name}: {parameter}");
    }
    name
}

#[test]
fn a_pattern_finds_the_biases_of_every_cell() {
    let guide = include_str!("../../docs/guide/src/training.md");
    assert!(guide.contains(r#".group("*bias", |group| group.weight_decay(0.0))"#), "the guide has another line");
    let checked = [
        check("cifg_lstm", new(CifgLstm::new), &[]),
        check("gru", new(Gru::new), &[]),
        check("gru_reset_before", new(GruResetBefore::new), &[]),
        check("ind_rnn", new(IndRnn::new), &["u"]),
        check("layer_norm_gru", new(LayerNormGru::new), &[]),
        check("layer_norm_lstm", new(LayerNormLstm::new), &[]),
        check("lru", new(Lru::new), &["nu_log", "theta_log", "gamma_log"]),
        check("lstm", new(Lstm::new), &[]),
        check("mgu", new(Mgu::new), &[]),
        check("min_gru", new(MinGru::new), &[]),
        check("min_lstm", new(MinLstm::new), &[]),
        check("mlstm", Mlstm::new(&mut rng(3), 3, 4, 2), &[]),
        check("peephole_lstm", new(PeepholeLstm::new), &["p_i", "p_f", "p_o"]),
        check("projected_lstm", ProjectedLstm::new(&mut rng(3), 3, 4, 2), &[]),
        check("qrnn", new(Qrnn::new), &[]),
        check("rg_lru", RgLru::new(&mut rng(3), 4), &["lambda"]),
        check("simple_rnn", new(SimpleRnn::new), &[]),
        check("slstm", new(Slstm::new), &[]),
    ];
    let cells = include_str!("../../crates/nn/src/cells/mod.rs");
    let cells = cells.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    assert_eq!(cells.collect::<Vec<_>>(), checked);
    for cell in checked {
        let path = format!("{}/../crates/nn/src/cells/{cell}.rs", env!("CARGO_MANIFEST_DIR"));
        let names = std::fs::read_to_string(path).unwrap().contains("\n/// assert_eq!(layer.names(), ");
        assert!(names, "the example of {cell} does not list its parameters");
    }

    check("dense", new(Dense::new), &[]);
    check("layer_norm", LayerNorm::new(3), &[]);
    check("embedding", new(Embedding::new), &[]);
    check("attention", AdditiveAttention::new(&mut rng(3), 3, 4, 5), &[]);
    check("language_model", LanguageModel::new(&mut rng(3), 5, 4, [4], Gru::new), &[]);
}
