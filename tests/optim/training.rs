//! In `fit`.

use super::*;

fn line() -> (Dataset<Tensor<f64>>, Dense<Tensor<f64>>) {
    let x = values([40, 3], 1);
    let y = x.slice(1, ..1).copy();
    (Dataset::new(x, y).unwrap(), Dense::new(&mut rng(0), 3, 1))
}

#[test]
fn fit_steps_the_schedule_in_every_batch_and_the_plateau_in_every_epoch() {
    let (data, mut model) = line();
    let schedule = |step: usize| if step < 6 { 1.0 } else { 0.0 };
    let mut sgd = Sgd::default().schedule(schedule);
    fit(&mut model, &data).loss(mse).optimizer(&mut sgd).batch_size(20).epochs(3).quiet().run().unwrap();
    assert_eq!((sgd.steps(), sgd.current_learning_rate()), (6, 0.0));
    // Nothing moves at a rate of zero, so no epoch is better than the one before.
    let still = bits(&model);
    let mut sgd = sgd.reduce_on_plateau(Plateau::new().patience(1).factor(0.5)).schedule(|_: usize| 1.0);
    sgd = sgd.learning_rate(0.0);
    fit(&mut model, &data)
        .loss(mse)
        .optimizer(&mut sgd)
        .batch_size(20)
        .epochs(4)
        .validate(&data)
        .quiet()
        .run()
        .unwrap();
    assert_eq!(bits(&model), still);
    // The first is the best, the third is one too many.
    assert_eq!(sgd.state_dict().numbers["plateau.factor"], 0.5);
    assert_eq!(sgd.state_dict().numbers["plateau.best"], evaluate(&model, &data, mse));
}

/// Without examples for validation, the plateau sees the training loss.
#[test]
fn a_plateau_falls_back_on_the_training_loss() {
    let (data, mut model) = line();
    let mut sgd = Sgd::default().reduce_on_plateau(Plateau::new());
    let history = fit(&mut model, &data).loss(mse).optimizer(&mut sgd).batch_size(20).quiet().run().unwrap();
    assert_eq!(sgd.state_dict().numbers["plateau.best"], history.loss[0]);
}

#[test]
fn every_optimizer_trains() {
    macro_rules! trains {
        ($($optimizer:expr),*) => {
            $({
                let (data, mut model) = line();
                let before = evaluate(&model, &data, mse);
                fit(&mut model, &data).loss(mse).optimizer($optimizer).batch_size(20).epochs(50).quiet().run().unwrap();
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
        Adam::default().learning_rate(0.05).amsgrad(),
        Adamax::default().learning_rate(0.05),
        Nadam::default().learning_rate(0.05),
        RAdam::default().learning_rate(0.3),
        Lion::default().learning_rate(0.02),
        &mut Adam::torch().learning_rate(0.05)
    );
}

/// An average of the weights follows a training by `fit`.
#[test]
fn an_average_follows_fit() {
    let (data, mut model) = line();
    let mut average = Ema::new(&model, 0.5);
    let sgd = Sgd::default().learning_rate(0.2);
    fit(&mut model, &data).loss(mse).optimizer((sgd, &mut average)).batch_size(20).epochs(50).quiet().run().unwrap();
    assert_ne!(bits(average.model()), bits(&model));
    assert!(evaluate(average.model(), &data, mse) < 1e-2);
}
