//! Examples that count differently, and sequences of different lengths.

use super::*;
use unspool::losses::mae;
use unspool::train::accuracy;
use unspool::{Mode, Sgd, Shards, evaluate, gru, predict};
use unspool_tests::{assert_close, padded};

fn flat(n: usize) -> Dataset<Tensor<f64>> {
    Dataset::new(values([n, 3], 1), values([n, 2], 2)).unwrap()
}

fn layer() -> Dense<Tensor<f64>> {
    Dense::new(&mut rng(0), 3, 2)
}

/// Loss and gradients of a batch.
fn gradients(data: &Dataset<Tensor<f64>>) -> (f64, Dense<Tensor<f64>>) {
    Shards::new().batch_gradients(&layer(), data, mse, Mode::Training { seed: 0 })
}

fn same(a: (f64, Dense<Tensor<f64>>), b: (f64, Dense<Tensor<f64>>), factor: f64) {
    assert!((a.0 - b.0 * factor).abs() < 1e-12, "{} {}", a.0, b.0);
    for (a, b) in a.1.leaves().into_iter().zip(b.1.leaves()) {
        assert_close("gradients", a, &b.map(|b| b * factor), 1e-12);
    }
}

/// An example of weight 2 is there twice, one of weight 0 is not there; on one tape and on several.
#[test]
fn weights_are_numbers_of_copies() {
    for n in [1, 5, 100] {
        let data = flat(n);
        let weights: Vec<usize> = (0..n).map(|i| (i + 1) % 4).collect();
        let copies: Vec<usize> = (0..n).flat_map(|i| vec![i; weights[i]]).collect();
        let weighted = data.clone().with_weights(weights.iter().map(|&w| w as f64).collect()).unwrap();
        let factor = copies.len() as f64 / n as f64;
        same(gradients(&weighted), gradients(&data.select(&copies)), factor);
        let (a, b) = (evaluate(&layer(), &weighted, mae), evaluate(&layer(), &data.select(&copies), mae));
        assert!((a - b * factor).abs() < 1e-12);
        // They go with their examples.
        let (last, part) = (weighted.select(&[n - 1]), weighted.slice(n / 2, n - n / 2));
        assert_eq!(last.weights().unwrap(), [weights[n - 1] as f64]);
        assert_eq!(part.weights(), Some(&weighted.weights().unwrap()[n / 2..]));
    }
    let none = flat(5).with_weights(vec![0.0; 5]).unwrap();
    same(gradients(&none), gradients(&flat(5)), 0.0);
}

/// A target at every step: padding contributes nothing to loss and gradient, with and without weights.
#[test]
fn padded_steps_do_not_count() {
    let (time, n) = (5, 37);
    let lengths: Vec<usize> = (0..n).map(|i| 1 + i * 3 % time).collect();
    let padded = |what: f64, weights: bool| {
        let at = |i: usize| i / n >= lengths[i % n];
        let fill = |t: Tensor<f64>, width: usize| {
            let values = t.to_vec();
            Tensor::from_fn(t.shape(), |i| if at(i / width) { what } else { values[i] })
        };
        let (x, y) = (fill(values([time, n, 3], 1), 3), fill(values([time, n, 2], 2), 2));
        let data = Dataset::new(x, y).unwrap().with_lengths(lengths.clone()).unwrap();
        if weights { data.with_weights((0..n).map(|i| (i % 3) as f64).collect()).unwrap() } else { data }
    };
    for weights in [false, true] {
        let data = padded(7.0, weights);
        assert_eq!(gradients(&padded(f64::NAN, weights)).0, gradients(&data).0);
        // By hand: every valid step is an example of its own.
        let rows: Vec<(usize, usize)> = (0..time).flat_map(|t| (0..n).map(move |i| (t, i))).collect();
        let rows: Vec<(usize, usize)> = rows.into_iter().filter(|&(t, i)| t < lengths[i]).collect();
        let pick = |of: &Tensor<f64>, width| {
            Tensor::from_fn([rows.len(), width], |k| of.at([rows[k / width].0, rows[k / width].1, k % width]))
        };
        let mut steps = Dataset::new(pick(data.x(), 3), pick(data.y(), 2)).unwrap();
        if weights {
            steps = steps.with_weights(rows.iter().map(|(_, i)| (i % 3) as f64).collect()).unwrap();
        }
        same(gradients(&data), gradients(&steps), 1.0);
        assert!((evaluate(&layer(), &data, mae) - evaluate(&layer(), &steps, mae)).abs() < 1e-12);
    }
}

/// Training in batches of similar length sees each sequence to its end and no further.
#[test]
fn sequences_of_different_lengths_are_learned() {
    let data = sequences();
    let data =
        Dataset::new(data.x().cast(), data.y().cast()).unwrap().with_lengths(data.lengths().unwrap().to_vec()).unwrap();
    let train = |buckets: bool| {
        let mut model =
            sequential().add(gru(1, 12).return_sequences()).add(dropout(0.0)).add(gru(12, 12)).add(dense(12, 1));
        let adam = Adam::default().learning_rate(0.01);
        let fit = fit(&mut model, &data).loss(mse).optimizer(adam).batch_size(8).epochs(80).quiet();
        let history = if buckets { fit.bucket_by_length().run() } else { fit.run() }.unwrap();
        assert!(history.loss[79] < 0.02, "{:?}", history.loss);
        let said = predict(&model, &padded(data.x(), data.lengths().unwrap()));
        let error = said.zip(data.y(), |said, y| (said - y) * (said - y)).mean().item();
        assert!((f64::from(error) - evaluate(&model, &data, mse)).abs() < 1e-6);
        history.loss
    };
    assert_ne!(train(true), train(false));
}

/// A sequence beside longer ones is what it is alone, in models of several layers too.
#[test]
fn padding_changes_no_prediction() {
    let (data, model) = (sequences(), sequential().add(gru(1, 3).return_sequences()).add(gru(3, 2)).add(dense(2, 1)));
    let (x, lengths): (Tensor, _) = (data.x().cast(), data.lengths().unwrap());
    let together = predict(&model, &padded(&x, lengths));
    for (i, &length) in lengths.iter().enumerate() {
        let alone = predict(&model, &x.slice(0, ..length).slice(1, i..i + 1)).item();
        assert!((together.at([i, 0]) - alone).abs() < 1e-6, "{alone} {together:?}");
    }
}

/// Batches end with their longest sequence.
#[test]
fn batches_are_cut_to_their_longest_sequence() {
    let data = sequences();
    let mut seen = 0;
    for batch in data.batches(7).bucket_by_length(3).chain(data.batches(7)).chain(data.batches(7).shuffle(1)) {
        let longest = *batch.lengths().unwrap().iter().max().unwrap();
        assert_eq!(batch.x().shape()[..], [longest, batch.len(), 1]);
        assert_eq!(batch.y().shape()[..], [batch.len(), 1]);
        seen += batch.len();
    }
    assert_eq!(seen, 120);
    let spread = |batches: unspool::data::Batches<'_, Tensor<f64>>| -> usize {
        batches.map(|batch| batch.x().shape()[0] * batch.len()).sum()
    };
    let valid: usize = data.lengths().unwrap().iter().sum();
    assert!(spread(data.batches(5).bucket_by_length(0)) < valid + 20);
    assert!(spread(data.batches(5).shuffle(0)) > valid + 40);
    // Passing over batches is not picking them.
    let all: Vec<Vec<usize>> = data.batches(7).shuffle(2).map(|batch| batch.lengths().unwrap().to_vec()).collect();
    for start in 0..8 {
        let rest: Vec<Vec<usize>> =
            data.batches(7).shuffle(2).skip(start).map(|batch| batch.lengths().unwrap().to_vec()).collect();
        assert_eq!(rest, all[start.min(all.len())..]);
    }
    let whole = data.batches(7).bucket_by_length(0).drop_last();
    assert_eq!((whole.len(), whole.clone().all(|batch| batch.len() == 7)), (5, true));
}

/// A step on several batches is a step on one of all their examples, the last of which may be smaller.
#[test]
fn accumulated_batches_are_one() {
    for weighted in [false, true] {
        let data = flat(50);
        let data = if weighted { data.with_weights((0..50).map(|i| 0.1 * i as f64).collect()).unwrap() } else { data };
        let train = |batch: usize, accumulate: usize| {
            let mut model = layer();
            let fit = fit(&mut model, &data)
                .loss(mse)
                .shuffle(false)
                .batch_size(batch)
                .accumulate(accumulate)
                .epochs(3)
                .quiet();
            (fit.run().unwrap(), model)
        };
        let (one, several) = (train(50, 1), train(15, 4));
        for (a, b) in one.1.leaves().into_iter().zip(several.1.leaves()) {
            assert_close("weights", a, b, 1e-9);
        }
        assert!((one.0.loss[2] - several.0.loss[2]).abs() < 1e-9);
        assert_ne!(bits(&train(15, 1).1), bits(&several.1));
    }
}

#[test]
fn without_shuffling_examples_come_as_they_stand() {
    let data = flat(20);
    let mut model = layer();
    fit(&mut model, &data).loss(mse).shuffle(false).batch_size(8).quiet().run().unwrap();
    let (mut by_hand, mut adam, mut shards) = (layer(), Adam::default(), Shards::new());
    for batch in data.batches(8) {
        let (_, gradients) = shards.batch_gradients(&by_hand, &batch, mse, Mode::Evaluation);
        adam.step(&mut by_hand, &gradients);
    }
    assert_eq!(bits(&by_hand), bits(&model));
}

#[test]
fn accuracy_is_how_often_the_highest_is_right() {
    let data = Dataset::<Tensor<f64>>::new(Tensor::one_hot([0, 1, 2], 3), Tensor::one_hot([0, 2, 2], 3)).unwrap();
    let model = Dense { weight: Tensor::one_hot([0, 1, 2], 3), bias: Tensor::zeros([3]) };
    assert!((evaluate(&model, &data, accuracy) - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn weights_and_lengths_that_do_not_fit_are_refused_in_a_sentence() {
    let is = |result: Result<Dataset<Tensor<f64>>, unspool::data::DataError>, sentence: &str| {
        assert_eq!(result.unwrap_err().to_string(), sentence);
    };
    is(flat(3).with_weights(vec![1.0; 2]), "2 weights for 3 examples: each needs one");
    is(flat(3).with_weights(vec![1.0, -0.5, 1.0]), "weight 1 is -0.5: it must be finite and not negative");
    is(flat(2).with_weights(vec![1.0, f64::NAN]), "weight 1 is NaN: it must be finite and not negative");
    is(flat(2).with_weights(vec![f64::INFINITY, 0.0]), "weight 0 is inf: it must be finite and not negative");
    is(flat(3).with_lengths(vec![1; 3]), "inputs [3, 3] have no lengths: they must be [T, N, F]");
    let long = || Dataset::new(values([4, 3, 1], 1), values([3, 1], 2)).unwrap();
    is(long().with_lengths(vec![1; 4]), "4 lengths for 3 examples: each needs one");
    is(long().with_lengths(vec![1, 0, 1]), "length 1 is 0: it must be from 1 to 4");
    is(long().with_lengths(vec![1, 2, 5]), "length 2 is 5: it must be from 1 to 4");
}

/// What stands in the target of an example of weight 0 is never looked at, also where a whole part of a batch has none that
/// counts.
#[test]
fn targets_of_weight_zero_may_be_anything() {
    for n in [1, 5, 100] {
        let data = flat(n);
        let counts = |i: usize| i >= n.div_ceil(2) && n > 5;
        let weights: Vec<f64> = (0..n).map(|i| f64::from(u8::from(counts(i)))).collect();
        let y = data.y().to_vec();
        let y = Tensor::from_fn([n, 2], |i| if counts(i / 2) { y[i] } else { f64::NAN });
        let holes = Dataset::new(data.x().clone(), y).unwrap().with_weights(weights.clone()).unwrap();
        let whole = data.with_weights(weights).unwrap();
        same(gradients(&holes), gradients(&whole), 1.0);
        assert_eq!(evaluate(&layer(), &holes, mse), evaluate(&layer(), &whole, mse));
    }
}

#[test]
fn a_metric_counts_every_example_the_same() {
    let data = Dataset::<Tensor<f64>>::new(Tensor::one_hot([0, 1, 2], 3), Tensor::one_hot([0, 1, 2], 3)).unwrap();
    let data = data.with_weights(vec![3.0, 1.0, 0.0]).unwrap();
    let mut model = Dense { weight: Tensor::one_hot([0, 1, 1], 3), bias: Tensor::zeros([3]) };
    let still = Sgd::default().learning_rate(0.0);
    let fit = fit(&mut model, &data).loss(mse).metric("accuracy", accuracy).optimizer(still).quiet();
    assert_eq!(fit.run().unwrap().curve("accuracy"), Some(&[2.0 / 3.0][..]));
}
