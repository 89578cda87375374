//! Numbers that are infinite or NaN: in the examples, which are named, and in what is made of good ones.

use super::*;
use unspool::losses::{Loss, mae};
use unspool::prelude::*;
use unspool::train::{EarlyStopping, FitError, TruncatedBptt};
use unspool_tests::marked;

fn net() -> Dense<Tensor<f64>> {
    Dense::new(&mut rng(0), 3, 2)
}

/// 300 examples, one of them spoilt.
fn spoilt(input: Option<(usize, f64)>, target: Option<(usize, f64)>) -> Dataset<Tensor<f64>> {
    let (mut x, mut y) = (values([300, 3], 1), values([300, 2], 2));
    for (of, bad) in [(&mut x, input), (&mut y, target)] {
        if let Some((at, value)) = bad {
            of.as_mut_slice()[at] = value;
        }
    }
    Dataset::new(x, y).unwrap()
}

/// The sentence with which a training ends before its first step.
fn refused(train: &Dataset<Tensor<f64>>, valid: Option<&Dataset<Tensor<f64>>>) -> String {
    let mut model = net();
    let fit = fit(&mut model, train).loss(mse).epochs(3).quiet();
    let result = if let Some(valid) = valid { fit.validate(valid).run() } else { fit.run() };
    assert_eq!(bits(&model), bits(&net()));
    let error = result.unwrap_err();
    assert!(matches!(error, FitError::Data { .. }) && error.history().is_none(), "{error:?}");
    error.to_string()
}

#[test]
fn a_number_in_the_data_is_named_before_training() {
    let good = spoilt(None, None);
    for (value, said) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        for (set, which) in [("training", false), ("validation", true)] {
            let refused =
                |bad: &Dataset<Tensor<f64>>| if which { refused(&good, Some(bad)) } else { refused(bad, None) };
            assert_eq!(
                refused(&spoilt(Some((17 * 3 + 2, value)), None)),
                format!(
                    "the {set} input of example 17, feature 2 (counted from 0) is {said}: what is computed from it is not finite"
                )
            );
            assert_eq!(
                refused(&spoilt(None, Some((299 * 2, value)))),
                format!(
                    "the {set} target of example 299, feature 0 (counted from 0) is {said}: what is computed from it is not finite"
                )
            );
        }
    }
    // The part that is held back is counted by itself, and sequences have steps.
    let bad = spoilt(None, Some((299 * 2 + 1, f64::NAN)));
    let mut model = net();
    let error = fit(&mut model, &bad).loss(mse).validation_split(0.1).quiet().run().unwrap_err();
    let FitError::Data { set: "validation", what: "target", example: 29, step: None, feature: 1, value, .. } = error
    else {
        panic!("{error}")
    };
    assert!(value.is_nan());
    let mut x = values([5, 40, 1], 1);
    x.as_mut_slice()[3 * 40 + 7] = f64::NEG_INFINITY;
    let data = Dataset::new(x, values([40, 1], 2)).unwrap();
    let mut model = sequential().add(|rng: &mut Rng| Recurrent::new(Gru::<Tensor<f64>>::new(rng, 1, 2)));
    let error = fit(&mut model, &data).loss(|o, t| mse(o.slice(1, ..1), t)).quiet().run().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the training input of example 7, step 3, feature 0 (counted from 0) is -inf: what is computed from it is not \
         finite"
    );
}

/// Padding, targets of weight 0, and targets that the loss leaves out are nobody's business.
#[test]
fn numbers_that_do_no_harm_are_let_pass() {
    fn trains(data: &Dataset<Tensor<f64>>, loss: impl Loss<f64> + Send) {
        let history = fit(&mut net(), data).loss(loss).validate(data).epochs(2).quiet().run().unwrap();
        assert!(history.loss[1].is_finite() && history.val_loss[1].is_finite());
    }
    let bad = spoilt(None, Some((100, f64::NAN)));
    let weights = (0..300).map(|i| f64::from(u8::from(i != 50))).collect();
    trains(&bad.clone().with_weights(weights).unwrap(), mse);
    // Missing targets, which the loss knows.
    trains(&bad, |o, t| {
        let known = t.value().map(|t| if t.is_nan() { 0.0 } else { 1.0 });
        let target = o.tape().constant(&t.value().map(|t| if t.is_nan() { 0.0 } else { t }));
        ((o - target) * o.tape().constant(&known)).square().mean()
    });
    let (time, n) = (4, 40);
    let lengths: Vec<usize> = (0..n).map(|i| 1 + i % time).collect();
    let mut y = values([time, n, 2], 2);
    for (at, y) in y.as_mut_slice().iter_mut().enumerate() {
        if at / 2 / n >= lengths[at / 2 % n] {
            *y = f64::NAN;
        }
    }
    let data = Dataset::new(values([time, n, 3], 1), y).unwrap().with_lengths(lengths).unwrap();
    trains(&data, mse);
}

/// More of them than are looked at before training: what was missed is named when it does harm.
#[test]
fn a_number_that_was_passed_over_is_named_when_it_does_harm() {
    fn masked<'t>(o: Var<'t, f64>, t: Var<'t, f64>) -> Var<'t, f64> {
        let far = t.value().map(|t| if t == f64::INFINITY { 0.0 } else { t });
        let known = t.value().map(|t| if t == f64::INFINITY { 0.0 } else { 1.0 });
        ((o - o.tape().constant(&far)) * o.tape().constant(&known)).square().mean()
    }
    let data = |last: usize| {
        let mut y = values([300, 2], 2);
        for y in &mut y.as_mut_slice()[..100] {
            *y = f64::INFINITY; // which the loss knows
        }
        y.as_mut_slice()[last] = f64::NAN; // and this not
        Dataset::new(values([300, 3], 1), y).unwrap()
    };
    let (good, bad) = (spoilt(None, None), data(280 * 2 + 1));
    let place = "target of example 280, feature 1 (counted from 0) is NaN: what is computed from it is not finite";
    let error = fit(&mut net(), &bad).loss(masked).quiet().run().unwrap_err();
    assert_eq!(error.to_string(), format!("the training {place}"));
    let error = fit(&mut net(), &good).loss(masked).validate(&bad).quiet().run().unwrap_err();
    assert_eq!(error.to_string(), format!("the validation {place}"));
    let history = error.history().unwrap();
    assert!(history.loss.len() == 1 && history.loss[0].is_finite() && history.val_loss[0].is_nan());
    // Only a metric suffers.
    let mut model = net();
    let fit = fit(&mut model, &good).loss(|o, _| o.square().mean()).validate(&bad).metric("mae", mae).quiet();
    assert_eq!(fit.run().unwrap_err().to_string(), format!("the validation {place}"));
    // Only a metric of the training examples suffers, beside those of validation.
    let mut model = net();
    let fit = unspool::fit(&mut model, &bad).loss(|o, _| o.square().mean()).validate(&good).metric("mae", mae).quiet();
    assert_eq!(fit.train_metrics().run().unwrap_err().to_string(), format!("the training {place}"));
}

#[test]
fn a_number_in_long_sequences_is_named() {
    let series = |bad: Option<usize>| {
        let mut series = values([50, 3, 1], 1);
        if let Some(step) = bad {
            series.as_mut_slice()[step * 3 + 2] = f64::NAN;
        }
        series
    };
    let error = |train: Tensor<f64>, valid: Tensor<f64>| {
        let targets = || values([50, 3, 1], 2);
        let task = TruncatedBptt::new(train, targets(), 8).unwrap().validate(valid, targets()).unwrap();
        let mut model = Recurrent::new(SimpleRnn::<Tensor<f64>>::new(&mut rng(1), 1, 1));
        fit(&mut model, &mut task.loss(mse)).quiet().run().unwrap_err().to_string()
    };
    let place =
        "input of example 2, step 20, feature 0 (counted from 0) is NaN: what is computed from it is not finite";
    assert_eq!(error(series(Some(20)), series(None)), format!("the training {place}"));
    assert_eq!(error(series(None), series(Some(20))), format!("the validation {place}"));
}

/// A loss on good validation examples that is not finite ends training, and names no example if all are bad.
#[test]
fn a_validation_loss_that_is_not_finite_ends_training() {
    let (train, valid) = (spoilt(None, None), Dataset::new(values([20, 3], 3), Tensor::full(1e300, [20, 2])).unwrap());
    let mut model = net();
    let stopping = EarlyStopping::new(1);
    let fit = fit(&mut model, &train).epochs(9).callback(stopping).quiet();
    let error = fit.loss(mse).validate(&valid).run().unwrap_err(); // @loss
    assert_eq!(
        marked(&error.to_string(), file!(), include_str!("not_finite.rs")),
        "the validation loss became inf in epoch 1: square of [1, 2] (all -1e300) is inf at index [0, 0], in loss, at \
         @loss: the numbers are too large for f64; scale the data, or keep the weights small with a smaller learning rate \
         or gradient clipping (`clip_norm`)"
    );
    assert_eq!(error.history().unwrap().val_loss, [f64::INFINITY]);
    assert_ne!(bits(&model), bits(&net()), "what was learned is kept");
}

/// Whatever ends a training, what it has come to is not lost.
#[test]
fn errors_hold_the_history() {
    let data = spoilt(None, None);
    let train = |model: &mut Dense<Tensor<f64>>, rate: f64| {
        let sgd = Sgd::default().schedule(move |step: usize| if step < 20 { 1e-3 } else { rate });
        fit(model, &data).loss(mse).optimizer(sgd).batch_size(30).epochs(5).metric("mae", mae).quiet().run()
    };
    let whole = train(&mut net(), 1e-3).unwrap();
    for rate in [1e200, f64::MAX] {
        let error = train(&mut net(), rate).unwrap_err();
        let history = error.history().unwrap();
        assert_eq!(
            (&history.loss[..], &history.metrics[0].1[..]),
            (&whole.loss[..2], &whole.metrics[0].1[..2]),
            "{error}"
        );
        assert!(history.seconds > 0.0);
    }
}
