//! Numbers from CSV files: [`Csv`] says what is read, and reads it.
//!
//! A doubt about a number is an error with the line, never a guess.

mod columns;
mod delimiter;
mod numbers;
mod rows;
mod table;

pub use columns::Column;
pub use table::CsvTable;

use crate::data::error::DataError;
use crate::data::text_file::read_text_file;
use columns::place;
use numbers::{Decimal, Evidence};
use rows::{Row, Rows, shown};
use std::path::Path;
use unspool_autograd::{Scalar, Tensor};

/// Reads columns of numbers from a file of comma-separated values, a row per time step: a series `[L, F]`.
///
/// Quotes are those of RFC 4180; spaces around cells, a byte order mark and the kind of line ends do not matter. Only the
/// chosen columns must be numbers, and all of their cells must be: a series with a gap is no series, but a
/// [table](Csv::parse_table).
///
/// ```
/// use unspool_nn::data::Csv;
/// let text = "day,\"wind, m/s\",rain\nMon,3.5,0\nTue,4,1e-1\n";
/// let series = Csv::new().columns(["rain", "wind, m/s"]).parse::<f32>(text)?;
/// assert_eq!((&series.shape()[..], series.to_vec()), (&[2, 2][..], vec![0.0, 3.5, 0.1, 4.0]));
/// assert_eq!(Csv::new().columns([1]).parse::<f32>(text)?.to_vec(), [3.5, 4.0]);
/// let wrong = Csv::new().columns(["day"]).parse::<f32>(text).unwrap_err();
/// assert_eq!(wrong.to_string(), "line 2, column \"day\": \"Mon\" is not a number");
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
///
/// What stands between cells, and between whole and fraction, is found if the file leaves no doubt. Otherwise it is asked
/// for:
///
/// ```
/// # use unspool_nn::data::Csv;
/// let exported = "day;wind\n31.12.2001;1.024,5\n01.01.2002;3,5\n";
/// assert_eq!(Csv::new().columns(["wind"]).parse::<f32>(exported)?.to_vec(), [1024.5, 3.5]);
/// let open = "day;wind\n31.12.2001;1.024\n";
/// assert_eq!(
///     Csv::new().columns(["wind"]).parse::<f32>(open).unwrap_err().to_string(),
///     "line 2: \"1.024\" may be 1.024 or 1024: set the decimal mark"
/// );
/// assert_eq!(Csv::new().columns(["wind"]).decimal(',').parse::<f32>(open)?.to_vec(), [1024.0]);
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// `None`: all of them.
    columns: Option<Vec<Column>>,
    index: Option<Column>,
    /// `None`: found.
    delimiter: Option<char>,
    decimal: Option<Decimal>,
    header: Header,
    missing: Vec<String>,
}

/// What the first row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    /// Names; if they are numbers, something is wrong.
    Expected,
    /// Names, whatever they look like.
    Certain,
    /// The first row of numbers.
    None,
}

impl Default for Csv {
    fn default() -> Self {
        Csv::new()
    }
}

impl Csv {
    /// How programs write that a value is missing, for [`missing`](Csv::missing).
    pub const MISSING: [&str; 12] = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "null", "nil", "None", "-", "--", "?"];

    /// All columns, under a header of names.
    pub fn new() -> Self {
        Csv {
            columns: None,
            index: None,
            delimiter: None,
            decimal: None,
            header: Header::Expected,
            missing: Vec::new(),
        }
    }

    /// Chooses columns by name or number, in this order.
    pub fn columns<C: Into<Column>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        Csv { columns: Some(columns.into_iter().map(Into::into).collect()), ..self }
    }

    /// Chooses a column whose text tells which row it is, such as a date: the [`index`](CsvTable::index) of a table. If no
    /// columns are chosen, all others are read.
    pub fn index(self, column: impl Into<Column>) -> Self {
        Csv { index: Some(column.into()), ..self }
    }

    /// Sets what stands between cells: `';'`, `'\t'`. Otherwise it is found: `,`, `;`, a tab or `|`, whichever cuts all rows
    /// into the same number of cells.
    ///
    /// # Panics
    /// If it ends or quotes cells.
    #[track_caller]
    pub fn delimiter(self, delimiter: impl Into<char>) -> Self {
        let delimiter = delimiter.into();
        assert!(!['"', '\n', '\r'].contains(&delimiter), "csv: {delimiter:?} cannot be a delimiter");
        Csv { delimiter: Some(delimiter), ..self }
    }

    /// Sets what stands between whole and fraction: `'.'` or `','`; the other one may stand between thousands. Otherwise it
    /// is found.
    ///
    /// # Panics
    /// If it is neither.
    #[track_caller]
    pub fn decimal(self, mark: impl Into<char>) -> Self {
        let decimal = match mark.into() {
            '.' => Decimal::Point,
            ',' => Decimal::Comma,
            mark => panic!("csv: the decimal mark is {mark:?}: it must be '.' or ','"),
        };
        Csv { decimal: Some(decimal), ..self }
    }

    /// Takes the first line for numbers: there are no names.
    pub fn without_header(self) -> Self {
        Csv { header: Header::None, ..self }
    }

    /// Takes the first line for names, although they look like numbers. Without this, columns that are not chosen by name
    /// are refused if numbers stand where their names should: the first row would be lost.
    ///
    /// ```
    /// use unspool_nn::data::Csv;
    /// let text = "2001,2002\n5,6\n";
    /// assert_eq!(Csv::new().with_header().parse::<f32>(text)?.to_vec(), [5.0, 6.0]);
    /// assert_eq!(Csv::new().without_header().parse::<f32>(text)?.to_vec(), [2001.0, 2002.0, 5.0, 6.0]);
    /// assert!(Csv::new().parse::<f32>(text).is_err());
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    pub fn with_header(self) -> Self {
        Csv { header: Header::Certain, ..self }
    }

    /// Sets the cells that say that a value is missing, in capitals or not: [`MISSING`](Csv::MISSING), or others.
    pub fn missing<S: Into<String>>(self, cells: impl IntoIterator<Item = S>) -> Self {
        Csv { missing: cells.into_iter().map(Into::into).collect(), ..self }
    }

    /// Reads a file: `[L, F]`, the columns in the order in which they were chosen.
    ///
    /// # Errors
    /// If it cannot be read, is a pipe or a device, has more than 4 GiB, is not UTF-8 text or holds no row; if a column is
    /// not there, or two have the chosen name; if a quote is not closed, a row has another number of cells than the first,
    /// more than a million, or is empty; if a cell is not a finite number of type `T`; if delimiter or decimal mark are not
    /// told and in doubt. The sentence names the file, the line and the column.
    pub fn read<T: Scalar>(&self, file: impl AsRef<Path>) -> Result<Tensor<T>, DataError> {
        from_file(file.as_ref(), |text| self.parse(text))
    }

    /// Reads a text, as [`read`](Csv::read) does a file.
    ///
    /// # Errors
    /// If its content is none that [`read`](Csv::read) takes.
    pub fn parse<T: Scalar>(&self, text: &str) -> Result<Tensor<T>, DataError> {
        let layout = self.layout(text)?;
        let mut values = Vec::new();
        layout.rows(|row| {
            for column in &layout.columns {
                values.push(self.value(&layout, row, column)?.ok_or_else(|| {
                    let cell = shown(&row.cells[column.1]);
                    DataError(format!("line {}, {}: {cell} marks a missing value", row.line, column.0))
                })?);
            }
            Ok(())
        })?;
        if values.is_empty() {
            return Err(DataError("no row follows the header".to_string()));
        }
        let length = values.len() / layout.columns.len();
        Ok(Tensor::from_vec(values, [length, layout.columns.len()]))
    }

    /// Reads a file, gaps and all.
    ///
    /// # Errors
    /// Those of [`read`](Csv::read), but for cells that say that a value is missing; a file without rows is an empty table.
    pub fn read_table(&self, file: impl AsRef<Path>) -> Result<CsvTable, DataError> {
        from_file(file.as_ref(), |text| self.parse_table(text))
    }

    /// Reads a text, as [`read_table`](Csv::read_table) does a file.
    ///
    /// ```
    /// use unspool_nn::data::Csv;
    /// let text = "day\tco2\n1958-03-29\t316.1\n1958-04-05\tNA\n";
    /// let table = Csv::new().columns(["co2"]).index("day").missing(Csv::MISSING).parse_table(text)?;
    /// assert_eq!(table.values, [Some(316.1), None]);
    /// assert_eq!((&table.index[..], &table.lines[..]), (&["1958-03-29".into(), "1958-04-05".into()][..], &[2, 3][..]));
    /// assert_eq!((table.delimiter, table.decimal), (Some('\t'), '.'));
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If its content is none that [`read_table`](Csv::read_table) takes.
    pub fn parse_table(&self, text: &str) -> Result<CsvTable, DataError> {
        let layout = self.layout(text)?;
        let mut table = layout.empty_table();
        layout.rows(|row| {
            table.lines.push(row.line);
            table.index.extend(layout.index.map(|place| row.cells[place].to_string()));
            for column in &layout.columns {
                table.values.push(self.value(&layout, row, column)?);
            }
            Ok(())
        })?;
        Ok(table)
    }

    /// The number in one cell of a row, or nothing if the cell says so.
    fn value<T: Scalar>(&self, layout: &Layout, row: &Row, column: &(Column, usize)) -> Result<Option<T>, DataError> {
        let cell = &row.cells[column.1];
        if self.is_missing(cell) {
            return Ok(None);
        }
        let value = layout.decimal.number(cell);
        Ok(Some(value.map_err(|problem| DataError(format!("line {}, {}: {problem}", row.line, column.0)))?))
    }

    fn is_missing(&self, cell: &str) -> bool {
        self.missing.iter().any(|missing| missing.eq_ignore_ascii_case(cell))
    }

    /// Finds out what stands where.
    fn layout<'a>(&self, text: &'a str) -> Result<Layout<'a>, DataError> {
        let text = text.trim_start_matches('\u{feff}');
        let (told, text, line) = match excel_hint(text) {
            Some((delimiter, rest)) => (Some(delimiter), rest, 2),
            None => (None, text, 1),
        };
        let delimiter = match self.delimiter.or(told) {
            None => delimiter::find(text, line, self.decimal)?,
            told => told,
        };
        let mut rows = Rows::new(text, line, delimiter);
        let all = rows.clone();
        let first = rows.next().ok_or_else(|| DataError("the file is empty".to_string()))??;
        let names = self.header != Header::None;
        let place = |column: &Column| place(column, &first.cells, names);
        let index = self.index.as_ref().map(place).transpose()?;
        let named = |at: usize| if names { Column::from(&*first.cells[at]) } else { Column::Number(at) };
        let columns: Vec<(Column, usize)> = match &self.columns {
            Some(columns) => {
                columns.iter().map(|column| Ok((column.clone(), place(column)?))).collect::<Result<_, _>>()?
            }
            None => (0..first.cells.len()).filter(|at| Some(*at) != index).map(|at| (named(at), at)).collect(),
        };
        if columns.is_empty() {
            return Err(DataError("no column is chosen: at least one is needed".to_string()));
        }
        self.doubt_header(&first, &columns)?;

        let mut layout = Layout {
            rows: if names { rows } else { all },
            first: (if names { "the header".to_string() } else { format!("line {line}") }, first.cells.len()),
            names: columns
                .iter()
                .map(|(_, at)| if names { first.cells[*at].to_string() } else { at.to_string() })
                .collect(),
            columns,
            index,
            delimiter,
            decimal: Decimal::Point,
        };
        layout.decimal = match self.decimal {
            Some(decimal) => decimal,
            None => {
                let mut evidence = Evidence::default();
                layout.rows(|row| {
                    let cells = layout.columns.iter().map(|(_, place)| &row.cells[*place]);
                    cells.filter(|cell| !self.is_missing(cell)).for_each(|cell| evidence.add(row.line, cell));
                    Ok(())
                })?;
                evidence.decide(delimiter)?
            }
        };
        Ok(layout)
    }

    /// Numbers instead of names are most often the first row of a file without a header, which would be lost.
    fn doubt_header(&self, first: &Row, columns: &[(Column, usize)]) -> Result<(), DataError> {
        let by_name = |column: &Column| matches!(column, Column::Name(_));
        let chosen = self.columns.iter().flatten().chain(&self.index).any(by_name);
        let number = |cell: &str| Decimal::Point.read(cell).or(Decimal::Comma.read(cell)).is_some();
        let mut cells =
            columns.iter().map(|(_, place)| &*first.cells[*place]).filter(|cell| !cell.is_empty()).peekable();
        if self.header != Header::Expected || chosen || cells.peek().is_none() || !cells.all(number) {
            return Ok(());
        }
        Err(DataError(format!(
            "line {} holds numbers where column names are expected: set whether there is a header",
            first.line
        )))
    }
}

/// What was found out about a text, and its rows of numbers.
struct Layout<'a> {
    rows: Rows<'a>,
    /// What the first row is, and how many cells it has, as all others must.
    first: (String, usize),
    /// The columns as they were chosen, and their places.
    columns: Vec<(Column, usize)>,
    /// The columns as they are called in the file.
    names: Vec<String>,
    index: Option<usize>,
    delimiter: Option<char>,
    decimal: Decimal,
}

impl Layout<'_> {
    /// Hands over every row of numbers.
    fn rows(&self, mut take: impl FnMut(&Row) -> Result<(), DataError>) -> Result<(), DataError> {
        for row in self.rows.clone() {
            let (row, (above, width)) = (row?, &self.first);
            let (line, n) = (row.line, row.cells.len());
            if n != *width {
                return Err(DataError(format!(
                    "line {line} has a different number of cells ({n}) than {above} ({width})"
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

/// Reads the text of a file with `read`, and names the file if something is wrong.
fn from_file<R>(path: &Path, read: impl FnOnce(&str) -> Result<R, DataError>) -> Result<R, DataError> {
    read(&read_text_file(path)?).map_err(|DataError(sentence)| DataError(format!("{}: {sentence}", path.display())))
}

/// The delimiter that a first line `sep=;` tells, as Excel reads it, and the text below.
fn excel_hint(text: &str) -> Option<(char, &str)> {
    let (line, rest) = text.split_once('\n')?;
    let line = line.trim_matches(['"', '\r']).strip_prefix("sep=")?;
    let mut chars = line.chars();
    let delimiter = chars.next().filter(|c| *c != '"' && *c != '\r')?;
    chars.next().is_none().then_some((delimiter, rest))
}
