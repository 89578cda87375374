//! Parts of sentences about what comes from outside: they have an end, however much comes.

use std::fmt::Display;

/// The first ten, and how many more there are: `a, b and 3 more`.
pub(crate) fn listed<I: Display>(items: impl IntoIterator<Item = I>, between: &str) -> String {
    let mut items = items.into_iter();
    let first: Vec<String> = items.by_ref().take(10).map(|item| item.to_string()).collect();
    match items.count() {
        0 => first.join(between),
        more => format!("{} and {more} more", first.join(between)),
    }
}

/// A text in quotes; of one with more than 100 characters, the beginning.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(100) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}..", &text[..end]),
    }
}

/// A sentence of others, which may quote what comes from outside; of one with more than 300 characters, the beginning.
#[cfg(feature = "safetensors")]
pub(crate) fn shortened(sentence: impl Display) -> String {
    let mut sentence = sentence.to_string();
    if let Some((end, _)) = sentence.char_indices().nth(300) {
        sentence.truncate(end);
        sentence += "..";
    }
    sentence
}

/// A shape that may have any number of axes: `[2, 3]`.
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) fn sizes(sizes: &[usize]) -> String {
    format!("[{}]", listed(sizes, ", "))
}
