//! Elements at positions given as indices.

mod index_select;
mod gather;
mod scatter_add;
mod sort;
