//! The model of Bengio et al. 2003, and its training.

use crate::Options;
use rand::{RngExt, seq::SliceRandom};
use unspool::optim::AdamW;
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::text::{perplexity, token_windows};
use unspool::{CrossEntropy, Embedding, Indices, Mode, Shards};

/// Windows per step of training, and per part of a step: the parts are computed at the same time.
const BATCH: usize = 256;
const PART: usize = 128;
/// Windows computed at once where nothing is learned.
const ROWS: usize = 256;
/// Epochs in a row that may be no better than the best.
const PATIENCE: usize = 3;

/// `softmax(tanh([e(w_1) .. e(w_n)] W + b) U + d)`, where e looks up the vector of a word. With
/// tied weights, U holds the vectors of all words, and the layer has as many units as a vector has
/// numbers.
#[derive(Params, Clone)]
pub(crate) struct WindowModel<P> {
    words: Embedding<P>,
    hidden: Dense<P>,
    /// U, if it is not tied.
    weight: Option<P>,
    /// d.
    bias: P,
}

impl WindowModel<Tensor> {
    /// A model that says at first how often each token stands in the text: `d` is the logarithm of
    /// that.
    fn new(rng: &mut Rng, window: usize, options: &Options, counts: &[usize]) -> Self {
        let [tokens, size] = [counts.len(), options.embedding];
        let hidden = if options.tied { size } else { options.hidden };
        let all = counts.iter().sum::<usize>() + tokens;
        let often = |token: usize| ((counts[token] + 1) as f64 / all as f64).ln() as f32;
        WindowModel {
            words: Embedding::new(rng, tokens, size),
            hidden: Dense::new(rng, window * size, hidden),
            weight: (!options.tied).then(|| init::glorot_uniform(rng, hidden, tokens)),
            bias: Tensor::from_fn([tokens], often),
        }
    }
}

impl<'t> WindowModel<Var<'t>> {
    /// The scores `[N, V]` of the tokens that may follow windows `[N, n]`.
    fn scores(&self, windows: &Indices, dropout: f64, mode: Mode) -> Var<'t> {
        let vectors = self.words.forward(windows); // [N, n, E]
        let side_by_side = vectors.reshape([windows.shape()[0], self.hidden.weight.shape()[0]]);
        let h = self.hidden.forward(mode.fold_in(0).dropout(side_by_side, dropout)).tanh();
        let weight = self.weight.unwrap_or_else(|| self.words.weight.t());
        mode.fold_in(1).dropout(h, dropout).linear(weight, self.bias)
    }
}

/// Windows and the token after each.
pub(crate) struct Examples {
    windows: Indices,
    next: Indices,
}

impl Examples {
    /// One for each of the tokens; before the first there is `padding`.
    pub(crate) fn new(tokens: &[usize], window: usize, padding: usize) -> Result<Self, String> {
        let padded = [&vec![padding; window], tokens].concat();
        let (windows, next) = token_windows(&padded, window).map_err(|e| e.to_string())?;
        Ok(Examples { windows, next })
    }

    pub(crate) fn len(&self) -> usize {
        self.next.as_slice().len()
    }

    fn select(&self, rows: &[usize]) -> Examples {
        let n = self.windows.shape()[1];
        let windows = rows.iter().flat_map(|row| &self.windows.as_slice()[row * n..][..n]).copied().collect();
        let next: Vec<usize> = rows.iter().map(|&row| self.next.as_slice()[row]).collect();
        Examples { windows: Indices::from_vec(windows, [rows.len(), n]), next: next.into() }
    }
}

/// What came of a training.
pub(crate) struct Trained {
    pub(crate) model: WindowModel<Tensor>,
    pub(crate) window: usize,
    /// The best epoch.
    pub(crate) epochs: usize,
}

/// Learns from all of the examples but the last `held_back`, until it predicts these no better.
pub(crate) fn train(
    examples: &Examples,
    held_back: usize,
    options: &Options,
    classes: usize,
) -> Result<Trained, String> {
    let rng = &mut rng(options.seed);
    let window = examples.windows.shape()[1];
    let (mut order, valid): (Vec<usize>, Vec<usize>) =
        (0..examples.len()).partition(|row| row + held_back < examples.len());
    let mut counts = vec![0; classes];
    order.iter().for_each(|&row| counts[examples.next.as_slice()[row]] += 1);

    let mut model = WindowModel::new(rng, window, options, &counts);
    // Biases do not decay: those of the scores say how often tokens stand.
    let mut adamw = AdamW::default()
        .learning_rate(options.rate)
        .schedule(Cosine::new(order.len().div_ceil(BATCH) * options.epochs))
        .weight_decay(options.weight_decay)
        .group("*bias", |g| g.weight_decay(0.0))
        .clip_norm(1.0);
    let (mut shards, mut best) = (Shards::new(), (f64::INFINITY, 0, model.clone()));
    for epoch in 1..=options.epochs {
        order.shuffle(rng);
        for rows in order.chunks(BATCH) {
            let mode = Mode::Training { seed: rng.random() };
            let parts: Vec<(usize, Examples)> =
                rows.chunks(PART).map(|rows| examples.select(rows)).enumerate().collect();
            let (_, gradients) = shards.gradients(&model, &parts, |_, net, (i, part)| {
                let scores = net.scores(&part.windows, options.dropout, mode.fold_in(*i));
                CrossEntropy::default().classes(scores, &part.next) * (part.len() as f64 / rows.len() as f64)
            });
            adamw.step(&mut model, &gradients);
        }
        let nats = nats(&model, &examples.select(&valid));
        let nats = nats.iter().sum::<f64>() / nats.len() as f64;
        if !nats.is_finite() {
            return Err(format!("training diverged in epoch {epoch}: a smaller --rate may help"));
        }
        eprintln!("window of {window}, epoch {epoch}: perplexity {:.2} of the validation part", perplexity(nats));
        if nats < best.0 {
            best = (nats, epoch, model.clone());
        } else if epoch >= best.1 + PATIENCE {
            break;
        }
    }
    Ok(Trained { model: best.2, window, epochs: best.1 })
}

/// -ln p of the token after each window.
pub(crate) fn nats(model: &WindowModel<Tensor>, examples: &Examples) -> Vec<f64> {
    let (mut tape, rows) = (Tape::new(), (0..examples.len()).collect::<Vec<_>>());
    let mut nats = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS) {
        let Examples { windows, next } = examples.select(rows);
        let scores = tape.bind_frozen(model).scores(&windows, 0.0, Mode::Evaluation);
        let next = Indices::from_vec(next.as_slice().to_vec(), [rows.len(), 1]);
        nats.extend(scores.log_softmax(1).gather(1, next).value().to_vec().into_iter().map(|log| -f64::from(log)));
        tape.reset();
    }
    nats
}

impl Trained {
    /// The probabilities of all tokens after these.
    pub(crate) fn next(&self, tokens: &[usize], padding: usize) -> Vec<f32> {
        let padded = [&vec![padding; self.window], tokens].concat();
        let last = padded[padded.len() - self.window..].to_vec();
        let tape = Tape::new();
        let windows = Indices::from_vec(last, [1, self.window]);
        let scores = tape.bind_frozen(&self.model).scores(&windows, 0.0, Mode::Evaluation);
        scores.softmax(1).value().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use unspool::ParamsExt;

    fn options(arguments: &[&str]) -> Options {
        Options::try_parse_from(["window_lm"].iter().chain(arguments)).expect("valid arguments")
    }

    /// 0 1 2 0 1 3 0 1 2 ..: what follows 1 is told by the token three before.
    fn text() -> Vec<usize> {
        (0..600).map(|i| [0, 1, 2, 0, 1, 3][i % 6]).collect()
    }

    #[test]
    fn a_vector_looked_up_is_the_product_with_a_one_hot_vector() {
        let model = WindowModel::new(&mut rng(0), 2, &options(&[]), &[5, 0, 2]);
        let tape = Tape::new();
        let net = tape.bind_frozen(&model);
        let tokens = Indices::from_vec(vec![2, 0, 1, 1], [2, 2]);
        let one_hot = tape.constant(&Tensor::one_hot(&tokens, 3)).matmul(net.words.weight);
        assert_eq!(net.words.forward(&tokens).value(), one_hot.value());
    }

    #[test]
    fn tied_weights_score_words_by_their_vectors() {
        let mut model = WindowModel::new(&mut rng(0), 2, &options(&["--tied", "--embedding", "2"]), &[0; 3]);
        assert_eq!(model.names(), ["words.weight", "hidden.weight", "hidden.bias", "bias"]);
        // A hidden layer that says (tanh 1, 0) whatever it sees; all words are as frequent.
        model.hidden = Dense { weight: Tensor::zeros([4, 2]), bias: Tensor::from_vec(vec![1.0, 0.0], [2]) };
        model.words.weight = Tensor::from_vec(vec![1.0, 7.0, 2.0, 8.0, 3.0, 9.0], [3, 2]);
        let next = Trained { model, window: 2, epochs: 0 }.next(&[1], 0);
        let scores = [1.0, 2.0, 3.0].map(|first: f32| (first * 1f32.tanh()).exp());
        let sum: f32 = scores.iter().sum();
        assert!(next.iter().zip(scores).all(|(p, score)| (p - score / sum).abs() < 1e-6), "{next:?}");
    }

    #[test]
    fn a_longer_window_sees_more() {
        let small =
            options(&["--embedding", "8", "--hidden", "16", "--dropout", "0", "--rate", "0.02", "--epochs", "30"]);
        let mean = |window| {
            let examples = Examples::new(&text(), window, 0).unwrap();
            let trained = train(&examples, 60, &small, 4).unwrap();
            nats(&trained.model, &examples).iter().sum::<f64>() / examples.len() as f64
        };
        let [one, three] = [1, 3].map(mean);
        // One token does not tell which of two follows 1, every third token: ln 2 / 3.
        assert!((one - 2f64.ln() / 3.0).abs() < 0.05 && three < 0.1, "{one} {three}");
    }

    #[test]
    fn every_token_is_predicted_once() {
        let examples = Examples::new(&[7, 8, 9], 2, 0).unwrap();
        assert_eq!(examples.windows.as_slice(), [0, 0, 0, 7, 7, 8]);
        assert_eq!(examples.next.as_slice(), [7, 8, 9]);
        let picked = examples.select(&[2, 0]);
        assert_eq!((picked.windows.as_slice(), picked.next.as_slice()), (&[7, 8, 0, 0][..], &[9, 7][..]));
    }

    #[test]
    fn an_untrained_model_knows_how_often_tokens_stand() {
        let model = WindowModel::new(&mut rng(0), 2, &options(&["--embedding", "1", "--hidden", "1"]), &[97, 0]);
        let trained = Trained { model, window: 2, epochs: 0 };
        for prompt in [&[][..], &[1], &[0, 1, 1]] {
            let next = trained.next(prompt, 0);
            assert!((next[0] - 0.98).abs() < 0.02 && (next[0] + next[1] - 1.0).abs() < 1e-6, "{next:?}");
        }
    }
}
