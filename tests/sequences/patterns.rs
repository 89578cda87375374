//! The design patterns put together of layers, whole models of them: by differences, and by what they must mean.

use unspool::layers::{AdditiveAttention, attention};
use unspool::prelude::*;
use unspool::recurrent::RecurrentOutput;
use unspool::{CrossEntropy, Embedding, Gru, Lstm, Mode};
use unspool_tests::{assert_close, values};

const WORDS: usize = 7;
const SIZE: usize = 3;
const HIDDEN: usize = 4;

/// An encoder, and a decoder that looks back at it before each word; the words' own vectors score them in the end.
#[derive(Params)]
struct Translator<P> {
    words: Embedding<P>,
    encoder: Recurrent<Lstm<P>>,
    decoder: Recurrent<Lstm<P>>,
    attention: AdditiveAttention<P>,
    head: Dense<P>,
}

impl Translator<Tensor<f64>> {
    fn new() -> Self {
        let rng = &mut rng(3);
        let mut model = Translator {
            words: Embedding::new(rng, WORDS, SIZE),
            encoder: Recurrent::new(Lstm::new(rng, SIZE, HIDDEN)),
            decoder: Recurrent::new(Lstm::new(rng, SIZE + HIDDEN, HIDDEN)),
            attention: AdditiveAttention::new(rng, HIDDEN, HIDDEN, 5),
            head: Dense::new(rng, HIDDEN, SIZE),
        };
        model.words.weight = values([WORDS, SIZE], 9); // its own are near zero
        model
    }
}

impl<'t> Translator<Var<'t, f64>> {
    fn scores(&self, h: Var<'t, f64>) -> Var<'t, f64> {
        self.head.forward(h).matmul(self.words.weight.t())
    }

    /// The scores `[T, B, words]` of the target's words, after a first word 0, with a teacher of this ratio.
    fn translate(&self, source: &[[usize; 2]], lengths: &[usize], target: &[[usize; 2]], ratio: f64) -> Var<'t, f64> {
        let sentences: Vec<Var<f64>> = source.iter().map(|&words| self.words.forward(words)).collect();
        let run = self.encoder.apply(Var::stack(0, &sentences), Context::default().with_lengths(lengths));
        let (encoded, keys) = (run.sequence(), self.attention.keys(run.sequence()));
        let look = |h| attention(self.attention.scores(h, keys), encoded, Some(lengths)).context;
        let input = |word, h| Var::concat(1, &[word, look(h)]);
        let first = input(self.words.forward([0; 2]), run.state().0);
        let mode = Mode::Training { seed: 4 };
        let decoded = self.decoder.decode(first, run.state(), target.len(), mode, |t, h| {
            let said = || self.scores(h).argmax(1);
            let word = if mode.fold_in(t).bernoulli(ratio) { target[t].into() } else { said() };
            input(self.words.forward(word), h)
        });
        self.scores(decoded.sequence())
    }
}

const SOURCE: [[usize; 2]; 4] = [[1, 2], [3, 4], [5, 0], [6, 0]];
const LENGTHS: [usize; 2] = [4, 2];
const TARGET: [[usize; 2]; 3] = [[2, 1], [4, 3], [0, 5]];

fn loss<'t>(scores: Var<'t, f64>) -> Var<'t, f64> {
    CrossEntropy::default().classes(scores.reshape([6, WORDS]), TARGET.as_flattened())
}

#[test]
fn a_translator_has_the_gradients_of_its_differences() {
    for ratio in [0.0, 0.5, 1.0] {
        gradcheck(&Translator::new(), |_, net| loss(net.translate(&SOURCE, &LENGTHS, &TARGET, ratio))).unwrap();
    }
}

#[test]
fn padding_means_nothing_to_a_translator() {
    let measure = |source: &[[usize; 2]]| {
        let tape = Tape::new();
        let net = tape.bind(&Translator::new());
        let scores = net.translate(source, &LENGTHS, &TARGET, 0.5);
        (scores.value(), loss(scores).backward().of(&net))
    };
    let (mut padded, mut longer) = (SOURCE, SOURCE.to_vec());
    (padded[2][1], padded[3][1]) = (6, 2);
    longer.push([3, 3]);
    let (scores, gradients) = measure(&SOURCE);
    for source in [&padded[..], &longer] {
        let (other_scores, other) = measure(source);
        assert_close("scores", &other_scores, &scores, 1e-14);
        for (a, b) in other.leaves().into_iter().zip(gradients.leaves()) {
            assert_close("gradients", a, b, 1e-14);
        }
    }
    assert!(gradients.leaves().iter().all(|gradient| gradient.to_vec().iter().any(|&g| g != 0.0)));
}

/// A layer whose last output becomes a sequence again, with the same head at every step.
#[derive(Params)]
struct Through<P> {
    encoder: Recurrent<Gru<P>>,
    decoder: Recurrent<Gru<P>>,
    head: Dense<P>,
}

impl<'t> Through<Var<'t, f64>> {
    fn run(&self) -> RecurrentOutput<'t, f64, Var<'t, f64>> {
        let xs = self.head.weight.tape().constant(&values([5, 3, 2], 1));
        let vector = self.encoder.forward(xs).last();
        self.decoder.forward(vector.unsqueeze(0).expand([6, 3, HIDDEN]))
    }
}

#[test]
fn sequence_to_vector_to_sequence() {
    let rng = &mut rng(5);
    let [encoder, decoder] = [2, HIDDEN].map(|inputs| Recurrent::new(Gru::<Tensor<f64>>::new(rng, inputs, HIDDEN)));
    let model = Through { encoder, decoder, head: Dense::new(rng, HIDDEN, 2) };
    gradcheck(&model, |_, net| net.head.forward(net.run().sequence()).square().sum()).unwrap();

    let tape = Tape::new();
    let net = tape.bind(&model);
    let each: Vec<Var<f64>> = net.run().steps().into_iter().map(|h| net.head.forward(h)).collect();
    let at_once = net.head.forward(net.run().sequence());
    assert_close("a dense layer over time", &at_once.value(), &Var::stack(0, &each).value(), 1e-15);
}
