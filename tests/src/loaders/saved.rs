//! What `serde` reads, from JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use unspool::data::{Differences, MinMaxScaler, StandardScaler};
use unspool::prelude::*;
use unspool::text::Vocabulary;
use unspool::train::History;
use unspool::train::metrics::ConfusionMatrix;

/// Every type that checks what it reads: what is read is used without a panic, and written and read again.
pub fn serde(bytes: &[u8]) -> bool {
    let read = [
        reads(bytes, |x: &Tensor<f64>| assert_eq!(x.reshape([x.numel()]).to_vec().len(), x.numel())),
        reads(bytes, |x: &Indices| assert_eq!(x.shape().numel(), x.as_slice().len())),
        reads(bytes, |x: &StandardScaler| {
            let mean = Tensor::from_vec(x.mean.clone(), [1, x.mean.len()]);
            assert!(x.transform(&mean).to_vec().iter().all(|&x| x == 0.0));
        }),
        reads(bytes, |x: &MinMaxScaler| {
            let min = Tensor::from_vec(x.min.clone(), [1, x.min.len()]);
            assert!(x.transform(&min).to_vec().iter().all(|&x| x == 0.0));
        }),
        reads(bytes, |x: &Differences| drop(x.transform(&Tensor::<f64>::zeros([20, 2])))),
        reads(bytes, |x: &Vocabulary| {
            let ids: Vec<usize> = (0..x.len()).collect();
            assert_eq!(x.encode(x.decode(&ids)).unwrap(), ids);
        }),
        reads(bytes, |x: &ConfusionMatrix| {
            assert!(x.accuracy().is_nan() || (0.0..=1.0).contains(&x.accuracy()));
            drop((x.macro_f1(), x.per_class_accuracy(), x.to_string()));
        }),
        reads(bytes, |x: &History| drop((x.to_csv(), x.to_json(), x.to_svg(), x.to_string()))),
    ];
    read.contains(&true)
}

fn reads<X: DeserializeOwned + Serialize>(bytes: &[u8], check: impl Fn(&X)) -> bool {
    match serde_json::from_slice::<X>(bytes) {
        Ok(x) => {
            check(&x);
            // Not compared: `serde_json` rounds the last digit of some numbers.
            check(&serde_json::from_slice(&serde_json::to_vec(&x).unwrap()).unwrap());
            true
        }
        Err(error) => {
            assert!(error.to_string().len() > 10, "{error:?} says nothing");
            false
        }
    }
}
