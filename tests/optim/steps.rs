//! Single steps.

use super::resuming::resumes;
use super::*;

/// Settings that are changed between steps count from then on, and what was remembered stays; another rule forgets it.
#[test]
fn settings_can_change_between_steps() {
    let ones = || Dense { weight: Tensor::<f64>::ones([1, 1]), bias: Tensor::ones([1]) };
    let after = |sgd: &mut Sgd<f64>| {
        let mut model = ones();
        sgd.step(&mut model, &ones());
        [model.weight.item(), model.bias.item()]
    };
    let mut sgd = Sgd::default().learning_rate(1.0).momentum(0.5);
    assert_eq!(after(&mut sgd), [0.0; 2]); // b = 1
    sgd = sgd.weight_decay(0.25);
    assert_eq!(after(&mut sgd), [-0.75; 2]); // b = 1.5
    sgd = sgd.weight_decay(0.0);
    assert_eq!(after(&mut sgd), [-0.75; 2]); // b = 1.75
    sgd = sgd.l2(1.0);
    assert_eq!(after(&mut sgd), [-1.875; 2]); // b = 2.875
    sgd = sgd.group("bias", |g| g.l2(0.0));
    assert_eq!(after(&mut sgd), [-2.4375, -1.4375]); // b = 3.4375, 2.4375
    assert_eq!(sgd.steps(), 5);
    sgd = sgd.learning_rate(0.5).nesterov();
    assert_eq!((sgd.steps(), after(&mut sgd)), (0, [-0.5, 0.25])); // g = 2, 1
}

/// A mean of gradients that have become 0 decays to 0, not to subnormal numbers, which many processors are slow with.
#[test]
fn running_means_do_not_become_subnormal() {
    let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 2);
    let gradient = |size: f32| Dense { weight: Tensor::full(size, [3, 2]), bias: Tensor::full(size, [2]) };
    let mut adam = Adam::default();
    adam.step(&mut model, &gradient(1.0));
    let nothing = gradient(0.0);
    let (mut normal, mut steps) = (true, 0);
    while normal {
        adam.step(&mut model, &nothing);
        steps += 1;
        let state = adam.state_dict();
        let means: Vec<f32> = state.tensors.values().flat_map(Tensor::to_vec).collect();
        assert!(means.iter().all(|x| !x.is_subnormal()), "after {steps} steps");
        normal = means.iter().all(|&x| x != 0.0);
    }
    assert!(steps > 500, "{steps}");
}

/// The weights of a bound model are still in use: they are copied, and the tape's stay.
#[test]
fn weights_that_someone_else_holds_are_left_alone() {
    let mut model = model();
    let before = model.clone();
    Adam::default().step(&mut model, &gradients(&before, 0));
    assert_ne!(bits(&model), bits(&before));
    // As a strided view, too.
    let mut turned = Dense { weight: values([3, 2], 1).t(), bias: values([3], 2) };
    let gradient = Dense { weight: values([3, 2], 3).t(), bias: values([3], 4) };
    let expected = turned.weight.zip(&gradient.weight, |w, g| w - 0.5 * g);
    Sgd::default().learning_rate(0.5).step(&mut turned, &gradient);
    assert_eq!(turned.weight, expected);
}

/// A rule of one's own has every setting around it.
#[test]
fn a_rule_of_ones_own_is_like_the_others() {
    /// Remembers the gradient and a number.
    #[derive(Clone, Default)]
    struct Own;
    impl Rule for Own {
        const LEARNING_RATE: f64 = 0.5;
        fn state_names(&self) -> &'static [&'static str] {
            &["last"]
        }
        fn scalars(&self) -> &'static [(&'static str, f64)] {
            &[("powers", 2.0)]
        }
        fn begin_step(&self, t: usize, numbers: &mut [f64]) {
            numbers[0] *= t as f64;
        }
        fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
            let by = T::from_f64(step.learning_rate * step.scalars[0]);
            parameter.each(
                #[inline(always)]
                |w, g, [last]| (w - by * (g - last), [g]),
            );
        }
    }
    resumes(|| RuleOptimizer::new(Own).clip_value(0.5).l2(0.1));
    let mut model = Dense { weight: Tensor::<f64>::ones([1, 1]), bias: Tensor::ones([1]) };
    let mut own = RuleOptimizer::new(Own).clip_value(0.5).schedule(|step: usize| 1.0 / (1 + step) as f64);
    for gradient in [4.0, -4.0] {
        own.step(&mut model, &Dense { weight: Tensor::full(gradient, [1, 1]), bias: Tensor::zeros([1]) });
    }
    // 1 - 0.5 2 0.5, then - 0.25 4 (-0.5 - 0.5)
    assert_eq!((model.weight.item(), model.bias.item()), (1.5, 1.0));
}

/// With a gradient that stays, rounding takes the variance of a centred mean a little below zero.
#[test]
fn a_variance_below_zero_is_none() {
    let mut model = Dense { weight: Tensor::<f32>::zeros([1, 100]), bias: Tensor::zeros([100]) };
    let gradients = Dense { weight: values([1, 100], 1).cast(), bias: values([100], 2).cast() };
    let mut rmsprop = RmsProp::default().alpha(0.5).centered();
    (0..200).for_each(|_| rmsprop.step(&mut model, &gradients));
    let memory = rmsprop.state_dict();
    let [v, a] = ["v.bias", "a.bias"].map(|name| &memory.tensors[name]);
    assert!(v.zip(a, |v, a| v - a * a).to_vec().into_iter().any(|variance| variance < 0.0));
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

/// The norm is that of all elements, its bits the same inside any thread pool, whatever the layout.
#[test]
fn the_norm_has_the_same_bits_at_any_number_of_threads() {
    let gradients = Dense { weight: values([9001, 33], 1), bias: values([33], 2) };
    let squares = gradients.leaves().into_iter().flat_map(Tensor::to_vec).map(|g| g * g);
    let norm = gradient_norm(&gradients);
    assert!((norm - squares.sum::<f64>().sqrt()).abs() < 1e-12);
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| gradient_norm(&gradients)).to_bits(), norm.to_bits());
    }
    let large = Dense { weight: Tensor::<f32>::full(1e30, [2, 2]), bias: Tensor::zeros([2]) };
    assert!((gradient_norm(&large) / 2e30 - 1.0).abs() < 1e-6, "its squares are too large for f32");
}

/// Threads share the elements of a large parameter, of which each is updated by itself.
#[test]
fn a_step_has_the_same_bits_at_any_number_of_threads() {
    let gradients = Dense { weight: values([999, 303], 1).cast::<f32>(), bias: values([303], 2).cast() };
    let train = || {
        let (mut model, mut adam) = (gradients.clone(), AdamW::default().clip_norm(1.0));
        (0..3).for_each(|_| adam.step(&mut model, &gradients));
        model
    };
    let expected = train();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(train).leaves(), expected.leaves(), "{threads} threads");
    }
    // The rows of a parameter, one part each: as few elements as threads never share.
    let part = |rows| {
        let gradients = Dense { weight: gradients.weight.slice(0, rows), bias: gradients.bias.clone() };
        let (mut model, mut adam) = (gradients.clone(), AdamW::default());
        (0..3).for_each(|_| adam.step(&mut model, &gradients));
        model.weight
    };
    let whole = part(0..999);
    for start in (0..999).step_by(333) {
        assert_eq!(part(start..start + 333), whole.slice(0, start..start + 333));
    }
}
