//! What training refuses, word for word, and the line it points to.

use unspool::layers::Flatten;
use unspool::prelude::*;
use unspool::train::{EarlyStopping, FitError};
use unspool::{Mode, Shards, evaluate, flatten, predict};
use unspool_tests::{marked, padded, panic_of, sentences, zeros};

#[test]
fn training_refuses_what_it_cannot_use() {
    let data = |n: usize| Dataset::new(zeros([n, 3]), zeros([n, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let no_examples = fit(&mut model, &data(0)).loss(mse).quiet().run().unwrap_err();
    assert_eq!(no_examples.to_string(), "the training set holds no examples: at least one is needed");
    let no_valid = fit(&mut model, &data(4)).loss(mse).validate(&data(0)).quiet().run().unwrap_err();
    assert_eq!(no_valid.to_string(), "the validation set holds no examples: at least one is needed");
    let empty = fit(&mut model, &data(4)).loss(mse).batch_size(0).quiet().run().unwrap_err();
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
    let data = Dataset::new(zeros([64, 3]), zeros([64, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let fit = fit(&mut model, &data).batch_size(8).quiet();
    let error = fit.loss(|o, t| mse(o, t) / 0.0).run().unwrap_err(); // @div
    let FitError::NotFinite { epoch: 1, batch, loss, .. } = error else { panic!("{error}") };
    assert!((1..=8).contains(&batch) && loss.is_nan());
    let expected = format!(
        "the loss became NaN in batch {batch} of epoch 1: div of 0 and 0 is NaN, in loss, at @div: 0 / 0 is not defined; \
         add a small number to the divisor, or clamp it away from 0"
    );
    assert_eq!(marked(&error.to_string(), file!(), include_str!("sentences.rs")), expected);
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

#[test]
fn training_stops_at_a_gradient_that_is_not_finite_and_names_the_parameter() {
    // The square root has an infinite slope at 0, where the loss is 0.
    let data = Dataset::new(zeros([4, 3]), zeros([4, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let fit = fit(&mut model, &data).quiet();
    let error = fit.loss(|o, t| (o - t).square().sqrt().mean()).run().unwrap_err(); // @sqrt
    assert_eq!(
        marked(&error.to_string(), file!(), include_str!("sentences.rs")),
        "the gradient of layers.0.weight is not finite in batch 1 of epoch 1: the backward pass of sqrt of [4, 1] (all 0), \
         given the gradient [4, 1] (all 0.25), made that of its operand inf at index [0, 0], in loss, at @sqrt, which makes \
         NaN in the backward pass of square at @sqrt: the derivative of the square root is infinite at 0; add a small \
         number, such as 1e-12, before it"
    );
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

#[test]
fn misfits_in_training_and_prediction_point_to_the_callers_line() {
    let mut model = sequential().add(simple_rnn(2, 4)).add(dense(4, 1));
    let data = Dataset::new(zeros([5, 8, 3]), zeros([8, 1])).unwrap();
    let sentence = "linear: shapes [5, 1, 3] and [2, 4] do not multiply: the layer takes 2 features, the input has 3 (in layers.0.cell.x)";
    sentences! {
        predict(&model, data.x()) => sentence;
        evaluate(&model, &data, mse) => sentence;
        fit(&mut model, &data).loss(mse).quiet().run() => sentence;
    }
}

#[test]
fn settings_that_make_no_sense_point_to_the_callers_line() {
    let data = Dataset::new(zeros([4, 3]), zeros([4, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let fraction = |fraction: &str| {
        format!("validation_split: the fraction is {fraction}; it must be greater than 0 and less than 1")
    };
    let taken = |name: &str| format!("metric: the name {name:?} is taken");
    let no_steps = "checkpoint_every: 0 steps: it must be at least 1";
    let no_file = "checkpoint_every: there is no file to save to: `checkpoint` comes before";
    let no_lengths = "bucket_by_length: the data set has no lengths: set them with `with_lengths`";
    let no_patience = "EarlyStopping: a patience of 0 epochs: it must be at least 1";
    let min_delta = "EarlyStopping: min_delta is -1; it must be finite and not negative";
    let no_examples = "batch_gradients: the batch holds no examples: at least one is needed";
    let nobody = data.slice(0, 0);
    sentences! {
        fit(&mut model, &data).accumulate(0) => "accumulate: 0 batches per step: it must be at least 1";
        fit(&mut model, &data).validation_split(0.0) => fraction("0");
        fit(&mut model, &data).validation_split(1.0) => fraction("1");
        fit(&mut model, &data).validation_split(f64::NAN) => fraction("NaN");
        fit(&mut model, &data).metric("loss", mse) => taken("loss");
        fit(&mut model, &data).metric("epoch", mse) => taken("epoch");
        fit(&mut model, &data).metric("gradient_norm", mse) => taken("gradient_norm");
        fit(&mut model, &data).metric("update_ratio.bias", mse) => taken("update_ratio.bias");
        fit(&mut model, &data).metric("seconds", mse) => taken("seconds");
        fit(&mut model, &data).metric("a", mse).metric("a", mse) => taken("a");
        fit(&mut model, &data).checkpoint("a").checkpoint_every(0) => no_steps;
        fit(&mut model, &data).checkpoint_every(1) => no_file;
        fit(&mut model, &data).loss(mse).bucket_by_length().run() => no_lengths;
        data.batches(2).bucket_by_length(0) => no_lengths;
        EarlyStopping::<f32>::new(0) => no_patience;
        EarlyStopping::<f32>::new(1).min_delta(-1.0) => min_delta;
        Shards::new().batch_gradients(&model, &nobody, mse, Mode::Evaluation) => no_examples;
    }
    for (fraction, set) in [(0.1, "validation"), (0.9, "training")] {
        let error = fit(&mut model, &data).loss(mse).validation_split(fraction).quiet().run().unwrap_err();
        assert_eq!(error.to_string(), format!("the {set} set holds no examples: at least one is needed"));
    }
}

#[test]
fn lengths_are_never_ignored_in_silence() {
    let lengths = |y: Tensor| Dataset::new(zeros([4, 3, 1]), y).unwrap().with_lengths(vec![1, 2, 4]).unwrap();
    let (rows, steps) = (lengths(zeros([3, 1])), lengths(zeros([4, 3, 1])));
    let flat = sequential().add(flatten()).add(dense(4, 1));
    let mut last = sequential().add(simple_rnn(1, 2)).add(dense(2, 1));
    let none = "Flatten: this layer supports neither lengths nor a mask (in layers.0)";
    let steps_only = "loss: output [1, 1] does not have the time steps and sequences of target [4, 1, 1]: \
                      add .return_sequences() to the last recurrent layer (in the loss given to fit at ";
    sentences! {
        evaluate(&flat, &rows, mse) => none;
        predict(&last, &padded(rows.x(), &[1, 2])) => "predict: 2 lengths for a batch of 3 sequences";
        predict(&last, &padded(rows.x(), &[1, 2, 5])) => "predict: the length 5 of sequence 2 is greater than the 4 time steps";
        predict(&flat, &padded(rows.x(), &[1, 2, 4])) => none;
    }
    let (message, ..) = panic_of(|| drop(fit(&mut last, &steps).loss(mse).run()));
    assert!(message.starts_with(steps_only), "{message}");
}

#[test]
fn data_that_does_not_fit_is_refused_in_a_sentence() {
    let error = Dataset::new(zeros([5]), zeros([5, 1])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "inputs [5] must have an axis of examples and one of features: unsqueeze(1) turns [N] into [N, 1]"
    );
    let error = Dataset::new(zeros([8, 5, 3]), zeros([8, 1])).unwrap_err();
    let cure = "the axes are [T, N, F], if those of the inputs are [N, T, F] swap them with transpose(0, 1)";
    assert_eq!(error.to_string(), format!("inputs [8, 5, 3] hold 5 examples, targets [8, 1] hold 8: {cure}"));
    let model = sequential().add(dense(3, 1));
    let (message, ..) = panic_of(|| drop(predict(&model, &zeros([4, 2]))));
    assert_eq!(
        message,
        "linear: shapes [1, 2] and [3, 1] do not multiply: the layer takes 3 features, the input has 2 (in layers.0)"
    );
}
