//! Beam search, against greedy decoding, forward passes, and all sequences there are.

use super::*;
use unspool::prelude::*;
use unspool::text::{Hypothesis, beam_search};
use unspool::{Embedding, Gru, Indices, init};
use unspool_tests::panic_of;

const BEGIN: usize = 0;
const END: usize = 1;
const HIDDEN: usize = 4;

/// An encoder-decoder with random weights, large enough that it is sure of some tokens.
#[derive(Params)]
struct Translator<P> {
    words: Embedding<P>,
    encoder: Recurrent<Gru<P>>,
    decoder: Recurrent<Gru<P>>,
    head: Dense<P>,
}

impl Translator<Tensor<f64>> {
    fn new(seed: u64, tokens: usize) -> Self {
        let rng = &mut rng(seed);
        let [encoder, decoder] = [3, 3].map(|inputs| Recurrent::new(Gru::new(rng, inputs, HIDDEN)));
        let words = Embedding { weight: init::uniform(rng, [tokens, 3], -2.0, 2.0), padding: None };
        let head = Dense { weight: init::uniform(rng, [HIDDEN, tokens], -3.0, 3.0), bias: Tensor::zeros([tokens]) };
        Translator { words, encoder, decoder, head }
    }
}

type V<'t> = Var<'t, f64>;

impl<'t> Translator<V<'t>> {
    fn encode(&self, source: &[usize]) -> V<'t> {
        let source = Indices::from_vec(source.to_vec(), [source.len(), 1]);
        self.encoder.forward(self.words.forward(source)).state()
    }

    fn step(&self, tokens: Indices, h: V<'t>) -> (V<'t>, V<'t>) {
        let run = self.decoder.run(self.words.forward(tokens).unsqueeze(0), Some(h), Context::default());
        (self.head.forward(run.last()).log_softmax(1), run.state())
    }

    /// The log-probabilities of what comes after the beginning and after each of these tokens, in one pass.
    fn forced(&self, encoded: V<'t>, tokens: &[usize]) -> Tensor<f64> {
        let inputs = [&[BEGIN], tokens].concat();
        let inputs = Indices::from_vec(inputs, [tokens.len() + 1, 1]);
        let run = self.decoder.run(self.words.forward(inputs), Some(encoded), Context::default());
        self.head.forward(run.sequence()).log_softmax(2).squeeze(1).value()
    }

    /// The sum over a hypothesis, recomputed.
    fn log_probability(&self, encoded: V<'t>, tokens: &[usize], ended: bool) -> f64 {
        let forced = self.forced(encoded, tokens);
        let end = ended.then_some(END);
        tokens.iter().copied().chain(end).enumerate().map(|(t, token)| forced.at([t, token])).sum()
    }

    /// Every sequence of at most `longest` tokens that ends, and those of as many that do not.
    fn all(&self, encoded: V<'t>, longest: usize) -> Vec<Candidate> {
        let (mut all, mut open) = (Vec::new(), vec![Vec::new()]);
        for length in 0..=longest {
            let mut longer = Vec::new();
            for tokens in open {
                let mut put = |tokens: &Vec<usize>, ended| {
                    let log_probability = self.log_probability(encoded, tokens, ended);
                    all.push(Candidate { tokens: tokens.clone(), log_probability, ended });
                };
                if length == longest {
                    put(&tokens, false);
                    continue;
                }
                put(&tokens, true);
                let others = (0..self.words.weight.shape()[0]).filter(|&token| token != END);
                longer.extend(others.map(|token| [&tokens[..], &[token]].concat()));
            }
            open = longer;
        }
        all
    }
}

/// An expected [`Hypothesis`].
#[derive(Debug)]
struct Candidate {
    tokens: Vec<usize>,
    log_probability: f64,
    ended: bool,
}

fn assert_same(got: &[Hypothesis], expected: &[Candidate]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!((&got.tokens, got.ended), (&expected.tokens, expected.ended), "{got:?} {expected:?}");
        assert!((got.log_probability - expected.log_probability).abs() < 1e-12, "{got:?} {expected:?}");
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_beam_of_width_1_is_greedy(seed in 0..u64::MAX, tokens in 2..9usize, longest in 1..12usize) {
        let (model, tape) = (Translator::new(seed, tokens), Tape::new());
        let net = tape.bind_frozen(&model);
        let encoded = net.encode(&[0, 1]);
        let said = beam_search(BEGIN, END, longest).run(encoded, |tokens, h| net.step(tokens, h));

        let (mut greedy, mut h, mut ended) = (vec![BEGIN], encoded, false);
        while greedy.len() <= longest && !ended {
            let (scores, next) = net.step(Indices::from(&greedy[greedy.len() - 1..]), h);
            let token = scores.argmax(1).as_slice()[0];
            (h, ended) = (next, token == END);
            greedy.extend((!ended).then_some(token));
        }
        prop_assert_eq!(said.len(), 1);
        prop_assert_eq!((&said[0].tokens[..], said[0].ended), (&greedy[1..], ended));
    }

    #[test]
    fn sums_are_those_of_a_forward_pass(seed in 0..u64::MAX, width in 1..7usize, alpha in 0..2usize) {
        let (model, tape) = (Translator::new(seed, 8), Tape::new());
        let net = tape.bind_frozen(&model);
        let encoded = net.encode(&[3, 2, 5]);
        let search = beam_search(BEGIN, END, 9).width(width).length_penalty(alpha as f64);
        let said = search.run(encoded, |tokens, h| net.step(tokens, h));
        prop_assert_eq!(said.len(), width);
        for hypothesis in &said {
            let sum = net.log_probability(encoded, &hypothesis.tokens, hypothesis.ended);
            prop_assert!((hypothesis.log_probability - sum).abs() < 1e-12, "{:?}, not {}", hypothesis, sum);
            prop_assert!(hypothesis.ended || hypothesis.tokens.len() == 9);
        }
        prop_assert!((1..width).all(|i| said[..i].iter().all(|other| *other != said[i])));
    }

    #[test]
    fn a_wide_beam_finds_everything_in_order(seed in 0..u64::MAX, alpha in 0..3usize) {
        let (model, tape, longest) = (Translator::new(seed, 4), Tape::new(), 4);
        let net = tape.bind_frozen(&model);
        let encoded = net.encode(&[2]);
        let alpha = 0.5 * alpha as f64;
        let mut all = net.all(encoded, longest);
        prop_assert_eq!(all.len(), 1 + 3 + 9 + 27 + 81);
        let score = |h: &Candidate| {
            let length = h.tokens.len() + usize::from(h.ended);
            h.log_probability / ((5.0 + length as f64) / 6.0).powf(alpha)
        };
        all.sort_by(|a, b| b.ended.cmp(&a.ended).then(score(b).total_cmp(&score(a))));
        let search = beam_search(BEGIN, END, longest).width(200).length_penalty(alpha);
        assert_same(&search.run(encoded, |tokens, h| net.step(tokens, h)), &all);
    }
}

/// Says what these rows say, one after the other, whatever it has said before.
fn by_table(tape: &Tape<f64>, rows: &[[f64; 4]], width: usize) -> Vec<Hypothesis> {
    let mut rows = rows.iter();
    let state = tape.constant(&Tensor::zeros([1, 1]));
    beam_search(BEGIN, END, rows.len()).width(width).run(state, |tokens, state| {
        let row = tape.constant(&Tensor::from_vec(rows.next().unwrap().to_vec(), [1, 4]));
        (row.expand([tokens.shape()[0], 4]), state)
    })
}

const NEVER: f64 = f64::NEG_INFINITY;

#[test]
fn ties_are_broken_by_the_lower_token() {
    let (tape, half) = (Tape::new(), 0.5f64.ln());
    let even = [NEVER, NEVER, half, half];
    let said = |width| by_table(&tape, &[even, even], width).into_iter().map(|h| h.tokens).collect::<Vec<_>>();
    assert_eq!(said(1), [[2, 2]]);
    assert_eq!(said(3), [[2, 2], [2, 3], [3, 2]]);
    assert_eq!(said(9), [[2, 2], [2, 3], [3, 2], [3, 3]]);
}

#[test]
fn what_has_ended_comes_first_and_narrows_the_beam() {
    let (tape, [likely, less, rarely]) = (Tape::new(), [0.6f64, 0.3, 0.1].map(f64::ln));
    // Of three, one ends at once; the two others then go on, and one of their best continuations ends.
    let rows = [[NEVER, less, likely, rarely], [NEVER, less, likely, rarely]];
    let said: Vec<_> = by_table(&tape, &rows, 3).into_iter().map(|h| (h.tokens, h.ended)).collect();
    assert_eq!(said, [(vec![], true), (vec![2], true), (vec![2, 2], false)]);
}

#[test]
fn tokens_that_cannot_be_are_never_said() {
    let tape = Tape::new();
    assert_eq!(by_table(&tape, &[[NEVER, 0.0, NEVER, NEVER]; 3], 4).len(), 1);
    assert_eq!(by_table(&tape, &[[NEVER; 4]], 4), []);
}

#[test]
fn what_is_no_logarithm_of_a_probability_is_refused() {
    let said = |score: f64| panic_of(|| drop(by_table(&Tape::new(), &[[NEVER, -1.0, score, -1.0]; 2], 2))).0;
    let sentence = "beam_search: token 2 after [] has the log-probability {}: it must be a number up to 0";
    assert_eq!(said(f64::NAN), sentence.replace("{}", "NaN"));
    assert_eq!(said(2.5), sentence.replace("{}", "2.5"));

    let tape = Tape::<f64>::new();
    let (one, two) = (tape.constant(&Tensor::zeros([1, 3])), tape.constant(&Tensor::zeros([2, 3])));
    let message = |f: &dyn Fn()| panic_of(f).0;
    let search = || beam_search(BEGIN, END, 5);
    assert_eq!(
        message(&|| drop(search().run(two, |_, h| (one, h)))),
        "beam_search: the state [2, 3] does not fit a batch of 1"
    );
    assert_eq!(
        message(&|| drop(search().run(one, |_, _| (one, two)))),
        "beam_search: the state after a step [2, 3] does not fit a batch of 1"
    );
    assert_eq!(
        message(&|| drop(search().run(one, |_, h| (two, h)))),
        "beam_search: log-probabilities [2, 3] are not [1, tokens], with the end token 1"
    );
    assert_eq!(
        message(&|| drop(beam_search(BEGIN, 7, 5).run(one, |_, h| (one, h)))),
        "beam_search: log-probabilities [1, 3] are not [1, tokens], with the end token 7"
    );
    assert_eq!(
        message(&|| drop(beam_search(BEGIN, END, 0))),
        "beam_search: sequences of 0 tokens: the maximum length must be at least 1"
    );
    assert_eq!(message(&|| drop(search().width(0))), "beam_search: a beam of width 0: it must be at least 1");
    for alpha in [-1.0, f64::NAN] {
        let said = message(&|| drop(search().length_penalty(alpha)));
        assert_eq!(said, format!("beam_search: a length penalty of {alpha}: it must be a number from 0"));
    }
}
