//! Splitting a text into tokens, and joining words into a text.

/// The characters (Unicode scalar values) of a text, as slices of it.
///
/// ```
/// use unspool::text::characters;
/// assert_eq!(characters("né\n").collect::<Vec<_>>(), ["n", "é", "\n"]);
/// ```
pub fn characters(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.char_indices().map(|(start, c)| &text[start..start + c.len_utf8()])
}

/// The words of a text: the segments between Unicode word boundaries (Standard Annex 29), without
/// spaces. Needs the feature `unicode`.
///
/// A punctuation character is a word of its own; an apostrophe or a decimal point inside a word
/// belongs to the word. Each line break is the word `"\n"`, so that a model learns where lines end.
/// Case is kept. For a text that was tokenized before and has special tokens such as `<unk>`, which
/// are three words here, use [`whitespace_words`].
///
/// ```
/// use unspool::text::words;
/// let said = words("Can't you, Noe\u{308}l?\nNo: 3.5!").collect::<Vec<_>>();
/// assert_eq!(said, ["Can't", "you", ",", "Noe\u{308}l", "?", "\n", "No", ":", "3.5", "!"]);
/// // Narrow no-break spaces, as before French punctuation and in Mongolian, are spaces.
/// assert_eq!(words("Va\u{202f}!").collect::<Vec<_>>(), ["Va", "!"]);
/// ```
#[cfg(feature = "unicode")]
pub fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    use unicode_segmentation::UnicodeSegmentation;
    // The annex does not break words at U+202F, which precedes suffixes in Mongolian.
    let segments = text.split(|c: char| c.is_whitespace() && !matches!(c, '\n' | '\r'));
    segments.flat_map(|segment| {
        segment.split_word_bounds().map(|word| match word {
            "\r\n" | "\r" => "\n",
            _ => word,
        })
    })
}

/// The words of a text that was tokenized before, such as Penn Treebank and WikiText: whatever is
/// between spaces. Each line break is the word `"\n"`.
///
/// ```
/// use unspool::text::whitespace_words;
/// let said = whitespace_words(" the <unk> 's N-year @-@ old \r\n = = \n").collect::<Vec<_>>();
/// assert_eq!(said, ["the", "<unk>", "'s", "N-year", "@-@", "old", "\n", "=", "=", "\n"]);
/// ```
pub fn whitespace_words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split_inclusive('\n').flat_map(|line| {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line.strip_suffix('\r').unwrap_or(line), Some("\n")),
            None => (line, None),
        };
        // A lone carriage return ends a line, too.
        let lines = line.split('\r').enumerate();
        lines.flat_map(|(i, line)| (i > 0).then_some("\n").into_iter().chain(line.split_whitespace())).chain(end)
    })
}

/// Joins words into a text, with spaces between them, except at line breaks, before closing and
/// after opening punctuation.
///
/// This does not restore a text that was split: its spaces are lost.
///
/// ```
/// use unspool::text::join_words;
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
