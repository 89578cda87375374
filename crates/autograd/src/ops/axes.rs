//! The axes of a reduction.

use unspool_tensor::{MAX_RANK, Scalar, Shape, Tensor};

/// A short list of axes, held inline.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    axes: [usize; MAX_RANK],
    count: usize,
}

impl Axes {
    #[track_caller]
    pub(super) fn new(list: &[usize]) -> Self {
        assert!(list.len() <= MAX_RANK, "a tensor has no {} axes to reduce: {list:?}", list.len());
        let mut axes = [0; MAX_RANK];
        axes[..list.len()].copy_from_slice(list);
        Axes { axes, count: list.len() }
    }

    /// Every axis of `shape`.
    pub(super) fn all(shape: Shape) -> Self {
        Axes { axes: std::array::from_fn(|axis| axis), count: shape.rank() }
    }

    pub(super) fn as_slice(&self) -> &[usize] {
        &self.axes[..self.count]
    }

    /// A tensor reduced from `shape`, with its lost axes back at size 1.
    pub(super) fn restore<T: Scalar>(&self, reduced: &Tensor<T>, shape: Shape) -> Tensor<T> {
        reduced.reshape(self.as_slice().iter().fold(shape, |shape, &axis| shape.with(axis, 1)))
    }
}
