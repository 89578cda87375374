//! Inferring the delimiter of a file.

use super::numbers::Decimal;
use super::rows::{Row, Rows};
use crate::data::error::DataError;

/// The delimiters that can be inferred.
const CANDIDATES: [char; 4] = [',', ';', '\t', '|'];

/// The delimiter of a text that begins on `line`: the one that splits all rows into the same number
/// of cells, at least two. `None`: each row is one cell.
///
/// If several do, it is the one with which the others occur only within numbers, as decimal commas
/// in `1,5;2,5`.
///
/// # Errors
/// If this leaves more than one.
pub(super) fn infer(text: &str, line: usize, decimal: Option<Decimal>) -> Result<Option<char>, DataError> {
    let free = |c: &char| text.contains(*c) && !(*c == ',' && decimal == Some(Decimal::Comma));
    let present: Vec<char> = CANDIDATES.into_iter().filter(free).collect();
    let rows = |delimiter: char| Rows::new(text, line, Some(delimiter));
    let (mut fitting, mut uneven) = (Vec::new(), Vec::new());
    for &delimiter in &present {
        let width = |row: Result<Row, DataError>| row.map_or(0, |row| row.cells.len());
        let first = rows(delimiter).next().map_or(0, width);
        match rows(delimiter).all(|row| width(row) == first && first > 0) {
            true if first > 1 => fitting.push(delimiter),
            true => {}
            false => uneven.push((first, delimiter)),
        }
    }
    if fitting.len() > 1 {
        let others = |delimiter: char| fitting.iter().copied().filter(|&c| c != delimiter).collect::<Vec<_>>();
        let number = |cell: &str| Decimal::Point.read(cell).or(Decimal::Comma.read(cell)).is_some();
        let explains = |&delimiter: &char| {
            let others = others(delimiter);
            let fits = |cell: &str| !cell.contains(&others[..]) || number(cell);
            rows(delimiter).flatten().all(|row| row.cells.iter().all(|cell| fits(cell)))
        };
        let explaining: Vec<char> = fitting.iter().copied().filter(explains).collect();
        if explaining.len() != 1 {
            let list: Vec<String> = fitting.iter().map(|c| format!("{c:?}")).collect();
            return Err(DataError::new(format!("the delimiter may be {}: set the delimiter", list.join(" or "))));
        }
        fitting = explaining;
    }
    // If none fits, some row is wrong: reading it with the likeliest delimiter reports it.
    let most = |uneven: &[(usize, char)]| uneven.iter().rev().max_by_key(|(first, _)| *first).map(|(_, c)| *c);
    Ok(fitting.first().copied().or_else(|| most(&uneven)))
}
