//! How well a text is predicted.

/// `exp(nats)`, where `nats` is the mean of -ln p over the tokens, as [`CrossEntropy`](crate::losses::CrossEntropy) and
/// [`nll`](crate::losses::nll) return it: among how many equally likely tokens such a model chooses (Jelinek et al. 1977).
///
/// ```
/// use unspool_nn::text::perplexity;
/// assert!((perplexity(65f64.ln()) - 65.0).abs() < 1e-12);       // knows nothing, of 65 characters
/// ```
pub fn perplexity(nats: f64) -> f64 {
    nats.exp()
}

/// `nats / ln 2`: of the mean of -ln p over characters, the bits per character.
///
/// The bits per character of a model of words are those per word, times the number of words, by the number of characters.
///
/// ```
/// use unspool_nn::text::bits_per_token;
/// assert_eq!(bits_per_token(2f64.ln()), 1.0);
/// ```
pub fn bits_per_token(nats: f64) -> f64 {
    nats / std::f64::consts::LN_2
}
