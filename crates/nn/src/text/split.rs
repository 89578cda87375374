//! Text into tokens, and words into text.

/// The characters (Unicode scalar values) of a text, each as a piece of it.
///
/// ```
/// use unspool_nn::text::characters;
/// assert_eq!(characters("né\n").collect::<Vec<_>>(), ["n", "é", "\n"]);
/// ```
pub fn characters(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])
}

/// The words of a text: what stands between the word boundaries of Unicode (Standard Annex 29), without the spaces.
///
/// Punctuation marks are words of their own; an apostrophe or a decimal point inside of a word belongs to it. Each line break is
/// the word `"\n"`, so that a model learns where lines end. Upper case stays.
///
/// ```
/// use unspool_nn::text::words;
/// let said = words("Can't you, Noe\u{308}l?\nNo: 3.5!").collect::<Vec<_>>();
/// assert_eq!(said, ["Can't", "you", ",", "Noe\u{308}l", "?", "\n", "No", ":", "3.5", "!"]);
/// ```
#[cfg(feature = "unicode")]
pub fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    use unicode_segmentation::UnicodeSegmentation;
    text.split_word_bounds().filter_map(|word| match word {
        "\n" | "\r\n" | "\r" => Some("\n"),
        _ if word.chars().all(char::is_whitespace) => None,
        _ => Some(word),
    })
}

/// Words as a text: with a space between two, but not at a line break, before closing or behind opening punctuation.
///
/// It does not bring back the text that was split: its spaces are lost.
///
/// ```
/// use unspool_nn::text::join_words;
/// assert_eq!(join_words(["You", "(", "all", ")", ":", "\n", "Speak", ",", "speak", "."]), "You (all):\nSpeak, speak.");
/// ```
pub fn join_words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        let opened = text.is_empty() || text.ends_with(['\n', '(', '[', '{', '“', '‘', '«']);
        let closes = matches!(
            word,
            "\n" | "." | "," | ";" | ":" | "!" | "?" | ")" | "]" | "}" | "”" | "’" | "»" | "…" | "。" | "，" | "、"
        );
        if !opened && !closes {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
