//! Sub-functions of which the tape keeps the partial derivatives alone.

use crate::numbers::container::Numbers;
use crate::numbers::function::FunctionOnce;
use crate::numbers::reverse::Reverse;
use unspool_tensor::Number;

/// A function of many operations and few results, as few entries of the tape: the derivatives of its results by its inputs
/// are computed at once, and only these are kept.
///
/// The values are those of `function(x)`, and so are the derivatives; for each result, the tape grows by the number of
/// inputs at most instead of that of operations. The function is recorded on a tape of its own, which is used again by the next: a long program cut
/// into such functions, or a recursion that consists of them, takes the memory of one of each. The work for one result is
/// the same; each further one costs another backward pass over the function. Parts of some hundred operations and more
/// are worth it, and small enough to stay in cache they are faster than the whole.
///
/// ```
/// use unspool::numbers::{NumberTape, Reverse, preaccumulate};
///
/// /// The determinant of an n x n matrix, by expansion along its first row.
/// fn determinant<'t>(a: &[Reverse<'t, f64>], n: usize) -> Reverse<'t, f64> {
///     if n == 1 {
///         return a[0];
///     }
///     let mut sum = Reverse::constant(0.0);
///     for j in 0..n {
///         let below: Vec<_> = (n..n * n).filter(|i| i % n != j).map(|i| a[i]).collect();
///         let [minor] = preaccumulate(&below, |a| [determinant(&a, n - 1)]);
///         sum += if j % 2 == 0 { a[j] * minor } else { -a[j] * minor };
///     }
///     sum
/// }
///
/// let mut tape = NumberTape::new();
/// let (value, gradient) = tape.gradient(&[2.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0, 1.0, 4.0], |a| determinant(&a, 3));
/// assert_eq!(value, 18.0);
/// assert_eq!(gradient, [11.0, -4.0, 1.0, -4.0, 8.0, -2.0, 1.0, -2.0, 5.0]);
/// ```
///
/// Griewank and Walther 2008, "Evaluating Derivatives", chapter 10; Utke et al. 2008, "OpenAD/F", has the word.
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
            if x.place().is_none() {
                return;
            }
            let partial = gradients.of_next(&mut variables);
            if !partial.is_zero() {
                sum = sum.chain2(x, y.value(), || N::ONE, || partial);
            }
        });
        sum
    });
    tape.put_inner(inner);
    results
}
