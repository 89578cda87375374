//! The trait that every op implements, built-in and user-defined alike.

use super::accumulator::Accumulator;
use super::node::{Node, Saves};
use super::packed_weights::PackedWeights;
use super::pushed_inputs::PushedInputs;
use std::fmt;
use unspool_tensor::{Scalar, Tensor};

/// An operation on tensors with its gradient rule.
///
/// [`Tape::apply`](crate::Tape::apply) runs and records it. The tape knows no particular op: the
/// built-in ones in [`ops`](crate::ops) implement this trait as yours do.
///
/// ```
/// use unspool::ops::{InputGrads, Inputs, Op};
/// use unspool::{Scalar, Tape, Tensor};
///
/// /// The outer product of two vectors: `[N] x [M] -> [N, M]`.
/// #[derive(Clone)]
/// struct Outer;
///
/// impl Op for Outer {
///     fn name(&self) -> &'static str { "outer" }
///
///     fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
///         x[0].unsqueeze(1).matmul(&x[1].unsqueeze(0))
///     }
///
///     fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
///         let vector = |m: Tensor<T>| m.reshape([m.numel()]);
///         into.add_with(0, || vector(grad.matmul(&x[1].unsqueeze(1))));
///         into.add_with(1, || vector(x[0].unsqueeze(0).matmul(&grad)));
///     }
/// }
///
/// let tape = Tape::new();
/// let a = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
/// let b = tape.variable(&Tensor::from_vec(vec![3.0, 4.0, 5.0], [3]));
/// let gradients = tape.apply(Outer, &[a, b]).sum().backward();
/// assert_eq!(gradients.wrt(a).to_vec(), [12.0, 12.0]);
/// assert_eq!(gradients.wrt(b).to_vec(), [3.0, 3.0, 3.0]);
/// ```
pub trait Op: Clone + Send + Sync + 'static {
    /// The op's name, for messages.
    fn name(&self) -> &'static str;

    /// The value.
    ///
    /// # Panics
    /// If it has no value for these shapes, with a message that has its name and the shapes, and with
    /// `#[track_caller]` the line of the caller.
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T>;

    /// The elements that [`backward`](Op::backward) reads: of the inputs, of the value, or of both.
    /// All by default; the others need not be kept.
    fn saves(&self) -> Saves {
        Saves::ALL
    }

    /// Passes the gradient with respect to each input to `into`, given the inputs, the value `y`
    /// and the gradient `grad` with respect to it (of `y`'s shape).
    ///
    /// A contribution may have the shape to which its input was broadcast: `into` sums it back.
    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>);

    /// The value with its tangents, for each group of directions, if that takes less than
    /// [`forward`](Op::forward) over numbers with tangents, where those of constants are 0.
    #[doc(hidden)]
    fn push_forward<T: Scalar>(&self, x: PushedInputs<'_, T>) -> Option<Vec<Tensor<T::Lifted>>> {
        let _ = x;
        None
    }

    /// The floating-point operations of the value `y`, for a [profile](crate::Profile): two for each
    /// multiplication and addition of a matrix product or a convolution. Nothing else counts, as in
    /// PyTorch's `FlopCounterMode`, so the default is 0.
    fn flops<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>) -> f64 {
        let _ = (x, y);
        0.0
    }

    /// Those of the gradient with respect to input `i`; by default as many as of the value, as it is for
    /// each factor of a product.
    fn gradient_flops<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, i: usize) -> f64 {
        let _ = i;
        self.flops(x, y)
    }
}

/// The input tensors of an op: indexes like a list.
///
/// ```
/// use unspool::ops::Inputs;
/// use unspool::{Scalar, Tensor};
/// /// The value of an op: the sum of its inputs.
/// fn sum<T: Scalar>(x: Inputs<'_, T>) -> Tensor<T> {
///     x.iter().skip(1).fold(x[0].clone(), |sum, x| sum + x)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Inputs<'a, T: Scalar> {
    pub(super) values: &'a [Tensor<T>],
    pub(super) ids: &'a [u32],
    pub(super) packed: &'a PackedWeights<T>,
}

impl<T: Scalar> fmt::Debug for Inputs<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids.iter().map(|&id| &self.values[id as usize])).finish()
    }
}

impl<'a, T: Scalar> Inputs<'a, T> {
    /// The number of inputs.
    #[inline]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The product `a w`, where `w` is input `i`: `a` is `[.., K]`, `w` is `[K, N]`.
    ///
    /// The same as `a.matmul(&x[i])`. A matrix that is used several times on a tape is packed for
    /// it once.
    ///
    /// # Panics
    /// If the shapes do not multiply.
    #[track_caller]
    pub fn matmul(&self, a: &Tensor<T>, i: usize) -> Tensor<T> {
        self.packed.product(None, a, (self.ids[i], false), &self[i])
    }

    /// The product `a wᵀ`, where `w` is input `i`: `a` is `[.., N]`, `w` is `[K, N]`. Like
    /// [`matmul`](Inputs::matmul).
    ///
    /// # Panics
    /// If the shapes do not multiply.
    #[track_caller]
    pub fn matmul_t(&self, a: &Tensor<T>, i: usize) -> Tensor<T> {
        self.packed.product(None, a, (self.ids[i], true), &self[i])
    }

    /// `sum + a w`, where `w` is input `i`: `sum` is `[.., N]`, `a` is `[.., K]`, `w` is `[K, N]`.
    /// Like [`matmul`](Inputs::matmul).
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn addmm(&self, sum: Tensor<T>, a: &Tensor<T>, i: usize) -> Tensor<T> {
        self.packed.product(Some(sum), a, (self.ids[i], false), &self[i])
    }

    /// The inputs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a Tensor<T>> + Clone + use<'a, T> {
        let values = self.values;
        self.ids.iter().map(move |&id| &values[id as usize])
    }
}

impl<T: Scalar> std::ops::Index<usize> for Inputs<'_, T> {
    type Output = Tensor<T>;
    #[inline]
    fn index(&self, i: usize) -> &Tensor<T> {
        &self.values[self.ids[i] as usize]
    }
}

/// Where an op's [`backward`](Op::backward) puts the gradients of its inputs.
///
/// The first contribution to an input is kept as is, later ones are added in place. Contributions
/// to inputs that need no gradient are dropped; [`needs`](InputGrads::needs) reports that in
/// advance.
pub struct InputGrads<'a, T: Scalar> {
    pub(super) gradients: &'a mut Accumulator<T>,
    pub(super) nodes: &'a [Node],
    pub(super) inputs: Inputs<'a, T>,
    /// Contributions are 0 below it.
    pub(super) least: T,
}

impl<T: Scalar> fmt::Debug for InputGrads<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputGrads").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl<T: Scalar> InputGrads<'_, T> {
    /// Whether anything depends on the gradient with respect to input `i`.
    ///
    /// # Panics
    /// If there is no such input.
    #[track_caller]
    #[inline]
    pub fn needs(&self, i: usize) -> bool {
        ensure!(i < self.inputs.len(), "an op of {} inputs has no input {i}", self.inputs.len());
        self.nodes[self.inputs.ids[i] as usize].needs_gradient()
    }

    /// Adds `grad` to the gradient with respect to input `i`. If `grad` has the shape that the
    /// input was broadcast to, it is summed back to the input's shape. Elements that are too small
    /// become 0: those below [`least`](InputGrads::least).
    #[inline]
    #[track_caller]
    pub fn add(&mut self, i: usize, grad: Tensor<T>) {
        self.add_with(i, || grad);
    }

    /// Like [`add`](InputGrads::add), computing the contribution only if it is needed.
    ///
    /// # Panics
    /// If there is no such input, or `grad` has neither its shape nor one that it broadcasts to.
    #[track_caller]
    #[inline]
    pub fn add_with(&mut self, i: usize, grad: impl FnOnce() -> Tensor<T>) {
        let least = self.least;
        self.pass_on(i, || grad().flush(least));
    }

    /// The magnitude below which elements of a contribution are 0, so that nothing that is computed from them is
    /// subnormal: see [`Tape::set_flush_denormal`](crate::Tape::set_flush_denormal).
    ///
    /// [`add`](InputGrads::add) sets them to 0 in a pass of its own. A rule that computes its elements one by one may do
    /// it there, and [pass](InputGrads::pass_on) them on:
    ///
    /// ```
    /// # use unspool::ops::{InputGrads, Inputs, Op};
    /// # use unspool::{Scalar, Tape, Tensor};
    /// # #[derive(Clone)]
    /// # struct Halve;
    /// # impl Op for Halve {
    /// #     fn name(&self) -> &'static str { "halve" }
    /// #     fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> { x[0].map(|x| x * T::from_f64(0.5)) }
    /// fn backward<T: Scalar>(&self, _: Inputs<'_, T>, _: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
    ///     let least = into.least();
    ///     into.pass_on(0, || grad.map(|g| (g * T::from_f64(0.5)).flush(least)));
    /// }
    /// # }
    /// # let tape = Tape::new();
    /// # let x = tape.variable(&Tensor::<f32>::scalar(3.0));
    /// # assert_eq!(tape.apply(Halve, &[x]).backward().wrt(x).item(), 0.5);
    /// ```
    #[inline]
    pub fn least(&self) -> T {
        self.least
    }

    /// Like [`add_with`](InputGrads::add_with), but adds the elements as they are: for those of the gradient in
    /// another shape, or ones that are flushed already.
    ///
    /// # Panics
    /// As `add_with`.
    #[track_caller]
    #[inline]
    pub fn pass_on(&mut self, i: usize, grad: impl FnOnce() -> Tensor<T>) {
        if self.needs(i) {
            let grad = grad();
            let grad = if grad.same_shape(&self.inputs[i]) {
                grad
            } else {
                let (given, shape) = (grad.shape(), self.inputs[i].shape());
                let fits = shape.broadcast(&given) == Some(given);
                ensure!(fits, "add: {given} is not a gradient of input {i}, {shape}, nor of what it broadcasts to");
                grad.sum_to(shape)
            };
            self.gradients.add(self.inputs.ids[i], grad);
        }
    }

    /// Adds `grad` to a slice of the gradient with respect to input `i`: the indices of `axis` from
    /// `start` on, `step` apart.
    ///
    /// All slices share one gradient. Each costs time in proportion to its own size, not to that of
    /// the input: cutting a sequence into its steps stays linear in their number. Adjacent slices
    /// are written, not added to zeros.
    ///
    /// # Panics
    /// If there is no such input, or the slice does not fit.
    #[track_caller]
    pub fn slice_add(&mut self, i: usize, axis: usize, start: usize, step: isize, grad: &Tensor<T>) {
        if self.needs(i) {
            self.gradients.slice_add(self.inputs.ids[i], self.inputs[i].shape(), (axis, start, step), grad);
        }
    }

    /// Lets `add` add to the gradient with respect to input `i`, which has the input's shape and
    /// starts as zeros: `into.update(0, |sum| sum.index_add(axis, &positions, &grad))`. `add` may
    /// touch only a few of its elements.
    pub fn update(&mut self, i: usize, add: impl FnOnce(&mut Tensor<T>)) {
        if self.needs(i) {
            add(self.gradients.sum(self.inputs.ids[i], self.inputs[i].shape()));
        }
    }

    /// Adds the product `aᵀ grad` to the gradient with respect to input `i`, a matrix `[K, N]`; `a`
    /// is `[.., K]` and `grad` is `[.., N]`, with the same leading axes.
    ///
    /// The products of a weight that is used at every time step are collected and computed as one
    /// over many rows.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn add_matmul_tn(&mut self, i: usize, a: &Tensor<T>, grad: &Tensor<T>) {
        let (sa, sg, weight) = (a.shape(), grad.shape(), self.inputs[i].shape());
        let fits = sa.rank() > 0
            && sa.rank() == sg.rank()
            && sa[..sa.rank() - 1] == sg[..sg.rank() - 1]
            && weight[..] == [sa[sa.rank() - 1], sg[sg.rank() - 1]];
        ensure!(fits, "add_matmul_tn: {sa}ᵀ x {sg} is not a gradient of input {i}, {weight}");
        if self.needs(i) {
            self.gradients.add_matmul_tn(self.inputs.ids[i], a, grad);
        }
    }
}
