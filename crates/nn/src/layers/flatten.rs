//! A sequence as one row.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::messages::RETURN_SEQUENCES;
use unspool_autograd::{Params, Scalar, Var};

/// Concatenates all time steps of a sequence: `[T, B, F] -> [B, T F]`.
///
/// ```
/// use unspool::layers::Flatten;
/// use unspool::{Layer, Tape, Tensor};
/// let tape = Tape::new();
/// let xs = tape.constant(&Tensor::from_vec(vec![1.0, 2.0, 10.0, 20.0, 100.0, 200.0], [3, 2, 1]));
/// assert_eq!(Flatten.forward(xs).value().to_vec(), [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
/// ```
#[derive(Params, Clone, Copy, Debug)]
pub struct Flatten;

impl<'t, T: Scalar> Layer<'t, T> for Flatten {
    type Output = Var<'t, T>;

    /// # Panics
    /// If `x` is not a sequence `[T, B, F]`.
    #[track_caller]
    fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        cx.require_all_steps("Flatten");
        let shape = x.shape();
        let [time, batch, features] = shape[..] else {
            let cure = if shape.rank() == 2 { RETURN_SEQUENCES } else { "" };
            fail!("Flatten: the input must be [T, B, F], not {shape}{cure}");
        };
        x.permute(&[1, 0, 2]).reshape([batch, time * features])
    }
}

/// A [`Flatten`] layer, for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{Tensor, dense, flatten, predict, sequential};
/// let model = sequential().add(flatten()).add(dense(10 * 3, 1)); // sequences of ten steps
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn flatten() -> Flatten {
    Flatten
}
