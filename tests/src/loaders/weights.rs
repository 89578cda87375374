//! Files of weights. The models have the sizes of those in `fixtures/exchange`.

use super::{Folder, refused, same, same_model};
use std::fs;
use std::path::Path;
use unspool::cells::{GruResetBefore, ProjectedLstm};
use unspool::io::{
    Checkpoint, FileError, IncompatibleKeys, KerasState, TorchState, WeightFile, load_keras, load_torch, save_keras,
    save_torch,
};
use unspool::layers::LayerNorm;
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::tensor::Real;
use unspool::text::LanguageModel;
use unspool::{Embedding, Gru, Lstm, dropout, gru, load, lstm, save};

const INPUTS: usize = 3;
const HIDDEN: usize = 4;

/// Loads a model from one file, if it does, saves it to another and loads that.
fn there_and_back<T: Real, M: Params<Tensor<T>>>(
    folder: &Folder,
    path: &Path,
    model: M,
    load: fn(&Path, &mut M) -> Result<(), FileError>,
    save: fn(&Path, &M) -> Result<(), FileError>,
) -> bool {
    let fresh = || model.map_leaves(unspool::autograd::Path::ROOT, &mut |_, leaf| leaf.clone());
    let fresh = || fresh().map_leaves(unspool::autograd::Path::ROOT, &mut |_, leaf: &Tensor<T>| leaf.clone());
    let mut loaded: M = fresh();
    if let Err(error) = load(path, &mut loaded) {
        assert!(same_model(&loaded, &model), "an error has changed the model: {error}");
        return refused(&error, path);
    }
    let saved = folder.saved();
    save(&saved, &loaded).unwrap();
    let bytes = fs::read(&saved).unwrap();
    let mut again: M = fresh();
    load(&saved, &mut again).unwrap();
    assert!(same_model(&again, &loaded), "what was saved is another model");
    save(&saved, &again).unwrap();
    assert!(fs::read(&saved).unwrap() == bytes, "the same model has other bytes");
    true
}

/// Loads what a file has of a model, if it can, and can if the `whole` fits.
fn in_part<T: Real, M: Params<Tensor<T>> + TorchState>(path: &Path, mut model: M, whole: bool) {
    let Ok(file) = WeightFile::open(path) else { return };
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    match file.strict(false).load_torch("", &mut model) {
        Ok(IncompatibleKeys { missing, unexpected, .. }) => {
            assert!(missing.iter().all(|name| !names.contains(name)), "{missing:?} is not missing in {names:?}");
            assert!(unexpected.iter().all(|name| names.contains(name)), "{unexpected:?} is not in {names:?}");
        }
        Err(error) => assert!(!whole && !refused(&error, path), "{error}"),
    }
}

/// `load`, of a model in either type.
pub fn safetensors(bytes: &[u8]) -> bool {
    fn check<T: Real, M: Params<Tensor<T>>>(folder: &Folder, path: &Path, model: M) -> bool {
        there_and_back(folder, path, model, |p, m| load(p, m), |p, m| save(p, m))
    }
    let (folder, rng) = (Folder::new(), &mut rng(0));
    let path = folder.file(bytes);
    [
        check(&folder, &path, Dense::<Tensor>::new(rng, 2, 3)),
        check(&folder, &path, Dense::<Tensor<f64>>::new(rng, 2, 3)),
        check(&folder, &path, Recurrent::new(Gru::<Tensor>::new(rng, 1, 2))),
        check(&folder, &path, Recurrent::new(Gru::<Tensor<f64>>::new(rng, 1, 2))),
    ]
    .contains(&true)
}

/// `WeightFile`: everything that is in the file, one by one.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file(bytes);
    let file = match WeightFile::open(&path) {
        Ok(file) => file,
        Err(error) => return refused(&error, &path),
    };
    let mut checkpoint = Checkpoint::new();
    let names: Vec<&str> = file.names().filter(|name| *name != "__metadata__").collect();
    for name in &names {
        match entry(&file, name) {
            (Ok(single), Ok(double), _) => assert!(same(&single.cast(), &double), "{name:?} differs by type"), // of two bytes
            (Ok(single), ..) => checkpoint.put_tensor(name, &single),
            (_, Ok(double), _) => checkpoint.put_tensor(name, &double),
            (.., Ok(numbers)) => checkpoint.put_numbers(name, &numbers),
            (Err(single), Err(double), Err(numbers)) => {
                let _ = [single, double, numbers].map(|error| refused(&error, &path));
            }
        }
    }
    file.text("format");
    let _ = format!("{file:?}");

    let saved = folder.saved();
    checkpoint.save(&saved).unwrap();
    let again = WeightFile::open(&saved).unwrap();
    for name in names {
        match (entry(&file, name), entry(&again, name)) {
            ((Ok(_), Ok(_), _) | (Err(_), Err(_), Err(_)), (.., Err(_))) => {} // not saved
            ((Ok(a), ..), (Ok(b), ..)) => assert!(same(&a, &b), "{name:?} differs"),
            ((_, Ok(a), _), (_, Ok(b), _)) => assert!(same(&a, &b), "{name:?} differs"),
            ((.., Ok(a)), (.., Ok(b))) => assert_eq!(a, b, "{name:?} differs"),
            (first, again) => panic!("{name:?} was {first:?} and is {again:?}"),
        }
    }
    true
}

type Read<V> = Result<V, FileError>;

/// The entry of a name, as each type that can be requested.
fn entry(file: &WeightFile, name: &str) -> (Read<Tensor>, Read<Tensor<f64>>, Read<[u64; 2]>) {
    (file.tensor(name), file.tensor(name), file.numbers(name))
}

/// `load_torch`, of every layer.
pub fn torch(bytes: &[u8]) -> bool {
    fn check<T: Real, M: Params<Tensor<T>> + TorchState + Clone>(folder: &Folder, path: &Path, model: M) -> bool {
        let loads = there_and_back(folder, path, model.clone(), |p, m| load_torch(p, m), |p, m| save_torch(p, m));
        in_part(path, model, loads);
        loads
    }
    let (folder, rng) = (Folder::new(), &mut rng(0));
    let path = folder.file(bytes);
    let [forward, backward] = [0; 2].map(|_| Gru::<Tensor>::new(rng, INPUTS, HIDDEN));
    [
        check(&folder, &path, Recurrent::new(SimpleRnn::<Tensor>::new(rng, INPUTS, HIDDEN))),
        check(&folder, &path, Recurrent::new(Lstm::<Tensor<f64>>::new(rng, INPUTS, HIDDEN))),
        check(&folder, &path, Recurrent::new(Lstm::<Tensor>::new(rng, INPUTS, HIDDEN))),
        check(&folder, &path, Recurrent::new(forward.clone())),
        check(&folder, &path, Bidirectional::new(forward, backward)),
        check(&folder, &path, Recurrent::new(ProjectedLstm::<Tensor>::new(rng, INPUTS, HIDDEN, 2))),
        check(&folder, &path, LanguageModel::<Tensor>::new(rng, 7, 3, [HIDDEN, HIDDEN], Lstm::new)),
        check(&folder, &path, LanguageModel::<Tensor>::tied(rng, 7, HIDDEN, [HIDDEN, HIDDEN], Lstm::new)),
        check(&folder, &path, LayerNorm::<Tensor>::new(INPUTS)),
        check(&folder, &path, Embedding::<Tensor>::new(rng, 7, HIDDEN)),
        check::<f32, _>(
            &folder,
            &path,
            sequential().add(dense(INPUTS, HIDDEN)).add(dropout(0.5)).add(dense(HIDDEN, 2)),
        ),
    ]
    .contains(&true)
}

/// `load_keras`, of every layer.
pub fn keras(bytes: &[u8]) -> bool {
    fn check<M: Params<Tensor> + KerasState>(folder: &Folder, path: &Path, model: M) -> bool {
        there_and_back(folder, path, model, |p, m| load_keras(p, m), |p, m| save_keras(p, m))
    }
    let (folder, rng) = (Folder::new(), &mut rng(0));
    let path = folder.file(bytes);
    let [forward, backward] = [0; 2].map(|_| Lstm::<Tensor>::new(rng, INPUTS, HIDDEN));
    let deep = sequential().add(lstm(INPUTS, HIDDEN).return_sequences()).add(gru(HIDDEN, HIDDEN));
    [
        check(&folder, &path, [SimpleRnn::<Tensor>::new(rng, INPUTS, HIDDEN)].map(Recurrent::new)),
        check(&folder, &path, [Gru::<Tensor>::new(rng, INPUTS, HIDDEN)].map(Recurrent::new)),
        check(&folder, &path, [GruResetBefore::<Tensor>::new(rng, INPUTS, HIDDEN)].map(Recurrent::new)),
        check(&folder, &path, [Bidirectional::new(forward, backward)]),
        check(&folder, &path, [LayerNorm::<Tensor>::new(INPUTS)]),
        check(&folder, &path, [Embedding::<Tensor>::new(rng, 7, HIDDEN)]),
        check(&folder, &path, deep.add(dropout(0.5)).add(dense(HIDDEN, 2))),
    ]
    .contains(&true)
}
