//! The cores that the programs run on.

use std::process::{Command, Stdio};

/// The list of the first `count` cores that this process may use, as `taskset` takes it. `None` where there is no
/// `taskset`: programs then run where the system puts them.
///
/// # Errors
/// If there are fewer.
pub fn first(count: usize) -> Result<Option<String>, String> {
    let there = std::thread::available_parallelism().map_or(1, usize::from);
    if count > there {
        return Err(format!("{count} threads are more than the {there} cores that this process may use"));
    }
    let taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !taskset.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    Ok(allowed.map(|list| take(list.trim(), count)))
}

/// The first cores of `0-3,8`.
fn take(list: &str, count: usize) -> String {
    let cores = list.split(',').flat_map(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        from.parse::<usize>().unwrap_or(0)..=to.parse().unwrap_or(0)
    });
    cores.take(count).map(|core| core.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_taken_from_ranges() {
        assert_eq!(take("0-1", 2), "0,1");
        assert_eq!(take("2,5-7", 3), "2,5,6");
    }

    #[test]
    fn too_many_threads_are_refused() {
        let error = first(100_000).unwrap_err();
        assert!(error.starts_with("100000 threads are more than the "), "{error}");
    }
}
