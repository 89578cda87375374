//! The inputs of an op that runs once more over numbers with tangents. Some of them move, the others are
//! constants: an op that is linear in what moves need not give the constants tangents of 0.

use super::op::Inputs;
use super::op_arena::OpList;
use super::packed_weights::PackedWeights;
use crate::tuning::PUSHED_ROWS;
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use unspool_tensor::{MAX_RANK, Scalar, Tensor};

/// The inputs of an op, in all groups of directions.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct PushedInputs<'a, T: Scalar> {
    pub(super) ids: &'a [u32],
    /// All values of the record, without tangents.
    pub(super) values: &'a [Tensor<T>],
    /// Those that move, with the tangents of each group.
    pub(super) moving: &'a [Vec<Tensor<T::Lifted>>],
    pub(super) groups: usize,
    /// Constants with tangents of 0, made for the first op that reads them so.
    pub(super) lifted: &'a [OnceCell<Tensor<T::Lifted>>],
}

impl<T: Scalar> fmt::Debug for PushedInputs<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedInputs")
            .field("len", &self.ids.len())
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

impl<T: Scalar> PushedInputs<'_, T> {
    /// Input `i`, if it is a constant.
    fn constant(&self, i: usize) -> Option<&Tensor<T>> {
        let id = self.ids[i] as usize;
        self.moving[id].is_empty().then(|| &self.values[id])
    }

    /// Input `i` with the tangents of a group.
    pub fn lifted(&self, i: usize, group: usize) -> &Tensor<T::Lifted> {
        let id = self.ids[i] as usize;
        self.moving[id].get(group).unwrap_or_else(|| self.lifted[id].get_or_init(|| self.values[id].lift(None)))
    }

    /// The value of an op of these inputs, with the tangents of each group.
    pub(super) fn forward(self, op: Arc<dyn OpList<T>>) -> Vec<Tensor<T::Lifted>> {
        op.push_forward(0, self).unwrap_or_else(|| {
            let op = op.lifted();
            let ids: Vec<u32> = (0..self.ids.len() as u32).collect();
            let in_group = |group| {
                let values: Vec<_> = (0..ids.len()).map(|i| self.lifted(i, group).clone()).collect();
                let packed = PackedWeights::new();
                op.forward(0, Inputs { values: &values, ids: &ids, packed: &packed })
            };
            (0..self.groups).map(in_group).collect()
        })
    }

    /// The product of inputs `i` and `j`, if one of them is a constant: then it is a product of plain matrices, in
    /// which value and tangents of the other's elements are columns or rows side by side.
    pub fn matmul(&self, i: usize, j: usize) -> Option<Vec<Tensor<T::Lifted>>> {
        let of = |i: usize| (0..self.groups).map(move |group| self.lifted(i, group)).collect::<Vec<_>>();
        match (self.constant(i), self.constant(j)) {
            _ if T::PARTS == 0 => None,
            (Some(a), None) => Some(products_of_columns(a, &of(j))),
            (None, Some(b)) => of(i).into_iter().map(|a| product_of_rows(a, b)).collect(),
            _ => None,
        }
    }
}

/// The products of a constant, `[.., M, K]`, and matrices whose elements have tangents, `[.., K, N]`. The columns of all
/// of them are multiplied together, some rows at a time, so that what is taken apart again is in cache.
fn products_of_columns<T: Scalar>(a: &Tensor<T>, b: &[&Tensor<T::Lifted>]) -> Vec<Tensor<T::Lifted>> {
    let b: Vec<Tensor<T>> = b.iter().copied().map(Tensor::parts).collect(); // [.., K, N PARTS]
    if b[0].rank() > 2 {
        return b.iter().map(|b| a.matmul(b).join_parts()).collect();
    }
    let shape = a.shape().with(a.rank() - 1, b[0].shape()[1]);
    let (a, columns, packed) = (a.as_matrix(), b[0].shape()[1], Tensor::concat(1, &b).pack());
    let rows = a.shape()[0];
    let mut products: Vec<Tensor<T>> = b.iter().map(|_| Tensor::scratch([rows, columns])).collect();
    for top in (0..rows).step_by(PUSHED_ROWS) {
        let some = a.slice(0, top..rows.min(top + PUSHED_ROWS)).matmul_packed(&packed);
        for (group, y) in products.iter_mut().enumerate() {
            y.slice_assign(0, top, &some.slice(1, group * columns..(group + 1) * columns));
        }
    }
    products.into_iter().map(|y| y.reshape(shape).join_parts()).collect()
}

/// The product of a matrix whose elements have tangents, `[.., M, K]`, and a constant, `[.., K, N]`; none if the axes
/// do not suffice.
fn product_of_rows<T: Scalar>(a: &Tensor<T::Lifted>, b: &Tensor<T>) -> Option<Tensor<T::Lifted>> {
    if a.rank() < 2 || a.rank().max(b.rank()) == MAX_RANK {
        return None;
    }
    let (shape, parts) = (a.shape(), T::PARTS);
    let rows = shape.rank() - 2;
    let a = Tensor::parts(a).reshape(shape.insert(shape.rank(), parts)).t(); // [.., M, PARTS, K]
    let y = a.reshape(shape.with(rows, shape[rows] * parts)).matmul(b); // [.., M PARTS, N]
    let shape = y.shape();
    let (rows, columns) = (shape.rank() - 2, shape.rank() - 1);
    let split = shape.with(rows, shape[rows] / parts);
    let y = y.reshape(split.insert(columns, parts)).t(); // [.., M, N, PARTS]
    Some(y.reshape(split.with(columns, shape[columns] * parts)).join_parts())
}
