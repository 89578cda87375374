//! Derivatives of functions of numbers.

use crate::numbers::container::Numbers;
use crate::numbers::function::{Function, FunctionOnce};
use crate::numbers::reverse::Reverse;
use crate::numbers::tape::NumberTape;
use unspool_tensor::{Dual, Number};

/// The value of a function, and its derivatives by each input: reverse mode, one backward pass. A loop may keep the memory
/// with [`NumberTape::gradient`].
///
/// ```
/// use unspool::numbers::gradient;
///
/// let (value, gradient) = gradient(&[3.0, 4.0], |[x, y]| x * x * y);
/// assert_eq!((value, gradient), (36.0, [24.0, 9.0]));
/// ```
///
/// The numbers may themselves be those of another derivative. Here a step of gradient descent is differentiated by its
/// learning rate:
///
/// ```
/// use unspool::numbers::{derivative, gradient};
///
/// let loss_after_a_step = |rate| {
///     let w = unspool::tensor::Dual::constant(3.0);
///     let (_, slope) = gradient(&w, |w| w * w);
///     let w = w - rate * slope;
///     w * w
/// };
/// let (loss, by_rate) = derivative(0.25, loss_after_a_step);
/// // (w - 2 r w)², and -4 w² (1 - 2 r)
/// assert_eq!((loss, by_rate), (2.25, -18.0));
/// ```
pub fn gradient<N: Number, X: Numbers<N> + ?Sized>(
    x: &X,
    function: impl for<'t> FunctionOnce<X::Of<Reverse<'t, N>>, Reverse<'t, N>>,
) -> (N, X::Of<N>) {
    NumberTape::new().gradient(x, function)
}

/// The value of a function of one number, and its derivative: forward mode.
///
/// ```
/// use unspool::numbers::derivative;
///
/// // The second derivative is the derivative of the derivative.
/// let (slope, curvature) = derivative(2.0, |x| derivative(x, |x| x * x * x).1);
/// assert_eq!((slope, curvature), (12.0, 12.0));
/// ```
pub fn derivative<N: Number>(x: N, function: impl FnOnce(Dual<N>) -> Dual<N>) -> (N, N) {
    let y = function(Dual { value: x, tangent: N::ONE });
    (y.value, y.tangent)
}

/// The value of a function, and its Jacobian times a direction: how fast the value changes as the inputs move along
/// `direction`. Forward mode, without a tape.
///
/// ```
/// use unspool::numbers::jvp;
///
/// assert_eq!(jvp(&[3.0, 4.0], &[1.0, 10.0], |[x, y]| x * y), (12.0, 4.0 + 30.0));
/// ```
///
/// # Panics
/// If the direction is of another length.
#[track_caller]
pub fn jvp<N: Number, X: Numbers<N> + ?Sized>(
    x: &X,
    direction: &X,
    function: impl FnOnce(X::Of<Dual<N>>) -> Dual<N>,
) -> (N, N) {
    let y = function(x.zip(direction, |value, tangent| Dual { value, tangent }));
    (y.value, y.tangent)
}

/// The gradient of a function, and its Hessian times a direction: how fast the gradient changes as the inputs move along
/// `direction`. Forward over reverse: one backward pass over dual numbers.
///
/// ```
/// use unspool::numbers::hvp;
///
/// let (gradient, product) = hvp(&[3.0, 4.0], &[1.0, 0.0], |[x, y]| x * x * y);
/// assert_eq!((gradient, product), ([24.0, 9.0], [8.0, 6.0]));
/// ```
///
/// Pearlmutter 1994, "Fast exact multiplication by the Hessian".
///
/// # Panics
/// If the direction is of another length.
#[track_caller]
pub fn hvp<N: Number, X: Numbers<N> + ?Sized>(
    x: &X,
    direction: &X,
    function: impl for<'t> FunctionOnce<X::Of<Reverse<'t, Dual<N>>>, Reverse<'t, Dual<N>>>,
) -> (X::Of<N>, X::Of<N>) {
    let tape = NumberTape::new();
    let gradients = function(x.zip(direction, |value, tangent| tape.variable(Dual { value, tangent }))).backward();
    let of = |part: fn(Dual<N>) -> N| {
        let mut inputs = 0..;
        x.map(|_| part(gradients.of_next(&mut inputs)))
    };
    (of(|slope| slope.value), of(|slope| slope.tangent))
}

/// The Hessian of a function: for each input, the derivatives of its part of the gradient. One Hessian-vector product for
/// each.
///
/// ```
/// use unspool::numbers::hessian;
///
/// assert_eq!(hessian(&[3.0, 4.0], |[x, y]| x * x * y), [[8.0, 6.0], [6.0, 0.0]]);
/// ```
pub fn hessian<N: Number, X: Numbers<N> + ?Sized>(
    x: &X,
    function: impl for<'t> Function<X::Of<Reverse<'t, Dual<N>>>, Reverse<'t, Dual<N>>>,
) -> X::Of<X::Of<N>> {
    let mut tape = NumberTape::new();
    let mut rows = 0..;
    x.map(|_| {
        let row = rows.next();
        tape.reset();
        let mut columns = 0..;
        let y = function(x.map(|value| {
            let tangent = if columns.next() == row { N::ONE } else { N::ZERO };
            tape.variable(Dual { value, tangent })
        }));
        let gradients = y.backward();
        let mut inputs = 0..;
        x.map(|_| gradients.of_next(&mut inputs).tangent)
    })
}
