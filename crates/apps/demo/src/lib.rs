//! A network that learns a series in a browser. [`Session`] is all of it; `exports` has the names by which the page's
//! JavaScript calls it.

#![deny(unsafe_code)]

#[cfg(target_family = "wasm")]
#[expect(unsafe_code, reason = "an exported name is `no_mangle`, which counts as unsafe: two of a name would clash")]
mod exports;
mod session;

pub use session::{BATCH, CellKind, Session, StateNorms, WINDOW};
