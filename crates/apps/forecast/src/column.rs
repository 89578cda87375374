//! Reading one column of a CSV file, without leaving any doubt about its numbers.

use crate::moments::DateOrder;
use crate::{Result, dates};
use std::path::PathBuf;
use unspool::data::{Csv, CsvTable, DataError};

/// How a file is read.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Reading {
    /// The series: a file of separated values, a row per time step
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// The column to forecast: its name, or its number from 0
    #[arg(long, value_name = "COLUMN")]
    column: String,
    /// The column of dates or times: checked for order and gaps, and shown on the axis
    #[arg(long, value_name = "COLUMN")]
    date_column: Option<String>,
    /// What comes first in dates such as 02/01/2001, if the column as a whole leaves it open
    #[arg(long, value_name = "ORDER", requires = "date_column")]
    date_order: Option<DateOrder>,
    /// The delimiter between cells, such as ';' or 'tab', if the file leaves it open
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<char>,
    /// The decimal mark, '.' or ',', if the file leaves it open
    #[arg(long, value_name = "MARK", value_parser = [".", ","])]
    decimal: Option<String>,
    /// The first line holds values: columns have numbers instead of names
    #[arg(long)]
    no_header: bool,
    /// The first line holds names, although they look like numbers
    #[arg(long, conflicts_with = "no_header")]
    header: bool,
    /// A cell that marks a missing value, in addition to the usual ones (empty, NA, NaN, null,
    /// None, #N/A, -, ?)
    #[arg(long, value_name = "CELL", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// Interpolate missing cells linearly, and cut off those at both ends
    #[arg(long)]
    fill: bool,
}

fn delimiter(text: &str) -> Result<char, &'static str> {
    match text {
        "tab" | "\\t" => Ok('\t'),
        "\"" | "\n" | "\r" => Err("it ends or quotes cells"),
        _ => text.parse().map_err(|_| "one character is needed, or the word tab"),
    }
}

/// Adds to an error sentence the option that resolves it.
fn with_option(error: DataError) -> String {
    let mut sentence = error.to_string();
    for (asked, option) in [
        ("set the delimiter", " (--delimiter)"),
        ("set the decimal mark", " (--decimal)"),
        ("set whether there is a header", " (--no-header or --header)"),
    ] {
        sentence += if sentence.ends_with(asked) { option } else { "" };
    }
    sentence
}

/// A series of one value per row.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    /// Whether the value stood in the file; otherwise it was filled in.
    pub(crate) measured: Vec<bool>,
    /// The line of the file at which the row begins, from 1.
    pub(crate) rows: Vec<usize>,
    /// The dates, or the numbers of the rows.
    pub(crate) labels: Vec<String>,
    /// What was found out about the file and done to its rows, as sentences for the report.
    pub(crate) notes: Vec<String>,
}

impl Reading {
    /// Reads the column.
    pub(crate) fn read(&self) -> Result<Column> {
        let table = self.reader().read_table(&self.csv).map_err(with_option)?;
        Ok(self.series(table).map_err(|sentence| format!("{}: {sentence}", self.csv.display()))?)
    }

    fn reader(&self) -> Csv {
        let csv = Csv::new().missing(Csv::MISSING.iter().copied().chain(self.missing.iter().map(String::as_str)));
        let csv = csv.columns([self.chosen(&self.column)]);
        let csv = self.date_column.iter().fold(csv, |csv, date| csv.index(self.chosen(date)));
        let csv = self.delimiter.iter().fold(csv, |csv, delimiter| csv.delimiter(*delimiter));
        let csv = self.decimal.iter().fold(csv, |csv, mark| csv.decimal(if mark == "," { ',' } else { '.' }));
        match (self.header, self.no_header) {
            (true, _) => csv.with_header(),
            (_, true) => csv.without_header(),
            _ => csv,
        }
    }

    /// A whole number is a column's place; where names are numbers, too, it is a name.
    fn chosen(&self, column: &str) -> unspool::data::Column {
        match column.parse::<usize>() {
            Ok(number) if !self.header => number.into(),
            _ => column.into(),
        }
    }

    fn series(&self, table: CsvTable) -> Result<Column> {
        let CsvTable { names, values: mut cells, lines: mut rows, index, delimiter, decimal, .. } = table;
        let unnamed = self.no_header || names[0].is_empty();
        let name = if unnamed { format!("column {}", self.column) } else { names[0].clone() };
        let mut notes = Vec::new();
        if !matches!((delimiter, decimal), (None | Some(','), '.')) {
            let between = delimiter.map_or(String::new(), |delimiter| format!("{delimiter:?} between the cells and "));
            notes.push(format!("{name} is read with {between}{decimal:?} as the decimal mark"));
        }
        let mut labels: Vec<String> = rows.iter().map(usize::to_string).collect();
        if self.date_column.is_some() {
            notes.extend(dates::check(&index, &rows, self.date_order)?);
            labels = index;
        }
        if self.fill {
            let first = cells.iter().position(Option::is_some).ok_or_else(|| format!("{name} has no value"))?;
            let end = cells.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            for (cut, place) in [(0..first, "before the first value"), (end..cells.len(), "after the last value")] {
                match (cut.len(), &labels[cut]) {
                    (_, []) => (),
                    (_, [only]) => notes.push(format!("1 row {place} ({only}) is cut off")),
                    (n, [from, .., to]) => notes.push(format!("{n} rows {place} ({from} to {to}) are cut off")),
                }
            }
            (rows, cells) = (rows[first..end].to_vec(), cells[first..end].to_vec());
            labels = labels[first..end].to_vec();
        } else if let Some(gap) = cells.iter().position(Option::is_none) {
            let gaps = cells.iter().filter(|cell| cell.is_none()).count();
            let more = if gaps > 1 { &format!(" (and {} more)", gaps - 1) } else { "" };
            let line = rows[gap];
            return Err(format!("line {line} has no value{more}: write one, or use --fill to interpolate").into());
        }
        let measured = cells.iter().map(Option::is_some).collect();
        Ok(Column { name, values: filled(&cells), measured, rows, labels, notes })
    }
}

/// The values, gaps between them filled on straight lines. Both ends are known.
fn filled(cells: &[Option<f64>]) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::with_capacity(cells.len());
    for (i, cell) in cells.iter().enumerate() {
        // Values before i are filled already; the one after the gap is some steps away.
        let after = cells[i..].iter().enumerate().find_map(|(steps, cell)| Some((steps as f64, (*cell)?)));
        let (steps, after) = after.expect("the last value is known");
        let before = values.last().copied().unwrap_or(after);
        values.push(cell.unwrap_or(before + (after - before) / (steps + 1.0)));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Reads a text as the file that it would be, with these options.
    fn parse(text: &str, options: &str) -> Result<Column> {
        let options = ["forecast", "--csv", "a.csv", "--column"].into_iter().chain(options.split_whitespace());
        let reading = crate::Options::try_parse_from(options).unwrap_or_else(|e| panic!("{e}")).reading;
        reading.series(reading.reader().parse_table(text).map_err(with_option)?)
    }

    #[test]
    fn values_come_with_the_dates_or_lines_of_the_file() {
        let column = parse("d,v\n2001,1\n2002,-2.5e1\n", "v --date-column d").unwrap();
        assert_eq!((column.values, column.labels), (vec![1.0, -25.0], vec!["2001".to_string(), "2002".to_string()]));
        assert_eq!(parse("a,v\n\"two\nlines\",1\nx,2\n", "v").unwrap().labels, ["2", "4"]);
        assert!(parse("v\n", "v").unwrap().values.is_empty());
    }

    #[test]
    fn files_are_read_as_they_were_exported() {
        for (text, options, name, marks) in [
            ("d;v\n1;1,5\n2;1.002,5\n", "v", "v", "';' between the cells and ','"),
            ("d\tv\n1\t1.5\n2\t1002.5\n", "1", "v", "'\\t' between the cells and '.'"),
            ("v\n1,5\n1002,5\n", "v --decimal ,", "v", "','"),
            ("1|1.5\n2|1,002.5\n", "1 --no-header", "column 1", "'|' between the cells and '.'"),
            ("1xv\n2x1.5\n3x1002.5\n", "v --delimiter x", "v", "'x' between the cells and '.'"),
            ("v,v\n1,1.5\n2,1002.5\n", "1", "v", ""),
            ("2000,2001\n1,1.5\n2,1002.5\n", "2001 --header", "2001", ""),
            ("2000,2001\n1,1.5\n2,1002.5\n", "2001 --header --date-column 2000", "2001", ""),
        ] {
            let column = parse(text, options).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!((column.values, column.name.as_str()), (vec![1.5, 1002.5], name), "{text:?}");
            let note = format!("{name} is read with {marks} as the decimal mark");
            assert_eq!(column.notes, if marks.is_empty() { vec![] } else { vec![note] }, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_sentence() {
        for (text, options, sentence) in [
            ("a,\"b c\"\n1,2\n", "v", "there is no column \"v\": the columns are \"a\", \"b c\""),
            ("v,a,v\n1,2,3\n", "v", "columns 0 and 2 are named \"v\": choose one by its index"),
            ("a,v\n1,2\n", "2", "there is no column 2: the file has 2, counted from 0"),
            ("v\r1\r\"x\"\r", "v", "line 3, column \"v\": \"x\" is not a number"),
            ("v\n1\n-inf\n", "v", "line 3, column \"v\": \"-inf\" is not a finite number"),
            ("v,a\n1,2\n3\n", "v", "line 3 has a different number of cells (1) than the header (2)"),
            ("a,v\n0,1\n0,\n0,NA\n", "v", "line 3 has no value (and 1 more): write one, or use --fill to interpolate"),
            ("v\n1\n-9\n", "v --missing -9", "line 3 has no value: write one, or use --fill to interpolate"),
            ("v\nNA\n?\n", "v --fill", "v has no value"),
            ("a;v\n0;1.234\n", "v", "line 2: \"1.234\" may be 1.234 or 1234: set the decimal mark (--decimal)"),
            ("a;b,v\nx;y,1\n", "v", "the delimiter may be ',' or ';': set the delimiter (--delimiter)"),
            ("1,2\n3,4\n", "1", "line 1 holds numbers where column names are expected: set whether there is a header"),
            ("d,v\n2,1\n1,2\n", "v --date-column d", "line 3: the date 1 does not come after 2"),
        ] {
            let told = parse(text, options).unwrap_err().to_string();
            assert!(told.starts_with(sentence), "{text:?}: {told}");
        }
        let read = ["tab", "\\t", ";", "ab", "", "\""].map(|text| delimiter(text).ok());
        assert_eq!(read, [Some('\t'), Some('\t'), Some(';'), None, None, None]);
    }

    /// Beyond its first and last value a series is unknown.
    #[test]
    fn gaps_are_filled_on_straight_lines_and_cut_off_at_the_ends() {
        let column = parse("v\n1\nNA\nnan\n4\n2\n#N/A\n0\n", "v --fill").unwrap();
        assert_eq!(column.values, [1.0, 2.0, 3.0, 4.0, 2.0, 1.0, 0.0]);
        assert_eq!(column.measured, [true, false, false, true, true, false, true]);
        assert!(column.notes.is_empty());

        let text = "d,v\n2001-01,?\n2001-02,-\n2001-03,1\n2001-04,None\n2001-05,3\n2001-06,\n";
        let column = parse(text, "v --date-column d --fill").unwrap();
        assert_eq!((&column.values[..], &column.rows[..]), (&[1.0, 2.0, 3.0][..], &[4, 5, 6][..]));
        assert_eq!(column.labels, ["2001-03", "2001-04", "2001-05"]);
        let notes = "2 rows before the first value (2001-01 to 2001-02) are cut off; \
                     1 row after the last value (2001-06) is cut off";
        assert_eq!(column.notes.join("; "), notes);
    }
}
