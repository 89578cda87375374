//! Reading columns of numbers from CSV files.
//!
//! An ambiguous number is an error with its line, never a guess.

mod columns;
mod delimiter;
mod numbers;
mod rows;
mod table;

pub use columns::Column;
pub use table::CsvTable;

use crate::data::error::DataError;
use crate::data::text_file::read_text_file;
use columns::position;
use numbers::{Decimal, Evidence};
use rows::{Row, Rows, shown};
use std::path::Path;
use unspool_autograd::{Scalar, Tensor};

/// Reads columns of numbers from a file of comma-separated values, a row per time step: a series
/// `[L, F]`.
///
/// Quotes follow RFC 4180. Spaces around cells, a byte order mark and the kind of line ends do not
/// matter. Only the chosen columns must be numbers, but all of their cells must be: a file with
/// missing values is read as a [table](Csv::parse_table).
///
/// ```
/// use unspool::data::Csv;
/// let text = "day,\"wind, m/s\",rain\nMon,3.5,0\nTue,4,1e-1\n";
/// let series = Csv::new().columns(["rain", "wind, m/s"]).parse::<f32>(text)?;
/// assert_eq!((&series.shape()[..], series.to_vec()), (&[2, 2][..], vec![0.0, 3.5, 0.1, 4.0]));
/// assert_eq!(Csv::new().columns([1]).parse::<f32>(text)?.to_vec(), [3.5, 4.0]);
/// let wrong = Csv::new().columns(["day"]).parse::<f32>(text).unwrap_err();
/// assert_eq!(wrong.to_string(), "line 2, column \"day\": \"Mon\" is not a number");
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// The delimiter and the decimal mark are inferred if the file is unambiguous. Otherwise the error
/// requests them:
///
/// ```
/// # use unspool::data::Csv;
/// let exported = "day;wind\n31.12.2001;1.024,5\n01.01.2002;3,5\n";
/// assert_eq!(Csv::new().columns(["wind"]).parse::<f32>(exported)?.to_vec(), [1024.5, 3.5]);
/// let ambiguous = "day;wind\n31.12.2001;1.024\n";
/// assert_eq!(
///     Csv::new().columns(["wind"]).parse::<f32>(ambiguous).unwrap_err().to_string(),
///     "line 2: \"1.024\" may be 1.024 or 1024: set the decimal mark"
/// );
/// assert_eq!(Csv::new().columns(["wind"]).decimal(',').parse::<f32>(ambiguous)?.to_vec(), [1024.0]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csv {
    /// `None`: all of them.
    columns: Option<Vec<Column>>,
    index: Option<Column>,
    /// `None`: inferred, as the decimal mark.
    delimiter: Option<char>,
    decimal: Option<Decimal>,
    first_row: FirstRow,
    missing: Vec<String>,
}

/// What the first row of a file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FirstRow {
    /// Names; it is an error if they look like numbers.
    #[default]
    ExpectNames,
    /// Names, whatever they look like.
    Names,
    Numbers,
}

impl Csv {
    /// The usual ways to write a missing value, for [`missing`](Csv::missing).
    pub const MISSING: [&str; 12] = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "null", "nil", "None", "-", "--", "?"];

    /// Reads all columns of a file with a header.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses columns by name or index, in this order.
    pub fn columns<C: Into<Column>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        Csv { columns: Some(columns.into_iter().map(Into::into).collect()), ..self }
    }

    /// Chooses a column of text that identifies each row, such as a date: the
    /// [`index`](CsvTable::index) of a table. If no columns are chosen, all others are read.
    pub fn index(self, column: impl Into<Column>) -> Self {
        Csv { index: Some(column.into()), ..self }
    }

    /// Sets the delimiter between cells, such as `';'` or `'\t'`. By default it is inferred: the
    /// one of `,`, `;`, tab and `|` that splits all rows into the same number of cells.
    ///
    /// # Panics
    /// If it is a quote or a line end.
    #[track_caller]
    pub fn delimiter(self, delimiter: impl Into<char>) -> Self {
        let delimiter = delimiter.into();
        ensure!(!['"', '\n', '\r'].contains(&delimiter), "csv: {delimiter:?} cannot be a delimiter");
        Csv { delimiter: Some(delimiter), ..self }
    }

    /// Sets the decimal mark, `'.'` or `','`; the other one may separate thousands. By default it
    /// is inferred.
    ///
    /// # Panics
    /// If it is neither.
    #[track_caller]
    pub fn decimal(self, mark: impl Into<char>) -> Self {
        let decimal = match mark.into() {
            '.' => Decimal::Point,
            ',' => Decimal::Comma,
            mark => fail!("csv: the decimal mark is {mark:?}: it must be '.' or ','"),
        };
        Csv { decimal: Some(decimal), ..self }
    }

    /// Reads the first row as numbers: the file has no header.
    pub fn without_header(self) -> Self {
        Csv { first_row: FirstRow::Numbers, ..self }
    }

    /// Reads the first row as names even if they look like numbers. By default, names that look
    /// like numbers are an error unless columns are chosen by name: a first row of data would be
    /// lost.
    ///
    /// ```
    /// use unspool::data::Csv;
    /// let text = "2001,2002\n5,6\n";
    /// assert_eq!(Csv::new().with_header().parse::<f32>(text)?.to_vec(), [5.0, 6.0]);
    /// assert_eq!(Csv::new().without_header().parse::<f32>(text)?.to_vec(), [2001.0, 2002.0, 5.0, 6.0]);
    /// assert!(Csv::new().parse::<f32>(text).is_err());
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    pub fn with_header(self) -> Self {
        Csv { first_row: FirstRow::Names, ..self }
    }

    /// Sets the cells that mark a missing value, ignoring case: [`MISSING`](Csv::MISSING), or
    /// others.
    pub fn missing<S: Into<String>>(self, cells: impl IntoIterator<Item = S>) -> Self {
        Csv { missing: cells.into_iter().map(Into::into).collect(), ..self }
    }

    /// Reads a file to `[L, F]`, with the columns in the order in which they were chosen.
    ///
    /// # Errors
    /// If it cannot be read, is a pipe or a device, has more than 4 GiB, is not UTF-8 text or has
    /// no rows; if a column does not exist, or two have the chosen name; if a quote is not closed,
    /// or a row is empty, has a different number of cells than the first, or more than a million;
    /// if a cell is not a finite number of type `T`; if the delimiter or the decimal mark is
    /// ambiguous and not set. The message gives the file, the line and the column.
    pub fn read<T: Scalar>(&self, file: impl AsRef<Path>) -> Result<Tensor<T>, DataError> {
        from_file(file.as_ref(), |text| self.parse(text))
    }

    /// Reads a text, as [`read`](Csv::read) does a file.
    ///
    /// # Errors
    /// Those of [`read`](Csv::read) about the content.
    pub fn parse<T: Scalar>(&self, text: &str) -> Result<Tensor<T>, DataError> {
        let reader = self.reader(text)?;
        let mut values = Vec::new();
        reader.rows(|row| {
            for column in &reader.columns {
                values.push(self.value(&reader, row, column)?.ok_or_else(|| {
                    let cell = shown(&row.cells[column.1]);
                    DataError::new(format!("line {}, {}: {cell} marks a missing value", row.line, column.0))
                })?);
            }
            Ok(())
        })?;
        if values.is_empty() {
            return Err(DataError::new("no row follows the header".to_string()));
        }
        let length = values.len() / reader.columns.len();
        Ok(Tensor::from_vec(values, [length, reader.columns.len()]))
    }

    /// Reads a file that may have missing values.
    ///
    /// # Errors
    /// Those of [`read`](Csv::read), except for missing values; a file without rows gives an empty
    /// table.
    pub fn read_table(&self, file: impl AsRef<Path>) -> Result<CsvTable, DataError> {
        from_file(file.as_ref(), |text| self.parse_table(text))
    }

    /// Reads a text, as [`read_table`](Csv::read_table) does a file.
    ///
    /// ```
    /// use unspool::data::Csv;
    /// let text = "day\tco2\n1958-03-29\t316.1\n1958-04-05\tNA\n";
    /// let table = Csv::new().columns(["co2"]).index("day").missing(Csv::MISSING).parse_table(text)?;
    /// assert_eq!(table.values, [Some(316.1), None]);
    /// assert_eq!((&table.index[..], &table.lines[..]), (&["1958-03-29".into(), "1958-04-05".into()][..], &[2, 3][..]));
    /// assert_eq!((table.delimiter, table.decimal), (Some('\t'), '.'));
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`read_table`](Csv::read_table) about the content.
    pub fn parse_table(&self, text: &str) -> Result<CsvTable, DataError> {
        let reader = self.reader(text)?;
        let mut table = reader.empty_table();
        reader.rows(|row| {
            table.lines.push(row.line);
            table.index.extend(reader.index.map(|position| row.cells[position].to_string()));
            for column in &reader.columns {
                table.values.push(self.value(&reader, row, column)?);
            }
            Ok(())
        })?;
        Ok(table)
    }

    /// The number in a column of a row; `None` if it is missing.
    fn value<T: Scalar>(&self, reader: &Reader, row: &Row, column: &(Column, usize)) -> Result<Option<T>, DataError> {
        let cell = &row.cells[column.1];
        if self.is_missing(cell) {
            return Ok(None);
        }
        let value = reader.decimal.number(cell);
        Ok(Some(value.map_err(|problem| DataError::new(format!("line {}, {}: {problem}", row.line, column.0)))?))
    }

    fn is_missing(&self, cell: &str) -> bool {
        self.missing.iter().any(|missing| missing.eq_ignore_ascii_case(cell))
    }

    /// Infers what is not set, and finds the chosen columns.
    fn reader<'a>(&self, text: &'a str) -> Result<Reader<'a>, DataError> {
        let text = text.trim_start_matches('\u{feff}');
        let (hint, text, line) = match excel_hint(text) {
            Some((delimiter, rest)) => (Some(delimiter), rest, 2),
            None => (None, text, 1),
        };
        let delimiter = match self.delimiter.or(hint) {
            None => delimiter::infer(text, line, self.decimal)?,
            delimiter => delimiter,
        };
        let mut rows = Rows::new(text, line, delimiter);
        let all = rows.clone();
        let first = rows.next().ok_or_else(|| DataError::new("the file is empty".to_string()))??;
        let names = self.first_row != FirstRow::Numbers;
        let position = |column: &Column| position(column, &first.cells, names);
        let index = self.index.as_ref().map(position).transpose()?;
        let named = |i: usize| if names { Column::from(&*first.cells[i]) } else { Column::Index(i) };
        let columns: Vec<(Column, usize)> = match &self.columns {
            Some(columns) => {
                columns.iter().map(|column| Ok((column.clone(), position(column)?))).collect::<Result<_, _>>()?
            }
            None => (0..first.cells.len()).filter(|i| Some(*i) != index).map(|i| (named(i), i)).collect(),
        };
        if columns.is_empty() {
            return Err(DataError::new("no column is chosen: at least one is needed".to_string()));
        }
        self.check_header(&first, &columns)?;

        let mut reader = Reader {
            rows: if names { rows } else { all },
            first: (if names { "the header".to_string() } else { format!("line {line}") }, first.cells.len()),
            names: columns
                .iter()
                .map(|(_, i)| if names { first.cells[*i].to_string() } else { i.to_string() })
                .collect(),
            columns,
            index,
            delimiter,
            decimal: Decimal::Point,
        };
        reader.decimal = match self.decimal {
            Some(decimal) => decimal,
            None => {
                let mut evidence = Evidence::default();
                reader.rows(|row| {
                    let cells = reader.columns.iter().map(|(_, position)| &row.cells[*position]);
                    cells.filter(|cell| !self.is_missing(cell)).for_each(|cell| evidence.add(row.line, cell));
                    Ok(())
                })?;
                evidence.decide(delimiter)?
            }
        };
        Ok(reader)
    }

    /// Numbers instead of names are usually the first row of a file without a header, which would
    /// be lost.
    fn check_header(&self, first: &Row, columns: &[(Column, usize)]) -> Result<(), DataError> {
        let by_name = |column: &Column| matches!(column, Column::Name(_));
        let chosen = self.columns.iter().flatten().chain(&self.index).any(by_name);
        let number = |cell: &str| Decimal::Point.read(cell).or(Decimal::Comma.read(cell)).is_some();
        let mut cells =
            columns.iter().map(|(_, position)| &*first.cells[*position]).filter(|cell| !cell.is_empty()).peekable();
        if self.first_row != FirstRow::ExpectNames || chosen || cells.peek().is_none() || !cells.all(number) {
            return Ok(());
        }
        Err(DataError::new(format!(
            "line {} holds numbers where column names are expected: set whether there is a header",
            first.line
        )))
    }
}

/// The rows of numbers in a text, and how to read them.
struct Reader<'a> {
    rows: Rows<'a>,
    /// What the first row is called, and its number of cells, which all others must have.
    first: (String, usize),
    /// The columns as they were chosen, and their positions in a row.
    columns: Vec<(Column, usize)>,
    /// The names of the columns in the file.
    names: Vec<String>,
    index: Option<usize>,
    delimiter: Option<char>,
    decimal: Decimal,
}

impl Reader<'_> {
    /// Passes every row of numbers to `take`.
    fn rows(&self, mut take: impl FnMut(&Row) -> Result<(), DataError>) -> Result<(), DataError> {
        for row in self.rows.clone() {
            let (row, (first, width)) = (row?, &self.first);
            let (line, n) = (row.line, row.cells.len());
            if n != *width {
                return Err(DataError::new(format!(
                    "line {line} has a different number of cells ({n}) than {first} ({width})"
                )));
            }
            take(&row)?;
        }
        Ok(())
    }

    fn empty_table(&self) -> CsvTable {
        CsvTable {
            names: self.names.clone(),
            values: Vec::new(),
            lines: Vec::new(),
            index: Vec::new(),
            delimiter: self.delimiter,
            decimal: if self.decimal == Decimal::Point { '.' } else { ',' },
        }
    }
}

/// Reads the text of a file with `read`, and adds the file's name to an error.
fn from_file<R>(path: &Path, read: impl FnOnce(&str) -> Result<R, DataError>) -> Result<R, DataError> {
    read(&read_text_file(path)?).map_err(|error| error.in_file(path))
}

/// The delimiter in a first line `sep=;`, which Excel understands, and the text below.
fn excel_hint(text: &str) -> Option<(char, &str)> {
    let (line, rest) = text.split_once('\n')?;
    let line = line.trim_matches(['"', '\r']).strip_prefix("sep=")?;
    let mut chars = line.chars();
    let delimiter = chars.next().filter(|c| *c != '"' && *c != '\r')?;
    chars.next().is_none().then_some((delimiter, rest))
}
