//! The optimisers: a [`Rule`] each, and [`RuleOptimizer`], which does what all have in common.
//!
//! | | remembers | from |
//! |---|---|---|
//! | [`Sgd`] | nothing, or one tensor with momentum | Robbins and Monro 1951; Sutskever et al. 2013 |
//! | [`RmsProp`] | one to three | Hinton 2012 |
//! | [`Adagrad`] | one | Duchi, Hazan and Singer 2011 |
//! | [`Adadelta`] | two | Zeiler 2012 |
//! | [`Adam`], [`AdamW`] | two; three with AMSGrad | Kingma and Ba 2015; Loshchilov and Hutter 2019; Reddi, Kale and Kumar 2018 |
//! | [`Adamax`] | two | Kingma and Ba 2015 |
//! | [`Nadam`] | two | Dozat 2016 |
//! | [`RAdam`] | two | Liu et al. 2020 |
//! | [`Lion`] | one | Chen et al. 2023 |
//!
//! (tensors of the size of each parameter). All have the same settings around them: see [`RuleOptimizer`]. Definitions and
//! defaults are PyTorch's, but for [`Adam::default()`](Adam), which is Keras's; [`Adam::torch()`](RuleOptimizer::torch) is
//! PyTorch's.
//!
//! A gradient whose square is beyond the largest number of its type (1e19 in f32, less what `1 - beta` takes from it) makes no
//! step where one is divided by the root of its mean, and an infinite one makes NaN, as in PyTorch. [Clipping](RuleOptimizer::clip_norm)
//! keeps both away.
//!
//! In formulas, `w` is a weight, `g` its gradient, `t` the number of the step from 1, and names without another meaning are
//! what is remembered, zero before the first step.

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
pub(crate) mod optimizer;
pub(crate) mod radam;
pub(crate) mod rmsprop;
pub(crate) mod rule;
pub(crate) mod rule_optimizer;
pub(crate) mod running_mean;
pub mod schedules;
pub(crate) mod sgd;
pub(crate) mod state_dict;

pub use adadelta::{Adadelta, AdadeltaRule};
pub use adagrad::{Adagrad, AdagradRule};
pub use adam::{Adam, AdamRule};
pub use adamax::{Adamax, AdamaxRule};
pub use adamw::{AdamW, AdamWRule};
pub use clip::{clip_norm, clip_value, gradient_norm};
pub use ema::Ema;
pub use group::Group;
pub use lion::{Lion, LionRule};
pub use nadam::{Nadam, NadamRule};
pub use optimizer::Optimizer;
pub use radam::{RAdam, RAdamRule};
pub use rmsprop::{RmsProp, RmsPropRule};
pub use rule::{Parameter, Rule, Step};
pub use rule_optimizer::RuleOptimizer;
pub use sgd::{Sgd, SgdRule};
pub use state_dict::{StateDict, StateDictError, StateReader};

use unspool_autograd::Scalar;

/// Refuses decays of running means that are not between 0 and 1.
#[track_caller]
fn check_decay(what: &str, decay: f64) {
    assert!((0.0..1.0).contains(&decay), "{what} is {decay}; it must be at least 0 and less than 1");
}

/// The larger one; NaN stays.
#[inline(always)]
fn larger<T: Scalar>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// Refuses settings that are infinite, not numbers, or negative.
#[track_caller]
fn check_amount(what: &str, amount: f64) {
    assert!(amount >= 0.0 && amount.is_finite(), "{what} is {amount}; it must be finite and not negative");
}
