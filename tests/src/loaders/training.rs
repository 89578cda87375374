//! A training that goes on from a file.

use super::{Folder, refused, same_model};
use crate::values;
use std::path::Path;
use unspool::Sgd;
use unspool::losses::mae;
use unspool::optim::schedules::Plateau;
use unspool::prelude::*;
use unspool::train::{EarlyStopping, FitError, History};

type Model = Dense<Tensor<f64>>;

/// `Fit::resume`.
pub fn training(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    let fresh = Model::new(&mut rng(0), 2, 1);
    let mut model = fresh.clone();
    match train(&mut model, 3, Some(&path), None) {
        Ok(_)
        | Err(
            FitError::NotFinite { .. }
            | FitError::GradientNotFinite { .. }
            | FitError::ParameterNotFinite { .. }
            | FitError::ValidationNotFinite { .. },
        ) => true,
        Err(FitError::Checkpoint(error)) => {
            assert!(same_model(&model, &fresh), "an error has changed the model: {error}");
            refused(&error.to_string(), &path)
        }
        Err(error) => panic!("not of the file: {error}"),
    }
}

/// A training with something of everything, in so many epochs; from a checkpoint, to a checkpoint.
pub fn train(model: &mut Model, epochs: usize, from: Option<&Path>, to: Option<&Path>) -> Result<History, FitError> {
    let data = Dataset::new(values([6, 2], 1), values([6, 1], 2)).unwrap();
    let mut stopping = EarlyStopping::new(2);
    let optimizer = Sgd::default().momentum(0.9).reduce_on_plateau(Plateau::new());
    let mut fit = fit(model, &data).loss(mse).batch_size(2).epochs(epochs).seed(7).validate(&data).metric("mae", mae);
    fit = fit.callback(&mut stopping);
    if let Some(path) = from {
        fit = fit.resume(path);
    }
    if let Some(path) = to {
        fit = fit.checkpoint(path);
    }
    fit.optimizer(optimizer).quiet().run()
}
