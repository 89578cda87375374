//! Recycled memory blocks.
//!
//! Touching a fresh page of memory costs microseconds, so blocks are kept by size class when their
//! last tensor is dropped. Each thread has its own lists (no locks in the common case). A block
//! freed by another thread than the one that took it would pile up there, so it goes to a list
//! shared by all; a thread whose own list is empty looks there before it asks the system. So no
//! thread keeps more blocks than it once used at the same time. (Counting what each thread takes
//! and frees is not enough: threads that swap roles would then hoard.)

use crate::storage::layout::Layout;
use std::alloc::{Layout as Allocation, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The beginning of every block; its elements follow.
#[repr(C, align(64))]
pub(crate) struct BlockHeader {
    pub(crate) refs: AtomicUsize,
    class: usize,
    /// The number of the thread that took it last.
    owner: usize,
    /// The bytes of elements that its current user requested.
    pub(crate) used: usize,
    /// For a view, the block that holds the elements.
    pub(crate) base: Option<NonNull<BlockHeader>>,
    /// Which of the elements the tensor has, in which order.
    pub(crate) layout: Layout,
}

const HEADER_BYTES: usize = size_of::<BlockHeader>();
/// Size classes: four per doubling from 64 bytes, so at most a quarter of a block is unused.
const CLASSES: usize = 4 * 43;

/// The class of blocks that hold `bytes`.
#[inline]
fn class_of(bytes: usize) -> usize {
    let b = bytes.max(64) - 1; // classes are (.., size], so count from below
    let top = usize::BITS as usize - 1 - b.leading_zeros() as usize; // floor(log2 b), at least 5
    let quarter = (b >> (top - 2)) & 3;
    (top - 5) * 4 + quarter
}

/// The largest number of bytes a block of `class` holds; the inverse of [`class_of`].
#[inline]
fn bytes_of(class: usize) -> usize {
    let (top, quarter) = (class / 4 + 5, class % 4);
    (quarter + 5) << (top - 2)
}

/// The bytes that a block takes, with its header.
pub(crate) fn bytes(block: &BlockHeader) -> usize {
    HEADER_BYTES + bytes_of(block.class)
}

fn allocation_of(class: usize) -> Allocation {
    Allocation::from_size_align(HEADER_BYTES + bytes_of(class), 64).expect("at most MAX_BYTES and a header")
}

/// A free block, owned by the list that holds it.
struct Free(NonNull<BlockHeader>);

// SAFETY: a free block has no other reference; whoever holds it may use it from any thread.
unsafe impl Send for Free {}

impl Drop for Free {
    fn drop(&mut self) {
        // SAFETY: the block came from `alloc_zeroed` with this size and alignment (its class is written once, on allocation),
        // and nothing refers to it.
        unsafe {
            let allocation = allocation_of(self.0.as_ref().class);
            dealloc(self.0.as_ptr().cast(), allocation);
        }
    }
}

/// The blocks one thread keeps.
struct Local {
    free: Vec<Vec<Free>>,
    /// This thread's number.
    id: usize,
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Ok(mut shared) = SHARED.lock() {
            for (class, blocks) in self.free.drain(..).enumerate() {
                shared[class].extend(blocks);
            }
        }
    }
}

static SHARED: Mutex<[Vec<Free>; CLASSES]> = Mutex::new([const { Vec::new() }; CLASSES]);

/// The bytes allocated from the system so far.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

static THREADS: AtomicUsize = AtomicUsize::new(1);

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::new(Local {
        free: (0..CLASSES).map(|_| Vec::new()).collect(),
        id: THREADS.fetch_add(1, Ordering::Relaxed),
    });
}

/// A block for elements of `bytes` bytes, all initialized, with one reference. The layout in its
/// header is that of an earlier user.
#[inline]
pub(crate) fn take(bytes: usize) -> NonNull<BlockHeader> {
    try_take(bytes).unwrap_or_else(|| handle_alloc_error(allocation_of(class_of(bytes))))
}

/// The same, or `None` if the system has no memory for the whole block.
#[inline]
pub(crate) fn try_take(bytes: usize) -> Option<NonNull<BlockHeader>> {
    let class = class_of(bytes);
    let kept = LOCAL.try_with(|local| {
        let local = &mut *local.borrow_mut();
        let mut free = match local.free[class].pop() {
            Some(free) => free,
            None => allocate(class)?,
        };
        // SAFETY: a free block is exclusively its holder's.
        unsafe { free.0.as_mut() }.owner = local.id;
        Some(free)
    });
    // A thread that is ending has no lists any more, but can still use tensors.
    let free = kept.unwrap_or_else(|_| allocate(class))?;
    let mut header = free.0;
    std::mem::forget(free); // from here on the reference count owns the block
    // SAFETY: the block is exclusively ours until it is returned.
    let block = unsafe { header.as_mut() };
    *block.refs.get_mut() = 1;
    block.used = bytes;
    block.base = None;
    Some(header)
}

/// Returns a block: to this thread's list if this thread took it, to the shared list otherwise.
///
/// # Safety
/// The caller held the last reference to the block, and does not use it again.
#[inline]
pub(crate) unsafe fn give_back(header: NonNull<BlockHeader>) {
    // SAFETY: the caller's promise; the header stays valid until the block is deallocated.
    let (class, owner) = unsafe { (header.as_ref().class, header.as_ref().owner) };
    let free = Free(header);
    // If the thread is ending and has no lists any more, the closure is dropped unrun and `Free` deallocates.
    let _ = LOCAL.try_with(move |local| {
        let local = &mut *local.borrow_mut();
        if owner == local.id {
            local.free[class].push(free);
        } else if let Ok(mut shared) = SHARED.lock() {
            shared[class].push(free);
        }
    });
}

/// The address of a block's elements.
#[inline]
pub(crate) fn data(header: NonNull<BlockHeader>) -> *mut u8 {
    // SAFETY: every block is `HEADER_BYTES` bytes followed by its elements, in one allocation.
    unsafe { header.as_ptr().cast::<u8>().add(HEADER_BYTES) }
}

/// A block from the shared list, or a fresh one from the system, if it has one.
#[cold]
fn allocate(class: usize) -> Option<Free> {
    if let Ok(mut shared) = SHARED.lock()
        && let Some(free) = shared[class].pop()
    {
        return Some(free);
    }
    let allocation = allocation_of(class);
    // SAFETY: the allocation is never empty. Zeroed memory is initialized memory: see `Buffer::elements`.
    let block = unsafe { alloc_zeroed(allocation) };
    let header = NonNull::new(block.cast::<BlockHeader>())?;
    ALLOCATED.fetch_add(allocation.size(), Ordering::Relaxed);
    // SAFETY: the allocation is ours alone and large enough for the header, at its alignment.
    unsafe {
        header.write(BlockHeader {
            refs: AtomicUsize::new(0),
            class,
            owner: 0,
            used: 0,
            base: None,
            layout: Layout::scalar(),
        });
    }
    Some(Free(header))
}

/// The bytes that tensors have allocated from the system since the program began. Recycled memory
/// is not counted, so the number stays the same while a program repeats the same work.
///
/// ```standalone_crate
/// use unspool_tensor::{bytes_allocated, Tensor};
/// let work = || Tensor::<f32>::ones([100, 100]).map(|x| x + 1.0);
/// work();
/// let before = bytes_allocated();
/// work();
/// assert_eq!(bytes_allocated(), before);
/// ```
pub fn bytes_allocated() -> usize {
    ALLOCATED.load(Ordering::Relaxed)
}

/// Returns every free block of this thread and of the shared list to the system.
///
/// Tensors in use are untouched. A program that has finished with large shapes may call this; none
/// needs to.
pub fn release_memory() {
    let _ = LOCAL.try_with(|local| {
        let local = &mut *local.borrow_mut();
        local.free.iter_mut().for_each(Vec::clear);
    });
    if let Ok(mut shared) = SHARED.lock() {
        shared.iter_mut().for_each(Vec::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::MAX_BYTES;

    #[test]
    fn classes_hold_what_they_promise_and_waste_at_most_a_quarter() {
        for bytes in (0..5000).chain([1 << 20, (1 << 20) + 1, 3 << 30, MAX_BYTES]) {
            let class = class_of(bytes);
            assert!(class < CLASSES);
            assert!(bytes_of(class) >= bytes, "{bytes} in class {class}");
            if bytes > 64 {
                assert!(bytes_of(class) * 4 <= bytes * 5 + 4, "{bytes} wastes {}", bytes_of(class));
                assert!(bytes_of(class - 1) < bytes, "{bytes} fits a smaller class");
            }
        }
    }

    /// Returns the block from a thread that did not take it, and does not end before `then` has
    /// run.
    fn give_back_elsewhere(header: NonNull<BlockHeader>, then: impl FnOnce()) {
        let sent = Free(header);
        let (freed, wait) = std::sync::mpsc::channel();
        let (finish, finished) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let sent = sent;
            let header = sent.0;
            std::mem::forget(sent);
            // SAFETY: the only reference, not used again.
            unsafe { give_back(header) }
            freed.send(()).unwrap();
            finished.recv().unwrap();
        });
        wait.recv().unwrap();
        then();
        finish.send(()).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn a_block_is_recycled_on_its_thread_and_passed_on_across_threads() {
        let bytes = 12_345_678; // a class nothing else in this test binary uses
        let first = take(bytes);
        // SAFETY: the only reference, not used again.
        unsafe { give_back(first) };
        let second = take(bytes);
        assert_eq!(first, second);
        give_back_elsewhere(second, || assert_eq!(take(bytes), first));
    }

    #[test]
    fn threads_that_change_roles_do_not_hoard() {
        let bytes = 23_456_789; // a class of its own, as above
        // Taken here and freed elsewhere a hundred times: one block serves them all ..
        let first = take(bytes);
        let mut block = first;
        for _ in 0..100 {
            give_back_elsewhere(block, || block = take(bytes));
            assert_eq!(block, first);
        }
        // .. and then taken elsewhere and freed here: this thread does not keep it, though it took it so often.
        for _ in 0..10 {
            // SAFETY: the only reference, not used again.
            unsafe { give_back(block) };
            let taken = std::thread::spawn(move || Free(take(bytes))).join().unwrap();
            assert_eq!(LOCAL.with(|local| local.borrow().free[class_of(bytes)].len()), 1, "the one of the first round");
            block = taken.0;
            std::mem::forget(taken);
        }
    }
}
