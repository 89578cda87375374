//! Measures of how well a model predicts a text.

/// The perplexity, `exp(cross_entropy)` of a cross-entropy per token in nats, as
/// [`CrossEntropy`](crate::losses::CrossEntropy) and [`nll`](crate::losses::nll) return it: the
/// number of equally likely tokens among which such a model chooses (Jelinek et al. 1977).
///
/// ```
/// use unspool::text::perplexity;
/// assert!((perplexity(65f64.ln()) - 65.0).abs() < 1e-12);       // uniform over 65 characters
/// ```
pub fn perplexity(cross_entropy: f64) -> f64 {
    cross_entropy.exp()
}

/// The cross-entropy per token in bits, from that in nats: `cross_entropy / ln 2`. If tokens are
/// characters, these are bits per character.
///
/// For a model of words, the bits per character are the bits per word, times the number of words,
/// divided by the number of characters.
///
/// ```
/// use unspool::text::bits_per_token;
/// assert_eq!(bits_per_token(2f64.ln()), 1.0);
/// ```
pub fn bits_per_token(cross_entropy: f64) -> f64 {
    cross_entropy / std::f64::consts::LN_2
}
