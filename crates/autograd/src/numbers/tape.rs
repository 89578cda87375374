//! The record of what was computed with single numbers, and its backward pass.

use crate::numbers::container::Numbers;
use crate::numbers::function::FunctionOnce;
use crate::numbers::reverse::Reverse;
use std::cell::Cell;
use std::fmt;
use unspool_tensor::{AppendList, Number};

/// An operand that is missing: no entry has this index.
const NONE: u32 = u32::MAX;

/// How a number depends on the two entries it was computed from.
#[derive(Clone, Copy)]
struct Node<N> {
    /// The partial derivatives by the operands.
    partials: [N; 2],
    operands: [u32; 2],
}

/// What was computed with [`Reverse`] numbers: a flat list of entries, the variables and the partial derivatives of
/// operations, in the order of the program.
///
/// An operation on numbers that depend on different entries pushes its partial derivatives, which are known once its value
/// is. A number that depends on one entry alone has the derivative by it with it. [`Reverse::backward`] walks the list
/// once, from the end, and applies the chain rule. Neither recurses, and [`reset`](NumberTape::reset) keeps the memory:
/// a loop that computes the same again allocates nothing.
///
/// The partial derivatives are numbers of type `N`. If these are on a tape themselves, or dual, the gradient can be
/// differentiated.
///
/// ```
/// use unspool::numbers::NumberTape;
///
/// let mut tape = NumberTape::new();
/// for x in [1.0_f64, 2.0, 3.0] {
///     let (value, slope) = tape.gradient(&x, |x| x * x * x);
///     assert_eq!((value, slope), (x * x * x, 3.0 * x * x));
/// }
/// ```
///
/// Griewank and Walther 2008, "Evaluating Derivatives", chapter 3.
pub struct NumberTape<N> {
    nodes: AppendList<Node<N>>,
    /// Memory of the last backward pass.
    adjoints: Cell<Vec<N>>,
    /// The tape that sub-functions are computed on, while none is.
    inner: Cell<Option<Box<NumberTape<N>>>>,
}

impl<N: Number> NumberTape<N> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// A number whose derivative can be requested.
    ///
    /// ```
    /// use unspool::numbers::NumberTape;
    ///
    /// let tape = NumberTape::new();
    /// let (x, y) = (tape.variable(3.0), tape.variable(4.0));
    /// let gradients = (x * y + y).backward();
    /// assert_eq!((gradients.wrt(x), gradients.wrt(y)), (4.0, 4.0));
    /// ```
    #[inline]
    pub fn variable(&self, value: N) -> Reverse<'_, N> {
        self.record(value, [NONE; 2], [N::ZERO; 2])
    }

    /// The value and the gradient of a function: [`gradient`](crate::numbers::gradient) in this tape's memory, which is
    /// [`reset`](NumberTape::reset) first.
    #[track_caller]
    pub fn gradient<X: Numbers<N> + ?Sized>(
        &mut self,
        x: &X,
        function: impl for<'t> FunctionOnce<X::Of<Reverse<'t, N>>, Reverse<'t, N>>,
    ) -> (N, X::Of<N>) {
        self.reset();
        let y = function(x.map(|value| self.variable(value)));
        let gradients = y.backward();
        let mut inputs = 0..;
        (y.value(), x.map(|_| gradients.of_next(&mut inputs)))
    }

    /// Removes all numbers and keeps the memory. Numbers still in use do not compile.
    pub fn reset(&mut self) {
        self.nodes.clear();
    }

    /// How many entries there are on the tape.
    pub fn len(&self) -> usize {
        self.nodes.count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a number with its partial derivative by one entry.
    #[cold]
    pub(crate) fn record_one(&self, value: N, operand: u32, partial: N) -> Reverse<'_, N> {
        self.record(value, [operand, NONE], [partial, N::ZERO])
    }

    /// Adds a number with its partial derivatives by up to two entries, given by their indices.
    #[inline(always)]
    pub(crate) fn record(&self, value: N, operands: [u32; 2], partials: [N; 2]) -> Reverse<'_, N> {
        Reverse::entry(value, self, self.nodes.push(Node { partials, operands }))
    }

    /// The tape for a sub-function, with the memory that the last one had.
    pub(crate) fn take_inner(&self) -> Box<NumberTape<N>> {
        let mut inner = self.inner.take().unwrap_or_default();
        inner.reset();
        inner
    }

    pub(crate) fn put_inner(&self, inner: Box<NumberTape<N>>) {
        self.inner.set(Some(inner));
    }

    /// The derivatives by every entry, of a number whose derivative by entry `y` is `slope`.
    pub(crate) fn backward(&self, y: u32, slope: N) -> NumberGradients<'_, N> {
        let y = y as usize;
        let mut adjoints = self.adjoints.take();
        adjoints.clear();
        adjoints.resize(y + 1, N::ZERO);
        adjoints[y] = slope;
        let mut left = &mut adjoints[..];
        let nodes = self.nodes.replace(Vec::new());
        for node in nodes[..=y].iter().rev() {
            let Some((&mut adjoint, before)) = left.split_last_mut() else { break };
            // What y does not depend on stays 0, however steep: 0 times an infinite derivative would be NaN.
            if !adjoint.is_zero() {
                for (&operand, &partial) in node.operands.iter().zip(&node.partials) {
                    if let Some(sum) = before.get_mut(operand as usize) {
                        *sum += if partial.is_zero() { N::ZERO } else { partial * adjoint };
                    }
                }
            }
            left = before;
        }
        self.nodes.replace(nodes);
        NumberGradients { adjoints, tape: Some(self) }
    }
}

impl<N: Number> Default for NumberTape<N> {
    fn default() -> Self {
        NumberTape { nodes: AppendList::new(), adjoints: Cell::new(Vec::new()), inner: Cell::new(None) }
    }
}

impl<N: Copy> fmt::Debug for NumberTape<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberTape").field("len", &self.nodes.count()).finish_non_exhaustive()
    }
}

/// The derivatives of a number by those it was computed from: the result of [`Reverse::backward`].
///
/// ```
/// use unspool::numbers::NumberTape;
/// let tape = NumberTape::new();
/// let (x, y) = (tape.variable(3.0), tape.variable(5.0));
/// let gradients = (x * x * y).backward();
/// assert_eq!((gradients.wrt(x), gradients.wrt(y)), (30.0, 9.0));
/// ```
pub struct NumberGradients<'t, N: Number> {
    adjoints: Vec<N>,
    tape: Option<&'t NumberTape<N>>,
}

impl<'t, N: Number> NumberGradients<'t, N> {
    pub(crate) fn none() -> Self {
        NumberGradients { adjoints: Vec::new(), tape: None }
    }

    /// The derivative by `x`, a [variable](NumberTape::variable): 0 if the result does not depend on it.
    ///
    /// # Panics
    /// If `x` is of another tape, or a function of another number by which its derivative is not 1.
    #[track_caller]
    pub fn wrt(&self, x: Reverse<'t, N>) -> N {
        let Some((tape, index)) = x.place() else { return N::ZERO };
        let Some(own) = self.tape else { return N::ZERO };
        ensure!(std::ptr::eq(tape, own), "numbers: the result is on another tape than the number");
        ensure!(x.is_entry(), "numbers: a derivative is by a variable, not by what was computed from one");
        self.at(index as usize)
    }

    /// The derivative by number `index` of the tape.
    #[inline]
    pub(crate) fn at(&self, index: usize) -> N {
        self.adjoints.get(index).copied().unwrap_or(N::ZERO)
    }

    /// The same for the next of some variables that were the first on the tape.
    #[inline]
    pub(crate) fn of_next(&self, variables: &mut std::ops::RangeFrom<usize>) -> N {
        self.at(variables.next().expect("an endless range"))
    }
}

impl<N: Number> Drop for NumberGradients<'_, N> {
    fn drop(&mut self) {
        if let Some(tape) = self.tape {
            tape.adjoints.set(std::mem::take(&mut self.adjoints));
        }
    }
}

impl<N: Number> fmt::Debug for NumberGradients<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NumberGradients").field(&self.adjoints).finish()
    }
}
