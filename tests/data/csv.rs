//! Numbers from CSV files, and every doubt about them.

use super::*;
use std::fs;
use unspool::data::{Csv, DataError};

fn v(text: &str) -> Result<Vec<f64>, DataError> {
    Csv::new().columns(["v"]).parse(text).map(|series| series.to_vec())
}

#[test]
fn numbers_are_read_whatever_the_quotes_line_ends_and_spaces() {
    for text in [
        "v\n1\n-2.5\n3e2\n",
        "\u{feff}\"v\"\r\n\"1\"\r\n -2.5\r\n3e2",
        "a,v\nx,1\n\"y\nz\",-2.5\n,3e2\n\n\n",
        "v,,\r1,,\r-2.5,,\r3e2,,\r",
    ] {
        assert_eq!(v(text).unwrap(), [1.0, -2.5, 300.0], "{text:?}");
    }
}

#[test]
fn columns_are_chosen_by_name_or_number_in_any_order() {
    let text = "a,b,c\n1,2,3\n4,5,6\n";
    let read = |csv: &Csv, text: &str| {
        let series = csv.parse::<f32>(text).unwrap();
        (series.shape().to_vec(), series.to_vec())
    };
    assert_eq!(read(&Csv::new(), text), (vec![2, 3], vec![1., 2., 3., 4., 5., 6.]));
    assert_eq!(read(&Csv::new().columns(["c", "a"]), text), (vec![2, 2], vec![3., 1., 6., 4.]));
    assert_eq!(read(&Csv::new().columns([2, 2]), text), (vec![2, 2], vec![3., 3., 6., 6.]));
    let numbers = "1;2\n3;4\n5;6";
    assert_eq!(read(&Csv::new().delimiter(b';').without_header(), numbers), (vec![3, 2], vec![1., 2., 3., 4., 5., 6.]));
    assert_eq!(
        read(&Csv::new().delimiter(b';').without_header().columns([1]), numbers),
        (vec![3, 1], vec![2., 4., 6.])
    );
}

#[test]
fn what_cannot_be_used_is_said_in_a_sentence() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("v\n", "no row follows the header"),
        ("a,\"b c\"\n1,2\n", "there is no column \"v\": the columns are \"a\", \"b c\""),
        ("v,a,v\n1,2,3\n", "columns 0 and 2 are named \"v\": choose one by its index"),
        ("v,v,v\n1,2,3\n", "columns 0, 1 and 2 are named \"v\": choose one by its index"),
        ("v\n1\n\"x\"\n", "line 3, column \"v\": \"x\" is not a number"),
        ("\u{feff}v\n1\nx\n", "line 3, column \"v\": \"x\" is not a number"),
        ("\u{feff}v\n1\n\n2\n", "line 3 is empty, but rows follow it"),
        ("v\r1\r\"x\"\r", "line 3, column \"v\": \"x\" is not a number"),
        ("v\r\n1\r\nx\r\n", "line 3, column \"v\": \"x\" is not a number"),
        ("a,v\n\"two\nlines\",1\nx,y\n", "line 4, column \"v\": \"y\" is not a number"),
        ("v,a\n1,2\n3\n", "line 3 has a different number of cells (1) than the header (2)"),
        ("v,a\n1,2\n3,4,5\n", "line 3 has a different number of cells (3) than the header (2)"),
        ("v\n1\n1,5\n", "line 3 has a different number of cells (2) than the header (1)"),
        ("v\n1\n-inf\n", "line 3, column \"v\": \"-inf\" is not a finite number"),
        ("v\nNaN\n", "line 2, column \"v\": \"NaN\" is not a finite number"),
        ("v\n1e999\n", "line 2, column \"v\": \"1e999\" is not a finite number"),
        ("a,v\n0,1\n0, \n", "line 3, column \"v\": the cell is empty, where a number is expected"),
        ("v\n1\n\n3\n", "line 3 is empty, but rows follow it"),
        ("v\r\n1\r\n\r\n\r\n3\r\n", "line 3 is empty, but rows follow it"),
        ("\nv\n1\n", "line 1 is empty, but rows follow it"),
        (
            "v,\"a b\"\n1,\"x\" y\n",
            "line 2: \"y\" follows a quote that closes the cell \"x\" of line 2: a quote within a cell is written twice",
        ),
    ] {
        assert_eq!(sentence(v(text)), expected, "{text:?}");
    }
    let parse = |csv: Csv, text: &str| sentence(csv.parse::<f32>(text));
    assert_eq!(
        parse(Csv::new().columns([0, 3]), "a,b,c\n1,2,3\n"),
        "there is no column 3: the file has 3, counted from 0"
    );
    assert_eq!(parse(Csv::new().columns([1]), "a,b\n1,x\n"), "line 2, column 1: \"x\" is not a number");
    assert_eq!(parse(Csv::new(), "a,b\n1,x\n"), "line 2, column \"b\": \"x\" is not a number");
    assert_eq!(
        parse(Csv::new().without_header().columns(["a"]), "1,2\n"),
        "there is no column \"a\": without a header, columns are chosen by index"
    );
    assert_eq!(
        parse(Csv::new().without_header(), "1,2\n3\n"),
        "line 2 has a different number of cells (1) than line 1 (2)"
    );
    assert_eq!(parse(Csv::new().without_header(), "1,2\n3,x\n"), "line 2, column 1: \"x\" is not a number");
    assert_eq!(parse(Csv::new().columns(["v"; 0]), "v\n1\n"), "no column is chosen: at least one is needed");
    assert_eq!(parse(Csv::new(), "v\n1e300\n"), "line 2, column \"v\": \"1e300\" is too large for f32");
    assert_eq!(v("v\n1e300\n").unwrap(), [1e300]);
}

#[test]
fn sentences_about_files_begin_with_their_names() {
    let missing = sentence(Csv::new().read::<f32>("no/such.csv"));
    assert!(missing.starts_with("cannot read no/such.csv: "), "{missing}");
    let folder = std::env::temp_dir().join(format!("unspool-csv-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("a.csv");
    fs::write(&file, "v\n1\n2\n").unwrap();
    assert_eq!(Csv::new().read::<f32>(&file).unwrap(), Tensor::from_vec(vec![1., 2.], [2, 1]));
    fs::write(&file, "v\n1\nx\n").unwrap();
    let expected = format!("{}: line 3, column \"v\": \"x\" is not a number", file.display());
    assert_eq!(sentence(Csv::new().read::<f32>(&file)), expected);
    fs::write(&file, b"v\r\n1\r\n\xff\n").unwrap();
    assert_eq!(sentence(Csv::new().read::<f32>(&file)), format!("{}: line 3 is not UTF-8 text", file.display()));
    fs::write(&file, "\u{feff}v\n1\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    assert_eq!(sentence(Csv::new().read::<f32>(&file)), format!("{} is UTF-16 text: save it as UTF-8", file.display()));
    fs::remove_dir_all(&folder).unwrap();
}

/// A quote that is never closed takes all rows below for its cell, and one that a later quote closes many of them.
#[test]
fn an_open_quote_is_an_error_with_the_line_where_it_opens() {
    let rows = |from: usize, to: usize| (from..=to).map(|i| format!("{i},disk\n")).collect::<String>();
    let text = |below: &str| format!("v,size\n{}30,\"six inch\n{}{below}", rows(1, 29), rows(31, 100));
    for (below, expected) in [
        ("", "line 31: a quote opens before \"six inch\" and is never closed"),
        ("101,\"\"\n", "line 31: a quote opens before \"six inch\" and is never closed"),
        (
            "101,\"nine inch\"\n",
            "line 102: \"nine inch\\\"\" follows a quote that closes the cell \"six inch\" of line 31: \
             a quote within a cell is written twice",
        ),
        ("101,\",\"\n", "line 102: a quote opens before \"\" and is never closed"),
    ] {
        assert_eq!(sentence(v(&text(below))), expected, "{below:?}");
    }
    // Within a cell that no quote opens, it is a character as any other.
    assert_eq!(v("v,size\n1,6\" disk\n2,5\"\n").unwrap(), [1.0, 2.0]);
}

/// The size of a row is bounded, whatever the file holds: 50 MB of commas took 3 GB.
#[test]
fn a_row_of_millions_of_cells_is_refused() {
    let wide = ",".repeat(2 << 20);
    for (text, line) in [(wide.clone(), 1), (format!("v,w\n1,2\n{wide}"), 3), (format!("\"{wide}\",{wide}\n1"), 1)] {
        let expected = format!("line {line} has more than 1048576 cells: this is not a table");
        assert_eq!(sentence(Csv::new().parse::<f32>(&text)), expected);
    }
    assert_eq!(
        Csv::new().columns(["v"]).parse::<f32>(&format!("v\n\"{wide}1\"\n").replace(',', "0")).unwrap().to_vec(),
        [1.0]
    );
}

/// Files that have no end, or no writer: refused by what they are, and folders too.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    use unspool::text::read_text;
    let folder = std::env::temp_dir().join(format!("unspool-csv-pipes-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, std::path::Path::new("/dev/zero"), &folder] {
        let csv = Csv::new();
        for refused in [sentence(csv.read::<f32>(path)), sentence(csv.read_table(path)), sentence(read_text(path))] {
            assert_eq!(refused, format!("cannot read {}: it is not a file", path.display()));
        }
    }
    let large = folder.join("large");
    fs::File::create(&large).unwrap().set_len(5 << 30).unwrap(); // takes no space
    for refused in [sentence(Csv::new().read::<f32>(&large)), sentence(read_text(&large))] {
        assert!(refused.ends_with("large: it has more than 4294967296 bytes"), "{refused}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

proptest! {
    #![proptest_config(cases(300))]

    /// The `csv` crate as the reference, for texts whose quotes all close.
    #[test]
    fn cells_are_those_of_the_csv_crate(
        rows in prop::collection::vec(
            ("\"([a-zé;,' \n\r]|\"\"){0,6}\" ?|[a-zé;'][a-zé;'\" ]{0,5}|", any::<u16>(), "\r|\n|\r\n"), 1..8,
        ),
    ) {
        let text = rows.iter().fold("d,v\n".to_string(), |text, (cell, number, end)| format!("{text}{cell},{number}{end}"));
        let table = Csv::new().columns(["v"]).index("d").delimiter(',').parse_table(&text).unwrap();
        let mut reader = ::csv::ReaderBuilder::new();
        let mut reader = reader.trim(::csv::Trim::All).from_reader(text.as_bytes());
        let records: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
        prop_assert_eq!(records.iter().map(|row| &row[0]).collect::<Vec<_>>(), table.index);
        prop_assert_eq!(table.values, rows.iter().map(|(_, number, _)| Some(f64::from(*number))).collect::<Vec<_>>());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a,;|\t'\"\r\n .-]{0,60}", header: bool, delimiter: bool, decimal: bool) {
        let csv = if header { Csv::new() } else { Csv::new().without_header() };
        let csv = if delimiter { csv.delimiter(';') } else { csv };
        let csv = if decimal { csv.decimal(',') } else { csv };
        if let Ok(series) = csv.parse::<f64>(&text) {
            prop_assert!(series.numel() > 0);
            let table = csv.parse_table(&text).unwrap();
            prop_assert_eq!(table.values, series.to_vec().into_iter().map(Some).collect::<Vec<_>>());
        }
    }

    #[test]
    fn numbers_come_back_as_they_were_written(
        numbers in prop::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 1..20),
    ) {
        let text = numbers.iter().fold("v\n".to_string(), |text, x| format!("{text}{x:?}\n"));
        prop_assert_eq!(v(&text).unwrap(), numbers);
    }
}
