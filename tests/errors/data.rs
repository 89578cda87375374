//! Mistakes in how data are cut, scaled and put together.

use super::*;
use unspool::{MinMaxScaler, StandardScaler, Windows, buckets, time_split};

#[test]
fn none_of_anything_is_a_mistake() {
    let data = Dataset::new(zeros([7, 1]), zeros([7, 1])).unwrap();
    sentences! {
        Windows::new(0, 1) => "Windows: a window of 0 rows: it must have at least 1";
        Windows::new(1, 0) => "Windows: a horizon of 0: the next row is at horizon 1";
        Windows::new(1, 1).stride(0) => "Windows: a stride of 0: it must be at least 1";
        time_split(5, [0, 0]) => "time_split: the proportions [0, 0] must not all be 0";
        data.split([0, 0], 0) => "time_split: the proportions [0, 0] must not all be 0";
        data.batches(0) => "batches: a batch of 0 examples: it must have at least 1";
        buckets(&[1, 2], 0, 0) => "buckets: a batch of 0 sequences: it must have at least 1";
    }
}

#[test]
fn columns_that_a_scaler_has_not_are_mistakes() {
    let standard = StandardScaler { mean: vec![0.0; 2], std: vec![1.0; 2] };
    let min_max = MinMaxScaler { min: vec![0.0; 2], max: vec![1.0; 2] };
    let uneven = StandardScaler { mean: vec![0.0; 3], std: vec![1.0; 2] };
    let values = zeros([4, 3]);
    sentences! {
        standard.transform(&values) => "StandardScaler: values [4, 3] for a scaler of 2 columns: their last axis must be these";
        standard.inverse(&values) => "StandardScaler: values [4, 3] for a scaler of 2 columns: their last axis must be these";
        min_max.transform(&values) => "MinMaxScaler: values [4, 3] for a scaler of 2 columns: their last axis must be these";
        min_max.inverse(&values) => "MinMaxScaler: values [4, 3] for a scaler of 2 columns: their last axis must be these";
        uneven.transform(&values) => "StandardScaler: 3 numbers and 2, one of each per column";
        standard.columns(&[0, 2]) => "StandardScaler: there is no column 2 of 2, counted from 0";
        min_max.columns(&[5]) => "MinMaxScaler: there is no column 5 of 2, counted from 0";
    }
}
