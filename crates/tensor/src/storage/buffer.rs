//! The storage of a tensor: a reference-counted block of scalars that returns to a pool when
//! dropped.
//!
//! A block is one allocation: a header (the count, the size class, the layout), then the elements,
//! aligned to 64 bytes. Blocks come from [`pool`](crate::storage::pool), so a training loop that
//! repeats the same shapes allocates nothing after its first step. A view is a block without
//! elements that refers to another. So a tensor is one pointer. (With the shape and strides in the
//! handle, which then had 128 bytes, a small op took 150 ns forward and backward, against 127.)

use crate::scalar::Scalar;
use crate::shape::{MAX_BYTES, Shape};
use crate::storage::layout::Layout;
use crate::storage::pool::{self, BlockHeader};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// A shared block of scalars, or a view of one, with its layout. Cloning counts a reference and
/// copies no elements.
pub(crate) struct Buffer<T: Scalar> {
    header: NonNull<BlockHeader>,
    elements: PhantomData<T>,
}

// SAFETY: a buffer gives out `&mut [T]` only while it is the only way to the block (see `get_mut`), the counts are
// atomic, a layout never changes while it is shared, and `T: Scalar` is `Send + Sync`, so sharing and sending are those
// of an `Arc<[T]>`.
unsafe impl<T: Scalar> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Scalar> Sync for Buffer<T> {}

impl<T: Scalar> Buffer<T> {
    /// A block for the elements of a contiguous tensor. They are initialized but arbitrary: zeros,
    /// or what an earlier tensor left there. In debug builds they are NaN, so that reading before
    /// writing shows.
    #[inline]
    pub(crate) fn scratch(shape: &Shape) -> Self {
        let len = shape.numel();
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= MAX_BYTES);
        let Some(bytes) = bytes else {
            fail!("tensor of {len} elements is larger than the address space");
        };
        Self::unwritten(pool::take(bytes), shape)
    }

    /// The same for an addressable shape, or `None` if there is no memory for it.
    pub(crate) fn try_scratch(shape: &Shape) -> Option<Self> {
        Some(Self::unwritten(pool::try_take(shape.numel() * size_of::<T>())?, shape))
    }

    #[inline]
    fn unwritten(block: NonNull<BlockHeader>, shape: &Shape) -> Self {
        let mut buffer = Self::laid_out(block, |layout| layout.set_contiguous(shape));
        if cfg!(debug_assertions) {
            buffer.get_mut().expect("a fresh block has one owner").fill(T::NAN);
        }
        buffer
    }

    /// A block without elements.
    pub(crate) fn hollow(shape: &Shape) -> Self {
        Self::laid_out(pool::take(0), |layout| layout.set_contiguous(shape))
    }

    /// A block that was just taken from the pool, with a layout.
    #[inline]
    fn laid_out(mut header: NonNull<BlockHeader>, lay_out: impl FnOnce(&mut Layout)) -> Self {
        // SAFETY: the block is fresh and exclusively ours.
        lay_out(&mut unsafe { header.as_mut() }.layout);
        Buffer { header, elements: PhantomData }
    }

    /// The same elements under another layout, or the same memory as elements of another type. Any `Scalar` is:
    /// all its bit patterns are valid, and it has no padding.
    #[inline]
    pub(crate) fn view<U: Scalar>(&self, layout: Layout) -> Buffer<U> {
        let base = self.header().base.unwrap_or(self.header);
        // SAFETY: a base lives as long as any view of it, and so does this block itself.
        count_one_more(&unsafe { base.as_ref() }.refs);
        let mut view = Buffer::laid_out(pool::take(0), |own| *own = layout);
        // SAFETY: as in `laid_out`.
        unsafe { view.header.as_mut() }.base = Some(base);
        view
    }

    /// The address and the bytes of this block, and of the block that holds its elements.
    pub(crate) fn blocks(&self) -> [(usize, usize); 2] {
        let base = self.header().base.unwrap_or(self.header);
        // SAFETY: a base lives as long as its views.
        [self.header(), unsafe { base.as_ref() }].map(|block| (std::ptr::from_ref(block) as usize, pool::bytes(block)))
    }

    /// The bytes of the blocks that no other reference holds.
    pub(crate) fn owned_bytes(&self) -> usize {
        let owned = |block: &BlockHeader| {
            if block.refs.load(Ordering::Relaxed) == 1 { pool::bytes(block) } else { 0 }
        };
        match (owned(self.header()), self.header().base) {
            (0, _) => 0,
            // SAFETY: a base lives as long as its views.
            (own, Some(base)) => own + owned(unsafe { base.as_ref() }),
            (own, None) => own,
        }
    }

    /// How the elements are arranged.
    #[inline]
    pub(crate) fn layout(&self) -> &Layout {
        &self.header().layout
    }

    /// All elements of the block; for a view, also those it does not show.
    #[inline]
    pub(crate) fn elements(&self) -> &[T] {
        let block = self.header().base.unwrap_or(self.header);
        const { assert!(align_of::<T>() <= align_of::<BlockHeader>()) };
        // SAFETY: the block holds `used` bytes of elements after its header, aligned like that; they are initialized
        // (the pool zeroes fresh blocks, and every bit pattern is a valid `Scalar`, which is a sealed trait of
        // floating-point data without padding); nobody writes while `self` is borrowed (`get_mut`).
        unsafe { std::slice::from_raw_parts(pool::data(block).cast(), block.as_ref().used / size_of::<T>()) }
    }

    /// All elements of the block, writable, if no other tensor shares them.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut [T]> {
        if !self.is_unique() {
            return None;
        }
        let block = self.header().base.unwrap_or(self.header);
        // SAFETY: as in `elements`; and this is the only way to the block, borrowed mutably.
        Some(unsafe { std::slice::from_raw_parts_mut(pool::data(block).cast(), block.as_ref().used / size_of::<T>()) })
    }

    /// The layout and [all elements](Buffer::get_mut) of the block, writable, if no other tensor shares them.
    #[inline]
    pub(crate) fn get_mut_laid_out(&mut self) -> Option<(&Layout, &mut [T])> {
        let header = self.header;
        let elements = self.get_mut()?;
        // SAFETY: the header lives as long as `self` is borrowed, which is the only way to it; elements are behind headers.
        Some((&unsafe { header.as_ref() }.layout, elements))
    }

    /// Whether no other tensor shares the elements.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        // Acquire pairs with the Release in `release`: what another thread wrote before it released the block is
        // visible.
        let header = self.header();
        header.refs.load(Ordering::Acquire) == 1
            // SAFETY: a base lives as long as its views.
            && header.base.is_none_or(|base| unsafe { base.as_ref() }.refs.load(Ordering::Acquire) == 1)
    }

    #[inline]
    fn header(&self) -> &BlockHeader {
        // SAFETY: the header lives as long as any reference to the block does.
        unsafe { self.header.as_ref() }
    }
}

impl<T: Scalar> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Self {
        count_one_more(&self.header().refs);
        Buffer { header: self.header, elements: PhantomData }
    }
}

impl<T: Scalar> Drop for Buffer<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this reference is not used after `drop`; the view's own reference to its base goes with it.
        unsafe {
            let base = self.header.as_ref().base;
            if release(self.header)
                && let Some(base) = base
            {
                release(base);
            }
        }
    }
}

/// Counts a new reference. Only leaked handles (`mem::forget`) can push the count beyond half its
/// range; the program then aborts, as with `Arc`, before the count wraps around and a block is
/// freed while in use.
#[inline]
fn count_one_more(refs: &AtomicUsize) {
    if refs.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
        std::process::abort();
    }
}

/// Releases one reference to a block. Returns whether it was the last, so that the block went back
/// to the pool.
///
/// # Safety
/// The caller holds the reference and does not use it again.
#[inline]
unsafe fn release(header: NonNull<BlockHeader>) -> bool {
    // SAFETY: the block lives as long as the caller's reference.
    let refs = unsafe { &header.as_ref().refs };
    // The sole owner needs no atomic read-modify-write: nobody else can be cloning.
    if refs.load(Ordering::Acquire) != 1 {
        if refs.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        fence(Ordering::Acquire);
    }
    // SAFETY: this was the last reference, and the caller does not use it again.
    unsafe { pool::give_back(header) };
    true
}
