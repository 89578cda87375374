//! State that training carries from step to step, by name.

use crate::messages::listed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use unspool_autograd::{Scalar, Shape, Tensor};

/// The state of an optimizer, a callback or an average of weights: tensors and numbers with dotted
/// names, to be saved and loaded.
///
/// ```
/// use unspool::prelude::*;
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 2, 1);
/// let gradients = model.zeros_like();
/// let mut adam = Adam::default();
/// adam.step(&mut model, &gradients);
///
/// let state = adam.state_dict();
/// assert_eq!(state.numbers["step"], 1.0);
/// assert!(state.tensors.keys().eq(["m.bias", "m.weight", "v.bias", "v.weight"]));
///
/// let mut resumed = Adam::default(); // the same settings
/// resumed.load_state_dict(&model, &state).unwrap();
/// ```
///
/// The tensors are copy-on-write: they share memory with their owner until one of the two changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict<T: Scalar = f32> {
    /// Tensors by name: `m.layers.0.weight`.
    pub tensors: BTreeMap<String, Tensor<T>>,
    /// Numbers by name: `step`. Counts are whole numbers; a best value is infinite before the first
    /// one.
    pub numbers: BTreeMap<String, f64>,
}

impl<T: Scalar> StateDict<T> {
    /// An empty state.
    pub fn new() -> Self {
        StateDict { tensors: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    /// Adds all of `other`, with `prefix` and a dot before its names.
    ///
    /// ```
    /// use unspool::optim::StateDict;
    /// let mut inner = StateDict::<f32>::new();
    /// inner.numbers.insert("step".into(), 3.0);
    /// let mut all = StateDict::new();
    /// all.nest("optimizer", inner.clone());
    /// assert_eq!(all.numbers["optimizer.step"], 3.0);
    /// assert_eq!(all.split("optimizer"), (inner, StateDict::new()));
    /// ```
    pub fn nest(&mut self, prefix: &str, other: StateDict<T>) {
        self.tensors.extend(other.tensors.into_iter().map(|(name, tensor)| (format!("{prefix}.{name}"), tensor)));
        self.numbers.extend(other.numbers.into_iter().map(|(name, number)| (format!("{prefix}.{name}"), number)));
    }

    /// The entries whose names start with `prefix` and a dot, without these; and all other entries.
    pub fn split(&self, prefix: &str) -> (StateDict<T>, StateDict<T>) {
        let (mut inside, mut outside) = (StateDict::new(), StateDict::new());
        let nested = |name: &str| name.strip_prefix(prefix)?.strip_prefix('.').map(str::to_owned);
        for (name, tensor) in &self.tensors {
            match nested(name) {
                Some(rest) => inside.tensors.insert(rest, tensor.clone()),
                None => outside.tensors.insert(name.clone(), tensor.clone()),
            };
        }
        for (name, &number) in &self.numbers {
            match nested(name) {
                Some(rest) => inside.numbers.insert(rest, number),
                None => outside.numbers.insert(name.clone(), number),
            };
        }
        (inside, outside)
    }

    /// A reader, which collects everything that does not fit.
    pub fn reader(&self) -> StateReader<'_, T> {
        StateReader { state: self, requested: BTreeSet::new(), error: StateDictError::default() }
    }
}

/// Reads a [`StateDict`] by name and collects everything that does not fit. Returned by
/// [`StateDict::reader`].
///
/// ```
/// use unspool::Tensor;
/// use unspool::optim::StateDict;
/// use unspool::tensor::Shape;
/// let mut state = StateDict::<f32>::new();
/// state.tensors.insert("velocity".into(), Tensor::ones([2]));
/// state.numbers.insert("stepp".into(), 3.0);
///
/// let mut reader = state.reader();
/// assert_eq!(reader.tensor("velocity", Shape::from([2])), Some(Tensor::ones([2])));
/// assert_eq!(reader.count("step"), None);
/// let error = reader.finish().unwrap_err();
/// assert_eq!(error.to_string(), "the saved state does not fit: step is missing; stepp is unexpected");
/// ```
#[derive(Debug)]
pub struct StateReader<'a, T: Scalar = f32> {
    state: &'a StateDict<T>,
    requested: BTreeSet<String>,
    error: StateDictError,
}

impl<T: Scalar> StateReader<'_, T> {
    /// The tensor of this name, if there is one of this shape.
    pub fn tensor(&mut self, name: &str, shape: Shape) -> Option<Tensor<T>> {
        self.requested.insert(name.to_owned());
        match self.state.tensors.get(name) {
            None => self.error.missing.push(name.to_owned()),
            Some(tensor) if tensor.shape() == shape => return Some(tensor.clone()),
            Some(tensor) => self.error.misshaped.push((name.to_owned(), tensor.shape(), shape)),
        }
        None
    }

    /// The number of this name, if there is one and it is not NaN.
    pub fn number(&mut self, name: &str) -> Option<f64> {
        self.number_that(name, "a number", |number| !number.is_nan())
    }

    /// The number of this name, if there is one and it is a count: whole, not negative, and small
    /// enough to be exact.
    pub fn count(&mut self, name: &str) -> Option<usize> {
        let exact = 0.0..=9_007_199_254_740_992.0;
        let count = self.number_that(name, "a count", |number| number.fract() == 0.0 && exact.contains(&number));
        count.map(|count| count as usize)
    }

    /// The number of this name, if there is one that satisfies a condition; `expected` names it in
    /// words.
    pub fn number_that(&mut self, name: &str, expected: &'static str, is: impl Fn(f64) -> bool) -> Option<f64> {
        self.requested.insert(name.to_owned());
        match self.state.numbers.get(name) {
            None => self.error.missing.push(name.to_owned()),
            Some(&number) if is(number) => return Some(number),
            Some(&number) => self.error.unfit.push((name.to_owned(), number, expected)),
        }
        None
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If an entry was missing or did not fit, or an entry was not requested.
    pub fn finish(mut self) -> Result<(), StateDictError> {
        let names = self.state.tensors.keys().chain(self.state.numbers.keys());
        self.error.unexpected = names.filter(|name| !self.requested.contains(*name)).cloned().collect();
        if self.error == StateDictError::default() { Ok(()) } else { Err(self.error) }
    }
}

/// Why a [`StateDict`] was not loaded: everything that does not fit.
///
/// ```
/// use unspool::optim::StateDict;
/// use unspool::{Adam, Dense, Optimizer, Tensor, rng};
/// let model: Dense<Tensor> = Dense::new(&mut rng(0), 2, 1);
/// let mut adam = Adam::default();
/// let error = adam.load_state_dict(&model, &StateDict::new()).unwrap_err();
/// assert!(error.missing.contains(&"step".to_string()));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StateDictError {
    /// Names that are missing.
    pub missing: Vec<String>,
    /// Names that are not expected.
    pub unexpected: Vec<String>,
    /// Names, shapes, and the shapes that were expected.
    pub misshaped: Vec<(String, Shape, Shape)>,
    /// Names of numbers, the numbers, and what was expected.
    pub unfit: Vec<(String, f64, &'static str)>,
}

impl StateDictError {
    /// Adds all of `other`, with `prefix` and a dot before its names.
    pub fn nest(&mut self, prefix: &str, other: StateDictError) {
        let named = |name: String| format!("{prefix}.{name}");
        self.missing.extend(other.missing.into_iter().map(named));
        self.unexpected.extend(other.unexpected.into_iter().map(named));
        self.misshaped.extend(other.misshaped.into_iter().map(|(name, is, expected)| (named(name), is, expected)));
        self.unfit.extend(other.unfit.into_iter().map(|(name, is, expected)| (named(name), is, expected)));
    }
}

impl fmt::Display for StateDictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing.iter().map(|name| format!("{name} is missing"));
        let unexpected = self.unexpected.iter().map(|name| format!("{name} is unexpected"));
        let misshaped =
            self.misshaped.iter().map(|(name, is, expected)| format!("{name} is {is}, expected {expected}"));
        let unfit = self.unfit.iter().map(|(name, is, expected)| format!("{name} is {is}, expected {expected}"));
        let all = missing.chain(unexpected).chain(misshaped).chain(unfit);
        write!(f, "the saved state does not fit: {}", listed(all, "; "))
    }
}

impl std::error::Error for StateDictError {}
