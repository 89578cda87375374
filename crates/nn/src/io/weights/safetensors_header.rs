//! The header of a safetensors file: which tensors it has, and where.

use crate::io::error::FileError;
use crate::io::wrong_format::MAX_SAFETENSORS_HEADER;
use crate::messages::{quoted, shortened};
use crate::tuning::HEADER_MEMORY;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use unspool_autograd::Real;

/// The bytes that hold the header's length.
const LENGTH: u64 = 8;
/// The one entry of a header that is not a tensor.
pub(super) const METADATA: &str = "__metadata__";

/// What the file states that it holds.
pub(super) struct Header {
    pub tensors: BTreeMap<String, TensorInfo>,
    pub texts: BTreeMap<String, String>,
    /// Where the data begins.
    pub data: u64,
}

impl Header {
    /// Reads and checks the header of the file at `path`: each tensor then lies within the file,
    /// has as many bytes as its shape needs, and overlaps no other.
    pub(super) fn read(mut file: &File, path: &Path) -> Result<Header, FileError> {
        let unreadable = FileError::cannot_read(path);
        let wrong = |problem: String| FileError::new(path, format_args!("is not a valid safetensors file: {problem}"));
        let size = file.metadata().map_err(unreadable)?.len();
        if size < LENGTH {
            return Err(wrong(format!("it has {size} bytes, and the length of its header alone takes {LENGTH}")));
        }
        let mut length = [0; LENGTH as usize];
        file.read_exact(&mut length).map_err(unreadable)?;
        let length = u64::from_le_bytes(length);
        if length > MAX_SAFETENSORS_HEADER {
            return Err(wrong(format!(
                "its header would have {length} bytes, and at most {MAX_SAFETENSORS_HEADER} are allowed"
            )));
        }
        let data = LENGTH + length;
        if data > size {
            return Err(wrong(format!("its header would end at byte {data}, and it has {size}")));
        }
        let mut text = Vec::new();
        if text.try_reserve_exact(length as usize * HEADER_MEMORY).is_err() {
            return Err(FileError::too_large(
                path,
                format_args!("has a header of {length} bytes, more than there is memory for"),
            ));
        }
        text.shrink_to(length as usize);
        file.take(length).read_to_end(&mut text).map_err(unreadable)?;
        let entries: Entries =
            serde_json::from_slice(&text).map_err(|e| wrong(format!("in its header, {}", shortened(e))))?;
        let header = Header { data, ..entries.check().map_err(wrong)? };
        let end = header.tensors.values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        match data.checked_add(end) {
            Some(end) if end == size => Ok(header),
            end => {
                let end = end.map_or("beyond all bounds".to_owned(), |end| format!("at byte {end}"));
                Err(wrong(format!("its tensors would end {end}, and it has {size}")))
            }
        }
    }
}

/// The format's name for an element type.
pub(super) fn dtype<T: Real>() -> Dtype {
    if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// The name of an element type in this library.
pub(super) fn type_name(dtype: Dtype) -> String {
    dtype.to_string().to_lowercase()
}

/// The entries of a header as parsed, each name once.
#[derive(Default)]
struct Entries {
    tensors: BTreeMap<String, TensorInfo>,
    texts: BTreeMap<String, String>,
}

impl Entries {
    fn check(self) -> Result<Header, String> {
        let mut tensors: Vec<_> = self.tensors.clone().into_iter().collect();
        tensors.sort_by_key(|(_, info)| info.data_offsets);
        // Checks for gaps, overlaps, overflow, and that sizes match the shapes.
        Metadata::new(None, tensors).map_err(shortened)?;
        Ok(Header { tensors: self.tensors, texts: self.texts, data: 0 })
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let (mut entries, mut metadata) = (Entries::default(), None);
                while let Some(name) = map.next_key::<String>()? {
                    let twice = if name == METADATA {
                        metadata.replace(map.next_value::<Option<BTreeMap<String, String>>>()?).is_some()
                    } else {
                        entries.tensors.insert(name.clone(), map.next_value()?).is_some()
                    };
                    if twice {
                        return Err(A::Error::custom(format_args!("the name {} appears twice", quoted(&name))));
                    }
                }
                entries.texts = metadata.flatten().unwrap_or_default();
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Names)
    }
}
