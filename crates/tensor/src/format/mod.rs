//! How tensors print: `Debug` on one line, for messages; `Display` (in `display`) as NumPy prints
//! arrays.

mod display;
mod numbers;

use crate::scalar::Scalar;
use crate::tensor::Tensor;
use std::fmt;

/// Axes longer than this show their first and last `EDGE` entries.
const SHOWN: usize = 8;
const EDGE: usize = 3;

impl<T: Scalar> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}>{} ", T::NAME, self.layout().shape)?;
        values(self, f)
    }
}

/// One level per axis; a tensor has at most [`MAX_RANK`](crate::MAX_RANK) of them.
fn values<T: Scalar>(tensor: &Tensor<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if tensor.rank() == 0 {
        return write!(f, "{:?}", tensor.item());
    }
    let n = tensor.shape()[0];
    f.write_str("[")?;
    for i in 0..n {
        if n > SHOWN && (EDGE..n - EDGE).contains(&i) {
            if i == EDGE {
                f.write_str(", ..")?;
            }
            continue;
        }
        if i > 0 {
            f.write_str(", ")?;
        }
        values(&tensor.select(0, i), f)?;
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

    #[test]
    fn the_middle_of_long_axes_is_left_out() {
        let x = Tensor::<f32>::from_fn([2, 10], |i| i as f32);
        assert_eq!(
            format!("{x:?}"),
            "Tensor<f32>[2, 10] [[0.0, 1.0, 2.0, .., 7.0, 8.0, 9.0], [10.0, 11.0, 12.0, .., 17.0, 18.0, 19.0]]"
        );
    }
}
