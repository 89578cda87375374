//! Bytes that are unpacked while they are read.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use std::io::{self, Read};

/// What was packed by deflate.
pub(super) struct Inflate<'a> {
    packed: &'a [u8],
    state: Box<InflateState>,
}

impl<'a> Inflate<'a> {
    pub fn new(packed: &'a [u8]) -> Self {
        Inflate { packed, state: InflateState::new_boxed(DataFormat::Raw) }
    }
}

impl Read for Inflate<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = inflate(&mut self.state, self.packed, buffer, MZFlush::None);
        self.packed = &self.packed[done.bytes_consumed..];
        match done.status {
            Ok(_) => Ok(done.bytes_written),
            Err(_) if done.bytes_written > 0 => Ok(done.bytes_written),
            Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it cannot be unpacked")),
        }
    }
}
