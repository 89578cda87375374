//! The first bad value: which op made the first number that is not finite, of what, and where.

mod advice;
mod api;
mod trace;

use crate::scope::is_library;
use std::fmt::{self, Display};
use std::panic::Location;
use unspool_tensor::{Scalar, Shape, Tensor};

/// The number that is not finite from which others come: what [`Var::bad_value`](crate::Var::bad_value)
/// and [`Gradients::bad_value`](crate::Gradients::bad_value) return. Displayed, it is a sentence.
///
/// It is found backwards, from the loss or the gradient that is infinite or NaN: an infinity that
/// does no harm, such as that of a mask before a softmax, is not on the way.
///
/// ```
/// use unspool::autograd::Cause;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().keep_all();
/// let x = tape.variable(&Tensor::from_vec(vec![0.5f32, -0.25], [2]));
/// let loss = {
///     let _scope = tape.scope("head");
///     x.ln().mean()
/// };
/// let bad = loss.bad_value().unwrap();
/// assert_eq!((bad.cause, bad.op, &bad.index[..]), (Cause::Forward, Some("ln"), &[1][..]));
/// let line = bad.location.unwrap();
/// assert_eq!(
///     bad.to_string(),
///     format!(
///         "ln of [2] (-0.25 to 0.5) is NaN at index [1], in head, at {line}: the logarithm of a negative number is not \
///          defined; clamp the operand above 0, or compute the loss from scores (`logsigmoid`, `log_softmax`)"
///     )
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BadValue {
    /// How the number came about.
    pub cause: Cause,
    /// The op that computed it, or that read it first if no op did; an optimizer's name.
    pub op: Option<&'static str>,
    /// What the op was given. Of a parameter, a variable or a constant: that alone.
    pub operands: Vec<NumberRange>,
    /// In the backward pass: the gradient that the op was given. In a step: that of the parameter.
    pub gradient: Option<NumberRange>,
    /// In the backward pass: which operand's gradient it is, from 0.
    pub operand: Option<usize>,
    /// The shape of the tensor that holds it.
    pub shape: Shape,
    /// The index of the first such element.
    pub index: Vec<usize>,
    /// The element: infinite or NaN.
    pub value: f64,
    /// The [scopes](crate::Tape::scope) in which the op ran, empty outside of any.
    pub scope: String,
    /// The time step, from 0, if the op ran in one.
    pub step: Option<usize>,
    /// The example, from 0: the index in the data set that [`fit`](https://docs.rs/unspool-nn) was
    /// given, if it is one example of the batch and not all of them.
    pub example: Option<usize>,
    /// The line of the program that called the op, or the layer that did.
    pub location: Option<&'static Location<'static>>,
    /// What first became NaN or, in the backward pass, not finite because of it, if that is another op.
    pub then: Option<Consequence>,
    /// Why this happens, and what helps.
    pub advice: String,
}

/// How a bad value came about.
///
/// ```
/// use unspool::autograd::Cause;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().keep_all();
/// let x = tape.variable(&Tensor::scalar(0.0f32));
/// let root = x.sqrt();                            // 0, and its slope is infinite
/// let bad = root.backward().bad_value().unwrap();
/// assert_eq!((bad.cause, bad.op), (Cause::Backward, Some("sqrt")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A parameter, or another variable, holds it.
    Variable,
    /// A constant holds it: an input, a target, an initial state.
    Constant,
    /// An op computed it.
    Forward,
    /// The gradient rule of an op computed it, from a finite gradient.
    Backward,
    /// Finite gradients of one value add up to it; or it is in the gradient that the backward pass began with.
    Sum,
    /// The step of an optimizer computed it.
    Update,
}

/// Where a bad value that an op had let pass did harm.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().keep_all();
/// let x = tape.variable(&Tensor::scalar(0.0f32));
/// let loss = x.ln() * x;                          // -inf * 0
/// let bad = loss.bad_value().unwrap();
/// assert_eq!((bad.op, bad.value), (Some("ln"), f64::NEG_INFINITY));
/// let then = bad.then.unwrap();
/// assert!(then.op == "mul" && then.value.is_nan());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Consequence {
    /// The op.
    pub op: &'static str,
    /// Whether in its gradient rule.
    pub backward: bool,
    /// What it made: infinite or NaN.
    pub value: f64,
    /// The line of the program that called it.
    pub location: &'static Location<'static>,
}

/// A tensor, described by the range of its numbers.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().keep_all();
/// let x = tape.variable(&Tensor::from_slice(&[0.5f32, -0.25], [2]));
/// let bad = x.ln().bad_value().unwrap();
/// assert_eq!((bad.operands[0].min, bad.operands[0].max), (-0.25, 0.5));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NumberRange {
    /// The name of a leaf of a bound model: `cell.u`.
    pub name: Option<String>,
    /// The shape.
    pub shape: Shape,
    /// The smallest number; NaN if there is none.
    pub min: f64,
    /// The largest number; NaN if there is none.
    pub max: f64,
}

impl NumberRange {
    /// The range of the numbers of a tensor that are not NaN.
    #[doc(hidden)]
    pub fn of<T: Scalar>(name: Option<String>, tensor: &Tensor<T>) -> Self {
        let (mut min, mut max) = (f64::NAN, f64::NAN);
        for x in tensor.contiguous().as_slice().expect("contiguous") {
            (min, max) = (min.min(x.to_f64()), max.max(x.to_f64()));
        }
        NumberRange { name, shape: tensor.shape(), min, max }
    }

    /// The largest absolute value.
    fn largest(&self) -> f64 {
        self.min.abs().max(self.max.abs())
    }
}

impl BadValue {
    /// The first element of a tensor that is NaN or, without any, infinite; nothing else is filled in.
    fn in_tensor<T: Scalar>(cause: Cause, tensor: &Tensor<T>) -> Option<BadValue> {
        let numbers = tensor.to_vec();
        let first = |is: fn(f64) -> bool| numbers.iter().position(|x| is(x.to_f64()));
        let at = first(f64::is_nan).or_else(|| first(|x| !x.is_finite()))?;
        Some(BadValue {
            cause,
            op: None,
            operands: Vec::new(),
            gradient: None,
            operand: None,
            shape: tensor.shape(),
            index: index_of(at, tensor.shape()),
            value: numbers[at].to_f64(),
            scope: String::new(),
            step: None,
            example: None,
            location: None,
            then: None,
            advice: String::new(),
        })
    }

    /// What an optimizer made of a parameter, or of its state, if it is bad: `after`, of `before`.
    #[doc(hidden)]
    pub fn of_update<T: Scalar>(
        optimizer: &'static str,
        before: NumberRange,
        gradient: Option<NumberRange>,
        after: &Tensor<T>,
        advice: String,
    ) -> Option<BadValue> {
        let bad = BadValue::in_tensor(Cause::Update, after)?;
        Some(BadValue { op: Some(optimizer), operands: vec![before], gradient, advice, ..bad })
    }
}

/// The index of element `at` in row-major order.
fn index_of(mut at: usize, shape: Shape) -> Vec<usize> {
    let mut index = vec![0; shape.rank()];
    for (i, &size) in index.iter_mut().zip(shape.iter()).rev() {
        (*i, at) = (at % size, at / size);
    }
    index
}

impl Display for NumberRange {
    /// `cell.u [3, 4] (-0.5 to 0.5)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        let (min, max) = (rounded(self.min), rounded(self.max));
        match (self.shape.rank(), min == max) {
            (0, _) => write!(f, "{min}"),
            (_, true) => write!(f, "{} (all {min})", self.shape),
            (_, false) => write!(f, "{} ({min} to {max})", self.shape),
        }
    }
}

/// A number with four significant digits.
fn rounded(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    let plain = rounded == 0.0 || (1e-3..1e6).contains(&rounded.abs()) || !rounded.is_finite();
    let rounded = rounded + 0.0; // not -0
    if plain { rounded.to_string() } else { format!("{rounded:e}") }
}

impl Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op, value) = (self.op.unwrap_or_default(), self.value);
        let at = |f: &mut fmt::Formatter<'_>| match self.index[..] {
            [] => Ok(()),
            _ => write!(f, " at index {:?}", self.index),
        };
        match self.cause {
            Cause::Variable | Cause::Constant => {
                let of = &self.operands[0];
                let kind = if self.cause == Cause::Variable { "a variable" } else { "a constant" };
                let name = of.name.as_deref().unwrap_or(kind);
                write!(f, "{name} {} is {value}", of.shape)?;
                at(f)?;
                if self.op.is_some() {
                    write!(f, ", first read by {op}")?;
                }
            }
            Cause::Forward => {
                write!(f, "{op} of {} is {value}", listed(&self.operands))?;
                at(f)?;
            }
            Cause::Backward => {
                write!(f, "the backward pass of {op} of {}", listed(&self.operands))?;
                if let Some(gradient) = &self.gradient {
                    write!(f, ", given the gradient {gradient},")?;
                }
                let operand = self.operand.unwrap_or_default();
                match (&self.operands[operand].name, self.operands.len()) {
                    (Some(name), _) => write!(f, " made that of {name} {value}")?,
                    (None, 1) => write!(f, " made that of its operand {value}")?,
                    (None, _) => write!(f, " made that of operand {} {value}", operand + 1)?,
                }
                at(f)?;
            }
            Cause::Sum if self.gradient.is_none() => {
                write!(f, "the seed of the backward pass is {value}")?;
                at(f)?;
            }
            Cause::Sum => {
                write!(f, "the gradients of {}, each finite, add up to {value}", listed(&self.operands))?;
                at(f)?;
                if self.op.is_some() {
                    write!(f, ", the largest that of {op}")?;
                }
            }
            Cause::Update => {
                write!(f, "the step of {op} made {}", listed(&self.operands))?;
                if let Some(gradient) = &self.gradient {
                    write!(f, ", whose gradient was {gradient},")?;
                }
                write!(f, " {value}")?;
                at(f)?;
            }
        }
        self.fmt_place(f)?;
        if let Some(Consequence { op, backward, value, location }) = &self.then {
            let rule = if *backward { "the backward pass of " } else { "" };
            write!(f, ", which makes {value} in {rule}{op}")?;
            if !is_library(location) {
                write!(f, " at {location}")?;
            }
        }
        if self.advice.is_empty() { Ok(()) } else { write!(f, ": {}", self.advice) }
    }
}

impl BadValue {
    /// `, in layers.0.cell, time step 3, example 17, at src/main.rs:42:17`.
    fn fmt_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scope.is_empty() {
            write!(f, ", in {}", self.scope)?;
        }
        if let Some(step) = self.step {
            write!(f, ", time step {step}")?;
        }
        if let Some(example) = self.example {
            write!(f, ", example {example}")?;
        }
        // A line of the library is the program's only if the program called nothing else: then the scope names the layer.
        match self.location.filter(|location| !is_library(location)) {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
    }
}

/// `a, b and c`.
fn listed(operands: &[NumberRange]) -> String {
    let words: Vec<String> = operands.iter().map(NumberRange::to_string).collect();
    match &words[..] {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
