//! CSV files as spreadsheets, databases and statistics programs export them: delimiters, decimal marks, headers, gaps.

use super::*;
use unspool::data::{Csv, CsvTable};

fn values(csv: &Csv, text: &str) -> Vec<f64> {
    csv.parse::<f64>(text).unwrap_or_else(|e| panic!("{text:?}: {e}")).to_vec()
}

fn table(csv: Csv, text: &str) -> CsvTable {
    csv.missing(Csv::MISSING).parse_table(text).unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

#[test]
fn the_delimiter_is_the_one_that_cuts_all_rows_alike() {
    for (text, delimiter) in [
        ("a,v\nx,1\ny,2\n", Some(',')),
        ("a;v\nx;1\ny;2\n", Some(';')),
        ("a\tv\nx\t1\ny\t2\n", Some('\t')),
        ("a|v\nx|1\ny|2\n", Some('|')),
        ("v\n1\n2\n", None),
        ("a;v\nx, y;1\ny;2\n", Some(';')),              // a comma in some rows
        ("a,v\n\"x;\ty\",1\n\"y;\tz\",2\n", Some(',')), // others within quotes, in all rows but the header
        ("a;b;v\n1,5;0;1\n2,5;0;2\n", Some(';')),       // decimal commas
        ("sep=;\r\na;v\r\nx;1\r\ny;2\r\n", Some(';')),  // as Excel writes it
        ("\"sep=|\"\na|v\n1;1|1\n2;2|2\n", Some('|')),
    ] {
        let read = table(Csv::new().columns(["v"]), text);
        assert_eq!((read.delimiter, read.values), (delimiter, vec![Some(1.0), Some(2.0)]), "{text:?}");
    }
    // Both cut every row in two. Commas may be decimal, semicolons are not.
    assert_eq!(values(&Csv::new().without_header(), "1,5;2,5\n3,5;4,5\n"), [1.5, 2.5, 3.5, 4.5]);
    let open = "a;b,v\nx;y,1\n";
    assert_eq!(sentence(Csv::new().parse::<f32>(open)), "the delimiter may be ',' or ';': set the delimiter");
    assert_eq!(values(&Csv::new().columns(["v"]).delimiter(','), open), [1.0]);
    // A mistake in a row is that row's, whatever else the text holds.
    let uneven = "a;v\nx;1\ny;2;3\n";
    assert_eq!(
        sentence(Csv::new().parse::<f32>(uneven)),
        "line 3 has a different number of cells (3) than the header (2)"
    );
}

/// As numbers are written in the locales en_US, de_DE, de_CH and fr_FR.
#[test]
fn decimal_marks_and_thousands_are_found() {
    for (numbers, expected) in [
        (["1.5", "2"], [1.5, 2.0]),
        (["1,234.5", "1,234"], [1234.5, 1234.0]),
        (["1,234,567", "1,234"], [1_234_567.0, 1234.0]),
        (["1,5", "2"], [1.5, 2.0]),
        (["-1,5", "1.234"], [-1.5, 1234.0]),
        (["1.234,5", "1.234"], [1234.5, 1234.0]),
        (["1.234.567", "1,234"], [1_234_567.0, 1.234]),
        (["0,123", "1,234"], [0.123, 1.234]),
        (["0.123", "1.234"], [0.123, 1.234]),
        (["1'234.5", "1'234'567"], [1234.5, 1_234_567.0]),
        (["1 234,5", "-1\u{202f}234\u{202f}567"], [1234.5, -1_234_567.0]),
        (["1,5e3", "+2,5E-1"], [1500.0, 0.25]),
        ([",5", "12,"], [0.5, 12.0]),
        (["1.234e1", "1234.5678"], [12.34, 1234.5678]),
    ] {
        let text = format!("a;v\nx;{}\ny;{}\n", numbers[0], numbers[1]);
        assert_eq!(values(&Csv::new().columns(["v"]), &text), expected, "{numbers:?}");
    }
}

#[test]
fn a_doubt_about_a_decimal_mark_is_asked_about() {
    let csv = Csv::new().columns(["v"]);
    for (text, expected) in [
        ("a;v\n0;1\n0;1.234\n", "line 3: \"1.234\" may be 1.234 or 1234: set the decimal mark"),
        ("a\tv\n0\t12,345\n", "line 2: \"12,345\" may be 12345 or 12.345: set the decimal mark"),
        ("a,v\n0,\"1,234\"\n", "line 2: \"1,234\" may be 1234 or 1.234: set the decimal mark"),
        ("a;v\n0;1.5\n0;2,5\n", "line 2: \"1.5\" has a decimal point, but \"2,5\" in line 3 a decimal comma"),
        ("a;v\n0;1,00,000\n", "line 2, column \"v\": \"1,00,000\" is not a number"),
        ("a;v\n0;1.23.456\n", "line 2, column \"v\": \"1.23.456\" is not a number"),
        ("a;v\n0;5 %\n", "line 2, column \"v\": \"5 %\" is not a number"),
        ("v\n1\n1,5\n", "line 3 has a different number of cells (2) than the header (1)"),
    ] {
        assert_eq!(sentence(csv.parse::<f64>(text)), expected, "{text:?}");
    }
    // With commas as delimiters, or a single column, a point is a decimal point.
    assert_eq!(values(&csv, "a,v\n0,1.234\n"), [1.234]);
    assert_eq!(values(&csv, "v\n1.234\n"), [1.234]);
    // A given delimiter is not questioned.
    let told = |mark: char, text: &str| values(&csv.clone().decimal(mark), text);
    assert_eq!((told('.', "a;v\n0;1.234\n"), told(',', "a;v\n0;1.234\n")), (vec![1.234], vec![1234.0]));
    assert_eq!((told('.', "a;v\n0;1,234\n"), told(',', "a;v\n0;1,234\n")), (vec![1234.0], vec![1.234]));
    assert_eq!(told(',', "v\n1\n1,5\n"), [1.0, 1.5]);
    assert_eq!(
        sentence(csv.clone().decimal(',').parse::<f64>("a;v\n0;1.5\n")),
        "line 2, column \"v\": \"1.5\" is not a number"
    );
}

#[test]
fn numbers_where_names_are_expected_are_a_lost_row() {
    let text = "1,2\n3,4\n";
    let expected = "line 1 holds numbers where column names are expected: set whether there is a header";
    assert_eq!(sentence(Csv::new().parse::<f32>(text)), expected);
    for text in [text, "x,2\n3,4\n", "2001-01-01,\"1,5\"\n2001-01-02,4\n"] {
        assert_eq!(sentence(Csv::new().columns([1]).parse::<f32>(text)), expected);
    }
    assert_eq!(values(&Csv::new().columns([1]).without_header(), text), [2.0, 4.0]);
    assert_eq!(values(&Csv::new().columns([1]).with_header(), text), [4.0]);
    assert_eq!(values(&Csv::new().columns(["2"]), text), [4.0]); // who knows the name has seen the header
    assert_eq!(values(&Csv::new(), "1,b\n3,4\n"), [3.0, 4.0]); // a name among them
}

#[test]
fn gaps_are_gaps_in_a_table_and_an_error_in_a_series() {
    let text =
        "day;v;w\n1;1,5;x\n2;NA;x\n3;n/a;x\n4;#N/A;x\n5;nan;x\n6;NULL;x\n7;None;x\n8;-;x\n9;?;x\n10;;x\n11;-2;x\n";
    let read = table(Csv::new().columns(["v"]).index("day"), text);
    let gaps = vec![None; 9];
    assert_eq!(read.values, [vec![Some(1.5)], gaps, vec![Some(-2.0)]].concat());
    assert_eq!((read.names, read.decimal), (vec!["v".to_string()], ','));
    assert_eq!(read.lines, (2..=12).collect::<Vec<_>>());
    assert_eq!(read.index, (1..=11).map(|day| day.to_string()).collect::<Vec<_>>());

    let csv = Csv::new().columns(["v"]).missing(["-999"]);
    assert_eq!(sentence(csv.parse::<f32>(text)), "line 3, column \"v\": \"NA\" is not a number");
    assert_eq!(csv.parse_table("v\n1\n-999\n").unwrap().values, [Some(1.0), None]);
    assert_eq!(sentence(csv.parse::<f32>("v\n1\n-999\n")), "line 3, column \"v\": \"-999\" marks a missing value");
    assert!(csv.parse_table("v\n").unwrap().values.is_empty());
    assert_eq!(sentence(csv.parse_table("")), "the file is empty");
}

#[test]
fn an_index_is_no_number_and_other_columns_are() {
    let read = table(Csv::new().index("d"), "a,d,b\n1,mon,2\n3,tue,4\n");
    assert_eq!(
        (read.names, read.index),
        (vec!["a".to_string(), "b".to_string()], vec!["mon".into(), "tue".to_string()])
    );
    assert_eq!(read.values, [1.0, 2.0, 3.0, 4.0].map(Some));
    let read = table(Csv::new().columns([2]).index(1).without_header(), "1,mon,2\n3,tue,4\n");
    assert_eq!((read.names, read.index[1].as_str(), read.lines), (vec!["2".to_string()], "tue", vec![1, 2]));
}

/// Sentences stay short, whatever the file holds.
#[test]
fn many_or_long_names_are_cut() {
    let names: Vec<String> = (0..800_000).map(|i| format!("name {i}")).collect();
    let expected = (0..10).map(|i| format!("\"name {i}\"")).collect::<Vec<_>>().join(", ");
    assert_eq!(
        sentence(Csv::new().columns(["v"]).parse::<f32>(&names.join(","))),
        format!("there is no column \"v\": the columns are {expected} and 799990 more")
    );
    let long = "x".repeat(1_000_000);
    for text in [format!("{long}\n"), format!("v,v,{long}\n"), format!("v\n{long}\n"), format!("v\n\"{long}")] {
        let sentence = sentence(Csv::new().columns(["v"]).parse::<f32>(&text));
        assert!(sentence.len() < 300, "{} bytes", sentence.len());
    }
    let many = vec!["v"; 10_000].join(",");
    let sentence = sentence(Csv::new().columns(["v"]).parse::<f32>(&many));
    assert!(sentence.starts_with("columns 0, 1, 2,") && sentence.len() < 300, "{sentence}");
}
