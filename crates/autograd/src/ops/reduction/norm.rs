//! The length of vectors, safe from overflow.

use super::{Axes, reduction};
use crate::tape::{InputGrads, Inputs, Op, Var};
use unspool_tensor::{Scalar, Tensor};

/// The square root of the sum of squares divided by `terms`: 1 for a length, the number of elements
/// for the root mean square.
#[derive(Clone)]
pub(super) struct Norm {
    pub(super) axes: Axes,
    pub(super) terms: f64,
}

impl Norm {
    /// The lengths, with the axes at size 1.
    fn of<T: Scalar>(&self, x: &Tensor<T>) -> Tensor<T> {
        let terms = T::from_f64(self.terms);
        let root_of_squares = |x: &Tensor<T>| {
            let sum = x.map(#[inline(always)] |x| x * x).sum_axes(self.axes.as_slice());
            self.axes.restore(&sum.map(|sum| (sum / terms).sqrt()), x.shape())
        };
        let lengths = root_of_squares(x);
        // Whether the squares are far from both ends of the type's range.
        let is_safe = |length: T| (length * length * (length * length)).is_finite() && length * length * (length * length) > T::ZERO;
        if x.numel() == 0 || lengths.contiguous().as_slice().is_some_and(|all| all.iter().all(|&length| is_safe(length))) {
            return lengths;
        }
        // Other vectors are divided by their largest element first.
        let largest = self.axes.restore(&x.map(|x| x.abs().with_tangent_of(T::ZERO)).max_axes(self.axes.as_slice()), x.shape());
        let unit = largest.map(|m| if m > T::ZERO && m.is_finite() { m } else { T::ONE });
        let scaled = root_of_squares(&x.zip(&unit, |x, unit| x / unit)).zip(&unit, |y, unit| y * unit);
        lengths.zip(&scaled, |length, scaled| if is_safe(length) { length } else { scaled })
    }
}

impl Op for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let mut length = self.of(&x[0]);
        for k in 0..T::TANGENTS {
            // At the origin, the length grows at the length of each tangent, whatever its direction.
            let speed = self.of(&x[0].map(|x| x.tangent(k)));
            length = length.zip(&speed, |y, speed| if y == T::ZERO { y.with_tangent(k, speed) } else { y });
        }
        self.axes.drop(length)
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let shape = x[0].shape();
        into.add_with(0, || {
            let [y, grad] = [y, &grad].map(|of| self.axes.restore(of, shape).expand(shape));
            let terms = T::from_f64(self.terms);
            grad.zip3(
                &x[0],
                &y,
                #[inline(always)]
                |dy, x, y| if y == T::ZERO { at_origin(dy, x, y) / terms } else { dy * (x / y) / terms },
            )
        });
    }
}

/// The gradient where `y` is 0: none. Its tangent matters for a function that is smooth there by a
/// factor that vanishes, such as the square of the norm: the change of that factor in the direction
/// of `x`.
#[inline(always)]
fn at_origin<T: Scalar>(dy: T, x: T, y: T) -> T {
    (0..T::TANGENTS).fold(T::ZERO, |gradient, k| {
        let speed = y.tangent(k);
        if speed == T::ZERO { gradient } else { gradient.with_tangent(k, dy.tangent(k) * (x.tangent(k) / speed)) }
    })
}

#[track_caller]
#[inline]
fn norm<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    x.unary(Norm { axes, terms: 1.0 })
}

reduction! {
    methods: norm, norm_axes, norm_keepdim;
    op: norm;
    what: "Euclidean norm";
    rule: "`y = sqrt(sum(x²))`, also where squares leave the range of the type; `dx = dy x / y`. The gradient is 0 where the norm \
    is 0 (as PyTorch has it); in the direction `v` from there, its tangent is the length of `v`.";
    x: "[2.0, 2.0, 2.0, 2.0]";
    over_all: y = "4.0", dx = "[0.5; 4]";
    over_axis_1: y = "[8f64.sqrt(); 2]", dx = "[2.0 / 8f64.sqrt(); 4]";
}
