//! How a tensor's elements lie in its block.

use crate::shape::{MAX_RANK, Shape};

/// A shape with the place of each element: `offset + sum of index * stride`.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) offset: usize,
    pub(crate) shape: Shape,
    pub(crate) strides: [isize; MAX_RANK],
    /// Whether the elements lie in row-major order without gaps.
    pub(crate) is_contiguous: bool,
}

impl Layout {
    /// That of a number.
    pub(crate) fn scalar() -> Layout {
        Layout { offset: 0, shape: Shape::from([]), strides: [0; MAX_RANK], is_contiguous: true }
    }

    /// Makes this all elements of a block in row-major order. In place: a layout put together elsewhere number by number
    /// and then copied as a whole would wait for its own writes, in every op.
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

    /// Some elements of a block.
    #[inline]
    pub(crate) fn new(shape: Shape, strides: [isize; MAX_RANK], offset: usize) -> Layout {
        Layout { offset, shape, strides, is_contiguous: lies_contiguous(&shape, &strides) }
    }

    /// The strides when broadcast to `shape`, to which this layout's does broadcast.
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

fn lies_contiguous(shape: &Shape, strides: &[isize; MAX_RANK]) -> bool {
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
