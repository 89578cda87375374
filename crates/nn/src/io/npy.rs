//! NumPy's files of one array, npy.

use super::disk::{open, replace};
use super::error::FileError;
use super::foreign::{Form, explain};
use super::half::f16;
use super::room::room;
use crate::sentence::{quoted, sizes};
use crate::tuning::FILE_CHUNK;
use std::io::{self, Read};
use std::path::Path;
use unspool_autograd::{MAX_RANK, Real, Shape, Tensor};

/// Reads a tensor from NumPy's npy file: `numpy.save(path, array)`.
///
/// The array may be of floats of 2, 4 or 8 bytes, of integers, or of truth values (1 and 0), in C's or Fortran's order. What is
/// not of type `T` in the file is rounded to it. Of an array with more axes than a tensor can have, those of length 1 are left
/// out: `numpy.squeeze`.
///
/// ```
/// use unspool_nn::io::{read_npy, write_npy};
/// use unspool_autograd::Tensor;
/// # let path = std::env::temp_dir().join(format!("tensor-{}.npy", std::process::id()));
/// let x = Tensor::<f32>::from_fn([3, 4], |i| i as f32);
/// write_npy(&path, &x)?;
/// assert_eq!(read_npy::<f32>(&path)?, x);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is not valid, or holds something else: other types, bytes in the other order, or more axes
/// than a tensor can have; or if there is no memory for it.
pub fn read_npy<T: Real>(path: impl AsRef<Path>) -> Result<Tensor<T>, FileError> {
    let path = path.as_ref();
    let unreadable = |error| FileError::io("cannot read", path, error);
    let mut file = open(path)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let array = read_header(&mut file, size).and_then(|header| read_values(&mut file, header));
    array.map_err(|problem| match problem {
        Problem::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => unreadable(error),
        Problem::TooMuch(sentence) => FileError::new(path, format_args!("holds an array {sentence}")),
        problem => {
            let error = FileError::new(path, format_args!("is no npy file of numbers: {problem}"));
            explain(path, &[Form::Npy], error)
        }
    })
}

/// Writes a tensor to an npy file, which `numpy.load(path)` reads. The file at `path` is replaced as a whole, as in
/// saving models.
///
/// # Errors
/// If the system cannot write the file. What was at `path` before is then still there, and nothing else.
pub fn write_npy<T: Real>(path: impl AsRef<Path>, tensor: &Tensor<T>) -> Result<(), FileError> {
    replace(path.as_ref(), |out| {
        let sizes: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
        let sizes = sizes.join(", ") + if sizes.len() == 1 { "," } else { "" };
        let fields = format!("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({sizes}), }}", size_of::<T>());
        let length = (START + fields.len() + 1).next_multiple_of(64) - START; // so that the data is aligned
        out.write_all(MAGIC)?;
        out.write_all(&[1, 0])?;
        out.write_all(&(length as u16).to_le_bytes())?;
        writeln!(out, "{fields:0$}", length - 1)?;
        let values = tensor.contiguous();
        let mut bytes = [0; FILE_CHUNK];
        for values in values.as_slice().expect("contiguous").chunks(FILE_CHUNK / size_of::<T>()) {
            let bytes = &mut bytes[..size_of_val(values)];
            T::to_bytes(values, bytes);
            out.write_all(bytes)?;
        }
        Ok(())
    })
}

const MAGIC: &[u8] = b"\x93NUMPY";
/// The bytes before the header in a file of version 1.
const START: usize = MAGIC.len() + 2 + 2;
/// The longest header. NumPy's own limit, 10,000, is there for another reason: it evaluates the text as Python.
const LONGEST: u64 = 1 << 16;

/// Why an array cannot be read.
pub(super) enum Problem {
    Io(io::Error),
    /// It is not valid.
    Sentence(String),
    /// It is no array, or one of something else than numbers.
    NotNumbers(String),
    /// There is no memory for it.
    TooMuch(String),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Problem::Io(error)
    }
}

impl From<String> for Problem {
    fn from(sentence: String) -> Self {
        Problem::Sentence(sentence)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => f.write_str("it is cut short"),
            Problem::Io(error) => error.fmt(f),
            Problem::Sentence(sentence) | Problem::NotNumbers(sentence) | Problem::TooMuch(sentence) => {
                f.write_str(sentence)
            }
        }
    }
}

/// What a file's header says, if the file can be read.
pub(super) struct Described {
    item: Item,
    fortran_order: bool,
    /// As many sizes as a tensor can have, and no more elements than the file has bytes for.
    pub shape: Vec<usize>,
}

impl Described {
    /// The name of the element type, as in Rust.
    #[cfg(feature = "safetensors")]
    pub(super) fn element(&self) -> &'static str {
        self.item.name
    }

    /// The bytes of a tensor for it.
    pub(super) fn bytes<T>(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64 * size_of::<T>() as u64
    }
}

/// Reads the header of an array from a source of `size` bytes.
pub(super) fn read_header(source: &mut dyn Read, size: u64) -> Result<Described, Problem> {
    let mut start = Vec::new();
    Read::take(&mut *source, MAGIC.len() as u64 + 2).read_to_end(&mut start)?;
    if start.is_empty() || start.iter().zip(MAGIC).any(|(byte, magic)| byte != magic) {
        return Err(Problem::NotNumbers("it does not begin as npy files do".to_owned()));
    }
    if start.len() < MAGIC.len() + 2 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let version = start[MAGIC.len()];
    // Version 2 has a longer length, version 3 also UTF-8.
    let mut length = [0; 4];
    let width = if version == 1 { 2 } else { 4 };
    source.read_exact(&mut length[..width])?;
    let length = u64::from(u32::from_le_bytes(length));
    if !(1..=3).contains(&version) || length > LONGEST {
        return Err(format!("its version is {version} and its header has {length} bytes").into());
    }
    let mut text = vec![0; length as usize];
    source.read_exact(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let Some(Header { descr, fortran_order, mut shape }) = Header::parse(&text) else {
        return Err(Problem::NotNumbers(format!("its header is {}", quoted(text.trim_end()))));
    };
    let Some(item) = Item::named(descr) else {
        let expected = "expected numbers such as \"<f4\" or \"<i8\"";
        return Err(Problem::NotNumbers(format!("it holds {}, {expected}", quoted(descr))));
    };
    if shape.len() > MAX_RANK {
        let axes = shape.len();
        shape.retain(|&size| size != 1);
        if shape.len() > MAX_RANK {
            return Err(format!("it has {axes} axes, and a tensor at most {MAX_RANK} that are longer than 1").into());
        }
    }

    let addressable = Shape::from(&shape[..]).is_addressable::<u64>();
    let data = size.saturating_sub((start.len() + width) as u64 + length);
    let needed = shape.iter().try_fold(item.size, |bytes, &size| bytes.checked_mul(size));
    if !addressable || needed.is_none_or(|needed| needed as u64 != data) {
        let shape = sizes(&shape);
        return Err(format!("{data} bytes are no array of shape {shape} that holds {descr:?}").into());
    }
    Ok(Described { item, fortran_order, shape })
}

/// Reads the elements of an array, behind its header.
pub(super) fn read_values<T: Real>(source: &mut dyn Read, described: Described) -> Result<Tensor<T>, Problem> {
    let Described { item, fortran_order, mut shape } = described;
    if fortran_order {
        shape.reverse();
    }
    let mut tensor = room::<T>(&shape).map_err(Problem::TooMuch)?;
    if fortran_order {
        // The copy in C's order will find this block in the pool.
        drop(room::<T>(&shape).map_err(Problem::TooMuch)?);
    }
    let mut bytes = [0; FILE_CHUNK];
    for values in tensor.as_mut_slice().chunks_mut(FILE_CHUNK / 8) {
        let bytes = &mut bytes[..values.len() * item.size];
        source.read_exact(bytes)?;
        for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(item.size)) {
            *value = T::from_f64((item.read)(bytes));
        }
    }
    if fortran_order {
        let axes: Vec<usize> = (0..shape.len()).rev().collect();
        tensor = tensor.permute(&axes).contiguous();
    }
    Ok(tensor)
}

/// An element type of NumPy.
struct Item {
    /// As in Rust.
    #[cfg_attr(not(feature = "safetensors"), expect(dead_code))]
    name: &'static str,
    size: usize,
    read: fn(&[u8]) -> f64,
}

impl Item {
    fn named(descr: &str) -> Option<Item> {
        macro_rules! item {
            ($t:ty) => {
                Item {
                    name: stringify!($t),
                    size: size_of::<$t>(),
                    read: |bytes| <$t>::from_le_bytes(bytes.try_into().expect("of its size")) as f64,
                }
            };
        }
        Some(match descr {
            "<f2" => Item {
                name: "f16",
                size: 2,
                read: |bytes| f16(u16::from_le_bytes(bytes.try_into().expect("of its size"))).into(),
            },
            "<f4" => item!(f32),
            "<f8" => item!(f64),
            "|b1" | "|u1" => item!(u8),
            "|i1" => item!(i8),
            "<i2" => item!(i16),
            "<u2" => item!(u16),
            "<i4" => item!(i32),
            "<u4" => item!(u32),
            "<i8" => item!(i64),
            "<u8" => item!(u64),
            _ => return None,
        })
    }
}

/// What the header says: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Option<Header<'a>> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        while !rest.is_empty() {
            let (key, after) = string_literal(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let after = match key {
                "descr" => {
                    let (name, after) = string_literal(value)?;
                    descr = Some(name);
                    after
                }
                "fortran_order" => {
                    let truth = value.starts_with("True");
                    fortran_order = Some(truth);
                    value.strip_prefix(if truth { "True" } else { "False" })?
                }
                "shape" => {
                    let (sizes, after) = value.strip_prefix('(')?.split_once(')')?;
                    let sizes = sizes.trim().trim_end_matches(',');
                    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
                    let sizes = sizes.map(|size| size.strip_suffix('L').unwrap_or(size)); // of Python 2
                    shape = Some(sizes.map(|size| size.parse().ok()).collect::<Option<Vec<usize>>>()?);
                    after
                }
                _ => return None,
            };
            rest = after.trim_start();
            if !rest.is_empty() {
                rest = rest.strip_prefix(',')?.trim_start();
            }
        }
        Some(Header { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// A text in quotes, and what follows it.
fn string_literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}
