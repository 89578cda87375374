//! Sentences that name lines of a test.

/// The sentence with each line `file:line:column` of `file`, whose text is `source`, as the mark at the end of that
/// line: `// @mark` becomes `@mark`.
///
/// # Panics
/// If such a line has no mark.
pub fn marked(sentence: &str, file: &str, source: &str) -> String {
    let prefix = format!("{file}:");
    let mut parts = sentence.split(&prefix);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut numbers = part.splitn(2, ':');
        let line: usize = numbers.next().and_then(|line| line.parse().ok()).expect("a line");
        let rest = numbers.next().expect("a column").trim_start_matches(|c: char| c.is_ascii_digit());
        let text = source.lines().nth(line - 1).expect("a line of the file");
        let (_, mark) = text.split_once("// @").unwrap_or_else(|| panic!("{sentence}\nno mark in line {line}: {text}"));
        result += &format!("@{mark}{rest}");
    }
    result
}
