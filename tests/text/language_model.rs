//! Recurrent language models: their gradients, the pieces they are made of, and what they say.

use unspool::prelude::*;
use unspool::text::{Generator, LanguageModel, Sampler};
use unspool::{CrossEntropy, Gru, Indices, Lstm, Mode, SequenceLayer, State};
use unspool_tests::{assert_close, values};

const TOKENS: usize = 7;
const SIZE: usize = 3;
const HIDDEN: usize = 4;
const TRAINING: Mode = Mode::Training { seed: 5 };

type Model<C> = LanguageModel<Tensor<f64>, C>;

/// Vectors of tokens are near zero at first; these are not.
fn of_some_size<C>(model: Model<C>) -> Model<C> {
    let mut model = model;
    model.embedding.weight = values(model.embedding.weight.shape(), 1);
    model.bias = values([TOKENS], 2);
    model.dropout(0.3)
}

fn model() -> Model<Lstm<Tensor<f64>>> {
    of_some_size(LanguageModel::new(&mut rng(3), TOKENS, SIZE, [HIDDEN, 5], Lstm::new))
}

fn tied(last: usize) -> Model<Gru<Tensor<f64>>> {
    of_some_size(LanguageModel::tied(&mut rng(3), TOKENS, SIZE, [HIDDEN, last], Gru::new))
}

fn inputs() -> Indices {
    Indices::from_vec(vec![1, 6, 0, 3, 1, 1, 5, 2], [4, 2])
}

fn targets() -> Indices {
    Indices::from_vec(vec![0, 3, 1, 1, 5, 2, 6, 4], [4, 2])
}

#[test]
fn a_language_model_has_the_gradients_of_its_differences() {
    macro_rules! check {
        ($model:expr) => {
            gradcheck(&$model, |_, net| {
                CrossEntropy::default().classes(net.apply(inputs(), TRAINING.into()).sequence(), targets())
            })
            .unwrap();
        };
    }
    check!(model());
    check!(tied(SIZE));
    check!(tied(5));
}

#[test]
fn scores_are_those_of_the_pieces_put_together() {
    let (model, tied) = (model(), tied(5));
    for mode in [Mode::Evaluation, TRAINING] {
        let tape = Tape::new();
        let net = tape.bind(&model);
        let xs = mode.fold_in(0).dropout(net.embedding.forward(inputs()), 0.3);
        let run = net.recurrent.apply(xs, mode.fold_in(1).into());
        let by_hand = mode.fold_in(2).dropout(run.sequence(), 0.3).matmul(net.weight.unwrap()) + net.bias;
        let output = net.apply(inputs(), mode.into());
        let (scores, state) = (output.sequence(), output.state());
        assert_eq!(scores.shape()[..], [4, 2, TOKENS]);
        assert_close("scores", &scores.value(), &by_hand.value(), 1e-14);
        assert_close("state", &state[1].1.value(), &run.state()[1].1.value(), 0.0);

        let net = tape.bind(&tied);
        let xs = mode.fold_in(0).dropout(net.embedding.forward(inputs()), 0.3);
        let h = mode.fold_in(2).dropout(net.recurrent.apply(xs, mode.fold_in(1).into()).sequence(), 0.3);
        let by_hand = net.projection.as_ref().unwrap().forward(h).matmul(net.embedding.weight.t()) + net.bias;
        assert_close("tied scores", &net.apply(inputs(), mode.into()).sequence().value(), &by_hand.value(), 1e-14);
    }
}

#[test]
fn what_is_left_out_depends_on_the_rate() {
    let tape = Tape::new();
    let scores = |model: &Model<_>, mode: Mode| tape.bind(model).apply(inputs(), mode.into()).sequence().value();
    let without = model().dropout(0.0);
    assert_eq!(scores(&without, TRAINING), scores(&without, Mode::Evaluation));
    assert_ne!(scores(&model(), TRAINING), scores(&model(), Mode::Evaluation));
    // Before and after the layers, or between them: each changes something.
    for place in 0..2 {
        let mut one = model().dropout(0.0);
        [&mut one.dropout, &mut one.recurrent.dropout][place].clone_from(&0.3);
        assert_ne!(scores(&one, TRAINING), scores(&one, Mode::Evaluation), "{place}");
    }
}

#[test]
fn tied_weights_are_one_parameter() {
    assert_eq!(tied(SIZE).names().last().unwrap(), "bias");
    assert!(tied(SIZE).projection.is_none() && tied(SIZE).weight.is_none());
    let layers = tied(SIZE).recurrent.parameter_count();
    assert_eq!(tied(SIZE).parameter_count(), TOKENS * SIZE + layers + TOKENS);
    // A token that is not read has a gradient: it is scored.
    let tape = Tape::new();
    let net = tape.bind(&tied(SIZE));
    let scores = net.forward(inputs()).sequence();
    let gradients = CrossEntropy::default().classes(scores, targets()).backward().of(&net);
    let of_4 = gradients.embedding.weight.select(0, 4).to_vec();
    assert!(!inputs().as_slice().contains(&4) && of_4.iter().all(|g| *g != 0.0), "{of_4:?}");
}

#[test]
fn a_run_goes_on_from_what_was_carried() {
    let tape = Tape::new();
    let net = tape.bind(&model());
    let whole = net.forward(inputs());
    let halves = [0, 4].map(|i| Indices::from_vec(inputs().as_slice()[i..i + 4].to_vec(), [2, 2]));
    let first = net.forward(&halves[0]);
    let carried = State::attach(&tape, &first.state().detached());
    let second = net.run(&halves[1], Some(carried), Context::default());
    let both = Var::concat(0, &[first.sequence(), second.sequence()]);
    assert_close("scores", &both.value(), &whole.sequence().value(), 1e-14);
    assert_close("last", &second.last().value(), &both.select(0, 3).value(), 0.0);
    assert_close("c", &second.state()[1].1.value(), &whole.state()[1].1.value(), 1e-14);
}

#[test]
fn the_last_scores_are_those_at_the_end_of_each_sequence() {
    let (model, tape) = (model(), Tape::new());
    let net = tape.bind(&model);
    let output = net.apply(inputs(), Context::default().with_lengths(&[4, 2]));
    let (last, scores) = (output.last().value(), output.sequence().value());
    assert_eq!(last.select(0, 0), scores.select(0, 3).select(0, 0));
    assert_eq!(last.select(0, 1), scores.select(0, 1).select(0, 1));
}

#[test]
fn the_mean_of_nats_is_that_of_one_tape() {
    let (model, tape) = (model(), Tape::new());
    let tokens: Vec<usize> = (0..200).map(|i| i * i % TOKENS).collect();
    let inputs = Indices::from_vec(tokens[..199].to_vec(), [199, 1]);
    let scores = tape.bind(&model).forward(inputs).sequence();
    let whole = CrossEntropy::default().classes(scores, Indices::from_vec(tokens[1..].to_vec(), [199, 1])).item();
    assert!((model.cross_entropy(&tokens, 1).unwrap() - whole).abs() < 1e-12);
    let in_rows = model.cross_entropy(&tokens, 4).unwrap();
    assert!((in_rows - whole).abs() < 0.1 && in_rows != whole, "{in_rows} {whole}");
    let short = super::sentence(model.cross_entropy(&[1], 1));
    assert_eq!(short, "a text of 1 tokens is too short for a batch size of 1: it needs at least 2");
}

#[test]
fn a_generator_says_what_one_tape_over_its_text_would() {
    let model = tied(5);
    let prompt: Vec<usize> = (0..70).map(|i| i * i % TOKENS).collect(); // more than goes onto a tape at once
    let mut generator = Generator::new(model.clone(), &prompt, Sampler::default(), rng(2));
    let said: Vec<usize> = generator.by_ref().take(20).collect();
    generator.read(&[4, 2]);

    let text = [&prompt[..], &said, &[4, 2]].concat();
    let tape = Tape::new();
    let inputs = Indices::from_vec(text.clone(), [text.len(), 1]);
    let scores = tape.bind(&model).forward(inputs).sequence().squeeze(1);
    assert_close("scores", generator.scores(), &scores.select(0, text.len() - 1).value(), 1e-13);
    let mut rng = rng(2);
    for (i, &token) in said.iter().enumerate() {
        let before = scores.select(0, prompt.len() + i - 1).value();
        assert_eq!(Sampler::default().sample(&before, &mut rng), token, "token {i}");
    }
}
