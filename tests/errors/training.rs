//! Mistakes in data and training.

use super::*;
use unspool::{FitError, Flatten, evaluate, predict};

#[test]
fn training_refuses_what_it_cannot_use() {
    let data = |n: usize| Dataset::new(zeros([n, 3]), zeros([n, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let no_examples = fit(&mut model, &data(0)).loss(mse).quiet().run().unwrap_err();
    assert_eq!(no_examples.to_string(), "the training set holds no examples: at least one is needed");
    let no_valid = fit(&mut model, &data(4)).loss(mse).validate(&data(0)).quiet().run().unwrap_err();
    assert_eq!(no_valid.to_string(), "the validation set holds no examples: at least one is needed");
    let empty = fit(&mut model, &data(4)).loss(mse).batch(0).quiet().run().unwrap_err();
    assert_eq!(empty.to_string(), "the batch size is 0: it must be at least 1");
    assert!(evaluate(&model, &data(0), mse).is_nan());
    let nothing = fit(&mut sequential().add(Flatten), &Dataset::new(zeros([2, 4, 3]), zeros([4, 6])).unwrap())
        .loss(mse)
        .quiet()
        .run()
        .unwrap_err();
    assert_eq!(nothing.to_string(), "the model has no parameters: there is nothing to train");
}

#[test]
fn training_stops_at_a_loss_that_is_not_finite_and_keeps_the_weights_before_it() {
    let mut x = zeros([64, 3]);
    x.as_mut_slice()[3 * 40] = f32::NAN; // one example
    let data = Dataset::new(x, zeros([64, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let error = fit(&mut model, &data).loss(mse).batch(8).quiet().run().unwrap_err();
    let FitError::NotFinite { epoch: 1, batch, loss } = error else { panic!("{error}") };
    assert!((1..=8).contains(&batch) && loss.is_nan());
    let expected = format!("the loss became NaN in batch {batch} of epoch 1: try a smaller learning rate");
    assert_eq!(error.to_string(), expected);
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

#[test]
fn training_stops_at_a_gradient_that_is_not_finite_and_names_the_parameter() {
    // The square root has an infinite slope at 0, where the loss is 0.
    let data = Dataset::new(zeros([4, 3]), zeros([4, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let error = fit(&mut model, &data).loss(|o, t| (o - t).square().sqrt().mean()).quiet().run().unwrap_err();
    assert_eq!(error.to_string(), "the gradient of layers.0.weight is not finite in batch 1 of epoch 1");
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

#[test]
fn misfits_in_training_and_prediction_point_to_the_callers_line() {
    let mut model = sequential().add(simple_rnn(2, 4)).add(dense(4, 1));
    let data = Dataset::new(zeros([5, 8, 3]), zeros([8, 1])).unwrap();
    let sentence = "linear: shapes [5, 1, 3] and [2, 4] do not multiply; they must be [.., K] and [K, N]";
    sentences! {
        predict(&model, data.x()) => sentence;
        evaluate(&model, &data, mse) => sentence;
        fit(&mut model, &data).loss(mse).quiet().run() => sentence;
    }
}

#[test]
fn data_that_does_not_fit_is_refused_in_a_sentence() {
    let error = Dataset::new(zeros([5]), zeros([5, 1])).unwrap_err();
    assert_eq!(error.to_string(), "inputs [5] must have an axis of examples and one of features");
    let model = sequential().add(dense(3, 1));
    let (message, ..) = panic_of(|| drop(predict(&model, &zeros([4, 2]))));
    assert_eq!(message, "linear: shapes [1, 2] and [3, 1] do not multiply; they must be [.., K] and [K, N]");
}
