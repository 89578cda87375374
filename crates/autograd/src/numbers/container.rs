//! What a function of numbers takes: one, an array, a slice, a `Vec`, or a pair of such.

use crate::numbers::reverse::Reverse;
use unspool_tensor::{Dual, Nested, Number, Scalar, Tangents};

/// The inputs of a function: a number of type `N`; an array, a slice or a `Vec` of numbers; or a pair of such inputs.
///
/// A function of `[N; 2]` has a gradient of type `[N; 2]`; one of a slice takes and returns a `Vec`.
///
/// ```
/// use unspool::numbers::gradient;
///
/// assert_eq!(gradient(&3.0_f64, |x| x * x), (9.0, 6.0));
/// assert_eq!(gradient(&[3.0, 4.0], |[x, y]| x * y), (12.0, [4.0, 3.0]));
/// assert_eq!(gradient(&(2.0_f64, [3.0, 4.0]), |(a, [x, y])| a * x * y), (24.0, (12.0, [8.0, 6.0])));
/// let x = vec![1.0, 2.0, 3.0];
/// assert_eq!(gradient(&x[1..], |x| x[0] * x[1]), (6.0, vec![3.0, 2.0]));
/// ```
pub trait Numbers<N> {
    /// The same with another type of number.
    type Of<M>;
    /// A function of each number and the one at the same position of `other`, in order.
    ///
    /// # Panics
    /// If the lengths differ.
    fn zip<M>(&self, other: &Self, f: impl FnMut(N, N) -> M) -> Self::Of<M>;
    /// A function of each number, in order.
    #[inline(always)]
    fn map<M>(&self, mut f: impl FnMut(N) -> M) -> Self::Of<M> {
        self.zip(self, |x, _| f(x))
    }
}

macro_rules! number {
    ($([$($generics:tt)*] $Number:ty;)*) => {
        $(
            impl<$($generics)*> Numbers<$Number> for $Number {
                type Of<M> = M;
                #[inline(always)]
                fn zip<M>(&self, other: &Self, mut f: impl FnMut($Number, $Number) -> M) -> M {
                    f(*self, *other)
                }
            }
        )*
    };
}
number! {
    [] f32;
    [] f64;
    [T: Scalar] Nested<T>;
    [T: Number] Dual<T>;
    [T: Number, const K: usize] Tangents<T, K>;
    ['t, T: Number] Reverse<'t, T>;
}

impl<N: Number, const K: usize> Numbers<N> for [N; K] {
    type Of<M> = [M; K];
    #[inline(always)]
    fn zip<M>(&self, other: &Self, mut f: impl FnMut(N, N) -> M) -> [M; K] {
        std::array::from_fn(|i| f(self[i], other[i]))
    }
}

impl<N: Number> Numbers<N> for [N] {
    type Of<M> = Vec<M>;
    #[inline]
    #[track_caller]
    fn zip<M>(&self, other: &Self, mut f: impl FnMut(N, N) -> M) -> Vec<M> {
        let (len, others) = (self.len(), other.len());
        ensure!(len == others, "numbers: {others} inputs for a function of {len}");
        self.iter().zip(other).map(|(&x, &y)| f(x, y)).collect()
    }
}

impl<N: Number> Numbers<N> for Vec<N> {
    type Of<M> = Vec<M>;
    #[inline]
    #[track_caller]
    fn zip<M>(&self, other: &Self, f: impl FnMut(N, N) -> M) -> Vec<M> {
        self.as_slice().zip(other, f)
    }
}

impl<N, X: Numbers<N>, Y: Numbers<N>> Numbers<N> for (X, Y) {
    type Of<M> = (X::Of<M>, Y::Of<M>);
    #[inline(always)]
    #[track_caller]
    fn zip<M>(&self, other: &Self, mut f: impl FnMut(N, N) -> M) -> Self::Of<M> {
        (self.0.zip(&other.0, &mut f), self.1.zip(&other.1, &mut f))
    }
}
