//! State that is saved and loaded.

use super::*;

/// N steps straight, and N steps with everything saved and restored in between, into an optimizer that has just been made.
pub fn resumes<O: Optimizer<f64, Layer64>>(make: impl Fn() -> O) {
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
        let saved: StateDict<f64> = first.state_dict();
        drop(first);
        let mut second = make();
        // Someone else's steps are forgotten.
        run(&mut second, &mut model(), 0..2);
        second.load_state_dict(&resumed, &saved).unwrap();
        assert_eq!(second.state_dict(), saved);
        run(&mut second, &mut resumed, cut..9);
        assert_eq!(bits(&resumed), bits(&straight), "cut after {cut} steps");
    }
}

#[test]
fn a_training_that_is_resumed_ends_in_the_same_bits() {
    resumes(Sgd::default);
    resumes(|| Sgd::default().momentum(0.9).nesterov());
    resumes(|| Sgd::default().momentum(0.9).dampening(0.5));
    resumes(|| RmsProp::default().centered().momentum(0.5));
    resumes(|| Adagrad::default().lr_decay(0.1));
    resumes(|| Adagrad::default().initial_accumulator(0.5));
    resumes(Adadelta::default);
    resumes(Adam::default);
    resumes(|| Adam::torch().l2(0.1).clip_norm(0.3));
    resumes(|| AdamW::default().schedule(Cosine::new(8).warmup(3)).group("cell.u", |g| g.lr_scale(0.5)));
    resumes(|| Adam::default().amsgrad().betas(0.9, 0.3));
    resumes(Adamax::default);
    resumes(Nadam::default);
    resumes(|| RAdam::default().betas(0.8, 0.9));
    resumes(Lion::default);
    resumes(|| Sgd::default().reduce_on_plateau(Plateau::new().patience(0).factor(0.9).cooldown(1)));
}

/// The pair of an optimizer and an average is saved and restored whole.
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
            saved.replace(pair.state_dict());
        }
        if let (Some(cut), Some(saved)) = (cut, saved) {
            assert!(saved.tensors.contains_key("ema.cell.u") && saved.tensors.contains_key("m.cell.u"));
            average = Ema::new(&start, 0.9);
            let mut pair = (Adam::default(), &mut average);
            pair.load_state_dict(&model, &saved).unwrap();
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
    let before = pair.state_dict();
    pair.step(&mut weights, &gradients(&start, 1));
    let after = pair.state_dict();
    for spoiled in ["ema.cell.u", "m.cell.u"] {
        let mut spoilt = before.clone();
        spoilt.tensors.insert(spoiled.into(), Tensor::zeros([7]));
        assert!(pair.load_state_dict(&weights, &spoilt).is_err());
        assert_eq!(pair.state_dict(), after, "{spoiled}");
    }
    pair.load_state_dict(&weights, &before).unwrap();
    assert_eq!(pair.state_dict(), before);
}

/// An infinite metric is no better than none, as in PyTorch, and one that is infinitely good stays the best; resumed or not.
#[test]
fn plateaus_that_saw_infinities_are_resumed() {
    let (model, inf) = (model(), f64::INFINITY);
    for (rising, worst) in [(false, inf), (true, -inf)] {
        let make = || {
            let plateau = Plateau::new().patience(1).factor(0.5);
            Sgd::<f64>::default().learning_rate(1.0).reduce_on_plateau(if rising {
                plateau.maximize()
            } else {
                plateau
            })
        };
        let rates = |metrics: &[f64], cut: usize| -> Vec<f64> {
            let mut sgd = make();
            let rates = metrics.iter().enumerate().map(|(i, &metric)| {
                if i == cut {
                    let saved = Optimizer::<f64, Layer64>::state_dict(&sgd);
                    sgd = make();
                    sgd.load_state_dict(&model, &saved).unwrap();
                }
                Optimizer::<f64, Layer64>::observe(&mut sgd, metric);
                Optimizer::<f64, Layer64>::current_learning_rate(&sgd).unwrap()
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

/// A state that does not fit leaves a new optimizer as it was: of no model.
#[test]
fn a_state_that_does_not_fit_binds_a_new_optimizer_to_no_model() {
    let (model, other) = (model(), vec![model(), model()]);
    let mut first = Adam::<f64>::default();
    first.step(&mut model.clone(), &model.clone());
    let saved = first.state_dict();
    let mut second = Adam::<f64>::default();
    Optimizer::<f64, Vec<Layer64>>::load_state_dict(&mut second, &other, &saved).unwrap_err();
    second.load_state_dict(&model, &saved).unwrap();
    assert_eq!(second.state_dict(), saved);
}
