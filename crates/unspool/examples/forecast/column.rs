//! One column of a CSV file, with every doubt about its numbers removed.

use crate::{Sentence, dates};
use std::path::Path;

/// A series of one value per row.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    /// Whether the value stood in the file; otherwise it was filled in.
    pub(crate) measured: Vec<bool>,
    /// The line of the file at which the row begins; the header is row 1.
    pub(crate) rows: Vec<usize>,
    /// The dates, or the numbers of the rows.
    pub(crate) labels: Vec<String>,
}

/// A cell of the column: a number, or nothing.
type Cell = Option<f64>;

/// Reads a column; with `fill`, missing values are put on straight lines between their neighbours.
pub(crate) fn read(file: &Path, name: &str, date_name: Option<&str>, fill: bool) -> Result<Column, Sentence> {
    let bytes = std::fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let row = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        format!("cannot read {}: row {row} is not UTF-8 text", file.display())
    })?;
    parse(&text, name, date_name, fill).map_err(|sentence| format!("{}: {sentence}", file.display()))
}

fn parse(text: &str, name: &str, date_name: Option<&str>, fill: bool) -> Result<Column, Sentence> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let column = find(&header, name)?;
    let date_column = date_name.map(|name| find(&header, name)).transpose()?;

    let (mut cells, mut rows, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let position = match &record {
            Ok(record) => record.position(),
            Err(e) => e.position(),
        };
        // The reader passes over empty lines, so a row begins after the line ends found where it was read.
        let read_at = position.map_or(counted, |position| position.byte() as usize);
        let begins = read_at + text[read_at..].bytes().take_while(|&byte| byte == b'\n').count();
        line += text[counted..begins].matches('\n').count();
        counted = begins;
        if begins > read_at {
            return Err(format!("row {} is empty: delete it, or write a value or NA there", line - (begins - read_at)));
        }
        let record = record.map_err(|e| unreadable(&e, line))?;
        cells.push(cell(&record[column]).map_err(|sentence| format!("row {line}: {sentence}"))?);
        labels.push(date_column.map_or(line.to_string(), |date| record[date].to_string()));
        rows.push(line);
    }
    if date_column.is_some() {
        dates::check(&labels, &rows)?;
    }
    let measured = cells.iter().map(Cell::is_some).collect();
    Ok(Column { name: name.to_string(), values: without_gaps(&cells, &rows, fill)?, measured, rows, labels })
}

/// The place of the column with this name.
fn find(header: &csv::StringRecord, name: &str) -> Result<usize, Sentence> {
    let names: Vec<&str> = header.iter().collect();
    if names.iter().filter(|&&n| n == name).count() > 1 {
        return Err(format!("two columns are named {name:?}: rename one"));
    }
    names.iter().position(|&n| n == name).ok_or_else(|| match names.len() {
        0 => "the file is empty".to_string(),
        _ => format!("there is no column {name:?}; the columns are {}", quoted(&names)),
    })
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn unreadable(error: &csv::Error, row: usize) -> Sentence {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("row {row} has another number of cells ({len}) than the header ({expected_len})")
        }
        _ => format!("row {row} cannot be read: {error}"),
    }
}

/// The number in a cell; nothing if the cell is empty or says so.
fn cell(text: &str) -> Result<Cell, Sentence> {
    if ["", "na", "nan", "n/a", "null"].contains(&text.to_lowercase().as_str()) {
        return Ok(None);
    }
    let shown: String = text.chars().take(40).collect();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        Ok(_) => Err(format!("{shown:?} is not a finite number")),
        Err(_) => Err(format!("{shown:?} is not a number")),
    }
}

/// The values, gaps filled on straight lines if that is wanted; otherwise a gap is an error.
fn without_gaps(cells: &[Cell], rows: &[usize], fill: bool) -> Result<Vec<f64>, Sentence> {
    let mut values = Vec::with_capacity(cells.len());
    for (i, cell) in cells.iter().enumerate() {
        if let Some(value) = cell {
            values.push(*value);
            continue;
        }
        let row = rows[i];
        if !fill {
            let more = cells.iter().filter(|cell| cell.is_none()).count() - 1;
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            return Err(format!("row {row} has no value{more}: write one, or use --fill to interpolate"));
        }
        // Values before i are filled already; the one after the gap is some steps away.
        let after = cells[i..].iter().enumerate().find_map(|(steps, cell)| Some((steps as f64, (*cell)?)));
        let (Some(&before), Some((steps, after))) = (values.last(), after) else {
            let edge = if i == 0 { "begins" } else { "ends" };
            return Err(format!("row {row} has no value and the series {edge} there: delete such rows"));
        };
        values.push(before + (after - before) / (steps + 1.0));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<Vec<f64>, Sentence> {
        parse(text, "v", None, false).map(|column| column.values)
    }

    #[test]
    fn numbers_are_read_whatever_the_quotes_line_ends_and_spaces() {
        for text in [
            "v\n1\n-2.5\n3e2\n",
            "\u{feff}\"v\"\r\n\"1\"\r\n -2.5\r\n3e2",
            "a,v\nx,1\n\"y\nz\",-2.5\n,3e2\n\n\n",
            "v,,\r1,,\r-2.5,,\r3e2,,\r",
        ] {
            assert_eq!(values(text), Ok(vec![1.0, -2.5, 300.0]), "{text:?}");
        }
        assert_eq!(values("v\n"), Ok(vec![]));
    }

    #[test]
    fn labels_are_dates_or_lines_of_the_file() {
        let text = "d,v\n2001,1\n2002,2\n";
        assert_eq!(parse(text, "v", Some("d"), false).unwrap().labels, ["2001", "2002"]);
        let lines = parse("a,v\n\"two\nlines\",1\nx,2\n", "v", None, false).unwrap();
        assert_eq!((lines.rows, lines.labels), (vec![2, 4], vec!["2".to_string(), "4".to_string()]));
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_sentence() {
        for (text, sentence) in [
            ("", "the file is empty"),
            ("a,\"b c\"\n1,2\n", "there is no column \"v\"; the columns are \"a\", \"b c\""),
            ("v,a,v\n1,2,3\n", "two columns are named \"v\": rename one"),
            ("v\r1\r\"x\"\r", "row 3: \"x\" is not a number"),
            ("v,a\n1,2\n3\n", "row 3 has another number of cells (1) than the header (2)"),
            ("v,a\n1,2\n3,4,5\n", "row 3 has another number of cells (3) than the header (2)"),
            ("v\n1\n\"x\"\n", "row 3: \"x\" is not a number"),
            ("a,v\n\"two\nlines\",1\nx,y\n", "row 4: \"y\" is not a number"),
            ("v\n1\n1,5\n", "row 3 has another number of cells (2) than the header (1)"),
            ("v\n1\n-inf\n", "row 3: \"-inf\" is not a finite number"),
            ("v\n1e999\n", "row 2: \"1e999\" is not a finite number"),
            ("v\n1\n\n3\n", "row 3 is empty: delete it, or write a value or NA there"),
            ("v\r\n1\r\n\r\n\r\n3\r\n", "row 3 is empty: delete it, or write a value or NA there"),
            ("a,v\n0,1\n0,\n0,NA\n0,2\n", "row 3 has no value (and 1 more): write one, or use --fill to interpolate"),
            ("v\n1\nNaN\n", "row 3 has no value: write one, or use --fill to interpolate"),
        ] {
            assert_eq!(values(text), Err(sentence.to_string()), "{text:?}");
        }
        let dates = parse("d,v\n2,1\n1,2\n", "v", Some("d"), false).unwrap_err();
        assert!(dates.starts_with("row 3: the date 1 does not come after 2"), "{dates}");
    }

    #[test]
    fn gaps_are_filled_on_straight_lines() {
        let column = parse("v\n1\nNA\nnan\n4\n2\nNA\n0\n", "v", None, true).unwrap();
        assert_eq!(column.values, [1.0, 2.0, 3.0, 4.0, 2.0, 1.0, 0.0]);
        assert_eq!(column.measured, [true, false, false, true, true, false, true]);
    }

    #[test]
    fn a_gap_at_an_end_cannot_be_filled() {
        for (text, start) in [("v\nNA\n1\n", "row 2 "), ("v\n1\nNA\nNA\n", "row 3 ")] {
            let sentence = parse(text, "v", None, true).unwrap_err();
            assert!(sentence.starts_with(start) && sentence.contains("delete"), "{sentence}");
        }
    }
}
