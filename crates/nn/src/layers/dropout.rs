//! Dropout between layers.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::layers::sequential::Build;
use crate::mode::Mode;
use crate::random::Rng;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// Drops elements at random in training; in evaluation returns the input as is.
///
/// Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting". See
/// [`Var::dropout`].
///
/// ```
/// use unspool::prelude::*;
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::<f32>::ones([2, 4]));
/// let layer = dropout(0.5);
/// assert_eq!(layer.forward(x).value(), x.value());
/// let trained = layer.apply(x, Context::training(1)).value();
/// assert!(trained.to_vec().iter().all(|&x| x == 0.0 || x == 2.0));
/// ```
#[derive(Params, Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability of dropping an element.
    pub rate: f64,
    /// Whether the input is a sequence `[T, B, F]` with the same elements dropped at every time
    /// step.
    pub same_over_time: bool,
}

impl Dropout {
    /// The layer that drops the same elements of a sequence `[T, B, F]` at every time step: the
    /// variational dropout of Gal and Ghahramani 2016.
    pub fn same_over_time(self) -> Self {
        Dropout { same_over_time: true, ..self }
    }
}

impl<'t, T: Scalar> Layer<'t, T> for Dropout {
    type Output = Var<'t, T>;

    /// # Panics
    /// In training, if the same elements are dropped at every time step and `x` has rank 0.
    #[track_caller]
    fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        // Element by element: padding cannot reach a valid step.
        if !self.same_over_time || cx.mode == Mode::Evaluation {
            return cx.dropout(x, self.rate);
        }
        let shape = x.shape();
        ensure!(shape.rank() > 0, "Dropout: a value of rank 0 has no time axis");
        let ones = x.tape().constant(&Tensor::ones([]).expand(shape.with(0, 1)));
        x * cx.dropout(ones, self.rate)
    }
}

impl Build for Dropout {
    type Layer = Self;

    fn build(self, _: &mut Rng) -> Self {
        self
    }
}

/// A [`Dropout`] layer, also for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{dense, dropout, sequential};
/// let model = sequential().add(dense(3, 8)).add(dropout(0.2)).add(dense(8, 1));
/// ```
///
/// # Panics
/// If `rate` is not at least 0 and less than 1.
#[track_caller]
pub fn dropout(rate: f64) -> Dropout {
    ensure!((0.0..1.0).contains(&rate), "dropout: the rate {rate} is not at least 0 and less than 1");
    Dropout { rate, same_over_time: false }
}
