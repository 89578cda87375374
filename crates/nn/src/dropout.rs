//! Dropout between layers.

use crate::layer::Layer;
use crate::mode::Mode;
use crate::random::Rng;
use crate::sequential::Build;
use unspool_autograd::{Params, Scalar, Var};

/// Elements left out at random in training; in evaluation the input as it is.
///
/// Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting". See
/// [`Var::dropout`].
///
/// ```
/// use unspool_nn::{dropout, Layer, Mode};
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::<f32>::ones([2, 4]));
/// let layer = dropout(0.5);
/// assert_eq!(layer.forward(x).value(), x.value());
/// let trained = layer.forward_in(x, Mode::Training { seed: 1 }).value();
/// assert!(trained.to_vec().iter().all(|&x| x == 0.0 || x == 2.0));
/// ```
#[derive(Params, Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability with which an element is left out.
    pub rate: f64,
}

impl<'t, T: Scalar> Layer<'t, T> for Dropout {
    type Output = Var<'t, T>;

    fn forward(&self, x: Var<'t, T>) -> Var<'t, T> {
        x
    }

    fn forward_in(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        mode.dropout(x, self.rate)
    }
}

impl Build for Dropout {
    type Layer = Self;

    fn build(self, _: &mut Rng) -> Self {
        self
    }
}

/// The [`Dropout`] layer, also for [`Sequential::add`](crate::Sequential::add).
///
/// # Panics
/// If `rate` is not at least 0 and less than 1.
#[track_caller]
pub fn dropout(rate: f64) -> Dropout {
    assert!((0.0..1.0).contains(&rate), "dropout: the rate {rate} is not at least 0 and less than 1");
    Dropout { rate }
}
