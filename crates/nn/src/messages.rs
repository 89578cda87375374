//! Fragments of messages that quote input from outside: bounded, however much input there is.

use std::fmt::Display;

/// The likely cure if a layer over sequences gets `[B, F]`.
pub(crate) const RETURN_SEQUENCES: &str = ": after a recurrent layer, add .return_sequences() to that layer";

/// The likely cure if the first axis of inputs has the size that the second should have.
pub(crate) const BATCH_FIRST: &str =
    ": the axes are [T, N, F], if those of the inputs are [N, T, F] swap them with transpose(0, 1)";

/// The first ten items, and how many more there are: `a, b and 3 more`.
pub(crate) fn listed<I: Display>(items: impl IntoIterator<Item = I>, between: &str) -> String {
    let mut items = items.into_iter();
    let first: Vec<String> = items.by_ref().take(10).map(|item| item.to_string()).collect();
    match items.count() {
        0 => first.join(between),
        more => format!("{} and {more} more", first.join(between)),
    }
}

/// A text in quotes, cut after 100 characters.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(100) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}..", &text[..end]),
    }
}

/// A message of another crate, which may quote input from outside, cut after 300 characters.
#[cfg(feature = "safetensors")]
pub(crate) fn shortened(sentence: impl Display) -> String {
    let mut sentence = sentence.to_string();
    if let Some((end, _)) = sentence.char_indices().nth(300) {
        sentence.truncate(end);
        sentence += "..";
    }
    sentence
}

/// A shape with any number of axes: `[2, 3]`.
#[cfg(any(feature = "npy", feature = "safetensors", feature = "serde"))]
pub(crate) fn sizes(sizes: &[usize]) -> String {
    format!("[{}]", listed(sizes, ", "))
}
