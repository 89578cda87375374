//! Slices of a value, and values put together.

mod select;
mod slice;
mod stack;
mod concat;
