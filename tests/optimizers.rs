//! What optimisers do beyond their formulas: groups, memories, places in a training.

use proptest::prelude::*;
use unspool::optimizers::{Descent, Group, Parameter, Rule, Step};
use unspool::prelude::*;
use unspool::schedules::{Cosine, Plateau};
use unspool::{Adadelta, Adagrad, AdamW, Ema, Lion, Memory, Nadam, RAdam, RmsProp, Sgd};
use unspool::{evaluate, gradient_norm};
use unspool_tests::values;

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

fn bits<M: Weights<f64>>(model: &M) -> Vec<u64> {
    model.leaves().into_iter().flat_map(Tensor::to_vec).map(f64::to_bits).collect()
}

/// N steps straight, and N steps with everything saved and restored in between, into an optimiser that has just been made.
fn resumes<O: Optimizer<f64, Layer64>>(make: impl Fn() -> O) {
    let run = |optimizer: &mut O, model: &mut Layer64, steps: std::ops::Range<usize>| {
        for step in steps {
            let gradients = gradients(model, step);
            optimizer.step(model, &gradients);
            optimizer.observe((step % 3) as f64);
        }
    };
    for cut in [0, 1, 5] {
        let (mut straight, mut resumed) = (model(), model());
        run(&mut make(), &mut straight, 0..9);

        let mut first = make();
        run(&mut first, &mut resumed, 0..cut);
        let saved: Memory<f64> = first.memory();
        drop(first);
        let mut second = make();
        // Someone else's steps are forgotten.
        run(&mut second, &mut model(), 0..2);
        second.restore(&resumed, &saved).unwrap();
        assert_eq!(second.memory(), saved);
        run(&mut second, &mut resumed, cut..9);
        assert_eq!(bits(&resumed), bits(&straight), "cut after {cut} steps");
    }
}

#[test]
fn a_training_that_is_resumed_ends_in_the_same_bits() {
    resumes(Sgd::default);
    resumes(|| Sgd::default().momentum(0.9).nesterov());
    resumes(|| RmsProp::default().centered().momentum(0.5));
    resumes(|| Adagrad::default().rate_decay(0.1));
    resumes(Adadelta::default);
    resumes(Adam::default);
    resumes(|| Adam::torch().l2(0.1).clip_norm(0.3));
    resumes(|| AdamW::default().schedule(Cosine::new(8).warmup(3)).group("cell.u", |g| g.rate_factor(0.5)));
    resumes(Nadam::default);
    resumes(|| RAdam::default().betas(0.8, 0.9));
    resumes(Lion::default);
    resumes(|| Sgd::default().reduce_on_plateau(Plateau::new().patience(0).reduction(0.9).cooldown(1)));
}

/// The pair of an optimiser and an average is saved and restored whole.
#[test]
fn an_average_is_resumed_with_its_optimizer() {
    let start = model();
    let run = |cut: Option<usize>| {
        let (mut model, mut average) = (start.clone(), Ema::new(&start, 0.9));
        let mut saved = None;
        {
            let mut pair = (Adam::default(), &mut average);
            for step in 0..cut.unwrap_or(6) {
                pair.step(&mut model, &gradients(&start, step));
            }
            saved.replace(pair.memory());
        }
        if let (Some(cut), Some(saved)) = (cut, saved) {
            assert!(saved.tensors.contains_key("ema.cell.u") && saved.tensors.contains_key("m.cell.u"));
            average = Ema::new(&start, 0.9);
            let mut pair = (Adam::default(), &mut average);
            pair.restore(&model, &saved).unwrap();
            for step in cut..6 {
                pair.step(&mut model, &gradients(&start, step));
            }
        }
        (bits(&model), bits(average.model()))
    };
    let (weights, averages) = run(None);
    assert_ne!(weights, averages);
    assert_eq!(run(Some(2)), (weights, averages));
}

/// A memory that does not fit changes nothing, neither of the two.
#[test]
fn what_cannot_be_restored_changes_nothing() {
    let (mut weights, start) = (model(), model());
    let mut average = Ema::new(&start, 0.9);
    let mut pair = (Adam::default(), &mut average);
    pair.step(&mut weights, &gradients(&start, 0));
    let before = pair.memory();
    pair.step(&mut weights, &gradients(&start, 1));
    let after = pair.memory();
    for spoiled in ["ema.cell.u", "m.cell.u"] {
        let mut spoilt = before.clone();
        spoilt.tensors.insert(spoiled.into(), Tensor::zeros([7]));
        assert!(pair.restore(&weights, &spoilt).is_err());
        assert_eq!(pair.memory(), after, "{spoiled}");
    }
    pair.restore(&weights, &before).unwrap();
    assert_eq!(pair.memory(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Weight decay and L2 of a group reach its parameters and no others, to the bit, whatever the optimiser.
    #[test]
    fn decay_reaches_its_group_alone(
        kind in 0..4usize,
        pattern in prop::sample::select(vec!["*bias", "cell.u", "cell.*", "*", "*weight", "*u*"]),
        decay in 0.01..0.9f64,
        l2 in any::<bool>(),
        excluded in any::<bool>(),
    ) {
        fn steps<R: Rule>(mut optimizer: Descent<R, f64>) -> Layer64 {
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
fn the_later_group_counts_and_a_factor_of_zero_freezes() {
    let mut sgd = Sgd::default()
        .learning_rate(1.0)
        .group("*", |g| g.rate_factor(0.0).weight_decay(0.5))
        .group("cell.u", |g| g.rate_factor(0.5));
    let (start, mut model) = (model(), model());
    let gradients = gradients(&start, 0);
    sgd.step(&mut model, &gradients);
    assert_eq!(model.cell.x.weight, start.cell.x.weight);
    // Half the rate, and the decay of the first group.
    let expected = start.cell.u.zip("expected", &gradients.cell.u, |u, g| u * 0.75 - 0.5 * g);
    assert_eq!(model.cell.u, expected);
}

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
    let expected = turned.weight.zip("expected", &gradient.weight, |w, g| w - 0.5 * g);
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
        fn memories(&self) -> &'static [&'static str] {
            &["last"]
        }
        fn numbers(&self) -> &'static [(&'static str, f64)] {
            &[("powers", 2.0)]
        }
        fn begin(&self, t: usize, numbers: &mut [f64]) {
            numbers[0] *= t as f64;
        }
        fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
            let by = T::from_f64(step.rate * step.numbers[0]);
            parameter.each(
                #[inline(always)]
                |w, g, [last]| (w - by * (g - last), [g]),
            );
        }
    }
    resumes(|| Descent::new(Own).clip_value(0.5).l2(0.1));
    let mut model = Dense { weight: Tensor::<f64>::ones([1, 1]), bias: Tensor::ones([1]) };
    let mut own = Descent::new(Own).clip_value(0.5).schedule(|step: usize| 1.0 / (1 + step) as f64);
    for gradient in [4.0, -4.0] {
        own.step(&mut model, &Dense { weight: Tensor::full(gradient, [1, 1]), bias: Tensor::zeros([1]) });
    }
    // 1 - 0.5 2 0.5, then - 0.25 4 (-0.5 - 0.5)
    assert_eq!((model.weight.item(), model.bias.item()), (1.5, 1.0));
}

fn line() -> (Dataset<f64>, Dense<Tensor<f64>>) {
    let x = values([40, 3], 1);
    let y = x.slice(1, ..1).copy();
    (Dataset::new(x, y).unwrap(), Dense::new(&mut rng(0), 3, 1))
}

#[test]
fn fit_steps_the_schedule_in_every_batch_and_the_plateau_in_every_epoch() {
    let (data, mut model) = line();
    let schedule = |step: usize| if step < 6 { 1.0 } else { 0.0 };
    let mut sgd = Sgd::default().schedule(schedule);
    fit(&mut model, &data).loss(mse).optimizer(&mut sgd).batch(20).epochs(3).quiet().run().unwrap();
    assert_eq!((sgd.steps(), sgd.rate()), (6, 0.0));
    // Nothing moves at a rate of zero, so no epoch is better than the one before.
    let still = bits(&model);
    let mut sgd = sgd.reduce_on_plateau(Plateau::new().patience(1).reduction(0.5)).schedule(|_: usize| 1.0);
    sgd = sgd.learning_rate(0.0);
    fit(&mut model, &data).loss(mse).optimizer(&mut sgd).batch(20).epochs(4).validate(&data).quiet().run().unwrap();
    assert_eq!(bits(&model), still);
    // The first is the best, the third is one too many.
    assert_eq!(sgd.memory().numbers["plateau.factor"], 0.5);
    assert_eq!(sgd.memory().numbers["plateau.best"], evaluate(&model, &data, mse));
}

/// Without examples for validation, the plateau sees the training loss.
#[test]
fn a_plateau_falls_back_on_the_training_loss() {
    let (data, mut model) = line();
    let mut sgd = Sgd::default().reduce_on_plateau(Plateau::new());
    let history = fit(&mut model, &data).loss(mse).optimizer(&mut sgd).batch(20).quiet().run().unwrap();
    assert_eq!(sgd.memory().numbers["plateau.best"], history.loss[0]);
}

#[test]
fn every_optimizer_trains() {
    macro_rules! trains {
        ($($optimizer:expr),*) => {
            $({
                let (data, mut model) = line();
                let before = evaluate(&model, &data, mse);
                fit(&mut model, &data).loss(mse).optimizer($optimizer).batch(20).epochs(50).quiet().run().unwrap();
                let after = evaluate(&model, &data, mse);
                assert!(after < 0.05 * before, "{}: {before}, {after}", stringify!($optimizer));
            })*
        };
    }
    trains!(
        Sgd::default().learning_rate(0.3),
        Sgd::default().learning_rate(0.03).momentum(0.9).nesterov(),
        RmsProp::default().learning_rate(0.02),
        Adagrad::default().learning_rate(0.3),
        Adadelta::default().learning_rate(30.0),
        Adam::default().learning_rate(0.05),
        AdamW::default().learning_rate(0.05).clip_norm(1.0),
        Nadam::default().learning_rate(0.05),
        RAdam::default().learning_rate(0.3),
        Lion::default().learning_rate(0.02),
        &mut Adam::torch().learning_rate(0.05)
    );
}

/// With a gradient that stays, rounding takes the variance of a centred mean a little below zero.
#[test]
fn a_variance_below_zero_is_none() {
    let mut model = Dense { weight: Tensor::<f32>::zeros([1, 100]), bias: Tensor::zeros([100]) };
    let gradients = Dense { weight: values([1, 100], 1).cast(), bias: values([100], 2).cast() };
    let mut rmsprop = RmsProp::default().alpha(0.5).centered();
    (0..200).for_each(|_| rmsprop.step(&mut model, &gradients));
    let memory = rmsprop.memory();
    let [v, a] = ["v.bias", "a.bias"].map(|name| &memory.tensors[name]);
    assert!(v.zip("variance", a, |v, a| v - a * a).to_vec().into_iter().any(|variance| variance < 0.0));
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

/// An average of the weights follows a training by `fit`.
#[test]
fn an_average_follows_fit() {
    let (data, mut model) = line();
    let mut average = Ema::new(&model, 0.5);
    let sgd = Sgd::default().learning_rate(0.2);
    fit(&mut model, &data).loss(mse).optimizer((sgd, &mut average)).batch(20).epochs(50).quiet().run().unwrap();
    assert_ne!(bits(average.model()), bits(&model));
    assert!(evaluate(average.model(), &data, mse) < 1e-2);
}

/// The norm is that of all elements, its bits the same inside any thread pool, whatever the layout.
#[test]
fn the_norm_has_the_same_bits_at_any_number_of_threads() {
    let gradients = Dense { weight: values([301, 17], 1), bias: values([17], 2) };
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

/// An infinite metric is no better than none, as in PyTorch, and one that is infinitely good stays the best; resumed or not.
#[test]
fn plateaus_that_saw_infinities_are_resumed() {
    let (model, inf) = (model(), f64::INFINITY);
    for (rising, worst) in [(false, inf), (true, -inf)] {
        let make = || {
            let plateau = Plateau::new().patience(1).reduction(0.5);
            Sgd::<f64>::default().learning_rate(1.0).reduce_on_plateau(if rising { plateau.rising() } else { plateau })
        };
        let rates = |metrics: &[f64], cut: usize| -> Vec<f64> {
            let mut sgd = make();
            let rates = metrics.iter().enumerate().map(|(i, &metric)| {
                if i == cut {
                    let saved = Optimizer::<f64, Layer64>::memory(&sgd);
                    sgd = make();
                    sgd.restore(&model, &saved).unwrap();
                }
                Optimizer::<f64, Layer64>::observe(&mut sgd, metric);
                Optimizer::<f64, Layer64>::rate(&sgd).unwrap()
            });
            rates.collect()
        };
        for (metrics, expected) in [
            ([worst, worst, worst, 1.0, 1.0], [1.0, 0.5, 0.5, 0.5, 0.5]),
            ([-worst, 1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 0.5, 0.5, 0.25]),
        ] {
            for cut in 0..=metrics.len() {
                assert_eq!(rates(&metrics, cut), expected, "rising: {rising}, {metrics:?} resumed before {cut}");
            }
        }
    }
}
