//! An encoder-decoder: a bidirectional GRU encodes, a GRU decodes, with attention over the
//! encoder's outputs.

use crate::data::{BEGIN, Batch, END, PADDING};
use unspool::data::{Padded, pad_tokens};
use unspool::layers::{AttentionOutput, attention, dot_product_scores};
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::text::{Hypothesis, beam_search};

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

/// Attention is that of Luong, Pham and Manning 2015: a function of the decoder's outputs, so that
/// all steps attend at once where the inputs are known.
#[derive(Params, Clone, Debug)]
pub(crate) struct Translator<P> {
    source: Embedding<P>,
    target: Embedding<P>,
    encoder: Bidirectional<Gru<P>>,
    decoder: Recurrent<Gru<P>>,
    /// From context and output; without attention, from the output alone.
    merge: Dense<P>,
    head: Dense<P>,
    pub(crate) sizes: Sizes,
    /// The dropout probability of elements of embeddings and of merged vectors.
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
            sizes,
            dropout: 0.0,
        }
    }
}

/// What the encoder has read.
struct Encoded<'t, 'a> {
    /// Its outputs, `[S, B, H]`.
    outputs: Var<'t>,
    lengths: &'a [usize],
    /// The first state of the decoder, `[B, H]`.
    state: Var<'t>,
}

impl<'t> Translator<Var<'t>> {
    fn encode<'a>(&self, sources: &'a Padded<Indices>, mode: Mode) -> Encoded<'t, 'a> {
        let cx = Context::from(mode).with_lengths(&sources.lengths);
        let xs = cx.fold_in(0).dropout(self.source.forward(&sources.x), self.dropout);
        let output = self.encoder.run(xs, None, cx);
        let (forward, backward) = output.state();
        let state = Var::concat(1, &[forward, backward]);
        Encoded { outputs: output.sequence(), lengths: &sources.lengths, state }
    }

    /// Attention with the decoder's outputs `[T, B, H]` as queries.
    fn attend(&self, outputs: Var<'t>, encoded: &Encoded<'t, '_>) -> AttentionOutput<'t, f32> {
        attention(dot_product_scores(outputs, encoded.outputs), encoded.outputs, Some(encoded.lengths))
    }

    /// The scores of the next tokens, `[T, B, tokens]`, for the decoder's outputs `[T, B, H]`.
    fn scores(&self, outputs: Var<'t>, encoded: &Encoded<'t, '_>, mode: Mode) -> Var<'t> {
        let merged = match self.sizes.attention {
            true => self.merge.forward(Var::concat(2, &[self.attend(outputs, encoded).context, outputs])),
            false => self.merge.forward(outputs),
        };
        self.head.forward(mode.fold_in(1).dropout(merged.tanh(), self.dropout))
    }

    /// The vectors of the decoder's input tokens.
    fn vectors(&self, tokens: impl Into<Indices>, mode: Mode) -> Var<'t> {
        mode.fold_in(2).dropout(self.target.forward(tokens), self.dropout)
    }

    /// The decoder's outputs `[T, B, H]` for the true tokens as inputs: teacher forcing.
    fn forced(&self, batch: &Batch, encoded: &Encoded<'t, '_>, mode: Mode) -> Var<'t> {
        self.decoder.run(self.vectors(&batch.inputs, mode), Some(encoded.state), mode.into()).sequence()
    }

    /// The same where an input is the true token with this probability, and otherwise the one with
    /// the highest score: scheduled sampling (Bengio et al. 2015).
    fn sampled(&self, batch: &Batch, teacher_ratio: f64, encoded: &Encoded<'t, '_>, mode: Mode) -> Var<'t> {
        let [steps, rows] = [0, 1].map(|axis| batch.targets.shape()[axis]);
        let first = self.vectors(vec![BEGIN; rows], mode);
        let output = self.decoder.decode(first, encoded.state, steps, mode, |t, h| {
            let forced = mode.fold_in(3).fold_in(t).bernoulli(teacher_ratio);
            let tokens = match forced {
                true => batch.inputs.as_slice()[(t + 1) * rows..][..rows].into(),
                false => self.scores(h.unsqueeze(0), encoded, mode).squeeze(0).argmax(1),
            };
            self.vectors(tokens, mode)
        });
        output.sequence()
    }

    /// The scores `[T, B, tokens]` of a batch's targets. In evaluation all inputs are true tokens,
    /// whatever the ratio.
    pub(crate) fn translate(&self, batch: &Batch, teacher_ratio: f64, mode: Mode) -> Var<'t> {
        let encoded = self.encode(&batch.sources, mode);
        let outputs = match mode {
            Mode::Training { .. } if teacher_ratio < 1.0 => self.sampled(batch, teacher_ratio, &encoded, mode),
            _ => self.forced(batch, &encoded, mode),
        };
        self.scores(outputs, &encoded, mode)
    }

    /// The cross-entropy per token of such scores.
    pub(crate) fn loss(scores: Var<'t>, batch: &Batch) -> Var<'t> {
        CrossEntropy::default().ignore(PADDING).classes(scores, &batch.targets)
    }

    /// The best translations of a source that do not contain the token `excluded`, best first.
    pub(crate) fn search(&self, source: &[usize], width: usize, excluded: Option<usize>) -> Vec<Hypothesis> {
        let (sources, mode) = (pad_tokens(&[source], PADDING).expect("one source"), Mode::Evaluation);
        let encoded = self.encode(&sources, mode);
        let search = beam_search(BEGIN, END, 2 * source.len() + 10).width(width).length_penalty(0.6);
        search.run(encoded.state, |tokens, h| {
            let output = self.decoder.run(self.vectors(tokens, mode).unsqueeze(0), Some(h), mode.into());
            // The hypotheses are so many queries to one source.
            let scores = self.scores(output.last().unsqueeze(1), &encoded, mode).squeeze(1);
            let mask = |token| scores.tape().constant(&Tensor::one_hot([token], scores.shape()[1]));
            let scores = excluded.map_or(scores, |token| scores.masked_fill(mask(token), f64::NEG_INFINITY));
            (scores.log_softmax(1), output.state())
        })
    }

    /// The attention weights of each source token for each target token, `[S, T]`, in a batch of
    /// one pair.
    pub(crate) fn alignment(&self, batch: &Batch) -> Tensor {
        let encoded = self.encode(&batch.sources, Mode::Evaluation);
        let outputs = self.forced(batch, &encoded, Mode::Evaluation);
        self.attend(outputs, &encoded).weights.squeeze(2).value()
    }
}
