//! An encoder-decoder: a bidirectional GRU encodes, a GRU decodes, with attention over the
//! encoder's outputs.

use crate::data::{BEGIN, Batch, END, PADDING};
use unspool::layers::{AttentionOutput, attention, dot_product_scores};
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::text::{Hypothesis, beam_search};
use unspool::{CrossEntropy, Embedding, Gru, Indices, Mode};

/// The sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// The tokens of the two languages.
    pub(crate) source: usize,
    pub(crate) target: usize,
    /// The units of each direction of the encoder; the decoder has twice as many.
    pub(crate) hidden: usize,
    pub(crate) attention: bool,
}

/// Attention is that of Luong, Pham and Manning 2015: on what the decoder has computed, so that
/// where its inputs are known all of its steps look back at once.
#[derive(Params, Clone, Debug)]
pub(crate) struct Translator<P> {
    source: Embedding<P>,
    target: Embedding<P>,
    encoder: Bidirectional<Gru<P>>,
    decoder: Recurrent<Gru<P>>,
    /// Context and output to one vector; without attention, the output alone.
    merge: Dense<P>,
    head: Dense<P>,
    pub(crate) attention: bool,
    /// The part of vectors that is left out in training.
    pub(crate) dropout: f64,
}

impl Translator<Tensor> {
    pub(crate) fn new(rng: &mut Rng, sizes: Sizes) -> Self {
        let Sizes { source, target, hidden, attention } = sizes;
        let mut gru = |units| Gru::new(rng, hidden, units);
        let (encoder, decoder) = (Bidirectional::new(gru(hidden), gru(hidden)), Recurrent::new(gru(2 * hidden)));
        Translator {
            encoder,
            decoder,
            source: Embedding::new(rng, source, hidden),
            target: Embedding::new(rng, target, hidden),
            merge: Dense::new(rng, if attention { 4 * hidden } else { 2 * hidden }, 2 * hidden),
            head: Dense::new(rng, 2 * hidden, target),
            attention,
            dropout: 0.0,
        }
    }
}

/// What the encoder has read.
struct Encoded<'t, 'a> {
    /// Its outputs, `[S, B, H]`.
    outputs: Var<'t>,
    lengths: &'a [usize],
    /// The decoder's first state, `[B, H]`.
    state: Var<'t>,
}

impl<'t> Translator<Var<'t>> {
    fn encode<'a>(&self, sources: &Indices, lengths: &'a [usize], mode: Mode) -> Encoded<'t, 'a> {
        let xs = mode.fold_in(0).dropout(self.source.forward(sources), self.dropout);
        let run = self.encoder.forward_lengths(xs, Some(lengths), mode);
        let (forward, backward) = run.state();
        Encoded { outputs: run.sequence(), lengths, state: Var::concat(1, &[forward, backward]) }
    }

    /// How the decoder's outputs `[T, B, H]` look back.
    fn look(&self, outputs: Var<'t>, encoded: &Encoded<'t, '_>) -> AttentionOutput<'t, f32> {
        attention(dot_product_scores(outputs, encoded.outputs), encoded.outputs, Some(encoded.lengths))
    }

    /// The scores of the next tokens, `[T, B, tokens]`, for the decoder's outputs `[T, B, H]`.
    fn scores(&self, outputs: Var<'t>, encoded: &Encoded<'t, '_>, mode: Mode) -> Var<'t> {
        let merged = match self.attention {
            true => self.merge.forward(Var::concat(2, &[self.look(outputs, encoded).context, outputs])),
            false => self.merge.forward(outputs),
        };
        self.head.forward(mode.fold_in(1).dropout(merged.tanh(), self.dropout))
    }

    /// The decoder's outputs `[T, B, H]`, told these tokens `[T, B]`.
    fn forced(&self, inputs: &Indices, encoded: &Encoded<'t, '_>, mode: Mode) -> Var<'t> {
        let xs = mode.fold_in(2).dropout(self.target.forward(inputs), self.dropout);
        self.decoder.forward_from(xs, encoded.state).sequence()
    }

    /// The same, where the teacher is heard in this ratio of the steps and the decoder hears itself
    /// in the others.
    fn fed(&self, batch: &Batch, ratio: f64, encoded: &Encoded<'t, '_>, mode: Mode) -> Var<'t> {
        let [steps, rows] = [0, 1].map(|axis| batch.inputs.shape()[axis]);
        let vectors = |tokens: Indices| mode.fold_in(2).dropout(self.target.forward(tokens), self.dropout);
        let run = self.decoder.decode(vectors(vec![BEGIN; rows].into()), encoded.state, steps, mode, |t, h| {
            let said = || self.scores(h.unsqueeze(0), encoded, mode).squeeze(0).argmax(1);
            let teacher = || Indices::from(&batch.targets.as_slice()[t * rows..][..rows]);
            vectors(if mode.fold_in(3).fold_in(t).bernoulli(ratio) { teacher() } else { said() })
        });
        run.sequence()
    }

    /// The scores `[T, B, tokens]` of a batch's targets. In training, the teacher is heard in this
    /// ratio of the steps; in evaluation always.
    pub(crate) fn translate(&self, batch: &Batch, ratio: f64, mode: Mode) -> Var<'t> {
        let encoded = self.encode(&batch.sources, &batch.lengths, mode);
        let outputs = match mode {
            Mode::Training { .. } if ratio < 1.0 => self.fed(batch, ratio, &encoded, mode),
            _ => self.forced(&batch.inputs, &encoded, mode),
        };
        self.scores(outputs, &encoded, mode)
    }

    /// The mean of -ln p over the tokens of a batch.
    pub(crate) fn loss(&self, batch: &Batch, ratio: f64, mode: Mode) -> Var<'t> {
        let scores = self.translate(batch, ratio, mode);
        CrossEntropy::default().ignore(PADDING).classes(scores, &batch.targets)
    }

    /// What a source may mean, best first: translations in which the token `never` does not stand.
    pub(crate) fn search(&self, source: &[usize], width: usize, never: Option<usize>) -> Vec<Hypothesis> {
        let (lengths, mode) = ([source.len()], Mode::Evaluation);
        let encoded = self.encode(&Indices::from_vec(source.to_vec(), [source.len(), 1]), &lengths, mode);
        let search = beam_search(BEGIN, END, 2 * source.len() + 10).width(width).length_penalty(0.6);
        search.run(encoded.state, |tokens, h| {
            let run = self.decoder.forward_from(self.target.forward(tokens).unsqueeze(0), h);
            // The hypotheses are so many queries to one source.
            let scores = self.scores(run.last().unsqueeze(1), &encoded, mode).squeeze(1);
            let excluded = |token| scores.tape().constant(&Tensor::one_hot([token], scores.shape()[1]));
            let scores = never.map_or(scores, |token| scores.masked_fill(excluded(token), f64::NEG_INFINITY));
            (scores.log_softmax(1), *run.state())
        })
    }

    /// How much each token of the source weighed for each token of a target that is forced, `[S,
    /// T]`.
    pub(crate) fn alignment(&self, batch: &Batch) -> Tensor {
        let encoded = self.encode(&batch.sources, &batch.lengths, Mode::Evaluation);
        let outputs = self.forced(&batch.inputs, &encoded, Mode::Evaluation);
        self.look(outputs, &encoded).weights.squeeze(2).value()
    }
}
