//! Reading numbers with decimal points or commas and thousands separators.

use super::rows::shown;
use crate::data::error::DataError;
use std::borrow::Cow;
use unspool_autograd::Scalar;

/// The decimal mark; the other one may separate thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decimal {
    Point,
    Comma,
}

/// What may separate thousands, besides the other decimal mark: apostrophes (Swiss) and spaces,
/// most of them no-break.
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
        // With a decimal comma, neither `1.5` nor `1e3.5` is a number.
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

/// The digits of an integer with separated thousands: one to three, then groups of three, with the
/// same separator throughout.
fn ungrouped(whole: &str, other: char) -> Option<String> {
    let separator = whole.chars().find(|&c| c == other || THOUSANDS.contains(&c))?;
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|digit| digit.is_ascii_digit());
    let fits = (1..=3).contains(&first.len()) && digits(first) && !first.starts_with('0');
    (fits && groups.all(|group| group.len() == 3 && digits(group))).then(|| whole.split(separator).collect())
}

/// Evidence about the decimal mark of a file: the first cell of each kind, and its line.
#[derive(Default)]
pub(super) struct Evidence {
    /// A number only with a decimal point: `1.5`, `1,234.5`.
    point: Option<(usize, String)>,
    /// A number only with a decimal comma: `1,5`, `1.234,5`.
    comma: Option<(usize, String)>,
    /// Numbers with either, of different values: `1.234`, `1,234`.
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
            _ => return, // not a number, which is reported when it is read
        };
        kind.get_or_insert_with(|| (line, cell.to_string()));
    }

    /// The decimal mark of a file with this delimiter.
    ///
    /// It is a point unless there is evidence against it: a number that only reads with a comma;
    /// or, if the delimiter is not a comma, so that this could be the decimal mark, numbers that
    /// all read either way.
    pub(super) fn decide(self, delimiter: Option<char>) -> Result<Decimal, DataError> {
        let comma_possible = !matches!(delimiter, None | Some(','));
        let (line, cell) = match self {
            Evidence { point: Some((a, point)), comma: Some((b, comma)), .. } => {
                let (point, comma) = (shown(&point), shown(&comma));
                let sentence =
                    format!("line {a}: {point} has a decimal point, but {comma} in line {b} a decimal comma");
                return Err(DataError::new(sentence));
            }
            Evidence { point: Some(_), .. } => return Ok(Decimal::Point),
            Evidence { comma: Some(_), .. } => return Ok(Decimal::Comma),
            Evidence { commas: Some(cell), .. } => cell,
            Evidence { points: Some(cell), .. } if comma_possible => cell,
            _ => return Ok(Decimal::Point),
        };
        let values = [Decimal::Point, Decimal::Comma].map(|mark| mark.read(&cell).unwrap_or(f64::NAN));
        Err(DataError::new(format!(
            "line {line}: {} may be {} or {}: set the decimal mark",
            shown(&cell),
            values[0],
            values[1]
        )))
    }
}
