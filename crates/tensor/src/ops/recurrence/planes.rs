//! An operand of a recurrence, step by step: without a copy if it has the form of a gate.

use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tuning::RECURRENCE_COLUMNS;

/// The elements of an operand `[T, ..]`. Those of a step follow each other in memory, or those of
/// each row of a step do: in a gate, one of the chunks of a wider tensor, or where a row is repeated.
pub(super) struct Plane<T: Scalar> {
    tensor: Tensor<T>,
    /// From a step to the next: 0 if all have the same elements.
    step: isize,
    rows: Option<Rows>,
}

#[derive(Clone, Copy)]
struct Rows {
    width: usize,
    stride: isize,
}

impl<T: Scalar> Plane<T> {
    /// A tensor broadcast to a shape of at least one axis.
    pub(super) fn new(tensor: &Tensor<T>, shape: Shape) -> Self {
        let tensor = tensor.expand(shape);
        let (layout, rank) = (tensor.layout(), shape.rank());
        let (step, strides) = (layout.strides[0], &layout.strides[1..rank]);
        let of_step: Shape = shape[1..].iter().copied().collect();
        let dense = of_step.contiguous_strides();
        let follow = strides.iter().zip(dense).zip(&of_step[..]).all(|((a, b), &size)| *a == b || size == 1);
        let rows = match (&of_step[..], strides) {
            _ if follow || shape.numel() == 0 => None,
            (&[_, width], &[stride, 1]) => Some(Rows { width, stride }),
            _ if step == 0 => return Plane { tensor: tensor.select(0, 0).copy(), step, rows: None },
            _ => return Plane { tensor: tensor.copy(), step: of_step.numel() as isize, rows: None },
        };
        Plane { tensor, step, rows }
    }

    /// The elements of step `t` from the one numbered `start` on, all in one block.
    #[inline(always)]
    pub(super) fn piece(&self, t: usize, start: usize, len: usize) -> &[T] {
        let within = match self.rows {
            Some(Rows { width, stride }) => (start / width) as isize * stride + (start % width) as isize,
            None => start as isize,
        };
        let first = self.tensor.layout().offset as isize + t as isize * self.step + within;
        &self.tensor.buffer.elements()[first as usize..][..len]
    }
}

/// The size of the blocks of columns in which steps of `width` elements are taken: a row, if one of
/// the operands has rows.
pub(super) fn block_of<'a, T: Scalar>(planes: impl IntoIterator<Item = &'a Plane<T>>, width: usize) -> usize {
    let rows = planes.into_iter().find_map(|plane| plane.rows);
    rows.map_or(RECURRENCE_COLUMNS.min(width), |rows| rows.width).max(1)
}
