//! Jacobians of which most is zero.

use super::jacobian::jacobian_times;
use crate::tape::{Tape, Var};
use std::fmt;
use unspool_tensor::{Forward, Scalar, Tensor};

/// Which elements of a matrix may differ from zero, and how its columns are grouped so that one direction
/// stands for several of them.
///
/// Columns that no row has in common can share a direction: the element of a row in the product is that of the
/// one column which the row has. Columns are taken in order, each into the first group that fits (Curtis, Powell
/// and Reid 1974, "On the estimation of sparse Jacobian matrices"). Make it once for several Jacobians.
///
/// ```
/// use unspool::autograd::Sparsity;
/// assert_eq!(Sparsity::banded([1000, 1000], 1, 1).directions(), 3);
/// assert_eq!(Sparsity::block_diagonal(500, [3, 2]).directions(), 2);
/// // Blocks, and a dense column beside them.
/// let blocks = (0..6).map(|row| (row, row / 2));
/// let dense = (0..6).map(|row| (row, 3));
/// assert_eq!(Sparsity::new([6, 4], blocks.chain(dense)).directions(), 2);
/// ```
#[derive(Clone)]
pub struct Sparsity {
    shape: [usize; 2],
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// The group of each column.
    colors: Vec<usize>,
    directions: usize,
}

impl fmt::Debug for Sparsity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sparsity")
            .field("shape", &self.shape)
            .field("elements", &self.rows.len())
            .field("directions", &self.directions)
            .finish_non_exhaustive()
    }
}

/// A matrix of which most is zero, as coordinates: element `values[i]` is in row `rows[i]` and column
/// `columns[i]`.
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::SparseMatrix;
/// let values = Tensor::from_slice(&[2.0, 3.0], [2]);
/// let m: SparseMatrix = SparseMatrix { shape: [2, 2], rows: vec![0, 1], columns: vec![1, 0], values };
/// assert_eq!(m.to_dense().to_vec(), [0.0, 2.0, 3.0, 0.0]);
/// ```
#[derive(Clone)]
pub struct SparseMatrix<T: Scalar = f64> {
    /// The numbers of rows and columns.
    pub shape: [usize; 2],
    /// The row of each element.
    pub rows: Vec<usize>,
    /// The column of each element.
    pub columns: Vec<usize>,
    /// The elements.
    pub values: Tensor<T>,
}

impl<T: Scalar> fmt::Debug for SparseMatrix<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SparseMatrix").field("shape", &self.shape).field("values", &self.values).finish_non_exhaustive()
    }
}

impl Sparsity {
    /// A matrix of this shape whose elements in these rows and columns may differ from zero. They keep their
    /// order in a [`SparseMatrix`].
    ///
    /// # Panics
    /// If an element is outside of the matrix.
    #[track_caller]
    pub fn new(shape: [usize; 2], elements: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let (rows, columns): (Vec<_>, Vec<_>) = elements.into_iter().unzip();
        for (row, column) in rows.iter().zip(&columns) {
            let [m, n] = shape;
            ensure!(*row < m && *column < n, "Sparsity: a matrix [{m}, {n}] has no element [{row}, {column}]");
        }
        let colors = colors(shape, &rows, &columns);
        let directions = colors.iter().max().map_or(0, |most| most + 1);
        Sparsity { shape, rows, columns, colors, directions }
    }

    /// A matrix with its diagonal and so many bands below and above it.
    #[track_caller]
    pub fn banded(shape: [usize; 2], below: usize, above: usize) -> Self {
        let band = |row: usize| {
            (row.saturating_sub(below)..shape[1].min(row.saturating_add(above).saturating_add(1)))
                .map(move |column| (row, column))
        };
        Self::new(shape, (0..shape[0]).flat_map(band))
    }

    /// A matrix of so many dense blocks of one shape along its diagonal.
    #[track_caller]
    pub fn block_diagonal(blocks: usize, [m, n]: [usize; 2]) -> Self {
        let elements = (0..blocks * m).flat_map(|row| (0..n).map(move |column| (row, row / m * n + column)));
        Self::new([blocks * m, blocks * n], elements)
    }

    /// The numbers of rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// In how many directions derivatives are taken.
    pub fn directions(&self) -> usize {
        self.directions
    }

    /// The directions, a matrix `[columns, directions]`: the sum of the columns of each group.
    pub(super) fn seeds<T: Scalar>(&self) -> Tensor<T> {
        let mut seeds = Tensor::zeros([self.shape[1], self.directions]);
        for (row, &color) in seeds.as_mut_slice().chunks_exact_mut(self.directions.max(1)).zip(&self.colors) {
            row[color] = T::ONE;
        }
        seeds
    }

    /// The elements of the matrix, from its product with the directions.
    pub(super) fn decompress<T: Scalar>(&self, compressed: &Tensor<T>) -> SparseMatrix<T> {
        let compressed = compressed.contiguous();
        let compressed = compressed.as_slice().expect("contiguous");
        let element = |i: usize| compressed[self.rows[i] * self.directions + self.colors[self.columns[i]]];
        let values = Tensor::from_fn([self.rows.len()], element);
        SparseMatrix { shape: self.shape, rows: self.rows.clone(), columns: self.columns.clone(), values }
    }
}

/// The group of each column, so that no two columns of a group have a row in common: of the groups that no row of
/// the column has met, the first. Without a row a column is in the first group.
fn colors([m, n]: [usize; 2], rows: &[usize], columns: &[usize]) -> Vec<usize> {
    let mut rows_of = vec![Vec::new(); n];
    for (&row, &column) in rows.iter().zip(columns) {
        rows_of[column].push(row);
    }
    // Of each row, the groups that it has met, 64 in a word.
    let mut met: Vec<Vec<u64>> = vec![Vec::new(); m];
    let color = |rows: &Vec<usize>| {
        let of_word = |word: usize| {
            let all = |taken, row: &usize| taken | met[*row].get(word).copied().unwrap_or(0);
            rows.iter().fold(0, all)
        };
        let word = (0..).find(|&word| of_word(word) != u64::MAX).expect("words without an end");
        let color = word * 64 + of_word(word).trailing_ones() as usize;
        for &row in rows {
            let words = &mut met[row];
            words.resize(words.len().max(word + 1), 0);
            words[word] |= 1 << (color % 64);
        }
        color
    };
    rows_of.iter().map(color).collect()
}

impl<T: Scalar> SparseMatrix<T> {
    /// The whole matrix.
    pub fn to_dense(&self) -> Tensor<T> {
        let mut dense = Tensor::zeros(self.shape);
        let (elements, n) = (dense.as_mut_slice(), self.shape[1]);
        let values = self.values.to_vec();
        for ((&row, &column), value) in self.rows.iter().zip(&self.columns).zip(values) {
            elements[row * n + column] = value;
        }
        dense
    }
}

/// The Jacobian `[outputs, inputs]` of a function of one tensor of which most is zero, as coordinates: by forward
/// mode, with one direction for each group of columns that no row has in common.
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::{Sparsity, sparse_jacobian};
/// // Differences of neighbors: two bands, so two directions.
/// let x = Tensor::from_fn([1000], |i| (i as f64).powi(2));
/// let j = sparse_jacobian(&x, &Sparsity::banded([999, 1000], 0, 1), |_, x| {
///     (x.slice(0, 1..) - x.slice(0, ..999)).square()
/// });
/// assert_eq!((j.rows[5], j.columns[5], j.values.at([5])), (2, 3, 2.0 * (9.0 - 4.0)));
/// assert_eq!(j.to_dense().shape()[..], [999, 1000]);
/// ```
///
/// Elements that `sparsity` leaves out must be zero: one that is not is added to another of its row, unnoticed.
///
/// # Panics
/// If `sparsity` does not have as many rows as there are outputs and as many columns as there are inputs.
#[track_caller]
pub fn sparse_jacobian<T: Scalar>(
    x: &Tensor<T>,
    sparsity: &Sparsity,
    function: impl for<'t> Fn(&'t Tape<Forward<T>>, Var<'t, Forward<T>>) -> Var<'t, Forward<T>>,
) -> SparseMatrix<T> {
    let (n, [rows, columns]) = (x.numel(), sparsity.shape());
    ensure!(columns == n, "sparse_jacobian: a sparsity of {columns} columns is not one of {n} inputs");
    let compressed = jacobian_times(x, &sparsity.seeds(), function);
    let m = compressed.shape()[0];
    ensure!(rows == m, "sparse_jacobian: a sparsity of {rows} rows is not one of {m} outputs");
    sparsity.decompress(&compressed)
}
