//! What optimizers do beyond their formulas: groups, states, checkpoints within a training.

use unspool::Sgd;
use unspool::evaluate;
use unspool::optim::gradient_norm;
use unspool::optim::schedules::{Cosine, Plateau};
use unspool::optim::{Adadelta, Adagrad, AdamW, Adamax, Ema, Lion, Nadam, RAdam, RmsProp, StateDict};
use unspool::optim::{Group, Parameter, Rule, RuleOptimizer, Step};
use unspool::prelude::*;
use unspool_tests::values;

mod biases;
mod extremes;
mod freezing;
mod golden;
mod groups;
mod resuming;
mod schedules;
mod sentences;
mod steps;
mod training;

type Layer64 = Recurrent<SimpleRnn<Tensor<f64>>>;

fn model() -> Layer64 {
    Recurrent::new(SimpleRnn::new(&mut rng(1), 3, 4))
}

/// Gradients without pattern, others in each step.
fn gradients(model: &Layer64, step: usize) -> Layer64 {
    let mut gradients = model.zeros_like();
    for (i, leaf) in gradients.leaves_mut().into_iter().enumerate() {
        *leaf = values(leaf.shape(), (10 * step + i) as u64);
    }
    gradients
}

fn bits<M: ParamsExt<f64>>(model: &M) -> Vec<u64> {
    model.leaves().into_iter().flat_map(Tensor::to_vec).map(f64::to_bits).collect()
}
