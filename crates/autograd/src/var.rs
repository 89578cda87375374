//! The handle to a value on a tape.

use crate::gradients::Gradients;
use crate::op::Op;
use crate::tape::{Tape, forgotten};
use unspool_tensor::{Scalar, Shape, Tensor};

/// A value on a [`Tape`]: a handle that copies like a number and reads like mathematics.
///
/// Its operations are recorded on the tape. Mistakes with shapes panic with the op, the shapes and the line of
/// the caller; operands broadcast as NumPy's do.
///
/// In the formulas, `x` is this value, `y` the result, and `dx` and `dy` are the gradients of the loss with respect to
/// them; of an elementwise op, `dx = dy/dx dy`. At ties and kinks, gradients are those of PyTorch unless said.
///
/// | family | ops |
/// |---|---|
/// | [Arithmetic](#arithmetic) | [`+` `-` `*` `/`](#trait-implementations) with variables and numbers (`1.0 - z`; numbers are `f64` whatever `T` is), unary `-`, [`square`](Var::square) [`pow`](Var::pow) [`powf`](Var::powf) [`powi`](Var::powi) [`sqrt`](Var::sqrt) [`reciprocal`](Var::reciprocal) [`abs`](Var::abs) [`sign`](Var::sign) |
/// | [Exponentials and waves](#exponentials-and-waves) | [`exp`](Var::exp) [`expm1`](Var::expm1) [`ln`](Var::ln) [`ln1p`](Var::ln1p) [`sin`](Var::sin) [`cos`](Var::cos) [`atan`](Var::atan) [`atan2`](Var::atan2) [`erf`](Var::erf) |
/// | [Activations](#activations) | [`tanh`](Var::tanh) [`sigmoid`](Var::sigmoid) [`relu`](Var::relu) [`leaky_relu`](Var::leaky_relu) [`elu`](Var::elu) [`selu`](Var::selu) [`gelu`](Var::gelu) [`gelu_tanh`](Var::gelu_tanh) [`softplus`](Var::softplus) [`silu`](Var::silu) [`mish`](Var::mish) [`softsign`](Var::softsign) [`logsigmoid`](Var::logsigmoid) [`hardsigmoid`](Var::hardsigmoid) [`hardtanh`](Var::hardtanh) [`hardswish`](Var::hardswish) |
/// | [Choice](#choice) | [`maximum`](Var::maximum) [`minimum`](Var::minimum) [`clamp`](Var::clamp) [`where_`](Var::where_) [`masked_fill`](Var::masked_fill) [`lerp`](Var::lerp) [`dropout`](Var::dropout) |
/// | [Products](#products) | [`matmul`](Var::matmul) [`linear`](Var::linear) [`dot`](Var::dot) [`outer`](Var::outer) [`einsum`](Var::einsum) [`conv1d`](Var::conv1d) |
/// | [Reductions](#reductions) | [`sum`](Var::sum) [`sum_axes`](Var::sum_axes) [`sum_keepdim`](Var::sum_keepdim) [`mean`](Var::mean) [`mean_axes`](Var::mean_axes) [`mean_keepdim`](Var::mean_keepdim) [`prod`](Var::prod) [`prod_axes`](Var::prod_axes) [`prod_keepdim`](Var::prod_keepdim) [`max`](Var::max) [`max_axes`](Var::max_axes) [`max_keepdim`](Var::max_keepdim) [`min`](Var::min) [`min_axes`](Var::min_axes) [`min_keepdim`](Var::min_keepdim) [`argmax`](Var::argmax) [`argmax_keepdim`](Var::argmax_keepdim) [`var`](Var::var) [`var_axes`](Var::var_axes) [`var_keepdim`](Var::var_keepdim) [`std`](Var::std) [`std_axes`](Var::std_axes) [`std_keepdim`](Var::std_keepdim) [`norm`](Var::norm) [`norm_axes`](Var::norm_axes) [`norm_keepdim`](Var::norm_keepdim) [`logsumexp`](Var::logsumexp) [`logsumexp_axes`](Var::logsumexp_axes) [`logsumexp_keepdim`](Var::logsumexp_keepdim) |
/// | [Along an axis](#along-an-axis) | [`softmax`](Var::softmax) [`log_softmax`](Var::log_softmax) [`layer_norm`](Var::layer_norm) [`layer_norm_affine`](Var::layer_norm_affine) [`rms_norm`](Var::rms_norm) [`rms_norm_affine`](Var::rms_norm_affine) [`cumsum`](Var::cumsum) [`cumprod`](Var::cumprod) [`sort`](Var::sort) [`topk`](Var::topk) |
/// | [Shape](#shape) | [`reshape`](Var::reshape) [`unsqueeze`](Var::unsqueeze) [`squeeze`](Var::squeeze) [`permute`](Var::permute) [`t`](Var::t) [`transpose`](Var::transpose) [`expand`](Var::expand) [`repeat`](Var::repeat) [`flip`](Var::flip) [`roll`](Var::roll) [`pad`](Var::pad) [`pad_with`](Var::pad_with) [`tril`](Var::tril) [`triu`](Var::triu) |
/// | [Parts](#parts) | [`select`](Var::select) [`unbind`](Var::unbind) [`last`](Var::last) [`slice`](Var::slice) [`slice_step`](Var::slice_step) [`chunks`](Var::chunks) [`split`](Var::split) [`stack`](Var::stack) [`concat`](Var::concat) |
/// | [Positions](#positions) | [`index_select`](Var::index_select) [`gather`](Var::gather) [`take_along`](Var::take_along) [`scatter_add`](Var::scatter_add) |
/// | [Values and gradients](#values-and-gradients) | [`tape`](Var::tape) [`value`](Var::value) [`item`](Var::item) [`shape`](Var::shape) [`ptr_eq`](Var::ptr_eq) [`new_zeros`](Var::new_zeros) [`detach`](Var::detach) [`retain_grad`](Var::retain_grad) [`backward`](Var::backward) [`backward_with`](Var::backward_with) |
pub struct Var<'t, T: Scalar = f32> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) id: u32,
}

impl<T: Scalar> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar> Copy for Var<'_, T> {}

/// # Values and gradients
impl<'t, T: Scalar> Var<'t, T> {
    /// The tape this value is on, for constants beside it.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
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
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// assert_eq!((x * 2.0).value().to_vec(), [2.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the tape has [forgotten](Tape::release) it.
    #[track_caller]
    pub fn value(self) -> Tensor<T> {
        let record = self.tape.record.borrow();
        if record.nodes[self.id as usize].is_forgotten {
            forgotten("value");
        }
        record.values[self.id as usize].clone()
    }

    /// The number in a value of one element.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// assert_eq!(x.sum().item(), 3.0);
    /// ```
    ///
    /// # Panics
    /// If there is not exactly one element.
    #[track_caller]
    pub fn item(self) -> T {
        self.value().item()
    }

    /// The shape of the value.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::zeros([2, 3]));
    /// assert_eq!(x.shape()[..], [2, 3]);
    /// assert_eq!(x.t().shape()[..], [3, 2]);
    /// ```
    ///
    /// # Panics
    /// If it is a constant that the tape has [forgotten](Tape::release).
    #[inline]
    #[track_caller]
    pub fn shape(self) -> Shape {
        let record = self.tape.record.borrow();
        let node = record.nodes[self.id as usize];
        if node.is_forgotten && !node.needs_gradient {
            forgotten("shape");
        }
        record.values[self.id as usize].shape()
    }

    /// Whether this is that very value of the same tape, and not another one that may be equal.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let (x, y) = (tape.variable(&Tensor::scalar(3.0)), tape.variable(&Tensor::scalar(3.0)));
    /// assert!(x.ptr_eq(x) && !x.ptr_eq(y));
    /// ```
    pub fn ptr_eq(self, other: Self) -> bool {
        self.id == other.id && std::ptr::eq(self.tape, other.tape)
    }

    /// A constant of zeros on the same tape: the state before the first step. This value only tells which tape.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let weight = tape.variable(&Tensor::<f32>::ones([2, 3]));
    /// let state = weight.new_zeros([1, 3]);
    /// assert_eq!(state.value().to_vec(), [0.0, 0.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn new_zeros(self, shape: impl Into<Shape>) -> Self {
        self.tape.constant(&Tensor::zeros(shape))
    }

    /// The same value, cut off from what it was made of: a constant, `dx = 0`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// assert_eq!((x * x.detach()).backward().wrt(x).item(), 3.0);
    /// ```
    #[track_caller]
    pub fn detach(self) -> Self {
        let value = self.value();
        if !T::HAS_TANGENT {
            return self.tape.constant(&value);
        }
        self.tape.constant(&value.map(|x| x.with_tangent_of(T::ZERO)))
    }

    /// This value, whose gradient is to be kept although it was computed from others: after a backward sweep,
    /// [`wrt`](Gradients::wrt) has it. The gradients of variables are kept anyway.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let hidden = x.square().retain_grad();
    /// let gradients = hidden.square().backward();
    /// assert_eq!(gradients.wrt(hidden).item(), 2.0 * 9.0);
    /// assert_eq!(gradients.wrt(x).item(), 2.0 * 9.0 * 2.0 * 3.0);
    /// ```
    pub fn retain_grad(self) -> Self {
        let record = &mut *self.tape.record.borrow_mut();
        let node = &mut record.nodes[self.id as usize];
        node.retained_from = node.retained_from.min(record.sweeps);
        self
    }

    /// Runs an op with this variable as its only input.
    #[track_caller]
    #[inline]
    pub(crate) fn unary(self, op: impl Op<T>) -> Self {
        self.tape.apply(op, &[self])
    }

    /// The gradients of this value, a loss of one element, with respect to every variable of the tape: `d loss / d x`
    /// for each.
    ///
    /// One walk over the tape, from here to its beginning.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, -2.0], [2]));
    /// let gradients = x.square().sum().backward();
    /// assert_eq!(gradients.wrt(x).to_vec(), [2.0, -4.0]);
    /// ```
    ///
    /// # Panics
    /// If the value has not exactly one element, or depends on no variable.
    #[track_caller]
    pub fn backward(self) -> Gradients<'t, T> {
        let shape = self.shape();
        assert!(shape.elements() == 1, "backward: a loss has one element, this value has shape {shape}");
        self.require_variable();
        Gradients::sweep(self, Tensor::ones(shape))
    }

    /// Like [`backward`](Var::backward), for a value of any shape: the gradients of the sum of its elements times those
    /// of `seed`, a vector-Jacobian product.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, -2.0], [2]));
    /// let gradients = x.square().backward_with(&Tensor::from_vec(vec![10.0, 1.0], [2]));
    /// assert_eq!(gradients.wrt(x).to_vec(), [20.0, -4.0]);
    /// ```
    ///
    /// # Panics
    /// If `seed` has another shape than the value, or the value depends on no variable.
    #[track_caller]
    pub fn backward_with(self, seed: &Tensor<T>) -> Gradients<'t, T> {
        let (shape, given) = (self.shape(), seed.shape());
        assert!(shape == given, "backward_with: the seed {given} must have the shape of the value, {shape}");
        self.require_variable();
        Gradients::sweep(self, seed.clone())
    }

    #[track_caller]
    fn require_variable(self) {
        let needs_gradient = self.tape.record.borrow().nodes[self.id as usize].needs_gradient;
        assert!(needs_gradient, "backward: the loss depends on no variable of its tape");
    }
}

impl<T: Scalar> std::fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Var {} = {:?}", self.id, self.value())
    }
}
