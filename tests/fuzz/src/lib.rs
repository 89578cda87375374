//! Changes to files that get past the first check of a format, so that the fuzzer reaches the code after it.

use libfuzzer_sys::fuzzer_mutate;

/// Changes a file. Mostly, the header of a safetensors file is then said to end where it does, and every entry of an npz file
/// that is not compressed has its checksum.
pub fn mutate(bytes: &mut [u8], size: usize, room: usize, seed: u32) -> usize {
    let size = fuzzer_mutate(bytes, size, room);
    let bytes = &mut bytes[..size];
    match bytes {
        _ if seed.is_multiple_of(8) => {}
        [b'P', b'K', ..] => (0..size).for_each(|at| _ = set_checksum(bytes, at)),
        _ => set_length(bytes),
    }
    size
}

fn set_length(bytes: &mut [u8]) {
    let end = bytes.iter().rposition(|&byte| byte == b'}');
    if let Some(end) = end.filter(|&end| end >= 8) {
        let spaces = bytes[end + 1..].iter().take_while(|&&byte| byte == b' ').count();
        bytes[..8].copy_from_slice(&((end + 1 + spaces - 8) as u64).to_le_bytes());
    }
}

/// Sets the checksum of the entry whose record in the directory begins here, if one does.
fn set_checksum(bytes: &mut [u8], record: usize) -> Option<()> {
    let number = |bytes: &[u8], at: usize, width: usize| {
        let digits = bytes.get(at..at + width)?;
        Some(digits.iter().rev().fold(0usize, |number, &digit| number << 8 | usize::from(digit)))
    };
    let stored = bytes[record..].starts_with(b"PK\x01\x02") && number(bytes, record + 10, 2)? == 0;
    if !stored {
        return None;
    }
    let (length, start) = (number(bytes, record + 20, 4)?, number(bytes, record + 42, 4)?);
    let names = number(bytes, start.checked_add(26)?, 2)? + number(bytes, start.checked_add(28)?, 2)?;
    let data = start + 30 + names;
    let sum = checksum(bytes.get(data..data.checked_add(length)?)?).to_le_bytes();
    bytes.get_mut(start + 14..start + 18)?.copy_from_slice(&sum);
    bytes.get_mut(record + 16..record + 20)?.copy_from_slice(&sum);
    Some(())
}

/// The CRC-32 of zip files.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), step))
}
