//! Which columns are read.

use super::rows::shown;
use crate::data::error::DataError;
use crate::sentence::listed;
use std::borrow::Cow;
use std::fmt;

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
            Column::Name(name) => write!(f, "column {}", shown(name)),
            Column::Number(number) => write!(f, "column {number}"),
        }
    }
}

/// The place in a row of the column that is meant, where the first row holds `names`, or not.
pub(super) fn place(column: &Column, first: &[Cow<str>], names: bool) -> Result<usize, DataError> {
    let places = |name: &str| (0..first.len()).filter(|&at| first[at] == name).collect::<Vec<_>>();
    let problem = match column {
        Column::Number(number) if *number < first.len() => return Ok(*number),
        Column::Number(number) => {
            format!("there is no column {number}: the file has {}, counted from 0", first.len())
        }
        Column::Name(name) if !names => {
            format!("there is no column {}: without a header, columns are chosen by index", shown(name))
        }
        Column::Name(name) => match places(name)[..] {
            [place] => return Ok(place),
            [] => format!(
                "there is no column {}: the columns are {}",
                shown(name),
                listed(first.iter().map(|name| shown(name)), ", ")
            ),
            [ref most @ .., last] => {
                let most: Vec<String> = most.iter().take(10).map(usize::to_string).collect();
                format!("columns {} and {last} are named {}: choose one by its number", most.join(", "), shown(name))
            }
        },
    };
    Err(DataError(problem))
}
