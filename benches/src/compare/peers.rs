//! The programs that take part: ours, and those of other libraries.

use crate::args::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use unspool_benches::work;
use unspool_benches::workload::Workload;

/// Whose a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Ours.
    Ours,
    /// A Python library's.
    Python,
    /// Another Rust library's.
    Rust,
}

/// A program of another library, for all workloads.
#[derive(Debug, PartialEq)]
pub struct Peer {
    name: String,
    side: Side,
    /// What is run, before the arguments that all programs take.
    command: Vec<PathBuf>,
}

/// What `programs.py` tells of a program.
#[derive(Deserialize)]
struct Listed {
    name: String,
    script: String,
}

/// A program about to start.
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub side: Side,
    /// How it starts.
    pub command: Command,
}

/// The programs of other libraries that the arguments give.
///
/// # Errors
/// If a Python or a folder is not what it should be, or a requested program is in none of them.
pub fn find(args: &Args) -> Result<Vec<Peer>, String> {
    let mut peers: Vec<Peer> = Vec::new();
    for python in &args.python {
        for listed in list(python, &args.scripts)? {
            if peers.iter().all(|peer| peer.name != listed.name) {
                let command = vec![python.clone(), args.scripts.join(&listed.script)];
                peers.push(Peer { name: listed.name, side: Side::Python, command });
            }
        }
    }
    if let Some(folder) = &args.rust_peers {
        peers.extend(rust(folder)?);
    }
    if let Some(unknown) = args.peer.iter().find(|name| peers.iter().all(|peer| peer.name != **name)) {
        let names: Vec<&str> = peers.iter().map(|peer| &peer.name[..]).collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(format!("there is no peer {unknown}; what was given has {there}"));
    }
    peers.retain(|peer| args.peer.is_empty() || args.peer.contains(&peer.name));
    Ok(peers)
}

fn list(python: &Path, scripts: &Path) -> Result<Vec<Listed>, String> {
    if !python.is_file() {
        return Err(format!("there is no Python at {}", python.display()));
    }
    let output = Command::new(python).arg(scripts.join("programs.py")).output();
    let output = output.map_err(|e| format!("{}: {e}", python.display()))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or("it says nothing");
        format!("{} cannot tell which libraries it has: {last}", python.display())
    })
}

/// `burn_peer` is the program of burn.
fn rust(folder: &Path) -> Result<Vec<Peer>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut peers = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(name) = file.strip_suffix("_peer") {
            peers.push(Peer { name: name.to_owned(), side: Side::Rust, command: vec![path] });
        }
    }
    if peers.is_empty() {
        return Err(format!("{} holds no programs; `cargo build --release` makes them", folder.display()));
    }
    peers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(peers)
}

/// Everything that takes part in a workload, ours first. With `cores`, on those alone.
///
/// # Errors
/// If this program does not find itself.
pub fn commands(
    args: &Args,
    workload: &Workload,
    peers: &[Peer],
    cores: Option<&str>,
) -> Result<Vec<Candidate>, String> {
    let this = std::env::current_exe().map_err(|e| format!("this program does not find itself: {e}"))?;
    let start = |path: &Path| match cores {
        Some(cores) => {
            let mut command = Command::new("taskset");
            command.args(["-c", cores]).arg(path);
            command
        }
        None => Command::new(path),
    };
    let with_arguments = |mut command: Command, program: [&str; 2]| {
        command.args(program).args(["--workload", &workload.id, "--threads", &args.threads.to_string()]);
        command.arg("--list").arg(&args.list);
        command.env("RAYON_NUM_THREADS", args.threads.to_string()); // what burn, candle and dfdx look at
        command
    };
    let ours = work::programs(workload).into_iter().map(|(name, _)| Candidate {
        name: name.to_owned(),
        side: Side::Ours,
        command: with_arguments(start(&this), ["--serve", name]),
    });
    let theirs = peers.iter().map(|peer| {
        let mut command = start(&peer.command[0]);
        command.args(&peer.command[1..]);
        Candidate {
            name: peer.name.clone(),
            side: peer.side,
            command: with_arguments(command, ["--program", &peer.name]),
        }
    });
    Ok(ours.chain(theirs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn message(args: &[&str]) -> String {
        find(&Args::parse_from(["compare"].iter().chain(args))).unwrap_err()
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert_eq!(message(&["--python", "/no/python"]), "there is no Python at /no/python");
        assert_eq!(message(&["--peer", "jax"]), "there is no peer jax; what was given has none");
        assert!(message(&["--rust-peers", "/no/folder"]).starts_with("/no/folder: "));
    }

    #[test]
    #[cfg(unix)]
    fn a_python_that_is_none_is_named() {
        assert_eq!(
            message(&["--python", "/bin/true"]),
            "/bin/true cannot tell which libraries it has: it says nothing"
        );
    }

    #[test]
    fn no_other_programs_are_needed() {
        assert_eq!(find(&Args::parse_from(["compare"])), Ok(vec![]));
    }
}
