//! Attention of many queries to many keys.

use crate::layers::padding::{counts, keep_rows, masked_softmax};
use unspool_autograd::{Scalar, Shape, Tensor, Var};

/// Attention to be computed: what [`scaled_dot_product_attention`] returns.
#[must_use = "nothing is computed until `run`"]
pub struct ScaledDotProduct<'a, 't, T: Scalar> {
    queries: Var<'t, T>,
    keys: Var<'t, T>,
    values: Var<'t, T>,
    scale: Option<f64>,
    mask: Option<&'a Tensor<T>>,
    bias: Option<Var<'t, T>>,
    causal: bool,
}

/// For each of L queries, `[.., L, E]`, the mean of S values, `[.., S, V]`, weighted by how well their keys, `[.., S, E]`,
/// answer it: `softmax(Q Kᵀ / sqrt(E)) V`, which is `[.., L, V]`. Leading axes, the sequences of a batch and the heads, broadcast.
/// Nothing happens before [`run`](ScaledDotProduct::run).
///
/// Vaswani et al. 2017, "Attention is all you need", equation 1; PyTorch's function of that name, whose axes these are. A
/// sequence `[T, B, F]` has its batch in the middle: [`transpose(0, 1)`](Var::transpose) brings it to the front.
///
/// ```
/// use unspool_nn::layers::scaled_dot_product_attention;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let xs = tape.variable(&Tensor::<f32>::from_fn([3, 2, 4], |i| (i as f32).sin())); // [T, B, F]
/// let x = xs.transpose(0, 1);
/// let y = scaled_dot_product_attention(x, x, x).causal().run();
/// assert_eq!(y.shape()[..], [2, 3, 4]);
/// assert_eq!(y.select(1, 0).value(), x.select(1, 0).value()); // the first step sees itself alone
/// ```
pub fn scaled_dot_product_attention<'a, 't, T: Scalar>(
    queries: Var<'t, T>,
    keys: Var<'t, T>,
    values: Var<'t, T>,
) -> ScaledDotProduct<'a, 't, T> {
    ScaledDotProduct { queries, keys, values, scale: None, mask: None, bias: None, causal: false }
}

impl<'a, 't, T: Scalar> ScaledDotProduct<'a, 't, T> {
    /// What scores are multiplied by, instead of `1 / sqrt(E)`.
    pub fn scale(self, scale: f64) -> Self {
        ScaledDotProduct { scale: Some(scale), ..self }
    }

    /// Which keys each query sees, `[.., L, S]`: those where `mask` is not 0. It broadcasts: `[B, 1, S]` hides the padding of B
    /// sequences from all queries. The result of a query that sees none is zeros; a key that none sees, its value, and a query
    /// that sees none are not read.
    ///
    /// ```
    /// use unspool_nn::layers::{scaled_dot_product_attention, sequence_mask};
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::ones([2, 3, 4])); // [B, T, F]
    /// let mask = sequence_mask(&[3, 2], 3).t().unsqueeze(1);  // [B, 1, T]
    /// assert_eq!(scaled_dot_product_attention(x, x, x).mask(&mask).run().shape()[..], [2, 3, 4]);
    /// ```
    pub fn mask(self, mask: &'a Tensor<T>) -> Self {
        ScaledDotProduct { mask: Some(mask), ..self }
    }

    /// Adds this to the scores before the softmax: `[.., L, S]`, or what broadcasts to it. A learned bias for each distance,
    /// for example (PyTorch's `attn_mask` of numbers).
    pub fn bias(self, bias: Var<'t, T>) -> Self {
        ScaledDotProduct { bias: Some(bias), ..self }
    }

    /// Lets query l see the keys 0 to l alone: of those that the mask lets through, if there is one.
    pub fn causal(self) -> Self {
        ScaledDotProduct { causal: true, ..self }
    }

    /// Computes it.
    ///
    /// # Panics
    /// If the shapes are not these, or what was given with them does not broadcast to the scores.
    #[track_caller]
    pub fn run(self) -> Var<'t, T> {
        let (mut queries, mut keys, mut values) = (self.queries, self.keys, self.values);
        let (q, k, v) = (queries.shape(), keys.shape(), values.shape());
        let rank = q.rank().min(k.rank()).min(v.rank());
        let of = |shape: Shape, from_end: usize| shape[shape.rank() - from_end];
        let fits = rank >= 2 && of(q, 1) == of(k, 1) && of(k, 2) == of(v, 2);
        assert!(
            fits,
            "scaled_dot_product_attention: queries {q}, keys {k} and values {v} must be [.., L, E], [.., S, E] and [.., S, V]"
        );
        let mask = self.mask.map(counts);
        let mask = if self.causal { Some(with_causal(mask, of(q, 2), of(k, 2))) } else { mask };
        if let Some(mask) = &mask {
            let m = mask.shape();
            let fits = (2..=q.rank().max(k.rank())).contains(&m.rank())
                && [1, of(q, 2)].contains(&of(m, 2))
                && [1, of(k, 2)].contains(&of(m, 1));
            assert!(fits, "scaled_dot_product_attention: mask {m} is not [.., {}, {}]", of(q, 2), of(k, 2));
            let axis = m.rank() - 1;
            // What no one sees, and who sees nothing: `0 * NaN` is NaN.
            let (answered, seen) = (mask.sum_axes(&[axis]), mask.sum_axes(&[axis - 1]));
            queries = keep_rows(&answered, queries);
            keys = keep_rows(&seen, keys);
            values = keep_rows(&seen, values);
        }
        let scale = self.scale.unwrap_or(1.0 / (of(q, 1) as f64).sqrt());
        let scores = (queries * scale).matmul(keys.t());
        let scores = self.bias.map_or(scores, |bias| scores + bias);
        let axis = scores.shape().rank() - 1;
        let weights = mask.map_or_else(|| scores.softmax(axis), |mask| masked_softmax(scores, &mask, axis));
        weights.matmul(values)
    }
}

/// The mask, without the keys after each query: `[.., L, S]`.
fn with_causal<T: Scalar>(mask: Option<Tensor<T>>, queries: usize, keys: usize) -> Tensor<T> {
    let causal = Tensor::from_fn([queries, keys], |i| if i % keys <= i / keys { T::ONE } else { T::ZERO });
    match mask {
        None => causal,
        Some(mask) => mask.zip_named("scaled_dot_product_attention", &causal, |a, b| a * b),
    }
}
