//! The contents of a tape: flat lists, one entry for each value.

use super::accumulator::Accumulator;
use super::checkpoint::Segments;
use super::derivative::Derivative;
use super::names::Names;
use super::node::{Node, Saves};
use super::op::{Inputs, Op};
use super::op_arena::OpArena;
use super::packed_weights::PackedWeights;
use super::watch::{WATCHED, Watch};
use super::{Tape, Var, panic_absent};
use crate::tuning::{HOLLOW_SHAPES, KEPT_ROUNDS, SHARED_NUMBERS, SMALL_BLOCK};
use std::panic::Location;
use unspool_tensor::{Scalar, Shape, Tensor};

/// Values and nodes have the same index, the value's id. Inputs come before what is made of them.
pub(crate) struct Record<T: Scalar> {
    pub(crate) values: Vec<Tensor<T>>,
    pub(crate) nodes: Vec<Node>,
    /// The ids of all inputs, one op after the other.
    pub(super) inputs: Vec<u32>,
    /// How many of them belong to nodes; those after them were left by an op that panicked.
    pub(super) inputs_len: usize,
    pub(super) ops: OpArena<T>,
    /// The values whose gradients are retained, each with the first backward pass that does.
    pub(super) retained: Vec<(u32, u32)>,
    pub(super) packed: PackedWeights<T>,
    pub(super) segments: Segments,
    /// The names of the leaves of models.
    pub(crate) names: Names,
    /// What a watched tape notes of its ops.
    pub(super) watch: Option<Box<Watch>>,
    /// How often the record has been truncated; the highest bit says whether the tape is watched, so
    /// that an op that is not looked at reads nothing for it.
    pub(crate) epoch: u32,
    /// Where it was, with the epoch that began there: values from there on are of this epoch or a
    /// later one.
    pub(super) truncations: Vec<(u32, u32)>,
    /// The magnitude below which elements of gradients are 0.
    pub(crate) least_gradient: T,
    /// The number of backward passes that have begun.
    pub(crate) passes: u32,
    /// The capacity of the last backward pass, for the next one.
    pub(crate) spare: Accumulator<T>,
    /// Replaces each released constant.
    pub(super) empty: Tensor<T>,
    /// Replace released variables: one tensor without elements for each of the latest shapes.
    pub(super) hollows: Vec<Tensor<T>>,
    /// The latest numbers that became constants, each with its bits: one tensor for all its uses.
    numbers: Vec<(u64, Tensor<T>)>,
    /// The tapes of parts of a sum over rows, with their capacity, for the next one.
    pub(crate) part_tapes: Vec<Tape<T>>,
    /// Scratch space of [`Tape::release`](crate::Tape::release).
    pub(super) needed: Vec<bool>,
    /// The values recorded since it was last checked whether the lists are too long.
    recorded: usize,
    /// The most values at once since then.
    longest: usize,
}

impl<T: Scalar> Record<T> {
    pub(super) fn new() -> Self {
        Record {
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            inputs_len: 0,
            ops: OpArena::new(),
            retained: Vec::new(),
            packed: PackedWeights::new(),
            segments: Segments::default(),
            names: Names::default(),
            watch: None,
            epoch: 0,
            truncations: Vec::new(),
            least_gradient: T::TINY,
            passes: 0,
            spare: Accumulator::default(),
            empty: Tensor::zeros([0]),
            hollows: Vec::new(),
            numbers: Vec::new(),
            part_tapes: Vec::new(),
            needed: Vec::new(),
            recorded: 0,
            longest: 0,
        }
    }

    /// The ids of the inputs of value `id`.
    #[inline]
    pub(crate) fn inputs_of(&self, id: u32) -> &[u32] {
        let start = self.nodes[id as usize].first_input as usize;
        let end = self.nodes.get(id as usize + 1).map_or(self.inputs_len, |next| next.first_input as usize);
        &self.inputs[start..end]
    }

    /// Whether backward pass number `pass` keeps the gradient of value `id` instead of only passing
    /// it on.
    #[inline]
    pub(crate) fn retains(&self, id: u32, pass: u32) -> bool {
        self.nodes[id as usize].is(Node::RETAINED)
            && (self.keeps_all() || self.retained.iter().any(|&(retained, from)| retained == id && from <= pass))
    }

    #[inline(always)] // so that the node is written where it stays, not copied there
    pub(super) fn push(&mut self, value: Tensor<T>, node: Node) -> u32 {
        let id = self.nodes.len() as u32;
        ensure!(id < u32::MAX, "a tape holds at most 2^32 - 1 values");
        self.values.push(value);
        self.nodes.push(node);
        self.inputs_len = self.inputs.len();
        id
    }

    /// Appends the ids of the inputs of a new op, and returns where they begin. They go where the
    /// record keeps them at once: a list of their own would be an allocation per op.
    #[inline(always)]
    #[track_caller]
    pub(super) fn take_inputs(&mut self, tape: &Tape<T>, op: &str, inputs: &[Var<'_, T>]) -> usize {
        let first = self.inputs_len;
        self.inputs.truncate(first);
        for input in inputs {
            if !std::ptr::eq(input.tape, tape) {
                fail!("{op}: the operands belong to different tapes");
            }
            self.check_epoch(op, *input);
            self.inputs.push(input.id());
        }
        first
    }

    /// The value of a new op, and whether a gradient reaches it.
    #[inline(always)]
    #[track_caller]
    pub(super) fn run<O: Op>(&self, op: &O, first_input: usize) -> (Tensor<T>, bool) {
        let mut needs_gradient = false;
        for &id in &self.inputs[first_input..] {
            let node = &self.nodes[id as usize];
            needs_gradient |= node.needs_gradient();
            if node.is_absent() {
                panic_absent(op.name(), *node);
            }
        }
        (op.forward(self.new_inputs(first_input)), needs_gradient)
    }

    /// The inputs from here to the end of the list, of an op that has no value yet.
    #[inline(always)]
    pub(super) fn new_inputs(&self, first_input: usize) -> Inputs<'_, T> {
        Inputs { values: &self.values, ids: &self.inputs[first_input..], packed: &self.packed }
    }

    /// Records a value and the op that computed it. If that is not `recorded`, the value becomes a
    /// constant: no backward pass reaches a value of constants.
    #[inline(always)]
    pub(super) fn push_op<O: Op>(
        &mut self,
        (op, value): (O, Tensor<T>),
        first_input: usize,
        needs_gradient: bool,
        recorded: bool,
    ) -> u32 {
        if !recorded {
            return self.push_leaf(value, false);
        }
        let first_input = u32::try_from(first_input).expect("a tape holds at most 2^32 inputs");
        let saves = op.saves();
        let node = Node::new(self.ops.push(op), first_input, saves, needs_gradient);
        self.push(value, node)
    }

    /// Runs and records a derivative of values that are on the tape.
    #[track_caller]
    pub(super) fn push_derivative<D: Derivative<T>>(&mut self, derivative: D, inputs: &[u32]) -> u32 {
        if self.is_watched() {
            self.begin_op();
        }
        let first_input = self.inputs_len;
        self.inputs.truncate(first_input);
        self.inputs.extend(inputs);
        let value = derivative.forward(self.new_inputs(first_input));
        let needs_gradient = inputs.iter().any(|&id| self.nodes[id as usize].needs_gradient());
        let op = self.ops.push_derivative(derivative);
        let first_input = u32::try_from(first_input).expect("a tape holds at most 2^32 inputs");
        let id = self.push(value, Node::new(op, first_input, Saves::INPUTS, needs_gradient));
        if self.is_watched() {
            self.note_op(id, (D::NAME, 0.0), Location::caller());
        }
        id
    }

    pub(super) fn push_leaf(&mut self, value: Tensor<T>, needs_gradient: bool) -> u32 {
        self.inputs.truncate(self.inputs_len);
        self.push(value, Node::leaf(self.inputs_len as u32, needs_gradient))
    }

    /// A tensor of this shape whose elements are all this number, one in memory. Loops use the same
    /// few in every step.
    #[inline]
    pub(super) fn full(&mut self, number: f64, shape: Shape) -> Tensor<T> {
        let bits = number.to_bits();
        match self.numbers.iter().find(|(known, tensor)| *known == bits && tensor.shape() == shape) {
            Some((_, tensor)) => tensor.clone(),
            None => self.new_full(number, shape),
        }
    }

    #[cold]
    fn new_full(&mut self, number: f64, shape: Shape) -> Tensor<T> {
        if self.numbers.len() == SHARED_NUMBERS {
            self.numbers.remove(0);
        }
        let tensor = Tensor::scalar(T::from_f64(number)).expand(shape);
        self.numbers.push((number.to_bits(), tensor.clone()));
        tensor
    }

    /// Frees the elements of value `id`; its shape stays.
    #[inline]
    pub(super) fn hollow_out(&mut self, id: u32) {
        let shape = self.values[id as usize].shape();
        self.values[id as usize] = hollow(&mut self.hollows, shape);
    }

    /// Copies the elements of value `id` if it is a small part of the memory that it holds, as the last
    /// step of many is.
    pub(super) fn compact(&mut self, id: u32) {
        let value = &mut self.values[id as usize];
        let [_, (_, held)] = value.blocks();
        if held > 2 * value.numel() * size_of::<T>() + SMALL_BLOCK {
            *value = value.copy();
        }
    }

    /// The bytes of the elements of the values from `since` on; of those that share memory, once.
    pub(crate) fn bytes_of_elements(&self, since: usize) -> usize {
        let of = |value: &Tensor<T>| {
            let [_, (block, bytes)] = value.blocks();
            (block, bytes.min(value.numel() * size_of::<T>()))
        };
        let mut blocks: Vec<(usize, usize)> = self.values[since.min(self.values.len())..].iter().map(of).collect();
        blocks.sort_unstable_by_key(|&(block, bytes)| (block, std::cmp::Reverse(bytes)));
        blocks.dedup_by_key(|&mut (block, _)| block);
        blocks.iter().map(|&(_, bytes)| bytes).sum()
    }

    /// Drops everything recorded and keeps the capacity of the lists, unless it has not been needed for
    /// long.
    pub(super) fn clear(&mut self) {
        self.recorded += self.values.len();
        self.longest = self.longest.max(self.values.len());
        self.values.clear();
        self.nodes.clear();
        self.inputs.clear();
        self.inputs_len = 0;
        self.ops.clear();
        self.retained.clear();
        self.packed.clear();
        self.segments.clear();
        self.names.clear();
        self.passes = 0;
        self.epoch &= WATCHED;
        if let Some(watch) = &mut self.watch {
            watch.clear();
        }
        self.truncations.clear();
        let capacity = self.values.capacity();
        if self.recorded > KEPT_ROUNDS.saturating_mul(capacity) {
            // A list that grows by itself is at most twice as long as needed.
            if capacity > 2 * self.longest {
                self.drop_capacity();
            }
            (self.recorded, self.longest) = (0, 0);
        }
    }

    /// Drops the memory of the lists, which are empty.
    #[cold]
    fn drop_capacity(&mut self) {
        (self.values, self.nodes, self.inputs) = Default::default();
        (self.retained, self.truncations, self.needed) = Default::default();
        (self.ops, self.spare) = (OpArena::new(), Accumulator::default());
        (self.segments, self.names) = Default::default();
        self.packed = PackedWeights::new();
    }
}

/// A tensor of this shape without elements, shared with others of this shape.
#[inline]
fn hollow<T: Scalar>(known: &mut Vec<Tensor<T>>, shape: Shape) -> Tensor<T> {
    if let Some(hollow) = known.iter().find(|hollow| hollow.shape() == shape) {
        return hollow.clone();
    }
    if known.len() == HOLLOW_SHAPES {
        known.clear();
    }
    known.push(Tensor::hollow(shape));
    known[known.len() - 1].clone()
}
