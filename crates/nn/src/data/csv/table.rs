//! A table of numbers that may have missing values.

use std::fmt;

/// Columns of numbers that may be missing, and the index of each row: what
/// [`Csv::parse_table`](crate::data::Csv::parse_table) returns.
///
/// ```
/// use unspool::data::Csv;
/// let table = Csv::new().missing(Csv::MISSING).parse_table("day,sales\n1,20\n2,NA\n3,25\n")?;
/// assert_eq!(table.names, ["day", "sales"]);
/// assert_eq!(table.values[1..4], [Some(20.0), Some(2.0), None]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CsvTable {
    /// The names of the columns in the header; without one, their indices.
    pub names: Vec<String>,
    /// The numbers, row by row; `None` where a value is missing.
    pub values: Vec<Option<f64>>,
    /// The line of the file, from 1, on which each row begins.
    pub lines: Vec<usize>,
    /// The text of the [index](crate::data::Csv::index) in each row, if one was chosen.
    pub index: Vec<String>,
    /// The delimiter between cells; `None` if each row is one cell.
    pub delimiter: Option<char>,
    /// The decimal mark.
    pub decimal: char,
}

/// Without the values, of which there may be millions.
impl fmt::Debug for CsvTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvTable")
            .field("names", &self.names)
            .field("rows", &self.lines.len())
            .field("delimiter", &self.delimiter)
            .field("decimal", &self.decimal)
            .finish_non_exhaustive()
    }
}
