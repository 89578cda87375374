//! A step of the optimizer that makes a weight, or its own state, infinite or NaN.

use super::training_loop::first_not_finite;
use crate::optim::optimizer::Optimizer;
use crate::optim::state_dict::StateDict;
use std::any::type_name;
use unspool_autograd::{BadValue, NumberRange, Params, ParamsExt, Scalar, Tensor};

/// What there is before a step. The tensors are copy-on-write: the step writes to copies.
pub(super) struct BeforeStep<T: Scalar> {
    weights: Vec<Tensor<T>>,
    state: StateDict<T>,
}

impl<T: Scalar> BeforeStep<T> {
    pub fn new<M: Params<Tensor<T>>, O: Optimizer<T, M>>(model: &M, optimizer: &O) -> Self {
        BeforeStep { weights: model.leaves().into_iter().cloned().collect(), state: optimizer.state_dict() }
    }

    /// The first weight or, if all are finite, the first state that the step with these gradients has made
    /// infinite or NaN: its name, and what became of what.
    pub fn first_bad<M, O>(self, model: &M, optimizer: &O, gradients: &M) -> Option<(String, BadValue)>
    where
        M: Params<Tensor<T>>,
        O: Optimizer<T, M>,
    {
        let (names, gradients) = (model.names(), gradients.leaves());
        let gradient = |i: usize| NumberRange::of(None, gradients[i]);
        if let Some(name) = first_not_finite(model) {
            let i = names.iter().position(|known| *known == name)?;
            let before = NumberRange::of(Some(name.clone()), &self.weights[i]);
            let rate = optimizer.current_learning_rate();
            let rate = rate.map_or_else(String::new, |rate| format!("the learning rate was {rate:e}; "));
            let advice = format!("{rate}try a smaller one, or clip the gradients (`clip_norm`)");
            let bad = BadValue::of_update(name_of::<O>(), before, Some(gradient(i)), model.leaves()[i], advice)?;
            return Some((name, bad));
        }
        optimizer.state_dict().tensors.into_iter().find_map(|(name, after)| {
            // There may be none before the first step: then it is zero.
            let before = self.state.tensors.get(&name).cloned().unwrap_or_else(|| Tensor::zeros(after.shape()));
            // `v.head.bias` ends with `bias`, too.
            let of = (0..names.len()).filter(|&i| name.ends_with(names[i].as_str()));
            let parameter = of.max_by_key(|&i| names[i].len());
            let advice = format!(
                "it overflows {}, and its weight no longer moves as it should; clip the gradients (`clip_norm`), or scale \
                 the loss down",
                T::NAME
            );
            let before = NumberRange::of(Some(name.clone()), &before);
            let bad = BadValue::of_update(name_of::<O>(), before, parameter.map(gradient), &after, advice)?;
            Some((name, bad))
        })
    }
}

/// `Adam`, of `RuleOptimizer<..::AdamRule, f32>`; the name of the type without its path of any other.
fn name_of<O>() -> &'static str {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = type_name::<O>().split(|c| !is_word(c)).filter(|word| !word.is_empty());
    let rule = words.clone().find_map(|word| word.strip_suffix("Rule"));
    let own = type_name::<O>().trim_start_matches(['&', '(']).trim_start_matches("mut ").split(['<', ',']).next();
    rule.or_else(|| own?.rsplit("::").next()).or_else(|| words.next()).unwrap_or("the optimizer")
}
