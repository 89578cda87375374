//! Numbers from CSV files.

use crate::dataset::DataError;
use crate::files;
use std::fmt;
use std::path::Path;
use unspool_autograd::{Scalar, Tensor};

/// Reads columns of numbers from a file of comma-separated values, a row per time step: a series `[L, F]`.
///
/// Quotes are those of RFC 4180; spaces around cells, a byte order mark and the kind of line ends do not matter. Only the
/// chosen columns must be numbers, and all of their cells must be: a series with a gap is no series.
///
/// ```
/// use unspool_nn::Csv;
/// let text = "day,\"wind, m/s\",rain\nMon,3.5,0\nTue,4,1e-1\n";
/// let series = Csv::new().columns(["rain", "wind, m/s"]).parse::<f32>(text)?;
/// assert_eq!((&series.shape()[..], series.to_vec()), (&[2, 2][..], vec![0.0, 3.5, 0.1, 4.0]));
/// assert_eq!(Csv::new().columns([1]).parse::<f32>(text)?.to_vec(), [3.5, 4.0]);
/// let wrong = Csv::new().columns(["day"]).parse::<f32>(text).unwrap_err();
/// assert_eq!(wrong.to_string(), "line 2, column \"day\": \"Mon\" is not a number");
/// # Ok::<(), unspool_nn::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// `None`: all of them.
    columns: Option<Vec<Column>>,
    delimiter: u8,
    header: bool,
}

/// A column of a file: its name in the header, or its number from 0. Made from either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The column of this name.
    Name(String),
    /// The column at this place, from 0.
    Number(usize),
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Column::Name(name.to_string())
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Column::Name(name)
    }
}

impl From<usize> for Column {
    fn from(number: usize) -> Self {
        Column::Number(number)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Name(name) => write!(f, "column {name:?}"),
            Column::Number(number) => write!(f, "column {number}"),
        }
    }
}

impl Default for Csv {
    fn default() -> Self {
        Csv::new()
    }
}

impl Csv {
    /// All columns, separated by commas, under a header of names.
    pub fn new() -> Self {
        Csv { columns: None, delimiter: b',', header: true }
    }

    /// Chooses columns by name or number, in this order.
    pub fn columns<C: Into<Column>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        Csv { columns: Some(columns.into_iter().map(Into::into).collect()), ..self }
    }

    /// Sets what stands between cells: `b';'`, `b'\t'`.
    pub fn delimiter(self, delimiter: u8) -> Self {
        Csv { delimiter, ..self }
    }

    /// Takes the first line for numbers: there are no names.
    pub fn without_header(self) -> Self {
        Csv { header: false, ..self }
    }

    /// Reads a file: `[L, F]`, the columns in the order in which they were chosen.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8 text or holds no row; if a column is not there, or two have the chosen name;
    /// if a row has another number of cells than the first or is empty; if a cell is not a finite number of type `T`. The
    /// sentence names the file, the line and the column.
    pub fn read<T: Scalar>(&self, file: impl AsRef<Path>) -> Result<Tensor<T>, DataError> {
        let path = file.as_ref();
        let file = path.display();
        let bytes =
            files::open(path).and_then(files::read).map_err(|e| DataError(format!("cannot read {file}: {e}")))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let before = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]).into_owned();
            DataError(format!(
                "{file}: line {} is not UTF-8 text",
                1 + with_one_line_end(&before).matches('\n').count()
            ))
        })?;
        self.parse(&text).map_err(|DataError(sentence)| DataError(format!("{file}: {sentence}")))
    }

    /// Reads a text, as [`read`](Csv::read) does a file.
    ///
    /// # Errors
    /// If its content is none that [`read`](Csv::read) takes.
    pub fn parse<T: Scalar>(&self, text: &str) -> Result<Tensor<T>, DataError> {
        let text = with_one_line_end(text);
        let mut rows = Rows::new(&text, self.delimiter);
        let first = rows.next().transpose()?.ok_or_else(|| DataError("the file is empty".to_string()))?;
        let (width, columns) = (first.cells.len(), self.places(&first.cells)?);
        let (above, first) = if self.header { ("the header", None) } else { ("line 1", Some(Ok(first))) };
        let mut values = Vec::new();
        for row in first.into_iter().chain(rows) {
            let Row { line, cells } = row?;
            if cells.len() != width {
                let n = cells.len();
                return Err(DataError(format!("line {line} has another number of cells ({n}) than {above} ({width})")));
            }
            for (column, place) in &columns {
                let value = number(&cells[*place]);
                values.push(value.map_err(|problem| DataError(format!("line {line}, {column}: {problem}")))?);
            }
        }
        if values.is_empty() {
            return Err(DataError("no row follows the header".to_string()));
        }
        let length = values.len() / columns.len();
        Ok(Tensor::from_vec(values, [length, columns.len()]))
    }

    /// The chosen columns and their places in a row, whose first one is given.
    fn places(&self, first: &csv::StringRecord) -> Result<Vec<(Column, usize)>, DataError> {
        let named = |place: usize| if self.header { Column::from(&first[place]) } else { Column::Number(place) };
        let Some(columns) = &self.columns else { return Ok((0..first.len()).map(|at| (named(at), at)).collect()) };
        if columns.is_empty() {
            return Err(DataError("no column is chosen: at least one is needed".to_string()));
        }
        let place = |column: &Column| match column {
            Column::Number(number) if *number < first.len() => Ok(*number),
            Column::Number(number) => {
                Err(format!("there is no column {number}: the file has {}, counted from 0", first.len()))
            }
            Column::Name(name) if !self.header => {
                Err(format!("there is no column {name:?}: a file without a header has numbers for its columns"))
            }
            Column::Name(name) => match first.iter().filter(|n| n == name).count() {
                0 => Err(format!("there is no column {name:?}: the columns are {}", quoted(first))),
                1 => Ok(first.iter().position(|n| n == name).expect("counted")),
                n => Err(format!("{n} columns are named {name:?}: choose one by its number")),
            },
        };
        columns.iter().map(|column| Ok((column.clone(), place(column).map_err(DataError)?))).collect()
    }
}

/// A row of cells, and the line on which it begins.
struct Row {
    line: usize,
    cells: csv::StringRecord,
}

/// The rows of a text whose lines end in `\n`.
struct Rows<'a> {
    text: &'a str,
    records: csv::StringRecordsIntoIter<&'a [u8]>,
    /// The byte at which the row before began, and its line.
    at: usize,
    line: usize,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let mut reader = csv::ReaderBuilder::new();
        reader.has_headers(false).flexible(true).trim(csv::Trim::All).delimiter(delimiter);
        Rows { text, records: reader.from_reader(text.as_bytes()).into_records(), at: 0, line: 1 }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        let position = match &record {
            Ok(record) => record.position(),
            Err(e) => e.position(),
        };
        // The reader passes over empty lines, so a row begins after the line ends found where it was read.
        let read_at = position.map_or(self.at, |position| position.byte() as usize);
        let empty = self.text[read_at..].bytes().take_while(|&byte| byte == b'\n').count();
        self.line += self.text[self.at..read_at].matches('\n').count();
        self.at = read_at;
        let line = self.line;
        if empty > 0 {
            return Some(Err(DataError(format!("line {line} is empty, but rows follow it"))));
        }
        Some(record.map(|cells| Row { line, cells }).map_err(|e| DataError(format!("line {line} cannot be read: {e}"))))
    }
}

/// The text with lines that end in `\n`, however they end.
fn with_one_line_end(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The number in a cell.
fn number<T: Scalar>(cell: &str) -> Result<T, String> {
    let shown: String = cell.chars().take(40).collect();
    let value: f64 = match cell.parse() {
        _ if cell.is_empty() => return Err("the cell is empty, where a number is expected".to_string()),
        Ok(value) => value,
        Err(_) => return Err(format!("{shown:?} is not a number")),
    };
    match T::from_f64(value) {
        _ if !value.is_finite() => Err(format!("{shown:?} is not a finite number")),
        number if number.is_finite() => Ok(number),
        _ => Err(format!("{shown:?} is too large for {}", T::NAME)),
    }
}

fn quoted(names: &csv::StringRecord) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}
