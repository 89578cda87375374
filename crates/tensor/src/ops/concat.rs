//! Joining tensors along an axis, and reversing one.

use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// The tensors, all of one shape, side by side along a new axis of the result (NumPy's and
    /// PyTorch's `stack`).
    ///
    /// ```
    /// use unspool::Tensor;
    /// let (a, b) = (Tensor::<f32>::zeros([2]), Tensor::ones([2]));
    /// assert_eq!(Tensor::stack(0, [&a, &b]).to_vec(), [0.0, 0.0, 1.0, 1.0]);
    /// assert_eq!(Tensor::stack(1, [&a, &b]).to_vec(), [0.0, 1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no tensor, their shapes differ, or `axis` is greater than their rank.
    #[track_caller]
    pub fn stack<'a>(
        axis: usize,
        parts: impl IntoIterator<Item = &'a Tensor<T>, IntoIter: ExactSizeIterator>,
    ) -> Tensor<T> {
        let mut parts = parts.into_iter().enumerate().peekable();
        let Some(shape) = parts.peek().map(|(_, part)| part.shape()) else {
            fail!("stack: no tensors given");
        };
        ensure!(axis <= shape.rank(), "stack: a new axis {axis} does not fit into shape {shape}");
        ensure!(shape.rank() < MAX_RANK, "stack: shape {shape} has {MAX_RANK} axes, the most there can be");
        let mut out = Tensor::scratch(shape.insert(axis, parts.len()));
        for (i, part) in parts {
            ensure!(part.layout().shape == shape, "stack: shapes {shape} and {} differ", part.layout().shape);
            out.slice_assign(axis, i, &part.unsqueeze(axis));
        }
        out
    }

    /// The tensors one after the other along an axis; all other axes have the same sizes.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let (a, b) = (Tensor::<f32>::zeros([1, 2]), Tensor::ones([1, 1]));
    /// assert_eq!(Tensor::concat(1, [&a, &b]).to_vec(), [0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no tensor, there is no such axis, or the other sizes differ.
    #[track_caller]
    pub fn concat<'a>(axis: usize, parts: impl IntoIterator<Item = &'a Tensor<T>, IntoIter: Clone>) -> Tensor<T> {
        let parts = parts.into_iter();
        let Some(shape) = parts.clone().next().map(Tensor::shape) else {
            fail!("concat: no tensors given");
        };
        shape.require_axis("concat", axis);
        let mut size = 0;
        for part in parts.clone() {
            let fits =
                part.rank() == shape.rank() && shape.with(axis, part.layout().shape[axis]) == part.layout().shape;
            ensure!(fits, "concat: shapes {shape} and {} differ outside axis {axis}", part.layout().shape);
            size += part.layout().shape[axis];
        }
        let mut end = 0;
        let placed = parts.map(|part| {
            end += part.layout().shape[axis];
            (end - part.layout().shape[axis], part)
        });
        Tensor::from_parts(shape.with(axis, size), axis, placed)
    }

    /// The elements of one axis in reverse order.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0], [3]);
    /// assert_eq!(x.flip(0).to_vec(), [3.0, 2.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn flip(&self, axis: usize) -> Tensor<T> {
        self.layout().shape.require_axis("flip", axis);
        let n = self.layout().shape[axis];
        let inner: usize = self.layout().shape[axis + 1..].iter().product();
        let source = self.contiguous();
        let source = source.as_slice().expect("contiguous");
        Tensor::written(self.layout().shape, |out| {
            if out.is_empty() {
                return;
            }
            for (from, to) in source.chunks_exact(n * inner).zip(out.chunks_exact_mut(n * inner)) {
                for (row, back) in from.chunks_exact(inner).zip(to.chunks_exact_mut(inner).rev()) {
                    back.copy_from_slice(row);
                }
            }
        })
    }

    /// A tensor of `shape` made of parts along `axis`: each part comes with the position at which
    /// it starts, and positions without a part are zeros.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let part = Tensor::<f32>::ones([2, 1]);
    /// let whole = Tensor::from_parts([2, 3], 1, [(1, &part)]);
    /// assert_eq!(whole.to_vec(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, a part does not fit, or the parts overlap or are not in order.
    #[track_caller]
    pub fn from_parts<'a>(
        shape: impl Into<Shape>,
        axis: usize,
        parts: impl IntoIterator<Item = (usize, &'a Tensor<T>)>,
    ) -> Tensor<T> {
        let shape = shape.into();
        shape.require_axis("from_parts", axis);
        let mut out = Tensor::scratch(shape);
        let zero = Tensor::scalar(T::ZERO);
        let mut end = 0;
        let gap = |out: &mut Tensor<T>, from: usize, to: usize| {
            if from < to {
                out.slice_assign(axis, from, &zero.expand(shape.with(axis, to - from)));
            }
        };
        for (start, part) in parts {
            ensure!(start >= end, "from_parts: the part at {start} begins before {end}, where the last one ends");
            let fits = part.rank() == shape.rank()
                && shape.with(axis, part.layout().shape[axis]) == part.layout().shape
                && shape[axis].checked_sub(start).is_some_and(|room| part.layout().shape[axis] <= room);
            ensure!(fits, "from_parts: {} does not fit into axis {axis} of {shape} at {start}", part.layout().shape);
            gap(&mut out, end, start);
            out.slice_assign(axis, start, part);
            end = start + part.layout().shape[axis];
        }
        gap(&mut out, end, shape[axis]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_along_inner_axes_make_a_whole() {
        let x = Tensor::<f32>::from_fn([2, 3, 2], |i| i as f32);
        let halves = [(0, x.slice(2, ..1)), (1, x.slice(2, 1..))];
        assert_eq!(Tensor::from_parts([2, 3, 2], 2, halves.iter().map(|(i, p)| (*i, p))), x);
    }

    #[test]
    #[should_panic(expected = "stack: shapes [2] and [3] differ")]
    fn stacking_different_shapes_is_refused() {
        Tensor::stack(0, [&Tensor::<f32>::zeros([2]), &Tensor::zeros([3])]);
    }
}
