//! How a tensor's elements are arranged in its block.

use crate::shape::{MAX_RANK, Shape};

/// A shape, with the position of each element in the block: `offset + sum of index * stride`.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) offset: usize,
    pub(crate) shape: Shape,
    pub(crate) strides: [isize; MAX_RANK],
    /// Whether the elements are in row-major order without gaps.
    pub(crate) is_contiguous: bool,
}

impl Layout {
    /// The layout of a single number.
    pub(crate) fn scalar() -> Layout {
        Layout { offset: 0, shape: Shape::from([]), strides: [0; MAX_RANK], is_contiguous: true }
    }

    /// Makes this the layout of a whole block in row-major order.
    ///
    /// In place, because it runs in every op: a struct that is written field by field and then
    /// copied as vectors waits for its own stores.
    #[inline]
    pub(crate) fn set_contiguous(&mut self, shape: &Shape) {
        self.offset = 0;
        self.shape = *shape;
        self.is_contiguous = true;
        let mut step = 1;
        for axis in (0..shape.rank()).rev() {
            self.strides[axis] = step;
            step *= shape[axis] as isize;
        }
    }

    /// A layout of some elements of a block.
    #[inline]
    pub(crate) fn new(shape: Shape, strides: [isize; MAX_RANK], offset: usize) -> Layout {
        Layout { offset, shape, strides, is_contiguous: is_row_major(&shape, &strides) }
    }

    /// The strides of this layout broadcast to `shape`, which its own shape must broadcast to.
    #[inline]
    pub(crate) fn expanded_strides(&self, shape: &Shape) -> [isize; MAX_RANK] {
        if self.shape == *shape {
            return self.strides;
        }
        let mut strides = [0; MAX_RANK];
        let skip = shape.rank() - self.shape.rank();
        for axis in 0..self.shape.rank() {
            if self.shape[axis] == shape[skip + axis] {
                strides[skip + axis] = self.strides[axis];
            }
        }
        strides
    }
}

fn is_row_major(shape: &Shape, strides: &[isize; MAX_RANK]) -> bool {
    let mut step = 1;
    for axis in (0..shape.rank()).rev() {
        let size = shape[axis];
        if size == 0 {
            return true;
        }
        if size > 1 && strides[axis] != step {
            return false;
        }
        step *= size as isize;
    }
    true
}
