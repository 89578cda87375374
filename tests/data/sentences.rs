//! Mistakes in how data are cut, scaled and put together.

use unspool::data::{Differences, MinMaxScaler, StandardScaler, Windows, buckets, time_split};
use unspool::prelude::*;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
use unspool::text::{Vocabulary, bptt_batches, token_windows};
use unspool_tests::{sentences, zeros};

#[test]
fn none_of_anything_is_a_mistake() {
    let data = Dataset::new(zeros([7, 1]), zeros([7, 1])).unwrap();
    sentences! {
        Windows::new(0, 1) => "Windows: a window of 0 rows: it must have at least 1";
        Windows::new(1, 0) => "Windows: a horizon of 0: the next row is at horizon 1";
        Windows::new(1, 1).stride(0) => "Windows: a stride of 0: it must be at least 1";
        Differences::new([1, 0]) => "Differences: the lags [1, 0]: a lag must be at least 1";
        time_split(5, [0, 0]) => "time_split: the proportions [0, 0] must not all be 0";
        data.split([0, 0], 0) => "time_split: the proportions [0, 0] must not all be 0";
        data.batches(0) => "batches: a batch size of 0: it must be at least 1";
        buckets(&[1, 2], 0, 0) => "buckets: a batch size of 0: it must be at least 1";
    }
}

#[test]
fn columns_that_a_scaler_has_not_are_mistakes() {
    let standard = StandardScaler { mean: vec![0.0; 2], std: vec![1.0; 2] };
    let min_max = MinMaxScaler { min: vec![0.0; 2], max: vec![1.0; 2] };
    let uneven = StandardScaler { mean: vec![0.0; 3], std: vec![1.0; 2] };
    let values = zeros([4, 3]);
    sentences! {
        standard.transform(&values) => "StandardScaler: values [4, 3] for a scaler of 2 columns: their last axis must have as many";
        standard.inverse(&values) => "StandardScaler: values [4, 3] for a scaler of 2 columns: their last axis must have as many";
        min_max.transform(&values) => "MinMaxScaler: values [4, 3] for a scaler of 2 columns: their last axis must have as many";
        min_max.inverse(&values) => "MinMaxScaler: values [4, 3] for a scaler of 2 columns: their last axis must have as many";
        uneven.transform(&values) => "StandardScaler: 3 numbers and 2, one of each per column";
        standard.columns(&[0, 2]) => "StandardScaler: there is no column 2 of 2, counted from 0";
        min_max.columns(&[5]) => "MinMaxScaler: there is no column 5 of 2, counted from 0";
    }
}

#[test]
fn texts_of_nothing_are_mistakes() {
    let vocabulary = Vocabulary::from_tokens(["a".to_string()]).unwrap();
    sentences! {
        bptt_batches(&[1, 2], 0, 1) => "bptt_batches: a batch size of 0: it must be at least 1";
        bptt_batches(&[1, 2], 1, 0) => "bptt_batches: batches of 0 steps: they must have at least 1";
        token_windows(&[1, 2], 0) => "token_windows: a window of 0 tokens: it must have at least 1";
        vocabulary.decode(&[0, 1]) => "decode: there is no token 1 among 1, counted from 0";
    }
}

#[test]
fn ngrams_that_were_not_counted_are_mistakes() {
    let counts = NgramCounts::new(&[0, 1], 2, 2);
    let model = NgramModel::new(&counts, 2, Smoothing::KneserNey);
    sentences! {
        NgramCounts::new(&[0, 1], 0, 2) => "NgramCounts: n-grams of order 0: they must have at least 1 token";
        NgramCounts::new(&[0, 2], 1, 2) => "NgramCounts: there is no token 2 among 2, counted from 0";
        counts.count(&[0, 1, 0]) => "count: an n-gram of 3 tokens, and n-grams of up to 2 were counted";
        counts.distinct(3) => "n-grams of 1 to 2 tokens were counted, none of 3";
        counts.once(0) => "n-grams of 1 to 2 tokens were counted, none of 0";
        counts.bytes(0) => "n-grams of 1 to 2 tokens were counted, none of 0";
        counts.unseen(&[0], 3) => "n-grams of 1 to 2 tokens were counted, none of 3";
        NgramModel::new(&counts, 3, Smoothing::KneserNey) => "NgramModel: order 3, and n-grams of 1 to 2 tokens were counted";
        NgramModel::new(&counts, 1, Smoothing::AddK(0.0)) => "NgramModel: AddK(0.0) needs a positive number";
        model.probability(&[0], 2) => "probability: there is no token 2 among 2, counted from 0";
        model.cross_entropy(&[0, 7]) => "probability: there is no token 7 among 2, counted from 0";
    }
}
