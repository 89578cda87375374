//! The operators `+`, `-`, `*` and `/` between tensors, and between tensors and numbers; the unary `-`.
//!
//! Shapes broadcast as NumPy's and as those of the tape's variables do. A number is `f64` whatever
//! the element type, so that formulas read the same at every precision. An operand passed by value
//! gives its buffer to the result if nothing else shares it.

use crate::scalar::Scalar;
use crate::tensor::Tensor;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The operator for references and values, and for numbers on either side.
macro_rules! operator {
    ($(#[$doc:meta])* $Op:ident, $op:ident) => {
        impl<T: Scalar> $Op for &Tensor<T> {
            type Output = Tensor<T>;
            $(#[$doc])*
            #[track_caller]
            fn $op(self, other: &Tensor<T>) -> Tensor<T> {
                self.zip_named(stringify!($op), other, T::$op)
            }
        }
        operator!($Op, $op: Tensor<T>, &Tensor<T>, |a, b| a.into_zip_named(stringify!($op), b, T::$op));
        operator!($Op, $op: Tensor<T>, Tensor<T>, |a, b| a.into_zip_named(stringify!($op), &b, T::$op));
        operator!($Op, $op: &Tensor<T>, Tensor<T>, |a, b| {
            let fits = a.same_shape(&b);
            if fits { b.into_zip_named(stringify!($op), a, |b, a| a.$op(b)) } else { a.$op(&b) }
        });
        operator!($Op, $op: &Tensor<T>, f64, |a, b| {
            let b = T::from_f64(b);
            a.map(|a| a.$op(b))
        });
        operator!($Op, $op: f64, &Tensor<T>, |a, b| {
            let a = T::from_f64(a);
            b.map(|b| a.$op(b))
        });
        operator!($Op, $op: Tensor<T>, f64, |a, b| (&a).$op(b));
        operator!($Op, $op: f64, Tensor<T>, |a, b| a.$op(&b));
    };
    ($Op:ident, $op:ident: $A:ty, $B:ty, |$a:ident, $b:ident| $value:expr) => {
        impl<T: Scalar> $Op<$B> for $A {
            type Output = Tensor<T>;
            #[track_caller]
            fn $op(self, $b: $B) -> Tensor<T> {
                let $a = self;
                $value
            }
        }
    };
}
operator! {
    /// The sum of each pair of elements; the shapes broadcast.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
    /// let bias = Tensor::from_vec(vec![10.0, 20.0], [2]);
    /// assert_eq!((&x + &bias).to_vec(), [11.0, 22.0, 13.0, 24.0]);
    /// assert_eq!((1.0 + x + bias).to_vec(), [12.0, 23.0, 14.0, 25.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    Add, add
}
operator! {
    /// The difference of each pair of elements; the shapes broadcast.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let f = Tensor::<f32>::from_vec(vec![0.25, 1.0], [2]);
    /// assert_eq!((1.0 - &f).to_vec(), [0.75, 0.0]);
    /// assert_eq!((&f - &f).to_vec(), [0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    Sub, sub
}
operator! {
    /// The product of each pair of elements; the shapes broadcast. The matrix product is
    /// [`matmul`](Tensor::matmul).
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0], [2]);
    /// assert_eq!((&x * 3.0).to_vec(), [3.0, 6.0]);
    /// assert_eq!((&x * &x).to_vec(), [1.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    Mul, mul
}
operator! {
    /// The quotient of each pair of elements; the shapes broadcast.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f64>::from_vec(vec![1.0, 2.0], [2]);
    /// assert_eq!((&x / 4.0).to_vec(), [0.25, 0.5]);
    /// assert_eq!((1.0 / x).to_vec(), [1.0, 0.5]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    Div, div
}

impl<T: Scalar> Neg for &Tensor<T> {
    type Output = Tensor<T>;
    /// Each element with its sign changed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, -2.0], [2]);
    /// assert_eq!((-&x).to_vec(), [-1.0, 2.0]);
    /// assert_eq!((-x * 3.0).to_vec(), [-3.0, 6.0]);
    /// ```
    fn neg(self) -> Tensor<T> {
        self.map(T::neg)
    }
}

impl<T: Scalar> Neg for Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Tensor<T> {
        -&self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_operands_has_the_same_elements() {
        macro_rules! check {
            ($($op:tt)*) => {$({
                let a = Tensor::<f64>::from_fn([3, 1, 4], |i| i as f64 - 4.5);
                let same = Tensor::from_fn([3, 1, 4], |i| (i * i) as f64 + 1.0);
                let row = Tensor::from_fn([2, 1], |i| i as f64 + 3.0);
                for b in [same, row] {
                    let expected = a.zip(&b, |a, b| a $op b);
                    let all = [&a $op &b, a.copy() $op &b, &a $op b.copy(), a.copy() $op b.copy()];
                    assert!(all.iter().all(|y| *y == expected));
                    let swapped = b.zip(&a, |b, a| b $op a);
                    assert_eq!(b.copy() $op &a, swapped);
                }
                let (right, left) = (a.map(|x| x $op 1.5), a.map(|x| 1.5 $op x));
                assert_eq!([&a $op 1.5, a.clone() $op 1.5], [right.clone(), right]);
                assert_eq!([1.5 $op &a, 1.5 $op a.clone()], [left.clone(), left]);
            })*};
        }
        check!(+ - * /);
        let x = Tensor::<f64>::from_fn([3, 4], |i| i as f64 - 4.5);
        assert_eq!([-&x.t(), -x.t()], [x.t().map(|x| -x), x.t() * -1.0]);
    }

    #[test]
    fn a_value_gives_its_buffer_to_the_result() {
        let (a, b) = (Tensor::<f32>::ones([8]), Tensor::ones([8]));
        let start = a.as_slice().unwrap().as_ptr();
        let sum = a + &b;
        assert_eq!(sum.as_slice().unwrap().as_ptr(), start);
        let difference = &b - sum;
        assert_eq!(difference.as_slice().unwrap().as_ptr(), start);
        let shared = difference.clone();
        let product = difference * &b;
        assert_eq!((product, shared), (Tensor::full(-1.0, [8]), Tensor::full(-1.0, [8])));
    }

    #[test]
    #[should_panic(expected = "sub: shapes [2, 3] and [2] do not broadcast")]
    fn shapes_that_do_not_broadcast_are_refused() {
        let _ = &Tensor::<f32>::zeros([2, 3]) - Tensor::zeros([2]);
    }

    #[test]
    fn a_panic_names_the_line_of_the_caller() {
        static LINE: std::sync::Mutex<Option<u32>> = std::sync::Mutex::new(None);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some("operands") {
                *LINE.lock().unwrap() = info.location().map(|at| at.line());
            } else {
                hook(info);
            }
        }));
        let (a, b) = (Tensor::<f32>::zeros([2]), Tensor::zeros([3]));
        let here = line!() + 1;
        let thread = std::thread::Builder::new().name("operands".into()).spawn(move || a * b).unwrap();
        assert!(thread.join().is_err());
        assert_eq!(*LINE.lock().unwrap(), Some(here));
    }
}
