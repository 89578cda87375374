//! Choosing columns by name or index.

use super::rows::shown;
use crate::data::error::DataError;
use crate::messages::listed;
use std::borrow::Cow;
use std::fmt;

/// A column of a file: its name in the header, or its index from 0. Converts from either.
///
/// ```
/// use unspool::data::Column;
/// assert_eq!((Column::from("temperature"), Column::from(2)), (Column::Name("temperature".into()), Column::Index(2)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Column {
    /// The column of this name.
    Name(String),
    /// The column at this index, from 0.
    Index(usize),
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
    fn from(index: usize) -> Self {
        Column::Index(index)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Name(name) => write!(f, "column {}", shown(name)),
            Column::Index(index) => write!(f, "column {index}"),
        }
    }
}

/// The position of a column in a row. `names`: whether the first row has names.
pub(super) fn position(column: &Column, first: &[Cow<str>], names: bool) -> Result<usize, DataError> {
    let positions = |name: &str| (0..first.len()).filter(|&i| first[i] == name).collect::<Vec<_>>();
    let problem = match column {
        Column::Index(index) if *index < first.len() => return Ok(*index),
        Column::Index(index) => {
            format!("there is no column {index}: the file has {}, counted from 0", first.len())
        }
        Column::Name(name) if !names => {
            format!("there is no column {}: without a header, columns are chosen by index", shown(name))
        }
        Column::Name(name) => match positions(name)[..] {
            [position] => return Ok(position),
            [] => format!(
                "there is no column {}: the columns are {}",
                shown(name),
                listed(first.iter().map(|name| shown(name)), ", ")
            ),
            [ref most @ .., last] => {
                let most: Vec<String> = most.iter().take(10).map(usize::to_string).collect();
                format!("columns {} and {last} are named {}: choose one by its index", most.join(", "), shown(name))
            }
        },
    };
    Err(DataError::new(problem))
}
