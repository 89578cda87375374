//! Other shapes and orders of the same elements.

mod reshape;
mod permute;
mod expand;
mod repeat;
mod flip;
mod roll;
mod pad;
mod triangle;
