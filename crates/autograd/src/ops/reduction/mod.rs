//! Reductions over all axes, or some of them: one file for each.

mod sum;
mod mean;
mod prod;
mod max;
mod variance;
mod norm;
mod logsumexp;

use crate::tape::Var;
use unspool_tensor::{MAX_RANK, Scalar, Shape, Tensor};

/// The axes of a reduction, held inline, and whether it keeps them at size 1.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    axes: [usize; MAX_RANK],
    count: usize,
    keep: bool,
}

impl Axes {
    /// The axes in `list`.
    ///
    /// # Panics
    /// In the name of `op`, if `shape` does not have all of them, or one is given twice.
    #[track_caller]
    pub(super) fn new(op: &str, shape: Shape, list: &[usize]) -> Self {
        for (i, axis) in list.iter().enumerate() {
            shape.require_axis(op, *axis);
            ensure!(!list[..i].contains(axis), "{op}: axis {axis} is named twice in {list:?}");
        }
        let mut axes = [0; MAX_RANK];
        axes[..list.len()].copy_from_slice(list);
        Axes { axes, count: list.len(), keep: false }
    }

    /// Every axis of `shape`.
    pub(super) fn all(shape: Shape) -> Self {
        Axes { axes: std::array::from_fn(|axis| axis), count: shape.rank(), keep: false }
    }

    /// The same axes, kept at size 1.
    pub(super) fn keep(self) -> Self {
        Axes { keep: true, ..self }
    }

    /// A reduced value that still has the axes at size 1, without them unless they are to be kept.
    #[track_caller]
    pub(super) fn drop_from<'t, T: Scalar>(&self, kept: Var<'t, T>) -> Var<'t, T> {
        if self.keep { kept } else { kept.reshape(self.left(kept.shape())) }
    }

    pub(super) fn as_slice(&self) -> &[usize] {
        &self.axes[..self.count]
    }

    /// The result of a reduction of a tensor of `shape`, from its values without the axes.
    pub(super) fn finish<T: Scalar>(&self, reduced: Tensor<T>, shape: Shape) -> Tensor<T> {
        if self.keep { self.restore(&reduced, shape) } else { reduced }
    }

    /// The result of a reduction, from its values with the axes at size 1.
    pub(super) fn drop<T: Scalar>(&self, kept: Tensor<T>) -> Tensor<T> {
        if self.keep { kept } else { kept.reshape(self.left(kept.shape())) }
    }

    /// A shape without the axes.
    fn left(&self, shape: Shape) -> Shape {
        (0..shape.rank()).filter(|axis| !self.as_slice().contains(axis)).map(|axis| shape[axis]).collect()
    }

    /// A tensor reduced from `shape`, with the axes back at size 1.
    pub(super) fn restore<T: Scalar>(&self, reduced: &Tensor<T>, shape: Shape) -> Tensor<T> {
        reduced.reshape(self.as_slice().iter().fold(shape, |shape, &axis| shape.with(axis, 1)))
    }

    /// The number of elements of `shape` that go into one of the result.
    pub(super) fn terms(&self, shape: Shape) -> usize {
        self.as_slice().iter().map(|&axis| shape[axis]).product()
    }
}

/// Defines the three methods of a reduction: over all axes, over some, and over some that are kept
/// at size 1. `op` makes the result from the value and its [`Axes`]; `panics` is when it panics on
/// no elements. The examples take the elements `x` as `[2, 2]`, over all axes and over axis 1.
/// `heading` begins the family on the page of `Var`.
macro_rules! reduction {
    (
        $(heading: $heading:literal;)?
        methods: $all:ident, $axes:ident, $keepdim:ident;
        $(argument: $arg:ident: $Arg:ty = $given:literal;)?
        op: $op:expr;
        what: $what:literal;
        rule: $rule:literal;
        $(panics: $empty:literal;)?
        x: $x:literal;
        over_all: y = $y:literal, dx = $dx:literal;
        over_axis_1: y = $y_of_rows:literal, dx = $dx_of_rows:literal;
    ) => {
        $(#[doc = concat!("# ", $heading)])?
        impl<'t, T: Scalar> Var<'t, T> {
            #[doc = concat!("The ", $what, " of all elements, `[..] -> []`: ", $rule)]
            ///
            #[doc = crate::ops::reduction::example!($x, concat!(stringify!($all), "(" $(, $given)?), concat!(
                "assert_eq!(y.item(), ", $y, ");\n", "assert_eq!(y.backward().wrt(x).to_vec(), ", $dx, ");\n"
            ))]
            $(
                ///
                /// # Panics
                #[doc = $empty]
            )?
            #[track_caller]
            #[inline]
            pub fn $all(self $(, $arg: $Arg)?) -> Self {
                ($op)(self, Axes::all(self.shape()) $(, $arg)?)
            }

            #[doc = concat!("The ", $what, " over several axes, which are removed (over axis 1, `[M, N] -> [M]`): ")]
            #[doc = $rule]
            ///
            #[doc = crate::ops::reduction::example!($x, concat!(stringify!($axes), "(&[1]" $(, ", ", $given)?), concat!(
                "assert_eq!(y.value().to_vec(), ", $y_of_rows, ");\n",
                "assert_eq!(y.sum().backward().wrt(x).to_vec(), ", $dx_of_rows, ");\n"
            ))]
            ///
            /// # Panics
            /// If an axis does not exist or is given twice.
            $(#[doc = $empty])?
            #[track_caller]
            #[inline]
            pub fn $axes(self, axes: &[usize] $(, $arg: $Arg)?) -> Self {
                ($op)(self, Axes::new(stringify!($axes), self.shape(), axes) $(, $arg)?)
            }

            #[doc = concat!("The ", $what, " over several axes, which are kept at size 1 (over axis 1, `[M, N] -> [M, 1]`): ")]
            #[doc = $rule]
            ///
            #[doc = crate::ops::reduction::example!($x, concat!(stringify!($keepdim), "(&[1]" $(, ", ", $given)?), concat!(
                "assert_eq!(y.shape()[..], [2, 1]);\n", "assert_eq!(y.value().to_vec(), ", $y_of_rows, ");\n",
                "assert_eq!(y.sum().backward().wrt(x).to_vec(), ", $dx_of_rows, ");\n"
            ))]
            ///
            /// # Panics
            /// If an axis does not exist or is given twice.
            $(#[doc = $empty])?
            #[track_caller]
            #[inline]
            pub fn $keepdim(self, axes: &[usize] $(, $arg: $Arg)?) -> Self {
                ($op)(self, Axes::new(stringify!($keepdim), self.shape(), axes).keep() $(, $arg)?)
            }
        }
    };
}
use reduction;

/// The running example of a reduction.
macro_rules! example {
    ($x:literal, $call:expr, $truths:expr) => {
        concat!(
            "```\nuse unspool_autograd::{Tape, Tensor};\nlet tape = Tape::new();\n",
            "let x = tape.variable(&Tensor::<f64>::from_vec(vec!", $x, ", [2, 2]));\n",
            "let y = x.", $call, ");\n", $truths, "```"
        )
    };
}
use example;
