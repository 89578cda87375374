//! npy: NumPy's file of one array.

use crate::io::allocate::allocate;
use crate::io::chunks::write_elements;
use crate::io::error::FileError;
use crate::io::files::{open, replace};
use crate::io::half_precision::f16;
use crate::io::wrong_format::{Format, explain};
use crate::messages::{quoted, sizes};
use crate::tuning::FILE_CHUNK;
use std::io::{self, Read, Write};
use std::path::Path;
use unspool_autograd::{MAX_RANK, Real, Shape, Tensor};

/// Reads a tensor from an npy file: `numpy.save(path, array)`.
///
/// The array may hold floats of 2, 4 or 8 bytes, integers, or booleans (1 and 0), in C or Fortran
/// order. Values of another type than `T` are rounded to it. If an array has more axes than a
/// tensor can have, those of length 1 are removed, as by `numpy.squeeze`.
///
/// ```
/// use unspool::Tensor;
/// use unspool::io::{read_npy, write_npy};
/// # let path = std::env::temp_dir().join(format!("tensor-{}.npy", std::process::id()));
/// let x = Tensor::<f32>::from_fn([3, 4], |i| i as f32);
/// write_npy(&path, &x)?;
/// assert_eq!(read_npy::<f32>(&path)?, x);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is not valid, or has an unsupported array: another type, big-endian,
/// or more axes than a tensor can have; or if there is not enough memory.
#[cfg(feature = "npy")]
pub fn read_npy<T: Real>(path: impl AsRef<Path>) -> Result<Tensor<T>, FileError> {
    let path = path.as_ref();
    let unreadable = FileError::cannot_read(path);
    let mut file = open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let array = read_header(&mut file, size).and_then(|header| read_elements(&mut file, header));
    array.map_err(|problem| match problem {
        Problem::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => unreadable(error),
        Problem::TooLarge(sentence) => FileError::too_large(path, format_args!("holds an array {sentence}")),
        problem => {
            let error = FileError::new(path, format_args!("is not an npy file of numbers: {problem}"));
            explain(path, &[Format::Npy], error)
        }
    })
}

/// Writes a tensor to an npy file, which `numpy.load(path)` reads. As with models, a file at `path`
/// is replaced as a whole or not at all.
///
/// ```
/// use unspool::Tensor;
/// use unspool::io::{read_npy, write_npy};
/// # let path = std::env::temp_dir().join(format!("states-{}.npy", std::process::id()));
/// let states = Tensor::<f64>::from_fn([5, 2], |i| i as f64);
/// write_npy(&path, &states)?; // numpy.load("states.npy")
/// assert_eq!(read_npy::<f64>(&path)?, states);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the system cannot write the file. The old file is then unchanged.
#[cfg(feature = "npy")]
pub fn write_npy<T: Real>(path: impl AsRef<Path>, tensor: &Tensor<T>) -> Result<(), FileError> {
    let path = path.as_ref();
    replace(path, |out| write_array(tensor, out)).map_err(FileError::cannot_save(path))
}

/// Writes an array: its header and its elements.
pub(super) fn write_array<T: Real>(tensor: &Tensor<T>, out: &mut dyn Write) -> io::Result<()> {
    let sizes: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
    let sizes = sizes.join(", ") + if sizes.len() == 1 { "," } else { "" };
    let fields = format!("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({sizes}), }}", size_of::<T>());
    let length = (START + fields.len() + 1).next_multiple_of(64) - START; // so that the data is aligned
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&(length as u16).to_le_bytes())?;
    writeln!(out, "{fields:0$}", length - 1)?;
    write_elements(tensor, out)
}

const MAGIC: &[u8] = b"\x93NUMPY";
/// The bytes before the dictionary in a file of version 1.
const START: usize = MAGIC.len() + 2 + 2;
/// The longest header. NumPy's own limit, 10,000, has another reason: it evaluates the text as
/// Python.
const MAX_HEADER: u64 = 1 << 16;

/// Why an array cannot be read.
pub(super) enum Problem {
    Io(io::Error),
    /// The array is not valid.
    Invalid(String),
    /// It is not an array, or not one of numbers.
    NotNumbers(String),
    /// There is not enough memory.
    TooLarge(String),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Problem::Io(error)
    }
}

impl From<String> for Problem {
    fn from(sentence: String) -> Self {
        Problem::Invalid(sentence)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => f.write_str("it is cut short"),
            Problem::Io(error) => error.fmt(f),
            Problem::Invalid(sentence) | Problem::NotNumbers(sentence) | Problem::TooLarge(sentence) => {
                f.write_str(sentence)
            }
        }
    }
}

/// The header of an array that can be read.
pub(in crate::io) struct ArrayHeader {
    element: Element,
    fortran_order: bool,
    /// At most as many axes as a tensor can have, and as many elements as the file has bytes for.
    pub(in crate::io) shape: Vec<usize>,
}

impl ArrayHeader {
    /// The name of the element type, as in Rust.
    #[cfg(feature = "safetensors")]
    pub(in crate::io) fn element(&self) -> &'static str {
        self.element.name
    }

    /// The bytes of the array as a tensor of `T`.
    pub(super) fn bytes<T>(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64 * size_of::<T>() as u64
    }
}

/// Reads the header of an array from a source of `size` bytes.
pub(super) fn read_header(source: &mut dyn Read, size: u64) -> Result<ArrayHeader, Problem> {
    let mut start = Vec::new();
    Read::take(&mut *source, MAGIC.len() as u64 + 2).read_to_end(&mut start)?;
    if start.is_empty() || start.iter().zip(MAGIC).any(|(byte, magic)| byte != magic) {
        return Err(Problem::NotNumbers("it does not begin as npy files do".to_owned()));
    }
    if start.len() < MAGIC.len() + 2 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let version = start[MAGIC.len()];
    // Version 2 has a wider length, and version 3 also allows UTF-8.
    let mut length = [0; 4];
    let width = if version == 1 { 2 } else { 4 };
    source.read_exact(&mut length[..width])?;
    let length = u64::from(u32::from_le_bytes(length));
    if !(1..=3).contains(&version) || length > MAX_HEADER {
        return Err(format!("its version is {version} and its header has {length} bytes").into());
    }
    let mut text = vec![0; length as usize];
    source.read_exact(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let Some(Dictionary { descr, fortran_order, mut shape }) = Dictionary::parse(&text) else {
        return Err(Problem::NotNumbers(format!("its header is {}", quoted(text.trim_end()))));
    };
    let Some(element) = Element::named(descr) else {
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
    let needed = shape.iter().try_fold(element.size, |bytes, &size| bytes.checked_mul(size));
    if !addressable || needed.is_none_or(|needed| needed as u64 != data) {
        let shape = sizes(&shape);
        return Err(format!("{data} bytes are not an array of shape {shape} that holds {descr:?}").into());
    }
    Ok(ArrayHeader { element, fortran_order, shape })
}

/// Reads the elements of an array, which follow its header.
pub(super) fn read_elements<T: Real>(source: &mut dyn Read, header: ArrayHeader) -> Result<Tensor<T>, Problem> {
    let ArrayHeader { element, fortran_order, mut shape } = header;
    if fortran_order {
        shape.reverse();
    }
    let mut tensor = allocate::<T>(&shape).map_err(Problem::TooLarge)?;
    if fortran_order {
        // Fails early if there is no memory for the row-major copy below; the pool keeps this block
        // for it.
        drop(allocate::<T>(&shape).map_err(Problem::TooLarge)?);
    }
    let mut bytes = [0; FILE_CHUNK];
    for values in tensor.as_mut_slice().chunks_mut(FILE_CHUNK / 8) {
        let bytes = &mut bytes[..values.len() * element.size];
        source.read_exact(bytes)?;
        for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(element.size)) {
            *value = T::from_f64((element.read)(bytes));
        }
    }
    if fortran_order {
        let axes: Vec<usize> = (0..shape.len()).rev().collect();
        tensor = tensor.permute(&axes).contiguous();
    }
    Ok(tensor)
}

/// One of NumPy's element types.
struct Element {
    /// Its name in Rust.
    #[cfg_attr(not(feature = "safetensors"), expect(dead_code))]
    name: &'static str,
    size: usize,
    read: fn(&[u8]) -> f64,
}

impl Element {
    fn named(descr: &str) -> Option<Element> {
        macro_rules! element {
            ($t:ty) => {
                Element {
                    name: stringify!($t),
                    size: size_of::<$t>(),
                    read: |bytes| <$t>::from_le_bytes(bytes.try_into().expect("of its size")) as f64,
                }
            };
        }
        Some(match descr {
            "<f2" => Element {
                name: "f16",
                size: 2,
                read: |bytes| f16(u16::from_le_bytes(bytes.try_into().expect("of its size"))).into(),
            },
            "<f4" => element!(f32),
            "<f8" => element!(f64),
            "|b1" | "|u1" => element!(u8),
            "|i1" => element!(i8),
            "<i2" => element!(i16),
            "<u2" => element!(u16),
            "<i4" => element!(i32),
            "<u4" => element!(u32),
            "<i8" => element!(i64),
            "<u8" => element!(u64),
            _ => return None,
        })
    }
}

/// The Python dictionary in a header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4),
/// }`.
struct Dictionary<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Dictionary<'a> {
    fn parse(text: &'a str) -> Option<Dictionary<'a>> {
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
                    let sizes = sizes.map(|size| size.strip_suffix('L').unwrap_or(size)); // from Python 2
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
        Some(Dictionary { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// A Python string literal at the start of `text`, and what follows it.
fn string_literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}
