//! What a training goes on from, read from a file.

use super::{Folder, refused, same};
use crate::values;
use unspool::Sgd;
use unspool::io::WeightFile;
use unspool::optim::schedules::Plateau;
use unspool::optim::{Ema, Nadam, RAdam, StateDict};
use unspool::prelude::*;

type Model = Dense<Tensor<f64>>;

/// `restore`, of a `StateDict` whose numbers are the tensors without axes.
pub fn state_dict(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    let file = match WeightFile::open(&path) {
        Ok(file) => file,
        Err(error) => return refused(&error, &path),
    };
    let mut state = StateDict::new();
    for name in file.names() {
        match file.tensor::<f64>(name) {
            Ok(number) if number.rank() == 0 => drop(state.numbers.insert(name.to_owned(), number.item())),
            Ok(tensor) => drop(state.tensors.insert(name.to_owned(), tensor)),
            Err(error) => drop(refused(&error, &path)),
        }
    }
    let model = Model::new(&mut rng(0), 2, 1);
    let momentum = Sgd::default().momentum(0.9).reduce_on_plateau(Plateau::new());
    [
        restores(Adam::default(), &state),
        restores(Nadam::default(), &state),
        restores(RAdam::default(), &state),
        restores((momentum, &mut Ema::new(&model, 0.9)), &state),
    ]
    .contains(&true)
}

/// Restores an optimizer, if it does, and takes a step with it.
fn restores<O: Optimizer<f64, Model>>(mut optimizer: O, state: &StateDict<f64>) -> bool {
    let mut model = Model::new(&mut rng(0), 2, 1);
    let mut gradients = model.zeros_like();
    gradients.weight = values([2, 1], 1);
    optimizer.step(&mut model, &gradients);
    let before = optimizer.state_dict();
    let result = optimizer.load_state_dict(&model, state);
    match &result {
        Ok(()) => {
            assert!(
                same_state(&optimizer.state_dict(), state),
                "{state:?} was restored as {:?}",
                optimizer.state_dict()
            )
        }
        Err(error) => {
            assert!(error.to_string().len() > "the saved state does not fit: ".len(), "{error}");
            assert!(same_state(&optimizer.state_dict(), &before), "an error has changed the optimizer: {error}");
        }
    }
    optimizer.step(&mut model, &gradients);
    optimizer.observe(1.0);
    result.is_ok()
}

fn same_state(a: &StateDict<f64>, b: &StateDict<f64>) -> bool {
    let numbers = |state: &StateDict<f64>| state.numbers.values().map(|number| number.to_bits()).collect::<Vec<_>>();
    let tensors = a.tensors.values().zip(b.tensors.values()).all(|(a, b)| same(a, b));
    a.numbers.keys().eq(b.numbers.keys())
        && a.tensors.keys().eq(b.tensors.keys())
        && tensors
        && numbers(a) == numbers(b)
}
