//! Tensors from and to arrays of the crate `ndarray`.

use super::error::ConversionError;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use ::ndarray::{Array, ArrayBase, ArrayD, Data, Dimension, Ix0, Ix1, Ix2, Ix3, Ix4, Ix5, Ix6};

/// The elements of an array or a view of one (crate `ndarray` 0.17), which may be in any order in
/// memory, copied.
///
/// ```
/// use ndarray::array;
/// use unspool::Tensor;
/// let array = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let x: Tensor<f64> = Tensor::from(&array);
/// assert_eq!(x, Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
/// assert_eq!(Tensor::from(&array.t()), x.t());
/// ```
///
/// # Panics
/// If the array has more axes than a tensor can have ([`MAX_RANK`]).
impl<T: Scalar, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor<T> {
    #[track_caller]
    fn from(array: &ArrayBase<S, D>) -> Self {
        let sizes = array.shape();
        let axes = sizes.len();
        ensure!(
            axes <= MAX_RANK,
            "Tensor: an array of shape {sizes:?} has {axes} axes, and a tensor at most {MAX_RANK}"
        );
        let shape = Shape::from(sizes);
        if let Some(values) = array.as_slice() {
            return Tensor::from_slice(values, shape);
        }
        let mut values = array.iter();
        Tensor::from_fn(shape, |_| *values.next().expect("as many as the shape has"))
    }
}

/// The elements of a tensor, copied.
///
/// ```
/// use ndarray::ArrayD;
/// use unspool::Tensor;
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let array = ArrayD::from(&x.t());
/// assert_eq!(array.shape(), [3, 2]);
/// assert_eq!(array[[2, 0]], 3.0);
/// ```
impl<T: Scalar> From<&Tensor<T>> for ArrayD<T> {
    fn from(tensor: &Tensor<T>) -> Self {
        ArrayD::from_shape_vec(&tensor.shape()[..], tensor.to_vec()).expect("as many elements as the shape has")
    }
}

macro_rules! arrays {
    ($($axes:literal $Ix:ty)*) => {
        $(
            /// The elements of a tensor with as many axes as the array, copied.
            ///
            /// ```
            /// use ndarray::{Array1, Array2};
            /// use unspool::Tensor;
            /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
            /// assert_eq!(Array2::try_from(&x)?.row(1).sum(), 15.0);
            /// let error = Array1::try_from(&x).unwrap_err();
            /// assert_eq!(error.to_string(), "a tensor of shape [2, 3] has 2 axes, expected 1");
            /// # Ok::<(), unspool::tensor::ConversionError>(())
            /// ```
            ///
            /// # Errors
            /// If the tensor has another number of axes.
            impl<T: Scalar> TryFrom<&Tensor<T>> for Array<T, $Ix> {
                type Error = ConversionError;
                fn try_from(tensor: &Tensor<T>) -> Result<Self, ConversionError> {
                    let (shape, rank) = (tensor.shape(), tensor.rank());
                    if rank != $axes {
                        let sentence = format!("a tensor of shape {shape} has {rank} axes, expected {}", $axes);
                        return Err(ConversionError(sentence));
                    }
                    Ok(ArrayD::from(tensor).into_dimensionality().expect("as many axes"))
                }
            }
        )*
    };
}
arrays! { 0 Ix0 1 Ix1 2 Ix2 3 Ix3 4 Ix4 5 Ix5 6 Ix6 }
