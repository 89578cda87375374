//! Picking elements by position, and adding to them: `index_select`, `gather` and their inverses.

use crate::indices::Indices;
use crate::loops::strided::Walk;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// One-hot vectors `[.., classes]`: a 1 at the position of each label, zeros elsewhere.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::one_hot([2, 0], 3).to_vec(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If a class is not less than `classes`.
    #[track_caller]
    pub fn one_hot(labels: impl Into<Indices>, classes: usize) -> Tensor<T> {
        let labels = labels.into();
        if let Some(label) = labels.first_beyond(classes) {
            fail!("one_hot: class {label} is not one of {classes}");
        }
        let shape = labels.shape();
        ensure!(
            shape.rank() < MAX_RANK,
            "one_hot: labels {shape} have {MAX_RANK} axes, there is no room for the classes"
        );
        Tensor::written(shape.insert(shape.rank(), classes), |out| {
            out.fill(T::ZERO);
            for (row, &label) in labels.as_slice().iter().enumerate() {
                out[row * classes + label] = T::ONE;
            }
        })
    }

    /// The elements at the given positions of one axis, in that order. The axes of `positions`
    /// replace that axis: `[.., N, ..]` at positions `[I, J]` is `[.., I, J, ..]` (NumPy's `take`).
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![0.0, 1.0, 2.0], [3]);
    /// assert_eq!(x.index_select(0, [2, 0, 2]).to_vec(), [2.0, 0.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or a position is beyond it.
    #[track_caller]
    pub fn index_select(&self, axis: usize, positions: impl Into<Indices>) -> Tensor<T> {
        let positions = positions.into();
        check_axis("index_select", self.layout().shape, axis, &positions);
        let shape = picked_shape("index_select", self.layout().shape, axis, &positions);
        let source = self.contiguous();
        let source = source.as_slice().expect("contiguous");
        let (n, inner) = (self.layout().shape[axis], self.layout().shape[axis + 1..].iter().product::<usize>());
        Tensor::written(shape, |out| {
            if out.is_empty() {
                return;
            }
            let blocks = out.chunks_exact_mut(positions.as_slice().len() * inner).zip(source.chunks_exact(n * inner));
            for (out, block) in blocks {
                for (row, &position) in out.chunks_exact_mut(inner).zip(positions.as_slice()) {
                    row.copy_from_slice(&block[position * inner..][..inner]);
                }
            }
        })
    }

    /// Adds `values` to the elements at the given positions of one axis, those that
    /// [`index_select`](Tensor::index_select) picks. A position that occurs several times is added
    /// to several times.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let mut x = Tensor::<f32>::zeros([3]);
    /// x.index_add(0, [2, 0, 2], &Tensor::from_vec(vec![1.0, 10.0, 100.0], [3]));
    /// assert_eq!(x.to_vec(), [10.0, 0.0, 101.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, a position is beyond it, or `values` has another shape than what
    /// `index_select` would return.
    #[track_caller]
    pub fn index_add(&mut self, axis: usize, positions: impl Into<Indices>, values: &Tensor<T>) {
        let positions = positions.into();
        let shape = self.layout().shape;
        check_axis("index_add", shape, axis, &positions);
        let fits = picked_shape("index_add", shape, axis, &positions) == values.layout().shape;
        let (p, given) = (positions.shape(), values.layout().shape);
        ensure!(fits, "index_add: {given} does not fit the positions {p} of axis {axis} of shape {shape}");
        let values = values.contiguous();
        let values = values.as_slice().expect("contiguous");
        if values.is_empty() {
            return;
        }
        let (n, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let blocks = self.as_mut_slice().chunks_exact_mut(n * inner);
        for (block, values) in blocks.zip(values.chunks_exact(positions.as_slice().len() * inner)) {
            for (row, &position) in values.chunks_exact(inner).zip(positions.as_slice()) {
                for (y, &x) in block[position * inner..][..inner].iter_mut().zip(row) {
                    *y += x;
                }
            }
        }
    }

    /// One element for each of `positions`, which gives its position along `axis`; along the other
    /// axes it has the same position as in `positions`: along axis 1,
    /// `y[i, j] = x[i, positions[i, j]]` (PyTorch's `gather`).
    ///
    /// ```
    /// use unspool::{Indices, Tensor};
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// assert_eq!(x.gather(1, Indices::from_vec(vec![1, 0], [2, 1])).to_vec(), [2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, the ranks differ, `positions` is larger along another axis, or a
    /// position is beyond its axis.
    #[track_caller]
    pub fn gather(&self, axis: usize, positions: impl Into<Indices>) -> Tensor<T> {
        let positions = positions.into();
        check_outside("gather", self.layout().shape, axis, &positions);
        let (shape, step) = (positions.shape(), self.layout().strides[axis]);
        let mut strides = self.layout().strides;
        strides[axis] = 0; // the walk follows the other axes; `positions` moves along this one
        let source = self.buffer.elements();
        let picked = positions.as_slice();
        Tensor::written(shape, |out| {
            Walk::new(&shape, [self.layout().offset], [&strides]).runs(|done, len, [at], [along]| {
                for i in 0..len {
                    let at = at + i as isize * along + picked[done + i] as isize * step;
                    out[done + i] = source[at as usize];
                }
            });
        })
    }

    /// Adds each of `values` to the element that [`gather`](Tensor::gather) picks for its position:
    /// along axis 1, `x[i, positions[i, j]] += values[i, j]`. An element that is picked several
    /// times is added to several times.
    ///
    /// ```
    /// use unspool::{Indices, Tensor};
    /// let mut x = Tensor::<f32>::zeros([1, 3]);
    /// x.scatter_add(1, Indices::from_vec(vec![2, 2], [1, 2]), &Tensor::ones([1, 2]));
    /// assert_eq!(x.to_vec(), [0.0, 0.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If [`gather`](Tensor::gather) would, or `values` has another shape than `positions`.
    #[track_caller]
    pub fn scatter_add(&mut self, axis: usize, positions: impl Into<Indices>, values: &Tensor<T>) {
        let positions = positions.into();
        check_outside("scatter_add", self.layout().shape, axis, &positions);
        let (shape, given) = (positions.shape(), values.layout().shape);
        ensure!(given == shape, "scatter_add: {given} has another shape than the positions, {shape}");
        self.make_writable();
        let (mut strides, step) = (self.layout().strides, self.layout().strides[axis]);
        strides[axis] = 0;
        let start = self.layout().offset;
        let out = self.buffer.get_mut().expect("made writable above");
        let (source, picked) = (values.buffer.elements(), positions.as_slice());
        Walk::new(&shape, [start, values.layout().offset], [&strides, &values.layout().strides]).runs(
            |done, len, [at, from], [along, by]| {
                for i in 0..len as isize {
                    let at = at + i * along + picked[done + i as usize] as isize * step;
                    out[at as usize] += source[(from + i * by) as usize];
                }
            },
        );
    }
}

/// `shape` with `axis` replaced by the axes of `positions`.
#[track_caller]
fn picked_shape(op: &str, shape: Shape, axis: usize, positions: &Indices) -> Shape {
    let p = positions.shape();
    let rank = shape.rank() - 1 + p.rank();
    ensure!(
        rank <= MAX_RANK,
        "{op}: positions {p} in place of axis {axis} of {shape} make {rank} axes, over {MAX_RANK}"
    );
    (0..p.rank()).fold(shape.remove(axis), |shape, i| shape.insert(axis + i, p[i]))
}

#[track_caller]
fn check_axis(op: &str, shape: Shape, axis: usize, positions: &Indices) {
    shape.require_axis(op, axis);
    if let Some(bad) = positions.first_beyond(shape[axis]) {
        fail!("{op}: index {bad} is beyond axis {axis} of shape {shape}");
    }
}

#[track_caller]
fn check_outside(op: &str, shape: Shape, axis: usize, positions: &Indices) {
    let p = positions.shape();
    let fits = p.rank() == shape.rank() && (0..shape.rank()).all(|a| a == axis || p[a] <= shape[a]);
    ensure!(axis >= shape.rank() || fits, "{op}: positions {p} do not fit into {shape} outside axis {axis}");
    check_axis(op, shape, axis, positions);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picking_along_inner_axes() {
        let x = Tensor::<f32>::from_fn([2, 3, 2], |i| i as f32);
        assert_eq!(x.index_select(1, [2, 0]).to_vec(), [4., 5., 0., 1., 10., 11., 6., 7.]);
        let picked = x.index_select(1, Indices::from_vec(vec![2, 0], [1, 2]));
        assert_eq!(picked.shape()[..], [2, 1, 2, 2]);
    }

    #[test]
    fn gathering_from_a_view_follows_its_strides() {
        let x = Tensor::<f32>::from_fn([2, 3, 4], |i| i as f32).permute(&[2, 0, 1]); // [4, 2, 3]
        let positions = Indices::from_vec((0..12).map(|i| i * 7 % 3).collect(), [3, 2, 2]);
        let y = x.gather(2, &positions);
        for i in 0..3 {
            for j in 0..2 {
                for k in 0..2 {
                    assert_eq!(y.at([i, j, k]), x.at([i, j, positions.as_slice()[i * 4 + j * 2 + k]]));
                }
            }
        }
        let mut sums = x.map(|_| 0.0);
        sums.scatter_add(2, &positions, &y);
        assert_eq!(sums.sum().item(), y.sum().item());
        let times = positions.as_slice()[4..6].iter().filter(|&&position| position == 1).count();
        assert_eq!(sums.at([1, 0, 1]), times as f32 * x.at([1, 0, 1]));
    }

    #[test]
    #[should_panic(expected = "index_select: index 3 is beyond axis 0 of shape [3]")]
    fn a_position_beyond_the_axis_is_refused() {
        Tensor::<f32>::zeros([3]).index_select(0, [0, 3]);
    }
}
