//! A reader that decompresses deflated data.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use std::io::{self, Read};

/// Reads what deflate compressed.
pub(super) struct Inflate<'a> {
    compressed: &'a [u8],
    state: Box<InflateState>,
}

impl<'a> Inflate<'a> {
    pub fn new(compressed: &'a [u8]) -> Self {
        Inflate { compressed, state: InflateState::new_boxed(DataFormat::Raw) }
    }
}

impl Read for Inflate<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = inflate(&mut self.state, self.compressed, buffer, MZFlush::None);
        self.compressed = &self.compressed[done.bytes_consumed..];
        match done.status {
            Ok(_) => Ok(done.bytes_written),
            Err(_) if done.bytes_written > 0 => Ok(done.bytes_written),
            Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it cannot be unpacked")),
        }
    }
}
