//! Integer positions in the shape of a tensor.

use crate::loops::strided::Walk;
use crate::shape::Shape;
use std::fmt;
use std::sync::Arc;

/// Integers in a shape, positions along an axis: classes, tokens, positions of the largest
/// elements. Cloning is cheap.
///
/// Functions that take indices also take a vector, slice or array of integers, as indices of rank
/// 1: of `usize`, and of `u8`, `u16`, `u32`, `u64`, `i32` and `i64`, the types that other programs
/// use for labels and tokens. A negative number among them panics. Nested arrays are indices of rank
/// 2 and 3, as are vectors of vectors by [`TryFrom`], where a negative number or a row of another
/// length is an error.
///
/// ```
/// use unspool::{Indices, Tensor};
/// let tokens = Indices::from_vec(vec![2, 0, 1, 1], [2, 2]); // two steps of two sequences
/// let table = Tensor::<f32>::from_fn([3, 5], |i| i as f32); // a row for each of three tokens
/// assert_eq!(table.index_select(0, &tokens).shape()[..], [2, 2, 5]);
/// assert_eq!(table.index_select(0, [2]).to_vec(), [10.0, 11.0, 12.0, 13.0, 14.0]);
/// let labels: Vec<i64> = vec![2, 0];
/// assert_eq!(Indices::from(labels).as_slice(), [2, 0]);
/// assert_eq!(Indices::from([[2, 0], [1, 1]]), tokens);
/// let rows: Vec<Vec<i64>> = vec![vec![2, 0], vec![1, -1]];
/// let error = Indices::try_from(rows).unwrap_err();
/// assert_eq!(error.to_string(), "number 1 of row 1 is -1, which is no position: they are counted from 0");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Indices {
    data: Arc<[usize]>,
    shape: Shape,
}

impl Indices {
    /// The numbers of `data`, in row-major order, in `shape`.
    ///
    /// # Panics
    /// If the length of `data` is not the number of elements of `shape`.
    #[track_caller]
    pub fn from_vec(data: Vec<usize>, shape: impl Into<Shape>) -> Self {
        let (shape, given) = (shape.into(), data.len());
        let wanted = shape.numel();
        ensure!(given == wanted, "Indices: {given} numbers do not fill shape {shape}, which has {wanted}");
        shape.require_addressable::<usize>();
        Indices { data: data.into(), shape }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The numbers in row-major order.
    pub fn as_slice(&self) -> &[usize] {
        &self.data
    }

    /// The same numbers in another shape.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::zeros([2, 3]).reshape([3, 2]).shape()[..], [3, 2]);
    /// ```
    ///
    /// # Panics
    /// If the shapes have different numbers of elements.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Self {
        let (shape, own) = (shape.into(), self.shape);
        let (n, wanted) = (own.numel(), shape.numel());
        ensure!(n == wanted, "reshape: {own} has {n} elements, {shape} has {wanted}");
        shape.require_addressable::<usize>();
        Indices { data: self.data.clone(), shape }
    }

    /// The numbers broadcast to `shape` by NumPy's rules.
    ///
    /// ```
    /// use unspool::Indices;
    /// assert_eq!(Indices::from_vec(vec![3, 5], [2, 1]).expand([2, 2]).as_slice(), [3, 3, 5, 5]);
    /// ```
    ///
    /// # Panics
    /// If they do not broadcast to `shape`.
    #[track_caller]
    pub fn expand(&self, shape: impl Into<Shape>) -> Self {
        let (shape, own) = (shape.into(), self.shape);
        ensure!(own.broadcast(&shape) == Some(shape), "expand: {own} does not broadcast to {shape}");
        shape.require_addressable::<usize>();
        if own == shape {
            return self.clone();
        }
        let mut strides = own.contiguous_strides();
        let skip = shape.rank() - own.rank();
        strides.copy_within(..own.rank(), skip);
        for axis in 0..shape.rank() {
            if axis < skip || own[axis - skip] != shape[axis] {
                strides[axis] = 0;
            }
        }
        let mut data = Vec::with_capacity(shape.numel());
        Walk::new(&shape, [0], [&strides]).runs(|_, len, [at], [by]| {
            data.extend((0..len as isize).map(|i| self.data[(at + i * by) as usize]));
        });
        Indices { data: data.into(), shape }
    }

    /// The first number that is not a position among `size`, if there is one.
    pub(crate) fn first_beyond(&self, size: usize) -> Option<usize> {
        self.data.iter().copied().find(|&index| index >= size)
    }
}

impl fmt::Debug for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Indices {} {:?}", self.shape, self.data)
    }
}

impl From<Vec<usize>> for Indices {
    fn from(data: Vec<usize>) -> Self {
        Indices { shape: Shape::from([data.len()]), data: data.into() }
    }
}

/// Integers of another type as positions.
#[track_caller]
fn positions<I: Copy + TryInto<usize> + fmt::Display>(numbers: &[I]) -> Indices {
    match to_positions(numbers) {
        Ok(data) => data.into(),
        Err((i, number)) => fail!("Indices: number {i} is {number}, which is no position: they are counted from 0"),
    }
}

/// Integers of another type as positions, or the first that is none and where it is.
pub(crate) fn to_positions<I: Copy + TryInto<usize>>(numbers: &[I]) -> Result<Vec<usize>, (usize, I)> {
    let position = |(i, &number): (usize, &I)| number.try_into().map_err(|_| (i, number));
    numbers.iter().enumerate().map(position).collect()
}

/// Lists of `usize` become indices as is; those of other types are converted, and panic if a number
/// is negative.
macro_rules! lists {
    ($($Int:ty: |$numbers:ident| $indices:expr;)*) => {
        $(
            impl From<&[$Int]> for Indices {
                #[track_caller]
                fn from($numbers: &[$Int]) -> Self {
                    $indices
                }
            }

            impl From<&Vec<$Int>> for Indices {
                #[track_caller]
                fn from(numbers: &Vec<$Int>) -> Self {
                    Self::from(&numbers[..])
                }
            }

            impl<const N: usize> From<[$Int; N]> for Indices {
                #[track_caller]
                fn from(numbers: [$Int; N]) -> Self {
                    Self::from(&numbers[..])
                }
            }

            impl<const N: usize> From<&[$Int; N]> for Indices {
                #[track_caller]
                fn from(numbers: &[$Int; N]) -> Self {
                    Self::from(&numbers[..])
                }
            }
        )*
    };
}
lists! {
    usize: |numbers| Indices { shape: Shape::from([numbers.len()]), data: numbers.into() };
    u8: |numbers| positions(numbers);
    u16: |numbers| positions(numbers);
    u32: |numbers| positions(numbers);
    u64: |numbers| positions(numbers);
    i32: |numbers| positions(numbers); // the type of `[2, 0, 2]`, where nothing says another
    i64: |numbers| positions(numbers);
}

macro_rules! vectors {
    ($($Int:ty)*) => {
        $(
            impl From<Vec<$Int>> for Indices {
                #[track_caller]
                fn from(numbers: Vec<$Int>) -> Self {
                    positions(&numbers)
                }
            }
        )*
    };
}
vectors! { u8 u16 u32 u64 i32 i64 }

impl From<&Indices> for Indices {
    fn from(indices: &Indices) -> Self {
        indices.clone()
    }
}
