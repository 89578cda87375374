//! Tables of text.

use super::{Folder, refused, same};
use unspool::{Csv, Tensor};

/// `Csv::read` and `Csv::parse`, with every kind of setting.
pub fn csv(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    let plain = || Csv::new().without_header();
    let settings = [
        Csv::new(),
        Csv::new().columns(["v"]),
        Csv::new().delimiter(b';').columns([1, 0, 1]),
        plain(),
        plain().columns([1]),
        plain().delimiter(b'\t'),
        plain().columns([0]).delimiter(b' '),
    ];
    let mut loads = false;
    for csv in settings {
        let text = std::str::from_utf8(bytes);
        match csv.read::<f64>(&path) {
            Ok(series) => {
                loads = true;
                assert!(series.elements() > 0 && series.rank() == 2, "{}", series.shape());
                assert!(series.to_vec().into_iter().all(f64::is_finite));
                assert!(same(&csv.parse(text.unwrap()).unwrap(), &series), "the file is another table than its text");
                assert!(same(&plain().parse(&table(&series)).unwrap(), &series), "what was written is another table");
                if let Err(error) = csv.read::<f32>(&path) {
                    assert!(error.to_string().ends_with(" is too large for f32"), "{error}");
                }
            }
            Err(error) => {
                refused(&error, &path);
                let parsed = text.map(|text| csv.parse::<f64>(text).unwrap_err());
                assert!(parsed.is_err() || error.to_string().ends_with(&parsed.unwrap().to_string()));
            }
        }
    }
    loads
}

/// The text of a table.
fn table(series: &Tensor<f64>) -> String {
    let rows = series.to_vec();
    let rows = rows.chunks(series.shape()[1]);
    rows.map(|row| row.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(",") + "\n").collect()
}
