//! The kinds of errors: what a program can tell apart without reading sentences.

use super::*;
use std::error::Error;
use std::io::{self, ErrorKind::NotFound};
use unspool::data::{Csv, DataError};
use unspool::io::{
    ErrorKind, FileError, WeightFile, check_writable, load, load_torch, read_npy, read_npz, save, write_file,
};
use unspool::layers::Dense;
use unspool::text::{Vocabulary, read_text};
use unspool::{Tensor, rng};

fn layer(inputs: usize) -> Dense<Tensor> {
    Dense::new(&mut rng(0), inputs, 2)
}

/// The kind of the system's error that another one is from.
fn system(error: &dyn Error) -> Option<io::ErrorKind> {
    error.source().map(|source| source.downcast_ref::<io::Error>().expect("an error of the system").kind())
}

#[test]
fn what_the_system_reports_is_the_kind_and_the_source() {
    let path = folder("kinds of the system").join("none");
    let files: [FileError; 5] = [
        load(&path, &mut layer(3)).unwrap_err(),
        load_torch(&path, &mut layer(3)).unwrap_err(),
        read_npy::<f32>(&path).unwrap_err(),
        read_npz::<f32>(&path).unwrap_err(),
        save(path.join("below"), &layer(3)).unwrap_err(),
    ];
    for error in files {
        assert_eq!((error.kind(), system(&error)), (ErrorKind::Io(NotFound), Some(NotFound)), "{error}");
        assert_eq!(error, error.clone());
    }
    let data: [DataError; 2] = [Csv::new().read::<f32>(&path).unwrap_err(), read_text(&path).unwrap_err()];
    for error in data {
        assert_eq!((error.kind(), system(&error)), (ErrorKind::Io(NotFound), Some(NotFound)), "{error}");
    }

    // Where only the system can fail, the error is of std; the system's own, with its number, is the source.
    for error in [write_file(path.join("below"), "").unwrap_err(), check_writable(path.join("below")).unwrap_err()] {
        assert_eq!((error.kind(), system(&error)), (NotFound, Some(NotFound)), "{error}");
    }
}

#[test]
fn a_wrong_file_is_not_a_file_of_another_model() {
    let path = folder("kinds of files").join("file");
    let kind = |inputs: usize| {
        let error = load(&path, &mut layer(inputs)).unwrap_err();
        assert_eq!(system(&error), None);
        error.kind()
    };
    save(&path, &layer(3)).unwrap();
    assert_eq!(kind(4), ErrorKind::Mismatch);
    assert_eq!(WeightFile::open(&path).unwrap().tensor::<f32>("none").unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(WeightFile::open(&path).unwrap().tensor::<f64>("weight").unwrap_err().kind(), ErrorKind::Mismatch);

    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(kind(3), ErrorKind::InvalidData);
    fs::write(&path, "x,y\n1,2\n1,oops\n").unwrap();
    assert_eq!(kind(3), ErrorKind::InvalidData);
    assert_eq!(read_npy::<f32>(&path).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(read_npz::<f32>(&path).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(Csv::new().read::<f32>(&path).unwrap_err().kind(), ErrorKind::InvalidData);

    let vocabulary = Vocabulary::new(["a"], 1, []).unwrap();
    assert_eq!(vocabulary.fits(2).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(vocabulary.encode(["b"]).unwrap_err().kind(), ErrorKind::InvalidData);
}
