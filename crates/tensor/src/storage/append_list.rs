//! A list that grows through a shared reference.

use std::cell::UnsafeCell;
use std::fmt;

/// Every index is below it, and a `u32`.
const MAX_LEN: usize = u32::MAX as usize;

/// A list of plain data that is appended to through a shared reference: what a tape of single numbers records its
/// operations in.
///
/// A `RefCell` would do, but it marks the list in memory as borrowed, and as free again, at every operation: a quarter of
/// what recording one costs. Nothing here lends an element, so there is nothing to mark.
#[doc(hidden)]
pub struct AppendList<T>(UnsafeCell<Vec<T>>);

impl<T: Copy> AppendList<T> {
    pub const fn new() -> Self {
        AppendList(UnsafeCell::new(Vec::new()))
    }

    /// Appends an element and returns its index.
    ///
    /// # Panics
    /// If there are 2^32 - 1 elements.
    #[inline(always)]
    pub fn push(&self, element: T) -> u32 {
        // SAFETY: every method ends its borrow before it returns and calls no code of others meanwhile (`T: Copy` has
        // none), and the cell is not `Sync`: there is no other borrow.
        let list = unsafe { &mut *self.0.get() };
        let index = list.len();
        if index == list.capacity() {
            grow(list);
        }
        // SAFETY: the capacity is larger than the length, by now at the latest. `Vec::push` would look again.
        unsafe {
            list.as_mut_ptr().add(index).write(element);
            list.set_len(index + 1);
        }
        index as u32
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        // SAFETY: as in `push`.
        unsafe { &*self.0.get() }.len()
    }

    /// Puts other elements in place of those there are, which are returned.
    pub fn replace(&self, elements: Vec<T>) -> Vec<T> {
        // SAFETY: as in `push`.
        std::mem::replace(unsafe { &mut *self.0.get() }, elements)
    }

    /// Removes the elements and keeps the memory.
    pub fn clear(&mut self) {
        self.0.get_mut().clear();
    }
}

impl<T: Copy> fmt::Debug for AppendList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendList").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl<T: Copy> Default for AppendList<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes space for as many elements again, or as many as an index can count.
#[cold]
#[inline(never)]
fn grow<T>(list: &mut Vec<T>) {
    list.reserve_exact(space_after(list.len()));
}

fn space_after(len: usize) -> usize {
    let space = len.max(64).min(MAX_LEN - len);
    ensure!(space > 0, "numbers: a tape holds at most {MAX_LEN}; preaccumulate parts of the program");
    space
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_in_order_however_long_the_list_grows() {
        let mut list = AppendList::new();
        for round in 0..3 {
            assert_eq!(list.count(), 0);
            for i in 0..1000_u32 {
                assert_eq!(list.push(i + round), i);
            }
            let elements = list.replace(Vec::new());
            assert!(elements.iter().copied().eq(round..1000 + round));
            assert_eq!((list.push(7), list.count()), (0, 1));
            list.replace(elements);
            list.clear();
        }
    }

    #[test]
    fn a_list_grows_up_to_the_last_index() {
        assert_eq!([0, 64, 1000, MAX_LEN - 5].map(space_after), [64, 64, 1000, 5]);
    }

    #[test]
    #[should_panic(expected = "a tape holds at most 4294967295; preaccumulate parts of the program")]
    fn a_full_list_does_not_grow() {
        space_after(MAX_LEN);
    }
}
