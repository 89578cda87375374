//! The storage behind a tensor: a reference-counted block of scalars that returns to a pool when dropped.
//!
//! A block is one allocation: a 64-byte header (the count and the size class), then the elements, aligned to
//! 64 bytes. Blocks come from [`pool`](crate::pool), so a training loop that repeats the same shapes
//! allocates nothing after its first step.

use crate::pool::{self, Header};
use crate::scalar::Scalar;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};

/// A shared block of scalars. Cloning counts a reference; the elements are copied by nobody.
pub(crate) struct Buffer<T: Scalar> {
    header: NonNull<Header>,
    elements: PhantomData<T>,
}

// SAFETY: a buffer gives out `&mut [T]` only while its count is one (see `get_mut`), the count is atomic, and
// `T: Scalar` is `Send + Sync`, so sharing and sending are those of an `Arc<[T]>`.
unsafe impl<T: Scalar> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Scalar> Sync for Buffer<T> {}

impl<T: Scalar> Buffer<T> {
    /// A block whose elements are initialised but arbitrary (zeros, or what an earlier tensor left there).
    /// In debug builds they are NaN, so that reading before writing shows.
    pub(crate) fn scratch(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= pool::MAX_BYTES);
        let Some(bytes) = bytes else {
            panic!("tensor of {len} elements is larger than the address space");
        };
        let mut buffer = Buffer { header: pool::take(bytes, len), elements: PhantomData };
        if cfg!(debug_assertions) {
            buffer.get_mut().expect("a fresh block has one owner").fill(T::NAN);
        }
        buffer
    }

    /// The elements.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the block holds `len` elements after its header (`scratch` asked the pool for so many bytes);
        // they are initialised (the pool zeroes fresh blocks, and every bit pattern is a valid `Scalar`, which is
        // a sealed trait of plain floating-point data); nobody writes while `self` is borrowed (`get_mut`).
        unsafe { std::slice::from_raw_parts(pool::data(self.header).cast(), self.header().len) }
    }

    /// The elements, writable, if no other tensor shares them.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut [T]> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: as in `as_slice`; and this is the only reference to the block, borrowed mutably.
        Some(unsafe { std::slice::from_raw_parts_mut(pool::data(self.header).cast(), self.header().len) })
    }

    /// Whether no other tensor shares this block.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        // Acquire pairs with the Release in `drop`: what another thread wrote before it let go is visible.
        self.header().refs.load(Ordering::Acquire) == 1
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the header lives as long as any reference to the block does.
        unsafe { self.header.as_ref() }
    }
}

impl<T: Scalar> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.header().refs.fetch_add(1, Ordering::Relaxed);
        Buffer { header: self.header, elements: PhantomData }
    }
}

impl<T: Scalar> Drop for Buffer<T> {
    #[inline]
    fn drop(&mut self) {
        // The sole owner needs no atomic read-modify-write: nobody else can be cloning.
        if !self.is_unique() {
            if self.header().refs.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            fence(Ordering::Acquire);
        }
        // SAFETY: this was the last reference, and `self` is not used after `drop`.
        unsafe { pool::give_back(self.header) };
    }
}
