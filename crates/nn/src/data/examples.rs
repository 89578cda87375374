//! What inputs and targets are made of: tensors, indices, and pairs of them.

use crate::context::Context;
use crate::data::parts::Parts;
use crate::layers::masks::zero_padding;
use unspool_autograd::{Indices, Scalar, Tape, Tensor, Var};

/// The inputs or the targets of a number of examples.
///
/// | type | one row per example | sequences |
/// |---|---|---|
/// | [`Tensor`] | `[N, F]` | `[T, N, F]` |
/// | [`Indices`]: tokens, classes | `[N]` | `[T, N]` |
/// | a pair of them, for example of source and target tokens | | |
///
/// Lengths are those of the first of a pair.
///
/// ```
/// use unspool::data::Examples;
/// use unspool::{Dataset, Indices, Tensor};
/// fn count<X: Examples, Y: Examples>(data: &Dataset<X, Y>) -> usize {
///     data.len()
/// }
/// let series = Dataset::new(Tensor::<f32>::zeros([5, 8, 2]), Tensor::<f32>::zeros([8, 1]))?;   // [T, N, F], [N, O]
/// let texts = Dataset::classes(Indices::from_vec(vec![0; 40], [5, 8]), vec![1; 8])?;               // [T, N], [N]
/// assert_eq!((count(&series), count(&texts)), (8, 8));
/// # Ok::<(), unspool::data::DataError>(())
/// ```
pub trait Examples: Clone + Send + Sync + Parts {}

impl<X: Send + Sync + Parts> Examples for X {}

/// Examples that a model over numbers `T` can read.
///
/// ```
/// use unspool::data::OnTape;
/// use unspool::{Context, Indices, Tape, Tensor, Var};
/// let tape = Tape::<f32>::new();
/// let x: Var<'_, f32> = Tensor::ones([3, 2, 1]).bind(&tape, Context::default());
/// let tokens: Indices = Indices::from_vec(vec![4, 7], [2]);
/// assert_eq!(OnTape::<f32>::bind(&tokens, &tape, Context::default()), tokens);
/// ```
pub trait OnTape<T: Scalar>: Examples {
    /// What a layer gets: a variable for a tensor, indices as they are.
    type Bound<'t>: Clone;

    /// The examples as constants on a tape, with zeros as padding where the context has any.
    fn bind<'t>(&self, tape: &'t Tape<T>, cx: Context<'_>) -> Self::Bound<'t>;
}

impl<T: Scalar> OnTape<T> for Tensor<T> {
    type Bound<'t> = Var<'t, T>;

    #[track_caller]
    fn bind<'t>(&self, tape: &'t Tape<T>, cx: Context<'_>) -> Var<'t, T> {
        zero_padding(tape.constant(self), cx)
    }
}

impl<T: Scalar> OnTape<T> for Indices {
    type Bound<'t> = Indices;

    fn bind(&self, _: &Tape<T>, _: Context<'_>) -> Indices {
        self.clone()
    }
}

impl<T: Scalar, A: OnTape<T>, B: OnTape<T>> OnTape<T> for (A, B) {
    type Bound<'t> = (A::Bound<'t>, B::Bound<'t>);

    #[track_caller]
    fn bind<'t>(&self, tape: &'t Tape<T>, cx: Context<'_>) -> Self::Bound<'t> {
        (self.0.bind(tape, cx), self.1.bind(tape, cx.without_steps()))
    }
}
