//! The memory of a process as the system sees it.

use std::fs;

/// The bytes of memory that this process holds now. `None` where the system does not tell (it does on Linux).
pub fn resident_bytes() -> Option<u64> {
    status("VmRSS")
}

/// The resident memory of a process before some work, against which its growth is measured.
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    bytes: u64,
}

impl Baseline {
    /// What this process holds now. `None` where the system does not tell (it does on Linux).
    pub fn now() -> Option<Baseline> {
        // Makes the peak start again from here; where that is not allowed, the peak so far counts.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Some(Baseline { bytes: resident_bytes()? })
    }

    /// The most that the process held since then, less what it held then, in bytes.
    pub fn peak_growth(&self) -> Option<u64> {
        Some(status("VmHWM")?.saturating_sub(self.bytes))
    }
}

fn status(field: &str) -> Option<u64> {
    read_field(&fs::read_to_string("/proc/self/status").ok()?, field)
}

/// `VmRSS:     1234 kB`, in bytes.
fn read_field(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_in_bytes() {
        let status = "Name:\tcompare\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((read_field(status, "VmRSS"), read_field(status, "VmHWM")), (Some(1 << 20), Some(2 << 20)));
        assert_eq!((read_field(status, "VmH"), read_field(status, "VmSize")), (None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn growth_counts_what_was_touched_even_if_it_was_given_back() {
        let baseline = Baseline::now().unwrap();
        drop(std::hint::black_box(vec![1u8; 64 << 20]));
        let growth = baseline.peak_growth().unwrap();
        assert!((60 << 20..200 << 20).contains(&growth), "{growth}");
    }
}
