//! Attention: a weighted mean over time.

use crate::layers::dense::Dense;
use crate::layers::init::glorot_uniform;
use crate::layers::layer::Layer;
use crate::layers::masks::{check_lengths, keep_rows, masked_softmax, sequence_mask, zero_or_one};
use crate::random::Rng;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The output of an attention: the context `[B, H]` and the weights `[T, B]`; for N queries at
/// once, `[N, B, H]` and `[T, N, B]`.
///
/// ```
/// use unspool::layers::attention;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let (scores, values) = (Tensor::<f32>::zeros([5, 2]), Tensor::ones([5, 2, 8]));
/// let attended = attention(tape.constant(&scores), tape.constant(&values), None);
/// assert_eq!((&attended.context.shape()[..], &attended.weights.shape()[..]), (&[2, 8][..], &[5, 2][..]));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttentionOutput<'t, T: Scalar> {
    /// The weighted mean of the values: `[B, H]`, or `[N, B, H]`.
    pub context: Var<'t, T>,
    /// The weights, which sum to 1 over time: `[T, B]`, or `[T, N, B]`. Plotted for each output
    /// step, they show the alignment.
    pub weights: Var<'t, T>,
}

/// The weighted mean of `values`, `[T, B, H]`, over time, with weights `softmax(scores)`, `[T, B]`,
/// or `[T, N, B]` for N means at once. With lengths, the steps after the end of a sequence have
/// weight 0 and are not read; the mean of a sequence without steps is zeros.
///
/// ```
/// use unspool::layers::attention;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.variable(&Tensor::zeros([3, 2]));
/// let values = tape.variable(&Tensor::<f32>::from_fn([3, 2, 1], |i| i as f32));
/// let attended = attention(scores, values, Some(&[3, 2]));
/// assert_eq!(attended.context.value().to_vec(), [2.0, 2.0]); // of 0, 2, 4, and of 1, 3
/// ```
///
/// If the scores are computed from keys that may hold anything in the padding, pass these keys
/// through [`zero_padding`](crate::layers::zero_padding) first: this function sees the scores only.
/// The outputs of a recurrent layer are zeros there already.
///
/// # Panics
/// If the shapes differ from these, or there is not one length of at most T for each sequence.
#[track_caller]
pub fn attention<'t, T: Scalar>(
    scores: Var<'t, T>,
    values: Var<'t, T>,
    lengths: Option<&[usize]>,
) -> AttentionOutput<'t, T> {
    check(scores, values);
    let Some(lengths) = lengths else {
        return mean(scores.softmax(0), values);
    };
    let (time, batch) = (values.shape()[0], values.shape()[1]);
    check_lengths("attention", lengths, time, batch);
    if lengths.iter().all(|&length| length == time) {
        return mean(scores.softmax(0), values);
    }
    attention_masked(scores, values, &sequence_mask(lengths, time))
}

/// [`attention`] over the steps where `mask` is not 0: `[T, B]`, or `[T, N, B]` with a mask for
/// each of N means. Other steps have weight 0; a mean over no step is zeros. Values that are masked
/// in every mean are not read.
///
/// ```
/// use unspool::layers::attention_masked;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.variable(&Tensor::zeros([3, 1]));
/// let values = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 5.0], [3, 1, 1]));
/// let mask = Tensor::from_vec(vec![1.0, 0.0, 1.0], [3, 1]);
/// let attended = attention_masked(scores, values, &mask);
/// assert_eq!(attended.context.value().to_vec(), [3.0]); // of 1 and 5
/// ```
///
/// # Panics
/// If the shapes differ from these.
#[track_caller]
pub fn attention_masked<'t, T: Scalar>(
    scores: Var<'t, T>,
    values: Var<'t, T>,
    mask: &Tensor<T>,
) -> AttentionOutput<'t, T> {
    check(scores, values);
    let (s, v, m) = (scores.shape(), values.shape(), mask.shape());
    let steps = m[..] == v[..2];
    ensure!(steps || m == s, "attention_masked: the mask must be [T, B] or have the shape of the scores, {s}, not {m}");
    let mask = zero_or_one(mask);
    // The values that at least one mean reads: `[T, B]`.
    let seen = if steps { mask.clone() } else { zero_or_one(&mask.sum_axes(&[1])) };
    let mask = if steps && s.rank() == 3 { mask.unsqueeze(1) } else { mask };
    let weights = masked_softmax(scores, &mask, 0);
    // If the masked values are zeros already, as a recurrent layer leaves them, their weights of 0
    // are enough.
    mean(weights, if is_zero_outside(&seen, &values.value()) { values } else { keep_rows(&seen, values) })
}

/// Whether the rows of `x`, `[.., F]`, are zeros wherever `mask` is 0.
fn is_zero_outside<T: Scalar>(mask: &Tensor<T>, x: &Tensor<T>) -> bool {
    let (Some(mask), Some(elements)) = (mask.as_slice(), x.as_slice()) else { return false };
    let width = elements.len() / mask.len().max(1);
    let mut rows = mask.iter().zip(elements.chunks_exact(width.max(1)));
    rows.all(|(&valid, row)| valid != T::ZERO || row.iter().all(|&x| x == T::ZERO))
}

#[track_caller]
fn check<T: Scalar>(scores: Var<'_, T>, values: Var<'_, T>) {
    let (s, v) = (scores.shape(), values.shape());
    let fits = matches!(s.rank(), 2 | 3) && v.rank() == 3 && s[0] == v[0] && s.last() == Some(&v[1]);
    ensure!(fits, "attention: scores {s} and values {v} must be [T, B] or [T, N, B] and [T, B, H]");
}

fn mean<'t, T: Scalar>(weights: Var<'t, T>, values: Var<'t, T>) -> AttentionOutput<'t, T> {
    let context = match weights.shape().rank() {
        2 => (weights.unsqueeze(2) * values).sum_axes(&[0]),
        _ => Var::einsum("tnb,tbh->nbh", weights, values),
    };
    AttentionOutput { context, weights }
}

/// The scores `[T, B]` of a query `[B, H]` for keys `[T, B, H]`: their dot products, divided by
/// `sqrt(H)`. For N queries at once, `[N, B, H]`, as in a teacher-forced decoder: `[T, N, B]`.
///
/// Luong, Pham and Manning 2015, "Effective approaches to attention-based neural machine
/// translation" (dot), scaled as in Vaswani et al. 2017, "Attention is all you need".
///
/// ```
/// use unspool::layers::{attention, dot_product_scores};
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let query = tape.variable(&Tensor::<f32>::ones([2, 4]));
/// let keys = tape.variable(&Tensor::ones([3, 2, 4]));
/// let attended = attention(dot_product_scores(query, keys), keys, None);
/// assert_eq!(attended.context.shape()[..], [2, 4]);
/// let queries = tape.variable(&Tensor::ones([5, 2, 4]));
/// let attended = attention(dot_product_scores(queries, keys), keys, None);
/// assert_eq!(attended.context.shape()[..], [5, 2, 4]);
/// ```
///
/// # Panics
/// If the shapes differ from these.
#[track_caller]
pub fn dot_product_scores<'t, T: Scalar>(query: Var<'t, T>, keys: Var<'t, T>) -> Var<'t, T> {
    let (q, k) = (query.shape(), keys.shape());
    let fits = k.rank() == 3 && (q[..] == k[1..] || q.rank() == 3 && q[1..] == k[1..]);
    ensure!(fits, "dot_product_scores: query {q} and keys {k} must be [B, H] or [N, B, H] and [T, B, H]");
    let products = match q.rank() {
        2 => (query * keys).sum_axes(&[2]),
        _ => Var::einsum("tbh,nbh->tnb", keys, query),
    };
    products / (k[2] as f64).sqrt()
}

/// Additive attention: the score of a key k for a query q is `v · tanh(q W_q + k W_k + b)`.
///
/// Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and
/// translate".
///
/// ```
/// use unspool::layers::{AdditiveAttention, attention};
/// use unspool::{Tape, Tensor, rng};
/// let layer: AdditiveAttention<Tensor> = AdditiveAttention::new(&mut rng(0), 4, 6, 5);
/// let tape = Tape::new();
/// let net = tape.bind(&layer);
/// let encoded = tape.constant(&Tensor::ones([3, 2, 6])); // an encoder's outputs
/// let keys = net.keys(encoded); // once for all queries
/// let query = tape.constant(&Tensor::ones([2, 4]));
/// let attended = attention(net.scores(query, keys), encoded, None);
/// assert_eq!(attended.context.shape()[..], [2, 6]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct AdditiveAttention<P> {
    /// `W_q`: `[Q, A]`.
    pub query: P,
    /// `W_k`: `[K, A]`, and b: `[A]`.
    pub key: Dense<P>,
    /// v: `[A, 1]`.
    pub v: P,
}

impl<T: Scalar> AdditiveAttention<Tensor<T>> {
    /// Attention for queries of size `queries` and keys of size `keys`, with `size` hidden units.
    pub fn new(rng: &mut Rng, queries: usize, keys: usize, size: usize) -> Self {
        let query = glorot_uniform(rng, queries, size);
        AdditiveAttention { query, key: Dense::new(rng, keys, size), v: glorot_uniform(rng, size, 1) }
    }
}

impl<'t, T: Scalar> AdditiveAttention<Var<'t, T>> {
    /// Projects the keys `[T, B, K]`, once for all queries: `[T, B, A]`.
    #[track_caller]
    pub fn keys(&self, keys: Var<'t, T>) -> Var<'t, T> {
        self.key.forward(keys)
    }

    /// The scores `[T, B]` of a query `[B, Q]` for keys that [`keys`](AdditiveAttention::keys) has
    /// projected.
    #[track_caller]
    pub fn scores(&self, query: Var<'t, T>, keys: Var<'t, T>) -> Var<'t, T> {
        let _scope = query.tape().layer_scope(self);
        (query.matmul(self.query) + keys).tanh().matmul(self.v).squeeze(2)
    }
}
