//! Parameter groups.

use super::check_amount;

/// Settings of the parameters whose names match a pattern: see
/// [`RuleOptimizer::group`](super::RuleOptimizer::group). What is not set is as in the optimizer.
///
/// ```
/// use unspool::optim::{AdamW, Group};
/// let adamw: AdamW = AdamW::default().group("*bias", |g: Group| g.weight_decay(0.0).lr_scale(2.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub(super) lr_scale: Option<f64>,
    pub(super) weight_decay: Option<f64>,
    pub(super) l2: Option<f64>,
}

impl Group {
    /// Sets the factor of the learning rate. [`freeze`](super::RuleOptimizer::freeze) excludes
    /// parameters from training.
    ///
    /// # Panics
    /// If the factor is negative or not finite.
    #[track_caller]
    pub fn lr_scale(self, factor: f64) -> Self {
        check_amount("lr_scale", factor);
        Group { lr_scale: Some(factor), ..self }
    }

    /// Sets the [decoupled weight decay](super::RuleOptimizer::weight_decay).
    ///
    /// # Panics
    /// If the decay is negative or not finite.
    #[track_caller]
    pub fn weight_decay(self, decay: f64) -> Self {
        check_amount("weight_decay", decay);
        Group { weight_decay: Some(decay), ..self }
    }

    /// Sets the [L2 penalty](super::RuleOptimizer::l2).
    ///
    /// # Panics
    /// If the penalty is negative or not finite.
    #[track_caller]
    pub fn l2(self, penalty: f64) -> Self {
        check_amount("l2", penalty);
        Group { l2: Some(penalty), ..self }
    }

    /// This group, with the settings of `other` where it has any.
    pub(super) fn overridden_by(self, other: &Group) -> Group {
        Group {
            lr_scale: other.lr_scale.or(self.lr_scale),
            weight_decay: other.weight_decay.or(self.weight_decay),
            l2: other.l2.or(self.l2),
        }
    }
}

/// Whether a name matches a pattern, in which `*` matches any number of any characters.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            let mut ends = tail.char_indices().map(|(i, _)| i).chain([tail.len()]);
            ends.any(|i| matches(rest, &tail[i..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_matches_anything() {
        for (pattern, name) in [
            ("cell.u", "cell.u"),
            ("*", "cell.u"),
            ("*.bias", "layers.0.cell.x.bias"),
            ("layers.*.bias", "layers.0.cell.x.bias"),
            ("layers.*.x.*", "layers.0.cell.x.bias"),
            ("*bias", "bias"),
            ("**", ""),
            ("a*a", "aa"),
            ("*é", "aé"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "u"),
            ("u", "cell.u"),
            ("*.bias", "bias"),
            ("*.bias", "x.bias2"),
            ("a*a", "a"),
            ("a.b", "a_b"),
            ("layers.*.u", "layers.0.ux"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
