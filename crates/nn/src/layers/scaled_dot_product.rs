//! Scaled dot-product attention: many queries, many keys.

use crate::layers::masks::{keep_rows, masked_softmax, zero_or_one};
use unspool_autograd::{Scalar, Shape, Tensor, Var};

/// An attention with options, about to run: what [`scaled_dot_product_attention`] returns.
///
/// ```
/// use unspool::layers::scaled_dot_product_attention;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::<f32>::new();
/// let x = tape.constant(&Tensor::ones([2, 3, 4])); // [B, T, F]
/// let attended = scaled_dot_product_attention(x, x, x).scale(1.0).causal().run();
/// assert_eq!(attended.shape()[..], [2, 3, 4]);
/// ```
#[derive(Debug)]
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

/// For each of L queries, `[.., L, E]`, the mean of S values, `[.., S, V]`, weighted by the match
/// of their keys, `[.., S, E]`: `softmax(Q Kᵀ / sqrt(E)) V`, which is `[.., L, V]`. Leading axes,
/// such as batch and heads, broadcast. Nothing is computed until [`run`](ScaledDotProduct::run).
///
/// Vaswani et al. 2017, "Attention is all you need", equation 1. The axes are those of PyTorch's
/// function of that name; a sequence `[T, B, F]` is moved to batch first by
/// [`transpose(0, 1)`](Var::transpose).
///
/// ```
/// use unspool::layers::scaled_dot_product_attention;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let xs = Tensor::<f32>::from_fn([3, 2, 4], |i| (i as f32).sin()); // [T, B, F]
/// let x = tape.variable(&xs).transpose(0, 1);
/// let y = scaled_dot_product_attention(x, x, x).causal().run();
/// assert_eq!(y.shape()[..], [2, 3, 4]);
/// assert_eq!(y.select(1, 0).value(), x.select(1, 0).value()); // the first step sees only itself
/// ```
pub fn scaled_dot_product_attention<'a, 't, T: Scalar>(
    queries: Var<'t, T>,
    keys: Var<'t, T>,
    values: Var<'t, T>,
) -> ScaledDotProduct<'a, 't, T> {
    ScaledDotProduct { queries, keys, values, scale: None, mask: None, bias: None, causal: false }
}

impl<'a, 't, T: Scalar> ScaledDotProduct<'a, 't, T> {
    /// Scales the scores by this factor instead of `1 / sqrt(E)`.
    pub fn scale(self, scale: f64) -> Self {
        ScaledDotProduct { scale: Some(scale), ..self }
    }

    /// Sets which keys each query sees, `[.., L, S]`: those where `mask` is not 0. It broadcasts:
    /// `[B, 1, S]` hides the padding of B sequences from all queries. The result of a query that
    /// sees no key is zeros. Such a query is not read, nor is a key that no query sees, or its
    /// value.
    ///
    /// ```
    /// use unspool::layers::{scaled_dot_product_attention, sequence_mask};
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::ones([2, 3, 4])); // [B, T, F]
    /// let mask = sequence_mask(&[3, 2], 3).t().unsqueeze(1); // [B, 1, T]
    /// let y = scaled_dot_product_attention(x, x, x).mask(&mask).run();
    /// assert_eq!(y.shape()[..], [2, 3, 4]);
    /// ```
    pub fn mask(self, mask: &'a Tensor<T>) -> Self {
        ScaledDotProduct { mask: Some(mask), ..self }
    }

    /// Adds `bias` to the scores before the softmax: `[.., L, S]`, or a shape that broadcasts to
    /// it. For example a learned bias for each distance (PyTorch's floating-point `attn_mask`).
    pub fn bias(self, bias: Var<'t, T>) -> Self {
        ScaledDotProduct { bias: Some(bias), ..self }
    }

    /// Lets query l see only keys 0 to l; with a mask, those of them that it allows.
    pub fn causal(self) -> Self {
        ScaledDotProduct { causal: true, ..self }
    }

    /// Computes the attention.
    ///
    /// # Panics
    /// If the shapes differ from these, or the mask or the bias does not broadcast to the scores.
    #[track_caller]
    pub fn run(self) -> Var<'t, T> {
        let (mut queries, mut keys, mut values) = (self.queries, self.keys, self.values);
        let (q, k, v) = (queries.shape(), keys.shape(), values.shape());
        let rank = q.rank().min(k.rank()).min(v.rank());
        let size = |shape: Shape, from_end: usize| shape[shape.rank() - from_end];
        let fits = rank >= 2 && size(q, 1) == size(k, 1) && size(k, 2) == size(v, 2);
        ensure!(
            fits,
            "scaled_dot_product_attention: queries {q}, keys {k} and values {v} must be [.., L, E], [.., S, E] and [.., S, V]"
        );
        let mask = self.mask.map(zero_or_one);
        let mask = if self.causal { Some(with_causal(mask, size(q, 2), size(k, 2))) } else { mask };
        if let Some(mask) = &mask {
            let m = mask.shape();
            let fits = (2..=q.rank().max(k.rank())).contains(&m.rank())
                && [1, size(q, 2)].contains(&size(m, 2))
                && [1, size(k, 2)].contains(&size(m, 1));
            ensure!(
                fits,
                "scaled_dot_product_attention: the mask must be [.., {}, {}], not {m}",
                size(q, 2),
                size(k, 2)
            );
            let axis = m.rank() - 1;
            // Queries that see no key, and keys that no query sees, become zeros: a weight of 0
            // times NaN would be NaN.
            let (seeing, seen) = (mask.sum_axes(&[axis]), mask.sum_axes(&[axis - 1]));
            queries = keep_rows(&seeing, queries);
            keys = keep_rows(&seen, keys);
            values = keep_rows(&seen, values);
        }
        let scale = self.scale.unwrap_or(1.0 / (size(q, 1) as f64).sqrt());
        let scores = (queries * scale).matmul(keys.t());
        let scores = self.bias.map_or(scores, |bias| scores + bias);
        let axis = scores.shape().rank() - 1;
        let weights = mask.map_or_else(|| scores.softmax(axis), |mask| masked_softmax(scores, &mask, axis));
        weights.matmul(values)
    }
}

/// The mask, combined with the causal one: `[.., L, S]`.
fn with_causal<T: Scalar>(mask: Option<Tensor<T>>, queries: usize, keys: usize) -> Tensor<T> {
    let causal = Tensor::from_fn([queries, keys], |i| if i % keys <= i / keys { T::ONE } else { T::ZERO });
    match mask {
        None => causal,
        Some(mask) => mask.zip_named("scaled_dot_product_attention", &causal, |a, b| a * b),
    }
}
