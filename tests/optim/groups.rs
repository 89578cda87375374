//! Parameters with settings of their own.

use super::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Weight decay and L2 of a group reach its parameters and no others, to the bit, whatever the optimizer.
    #[test]
    fn decay_reaches_its_group_alone(
        kind in 0..4usize,
        pattern in prop::sample::select(vec!["*bias", "cell.u", "cell.*", "*", "*weight", "*u*"]),
        decay in 0.01..0.9f64,
        l2 in any::<bool>(),
        excluded in any::<bool>(),
    ) {
        fn steps<R: Rule>(mut optimizer: RuleOptimizer<R, f64>) -> Layer64 {
            // Started away from zero, where there is nothing to decay.
            let mut model = gradients(&model(), 77);
            for step in 0..3 {
                let gradients = gradients(&model, step);
                optimizer.step(&mut model, &gradients);
            }
            model
        }
        let set = |g: Group, amount: f64| if l2 { g.l2(amount) } else { g.weight_decay(amount) };
        macro_rules! compare {
            ($optimizer:expr) => {{
                let without = steps($optimizer.learning_rate(0.1).weight_decay(0.0));
                let all = if l2 { $optimizer.weight_decay(0.0).l2(decay) } else { $optimizer.weight_decay(decay) };
                let all = all.learning_rate(0.1);
                let with = steps(if excluded {
                    all.clone().group(pattern, |g| set(g, 0.0))
                } else {
                    $optimizer.learning_rate(0.1).weight_decay(0.0).group(pattern, |g| set(g, decay))
                });
                (without, with, steps(all))
            }};
        }
        let (without, with, all) = match kind {
            0 => compare!(Sgd::default().momentum(0.5)),
            1 => compare!(AdamW::default()),
            2 => compare!(RmsProp::default()),
            _ => compare!(Lion::default()),
        };
        let inside = |name: &str| match pattern {
            "*" => true,
            "*bias" => name.ends_with("bias"),
            "*weight" => name.ends_with("weight"),
            "cell.*" => name.starts_with("cell."),
            "*u*" => name.contains('u'),
            whole => name == whole,
        };
        for (i, name) in without.names().iter().enumerate() {
            let decays = inside(name) != excluded;
            let expected = if decays { &all } else { &without };
            prop_assert_eq!(with.leaves()[i], expected.leaves()[i], "{}", name);
            // Lion's steps of one size may be the same with an L2 penalty.
            if kind != 3 || !l2 {
                prop_assert_ne!(without.leaves()[i], all.leaves()[i], "{}", name);
            }
        }
    }
}

#[test]
fn the_later_group_counts() {
    let mut sgd = Sgd::default()
        .learning_rate(1.0)
        .group("*", |g| g.lr_scale(0.0).weight_decay(0.5))
        .group("cell.u", |g| g.lr_scale(0.5));
    let (start, mut model) = (model(), model());
    let gradients = gradients(&start, 0);
    sgd.step(&mut model, &gradients);
    assert_eq!(model.cell.x.weight, start.cell.x.weight);
    // Half the rate, and the decay of the first group.
    let expected = start.cell.u.zip(&gradients.cell.u, |u, g| u * 0.75 - 0.5 * g);
    assert_eq!(model.cell.u, expected);
}
