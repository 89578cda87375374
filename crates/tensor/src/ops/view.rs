//! Views: the same elements in another shape or order, without a copy.

use crate::ops::slice_range::SliceRange;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::storage::layout::Layout;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    #[inline]
    fn view(&self, shape: Shape, strides: [isize; MAX_RANK], offset: usize) -> Tensor<T> {
        Tensor { buffer: self.buffer.view(Layout::new(shape, strides, offset)) }
    }

    /// The same elements, in row-major order, under another shape. Copies only if they are not
    /// contiguous.
    ///
    /// # Panics
    /// If the shapes have different numbers of elements.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor<T> {
        let shape = shape.into();
        ensure!(
            shape.numel() == self.numel(),
            "reshape: {} has {} elements, {shape} has {}",
            self.layout().shape,
            self.numel(),
            shape.numel()
        );
        shape.require_addressable::<T>();
        if shape == self.layout().shape {
            return self.contiguous();
        }
        let source = self.contiguous();
        source.view(shape, shape.contiguous_strides(), source.layout().offset)
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of this tensor.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::zeros([2, 3, 4]);
    /// assert_eq!(x.permute(&[2, 0, 1]).shape()[..], [4, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// If `order` is not a permutation of the axes.
    #[track_caller]
    pub fn permute(&self, order: &[usize]) -> Tensor<T> {
        let mut seen = [false; MAX_RANK];
        let valid = order.len() == self.rank()
            && order.iter().all(|&axis| axis < self.rank() && !std::mem::replace(&mut seen[axis], true));
        ensure!(valid, "permute: {order:?} is not an order of the axes of shape {}", self.layout().shape);
        let mut strides = [0; MAX_RANK];
        for (s, &axis) in strides.iter_mut().zip(order) {
            *s = self.layout().strides[axis];
        }
        self.view(order.iter().map(|&axis| self.layout().shape[axis]).collect(), strides, self.layout().offset)
    }

    /// The transpose: the last two axes swapped.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::zeros([2, 3, 4]).t().shape()[..], [2, 4, 3]);
    /// ```
    ///
    /// # Panics
    /// If the rank is less than 2.
    #[track_caller]
    #[inline]
    pub fn t(&self) -> Tensor<T> {
        let r = self.rank();
        ensure!(r >= 2, "t: shape {} has no two axes to swap", self.layout().shape);
        self.transpose(r - 2, r - 1)
    }

    /// Two axes swapped.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::zeros([2, 3, 4]).transpose(0, 2).shape()[..], [4, 3, 2]);
    /// ```
    ///
    /// # Panics
    /// If one of them does not exist.
    #[track_caller]
    #[inline]
    pub fn transpose(&self, a: usize, b: usize) -> Tensor<T> {
        let shape = self.layout().shape;
        for axis in [a, b] {
            shape.require_axis("transpose", axis);
        }
        let mut strides = self.layout().strides;
        strides.swap(a, b);
        self.view(shape.with(a, shape[b]).with(b, shape[a]), strides, self.layout().offset)
    }

    /// The positions of one axis in a range: `1..3`, `-2..` for the last two, `..n`.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![0.0, 1.0, 2.0, 3.0], [4]);
    /// assert_eq!(x.slice(0, -2..).to_vec(), [2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or the range reaches beyond it or ends before it begins.
    #[track_caller]
    #[inline]
    pub fn slice(&self, axis: usize, range: impl Into<SliceRange>) -> Tensor<T> {
        self.slice_step(axis, range, 1)
    }

    /// Every `step`-th position of one axis in a range; backward if `step` is negative, as in
    /// NumPy.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![0.0, 1.0, 2.0, 3.0, 4.0], [5]);
    /// assert_eq!(x.slice_step(0, 1.., 2).to_vec(), [1.0, 3.0]);
    /// assert_eq!(x.slice_step(0, .., -2).to_vec(), [4.0, 2.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, the range reaches beyond it or ends before it begins, or `step` is
    /// 0.
    #[track_caller]
    #[inline]
    pub fn slice_step(&self, axis: usize, range: impl Into<SliceRange>, step: isize) -> Tensor<T> {
        let (start, len) = range.into().resolve(&self.layout().shape, axis, step);
        let offset = self.layout().offset as isize + start as isize * self.layout().strides[axis];
        let mut strides = self.layout().strides;
        if len > 1 {
            strides[axis] *= step;
        }
        self.view(self.layout().shape.with(axis, len), strides, offset as usize)
    }

    /// The elements at position `index` of one axis, which is removed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// assert_eq!(x.select(1, 0).to_vec(), [1.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or `index` is beyond it.
    #[track_caller]
    #[inline]
    pub fn select(&self, axis: usize, index: usize) -> Tensor<T> {
        self.layout().shape.require_axis("select", axis);
        ensure!(
            index < self.layout().shape[axis],
            "select: index {index} is beyond axis {axis} of shape {}",
            self.layout().shape
        );
        let offset = self.layout().offset as isize + index as isize * self.layout().strides[axis];
        let mut strides = self.layout().strides;
        strides.copy_within(axis + 1.., axis);
        self.view(self.layout().shape.remove(axis), strides, offset as usize)
    }

    /// The same elements with a new axis of size 1 before `axis`.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::zeros([2, 3]).unsqueeze(1).shape()[..], [2, 1, 3]);
    /// ```
    ///
    /// # Panics
    /// If `axis` is greater than the rank.
    #[track_caller]
    #[inline]
    pub fn unsqueeze(&self, axis: usize) -> Tensor<T> {
        ensure!(axis <= self.rank(), "unsqueeze: axis {axis} does not fit into shape {}", self.layout().shape);
        let shape = self.layout().shape;
        ensure!(shape.rank() < MAX_RANK, "unsqueeze: shape {shape} has {MAX_RANK} axes, the most there can be");
        let shape = shape.insert(axis, 1);
        let mut strides = self.layout().strides;
        strides.copy_within(axis..MAX_RANK - 1, axis + 1);
        strides[axis] = 0;
        self.view(shape, strides, self.layout().offset)
    }

    /// The tensor broadcast to `shape` by NumPy's rules. Nothing is copied: repeated elements share
    /// memory.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0], [2, 1]);
    /// assert_eq!(x.expand([2, 2]).to_vec(), [1.0, 1.0, 2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If this tensor does not broadcast to `shape`.
    #[track_caller]
    #[inline]
    pub fn expand(&self, shape: impl Into<Shape>) -> Tensor<T> {
        let shape = shape.into();
        ensure!(
            self.layout().shape.broadcast(&shape) == Some(shape),
            "expand: {} does not broadcast to {shape}",
            self.layout().shape
        );
        shape.require_addressable::<T>();
        self.view(shape, self.layout().expanded_strides(&shape), self.layout().offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: impl Into<Shape>) -> Tensor<f32> {
        Tensor::from_fn(shape, |i| i as f32)
    }

    #[test]
    fn views_show_the_right_elements() {
        let x = counting([2, 3, 4]);
        let p = x.permute(&[2, 0, 1]);
        assert_eq!(p.shape()[..], [4, 2, 3]);
        assert_eq!(p.at([3, 1, 2]), x.at([1, 2, 3]));
        assert_eq!(p.select(1, 1).slice(0, 1..3).to_vec(), [13.0, 17.0, 21.0, 14.0, 18.0, 22.0]);
        assert_eq!(x.select(0, 1).t().reshape([12]).at([1]), 16.0);
        assert_eq!(counting([3, 1]).expand([2, 3, 2]).to_vec(), [0., 0., 1., 1., 2., 2., 0., 0., 1., 1., 2., 2.]);
    }

    #[test]
    fn views_share_their_buffer() {
        let x = counting([2, 3]);
        let row = x.select(0, 1);
        assert_eq!(row.as_slice().unwrap().as_ptr(), x.as_slice().unwrap()[3..].as_ptr());
        assert_eq!(x.reshape([6]).as_slice().unwrap().as_ptr(), x.as_slice().unwrap().as_ptr());
    }

    #[test]
    #[should_panic(expected = "permute: [0, 0] is not an order of the axes of shape [2, 3]")]
    fn a_repeated_axis_is_refused() {
        counting([2, 3]).permute(&[0, 0]);
    }

    #[test]
    #[should_panic(expected = "expand: [2, 3] does not broadcast to [2, 1]")]
    fn expanding_to_a_smaller_shape_is_refused() {
        counting([2, 3]).expand([2, 1]);
    }
}
