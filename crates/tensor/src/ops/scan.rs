//! Running results along an axis.

use crate::scalar::Scalar;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// Running results along one axis: `y_0 = x_0`, `y_i = f(y_(i-1), x_i)`.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0], [3]);
    /// assert_eq!(x.scan(0, |sum, x| sum + x).to_vec(), [1.0, 3.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn scan(&self, axis: usize, f: impl Fn(T, T) -> T) -> Tensor<T> {
        self.layout().shape.require_axis("scan", axis);
        let mut result = self.copy();
        let inner: usize = self.layout().shape[axis + 1..].iter().product();
        let n = self.layout().shape[axis] * inner;
        if n > 0 {
            for block in result.as_mut_slice().chunks_exact_mut(n) {
                for i in inner..n {
                    block[i] = f(block[i - inner], block[i]);
                }
            }
        }
        result
    }
}
