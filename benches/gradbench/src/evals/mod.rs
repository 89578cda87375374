//! The programs of the suite, one a file: the input, the objective as its formula has it, and a list
//! of the functions that the suite calls.

use crate::runs::Evaluation;

mod ba;
mod descent;
mod det;
mod gmm;
mod hello;
mod ht;
mod kmeans;
mod llsq;
mod lse;
mod lstm;
mod ode;
mod particle;
mod saddle;

/// The functions of a module by name, each from the JSON of its input.
pub(crate) type Functions = &'static [(&'static str, fn(&str) -> Result<Evaluation, String>)];

const MODULES: &[(&str, Functions)] = &[
    ("hello", hello::FUNCTIONS),
    ("gmm", gmm::FUNCTIONS),
    ("kmeans", kmeans::FUNCTIONS),
    ("llsq", llsq::FUNCTIONS),
    ("lse", lse::FUNCTIONS),
    ("lstm", lstm::FUNCTIONS),
    ("ode", ode::FUNCTIONS),
    ("det", det::FUNCTIONS),
    ("ba", ba::FUNCTIONS),
    ("ht", ht::FUNCTIONS),
    ("saddle", saddle::FUNCTIONS),
    ("particle", particle::FUNCTIONS),
];

/// The functions of a module.
pub(crate) fn find(module: &str) -> Result<Functions, String> {
    match MODULES.iter().find(|(name, _)| *name == module) {
        Some((_, functions)) => Ok(functions),
        None => Err(format!("unspool has no module {module:?}")),
    }
}
