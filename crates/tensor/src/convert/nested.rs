//! Tensors and indices from nested arrays and vectors: a level for each axis.

use super::error::ConversionError;
use crate::indices::{Indices, to_positions};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// A tensor of one axis.
impl<T: Scalar> From<Vec<T>> for Tensor<T> {
    fn from(values: Vec<T>) -> Self {
        let n = values.len();
        Tensor::from_vec(values, [n])
    }
}

/// A tensor of one axis.
impl<T: Scalar, const N: usize> From<[T; N]> for Tensor<T> {
    fn from(values: [T; N]) -> Self {
        Tensor::from_slice(&values, [N])
    }
}

/// A tensor of two axes.
impl<T: Scalar, const M: usize, const N: usize> From<[[T; N]; M]> for Tensor<T> {
    fn from(values: [[T; N]; M]) -> Self {
        Tensor::from_slice(values.as_flattened(), [M, N])
    }
}

/// A tensor of three axes.
impl<T: Scalar, const L: usize, const M: usize, const N: usize> From<[[[T; N]; M]; L]> for Tensor<T> {
    fn from(values: [[[T; N]; M]; L]) -> Self {
        Tensor::from_slice(values.as_flattened().as_flattened(), [L, M, N])
    }
}

/// A tensor of four axes.
impl<T: Scalar, const K: usize, const L: usize, const M: usize, const N: usize> From<[[[[T; N]; M]; L]; K]>
    for Tensor<T>
{
    fn from(values: [[[[T; N]; M]; L]; K]) -> Self {
        Tensor::from_slice(values.as_flattened().as_flattened().as_flattened(), [K, L, M, N])
    }
}

/// A tensor of two axes, `[0, 0]` without rows.
impl<T: Scalar> TryFrom<&[Vec<T>]> for Tensor<T> {
    type Error = ConversionError;
    fn try_from(rows: &[Vec<T>]) -> Result<Self, ConversionError> {
        let (values, shape) = matrix(rows)?;
        Ok(Tensor::from_vec(values, shape))
    }
}

/// A tensor of two axes, `[0, 0]` without rows.
impl<T: Scalar> TryFrom<Vec<Vec<T>>> for Tensor<T> {
    type Error = ConversionError;
    fn try_from(rows: Vec<Vec<T>>) -> Result<Self, ConversionError> {
        Self::try_from(&rows[..])
    }
}

/// A tensor of three axes.
impl<T: Scalar> TryFrom<&[Vec<Vec<T>>]> for Tensor<T> {
    type Error = ConversionError;
    fn try_from(matrices: &[Vec<Vec<T>>]) -> Result<Self, ConversionError> {
        let (values, shape) = stack(matrices)?;
        Ok(Tensor::from_vec(values, shape))
    }
}

/// A tensor of three axes.
impl<T: Scalar> TryFrom<Vec<Vec<Vec<T>>>> for Tensor<T> {
    type Error = ConversionError;
    fn try_from(matrices: Vec<Vec<Vec<T>>>) -> Result<Self, ConversionError> {
        Self::try_from(&matrices[..])
    }
}

macro_rules! indices {
    ($($Int:ty)*) => {
        $(
            /// Indices of two axes.
            impl<const M: usize, const N: usize> From<[[$Int; N]; M]> for Indices {
                #[track_caller]
                fn from(numbers: [[$Int; N]; M]) -> Self {
                    Indices::from(numbers.as_flattened()).reshape([M, N])
                }
            }

            /// Indices of three axes.
            impl<const L: usize, const M: usize, const N: usize> From<[[[$Int; N]; M]; L]> for Indices {
                #[track_caller]
                fn from(numbers: [[[$Int; N]; M]; L]) -> Self {
                    Indices::from(numbers.as_flattened().as_flattened()).reshape([L, M, N])
                }
            }

            /// Indices of two axes, `[0, 0]` without rows. A negative number is an error, too.
            impl TryFrom<&[Vec<$Int>]> for Indices {
                type Error = ConversionError;
                fn try_from(rows: &[Vec<$Int>]) -> Result<Self, ConversionError> {
                    let (numbers, shape) = matrix(rows)?;
                    let positions = to_positions(&numbers).map_err(|(i, number)| {
                        let (row, column) = (i / shape[1], i % shape[1]);
                        ConversionError(format!(
                            "number {column} of row {row} is {number}, which is no position: they are counted from 0"
                        ))
                    })?;
                    Ok(Indices::from_vec(positions, shape))
                }
            }

            /// Indices of two axes, `[0, 0]` without rows. A negative number is an error, too.
            impl TryFrom<Vec<Vec<$Int>>> for Indices {
                type Error = ConversionError;
                fn try_from(rows: Vec<Vec<$Int>>) -> Result<Self, ConversionError> {
                    Self::try_from(&rows[..])
                }
            }
        )*
    };
}
indices! { usize u8 u16 u32 u64 i32 i64 }

/// The values of rows of equal length, and their shape.
fn matrix<T: Copy>(rows: &[Vec<T>]) -> Result<(Vec<T>, [usize; 2]), ConversionError> {
    let columns = rows.first().map_or(0, Vec::len);
    for (i, row) in rows.iter().enumerate() {
        let length = row.len();
        if length != columns {
            return Err(ConversionError(format!("the length of row {i} is {length}, expected {columns} as in row 0")));
        }
    }
    Ok((rows.concat(), [rows.len(), columns]))
}

/// The values of matrices of equal shape, and their shape with that.
fn stack<T: Copy>(matrices: &[Vec<Vec<T>>]) -> Result<(Vec<T>, [usize; 3]), ConversionError> {
    let rows = matrices.first().map_or(0, Vec::len);
    let columns = matrices.first().and_then(|matrix| matrix.first()).map_or(0, Vec::len);
    for (i, matrix) in matrices.iter().enumerate() {
        let height = matrix.len();
        if height != rows {
            return Err(ConversionError(format!(
                "the number of rows of matrix {i} is {height}, expected {rows} as in matrix 0"
            )));
        }
        for (j, row) in matrix.iter().enumerate() {
            let length = row.len();
            if length != columns {
                return Err(ConversionError(format!(
                    "the length of row {j} of matrix {i} is {length}, expected {columns} as in row 0 of matrix 0"
                )));
            }
        }
    }
    let values = matrices.iter().flatten().flatten().copied().collect();
    Ok((values, [matrices.len(), rows, columns]))
}
