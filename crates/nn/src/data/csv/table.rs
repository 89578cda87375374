//! What stands in a file, gaps and all.

/// Columns of numbers with gaps, and what tells their rows apart: what [`Csv::parse_table`](crate::data::Csv::parse_table) reads.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvTable {
    /// The columns as they are called in the header; without one, their numbers.
    pub names: Vec<String>,
    /// The numbers, row after row; `None` where a cell says that the value is missing.
    pub values: Vec<Option<f64>>,
    /// The line of the file, from 1, on which each row begins.
    pub lines: Vec<usize>,
    /// The text of the [index](crate::data::Csv::index) in each row, if one was chosen.
    pub index: Vec<String>,
    /// What stands between the cells; `None` if there is one cell in each row.
    pub delimiter: Option<char>,
    /// What stands between whole and fraction.
    pub decimal: char,
}
