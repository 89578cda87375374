//! NumPy's files, written by `fixtures/npy.py`.

use crate::{files_in, folder};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use unspool::Tensor;
use unspool::io::{FileError, read_npy, read_npz, write_npy, write_npz};
use unspool_tests::values;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/npy").join(name)
}

/// The array "floats" of the fixtures.
fn floats() -> Tensor {
    Tensor::from_fn([2, 3, 4], |i| i as f32 / 2.0 - 1.0)
}

#[test]
fn arrays_of_numpy_are_read_and_written_to_the_byte() -> Result<(), FileError> {
    assert_eq!(read_npy::<f32>(fixture("floats.npy"))?, floats());
    assert_eq!(read_npy::<f32>(fixture("fortran.npy"))?, floats());
    assert_eq!(read_npy::<f64>(fixture("floats.npy"))?, floats().cast());
    assert_eq!(read_npy::<f64>(fixture("half.npy"))?, floats().cast());

    let folder = folder("npy");
    write_npy(folder.join("floats.npy"), &floats().permute(&[2, 0, 1]).permute(&[1, 2, 0]))?;
    assert!(fs::read(folder.join("floats.npy")).unwrap() == fs::read(fixture("floats.npy")).unwrap());
    for shape in [&[][..], &[3], &[0, 5], &[1, 1, 1, 1, 1, 1], &[9, 5000]] {
        let path = folder.join("x.npy");
        write_npy(&path, &values(shape, 3))?;
        assert_eq!(read_npy::<f64>(&path)?, values(shape, 3));
        assert_eq!(fs::metadata(&path).unwrap().len() % 64, 8 * shape.iter().product::<usize>() as u64 % 64);
    }
    assert_eq!(files_in(&folder), ["floats.npy", "x.npy"]);
    Ok(())
}

/// PyTorch and NumPy have arrays of any number of axes.
#[test]
fn axes_of_length_1_are_left_out_where_there_are_too_many() -> Result<(), FileError> {
    assert_eq!(read_npy::<f32>(fixture("seven_axes.npy"))?, floats());
    let sentence = "is not an npy file of numbers: it has 7 axes, and a tensor at most 6 that are longer than 1";
    assert_eq!(refused(&fixture("seven_long_axes.npy")), sentence);
    Ok(())
}

/// Its whole numbers end in L.
#[test]
fn headers_of_python_2_are_read() {
    let path = folder("npy python 2").join("x.npy");
    let whole = fs::read(fixture("floats.npy")).unwrap();
    let header = String::from_utf8_lossy(&whole[10..128]).replace("(2, 3, 4), }   ", "(2L, 3L, 4L), }");
    fs::write(&path, [&whole[..10], header.as_bytes(), &whole[128..]].concat()).unwrap();
    assert!(header.contains("L, 4L)") && header.len() == 118);
    assert_eq!(read_npy::<f32>(&path).unwrap(), floats());
}

#[test]
fn archives_of_numpy_are_read_packed_or_not() -> Result<(), FileError> {
    for name in ["stored.npz", "packed.npz"] {
        let mut arrays = read_npz::<f32>(fixture(name))?;
        for same in ["floats", "doubles", "fortran"] {
            assert_eq!(arrays.remove(same), Some(floats()), "{name}: {same}");
        }
        assert_eq!(arrays.remove("scalar"), Some(Tensor::scalar(0.5)));
        assert_eq!(arrays.remove("empty"), Some(Tensor::zeros([0, 3])));
        assert_eq!(arrays.remove("truth"), Some(Tensor::from_vec(vec![1.0, 0.0, 1.0], [3])));
        assert_eq!(arrays.remove("int8"), Some(Tensor::from_fn([2, 3], |i| -(i as f32))));
        for kind in ["uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"] {
            assert_eq!(arrays.remove(kind), Some(Tensor::from_fn([2, 3], |i| i as f32)), "{name}: {kind}");
        }
        assert!(arrays.is_empty(), "{arrays:?}");
    }
    Ok(())
}

fn refused(path: &Path) -> String {
    let read = |path: &Path| match path.extension().unwrap().to_str() {
        Some("npz") => read_npz::<f32>(path).map(drop),
        _ => read_npy::<f32>(path).map(drop),
    };
    let result = catch_unwind(|| read(path)).unwrap_or_else(|_| panic!("{} makes reading panic", path.display()));
    let message = result.unwrap_err().to_string();
    message.strip_prefix(&format!("{} ", path.display())).unwrap_or(&message).to_owned()
}

#[test]
fn other_arrays_are_refused_in_a_sentence() {
    let expected = "expected numbers such as \"<f4\" or \"<i8\"";
    for (name, descr) in [("text", "<U2"), ("big_endian", ">f4"), ("complex", "<c8")] {
        let sentence = format!("is not an npy file of numbers: it holds \"{descr}\", {expected}");
        assert_eq!(refused(&fixture(&format!("{name}.npy"))), sentence);
    }
    let records = refused(&fixture("records.npy"));
    assert!(
        records.starts_with("is not an npy file of numbers: its header is \"{'descr': [('a', '<f4')]"),
        "{records}"
    );

    let path = folder("npy headers").join("x.npy");
    let says = |header: &str, data: usize, problem: &str| {
        let length = (header.len() as u16).to_le_bytes();
        fs::write(&path, [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), &vec![0; data]].concat()).unwrap();
        assert_eq!(refused(&path), format!("is not an npy file of numbers: {problem}"));
    };
    let shaped = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    says(&shaped("(2,)"), 9, "9 bytes are not an array of shape [2] that holds \"<f4\"");
    says(&shaped("(2,)"), 4, "4 bytes are not an array of shape [2] that holds \"<f4\"");
    says(&shaped("(1,1,1,1,1,1,2)"), 4, "4 bytes are not an array of shape [2] that holds \"<f4\"");
    says(&shaped("(1,2,2,2,2,2,2,2)"), 512, "it has 8 axes, and a tensor at most 6 that are longer than 1");
    let huge = u64::MAX;
    says(
        &shaped(&format!("({huge}, {huge})")),
        4,
        &format!("4 bytes are not an array of shape [{huge}, {huge}] that holds \"<f4\""),
    );
    says(
        &shaped(&format!("(0, {huge})")),
        0,
        &format!("0 bytes are not an array of shape [0, {huge}] that holds \"<f4\""),
    );
    for wrong in ["(-1,)", "(1", "2", "(a,)", "(99999999999999999999,)"] {
        says(&shaped(wrong), 4, &format!("its header is {:?}", shaped(wrong)));
    }
    for wrong in ["", "{}", "{", "{'descr': '<f4'}", "{'descr'}", "{\u{e9}: 1}", "{'x': 1}"] {
        says(wrong, 4, &format!("its header is {wrong:?}"));
    }
    fs::write(&path, b"\x93NUMPY\x09\0\0\0\0\0").unwrap();
    assert_eq!(refused(&path), "is not an npy file of numbers: its version is 9 and its header has 0 bytes");
    fs::write(&path, b"\x93NUMPY\x02\0\xff\xff\xff\xff").unwrap();
    assert_eq!(refused(&path), "is not an npy file of numbers: its version is 2 and its header has 4294967295 bytes");
    fs::write(&path, b"1,2,3\n").unwrap();
    assert_eq!(refused(&path), "is not an npy file of numbers: it does not begin as npy files do");
}

#[test]
fn cut_and_damaged_files_are_refused() {
    let folder = folder("npy damaged");
    for name in ["floats.npy", "stored.npz", "packed.npz"] {
        let (whole, path) = (fs::read(fixture(name)).unwrap(), folder.join(name));
        for length in (0..whole.len()).step_by(if name.ends_with("npy") { 1 } else { 7 }) {
            fs::write(&path, &whole[..length]).unwrap();
            let message = refused(&path);
            assert!(message.starts_with("is not "), "{message}");
        }
    }
    // Every byte of the arrays of an archive is under a checksum; of its directory, some say nothing that matters.
    for name in ["stored.npz", "packed.npz"] {
        let (whole, path) = (fs::read(fixture(name)).unwrap(), folder.join(name));
        let good = read_npz::<f32>(fixture(name)).unwrap();
        let mut found = 0;
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, bytes).unwrap();
            match catch_unwind(|| read_npz::<f32>(&path)).unwrap_or_else(|_| panic!("byte {at} makes reading panic")) {
                Ok(arrays) => {
                    let all = good.values().all(|array| arrays.values().any(|other| array == other));
                    assert!(all && arrays.len() == good.len(), "byte {at} of {name}");
                }
                Err(_) => found += 1,
            }
        }
        assert!(found > whole.len() / 2, "{name}: {found} of {} flips are found", whole.len());
    }
}

/// A file whose two entries are the same bytes.
#[test]
fn entries_that_share_their_bytes_are_refused() {
    let path = folder("npy overlapping").join("x.npz");
    let whole = fs::read(fixture("packed.npz")).unwrap();
    let starts: Vec<usize> = (0..whole.len() - 4).filter(|&at| &whole[at..at + 4] == b"PK\x01\x02").collect();
    let mut bytes = whole.clone();
    bytes.copy_within(starts[0] + 42..starts[0] + 46, starts[1] + 42); // where the first entry begins
    bytes.copy_within(starts[0] + 16..starts[0] + 28, starts[1] + 16); // its checksum and sizes
    fs::write(&path, &bytes).unwrap();
    let message = refused(&path);
    assert!(message.ends_with(" overlap"), "{message}");
}

#[test]
fn a_directory_that_is_not_as_long_as_it_says_is_refused() {
    let path = folder("npy directory").join("x.npz");
    let mut bytes = fs::read(fixture("stored.npz")).unwrap();
    let end = bytes.len() - 22;
    assert_eq!(bytes[end..end + 4], *b"PK\x05\x06");
    bytes[end + 10] += 1; // the number of entries
    fs::write(&path, &bytes).unwrap();
    assert_eq!(refused(&path), "is not a valid npz file: its directory has 14 entries, and should have 15");
}

/// What `written.npz` holds, which NumPy has read (`fixtures/npy.py`).
#[test]
fn archives_are_written_to_the_byte() -> Result<(), FileError> {
    let folder = folder("npz written");
    let path = folder.join("x.npz");
    let transposed = floats().permute(&[2, 0, 1]);
    let arrays = [
        ("floats", &floats()),
        ("decoder/weight", &transposed),
        ("scalar", &Tensor::scalar(0.5)),
        ("empty", &Tensor::zeros([0, 3])),
        ("x.npy", &Tensor::from([1.0])),
        ("gr\u{f6}\u{df}e", &Tensor::from([2.0])),
    ];
    write_npz(&path, arrays)?;
    assert!(fs::read(&path).unwrap() == fs::read(fixture("written.npz")).unwrap());
    let read = read_npz::<f32>(&path)?;
    assert_eq!(read.len(), arrays.len());
    assert!(arrays.iter().all(|(name, array)| read[*name] == **array), "{read:?}");

    write_npz(&path, &read_npz::<f64>(&path)?)?; // replaced, in the order of the map
    assert_eq!(read_npz::<f64>(&path)?["decoder/weight"], transposed.cast());
    write_npz(&path, [] as [(&str, &Tensor); 0])?;
    assert!(read_npz::<f32>(&path)?.is_empty());
    assert_eq!(files_in(&folder), ["x.npz"]);
    Ok(())
}

#[test]
fn names_that_an_archive_cannot_have_are_refused_and_change_nothing() -> Result<(), FileError> {
    let path = folder("npz names").join("x.npz");
    write_npz(&path, [("x", &floats())])?;
    let before = fs::read(&path).unwrap();
    let refused = |names: &[&str]| {
        let x = floats();
        let message = write_npz(&path, names.iter().map(|name| (name, &x))).unwrap_err().to_string();
        message.strip_prefix(&format!("{} ", path.display())).expect("the file is named").to_owned()
    };
    assert_eq!(refused(&["x", "y", "x"]), "cannot hold two arrays named \"x\"");
    assert_eq!(refused(&["x", ""]), "cannot hold an array without a name");
    for name in ["../x", "a/../x", "/x", "a//x", "./x", "a\\x", "C:/x", "x\0y"] {
        let sentence = format!("cannot hold an array named {name:?}, which is no path inside the file");
        assert_eq!(refused(&[name]), sentence);
    }
    let long = "x".repeat(1 << 16);
    let message = write_npz(&path, [(&long, &floats())]).unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot save {}: ", path.display())), "{message}");
    let message = write_npz("no/such/folder/x.npz", [("x", &floats())]).unwrap_err().to_string();
    assert_eq!(message, "cannot save no/such/folder/x.npz: no/such/folder is not a folder");
    assert!(fs::read(&path).unwrap() == before);
    Ok(())
}
