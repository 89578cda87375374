//! Shapes: up to six axes, held inline.

use crate::pool::MAX_BYTES;
use std::fmt;
use std::ops::Deref;

/// The largest number of axes of a tensor.
pub const MAX_RANK: usize = 6;

/// The sizes of a tensor's axes, outermost first. Copied like a number; reads as a `[usize]`.
///
/// ```
/// use unspool_tensor::Shape;
/// let shape = Shape::from([50, 32, 20]);
/// assert_eq!(shape.rank(), 3);
/// assert_eq!(shape.numel(), 32_000);
/// assert_eq!(shape[1], 32);
/// assert_eq!(shape.to_string(), "[50, 32, 20]");
/// ```
#[derive(Clone, Copy, Eq)]
pub struct Shape {
    sizes: [usize; MAX_RANK], // zero from `rank` on
    elements: usize,          // their product, asked for in every op
    rank: u8,
}

impl Shape {
    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.rank.into()
    }

    /// The number of elements: the product of the sizes, 1 for rank 0.
    #[inline]
    pub fn numel(&self) -> usize {
        self.elements
    }

    /// The shape with the given sizes. Its number of elements saturates: no such tensor can be made.
    #[inline]
    fn new(sizes: [usize; MAX_RANK], rank: usize) -> Shape {
        let elements = sizes[..rank].iter().fold(1, |product: usize, &size| product.saturating_mul(size));
        Shape { sizes, elements, rank: rank as u8 }
    }

    /// The shape with one axis more, of the given size, before `axis`.
    ///
    /// # Panics
    /// If `axis` is greater than the rank, or the rank is [`MAX_RANK`] already.
    #[track_caller]
    pub fn insert(&self, axis: usize, size: usize) -> Shape {
        assert!(axis <= self.rank(), "axis {axis} does not fit into shape {self}");
        assert!(self.rank() < MAX_RANK, "shape {self} has no room for another axis: a tensor has at most {MAX_RANK}");
        self[..axis].iter().copied().chain([size]).chain(self[axis..].iter().copied()).collect()
    }

    /// The shape without `axis`.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn remove(&self, axis: usize) -> Shape {
        assert!(axis < self.rank(), "shape {self} has no axis {axis}");
        self[..axis].iter().chain(&self[axis + 1..]).copied().collect()
    }

    /// The shape with the size of one axis replaced.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn with(&self, axis: usize, size: usize) -> Shape {
        assert!(axis < self.rank(), "shape {self} has no axis {axis}");
        let mut sizes = self.sizes;
        sizes[axis] = size;
        Shape::new(sizes, self.rank())
    }

    /// Whether another shape differs from this one at most in the size of one axis, which both have.
    #[inline]
    pub(crate) fn matches_beside(&self, axis: usize, other: &Shape) -> bool {
        let differing = |i: &usize| self.sizes[*i] != other.sizes[*i];
        self.rank == other.rank && axis < self.rank() && (0..MAX_RANK).filter(differing).all(|i| i == axis)
    }

    /// The common shape of two operands, as NumPy broadcasts: aligned at the last axis, sizes equal or one of
    /// them 1. `None` if there is none.
    #[inline]
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        if self == other { Some(*self) } else { self.broadcast_differing(other) }
    }

    fn broadcast_differing(&self, other: &Shape) -> Option<Shape> {
        let (long, short) = if self.rank >= other.rank { (self, other) } else { (other, self) };
        let mut sizes = long.sizes;
        let skip = long.rank() - short.rank();
        for (size, &s) in sizes[skip..long.rank()].iter_mut().zip(short.iter()) {
            *size = match (*size, s) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some(Shape::new(sizes, long.rank()))
    }

    /// Refuses what is larger than the address space, and what only an axis of size 0 keeps from being so. Thus the
    /// product of any of the sizes of a tensor does not overflow.
    #[track_caller]
    #[inline]
    pub(crate) fn require_addressable<T>(&self) {
        let room = MAX_BYTES / size_of::<T>();
        if self.elements == 0 || self.elements > room {
            self.refuse_unless_addressable::<T>();
        }
    }

    /// Whether there can be a tensor of this shape: neither it, nor one of the same sizes but for those that are 0, is
    /// larger than the address space.
    ///
    /// ```
    /// use unspool_tensor::Shape;
    /// assert!(Shape::from([0, 5]).is_addressable::<f32>());
    /// assert!(!Shape::from([0, usize::MAX]).is_addressable::<f32>());
    /// ```
    pub fn is_addressable<T>(&self) -> bool {
        let least = self.iter().fold(1, |product: usize, &size| product.saturating_mul(size.max(1)));
        least <= MAX_BYTES / size_of::<T>()
    }

    #[cold]
    #[track_caller]
    fn refuse_unless_addressable<T>(&self) {
        assert!(self.is_addressable::<T>(), "a tensor of shape {self} is larger than the address space");
    }

    /// Strides, in elements, of a contiguous tensor of this shape.
    #[inline]
    pub(crate) fn contiguous_strides(&self) -> [isize; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..self.rank()).rev() {
            strides[axis] = step;
            step *= self.sizes[axis] as isize;
        }
        strides
    }
}

impl PartialEq for Shape {
    /// Shapes are compared in every op: without a branch, not through `memcmp`.
    #[inline]
    fn eq(&self, other: &Shape) -> bool {
        let differing = self.sizes.iter().zip(&other.sizes).fold(0, |bits, (a, b)| bits | (a ^ b));
        differing == 0 && self.rank == other.rank
    }
}

impl std::hash::Hash for Shape {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.sizes[..self.rank.into()]
    }
}

impl FromIterator<usize> for Shape {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Shape {
        let (mut sizes, mut rank) = ([0; MAX_RANK], 0);
        for size in iter {
            assert!(rank < MAX_RANK, "a tensor has at most {MAX_RANK} axes");
            sizes[rank] = size;
            rank += 1;
        }
        Shape::new(sizes, rank)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(sizes: &[usize]) -> Shape {
        assert!(sizes.len() <= MAX_RANK, "a tensor has at most {MAX_RANK} axes, not {}", sizes.len());
        sizes.iter().copied().collect()
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[inline]
    fn from(sizes: [usize; N]) -> Shape {
        const { assert!(N <= MAX_RANK, "a tensor has at most 6 axes") };
        let mut all = [0; MAX_RANK];
        all[..N].copy_from_slice(&sizes);
        Shape::new(all, N)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &**self)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let shape = |s: &[usize]| Shape::from(s);
        assert_eq!(shape(&[5, 1, 3]).broadcast(&shape(&[4, 1])), Some(shape(&[5, 4, 3])));
        assert_eq!(shape(&[]).broadcast(&shape(&[2, 0])), Some(shape(&[2, 0])));
        assert_eq!(shape(&[1]).broadcast(&shape(&[0])), Some(shape(&[0])));
        assert_eq!(shape(&[2, 3]).broadcast(&shape(&[2])), None);
    }

    #[test]
    fn an_axis_of_size_zero_is_an_axis() {
        assert_ne!(Shape::from([2]), Shape::from([2, 0]));
        assert_ne!(Shape::from([2, 3]), Shape::from([3, 2]));
    }

    #[test]
    #[should_panic(expected = "a tensor has at most 6 axes, not 7")]
    fn a_seventh_axis_is_refused() {
        let _ = Shape::from(&[1; 7][..]);
    }
}
