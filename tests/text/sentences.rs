//! What language models refuse, word for word, and the line it points to.

use unspool::prelude::*;
use unspool::text::{Generator, LanguageModel, Sampler, Vocabulary};
use unspool::train::TruncatedBptt;
use unspool_tests::{panic_of, sentences, zeros};

fn model() -> LanguageModel<Tensor> {
    LanguageModel::new(&mut rng(0), 5, 3, [4], Lstm::new)
}

#[test]
fn a_language_model_needs_layers_and_tokens_in_rows() {
    let tape = Tape::new();
    let net = tape.bind(&model());
    let state = net.forward(Indices::from_vec(vec![1, 2], [1, 2])).state();
    let characters = Vocabulary::new(["a", "b"], 1, []).unwrap();
    let three = || Indices::from_vec(vec![1, 2, 3], [1, 3]);
    sentences! {
        LanguageModel::<Tensor>::new(&mut rng(0), 5, 3, [], Lstm::new) => "Stack: no layers given";
        model().dropout(1.0) => "dropout: the rate 1 is not at least 0 and less than 1";
        net.forward([1, 2]) => "LanguageModel: the tokens must be [T, B], not [2]";
        net.run(three(), Some(state.clone()), Context::default()) => "Recurrent: the state [2, 4] does not fit a batch of 3 (in recurrent.layers.0.cell)";
        characters.top_k(&zeros([3]), 1) => "top_k: scores [3] are not one for each of 2 tokens";
        Generator::new(model(), &[], Sampler::greedy(), rng(0)) => "Generator: the prompt has no token: at least one is needed";
    }
}

#[test]
fn windows_are_of_sequences_and_their_targets() {
    type Bptt = TruncatedBptt<Tensor, Tensor, (), Tensor>;
    let error = |x: &[usize], y: &[usize]| super::sentence(Bptt::new(zeros(x), zeros(y), 5));
    let sentence = |x, y| {
        format!("inputs {x} and targets {y} must be as many sequences of the same length: [T, N, F] and [T, N, F]")
    };
    assert_eq!(error(&[4, 2, 1], &[3, 2, 1]), sentence("[4, 2, 1]", "[3, 2, 1]"));
    assert_eq!(error(&[4, 2, 1], &[4, 3, 1]), sentence("[4, 2, 1]", "[4, 3, 1]"));
    assert_eq!(error(&[4, 2], &[4, 2]), sentence("[4, 2]", "[4, 2]"));
    assert_eq!(error(&[0, 2, 1], &[0, 2, 1]), sentence("[0, 2, 1]", "[0, 2, 1]"));
    let short = "a text of 3 tokens is too short for a batch size of 3: it needs at least 4";
    assert_eq!(super::sentence(TruncatedBptt::<_, _, _, Tensor, f32>::tokens(&[1, 2, 3], 3, 5)), short);

    let tokens = TruncatedBptt::<_, _, _, _, f32>::tokens(&[1, 9, 3, 4, 2], 2, 5);
    let tokens_at = line!() - 1;
    let mut tokens = tokens.unwrap();
    let mut model = model();
    let mut later = TruncatedBptt::<_, _, _, _, f32>::tokens(&[1, 2, 3, 4, 3, 9], 1, 2).unwrap();
    let later_at = line!() - 1;
    let (message, ..) = panic_of(|| drop(fit(&mut model, &mut later).quiet().run()));
    let out = "cross_entropy: class 9 is out of range for 5 classes";
    let given = |line| format!("the loss given to TruncatedBptt at {}:{line}:", file!());
    assert!(message.starts_with(&format!("{out} (in window 3 of an epoch, with {}", given(later_at))), "{message}");
    sentences! {
        Bptt::new(zeros([4, 2, 1]), zeros([4, 2, 1]), 0) => "TruncatedBptt: windows of 0 steps: they must have at least 1";
        fit(&mut model, &mut tokens).quiet().run() => format!("{out} (in {}18)", given(tokens_at));
    }
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
