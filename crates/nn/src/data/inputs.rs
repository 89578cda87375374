//! What a model can predict from.

use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::data::padding::Padded;
use unspool_autograd::{Indices, Scalar, Tensor};

/// Inputs, and their lengths if they are sequences of different lengths: what
/// [`predict`](crate::train::predict()) takes.
///
/// A tensor `[N, F]` or `[T, N, F]`, indices `[N]` or `[T, N]`, a pair of these, [`Padded`]
/// sequences (also of a pair, whose first has the lengths), or the inputs of a [`Dataset`].
///
/// ```
/// use unspool::Tensor;
/// use unspool::data::{Inputs, pad};
/// assert_eq!(Tensor::<f32>::ones([4, 3]).lengths(), None);
/// let padded = pad(&[Tensor::<f32>::ones([2, 3]), Tensor::ones([5, 3])])?;
/// assert_eq!((padded.lengths(), &padded.x().shape()[..]), (Some(&[2, 5][..]), &[5, 2, 3][..]));
/// # Ok::<(), unspool::data::DataError>(())
/// ```
pub trait Inputs {
    /// What the inputs are made of.
    type X: Examples;

    /// The inputs.
    fn x(&self) -> &Self::X;

    /// The length of each sequence, if they differ.
    fn lengths(&self) -> Option<&[usize]> {
        None
    }
}

impl<T: Scalar> Inputs for Tensor<T> {
    type X = Self;

    fn x(&self) -> &Self {
        self
    }
}

impl Inputs for Indices {
    type X = Self;

    fn x(&self) -> &Self {
        self
    }
}

impl<A: Examples, B: Examples> Inputs for (A, B) {
    type X = Self;

    fn x(&self) -> &Self {
        self
    }
}

impl<X: Examples> Inputs for Padded<X> {
    type X = X;

    fn x(&self) -> &X {
        &self.x
    }

    fn lengths(&self) -> Option<&[usize]> {
        Some(&self.lengths)
    }
}

impl<X: Examples, Y: Examples> Inputs for Dataset<X, Y> {
    type X = X;

    fn x(&self) -> &X {
        Dataset::x(self)
    }

    fn lengths(&self) -> Option<&[usize]> {
        Dataset::lengths(self)
    }
}
