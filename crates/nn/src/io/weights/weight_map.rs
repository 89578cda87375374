//! How the weights of a model map to the named tensors of a file.

use super::checkpoint::Checkpoint;
use super::incompatible_keys::IncompatibleKeys;
use super::safetensors_header::type_name;
use super::tensor_source::represents;
use super::weight_file::WeightFile;
use crate::io::error::FileError;
use crate::messages::{listed, quoted, sizes};
use safetensors::tensor::TensorInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Display;
use std::mem;
use unspool_autograd::{Params, Path, Real, Tensor};

/// Maps the weights of a model to the named tensors of a file, for saving and loading at once.
///
/// A model passes each of its weights to the map, with the name and in the form that it has in the
/// file. To save a model, the weights are written; to load one, names, shapes and element types are
/// checked first, and then the weights are set. [`TorchState`](crate::io::TorchState) has an
/// example with a custom model.
///
/// ```
/// use unspool::io::{TorchState, WeightMap, load_torch, save_torch};
/// use unspool::tensor::Real;
/// use unspool::{Dense, Params, Tensor, rng};
///
/// #[derive(Params)]
/// struct Coder<P> { encoder: Dense<P>, decoder: Dense<P> }
///
/// impl<T: Real> TorchState for Coder<Tensor<T>> {
///     fn torch(&mut self, map: &mut WeightMap<'_>) {
///         map.at("encoder", |map| self.encoder.torch(map));
///         map.at("decoder", |map| self.decoder.torch(map));
///     }
/// }
///
/// let rng = &mut rng(0);
/// let mut coder: Coder<Tensor> = Coder { encoder: Dense::new(rng, 8, 2), decoder: Dense::new(rng, 2, 8) };
/// # let path = std::env::temp_dir().join(format!("coder-{}.safetensors", std::process::id()));
/// save_torch(&path, &coder)?; // encoder.weight, encoder.bias, decoder.weight, decoder.bias
/// load_torch(&path, &mut coder)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
#[cfg(feature = "safetensors")]
pub struct WeightMap<'a> {
    pass: Pass<'a>,
    prefix: String,
    suffix: String,
    layer: usize,
    /// The entries of the file that the model requested.
    requested: BTreeSet<String>,
    missing: Vec<(String, ErrorIf)>,
    mismatches: Vec<String>,
    failure: Option<FileError>,
    /// The first name that the checkpoint had already.
    taken: Option<String>,
}

impl fmt::Debug for WeightMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightMap").field("prefix", &self.prefix).field("suffix", &self.suffix).finish_non_exhaustive()
    }
}

/// What is done with the tensors.
enum Pass<'a> {
    Write(&'a mut Checkpoint),
    Check(&'a WeightFile),
    Read(&'a WeightFile),
    /// Collects the shapes.
    #[cfg(feature = "keras")]
    Shapes(&'a mut BTreeMap<String, Vec<usize>>),
}

/// When a missing name is an error.
enum ErrorIf {
    /// The file has only some of the tensors that make up a weight together.
    Always,
    Strict,
    /// The layer may have been built without it.
    Never,
}

impl<'a> WeightMap<'a> {
    fn new(pass: Pass<'a>, prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let (suffix, layer, requested, missing, mismatches, failure, taken) = Default::default();
        WeightMap { pass, prefix, suffix, layer, requested, missing, mismatches, failure, taken }
    }

    /// The names that only one of model and file has, if the model can be loaded nevertheless.
    fn finish(self) -> Result<IncompatibleKeys, FileError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let Pass::Check(file) = self.pass else { return Ok(IncompatibleKeys::default()) };
        let prefix = self.prefix.as_str();
        let unexpected = file.names().filter(|name| name.starts_with(prefix) && !self.requested.contains(*name));
        let unexpected: Vec<String> = unexpected.map(str::to_owned).collect();
        // A file with nothing of the model is always a mistake: another model's file, or another
        // prefix.
        let strict = file.is_strict() || self.requested.is_empty();
        let mut problems = Vec::new();
        let mut report = |what: &str, names: Vec<String>| {
            if !names.is_empty() {
                problems.push(format!("{what} {}", listed(names.iter().map(|name| quoted(name)), ", ")));
            }
        };
        let missing = self.missing.iter().filter(|(_, when)| match when {
            ErrorIf::Always => true,
            ErrorIf::Strict => strict,
            ErrorIf::Never => false,
        });
        report("missing", missing.map(|(name, _)| name.clone()).collect());
        let weights = unexpected.iter().filter(|name| strict && file.holds_floats(name));
        report("unexpected", weights.cloned().collect());
        let mismatches = listed(&self.mismatches, "; ");
        problems.extend((!mismatches.is_empty()).then_some(mismatches));
        match problems.is_empty() {
            true => {
                let missing = self.missing.into_iter().map(|(name, _)| name).collect();
                Ok(IncompatibleKeys { missing, unexpected })
            }
            false => Err(file.wrong(format_args!("does not fit the model: {}", problems.join("; ")))),
        }
    }

    /// Maps several tensors of the file that make up some weights together. `tensors` are their
    /// names and the values to save; `take` sets the weights from the values that were loaded, in
    /// the same order and of the same shapes. The other methods call this one.
    pub fn exchange<T: Real, const N: usize>(
        &mut self,
        tensors: [(&str, Tensor<T>); N],
        take: impl FnOnce([Tensor<T>; N]),
    ) {
        self.exchange_tensors(tensors, None, take);
    }

    /// The same as [`exchange`](WeightMap::exchange), for weights that a layer of the other
    /// framework may lack: if the file has none of these names, every element becomes `absent`. (A
    /// misspelt name is found nevertheless: it is unexpected.)
    pub fn exchange_or<T: Real, const N: usize>(
        &mut self,
        tensors: [(&str, Tensor<T>); N],
        absent: T,
        take: impl FnOnce([Tensor<T>; N]),
    ) {
        self.exchange_tensors(tensors, Some(absent), take);
    }

    fn exchange_tensors<T: Real, const N: usize>(
        &mut self,
        tensors: [(&str, Tensor<T>); N],
        absent: Option<T>,
        take: impl FnOnce([Tensor<T>; N]),
    ) {
        let tensors = tensors.map(|(name, tensor)| (self.in_file(name), tensor));
        let optional = absent.is_some();
        let absent = absent.filter(|_| self.may_lack_optional());
        match &mut self.pass {
            Pass::Write(checkpoint) => {
                for (name, tensor) in tensors {
                    if !checkpoint.insert(&name, Box::new(tensor)) {
                        self.taken.get_or_insert(name);
                    }
                }
            }
            #[cfg(feature = "keras")]
            Pass::Shapes(shapes) => shapes.extend(tensors.map(|(name, tensor)| (name, tensor.shape().to_vec()))),
            Pass::Check(file) => {
                let found = tensors.iter().any(|(name, _)| file.info(name).is_some());
                for (name, tensor) in tensors {
                    if let Some(problem) = file.not_numbers(&name) {
                        self.mismatches.push(format!("{} cannot be read: {problem}", quoted(&name)));
                        continue;
                    }
                    match file.find(&name) {
                        Some((name, info)) => {
                            self.mismatches.extend(mismatches(info, name, &tensor));
                            self.requested.insert(name.to_owned());
                        }
                        None if found => self.missing.push((name, ErrorIf::Always)),
                        None if absent.is_some() => {}
                        None if optional => self.missing.push((name, ErrorIf::Never)),
                        None => self.missing.push((name, ErrorIf::Strict)),
                    }
                }
            }
            Pass::Read(file) => {
                if !tensors.iter().any(|(name, _)| file.info(name).is_some()) {
                    if let Some(absent) = absent {
                        take(tensors.map(|(_, tensor)| Tensor::full(absent, tensor.shape())));
                    }
                    return; // otherwise the weights keep their values
                }
                let read = |(name, tensor): (String, Tensor<T>)| match file.info(&name) {
                    Some(info) if mismatches(info, &name, &tensor).is_empty() => file.read(&name, info),
                    _ => Ok(tensor), // requested otherwise in the checking pass
                };
                match tensors.into_iter().map(read).collect::<Result<Vec<_>, _>>() {
                    Ok(loaded) => take(loaded.try_into().expect("one for each")),
                    Err(error) => self.failure = Some(error),
                }
            }
        }
    }

    /// The full name of a tensor in the file.
    fn in_file(&self, name: &str) -> String {
        format!("{}{name}{}", self.prefix, self.suffix)
    }

    /// Whether an optional weight that is not in the file may take its default: not if its whole
    /// layer is missing.
    fn may_lack_optional(&self) -> bool {
        match &self.pass {
            Pass::Check(file) | Pass::Read(file) => file.is_strict() || file.holds_any(&self.prefix, &self.suffix),
            _ => true,
        }
    }

    /// Requires this name of a layer that is in the file; the error states the reason, `why`.
    pub(super) fn require(&mut self, name: &str, why: &str) {
        let name = self.in_file(name);
        if let Pass::Check(file) = &self.pass
            && file.info(&name).is_none()
            && file.holds_any(&self.prefix, &self.suffix)
        {
            self.mismatches.push(format!("{} {why}", quoted(&name)));
        }
    }

    /// Maps a weight that has the same form in the file.
    pub fn same<T: Real>(&mut self, name: &str, weight: &mut Tensor<T>) {
        self.exchange([(name, weight.clone())], |[tensor]| *weight = tensor);
    }

    /// Maps a weight that has the same form in the file; every element becomes `absent` if the file
    /// lacks the name.
    pub fn same_or<T: Real>(&mut self, name: &str, weight: &mut Tensor<T>, absent: T) {
        self.exchange_or([(name, weight.clone())], absent, |[tensor]| *weight = tensor);
    }

    /// Maps a matrix `[m, n]` that is `[n, m]` in the file. (Here a weight multiplies its input
    /// from the right.)
    ///
    /// # Panics
    /// If the weight is not a matrix.
    #[track_caller]
    pub fn transposed<T: Real>(&mut self, name: &str, weight: &mut Tensor<T>) {
        self.exchange([(name, weight.t())], |[tensor]| *weight = tensor.t().contiguous());
    }

    /// Maps a bias that is the sum of two in the file; it becomes zero if the file has neither.
    /// When saving, the first is the bias and the second is zero.
    pub fn sum<T: Real>(&mut self, names: [&str; 2], bias: &mut Tensor<T>) {
        let tensors = [(names[0], bias.clone()), (names[1], Tensor::zeros(bias.shape()))];
        self.exchange_or(tensors, T::ZERO, |[a, b]| *bias = a + b);
    }

    /// Maps one weight that has several names in the file: PyTorch's tied weights,
    /// `decoder.weight = encoder.weight`.
    ///
    /// As with safetensors' `save_model`, the weight is saved under the first name in alphabetical
    /// order, and the metadata lists the other names as its aliases; `load_model` reads this. A
    /// file to be loaded may have any of the names, with the same values under each.
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
            #[cfg(feature = "keras")]
            Pass::Shapes(shapes) => shapes.extend(names.map(|name| (name, weight.shape().to_vec()))),
            Pass::Check(file) => {
                let entries: BTreeMap<_, _> = names.iter().filter_map(|name| file.find(name)).collect();
                for (name, info) in &entries {
                    self.mismatches.extend(mismatches(info, name, weight));
                    self.requested.insert((*name).to_owned());
                }
                if entries.is_empty() {
                    self.missing.extend(names.map(|name| (name, ErrorIf::Strict)));
                }
            }
            Pass::Read(file) => {
                let entries: BTreeMap<_, _> = names.iter().filter_map(|name| file.find(name)).collect();
                let mut first = None;
                for (name, info) in entries {
                    if !mismatches(info, name, weight).is_empty() {
                        continue; // requested otherwise in the checking pass
                    }
                    match (file.read::<T>(name, info), &first) {
                        (Ok(tensor), None) => first = Some((name, tensor)),
                        (Ok(tensor), Some((kept, weight))) if !same_bits(weight, &tensor) => {
                            let (kept, name) = (quoted(kept), quoted(name));
                            let sentence = "which are one weight in the model";
                            let error =
                                file.wrong(format_args!("has different values in {kept} and {name}, {sentence}"));
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

    /// Names that `exchange` passes are under `module`: they begin with `encoder.` or `0.`.
    pub fn at(&mut self, module: impl Display, exchange: impl FnOnce(&mut Self)) {
        let length = self.prefix.len();
        self.prefix += &format!("{module}.");
        exchange(self);
        self.prefix.truncate(length);
    }

    /// Names that `exchange` passes end in `_l0`, with the index of the layer, followed by
    /// `direction`: PyTorch's recurrent layers add this to the names of their cells.
    pub(super) fn in_layer(&mut self, direction: &str, exchange: impl FnOnce(&mut Self)) {
        let suffix = mem::replace(&mut self.suffix, format!("_l{}{direction}", self.layer));
        exchange(self);
        self.suffix = suffix;
    }

    /// Names that `exchange` passes belong to the layer of this index in a stack.
    pub(super) fn of_layer(&mut self, index: usize, exchange: impl FnOnce(&mut Self)) {
        let layer = mem::replace(&mut self.layer, index);
        exchange(self);
        self.layer = layer;
    }
}

/// How an entry of the file differs from the tensor that the model expects.
fn mismatches<T: Real>(info: &TensorInfo, name: &str, expected: &Tensor<T>) -> Vec<String> {
    let mut mismatches = Vec::new();
    if info.shape != expected.shape()[..] {
        mismatches.push(format!("{} has shape {}, expected {}", quoted(name), sizes(&info.shape), expected.shape()));
    }
    if !represents::<T>(info.dtype) {
        mismatches.push(format!("{} holds {}, expected {}", quoted(name), type_name(info.dtype), T::NAME));
    }
    mismatches
}

/// Whether two tensors have the same bits: a NaN equals itself here.
fn same_bits<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> bool {
    let bits = |tensor: &Tensor<T>| tensor.to_vec().into_iter().map(|x| x.to_f64().to_bits());
    bits(a).eq(bits(b))
}

impl Checkpoint {
    /// Puts `model` under `prefix` with names and shapes of your choice: `exchange` passes each of
    /// its weights to the [`WeightMap`].
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_with<T: Real, M: Params<Tensor<T>>>(
        &mut self,
        prefix: &str,
        model: &M,
        exchange: impl FnOnce(&mut M, &mut WeightMap<'_>),
    ) {
        let mut map = WeightMap::new(Pass::Write(self), prefix);
        exchange(&mut shallow_clone(model), &mut map);
        ensure!(map.taken.is_none(), "Checkpoint: the name {:?} is taken", map.taken.unwrap_or_default());
    }
}

impl WeightFile {
    /// Loads `model` from under `prefix`, where its weights have the names and shapes that
    /// `exchange` passes to the [`WeightMap`]. It is called twice: first to check, then to read.
    ///
    /// # Errors
    /// Those of [`load`](WeightFile::load).
    pub fn load_with<T: Real, M: Params<Tensor<T>>>(
        &self,
        prefix: &str,
        model: &mut M,
        mut exchange: impl FnMut(&mut M, &mut WeightMap<'_>),
    ) -> Result<IncompatibleKeys, FileError> {
        // Checks everything before it reads anything, and sets the model last: an error leaves it unchanged.
        let mut loaded = shallow_clone(model);
        let mut check = WeightMap::new(Pass::Check(self), prefix);
        exchange(&mut loaded, &mut check);
        let incompatible = check.finish()?;
        let mut read = WeightMap::new(Pass::Read(self), prefix);
        exchange(&mut loaded, &mut read);
        read.finish()?;
        *model = loaded;
        Ok(incompatible)
    }
}

/// The shapes of the weights of a model by the names that `exchange` passes to the [`WeightMap`].
#[cfg(feature = "keras")]
pub(super) fn shapes<T: Real, M: Params<Tensor<T>>>(
    model: &M,
    exchange: impl FnOnce(&mut M, &mut WeightMap<'_>),
) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    exchange(&mut shallow_clone(model), &mut WeightMap::new(Pass::Shapes(&mut shapes), ""));
    shapes
}

/// A copy of the model that shares the memory of its weights.
pub(crate) fn shallow_clone<T: Real, M: Params<Tensor<T>>>(model: &M) -> M {
    // Twice, since one mapping returns an `M::With<Tensor<T>>`, which the compiler cannot equate with `M`.
    let there = model.map_leaves(Path::ROOT, &mut |_, leaf| leaf.clone());
    there.map_leaves(Path::ROOT, &mut |_, leaf| leaf.clone())
}
