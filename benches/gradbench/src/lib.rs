//! [unspool](https://docs.rs/unspool) as a tool of [GradBench](https://github.com/gradbench/gradbench),
//! a benchmark suite of automatic differentiation. The README tells how to run it; each file in
//! `evals/` is one program of the suite, as a user of the library would write it.

#![forbid(unsafe_code)]

mod evals;
mod json;
mod protocol;
mod runs;

pub use protocol::serve;
