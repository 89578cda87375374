//! What layers have in common.

use crate::context::Context;
use crate::data::examples::OnTape;
use unspool_autograd::{Indices, Params, Scalar, Tensor, Var};

/// A layer bound to a tape: a function of one input. The input is a variable, unless said
/// otherwise: an [`Embedding`](crate::layers::Embedding) takes indices, a model of yours whatever it
/// needs.
///
/// A layer of your own writes [`apply`](Layer::apply), and passes the context on to the layers that
/// it is made of, [folded](Context::fold_in) with the index of each: two that get the same context
/// drop the same elements.
///
/// A shape mistake in your `apply` panics with its line in it; with `#[track_caller]` on the method,
/// with the line that called the layer. The message names the layer if it is one of a
/// [`Sequential`](crate::layers::Sequential), or if `apply` begins with
/// `let _scope = x.tape().layer_scope(self);`, as the built-in layers do: see
/// [`Tape::layer_scope`](unspool_autograd::Tape::layer_scope).
///
/// ```
/// use unspool::prelude::*;
///
/// /// Two dense layers around dropout, added to their input (He et al. 2016).
/// #[derive(Params)]
/// struct Block<P> { up: Dense<P>, down: Dense<P>, rate: f64 }
///
/// impl<'t, T: Scalar> Layer<'t, T> for Block<Var<'t, T>> {
///     type Output = Var<'t, T>;
///     fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
///         let h = self.up.apply(x, cx.fold_in(0)).relu();
///         let h = dropout(self.rate).apply(h, cx.fold_in(1));
///         x + self.down.apply(h, cx.fold_in(2))
///     }
/// }
///
/// let rng = &mut rng(0);
/// let block: Block<Tensor> = Block { up: Dense::new(rng, 4, 16), down: Dense::new(rng, 16, 4), rate: 0.5 };
/// let tape = Tape::new();
/// let (net, x) = (tape.bind(&block), tape.constant(&Tensor::ones([2, 4])));
/// assert_eq!(net.forward(x).value(), net.forward(x).value()); // evaluation
/// assert_ne!(net.apply(x, Context::training(1)).value(), net.forward(x).value());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer over `{X}`",
    note = "a layer implements `Layer` when its leaves are bound to a tape: `impl<'t, T: Scalar> Layer<'t, T> for MyLayer<Var<'t, T>>`"
)]
pub trait Layer<'t, T: Scalar, X = Var<'t, T>> {
    /// The output of the layer: a [`Var`], or something that converts into one.
    type Output: Into<Var<'t, T>>;

    /// The output for the input `x`, in training or evaluation, and for sequences of different
    /// lengths, as the context states. A layer that computes each step by itself takes its input
    /// [without padding](crate::layers::zero_padding); one that mixes steps and has no use for
    /// lengths [panics](Context::require_all_steps) if there are any.
    fn apply(&self, x: X, cx: Context<'_>) -> Self::Output;

    /// The output as one variable. A layer that converts into a part of what it computes need not
    /// keep the rest.
    #[doc(hidden)]
    #[track_caller]
    fn apply_converted(&self, x: X, cx: Context<'_>) -> Var<'t, T> {
        self.apply(x, cx).into()
    }

    /// The output for the input `x`, in evaluation and over all time steps: not for a layer inside
    /// another's [`apply`](Layer::apply), where the context is to be passed on.
    #[track_caller]
    fn forward(&self, x: X) -> Self::Output {
        self.apply(x, Context::default())
    }
}

/// A model of tensors that is a [`Layer`] when bound to a tape: what [`fit`](crate::train::fit)
/// trains on inputs `X`.
///
/// It is implemented for every type that qualifies.
///
/// ```
/// use unspool::layers::Model;
/// use unspool::prelude::*;
/// /// The last loss of a training of any model.
/// fn train(model: &mut (impl Model<f32> + Send + Sync), data: &Dataset) -> f64 {
///     let history = fit(model, data).loss(mse).epochs(5).quiet().run().unwrap();
///     history.loss[4]
/// }
/// let data = Dataset::new(Tensor::ones([8, 16, 1]), Tensor::zeros([16, 1]))?;
/// let (mut small, mut large) = (sequential().add(gru(1, 1)), sequential().add(lstm(1, 8)).add(dense(8, 1)));
/// assert!(train(&mut small, &data) > 0.0 && train(&mut large, &data) > 0.0);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of inputs `{X}`",
    note = "a model derives `Params`, and implements `Layer` when its leaves are bound to a tape: `impl<'t, T: Scalar> Layer<'t, T> for MyModel<Var<'t, T>>`"
)]
pub trait Model<T: Scalar, X: OnTape<T> = Tensor<T>>: Params<Tensor<T>> {
    /// The output of the bound model for the input `x`.
    #[track_caller]
    fn output<'t>(net: &Self::With<Var<'t, T>>, x: X::Bound<'t>, cx: Context<'_>) -> Var<'t, T>;
}

impl<T: Scalar, X: Feeds<T, M>, M: Params<Tensor<T>>> Model<T, X> for M {
    fn output<'t>(net: &Self::With<Var<'t, T>>, x: X::Bound<'t>, cx: Context<'_>) -> Var<'t, T> {
        X::feed(net, x, cx)
    }
}

/// Inputs for layers of the model `M`. The bound of [`Model`] is one on the inputs, because only
/// then does the compiler wait until it knows what they are.
#[diagnostic::on_unimplemented(
    message = "`{M}` is not a model of inputs `{Self}`",
    note = "a model derives `Params`, and implements `Layer` when its leaves are bound to a tape: `impl<'t, T: Scalar> Layer<'t, T> for MyModel<Var<'t, T>>`"
)]
pub trait Feeds<T: Scalar, M: Params<Tensor<T>>>: OnTape<T> {
    #[track_caller]
    fn feed<'t>(net: &M::With<Var<'t, T>>, x: Self::Bound<'t>, cx: Context<'_>) -> Var<'t, T>;
}

macro_rules! feeds {
    ([$($generics:tt)*] $examples:ty) => {
        impl<T: Scalar, M: Params<Tensor<T>>, $($generics)*> Feeds<T, M> for $examples
        where
            for<'t> M::With<Var<'t, T>>: Layer<'t, T, <$examples as OnTape<T>>::Bound<'t>>,
        {
            fn feed<'t>(net: &M::With<Var<'t, T>>, x: Self::Bound<'t>, cx: Context<'_>) -> Var<'t, T> {
                net.apply_converted(x, cx)
            }
        }
    };
}
feeds!([] Tensor<T>);
feeds!([] Indices);
feeds!([A: OnTape<T>, B: OnTape<T>] (A, B));
