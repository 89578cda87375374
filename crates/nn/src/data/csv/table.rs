//! A table of numbers that may have missing values.

/// Columns of numbers that may be missing, and the index of each row: what
/// [`Csv::parse_table`](crate::data::Csv::parse_table) returns.
#[derive(Clone, Debug, PartialEq)]
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
