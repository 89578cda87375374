//! Slices of a value, and values joined.

mod select;
mod slice;
mod stack;
mod concat;
