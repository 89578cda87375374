//! Splitting a text into rows of cells.

use crate::data::error::DataError;
use crate::data::text_file::line_ends;
use std::borrow::Cow;

/// The most cells in a row. A file with more is not a table, and would take memory out of
/// proportion to its size.
const MOST_CELLS: usize = 1 << 20;

/// The trimmed cells of a row, and the line on which it begins.
pub(super) struct Row<'a> {
    pub(super) line: usize,
    pub(super) cells: Vec<Cow<'a, str>>,
}

/// Reads rows: quotes follow RFC 4180, lines end in `\n`, `\r\n` or `\r`, and empty lines may only
/// end the text.
#[derive(Clone)]
pub(super) struct Rows<'a> {
    rest: &'a str,
    /// The number of the line on which `rest` begins.
    line: usize,
    /// `None`: each row is one cell.
    delimiter: Option<char>,
}

impl<'a> Rows<'a> {
    /// The rows of a text that begins on this line of the file.
    pub(super) fn new(text: &'a str, line: usize, delimiter: Option<char>) -> Self {
        Rows { rest: text, line, delimiter }
    }

    /// Takes the next cell from `rest`.
    fn cell(&mut self) -> Result<Cow<'a, str>, DataError> {
        let delimiter = self.delimiter;
        let blank = move |c: char| (c == ' ' || c == '\t') && Some(c) != delimiter;
        let ends = move |c: char| Some(c) == delimiter || c == '\n' || c == '\r';
        let start = self.rest.trim_start_matches(blank);
        let Some(quoted) = start.strip_prefix('"') else {
            let cell = &self.rest[..self.rest.find(ends).unwrap_or(self.rest.len())];
            self.rest = &self.rest[cell.len()..];
            return Ok(Cow::Borrowed(cell.trim()));
        };

        let opened = self.line;
        let Some(length) = closing_quote(quoted) else {
            return Err(DataError::new(format!(
                "line {opened}: a quote opens before {} and is never closed",
                shown(line(quoted))
            )));
        };
        let inside = &quoted[..length];
        self.line += line_ends(inside.as_bytes());
        self.rest = quoted[length + 1..].trim_start_matches(blank);
        if !self.rest.is_empty() && !self.rest.starts_with(ends) {
            return Err(DataError::new(format!(
                "line {}: {} follows a quote that closes the cell {} of line {opened}: a quote within a cell is written twice",
                self.line,
                shown(line(self.rest)),
                shown(line(inside)),
            )));
        }
        let inside = inside.trim();
        Ok(if inside.contains('"') { inside.replace("\"\"", "\"").into() } else { Cow::Borrowed(inside) })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line;
        if self.rest.starts_with(['\n', '\r']) {
            let more = !self.rest.trim_start_matches(['\n', '\r']).is_empty();
            return more.then(|| Err(DataError::new(format!("line {line} is empty, but rows follow it"))));
        }
        if self.rest.is_empty() {
            return None;
        }
        let mut cells = Vec::new();
        loop {
            if cells.len() == MOST_CELLS {
                return Some(Err(DataError::new(format!(
                    "line {line} has more than {MOST_CELLS} cells: this is not a table"
                ))));
            }
            match self.cell() {
                Ok(cell) => cells.push(cell),
                Err(problem) => return Some(Err(problem)),
            }
            let mut chars = self.rest.chars();
            match chars.next() {
                Some(c) if Some(c) == self.delimiter => self.rest = chars.as_str(),
                Some(_) => {
                    self.rest = self.rest.strip_prefix("\r\n").unwrap_or(chars.as_str());
                    self.line += 1;
                    break;
                }
                None => break,
            }
        }
        Some(Ok(Row { line, cells }))
    }
}

/// The position of the closing quote of a quoted text: two quotes in a row are one quote of the
/// text.
fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let quote = from + text[from..].find('"')?;
        if !text[quote + 1..].starts_with('"') {
            return Some(quote);
        }
        from = quote + 2;
    }
}

/// The start of a text, quoted for a message.
pub(super) fn shown(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    format!("{start:?}{}", if start.len() < text.len() { ".." } else { "" })
}

fn line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}
