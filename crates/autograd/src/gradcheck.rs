//! Gradients checked against central differences.

use crate::params::{Params, ParamsExt};
use crate::tape::{Tape, Var};
use std::fmt;
use unspool_tensor::{Scalar, Tensor};

/// The largest difference allowed, relative to the larger of the two derivatives ..
const RELATIVE: f64 = 1e-7;
/// .. plus this times the larger of the loss and the largest derivative, the noise of the
/// differences themselves.
const NOISE: f64 = 1e-11;
/// The step of the differences, relative to the larger of 1 and the parameter: here the error of
/// the five-point formula, of order step⁴, and rounding, of order 1e-16 / step, are about equal.
const STEP: f64 = 1e-3;

/// A derivative that differs from its central difference: the parameter's name and index, and both
/// values.
///
/// ```
/// use unspool::{Params, Tensor, gradcheck};
/// #[derive(Params)]
/// struct Point<P> { x: P }
/// // At its kink, relu has no derivative: the difference sees both sides.
/// let kink: Point<Tensor> = Point { x: Tensor::zeros([1]) };
/// let error = gradcheck(&kink, |_, p| (p.x.relu()).sum()).unwrap_err();
/// assert_eq!((&error.name[..], &error.index[..]), ("x", &[0][..]));
/// assert!(error.analytic != error.numeric);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradcheckError {
    /// The parameter's dotted name, as `cell.u_f`.
    pub name: String,
    /// The index of the element in the parameter.
    pub index: Vec<usize>,
    /// The derivative by the tape.
    pub analytic: f64,
    /// The derivative by central differences.
    pub numeric: f64,
}

impl fmt::Display for GradcheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, index, analytic, numeric } = self;
        write!(f, "{name}{index:?}: analytic {analytic:.2e}, numeric {numeric:.2e}")?;
        // Equal at two digits: show the difference, too.
        if format!("{analytic:.2e}") == format!("{numeric:.2e}") {
            write!(f, " (they differ by {:.2e})", (analytic - numeric).abs())?;
        }
        Ok(())
    }
}

impl std::error::Error for GradcheckError {}

/// Checks every derivative of `loss` with respect to the model's parameters against central
/// differences.
///
/// Runs in f64, whatever the model's element type: `loss` gets the model in f64, bound to an f64
/// tape. A derivative passes if it agrees with the five-point difference `(8 (f(x+h) - f(x-h)) -
/// (f(x+2h) - f(x-2h))) / 12 h`, `h = 1e-3 max(1, |x|)`, to 1e-7 relative (plus 1e-11 times the
/// loss or the largest derivative, whichever is larger). Costs four evaluations of the loss per
/// parameter. Layers and cells that are checked are therefore generic over the element type,
/// `impl<'t, T: Scalar> Cell<'t, T> for MyCell<Var<'t, T>>`: one for `f32` alone has no method
/// `forward` here. [Buffers](Params#buffers) are constants. Check functions that are not smooth, such as
/// `relu`, away from their kinks.
///
/// ```
/// use unspool::{Params, Tensor, gradcheck};
///
/// #[derive(Params)]
/// struct Layer<P> { weight: P, bias: P }
///
/// let layer = Layer { weight: Tensor::<f32>::from_fn([3, 2], |i| 0.1 * i as f32), bias: Tensor::zeros([2]) };
/// gradcheck(&layer, |tape, layer| {
///     let x = tape.constant(&Tensor::from_fn([4, 3], |i| 0.3 - 0.05 * i as f64));
///     (x.matmul(layer.weight) + layer.bias).tanh().square().mean()
/// })?;
/// # Ok::<(), unspool::autograd::GradcheckError>(())
/// ```
///
/// # Errors
/// Returns an error if a derivative differs: the first one, with the parameter's name and index. A
/// derivative that is not finite always differs.
///
/// # Panics
/// If the loss does not have exactly one element, or depends on no parameter.
#[track_caller]
pub fn gradcheck<T: Scalar, M: Params<Tensor<T>>>(
    model: &M,
    loss: impl for<'t> Fn(&'t Tape<f64>, &<M::With<Tensor<f64>> as Params<Tensor<f64>>>::With<Var<'t, f64>>) -> Var<'t, f64>,
) -> Result<(), GradcheckError> {
    let mut model: M::With<Tensor<f64>> = model.cast();
    let mut tape = Tape::new();

    let (gradient, scale) = {
        let net = tape.bind(&model);
        let loss = loss(&tape, &net);
        (loss.backward().of(&net), loss.item().abs())
    };
    tape.reset();
    let largest = gradient.leaves().into_iter().flat_map(|leaf| leaf.to_vec()).fold(scale, |max, g| max.max(g.abs()));

    let mut value = |model: &M::With<Tensor<f64>>| {
        let value = {
            let net = tape.bind_frozen(model);
            loss(&tape, &net).item()
        };
        tape.reset();
        value
    };
    let mut names = Vec::new();
    gradient.visit_parameters(&mut |path, leaf| names.push((path.to_string(), leaf.clone())));
    for (leaf, (name, gradient)) in names.into_iter().enumerate() {
        for (i, analytic) in gradient.to_vec().into_iter().enumerate() {
            let x = model.leaves()[leaf].to_vec()[i];
            let h = STEP * x.abs().max(1.0);
            let mut at = |shift: f64| {
                model.leaves_mut()[leaf].as_mut_slice()[i] = x + shift;
                value(&model)
            };
            let numeric = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            at(0.0);
            let allowed = RELATIVE * analytic.abs().max(numeric.abs()) + NOISE * largest;
            let agrees = (analytic - numeric).abs() <= allowed; // false for NaN
            if !agrees {
                let index = unravel(i, &gradient.shape());
                return Err(GradcheckError { name, index, analytic, numeric });
            }
        }
    }
    Ok(())
}

/// The index, one number for each axis, of a position in row-major order.
fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, &size) in index.iter_mut().zip(shape).rev() {
        *i = position % size;
        position /= size;
    }
    index
}
