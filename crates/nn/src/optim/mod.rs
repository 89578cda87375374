//! The optimizers: each is a [`Rule`], around which [`RuleOptimizer`] puts learning rate, schedule,
//! weight decay, groups, freezing and clipping.
//!
//! What must stay true: everything that a later step depends on, other than settings, is in the
//! state dict, and a step allocates nothing after the first.
//!
//! | optimizer | states per parameter | source |
//! |---|---|---|
//! | [`Sgd`] | none; one with momentum | Robbins and Monro 1951; Sutskever et al. 2013 |
//! | [`RmsProp`] | one to three | Hinton 2012 |
//! | [`Adagrad`] | one | Duchi, Hazan and Singer 2011 |
//! | [`Adadelta`] | two | Zeiler 2012 |
//! | [`Adam`], [`AdamW`] | two; three with AMSGrad | Kingma and Ba 2015; Loshchilov and Hutter 2019; Reddi, Kale and Kumar 2018 |
//! | [`Adamax`] | two | Kingma and Ba 2015 |
//! | [`Nadam`] | two | Dozat 2016 |
//! | [`RAdam`] | two | Liu et al. 2020 |
//! | [`Lion`] | one | Chen et al. 2023 |
//!
//! All take the settings of [`RuleOptimizer`]. Definitions and defaults are PyTorch's, except for
//! [`Adam::default()`](Adam), which is Keras's; [`Adam::torch()`](RuleOptimizer::torch) is
//! PyTorch's.
//!
//! As in PyTorch, a gradient whose square overflows (1e19 in f32, or somewhat more times `1 - beta`)
//! makes no step where the divisor is the root of a mean square, and an infinite one makes NaN.
//! [Clipping](RuleOptimizer::clip_norm) prevents both.
//!
//! In formulas, `w` is a weight, `g` its gradient, `lr` the learning rate, `t` the step from 1; all
//! other letters are states, zero before the first step.

pub(crate) mod adadelta;
pub(crate) mod adagrad;
pub(crate) mod adam;
pub(crate) mod adamax;
pub(crate) mod adamw;
pub(crate) mod clip;
pub(crate) mod ema;
pub(crate) mod fingerprint;
pub(crate) mod group;
pub(crate) mod lion;
pub(crate) mod nadam;
pub(crate) mod norms;
pub(crate) mod optimizer;
pub(crate) mod radam;
pub(crate) mod rmsprop;
pub(crate) mod rule;
pub(crate) mod rule_optimizer;
mod rule_state;
mod rule_step;
pub(crate) mod running_mean;
pub mod schedules;
pub(crate) mod sgd;
pub(crate) mod state_dict;

pub use adadelta::{Adadelta, AdadeltaRule};
pub use adagrad::{Adagrad, AdagradRule};
pub use adam::{Adam, AdamRule};
pub use adamax::{Adamax, AdamaxRule};
pub use adamw::{AdamW, AdamWRule};
pub use clip::{clip_norm, clip_value};
pub use ema::Ema;
pub use group::Group;
pub use lion::{Lion, LionRule};
pub use nadam::{Nadam, NadamRule};
pub use norms::{gradient_norm, gradient_norms, update_ratio, update_ratios};
pub use optimizer::Optimizer;
pub use radam::{RAdam, RAdamRule};
pub use rmsprop::{RmsProp, RmsPropRule};
pub use rule::{Parameter, Rule, Step};
pub use rule_optimizer::RuleOptimizer;
pub use sgd::{Sgd, SgdRule};
pub use state_dict::{StateDict, StateDictError, StateReader};

use unspool_autograd::Scalar;

/// The settings that Adam and its variants share.
macro_rules! betas_and_epsilon {
    ($Optimizer:ident, $rule:ident $(.$field:tt)?) => {
        impl<T: Scalar> $Optimizer<T> {
            /// Sets the decays of the two running averages, per step.
            ///
            /// # Panics
            /// If one is not at least 0 and less than 1.
            #[track_caller]
            pub fn betas(self, beta1: f64, beta2: f64) -> Self {
                $crate::optim::check_decay("beta1", beta1);
                $crate::optim::check_decay("beta2", beta2);
                self.with_rule(|$rule| $rule$(.$field)?.betas = (beta1, beta2))
            }

            /// Sets the small number that keeps the division finite.
            ///
            /// # Panics
            /// If it is negative or not finite.
            #[track_caller]
            pub fn epsilon(self, epsilon: f64) -> Self {
                $crate::optim::check_amount("epsilon", epsilon);
                self.with_rule(|$rule| $rule$(.$field)?.epsilon = epsilon)
            }
        }
    };
}
use betas_and_epsilon;

/// Panics if the decay of a running mean is not in `0..1`.
#[track_caller]
fn check_decay(what: &str, decay: f64) {
    ensure!((0.0..1.0).contains(&decay), "{what} is {decay}; it must be at least 0 and less than 1");
}

/// The larger number; NaN stays.
#[inline(always)]
fn larger<T: Scalar>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// Panics if a setting is negative, infinite or NaN.
#[track_caller]
fn check_amount(what: &str, amount: f64) {
    ensure!(amount >= 0.0 && amount.is_finite(), "{what} is {amount}; it must be finite and not negative");
}
