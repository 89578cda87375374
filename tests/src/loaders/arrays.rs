//! NumPy's files.

use super::{Folder, refused, same};
use std::collections::BTreeMap;
use unspool::Tensor;
use unspool::io::{WeightFile, read_npy, read_npz, write_npy, write_npz};
use unspool::tensor::Real;

/// `read_npy`, in either type.
pub fn npy(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    match (read_npy::<f32>(&path), read_npy::<f64>(&path)) {
        (Ok(single), Ok(double)) => {
            assert_eq!(single.shape(), double.shape());
            written(&folder, &single);
            written(&folder, &double);
            true
        }
        (Err(single), Err(double)) => {
            assert_eq!(single.to_string(), double.to_string());
            refused(&single, &path)
        }
        (single, double) => panic!("{single:?} in one type is {double:?} in the other"),
    }
}

/// `read_npz`, in either type; and what a `WeightFile` finds in it.
pub fn npz(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    let file = bytes.starts_with(b"PK").then(|| WeightFile::open(&path));
    match (read_npz::<f32>(&path), read_npz::<f64>(&path)) {
        (Ok(single), Ok(double)) => {
            assert!(single.keys().eq(double.keys()));
            written_together(&folder, &single);
            written_together(&folder, &double);
            let Some(Ok(file)) = file else { return true };
            assert!(file.names().eq(double.keys()), "{file:?}");
            for name in file.names() {
                assert!(
                    file.tensor(name).is_ok_and(|array| same(&array, &single[name]))
                        || file.tensor::<f32>(name).is_err()
                );
                assert!(
                    file.tensor(name).is_ok_and(|array| same(&array, &double[name]))
                        || file.tensor::<f64>(name).is_err()
                );
            }
            true
        }
        (Err(single), Err(double)) => {
            assert_eq!(single.to_string(), double.to_string());
            match file {
                // It reads only what is requested: something else may be damaged.
                Some(Ok(file)) => {
                    for name in file.names() {
                        let _ = file.tensor::<f64>(name).map_err(|error| refused(&error, &path));
                    }
                }
                Some(Err(error)) => _ = refused(&error, &path),
                None => {}
            }
            refused(&single, &path)
        }
        (single, double) => panic!("{single:?} in one type is {double:?} in the other"),
    }
}

/// Writes an array, and reads it.
fn written<T: Real>(folder: &Folder, array: &Tensor<T>) {
    let path = folder.saved();
    write_npy(&path, array).unwrap();
    assert!(same(&read_npy(&path).unwrap(), array), "what was written is another array");
}

/// Writes arrays by name, and reads them, unless one has a name that is not written.
fn written_together<T: Real>(folder: &Folder, arrays: &BTreeMap<String, Tensor<T>>) {
    let path = folder.saved();
    match write_npz(&path, arrays) {
        Ok(()) => {
            let read = read_npz::<T>(&path).unwrap();
            assert!(read.keys().eq(arrays.keys()), "{read:?}");
            assert!(read.values().zip(arrays.values()).all(|(read, array)| same(read, array)));
        }
        Err(error) => drop(refused(&error, &path)),
    }
}
