//! The correspondence between a model's leaves and the names in a file.

use super::checkpoint::Checkpoint;
use super::error::FileError;
use super::header::type_name;
use super::incompatible::IncompatibleKeys;
use super::source::holds;
use super::weight_file::WeightFile;
use crate::sentence::{listed, quoted, sizes};
use safetensors::tensor::TensorInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::mem;
use unspool_autograd::{Params, Path, Real, Shape, Tensor};

/// Says how the weights of a model correspond to the named tensors of a file, for both directions at once.
///
/// A model hands each of its weights to it, with the name and in the form that it has in the file. When a model is saved,
/// the weights are written; when one is loaded, names, shapes and element types are checked, and then the weights take
/// what the file holds. [`TorchState`](crate::io::TorchState) shows it for a cell of one's own.
pub struct WeightMap<'a> {
    pass: Pass<'a>,
    prefix: String,
    suffix: String,
    layer: usize,
    /// The entries of the file that were asked for.
    asked: BTreeSet<String>,
    missing: Vec<(String, Refused)>,
    misfits: Vec<String>,
    failure: Option<FileError>,
    /// A name that the checkpoint had already.
    pub(super) taken: Option<String>,
}

/// Which way the tensors go.
enum Pass<'a> {
    Write(&'a mut Checkpoint),
    Check(&'a WeightFile),
    Read(&'a WeightFile),
}

/// When a name that is missing is an error.
enum Refused {
    /// If others are there that hold the same weights together with it.
    Always,
    IfStrict,
    /// If its layer may have been made without it.
    Never,
}

impl<'a> WeightMap<'a> {
    pub(super) fn writing(checkpoint: &'a mut Checkpoint, prefix: &str) -> Self {
        Self::new(Pass::Write(checkpoint), prefix)
    }

    pub(super) fn checking(file: &'a WeightFile, prefix: &str) -> Self {
        Self::new(Pass::Check(file), prefix)
    }

    pub(super) fn reading(file: &'a WeightFile, prefix: &str) -> Self {
        Self::new(Pass::Read(file), prefix)
    }

    fn new(pass: Pass<'a>, prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let (suffix, layer, asked, missing, misfits, failure, taken) = Default::default();
        WeightMap { pass, prefix, suffix, layer, asked, missing, misfits, failure, taken }
    }

    /// What the model and the file do not share, if the model can be loaded nevertheless.
    pub(super) fn finish(self) -> Result<IncompatibleKeys, FileError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let Pass::Check(file) = self.pass else { return Ok(IncompatibleKeys::default()) };
        let prefix = self.prefix.as_str();
        let unexpected = file.names().filter(|name| name.starts_with(prefix) && !self.asked.contains(*name));
        let unexpected: Vec<String> = unexpected.map(str::to_owned).collect();
        // A file that has nothing of the model is a mistake in any case: of another model, or under another prefix.
        let strict = file.is_strict() || self.asked.is_empty();
        let mut problems = Vec::new();
        let mut refused = |what: &str, names: Vec<String>| {
            if !names.is_empty() {
                problems.push(format!("{what} {}", listed(names.iter().map(|name| quoted(name)), ", ")));
            }
        };
        let missing = self.missing.iter().filter(|(_, when)| match when {
            Refused::Always => true,
            Refused::IfStrict => strict,
            Refused::Never => false,
        });
        refused("missing", missing.map(|(name, _)| name.clone()).collect());
        let weights = unexpected.iter().filter(|name| strict && file.holds_floats(name));
        refused("unexpected", weights.cloned().collect());
        let misfits = listed(&self.misfits, "; ");
        problems.extend((!misfits.is_empty()).then_some(misfits));
        match problems.is_empty() {
            true => {
                let missing = self.missing.into_iter().map(|(name, _)| name).collect();
                Ok(IncompatibleKeys { missing, unexpected })
            }
            false => Err(file.wrong(format_args!("does not fit the model: {}", problems.join("; ")))),
        }
    }

    /// Several tensors of the file that hold some weights together. `tensors` are their names, and what they are if the
    /// weights are saved as they are now; `take` sets the weights to what the file holds, tensors of the same shapes in the
    /// same order. The other methods are made of this one.
    pub fn exchange<T: Real, const N: usize>(
        &mut self,
        tensors: [(&str, Tensor<T>); N],
        take: impl FnOnce([Tensor<T>; N]),
    ) {
        self.hand_over(tensors, None, take);
    }

    /// As [`exchange`](WeightMap::exchange), for weights that a layer of the other framework may have been made without: of
    /// a file that has none of these names, every element is `absent`. (A name that is spelt otherwise there is found
    /// nevertheless: nobody expects it.)
    pub fn exchange_or<T: Real, const N: usize>(
        &mut self,
        tensors: [(&str, Tensor<T>); N],
        absent: T,
        take: impl FnOnce([Tensor<T>; N]),
    ) {
        self.hand_over(tensors, Some(absent), take);
    }

    fn hand_over<T: Real, const N: usize>(
        &mut self,
        tensors: [(&str, Tensor<T>); N],
        absent: Option<T>,
        take: impl FnOnce([Tensor<T>; N]),
    ) {
        let tensors = tensors.map(|(name, tensor)| (self.in_file(name), tensor));
        let optional = absent.is_some();
        let absent = absent.filter(|_| self.may_lack_some());
        match &mut self.pass {
            Pass::Write(checkpoint) => {
                for (name, tensor) in tensors {
                    if !checkpoint.insert(&name, Box::new(tensor)) {
                        self.taken.get_or_insert(name);
                    }
                }
            }
            Pass::Check(file) => {
                let found = tensors.iter().any(|(name, _)| file.info(name).is_some());
                for (name, tensor) in tensors {
                    if let Some(problem) = file.not_numbers(&name) {
                        self.misfits.push(format!("{} cannot be read: {problem}", quoted(&name)));
                        continue;
                    }
                    match file.find(&name) {
                        Some((name, info)) => {
                            self.misfits.extend(misfits(info, name, &tensor));
                            self.asked.insert(name.to_owned());
                        }
                        None if found => self.missing.push((name, Refused::Always)),
                        None if absent.is_some() => {}
                        None if optional => self.missing.push((name, Refused::Never)),
                        None => self.missing.push((name, Refused::IfStrict)),
                    }
                }
            }
            Pass::Read(file) => {
                if !tensors.iter().any(|(name, _)| file.info(name).is_some()) {
                    if let Some(absent) = absent {
                        take(tensors.map(|(_, tensor)| Tensor::full(absent, tensor.shape())));
                    }
                    return; // or else the weights stay as they are
                }
                let read = |(name, tensor): (String, Tensor<T>)| match file.info(&name) {
                    Some(info) if misfits(info, &name, &tensor).is_empty() => file.read(&name, info),
                    _ => Ok(tensor), // not what was asked for in the pass before
                };
                match tensors.into_iter().map(read).collect::<Result<Vec<_>, _>>() {
                    Ok(loaded) => take(loaded.try_into().expect("as many as were asked for")),
                    Err(error) => self.failure = Some(error),
                }
            }
        }
    }

    /// The name of a tensor in the file.
    fn in_file(&self, name: &str) -> String {
        format!("{}{name}{}", self.prefix, self.suffix)
    }

    /// Whether what is not in the file may be what its layer was made without, and not a part of a layer that is missing.
    fn may_lack_some(&self) -> bool {
        match &self.pass {
            Pass::Write(_) => true,
            Pass::Check(file) | Pass::Read(file) => file.is_strict() || file.holds_any(&self.prefix, &self.suffix),
        }
    }

    /// If a layer is in the file without this name, the error says `why` it must be there.
    pub(super) fn needs(&mut self, name: &str, why: &str) {
        let name = self.in_file(name);
        if let Pass::Check(file) = &self.pass
            && file.info(&name).is_none()
            && file.holds_any(&self.prefix, &self.suffix)
        {
            self.misfits.push(format!("{} {why}", quoted(&name)));
        }
    }

    /// A weight that is the same in the file.
    pub fn same<T: Real>(&mut self, name: &str, weight: &mut Tensor<T>) {
        self.exchange([(name, weight.clone())], |[tensor]| *weight = tensor);
    }

    /// A weight that is the same in the file, or `absent` in every element if the file has none of this name.
    pub fn same_or<T: Real>(&mut self, name: &str, weight: &mut Tensor<T>, absent: T) {
        self.exchange_or([(name, weight.clone())], absent, |[tensor]| *weight = tensor);
    }

    /// A matrix `[m, n]` that is `[n, m]` in the file: weights here are to the right of their input.
    ///
    /// # Panics
    /// If it is not a matrix.
    #[track_caller]
    pub fn transposed<T: Real>(&mut self, name: &str, weight: &mut Tensor<T>) {
        self.exchange([(name, weight.t())], |[tensor]| *weight = tensor.t().contiguous());
    }

    /// A bias that is the sum of two in the file, or zero if the file has neither. In saving, the first is the bias and the
    /// second zero.
    pub fn sum<T: Real>(&mut self, names: [&str; 2], bias: &mut Tensor<T>) {
        let tensors = [(names[0], bias.clone()), (names[1], Tensor::zeros(bias.shape()))];
        self.exchange_or(tensors, T::ZERO, |[a, b]| *bias = a.zip(&b, |a, b| a + b));
    }

    /// One weight that has several names in the file: PyTorch's tied weights, `decoder.weight = encoder.weight`.
    ///
    /// As with safetensors' `save_model`, the first of the names in alphabetical order is saved, and the metadata says for
    /// each other one that it stands for that; `load_model` reads it. A file that is loaded may have any of the names, and
    /// must have the same values under those that it has.
    ///
    /// # Panics
    /// If no name is given.
    pub fn tied<T: Real, const N: usize>(&mut self, names: [&str; N], weight: &mut Tensor<T>) {
        let mut names = names.map(|name| self.in_file(name));
        names.sort();
        match &mut self.pass {
            Pass::Write(checkpoint) => {
                let (kept, others) = names.split_first().expect("a weight has a name");
                if !checkpoint.insert(kept, Box::new(weight.clone())) {
                    self.taken.get_or_insert(kept.clone());
                }
                for other in others {
                    if !checkpoint.insert_text(other, kept) {
                        self.taken.get_or_insert(other.clone());
                    }
                }
            }
            Pass::Check(file) => {
                let entries: BTreeMap<_, _> = names.iter().filter_map(|name| file.find(name)).collect();
                for (name, info) in &entries {
                    self.misfits.extend(misfits(info, name, weight));
                    self.asked.insert((*name).to_owned());
                }
                if entries.is_empty() {
                    self.missing.extend(names.map(|name| (name, Refused::IfStrict)));
                }
            }
            Pass::Read(file) => {
                let entries: BTreeMap<_, _> = names.iter().filter_map(|name| file.find(name)).collect();
                let mut first = None;
                for (name, info) in entries {
                    if !misfits(info, name, weight).is_empty() {
                        continue; // not what was asked for in the pass before
                    }
                    match (file.read::<T>(name, info), &first) {
                        (Ok(tensor), None) => first = Some((name, tensor)),
                        (Ok(tensor), Some((kept, weight))) if !same_bits(weight, &tensor) => {
                            let (kept, name) = (quoted(kept), quoted(name));
                            let sentence = "which are one weight in the model";
                            let error =
                                file.wrong(format_args!("has other values in {kept} than in {name}, {sentence}"));
                            self.failure.get_or_insert(error);
                        }
                        (Ok(_), Some(_)) => {}
                        (Err(error), _) => _ = self.failure.get_or_insert(error),
                    }
                }
                if let Some((_, tensor)) = first {
                    *weight = tensor;
                }
            }
        }
    }

    /// What `exchange` hands over has one more part before its name, `encoder.` or `0.`.
    pub fn at(&mut self, part: impl Display, exchange: impl FnOnce(&mut Self)) {
        let length = self.prefix.len();
        self.prefix += &format!("{part}.");
        exchange(self);
        self.prefix.truncate(length);
    }

    /// The names of what `exchange` hands over end in `_l0`, with the number of the layer, and then `direction`: as the
    /// weights of PyTorch's recurrent layers, whose cells have names without that.
    pub(super) fn in_layer(&mut self, direction: &str, exchange: impl FnOnce(&mut Self)) {
        let suffix = mem::replace(&mut self.suffix, format!("_l{}{direction}", self.layer));
        exchange(self);
        self.suffix = suffix;
    }

    /// What `exchange` hands over belongs to layer `number` of several.
    pub(super) fn of_layer(&mut self, number: usize, exchange: impl FnOnce(&mut Self)) {
        let layer = mem::replace(&mut self.layer, number);
        exchange(self);
        self.layer = layer;
    }
}

/// In what an entry of a file differs from the tensor that is expected.
fn misfits<T: Real>(info: &TensorInfo, name: &str, wanted: &Tensor<T>) -> Vec<String> {
    let mut misfits = Vec::new();
    if info.shape != wanted.shape()[..] {
        misfits.push(format!("{} has shape {}, expected {}", quoted(name), sizes(&info.shape), wanted.shape()));
    }
    if !holds::<T>(info.dtype) {
        misfits.push(format!("{} holds {}, expected {}", quoted(name), type_name(info.dtype), T::NAME));
    }
    misfits
}

/// Whether two tensors are the same, whatever is not a number in them, too.
fn same_bits<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> bool {
    let bits = |tensor: &Tensor<T>| tensor.to_vec().into_iter().map(|x| x.to_f64().to_bits());
    bits(a).eq(bits(b))
}

/// Every leaf under its own name and as it is.
pub(super) fn leaves<T: Real, M: Params<Tensor<T>>>(model: &mut M, dict: &mut WeightMap<'_>) {
    let mut leaves = Vec::new();
    model.visit_leaves_mut(Path::ROOT, &mut |path, leaf| leaves.push((path.to_string(), leaf)));
    for (name, leaf) in leaves {
        dict.same(&name, leaf);
    }
}

/// The parts of a tensor of `gates` blocks side by side along its last axis, in another order.
pub(super) fn gates<T: Real, const N: usize>(tensor: &Tensor<T>, order: [usize; N]) -> Tensor<T> {
    let axis = tensor.rank() - 1;
    let size = tensor.shape()[axis] / N;
    Tensor::concat(axis, &order.map(|gate| tensor.slice(axis, gate * size..(gate + 1) * size)))
}

/// `[size]` zeros.
pub(super) fn zeros<T: Real>(size: usize) -> Tensor<T> {
    Tensor::zeros(Shape::from([size]))
}
