//! What is measured, and not learned from.

use crate::loss::same_shape;
use unspool_autograd::{Scalar, Tensor, Var};

/// The part of rows whose highest output is where the target is highest: with targets that are 1 for the true class, and 0
/// for the others, how often that class has the highest score. For [`evaluate`](crate::evaluate) and
/// [`Fit::metric`](crate::Fit::metric); its gradient is zero.
///
/// ```
/// use unspool_nn::accuracy;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.1, 0.7, 3.0, -2.0], [2, 2]));
/// let target = tape.constant(&Tensor::one_hot([1, 1], 2));
/// assert_eq!(accuracy(scores, target).item(), 0.5);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn accuracy<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("accuracy", output, target);
    let rank = output.shape().rank();
    assert!(rank > 0, "accuracy: the output has no axis of classes");
    let [said, right] = [output, target].map(|of| of.argmax(rank - 1));
    let hits = said.as_slice().iter().zip(right.as_slice()).filter(|(said, right)| said == right).count();
    output.tape().constant(&Tensor::scalar(T::from_f64(hits as f64 / right.as_slice().len() as f64)))
}
