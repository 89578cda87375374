//! Examples, cut and joined, whatever they are made of. `Parts` is public in a private module: no
//! other type can be made of examples.

use crate::train::world::agreement::Hash;
use crate::tuning::CHECKED_ELEMENTS;
use std::ops::Range;
use unspool_autograd::{Indices, Scalar, Tensor};

/// A number that is not finite, and where in its example it is.
#[derive(Debug)]
pub struct NotFinite {
    pub step: Option<usize>,
    pub feature: usize,
    pub value: f64,
}

/// Examples, cut and joined.
pub trait Parts: Clone {
    /// What the shape is called in messages, and what it should have been.
    fn describe(&self) -> String;
    /// The axes of one row per example and of sequences: `[N, F]`, `[T, N, F]`.
    const AXES: [&'static str; 2];
    /// What is missing, if there are too few axes.
    fn missing_axes(&self) -> Option<&'static str>;
    /// The number of examples, if all parts agree.
    fn examples(&self) -> Option<usize>;
    /// The number of time steps of sequences; of a pair, that of the first.
    fn time(&self) -> Option<usize>;
    /// Whether these are sequences of so many steps; of a pair, both.
    fn has_steps(&self, time: usize) -> bool {
        self.time() == Some(time)
    }
    /// Whether these are a pair, whose second has time steps of its own.
    const IS_PAIR: bool = false;
    fn select(&self, examples: &[usize]) -> Self;
    fn slice(&self, examples: Range<usize>) -> Self;
    /// These time steps of sequences; of a pair, of both.
    fn steps(&self, steps: Range<usize>) -> Self;
    /// The first time steps of sequences; of a pair, those of the first.
    fn trimmed(&self, steps: usize) -> Self {
        self.steps(0..steps)
    }
    /// The steps of sequences that are not padding, one row each.
    fn valid_steps(&self, lengths: &[usize]) -> Self;
    /// Rows below each other.
    fn join_rows(parts: &[Self]) -> Self;
    /// A hash with all that these hold.
    fn hash(&self, hash: Hash) -> Hash;
    fn is_contiguous(&self) -> bool;
    fn contiguous(&self) -> Self;
    /// Whether all numbers are finite.
    fn is_finite(&self) -> bool;
    /// The first number of one example that is not finite, within the length of its sequence.
    fn not_finite(&self, example: usize, length: Option<usize>) -> Option<NotFinite>;
}

/// The rows of `[T, B]` that are not padding.
pub(crate) fn valid_rows(lengths: &[usize], time: usize) -> Vec<usize> {
    let batch = lengths.len();
    (0..time * batch).filter(|row| row / batch < lengths[row % batch]).collect()
}

impl<T: Scalar> Parts for Tensor<T> {
    const AXES: [&'static str; 2] = ["[N, F]", "[T, N, F]"];

    fn describe(&self) -> String {
        self.shape().to_string()
    }

    fn missing_axes(&self) -> Option<&'static str> {
        match self.rank() {
            0 => Some("an axis of examples and one of features"),
            1 => Some("an axis of examples and one of features: unsqueeze(1) turns [N] into [N, 1]"),
            _ => None,
        }
    }

    fn examples(&self) -> Option<usize> {
        Some(self.shape()[self.rank() - 2])
    }

    fn time(&self) -> Option<usize> {
        (self.rank() == 3).then(|| self.shape()[0])
    }

    #[track_caller]
    fn select(&self, examples: &[usize]) -> Self {
        self.index_select(self.rank() - 2, examples)
    }

    #[track_caller]
    fn slice(&self, examples: Range<usize>) -> Self {
        Tensor::slice(self, self.rank() - 2, examples)
    }

    fn steps(&self, steps: Range<usize>) -> Self {
        Tensor::slice(self, 0, steps)
    }

    fn valid_steps(&self, lengths: &[usize]) -> Self {
        let [time, batch, features] = self.shape()[..] else { unreachable!("sequences have three axes") };
        self.reshape([time * batch, features]).index_select(0, valid_rows(lengths, time))
    }

    fn join_rows(parts: &[Self]) -> Self {
        Tensor::concat(0, parts)
    }

    fn hash(&self, hash: Hash) -> Hash {
        hash.tensor(self)
    }

    fn is_contiguous(&self) -> bool {
        self.as_slice().is_some()
    }

    fn contiguous(&self) -> Self {
        Tensor::contiguous(self)
    }

    fn is_finite(&self) -> bool {
        let of = Tensor::contiguous(self);
        let mut chunks = of.as_slice().expect("contiguous").chunks(CHECKED_ELEMENTS);
        // No early end inside a chunk: such a loop is vectorized.
        chunks.all(|chunk| chunk.iter().fold(true, |all, x| all & x.is_finite()))
    }

    fn not_finite(&self, example: usize, length: Option<usize>) -> Option<NotFinite> {
        let features = self.shape()[self.rank() - 1];
        let numbers = Parts::slice(self, example..example + 1).to_vec();
        let end = length.map_or(numbers.len(), |length| length * features);
        let at = numbers[..end].iter().position(|number| !number.is_finite())?;
        let step = (self.rank() > 2).then_some(at / features);
        Some(NotFinite { step, feature: at % features, value: numbers[at].to_f64() })
    }
}

impl Parts for Indices {
    const AXES: [&'static str; 2] = ["[N]", "[T, N]"];

    fn describe(&self) -> String {
        self.shape().to_string()
    }

    fn missing_axes(&self) -> Option<&'static str> {
        (self.shape().rank() < 1).then_some("an axis of examples")
    }

    fn examples(&self) -> Option<usize> {
        self.shape().last().copied()
    }

    fn time(&self) -> Option<usize> {
        (self.shape().rank() == 2).then(|| self.shape()[0])
    }

    fn select(&self, examples: &[usize]) -> Self {
        let (shape, axis) = (self.shape(), self.shape().rank() - 1);
        let rows = self.as_slice().chunks_exact(shape[axis].max(1));
        let chosen = rows.flat_map(|row| examples.iter().map(|&i| row[i])).collect();
        Indices::from_vec(chosen, shape.with(axis, examples.len()))
    }

    fn slice(&self, examples: Range<usize>) -> Self {
        let (shape, axis) = (self.shape(), self.shape().rank() - 1);
        let rows = self.as_slice().chunks_exact(shape[axis].max(1));
        let chosen = rows.flat_map(|row| &row[examples.clone()]).copied().collect();
        Indices::from_vec(chosen, shape.with(axis, examples.len()))
    }

    fn steps(&self, steps: Range<usize>) -> Self {
        let width = self.shape()[1];
        let chosen = self.as_slice()[steps.start * width..steps.end * width].to_vec();
        Indices::from_vec(chosen, [steps.len(), width])
    }

    fn valid_steps(&self, lengths: &[usize]) -> Self {
        let rows = valid_rows(lengths, self.shape()[0]);
        rows.into_iter().map(|row| self.as_slice()[row]).collect::<Vec<_>>().into()
    }

    fn join_rows(parts: &[Self]) -> Self {
        parts.iter().flat_map(Indices::as_slice).copied().collect::<Vec<_>>().into()
    }

    fn hash(&self, hash: Hash) -> Hash {
        hash.counts(&self.shape()).counts(self.as_slice())
    }

    fn is_contiguous(&self) -> bool {
        true
    }

    fn contiguous(&self) -> Self {
        self.clone()
    }

    fn is_finite(&self) -> bool {
        true
    }

    fn not_finite(&self, _: usize, _: Option<usize>) -> Option<NotFinite> {
        None
    }
}

impl<A: Parts, B: Parts> Parts for (A, B) {
    const AXES: [&'static str; 2] = A::AXES;
    const IS_PAIR: bool = true;

    fn describe(&self) -> String {
        format!("({}, {})", self.0.describe(), self.1.describe())
    }

    fn missing_axes(&self) -> Option<&'static str> {
        self.0.missing_axes().or(self.1.missing_axes())
    }

    fn examples(&self) -> Option<usize> {
        self.0.examples().filter(|_| self.0.examples() == self.1.examples())
    }

    fn time(&self) -> Option<usize> {
        self.0.time()
    }

    fn has_steps(&self, time: usize) -> bool {
        self.0.has_steps(time) && self.1.has_steps(time)
    }

    fn select(&self, examples: &[usize]) -> Self {
        (self.0.select(examples), self.1.select(examples))
    }

    fn slice(&self, examples: Range<usize>) -> Self {
        (self.0.slice(examples.clone()), self.1.slice(examples))
    }

    fn steps(&self, steps: Range<usize>) -> Self {
        (self.0.steps(steps.clone()), self.1.steps(steps))
    }

    fn trimmed(&self, steps: usize) -> Self {
        (self.0.trimmed(steps), self.1.clone())
    }

    fn valid_steps(&self, lengths: &[usize]) -> Self {
        (self.0.valid_steps(lengths), self.1.valid_steps(lengths))
    }

    fn join_rows(parts: &[Self]) -> Self {
        let (firsts, seconds): (Vec<A>, Vec<B>) = parts.iter().map(|(a, b)| (a.contiguous(), b.contiguous())).unzip();
        (A::join_rows(&firsts), B::join_rows(&seconds))
    }

    fn hash(&self, hash: Hash) -> Hash {
        self.1.hash(self.0.hash(hash))
    }

    fn is_contiguous(&self) -> bool {
        self.0.is_contiguous() && self.1.is_contiguous()
    }

    fn contiguous(&self) -> Self {
        (self.0.contiguous(), self.1.contiguous())
    }

    fn is_finite(&self) -> bool {
        self.0.is_finite() && self.1.is_finite()
    }

    fn not_finite(&self, example: usize, length: Option<usize>) -> Option<NotFinite> {
        self.0.not_finite(example, length).or_else(|| self.1.not_finite(example, None))
    }
}
