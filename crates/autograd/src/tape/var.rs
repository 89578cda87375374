//! The handle to a value on a tape.

use super::node::Node;
use super::op::Op;
use super::{Tape, panic_absent};
use unspool_tensor::{Scalar, Shape, Tensor};

/// A value on a [`Tape`]: a handle that copies like a number and reads like mathematics.
///
/// Its operations are recorded on the tape. Shapes that do not fit panic with the op, the shapes
/// and the line of the caller; operands broadcast as in NumPy.
///
/// In the formulas, `x` is this value, `y` the result, and `dx` and `dy` are the gradients of the
/// loss with respect to them; of an elementwise op, `dx = dy/dx dy`. At ties and kinks, gradients
/// are those of PyTorch unless noted.
///
/// | family | ops |
/// |---|---|
#[doc = crate::ops::families::families!(crate::ops::families::table)]
/// | [values](#values) | [`tape`](Var::tape) [`value`](Var::value) [`item`](Var::item) [`shape`](Var::shape) [`ptr_eq`](Var::ptr_eq) [`new_zeros`](Var::new_zeros) [`detach`](Var::detach) [`retain_grad`](Var::retain_grad) [`requires_grad`](Var::requires_grad) [`name`](Var::name) [`origin`](Var::origin) [`inputs`](Var::inputs) |
/// | [bad values](#looking-for-bad-values) | [`bad_value`](Var::bad_value) |
/// | [gradients](#gradients) | [`backward`](Var::backward) [`backward_with`](Var::backward_with) |
/// | [gradients on the tape](#gradients-on-the-tape) | [`gradient_wrt`](Var::gradient_wrt) [`gradient_of`](Var::gradient_of) [`jvp`](Var::jvp) |
pub struct Var<'t, T: Scalar = f32> {
    pub(crate) tape: &'t Tape<T>,
    /// The id in the lower half; in the upper half the epoch, how often the tape had been tidied when
    /// the value was recorded, since ids are used again after that. One number, so that a variable
    /// is passed in two registers.
    handle: u64,
}

impl<'t, T: Scalar> Var<'t, T> {
    #[inline]
    pub(super) fn new(tape: &'t Tape<T>, id: u32, epoch: u32) -> Self {
        Var { tape, handle: u64::from(epoch) << 32 | u64::from(id) }
    }

    #[inline]
    pub(crate) fn id(self) -> u32 {
        self.handle as u32
    }

    #[inline]
    pub(super) fn epoch(self) -> u32 {
        (self.handle >> 32) as u32
    }
}

impl<T: Scalar> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar> Copy for Var<'_, T> {}

/// # Values
impl<'t, T: Scalar> Var<'t, T> {
    /// The tape of this value, for further constants.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let two = x.tape().constant(&Tensor::scalar(2.0));
    /// assert_eq!((x * two).item(), 6.0);
    /// ```
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The value, as a tensor; it shares its memory.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// assert_eq!((x * 2.0).value().to_vec(), [2.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the tape has [released](Tape::release) it, or it was computed inside a
    /// [checkpointed](Tape::checkpoint) segment and not returned from there.
    #[track_caller]
    pub fn value(self) -> Tensor<T> {
        let record = self.tape.record.borrow();
        record.check_epoch("value", self);
        let node = record.nodes[self.id() as usize];
        if node.is_absent() {
            panic_absent("value", node);
        }
        record.values[self.id() as usize].clone()
    }

    /// The element of a value that has one.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// assert_eq!(x.sum().item(), 3.0);
    /// ```
    ///
    /// # Panics
    /// If the value does not have exactly one element.
    #[track_caller]
    pub fn item(self) -> T {
        self.value().item()
    }

    /// The shape of the value.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::zeros([2, 3]));
    /// assert_eq!(x.shape()[..], [2, 3]);
    /// assert_eq!(x.t().shape()[..], [3, 2]);
    /// ```
    ///
    /// # Panics
    /// If it is a constant that the tape has [released](Tape::release).
    #[inline]
    #[track_caller]
    pub fn shape(self) -> Shape {
        let record = self.tape.record.borrow();
        record.check_epoch("shape", self);
        let node = record.nodes[self.id() as usize];
        if node.is(Node::RELEASED) && !node.needs_gradient() {
            panic_absent("shape", node);
        }
        record.values[self.id() as usize].shape()
    }

    /// Whether this is the same value of the same tape, not another one that may be equal.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let (x, y) = (tape.variable(&Tensor::scalar(3.0)), tape.variable(&Tensor::scalar(3.0)));
    /// assert!(x.ptr_eq(x) && !x.ptr_eq(y));
    /// ```
    pub fn ptr_eq(self, other: Self) -> bool {
        self.handle == other.handle && std::ptr::eq(self.tape, other.tape)
    }

    /// A constant of zeros on the tape of this value, whose elements are not read: the state before
    /// the first step.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let weight = tape.variable(&Tensor::<f32>::ones([2, 3]));
    /// let state = weight.new_zeros([1, 3]);
    /// assert_eq!(state.value().to_vec(), [0.0, 0.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn new_zeros(self, shape: impl Into<Shape>) -> Self {
        self.tape.constant(&Tensor::zeros(shape))
    }

    /// The same value as a constant: the gradient stops here, `dx = 0`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// assert_eq!((x * x.detach()).backward().wrt(x).item(), 3.0);
    /// ```
    #[track_caller]
    pub fn detach(self) -> Self {
        let value = self.value();
        if T::TANGENTS == 0 {
            return self.tape.constant(&value);
        }
        self.tape.constant(&value.map(|x| x.with_tangent_of(T::ZERO)))
    }

    /// This value, with its gradient kept although it is computed from others: after a backward
    /// pass, [`wrt`](crate::Gradients::wrt) returns it. The gradients of variables are always kept.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let hidden = x.square().retain_grad();
    /// let gradients = hidden.square().backward();
    /// assert_eq!(gradients.wrt(hidden).item(), 2.0 * 9.0);
    /// assert_eq!(gradients.wrt(x).item(), 2.0 * 9.0 * 2.0 * 3.0);
    /// ```
    #[track_caller]
    pub fn retain_grad(self) -> Self {
        let record = &mut *self.tape.record.borrow_mut();
        record.check_epoch("retain_grad", self);
        if !record.nodes[self.id() as usize].is(Node::RETAINED) {
            record.nodes[self.id() as usize].set(Node::RETAINED);
            record.retained.push((self.id(), record.passes));
        }
        self
    }

    /// Whether the value depends on a variable: whether a gradient reaches it.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let (x, y) = (tape.variable(&Tensor::scalar(3.0)), tape.constant(&Tensor::scalar(2.0)));
    /// assert!((x * y).requires_grad());
    /// assert!(!(y * y).requires_grad());
    /// ```
    #[track_caller]
    pub fn requires_grad(self) -> bool {
        let record = self.tape.record.borrow();
        record.check_epoch("requires_grad", self);
        record.nodes[self.id() as usize].needs_gradient()
    }

    /// Runs an op with this value as its only input.
    #[track_caller]
    #[inline]
    pub(crate) fn unary(self, op: impl Op) -> Self {
        self.tape.apply(op, &[self])
    }
}

impl<T: Scalar> std::fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let record = self.tape.record.borrow();
        if record.is_freed(*self) || record.nodes[self.id() as usize].is_absent() {
            return write!(f, "Var {}, released", self.id());
        }
        write!(f, "Var {} = {:?}", self.id(), record.values[self.id() as usize])
    }
}
