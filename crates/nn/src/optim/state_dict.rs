//! What training remembers from step to step, by name.

use crate::messages::listed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use unspool_autograd::{Scalar, Shape, Tensor};

/// What an optimiser, its schedule or an average of weights remembers: tensors and numbers with dotted names, to be
/// written down and read back.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::layers::Dense;
/// use unspool_nn::optim::{Adam, Optimizer};
/// use unspool_autograd::{Tensor, ParamsExt};
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 2, 1);
/// let gradients = model.zeros_like();
/// let mut adam = Adam::default();
/// adam.step(&mut model, &gradients);
///
/// let memory = adam.state_dict();
/// assert_eq!(memory.numbers["step"], 1.0);
/// assert!(memory.tensors.keys().eq(["m.bias", "m.weight", "v.bias", "v.weight"]));
///
/// let mut resumed = Adam::default(); // the same settings
/// resumed.load_state_dict(&model, &memory).unwrap();
/// ```
///
/// The tensors share their elements with whom they come from, until one of both changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict<T: Scalar = f32> {
    /// Tensors by name: `m.layers.0.weight`.
    pub tensors: BTreeMap<String, Tensor<T>>,
    /// Numbers by name: `step`. Counts are whole numbers; a best value that was never seen is infinite.
    pub numbers: BTreeMap<String, f64>,
}

impl<T: Scalar> StateDict<T> {
    /// Nothing yet.
    pub fn new() -> Self {
        StateDict { tensors: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    /// Adds all of `other`, its names behind `prefix` and a dot.
    ///
    /// ```
    /// use unspool_nn::optim::StateDict;
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

    /// What is behind `prefix` and a dot, with the rest of its name; and everything else.
    pub fn split(&self, prefix: &str) -> (StateDict<T>, StateDict<T>) {
        let (mut inside, mut outside) = (StateDict::new(), StateDict::new());
        let behind = |name: &str| name.strip_prefix(prefix)?.strip_prefix('.').map(str::to_owned);
        for (name, tensor) in &self.tensors {
            match behind(name) {
                Some(rest) => inside.tensors.insert(rest, tensor.clone()),
                None => outside.tensors.insert(name.clone(), tensor.clone()),
            };
        }
        for (name, &number) in &self.numbers {
            match behind(name) {
                Some(rest) => inside.numbers.insert(rest, number),
                None => outside.numbers.insert(name.clone(), number),
            };
        }
        (inside, outside)
    }

    /// Reads values by name, and tells in the end whether all was as expected.
    pub fn reader(&self) -> StateReader<'_, T> {
        StateReader { memory: self, asked: BTreeSet::new(), error: StateDictError::default() }
    }
}

/// Reads a [`StateDict`], and gathers what is wrong with it: what [`StateDict::reader`] returns.
///
/// ```
/// use unspool_nn::optim::StateDict;
/// use unspool_autograd::{Shape, Tensor};
/// let mut memory = StateDict::<f32>::new();
/// memory.tensors.insert("speed".into(), Tensor::ones([2]));
/// memory.numbers.insert("stepp".into(), 3.0);
///
/// let mut reader = memory.reader();
/// assert_eq!(reader.tensor("speed", Shape::from([2])), Some(Tensor::ones([2])));
/// assert_eq!(reader.count("step"), None);
/// let error = reader.finish().unwrap_err();
/// assert_eq!(error.to_string(), "what was saved does not fit: step is missing; stepp is not expected");
/// ```
pub struct StateReader<'a, T: Scalar = f32> {
    memory: &'a StateDict<T>,
    asked: BTreeSet<String>,
    error: StateDictError,
}

impl<T: Scalar> StateReader<'_, T> {
    /// The tensor of this name, if it is there and of this shape.
    pub fn tensor(&mut self, name: &str, shape: Shape) -> Option<Tensor<T>> {
        self.asked.insert(name.to_owned());
        match self.memory.tensors.get(name) {
            None => self.error.missing.push(name.to_owned()),
            Some(tensor) if tensor.shape() == shape => return Some(tensor.clone()),
            Some(tensor) => self.error.misshaped.push((name.to_owned(), tensor.shape(), shape)),
        }
        None
    }

    /// The number of this name, if it is there and not NaN.
    pub fn number(&mut self, name: &str) -> Option<f64> {
        self.number_that(name, "a number", |number| !number.is_nan())
    }

    /// The number of this name, if it is there and a count: whole, not negative, and small enough to be exact.
    pub fn count(&mut self, name: &str) -> Option<usize> {
        let exact = 0.0..=9_007_199_254_740_992.0;
        let count = self.number_that(name, "a count", |number| number.fract() == 0.0 && exact.contains(&number));
        count.map(|count| count as usize)
    }

    /// The number of this name, if it is there and what is expected, in words and as a condition.
    pub fn number_that(&mut self, name: &str, expected: &'static str, is: impl Fn(f64) -> bool) -> Option<f64> {
        self.asked.insert(name.to_owned());
        match self.memory.numbers.get(name) {
            None => self.error.missing.push(name.to_owned()),
            Some(&number) if is(number) => return Some(number),
            Some(&number) => self.error.unfit.push((name.to_owned(), number, expected)),
        }
        None
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If something was missing or did not fit, or something is there that nobody asked for.
    pub fn finish(mut self) -> Result<(), StateDictError> {
        let names = self.memory.tensors.keys().chain(self.memory.numbers.keys());
        self.error.unexpected = names.filter(|name| !self.asked.contains(*name)).cloned().collect();
        if self.error == StateDictError::default() { Ok(()) } else { Err(self.error) }
    }
}

/// Why a [`StateDict`] was not restored: everything that is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDictError {
    /// Names that should be there.
    pub missing: Vec<String>,
    /// Names that nobody asks for.
    pub unexpected: Vec<String>,
    /// Names, shapes, and the shapes that were expected.
    pub misshaped: Vec<(String, Shape, Shape)>,
    /// Names of numbers, the numbers, and what was expected.
    pub unfit: Vec<(String, f64, &'static str)>,
}

impl StateDictError {
    /// Adds all of `other`, its names behind `prefix` and a dot.
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
        let unexpected = self.unexpected.iter().map(|name| format!("{name} is not expected"));
        let misshaped =
            self.misshaped.iter().map(|(name, is, expected)| format!("{name} is {is}, expected {expected}"));
        let unfit = self.unfit.iter().map(|(name, is, expected)| format!("{name} is {is}, expected {expected}"));
        let all = missing.chain(unexpected).chain(misshaped).chain(unfit);
        write!(f, "what was saved does not fit: {}", listed(all, "; "))
    }
}

impl std::error::Error for StateDictError {}
