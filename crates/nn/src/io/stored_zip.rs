//! Where the entries of a zip file are, if they are stored as they are: `torch.save` and Keras
//! compress nothing, so that an entry is a range of the file.

use crate::messages::quoted;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

pub(super) struct StoredZip {
    entries: BTreeMap<String, Result<Range<u64>, String>>,
}

impl StoredZip {
    /// Reads the directory of a file. Each stored entry then lies within the file, and overlaps no
    /// other.
    pub fn read(file: &File) -> Result<StoredZip, String> {
        let size = file.metadata().map_err(|error| error.to_string())?.len();
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipArchive::from_seekable(file, &mut buffer).map_err(|error| error.to_string())?;
        let (mut entries, mut ranges) = (BTreeMap::new(), Vec::new());
        let mut records = archive.entries(&mut buffer);
        while let Some(record) = records.next_entry().map_err(|error| error.to_string())? {
            let name = String::from_utf8_lossy(record.file_path().as_ref()).into_owned();
            let entry = archive.get_entry(record.wayfinder());
            let entry = entry.map_err(|error| format!("in {}, {error}", quoted(&name)))?;
            let (start, end) = entry.compressed_data_range();
            let place = if record.flags().is_encrypted() {
                Err("it is encrypted".to_owned())
            } else if record.compression_method() != CompressionMethod::STORE {
                Err("it is compressed".to_owned())
            } else if end > size {
                Err("it is cut short".to_owned())
            } else {
                Ok(start..end)
            };
            ranges.push((start, end, name.clone()));
            if entries.insert(name.clone(), place).is_some() {
                return Err(format!("the name {} appears twice", quoted(&name)));
            }
        }
        let (found, expected) = (entries.len() as u64, archive.entries_hint());
        if found != expected {
            return Err(format!("its directory has {found} entries, and should have {expected}"));
        }
        ranges.sort();
        if let Some(pair) = ranges.windows(2).find(|pair| pair[0].1 > pair[1].0) {
            return Err(format!("{} and {} overlap", quoted(&pair[0].2), quoted(&pair[1].2)));
        }
        Ok(StoredZip { entries })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The bytes of the file that are an entry.
    pub fn range(&self, name: &str) -> Result<Range<u64>, String> {
        let place = self.entries.get(name).ok_or_else(|| format!("it has no entry {}", quoted(name)))?;
        place.clone().map_err(|problem| format!("in {}, {problem}", quoted(name)))
    }

    /// An entry of at most `limit` bytes.
    pub fn bytes(&self, mut file: &File, name: &str, limit: u64) -> Result<Vec<u8>, String> {
        let Range { start, end } = self.range(name)?;
        if end - start > limit {
            return Err(format!("{} has {} bytes, and at most {limit} are read", quoted(name), end - start));
        }
        let mut bytes = Vec::new();
        let mut read = || -> io::Result<usize> {
            file.seek(SeekFrom::Start(start))?;
            file.take(end - start).read_to_end(&mut bytes)
        };
        read().map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}
