//! A sparse matrix, a row for each element of the state and a column for each parameter.

use unspool_autograd::{Real, Tensor};

/// The entries of each column, in the order of their rows.
pub(super) struct SparseColumns<N> {
    /// Where each column starts, and at last where all end.
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<N>,
}

impl<N: Real> SparseColumns<N> {
    /// A matrix of entries `(row, column, value)`, ordered by their rows.
    pub(super) fn of(columns: usize, entries: &[(u32, u32, N)]) -> Self {
        let mut starts = vec![0; columns + 1];
        for &(_, column, _) in entries {
            starts[column as usize + 1] += 1;
        }
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        let (mut rows, mut values) = (vec![0; entries.len()], vec![N::ZERO; entries.len()]);
        let mut next = starts.clone();
        for &(row, column, value) in entries {
            let at = &mut next[column as usize];
            (rows[*at], values[*at]) = (row, value);
            *at += 1;
        }
        SparseColumns { starts, rows, values }
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    fn column(&self, column: usize) -> impl Iterator<Item = (u32, N)> + Clone + '_ {
        let range = self.starts[column]..self.starts[column + 1];
        self.rows[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }

    /// A row times the columns from `start` on: one number for each element of `shape_of`, added to it.
    pub(super) fn add_product(&self, row: &[N], start: usize, to: &mut Tensor<N>) {
        for (i, sum) in to.as_mut_slice().iter_mut().enumerate() {
            for (element, value) in self.column(start + i) {
                *sum += row[element as usize] * value;
            }
        }
    }

    /// This matrix plus `jacobian` (square, row-major) times `before`, at the entries of this matrix
    /// and of `before` alone.
    pub(super) fn plus_product(&self, jacobian: &[N], before: &Self) -> Self {
        let columns = self.starts.len() - 1;
        let width = jacobian.len().isqrt();
        let mut sum = SparseColumns { starts: Vec::with_capacity(columns + 1), rows: Vec::new(), values: Vec::new() };
        sum.starts.push(0);
        for column in 0..columns {
            let carried = before.column(column);
            let mut direct = self.column(column).peekable();
            let mut known = carried.clone().peekable();
            // The rows of both, each once, in order.
            while let Some(row) = direct.peek().into_iter().chain(known.peek()).map(|&(row, _)| row).min() {
                let mut value = direct.next_if(|entry| entry.0 == row).map_or(N::ZERO, |entry| entry.1);
                known.next_if(|entry| entry.0 == row);
                for (from, carried) in carried.clone() {
                    value += jacobian[row as usize * width + from as usize] * carried;
                }
                sum.rows.push(row);
                sum.values.push(value);
            }
            sum.starts.push(sum.rows.len());
        }
        sum
    }
}
