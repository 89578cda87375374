//! Other shapes and orders of the same elements.

mod reshape;
mod permute;
mod expand;
mod repeat;
mod flip;
mod roll;
mod pad;
mod triangle;
mod vec_to_tril_matrix;
