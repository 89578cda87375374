//! Shapes, tensors and indices in the formats of the crate `serde`.
//!
//! All that is read may be wrong, and is checked.

use crate::indices::Indices;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use ::serde::de::Error;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list of sizes: `[50, 32, 20]` in JSON.
impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize(serializer)
    }
}

/// More than [`MAX_RANK`] axes are an error.
impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sizes = Vec::<usize>::deserialize(deserializer)?;
        let axes = sizes.len();
        if axes > MAX_RANK {
            return Err(D::Error::custom(format_args!("a shape has {axes} axes, expected at most {MAX_RANK}")));
        }
        Ok(Shape::from(&sizes[..]))
    }
}

#[derive(Serialize)]
#[serde(rename = "Array")]
struct Written<'a, T> {
    shape: Shape,
    values: &'a [T],
}

#[derive(Deserialize)]
#[serde(rename = "Array", expecting = "a shape and its values")]
struct Read<T> {
    shape: Shape,
    values: Vec<T>,
}

impl<T> Read<T> {
    /// Its values and its shape, if they fit together.
    fn checked<E: Error>(self) -> Result<(Vec<T>, Shape), E> {
        let Read { shape, values } = self;
        if !shape.is_addressable::<T>() {
            return Err(E::custom(format_args!("shape {shape} is larger than the address space")));
        }
        let (given, expected) = (values.len(), shape.numel());
        if given != expected {
            return Err(E::custom(format_args!("{given} values do not fill shape {shape}, which has {expected}")));
        }
        Ok((values, shape))
    }
}

/// A structure of the `shape` and the `values` in row-major order.
///
/// ```
/// use unspool::Tensor;
/// let x: Tensor = Tensor::from([[1.0, 2.0], [3.0, 4.5]]);
/// let text = serde_json::to_string(&x)?;
/// assert_eq!(text, r#"{"shape":[2,2],"values":[1.0,2.0,3.0,4.5]}"#);
/// assert_eq!(serde_json::from_str::<Tensor>(&text)?, x);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// JSON has no infinities and no NaN: `serde_json` writes `null`, which is no number to read.
impl<T: Scalar + Serialize> Serialize for Tensor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.contiguous();
        Written { shape: self.shape(), values: values.as_slice().expect("contiguous") }.serialize(serializer)
    }
}

/// A number of values other than that of the shape is an error, as is a shape with more than
/// [`MAX_RANK`] axes or larger than the address space.
impl<'de, T: Scalar + Deserialize<'de>> Deserialize<'de> for Tensor<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (values, shape) = Read::deserialize(deserializer)?.checked()?;
        Ok(Tensor::from_vec(values, shape))
    }
}

/// As a tensor: `{"shape": [2, 2], "values": [2, 0, 1, 1]}` in JSON.
impl Serialize for Indices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { shape: self.shape(), values: self.as_slice() }.serialize(serializer)
    }
}

/// An error where a tensor's would be one, and if a number is negative.
impl<'de> Deserialize<'de> for Indices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (values, shape) = Read::deserialize(deserializer)?.checked()?;
        Ok(Indices::from_vec(values, shape))
    }
}
