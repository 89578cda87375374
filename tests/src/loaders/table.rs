//! Tables of text.

use super::{Folder, refused, same};
use unspool::data::{Csv, DataError};

/// `Csv::read`, which is `Csv::parse` of the file's text; and `parse` with every kind of setting.
pub fn csv(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    let read = Csv::new().read::<f64>(&path);
    let Ok(text) = std::str::from_utf8(bytes) else { return refused(&read.unwrap_err(), &path) };
    match (read, Csv::new().parse(text)) {
        (Ok(read), Ok(parsed)) => assert!(same(&read, &parsed), "the file is another table than its text"),
        (Err(read), Err(parsed)) => {
            refused(&read, &path);
            assert!(read.to_string().ends_with(&parsed.to_string()), "{read}");
        }
        (read, parsed) => panic!("the file is {read:?} and its text {parsed:?}"),
    }
    [
        parses(&Csv::new(), text),
        parses(&Csv::new().columns(["v"]), text),
        parses(&Csv::new().delimiter(b';').columns([1, 0, 1]), text),
        parses(&plain(), text),
        parses(&plain().columns([1]), text),
        parses(&plain().delimiter(b'\t'), text),
        parses(&plain().columns([0]).delimiter(b' '), text),
        parses(&Csv::new().with_header().delimiter(b'|').decimal(b','), text),
        parses(&plain().decimal(b','), text),
        parses(&plain().index(0).missing(Csv::MISSING), text),
    ]
    .contains(&true)
}

fn plain() -> Csv {
    Csv::new().without_header()
}

/// Reads a table, if it is one, writes it and reads that.
fn parses(csv: &Csv, text: &str) -> bool {
    let bounded = |error: &DataError| assert!((11..1_000).contains(&error.to_string().len()), "{error}");
    let Ok(series) = csv.parse::<f64>(text).inspect_err(bounded) else {
        return false;
    };
    assert!(series.numel() > 0 && series.rank() == 2, "{}", series.shape());
    assert!(series.to_vec().into_iter().all(f64::is_finite));
    let rows = series.to_vec();
    let rows = rows.chunks(series.shape()[1]).map(|row| row.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>());
    let written: String = rows.map(|row| row.join(",") + "\n").collect();
    let plain = plain().delimiter(b',').decimal(b'.');
    assert!(same(&plain.parse(&written).unwrap(), &series), "what was written is another table");
    let table = csv.parse_table(text).unwrap();
    assert_eq!(table.values.into_iter().collect::<Option<Vec<f64>>>().unwrap(), series.to_vec());
    assert_eq!(table.lines.len(), series.shape()[0]);
    if let Err(error) = csv.parse::<f32>(text) {
        assert!(error.to_string().ends_with(" is too large for f32"), "{error}");
    }
    true
}
