//! Sub-functions of which the tape keeps the partial derivatives alone.

use crate::numbers::container::Numbers;
use crate::numbers::function::FunctionOnce;
use crate::numbers::reverse::Reverse;
use unspool_tensor::Number;

/// A function of many operations and few results, as one entry of the tape: the derivatives of its results by its inputs
/// are computed at once, and only these are kept.
///
/// The values are those of `function(x)`, and so are the derivatives; the tape grows by the number of inputs instead of
/// that of operations. The function is recorded on a tape of its own, which is used again by the next: a long program cut
/// into such functions takes the memory of one of them. Each result costs a backward pass over it, so the work stays the
/// same for one result, as for `[y]` here.
///
/// ```
/// use unspool_autograd::numbers::{NumberTape, preaccumulate};
///
/// let tape = NumberTape::new();
/// let x = tape.variable(0.5);
/// let mut y = x;
/// for _ in 0..1000 {
///     [y] = preaccumulate(&y, |y| {
///         let mut y = y;
///         for _ in 0..100 {
///             y += (x_squared(y) - y) * unspool_autograd::Number::from_f64(0.001);
///         }
///         [y]
///     });
/// }
/// assert_eq!(tape.len(), 1001);
///
/// fn x_squared<N: unspool_autograd::Number>(x: N) -> N { x * x }
/// ```
///
/// Griewank and Walther 2008, "Evaluating Derivatives", section 10.2; the word is that of Utke et al. 2008, "OpenAD/F".
///
/// # Panics
/// If the inputs are on two tapes.
#[track_caller]
pub fn preaccumulate<'t, N: Number, X: Numbers<Reverse<'t, N>> + ?Sized, const K: usize>(
    x: &X,
    function: impl for<'s> FunctionOnce<X::Of<Reverse<'s, N>>, [Reverse<'s, N>; K]>,
) -> [Reverse<'t, N>; K] {
    let (mut outer, mut is_one_tape) = (None, true);
    x.map(|x| {
        let Some((own, _)) = x.place() else { return };
        is_one_tape &= std::ptr::eq(*outer.get_or_insert(own), own);
    });
    ensure!(is_one_tape, "preaccumulate: the inputs are on two tapes");
    let Some(tape) = outer else {
        return function(x.map(|x| Reverse::constant(x.value()))).map(|y| Reverse::constant(y.value()));
    };
    let inner = tape.take_inner();
    let results = function(x.map(|x| match x.place() {
        None => Reverse::constant(x.value()),
        Some(_) => inner.variable(x.value()),
    }));
    let results = results.map(|y| {
        let gradients = y.backward();
        let mut variables = 0..;
        // y as a sum of products of each input with the partial derivative by it.
        let mut sum = Reverse::constant(y.value());
        x.map(|x| {
            let Some((_, operand)) = x.place() else { return };
            let partial = gradients.of_next(&mut variables);
            if partial.is_zero() {
                return;
            }
            sum = match sum.place() {
                None => tape.record(y.value(), [(operand, partial)]),
                Some((_, rest)) => tape.record(y.value(), [(rest, N::ONE), (operand, partial)]),
            };
        });
        sum
    });
    tape.put_inner(inner);
    results
}
