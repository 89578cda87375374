//! Ranges of positions along an axis.

use crate::shape::Shape;
use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

/// A range of positions along an axis, of `usize`, `isize` or literals: `2..5`, `-3..`, `..n` or
/// `..`. Negative numbers count from the end of the axis.
///
/// Ranges are checked, not clamped: one that reaches beyond the axis panics.
///
/// ```
/// use unspool::Tensor;
/// let x = Tensor::<f32>::from_vec(vec![0.0, 1.0, 2.0, 3.0, 4.0], [5]);
/// assert_eq!(x.slice(0, 1..3).to_vec(), [1.0, 2.0]);
/// assert_eq!(x.slice(0, -2..).to_vec(), [3.0, 4.0]);
/// assert_eq!(x.slice(0, ..-1).to_vec(), [0.0, 1.0, 2.0, 3.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceRange {
    start: isize,
    end: isize,
}

/// In place of a missing end of a range: no axis is that long. (Options would take twice the
/// memory, in each slice on a tape.)
const NONE: isize = isize::MIN + 1;

impl SliceRange {
    /// The first position and the number of positions of this range along `axis`, in steps of
    /// `step`.
    ///
    /// As in NumPy, a negative step begins at the last position unless the range has a start, and
    /// the end is always exclusive.
    ///
    /// # Panics
    /// If there is no such axis, the range reaches beyond it or ends before it begins, or the step
    /// is 0.
    #[track_caller]
    pub fn resolve(self, shape: &Shape, axis: usize, step: isize) -> (usize, usize) {
        shape.require_axis("slice", axis);
        ensure!(step != 0, "slice: the step is 0");
        let size = shape[axis] as isize;
        // Forward: positions 0..size, with the end `size`. Backward: positions size-1..=0, with the end -1.
        let (first, past) = if step > 0 { (0, size) } else { (size - 1, -1) };
        let from_end = |at: isize| if at < 0 { at.saturating_add(size) } else { at };
        let start = if self.start == NONE { first } else { from_end(self.start) };
        let end = if self.end == NONE { past } else { from_end(self.end) };
        let inside = |at: isize| (first.min(past)..=first.max(past)).contains(&at);
        // Backward, an explicit end of -1 means the last position; only a missing end is before the first.
        ensure!(inside(start) && inside(end), "slice: {self} reaches beyond axis {axis} of shape {shape}");
        let len = (end - start) * step.signum();
        ensure!(len >= 0, "slice: {self} in steps of {step} ends before it begins, along axis {axis} of shape {shape}");
        (start.max(0) as usize, len.unsigned_abs().div_ceil(step.unsigned_abs()))
    }
}

impl fmt::Display for SliceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |at: isize| if at == NONE { String::new() } else { at.to_string() };
        write!(f, "{}..{}", text(self.start), text(self.end))
    }
}

impl From<RangeFull> for SliceRange {
    fn from(_: RangeFull) -> Self {
        SliceRange { start: NONE, end: NONE }
    }
}

/// Ranges of several integer types. `i32` is the type of a literal that nothing else decides.
macro_rules! ranges {
    ($($number:ty)*) => {
        $(
            impl From<Range<$number>> for SliceRange {
                #[inline]
                fn from(range: Range<$number>) -> Self {
                    SliceRange { start: position(range.start), end: position(range.end) }
                }
            }

            impl From<RangeFrom<$number>> for SliceRange {
                #[inline]
                fn from(range: RangeFrom<$number>) -> Self {
                    SliceRange { start: position(range.start), end: NONE }
                }
            }

            impl From<RangeTo<$number>> for SliceRange {
                #[inline]
                fn from(range: RangeTo<$number>) -> Self {
                    SliceRange { start: NONE, end: position(range.end) }
                }
            }
        )*
    };
}

ranges! { usize isize i32 }

/// The number as `isize`; one too large for that is beyond every axis anyway.
#[inline]
fn position<N: TryInto<isize>>(at: N) -> isize {
    let at = at.try_into().unwrap_or(isize::MAX);
    if at == NONE { isize::MIN } else { at }
}

#[cfg(test)]
#[allow(clippy::reversed_empty_ranges)] // a negative step runs backwards
mod tests {
    use super::*;

    /// The positions of Python's `range(size)[start:end:step]`.
    fn positions(range: impl Into<SliceRange>, size: usize, step: isize) -> Vec<isize> {
        let (start, len) = range.into().resolve(&Shape::from([size]), 0, step);
        (0..len as isize).map(|i| start as isize + i * step).collect()
    }

    #[test]
    fn ranges_are_those_of_numpy() {
        assert_eq!(positions(.., 3, 1), [0, 1, 2]);
        assert_eq!(positions(1.., 5, 2), [1, 3]);
        assert_eq!(positions(0..5, 5, 2), [0, 2, 4]);
        assert_eq!(positions(0..4, 5, 3), [0, 3]);
        assert_eq!(positions(-3.., 5, 1), [2, 3, 4]);
        assert_eq!(positions(..-1, 5, 4), [0]);
        assert_eq!(positions(.., 5, -1), [4, 3, 2, 1, 0]);
        assert_eq!(positions(.., 5, -2), [4, 2, 0]);
        assert_eq!(positions(3..0, 5, -1), [3, 2, 1]);
        assert_eq!(positions(..-3, 5, -1), [4, 3]);
        assert_eq!(positions(5..5, 5, 1), [0isize; 0]);
        assert_eq!(positions(.., 0, 1), [0isize; 0]);
        assert_eq!(positions(.., 0, -1), [0isize; 0]);
        assert_eq!(positions(0..3usize, 4, isize::MAX), [0]);
        assert_eq!(positions(.., 4, isize::MIN), [3]);
    }

    #[test]
    #[should_panic(expected = "slice: 0..6 reaches beyond axis 0 of shape [5]")]
    fn an_end_beyond_the_axis_is_refused() {
        positions(0..6, 5, 1);
    }

    #[test]
    #[should_panic(expected = "slice: 5.. reaches beyond axis 0 of shape [5]")]
    fn a_backward_start_beyond_the_axis_is_refused() {
        positions(5.., 5, -1);
    }

    #[test]
    #[should_panic(expected = "slice: -6.. reaches beyond axis 0 of shape [5]")]
    fn a_start_before_the_axis_is_refused() {
        positions(-6.., 5, 1);
    }

    #[test]
    #[should_panic(expected = "slice: 3..1 in steps of 1 ends before it begins, along axis 0 of shape [5]")]
    fn an_end_before_the_start_is_refused() {
        positions(3..1, 5, 1);
    }

    #[test]
    #[should_panic(expected = "slice: the step is 0")]
    fn a_step_of_zero_is_refused() {
        positions(.., 5, 0);
    }

    #[test]
    #[should_panic(expected = "reaches beyond axis 0 of shape [5]")]
    fn a_number_too_large_for_isize_is_refused() {
        positions(0..usize::MAX, 5, 1);
    }
}
