//! Files that need more memory than there is are refused: in a process of its own, which may have so much address space.

use crate::folder;
use crate::processes::{asked_to_work, in_shell};
use std::fs::{self, File};
use std::path::Path;
use unspool::data::Csv;
use unspool::io::{WeightFile, read_npy, read_npz, read_npz_with_limit};
use unspool::text::read_text;

/// A file that begins so, and goes on with a hole.
fn with_hole(path: &Path, start: &[u8], hole: u64) {
    fs::write(path, start).unwrap();
    File::options().write(true).open(path).unwrap().set_len(start.len() as u64 + hole).unwrap();
}

fn safetensors(path: &Path, floats: u64) {
    let bytes = 4 * floats;
    let header = format!(r#"{{"x":{{"dtype":"F32","shape":[{floats}],"data_offsets":[0,{bytes}]}}}}"#);
    with_hole(path, &[&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat(), bytes);
}

fn npy_header(floats: u64, fortran_order: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': {fortran_order}, 'shape': (2, {}), }}", floats / 2);
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat()
}

/// A zip file of one entry, which is said to be an array of so many floats. Packed are no more than their beginning.
fn npz(path: &Path, floats: u64) {
    let start = npy_header(floats, "False");
    let length = start.len() as u16;
    let packed = [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), &start].concat();
    let sizes = [packed.len() as u32, (start.len() as u64 + 4 * floats) as u32].map(u32::to_le_bytes).concat();
    let entry = [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sizes, &[5, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04", &entry[..], b"x.npy", &packed].concat();
    let central = [b"PK\x01\x02\x14\0", &entry[..], &[0; 14], b"x.npy"].concat();
    let places = [central.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &places[..], &[0, 0]].concat();
    fs::write(path, [local, central, end].concat()).unwrap();
}

/// The memory of tensors comes in blocks of 5, 6, 7, 8, 10, 12, .. times a power of two.
fn largest_block() -> usize {
    let blocks = (20..40).flat_map(|power| [5, 6, 7, 8].map(|fifths| fifths << power));
    // With the short header before the elements.
    blocks.take_while(|&bytes| Vec::<u8>::new().try_reserve_exact(bytes + (1 << 16)).is_ok()).last().unwrap()
}

#[test]
fn reading_in_little_memory() {
    let Some(folder) = asked_to_work() else { return };
    let path = folder.join("file");
    let most = largest_block();
    assert!(most < 1 << 31, "{most} bytes: there is no limit");

    // As many bytes as can be had, but not in one block.
    let floats = most as u64 / 4 + 1;
    assert!(Vec::<f32>::new().try_reserve_exact(floats as usize).is_ok());
    let bytes = 4 * floats;
    safetensors(&path, floats);
    let error = WeightFile::open(&path).unwrap().tensor::<f32>("x").unwrap_err().to_string();
    let sentence = format!("holds \"x\" of shape [{floats}], whose {bytes} bytes are more than there is memory for");
    assert_eq!(error, format!("{} {sentence}", path.display()));
    // As doubles, the halves would be more than there is memory for.
    let header = npy_header(floats / 2 * 2, "False");
    with_hole(&path, &header, floats / 2 * 8);
    let error = read_npy::<f64>(&path).unwrap_err().to_string();
    assert!(error.ends_with("bytes are more than there is memory for"), "{error}");
    // Fortran's order is changed in a second block.
    let (small, large) = (most as u64 / 64, most as u64 / 5);
    for (floats, fits) in [(small, true), (large, false)] {
        with_hole(&path, &npy_header(floats / 2 * 2, "True"), floats / 2 * 8);
        assert_eq!(read_npy::<f32>(&path).is_ok(), fits, "{floats} floats");
    }

    npz(&path, 1 << 29);
    let error = read_npz_with_limit::<f32>(&path, u64::MAX).unwrap_err().to_string();
    let sentence = "holds \"x\" of shape [2, 268435456], whose 2147483648 bytes are more than there is memory for";
    assert_eq!(error, format!("{} {sentence}", path.display()));
    let error = WeightFile::open(&path).unwrap().tensor::<f32>("x").unwrap_err().to_string();
    assert_eq!(error, format!("{} {sentence}", path.display()));

    // Whole files.
    with_hole(&path, b"PK\x03\x04    ", 1 << 31);
    let error = read_npz::<f32>(&path).unwrap_err().to_string();
    let sentence = format!("{}: it has 2147483656 bytes, more than there is memory for", path.display());
    assert_eq!(error, format!("cannot read {sentence}"));
    assert_eq!(read_text(&path).unwrap_err().to_string(), format!("cannot read {sentence}"));
    assert_eq!(Csv::new().read::<f32>(&path).unwrap_err().to_string(), format!("cannot read {sentence}"));
    with_hole(&path, &100_000_000_u64.to_le_bytes(), 100_000_000);
    let error = WeightFile::open(&path).unwrap_err().to_string();
    assert!(error.ends_with("has a header of 100000000 bytes, more than there is memory for"), "{error}");
    fs::write(folder.join("done"), "").unwrap();
}

#[test]
fn what_needs_more_memory_than_there_is_is_refused() {
    let folder = folder("little memory");
    assert!(in_shell("ulimit -v 1500000; exec \"$@\"", "memory::reading_in_little_memory", &folder));
    assert!(folder.join("done").exists());
}

/// A small file that unpacks to 4 GiB (but for 4 bytes, which a zip file of this kind can say).
#[test]
fn an_archive_may_unpack_to_a_gibibyte() {
    let path = folder("unpacked").join("file");
    npz(&path, (1 << 30) - 64);
    let error = read_npz::<f32>(&path).unwrap_err().to_string();
    let sentence = "unpacks to more than 1073741824 bytes: `read_npz_with_limit` sets another limit";
    assert_eq!(error, format!("{} {sentence}", path.display()));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/npy/packed.npz");
    let all: usize = read_npz::<f64>(&fixture).unwrap().values().map(|array| 8 * array.numel()).sum();
    assert!(read_npz_with_limit::<f64>(&fixture, all as u64).is_ok());
    assert!(read_npz_with_limit::<f64>(&fixture, all as u64 - 1).is_err());
}
