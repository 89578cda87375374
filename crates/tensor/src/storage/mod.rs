//! Where the elements of tensors live: counted blocks from a pool, and how a tensor is arranged in
//! one.
//!
//! - `layout`: shape, strides and offset;
//! - `buffer`: a shared reference to a block, or a view of one;
//! - `pool`: freed blocks, kept by size for the next tensor;
//! - `append_list`: not of tensors, but of what a tape of single numbers records.
//!
//! What must stay true: a block is written only through its sole owner (copy-on-write), every
//! element is initialized memory, and a repeated computation allocates nothing after its first run.

#[allow(unsafe_code)]
pub(crate) mod append_list;
#[allow(unsafe_code)]
pub(crate) mod buffer;
#[allow(unsafe_code)]
pub(crate) mod counting_allocator;
pub(crate) mod layout;
#[allow(unsafe_code)]
pub(crate) mod pool;
