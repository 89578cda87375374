//! Recycled memory blocks.
//!
//! Touching a fresh page of memory costs microseconds, so blocks are kept by size class when their
//! last tensor is dropped. Each thread has its own lists (no locks in the common case). A block
//! freed by another thread than the one that took it would pile up there, so it goes to a list
//! shared by all; a thread whose own list is empty looks there before it asks the system. So no
//! thread keeps more blocks than it once used at the same time. (Counting what each thread takes
//! and frees is not enough: threads that swap roles would then hoard.)
//!
//! After a peak, memory returns to the system: a free block that was not taken while its thread took
//! [`KEPT_ROUNDS`] times as much memory as the program holds is deallocated. That is measured in
//! memory, not in steps, so that allocating it again, should it be needed after all, always costs
//! little beside the work that was done meanwhile.

use crate::storage::layout::Layout;
use crate::tuning::KEPT_ROUNDS;
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
            HELD.fetch_sub(allocation.size(), Ordering::Relaxed);
        }
    }
}

/// Free blocks of one class. The last to come is the first to go, so the ones that nobody needs
/// stay at the bottom.
struct List {
    blocks: Vec<Free>,
    /// How many at the bottom have not been taken since the last [`trim`](List::trim).
    idle: usize,
}

impl List {
    const EMPTY: List = List { blocks: Vec::new(), idle: 0 };

    #[inline]
    fn pop(&mut self) -> Option<Free> {
        let block = self.blocks.pop();
        self.idle = self.idle.min(self.blocks.len());
        block
    }

    fn clear(&mut self) {
        self.blocks.clear();
        self.idle = 0;
    }

    /// Deallocates the idle blocks.
    fn trim(&mut self) {
        self.blocks.drain(..self.idle);
        self.idle = self.blocks.len();
        if self.blocks.capacity() > 2 * self.blocks.len() {
            self.blocks.shrink_to_fit();
        }
    }
}

/// The blocks one thread keeps.
struct Local {
    free: [List; CLASSES],
    /// This thread's number; 0 until it takes its first block.
    id: usize,
    /// The bytes to be taken until idle blocks are deallocated.
    bytes_until_trim: usize,
    /// How often the shared lists had been trimmed when those of this thread were trimmed last.
    shared_trims: usize,
}

impl Local {
    #[cold]
    fn trim(&mut self) {
        if self.id == 0 {
            self.id = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        self.free.iter_mut().for_each(List::trim);
        if let Ok(mut shared) = SHARED.lock() {
            // Another thread that was faster has just begun to watch what is idle.
            if shared.trims == self.shared_trims {
                shared.free.iter_mut().for_each(List::trim);
                shared.trims += 1;
            }
            self.shared_trims = shared.trims;
        }
        self.bytes_until_trim = KEPT_ROUNDS.saturating_mul(HELD.load(Ordering::Relaxed));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Ok(mut shared) = SHARED.lock() {
            for (list, own) in shared.free.iter_mut().zip(&mut self.free) {
                list.blocks.append(&mut own.blocks);
            }
        }
    }
}

/// The blocks that any thread may take.
struct Shared {
    free: [List; CLASSES],
    trims: usize,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared { free: [const { List::EMPTY }; CLASSES], trims: 0 });

/// The bytes allocated from the system and not returned, free or in use.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The bytes allocated from the system so far.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

static THREADS: AtomicUsize = AtomicUsize::new(1);

thread_local! {
    static LOCAL: RefCell<Local> = const {
        RefCell::new(Local { free: [const { List::EMPTY }; CLASSES], id: 0, bytes_until_trim: 0, shared_trims: 0 })
    };
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
        match local.bytes_until_trim.checked_sub(HEADER_BYTES + bytes) {
            Some(left) => local.bytes_until_trim = left,
            None => local.trim(),
        }
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
            local.free[class].blocks.push(free);
        } else if let Ok(mut shared) = SHARED.lock() {
            shared.free[class].blocks.push(free);
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
        && let Some(free) = shared.free[class].pop()
    {
        return Some(free);
    }
    let allocation = allocation_of(class);
    // SAFETY: the allocation is never empty. Zeroed memory is initialized memory: see `Buffer::elements`.
    let block = unsafe { alloc_zeroed(allocation) };
    let header = NonNull::new(block.cast::<BlockHeader>())?;
    ALLOCATED.fetch_add(allocation.size(), Ordering::Relaxed);
    HELD.fetch_add(allocation.size(), Ordering::Relaxed);
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
/// use unspool::Tensor;
/// use unspool::tensor::bytes_allocated;
/// let work = || Tensor::<f32>::ones([100, 100]).map(|x| x + 1.0);
/// work();
/// let before = bytes_allocated();
/// work();
/// assert_eq!(bytes_allocated(), before);
/// ```
pub fn bytes_allocated() -> usize {
    ALLOCATED.load(Ordering::Relaxed)
}

/// The bytes that tensors have allocated from the system and not returned to it: those in use, and
/// those kept for the next tensors.
///
/// ```
/// use unspool::Tensor;
/// use unspool::tensor::{bytes_allocated, bytes_held};
/// let x = Tensor::<f32>::ones([100, 100]);
/// assert!(bytes_held() >= 40_000 && bytes_allocated() >= 40_000);
/// ```
pub fn bytes_held() -> usize {
    HELD.load(Ordering::Relaxed)
}

/// Returns every free block of this thread and of the shared list to the system, now.
///
/// Tensors in use are untouched. No program needs to call this: blocks that lie idle for long are
/// returned as it runs.
///
/// ```standalone_crate
/// use unspool::Tensor;
/// use unspool::tensor::{bytes_held, release_memory};
/// drop(Tensor::<f32>::ones([1000, 1000]));
/// let before = bytes_held();
/// release_memory();
/// assert!(bytes_held() < before);
/// ```
pub fn release_memory() {
    let _ = LOCAL.try_with(|local| {
        let local = &mut *local.borrow_mut();
        local.free.iter_mut().for_each(List::clear);
    });
    if let Ok(mut shared) = SHARED.lock() {
        shared.free.iter_mut().for_each(List::clear);
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

    /// Tests that say which blocks are free run one after the other: the shared list is that of the process.
    static ALONE: Mutex<()> = Mutex::new(());

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
        let _alone = ALONE.lock();
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
        let _alone = ALONE.lock();
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
            assert_eq!(
                LOCAL.with(|local| local.borrow().free[class_of(bytes)].blocks.len()),
                1,
                "the one of the first round"
            );
            block = taken.0;
            std::mem::forget(taken);
        }
    }

    /// The number of free blocks of a class that this thread keeps.
    fn kept(bytes: usize) -> usize {
        LOCAL.with(|local| local.borrow().free[class_of(bytes)].blocks.len())
    }

    fn take_and_give_back(bytes: usize) {
        // SAFETY: the only reference, not used again.
        unsafe { give_back(take(bytes)) }
    }

    #[test]
    fn idle_blocks_return_to_the_system_and_others_stay() {
        let _alone = ALONE.lock();
        let [idle, used, many] = [34_567_890, 45_678, 1 << 20];
        let run = move || {
            for block in [idle, idle, used, used].map(take) {
                // SAFETY: the only reference, not used again.
                unsafe { give_back(block) }
            }
            assert_eq!((kept(idle), kept(used)), (2, 2));
            // Twice as long as the rule says, since a peak may end a round; other tests hold less than the sum.
            for i in 0..2 * KEPT_ROUNDS * (4 << 30) / many {
                take_and_give_back(many);
                if i % 1000 == 0 {
                    take_and_give_back(used);
                }
            }
            assert_eq!((kept(idle), kept(used), kept(many)), (0, 1, 1));
        };
        // On a thread of its own, whose lists are empty.
        std::thread::spawn(run).join().unwrap();
    }
}
