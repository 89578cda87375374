//! Tensors of dual numbers: putting values and tangents together, and taking them apart.

use crate::scalar::Scalar;
use crate::scalar::dual::Dual;
use crate::storage::layout::Layout;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// Dual numbers: the elements of this tensor as values, those of `tangents`, of the same shape,
    /// as tangents.
    ///
    /// ```
    /// use unspool::{Scalar, Tensor};
    /// let x = Tensor::<f64>::scalar(2.0).with_tangents(&Tensor::ones([]));
    /// let y = x.map(|x| x * x * x);
    /// assert_eq!((y.values().item(), y.tangents().item()), (8.0, 12.0));
    /// ```
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn with_tangents(&self, tangents: &Tensor<T>) -> Tensor<Dual<T>> {
        let (a, b) = (self.shape(), tangents.shape());
        ensure!(a == b, "with_tangents: values {a} and tangents {b} differ in shape");
        let (values, tangents) = (self.contiguous(), tangents.contiguous());
        let (values, tangents) = (values.as_slice().expect("contiguous"), tangents.as_slice().expect("contiguous"));
        Tensor::from_fn(a, |i| Dual { value: values[i], tangent: tangents[i] })
    }

    /// These elements with one more tangent each, or none where `tangents` is not given.
    #[doc(hidden)]
    pub fn lift(&self, tangents: Option<&Tensor<T>>) -> Tensor<T::Lifted> {
        let is_one_number = self.layout().strides[..self.rank()].iter().all(|&stride| stride == 0);
        if tangents.is_none() && is_one_number && self.numel() > 1 {
            let first = self.buffer.elements()[self.layout().offset];
            return Tensor::scalar(first.lifted(T::ZERO)).expand(self.shape());
        }
        let values = self.contiguous();
        let values = values.as_slice().expect("contiguous");
        let Some(tangents) = tangents else {
            return Tensor::from_fn(self.shape(), |i| values[i].lifted(T::ZERO));
        };
        let tangents = tangents.contiguous();
        let tangents = tangents.as_slice().expect("contiguous");
        Tensor::from_fn(self.shape(), |i| values[i].lifted(tangents[i]))
    }

    /// The elements that were lifted, and the tangents.
    #[doc(hidden)]
    pub fn unlifted(lifted: &Tensor<T::Lifted>) -> [Tensor<T>; 2] {
        let source = lifted.contiguous();
        let source = source.as_slice().expect("contiguous");
        let part = |of: fn((T, T)) -> T| Tensor::from_fn(lifted.shape(), |i| of(T::unlifted(source[i])));
        [part(|(value, _)| value), part(|(_, tangent)| tangent)]
    }

    /// Lifted numbers as the numbers that each consists of, side by side along the last axis: `[.., N]` as
    /// `[.., N PARTS]`, a view of the same memory.
    #[doc(hidden)]
    #[track_caller]
    pub fn parts(lifted: &Tensor<T::Lifted>) -> Tensor<T> {
        const { assert!(T::PARTS == 0 || size_of::<T::Lifted>() == T::PARTS * size_of::<T>()) };
        ensure!(T::PARTS > 0 && lifted.rank() > 0, "parts: shape {} of {} numbers has none", lifted.shape(), T::NAME);
        let (source, last) = (lifted.contiguous(), lifted.rank() - 1);
        let shape = source.shape().with(last, source.shape()[last] * T::PARTS);
        let layout = Layout::new(shape, shape.contiguous_strides(), source.layout().offset * T::PARTS);
        Tensor { buffer: source.buffer.view(layout) }
    }

    /// The lifted numbers that consist of these: the reverse of [`parts`](Tensor::parts).
    #[doc(hidden)]
    #[track_caller]
    pub fn join_parts(&self) -> Tensor<T::Lifted> {
        ensure!(
            T::PARTS > 0 && self.rank() > 0,
            "join_parts: shape {} of {} numbers is of none",
            self.shape(),
            T::NAME
        );
        let (mut source, last) = (self.contiguous(), self.rank() - 1);
        if !source.layout().offset.is_multiple_of(T::PARTS) {
            source = source.copy();
        }
        let shape = source.shape();
        ensure!(shape[last].is_multiple_of(T::PARTS), "join_parts: {shape} is not a whole number of lifted ones");
        let shape = source.shape().with(last, source.shape()[last] / T::PARTS);
        let layout = Layout::new(shape, shape.contiguous_strides(), source.layout().offset / T::PARTS);
        Tensor { buffer: source.buffer.view(layout) }
    }

    /// The tangents of lifted elements.
    #[doc(hidden)]
    pub fn lifted_tangents(lifted: &Tensor<T::Lifted>) -> Tensor<T> {
        let source = lifted.contiguous();
        let source = source.as_slice().expect("contiguous");
        Tensor::from_fn(lifted.shape(), |i| T::unlifted(source[i]).1)
    }
}

impl<T: Scalar> Tensor<Dual<T>> {
    /// The values of the dual numbers.
    pub fn values(&self) -> Tensor<T> {
        self.component(|x| x.value)
    }

    /// The tangents of the dual numbers.
    pub fn tangents(&self) -> Tensor<T> {
        self.component(|x| x.tangent)
    }

    fn component(&self, component: impl Fn(&Dual<T>) -> T) -> Tensor<T> {
        let source = self.contiguous();
        let source = source.as_slice().expect("contiguous");
        Tensor::from_fn(self.shape(), |i| component(&source[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DIRECTIONS, Forward, Tangents};

    type Lifted = Tangents<f32, DIRECTIONS>;

    /// The numbers of lifted ones, in order.
    fn numbers(x: &Tensor<Lifted>) -> Vec<f32> {
        x.to_vec().into_iter().flat_map(|x| std::iter::once(x.value).chain(x.tangents)).collect()
    }

    #[test]
    fn parts_are_the_numbers_of_lifted_ones_and_join_to_them() {
        let number = |i: usize| Tangents { value: i as f32, tangents: std::array::from_fn(|k| (100 * i + k) as f32) };
        let x: Tensor<Lifted> = Tensor::from_fn([3, 4], number);
        let views = [x.slice(0, 1..), x.slice(1, 1..3), x.t(), x.slice(0, ..1).expand([2, 4]), x];
        for x in views {
            let parts = Tensor::<Forward<f32>>::parts(&x);
            assert_eq!(parts.shape()[..], [x.shape()[0], x.shape()[1] * (1 + DIRECTIONS)]);
            assert_eq!(parts.to_vec().into_iter().map(|x| x.0).collect::<Vec<_>>(), numbers(&x));
            assert_eq!(numbers(&parts.join_parts()), numbers(&x));
        }
    }

    #[test]
    fn parts_that_begin_within_a_number_are_copied() {
        let all: Tensor<Forward<f32>> = Tensor::from_fn([1 + 2 * (1 + DIRECTIONS)], |i| Forward(i as f32));
        let joined = all.slice(0, 1..).join_parts();
        assert_eq!(numbers(&joined), (1..=2 * (1 + DIRECTIONS)).map(|i| i as f32).collect::<Vec<_>>());
    }

    #[test]
    fn products_of_matrices_follow_the_product_rule() {
        let dual = |salt: usize| move |i: usize| Dual { value: (i * 7 % (11 + salt)) as f64, tangent: (i % 5) as f64 };
        let (a, b) = (Tensor::from_fn([3, 4], dual(0)), Tensor::from_fn([5, 4], dual(2)).t());
        let mut c = Tensor::full(Dual { value: 1.0, tangent: 2.0 }, [3, 5]);
        let product = a.matmul(&b);
        c.add_matmul_tn(&a.t().copy(), &b);
        for (i, j) in (0..15).map(|at| (at / 5, at % 5)) {
            let by_hand = (0..4).fold(Dual::constant(0.0), |sum, k| sum + a.at([i, k]) * b.at([k, j]));
            let (got, sum) = (product.at([i, j]), c.at([i, j]));
            assert_eq!((got.value, got.tangent), (by_hand.value, by_hand.tangent));
            assert_eq!((sum.value, sum.tangent), (by_hand.value + 1.0, by_hand.tangent + 2.0));
        }
    }
}
