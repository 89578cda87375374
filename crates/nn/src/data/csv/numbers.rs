//! Numbers as people and programs write them.

use super::rows::shown;
use crate::data::error::DataError;
use std::borrow::Cow;
use unspool_autograd::Scalar;

/// What stands between whole and fraction; the other one may stand between thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decimal {
    Point,
    Comma,
}

/// What stands between thousands, beside the mark that is not the decimal one: Swiss apostrophes, spaces that do not break.
const THOUSANDS: [char; 6] = ['\'', '\u{2019}', ' ', '\u{a0}', '\u{2009}', '\u{202f}'];

impl Decimal {
    /// The number in a cell, if it is one, finite or not.
    pub(super) fn read(self, cell: &str) -> Option<f64> {
        if self == Decimal::Point
            && let Ok(number) = cell.parse()
        {
            return Some(number);
        }
        let (decimal, other) = match self {
            Decimal::Point => ('.', ','),
            Decimal::Comma => (',', '.'),
        };
        let unsigned = cell.strip_prefix(['+', '-']).unwrap_or(cell);
        let sign = &cell[..cell.len() - unsigned.len()];
        let (whole, fraction) = unsigned.split_once(decimal).unwrap_or((unsigned, ""));
        let grouped = whole.contains(other) || whole.contains(THOUSANDS);
        // `1.5` is no number with a decimal comma, nor is `1e3.5`.
        if fraction.contains(['.', ',']) || grouped && !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let whole = if grouped { ungrouped(whole, other)?.into() } else { Cow::Borrowed(whole) };
        match unsigned.contains(decimal) {
            true => format!("{sign}{whole}.{fraction}").parse().ok(),
            false => format!("{sign}{whole}").parse().ok(),
        }
    }

    /// The finite number in a cell, as a `T`.
    pub(super) fn number<T: Scalar>(self, cell: &str) -> Result<T, String> {
        if cell.is_empty() {
            return Err("the cell is empty, where a number is expected".to_string());
        }
        let value = self.read(cell).ok_or_else(|| format!("{} is not a number", shown(cell)))?;
        match T::from_f64(value) {
            _ if !value.is_finite() => Err(format!("{} is not a finite number", shown(cell))),
            number if number.is_finite() => Ok(number),
            _ => Err(format!("{} is too large for {}", shown(cell), T::NAME)),
        }
    }
}

/// The digits of a whole number whose thousands are apart: one to three, and then three and three, by one mark throughout.
fn ungrouped(whole: &str, other: char) -> Option<String> {
    let mark = whole.chars().find(|&c| c == other || THOUSANDS.contains(&c))?;
    let mut groups = whole.split(mark);
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|digit| digit.is_ascii_digit());
    let fits = (1..=3).contains(&first.len()) && digits(first) && !first.starts_with('0');
    (fits && groups.all(|group| group.len() == 3 && digits(group))).then(|| whole.split(mark).collect())
}

/// What the cells of a file say about its decimal mark: the first of each kind, and its line.
#[derive(Default)]
pub(super) struct Evidence {
    /// A number with a decimal point alone: `1.5`, `1,234.5`.
    point: Option<(usize, String)>,
    /// A number with a decimal comma alone: `1,5`, `1.234,5`.
    comma: Option<(usize, String)>,
    /// Numbers with either, and two values: `1.234`, `1,234`.
    points: Option<(usize, String)>,
    commas: Option<(usize, String)>,
}

impl Evidence {
    /// Takes a cell into account.
    pub(super) fn add(&mut self, line: usize, cell: &str) {
        if !cell.contains(['.', ',']) {
            return;
        }
        let kind = match (Decimal::Point.read(cell), Decimal::Comma.read(cell)) {
            (Some(_), None) => &mut self.point,
            (None, Some(_)) => &mut self.comma,
            (Some(a), Some(b)) if a != b && cell.contains(',') => &mut self.commas,
            (Some(a), Some(b)) if a != b => &mut self.points,
            _ => return, // no number, which is said where it is read
        };
        kind.get_or_insert_with(|| (line, cell.to_string()));
    }

    /// The decimal mark of a file whose cells stand apart by `delimiter`.
    ///
    /// A point is the decimal mark unless something speaks against it: numbers that can be read with a comma alone; or both
    /// readings of all numbers, in a file where the comma was free to be the decimal mark, since the cells stand apart by
    /// something else.
    pub(super) fn decide(self, delimiter: Option<char>) -> Result<Decimal, DataError> {
        let free = !matches!(delimiter, None | Some(','));
        let (line, cell) = match self {
            Evidence { point: Some((a, point)), comma: Some((b, comma)), .. } => {
                let (point, comma) = (shown(&point), shown(&comma));
                let sentence =
                    format!("line {a}: {point} has a decimal point, but {comma} in line {b} a decimal comma");
                return Err(DataError(sentence));
            }
            Evidence { point: Some(_), .. } => return Ok(Decimal::Point),
            Evidence { comma: Some(_), .. } => return Ok(Decimal::Comma),
            Evidence { commas: Some(open), .. } => open,
            Evidence { points: Some(open), .. } if free => open,
            _ => return Ok(Decimal::Point),
        };
        let values = [Decimal::Point, Decimal::Comma].map(|mark| mark.read(&cell).unwrap_or(f64::NAN));
        Err(DataError(format!(
            "line {line}: {} may be {} or {}: set the decimal mark",
            shown(&cell),
            values[0],
            values[1]
        )))
    }
}
