//! The norms that [`Fit::track_gradients`] and [`Fit::track_updates`] record.
//!
//! [`Fit::track_gradients`]: super::Fit::track_gradients
//! [`Fit::track_updates`]: super::Fit::track_updates

use crate::optim::norms::{gradient_norm, leaf_norm, leaf_ratios, update_ratio};
#[cfg(feature = "safetensors")]
use crate::optim::state_dict::StateDict;
use crate::train::history::{GRADIENT_NORM, History, UPDATE_RATIO};
use unspool_autograd::{Params, ParamsExt, Path, Scalar, Tensor};

/// Follows norms from step to step; if none is requested, it does nothing.
pub(super) struct Tracker<M> {
    gradients: bool,
    /// The model before the step, if updates are tracked.
    pub before: Option<M>,
    means: Vec<Mean>,
}

/// The mean of a curve's values over the steps of an epoch so far, without NaN.
struct Mean {
    name: String,
    sum: f64,
    count: f64,
}

impl<M> Tracker<M> {
    pub fn new<T: Scalar>(model: &M, gradients: bool, updates: bool) -> Self
    where
        M: Params<Tensor<T>>,
    {
        let requested = [(GRADIENT_NORM, gradients), (UPDATE_RATIO, updates)].into_iter().filter(|(_, on)| *on);
        let names = requested.flat_map(|(quantity, _)| {
            let each = model.names().into_iter().map(move |name| format!("{quantity}.{name}"));
            [quantity.to_owned()].into_iter().chain(each)
        });
        let means = names.map(|name| Mean { name, sum: 0.0, count: 0.0 }).collect();
        Tracker { gradients, before: updates.then(|| model.zeros_like()), means }
    }

    /// The names of the curves.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.means.iter().map(|mean| &mean.name[..])
    }

    /// Before a step: copies the model, which the step overwrites.
    pub fn before_step<T: Scalar>(&mut self, model: &M)
    where
        M: Params<Tensor<T>>,
    {
        let Some(before) = &mut self.before else { return };
        let mut leaves = Vec::new();
        model.visit_leaves(Path::ROOT, &mut |_, leaf| leaves.push(leaf));
        let mut leaves = leaves.into_iter();
        before.visit_leaves_mut(Path::ROOT, &mut |_, copy| {
            copy.update(leaves.next().expect("two models of one type have the same leaves"), |_, weight| weight);
        });
    }

    /// After a step with these gradients.
    pub fn after_step<T: Scalar>(&mut self, model: &M, gradients: &M)
    where
        M: Params<Tensor<T>>,
    {
        let mut values = Vec::new();
        if self.gradients {
            values.push(gradient_norm(gradients));
            gradients.visit_parameters(&mut |_, leaf| values.push(leaf_norm(leaf)));
        }
        if let Some(before) = &self.before {
            values.push(update_ratio(before, model));
            values.extend(leaf_ratios(before, model));
        }
        for (mean, value) in self.means.iter_mut().zip(values).filter(|(_, value)| !value.is_nan()) {
            mean.sum += value;
            mean.count += 1.0;
        }
    }

    /// After an epoch, the number of which is given from 1: records the means.
    pub fn end_epoch(&mut self, epoch: usize, history: &mut History) {
        for mean in &mut self.means {
            let curve = History::entry(&mut history.tracked, &mean.name);
            // A training that now resumes may not have tracked it.
            curve.resize(epoch - 1, f64::NAN);
            curve.push(mean.sum / mean.count);
            (mean.sum, mean.count) = (0.0, 0.0);
        }
    }
}

#[cfg(feature = "safetensors")]
impl<M> Tracker<M> {
    /// The sums of an epoch that is under way.
    pub fn state_dict(&self) -> StateDict<f64> {
        let mut state = StateDict::new();
        for Mean { name, sum, count } in self.means.iter().filter(|mean| mean.count > 0.0) {
            state.numbers.insert(format!("{name}.sum"), *sum);
            state.numbers.insert(format!("{name}.count"), *count);
        }
        state
    }

    /// Continues from a saved state. What it does not hold was not tracked, and starts here.
    pub fn load_state_dict(&mut self, state: &StateDict<f64>) {
        for Mean { name, sum, count } in &mut self.means {
            let saved = |what: &str| state.numbers.get(&format!("{name}.{what}")).copied();
            (*sum, *count) = saved("sum").zip(saved("count")).unwrap_or_default();
        }
    }
}
