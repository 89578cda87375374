//! The tape: a flat record of values and of the ops that made them.

use crate::forget::Saves;
use crate::layouts::Layouts;
use crate::op::{Inputs, Op};
use crate::params::{Params, Path};
use crate::rules::{RuleRef, Rules};
use crate::var::Var;
use std::cell::RefCell;
use unspool_tensor::{Scalar, Tensor};

/// A record of operations on [`Var`]s, in the order in which they happened.
///
/// A training loop makes one tape and resets it after each step; the memory of the values, gradients and
/// records is kept for the next step. A tape can move to another thread, but is used by one at a time.
///
/// ```
/// use unspool_autograd::{Tape, Tensor};
/// let mut tape = Tape::new();
/// for step in 0..3 {
///     let x = tape.variable(&Tensor::<f32>::scalar(step as f32));
///     assert_eq!(x.square().backward().wrt(x).item(), 2.0 * step as f32);
///     tape.reset();
/// }
/// ```
///
/// A variable does not outlive the reset of its tape:
///
/// ```compile_fail,E0502
/// use unspool_autograd::{Tape, Tensor};
/// let mut tape = Tape::new();
/// let x = tape.variable(&Tensor::<f32>::scalar(1.0));
/// tape.reset();
/// x.square();
/// ```
pub struct Tape<T: Scalar = f32> {
    pub(crate) record: RefCell<Record<T>>,
}

/// The contents of a tape. Values and nodes stand at the same index; inputs come before what is made of them.
pub(crate) struct Record<T: Scalar> {
    pub(crate) values: Vec<Tensor<T>>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<u32>,
    pub(crate) rules: Rules<T>,
    pub(crate) layouts: Layouts<T>,
    /// Stands in the place of a forgotten constant.
    pub(crate) gone: Tensor<T>,
    /// Stand in the places of forgotten variables, one for each of some shapes.
    pub(crate) hollows: Vec<Tensor<T>>,
    /// Room for [`Tape::release`], kept from one call to the next.
    pub(crate) read: Vec<bool>,
    /// The number of sweeps that have begun.
    pub(crate) sweeps: u32,
    /// Room for the gradients of a backward sweep, kept from one to the next.
    pub(crate) spare: crate::sweep::Sweep<T>,
}

/// How a value was made.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) rule: RuleRef,
    first_input: u32,
    input_count: u32,
    pub(crate) needs_gradient: bool,
    /// What the gradient rule reads.
    pub(crate) reads: Saves,
    /// Whether the value has been let go. If it needs a gradient, its shape is still there.
    pub(crate) is_forgotten: bool,
    /// From which sweep on the gradient stays in its place after the sweep has passed it on.
    pub(crate) retained_from: u32,
}

impl Node {
    /// Of a variable or a constant.
    fn leaf(needs_gradient: bool) -> Self {
        Node {
            rule: RuleRef::LEAF,
            first_input: 0,
            input_count: 0,
            needs_gradient,
            reads: Saves::NOTHING,
            is_forgotten: false,
            retained_from: u32::MAX,
        }
    }

    /// Whether `retain_grad` was called.
    pub(crate) fn is_retained(&self) -> bool {
        self.retained_from != u32::MAX
    }
}

impl<T: Scalar> Record<T> {
    /// The ids of the inputs of a node.
    #[inline]
    pub(crate) fn inputs_of(&self, node: Node) -> &[u32] {
        &self.inputs[node.first_input as usize..][..node.input_count as usize]
    }

    #[inline(always)] // so that the node is written in its place, not copied there
    fn push(&mut self, value: Tensor<T>, node: Node) -> u32 {
        let id = self.nodes.len() as u32;
        assert!(id < u32::MAX, "a tape holds at most 2^32 - 1 values");
        self.values.push(value);
        self.nodes.push(node);
        id
    }

    fn push_leaf(&mut self, value: Tensor<T>, needs_gradient: bool) -> u32 {
        self.push(value, Node::leaf(needs_gradient))
    }
}

impl<T: Scalar> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Tape {
            record: RefCell::new(Record {
                values: Vec::new(),
                nodes: Vec::new(),
                inputs: Vec::new(),
                rules: Rules::new(),
                layouts: Layouts::new(),
                gone: Tensor::zeros([0]),
                hollows: Vec::new(),
                read: Vec::new(),
                sweeps: 0,
                spare: Default::default(),
            }),
        }
    }

    /// The model with each of its tensors a variable of this tape.
    pub fn bind<'t, M: Params<Tensor<T>>>(&'t self, model: &M) -> M::With<Var<'t, T>> {
        model.map_leaves(Path::ROOT, &mut |_, leaf| self.variable(leaf))
    }

    /// The model with each of its tensors a constant of this tape: for evaluation, where nothing is recorded
    /// for a backward sweep.
    pub fn bind_frozen<'t, M: Params<Tensor<T>>>(&'t self, model: &M) -> M::With<Var<'t, T>> {
        model.map_leaves(Path::ROOT, &mut |_, leaf| self.constant(leaf))
    }

    /// A value with respect to which gradients are taken. Shares the tensor's memory.
    pub fn variable<'t>(&'t self, value: &Tensor<T>) -> Var<'t, T> {
        let id = self.record.borrow_mut().push_leaf(value.clone(), true);
        Var { tape: self, id }
    }

    /// A value with respect to which no gradient is taken. Shares the tensor's memory.
    pub fn constant<'t>(&'t self, value: &Tensor<T>) -> Var<'t, T> {
        let id = self.record.borrow_mut().push_leaf(value.clone(), false);
        Var { tape: self, id }
    }

    /// Runs an op on variables of this tape and records it.
    ///
    /// # Panics
    /// If a variable belongs to another tape, or the op does not take these shapes.
    #[track_caller]
    #[inline]
    pub fn apply<'t, O: Op<T>>(&'t self, op: O, inputs: &[Var<'t, T>]) -> Var<'t, T> {
        let first_input = {
            let record = &mut *self.record.borrow_mut();
            let first = record.inputs.len();
            for input in inputs {
                if !std::ptr::eq(input.tape, self) {
                    panic!("{}: the operands belong to different tapes", op.name());
                }
                record.inputs.push(input.id);
            }
            first
        };
        // The op runs while the record is only borrowed for reading; a panic in it leaves the record whole.
        let (value, needs_gradient) = {
            let record = &*self.record.borrow();
            let ids = &record.inputs[first_input..];
            let mut needs_gradient = false;
            for &id in ids {
                let node = &record.nodes[id as usize];
                needs_gradient |= node.needs_gradient;
                if node.is_forgotten {
                    forgotten(op.name());
                }
            }
            (op.forward(Inputs { values: &record.values, ids, layouts: &record.layouts, sweep: 0 }), needs_gradient)
        };
        let record = &mut *self.record.borrow_mut();
        let id = if needs_gradient {
            let node = Node {
                reads: op.saves(),
                is_forgotten: false,
                rule: record.rules.push(op),
                first_input: u32::try_from(first_input).expect("a tape holds at most 2^32 inputs"),
                input_count: inputs.len() as u32,
                needs_gradient,
                retained_from: u32::MAX,
            };
            record.push(value, node)
        } else {
            record.inputs.truncate(first_input);
            record.push_leaf(value, false)
        };
        Var { tape: self, id }
    }

    /// The number of values on the tape.
    pub fn len(&self) -> usize {
        self.record.borrow().nodes.len()
    }

    /// Whether the tape is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything recorded, keeping the memory. Needs the tape to itself: a variable that is still in
    /// use is a compile error.
    pub fn reset(&mut self) {
        let record = self.record.get_mut();
        record.values.clear();
        record.nodes.clear();
        record.inputs.clear();
        record.rules.clear();
        record.layouts.clear();
        record.sweeps = 0;
    }
}

/// # Panics
/// Always, in the name of `op`.
#[cold]
#[track_caller]
pub(crate) fn forgotten(op: &str) -> ! {
    panic!(
        "{op}: this value was computed inside a step and released; call retain_grad() on it there, or return it as a state"
    )
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> std::fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape<{}> of {} values", T::NAME, self.len())
    }
}
