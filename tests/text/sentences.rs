//! What language models refuse, word for word, and the line it points to.

use unspool::prelude::*;
use unspool::text::{BpttBatch, Generator, LanguageModel, Sampler, TruncatedBptt};
use unspool_tests::{panic_of, sentences};

fn model() -> LanguageModel<Tensor> {
    LanguageModel::new(&mut rng(0), 5, 3, [4], Lstm::new)
}

#[test]
fn a_language_model_needs_layers_and_tokens_in_rows() {
    let tape = Tape::new();
    let net = tape.bind(&model());
    let state = net.run(Indices::from_vec(vec![1, 2], [1, 2]), None, Mode::Evaluation).1.detach();
    let three = || Indices::from_vec(vec![1, 2, 3], [1, 3]);
    sentences! {
        LanguageModel::<Tensor>::new(&mut rng(0), 5, 3, [], Lstm::new) => "Stack: no layers given";
        model().dropout(1.0) => "dropout: the rate 1 is not at least 0 and less than 1";
        net.run([1, 2], None, Mode::Evaluation) => "Recurrent: the input must be [T, B, F] with at least one time step, not [2, 3]";
        net.run(three(), Some(&state), Mode::Evaluation) => "Recurrent: the state [2, 4] does not fit a batch of 3";
        Generator::new(model(), &[], Sampler::greedy(), rng(0)) => "Generator: the prompt has no token: at least one is needed";
    }
}

#[test]
fn chunks_keep_their_rows_until_a_restart() {
    let chunk = |rows: usize| BpttBatch {
        inputs: Indices::from_vec(vec![1; 2 * rows], [2, rows]),
        targets: Indices::from_vec(vec![2; 2 * rows], [2, rows]),
    };
    let of = |chunk: &BpttBatch, bptt: &mut TruncatedBptt<Tensor>| {
        bptt.gradients(&model(), chunk, Mode::Evaluation, |tape, net, _| {
            (net.bias.sum(), tape.constant(&Tensor::ones([1])).value())
        })
    };
    let mut bptt = TruncatedBptt::new();
    of(&chunk(3), &mut bptt);
    let odd = BpttBatch { inputs: chunk(3).inputs, targets: chunk(2).targets };
    let (message, ..) = panic_of(|| drop(of(&chunk(2), &mut bptt)));
    assert_eq!(message, "TruncatedBptt: a batch size of 2 after one of 3, without a restart");
    let (message, ..) = panic_of(|| drop(of(&odd, &mut TruncatedBptt::new())));
    assert_eq!(
        message,
        "TruncatedBptt: inputs [2, 3] and targets [2, 2] must both be [T, B] with at least one sequence"
    );
    bptt.restart();
    of(&chunk(2), &mut bptt);
}

#[test]
fn settings_and_scores_of_a_sampler() {
    let sampler = Sampler::default();
    let of = |scores: [f32; 2]| Tensor::from_vec(scores.to_vec(), [2]);
    sentences! {
        sampler.temperature(-1.0) => "Sampler: the temperature is -1; it must be finite and not negative";
        sampler.temperature(f64::NAN) => "Sampler: the temperature is NaN; it must be finite and not negative";
        sampler.top_k(0) => "Sampler: top-k of 0 tokens: it must be at least 1";
        sampler.top_p(0.0) => "Sampler: top-p of 0: it must be greater than 0 and at most 1";
        sampler.probabilities(&Tensor::<f32>::ones([1, 2])) => "Sampler: the scores must be [V] of at least one token, not [1, 2]";
        sampler.sample(&of([f32::NAN, 1.0]), &mut rng(0)) => "Sampler: a score is NaN, or the highest is not finite: 1";
        sampler.sample(&of([f32::INFINITY, 1.0]), &mut rng(0)) => "Sampler: a score is NaN, or the highest is not finite: inf";
    }
}
