//! Shapes: up to six axes, stored inline.

use std::fmt;
use std::ops::Deref;

/// The largest number of axes of a tensor.
pub const MAX_RANK: usize = 6;

/// No tensor takes more bytes: 256 TiB, more than a processor can address, where a `usize` can hold
/// that.
pub(crate) const MAX_BYTES: usize = if usize::BITS > 48 { 1 << 48 } else { isize::MAX as usize / 2 };

/// The sizes of a tensor's axes, outermost first. It is `Copy` and dereferences to `[usize]`.
///
/// ```
/// use unspool::tensor::Shape;
/// let shape = Shape::from([50, 32, 20]);
/// assert_eq!(shape.rank(), 3);
/// assert_eq!(shape.numel(), 32_000);
/// assert_eq!(shape[1], 32);
/// assert_eq!(shape.to_string(), "[50, 32, 20]");
/// ```
#[derive(Clone, Copy, Eq)]
pub struct Shape {
    sizes: [usize; MAX_RANK], // zero from `rank` on
    numel: usize,             // their product, which every op needs
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
        self.numel
    }

    /// The shape with the given sizes. Its number of elements saturates: no tensor can be that
    /// large.
    #[inline]
    fn new(sizes: [usize; MAX_RANK], rank: usize) -> Shape {
        let numel = sizes[..rank].iter().fold(1, |product: usize, &size| product.saturating_mul(size));
        Shape { sizes, numel, rank: rank as u8 }
    }

    /// The shape with one more axis, of the given size, before `axis`.
    ///
    /// # Panics
    /// If `axis` is greater than the rank, or the rank is [`MAX_RANK`] already.
    #[track_caller]
    pub fn insert(&self, axis: usize, size: usize) -> Shape {
        ensure!(axis <= self.rank(), "axis {axis} does not fit into shape {self}");
        ensure!(self.rank() < MAX_RANK, "shape {self} has no room for another axis: a tensor has at most {MAX_RANK}");
        self[..axis].iter().copied().chain([size]).chain(self[axis..].iter().copied()).collect()
    }

    /// The shape without `axis`.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn remove(&self, axis: usize) -> Shape {
        ensure!(axis < self.rank(), "shape {self} has no axis {axis}");
        self[..axis].iter().chain(&self[axis + 1..]).copied().collect()
    }

    /// The shape with the size of one axis replaced.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn with(&self, axis: usize, size: usize) -> Shape {
        ensure!(axis < self.rank(), "shape {self} has no axis {axis}");
        let mut sizes = self.sizes;
        sizes[axis] = size;
        Shape::new(sizes, self.rank())
    }

    /// Whether another shape has this rank and these sizes, except perhaps along `axis`, which must
    /// exist.
    #[inline]
    pub(crate) fn matches_beside(&self, axis: usize, other: &Shape) -> bool {
        let differing = |i: &usize| self.sizes[*i] != other.sizes[*i];
        self.rank == other.rank && axis < self.rank() && (0..MAX_RANK).filter(differing).all(|i| i == axis)
    }

    /// The common shape of two operands under NumPy's broadcasting rules: aligned at the last axis,
    /// sizes equal or one of them 1. `None` if there is none.
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

    /// Panics if a tensor of this shape, or of the same sizes without the zeros, is larger than the
    /// address space. So the product of any of a tensor's sizes does not overflow.
    #[track_caller]
    #[inline]
    pub(crate) fn require_addressable<T>(&self) {
        let room = MAX_BYTES / size_of::<T>();
        if self.numel == 0 || self.numel > room {
            self.refuse_unless_addressable::<T>();
        }
    }

    /// Whether there can be a tensor of this shape: neither it, nor one of the same sizes without
    /// the zeros, is larger than the address space.
    ///
    /// ```
    /// use unspool::tensor::Shape;
    /// assert!(Shape::from([0, 5]).is_addressable::<f32>());
    /// assert!(!Shape::from([0, usize::MAX]).is_addressable::<f32>());
    /// ```
    pub fn is_addressable<T>(&self) -> bool {
        let least = self.iter().fold(1, |product: usize, &size| product.saturating_mul(size.max(1)));
        least <= MAX_BYTES / size_of::<T>()
    }

    /// Panics with the sentence of the op `op` if there is no such axis.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn require_axis(&self, op: &str, axis: usize) {
        ensure!(axis < self.rank(), "{op}: shape {self} has no axis {axis}");
    }

    #[cold]
    #[track_caller]
    fn refuse_unless_addressable<T>(&self) {
        ensure!(self.is_addressable::<T>(), "a tensor of shape {self} is larger than the address space");
    }

    /// The strides, in elements, of a contiguous tensor of this shape.
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
    /// Every op compares shapes, so this has no branches and does not call `memcmp`.
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
            ensure!(rank < MAX_RANK, "a tensor has at most {MAX_RANK} axes");
            sizes[rank] = size;
            rank += 1;
        }
        Shape::new(sizes, rank)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(sizes: &[usize]) -> Shape {
        ensure!(sizes.len() <= MAX_RANK, "a tensor has at most {MAX_RANK} axes, not {}", sizes.len());
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
