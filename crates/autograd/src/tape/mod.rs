#![doc = include_str!("README.md")]

mod accumulator;
mod backward;
mod checkpoint;
mod contributions;
mod derivative;
mod dot;
mod names;
mod node;
mod op;
mod op_arena;
mod packed_weights;
mod profiler;
mod push_forward;
mod pushed_inputs;
mod record;
mod release;
mod remarks;
mod tidy;
mod var;
mod watch;

pub(crate) use accumulator::Accumulator;
pub(crate) use backward::backward;
pub use checkpoint::Recomputable;
pub(crate) use contributions::{contributions, of_op};
pub use node::Saves;
pub use op::{InputGrads, Inputs, Op};
pub(crate) use push_forward::{forward, push_forward};
pub use pushed_inputs::PushedInputs;
pub(crate) use record::Record;
pub use var::Var;
pub use watch::Origin;

use crate::params::{Params, Path};
use crate::scope::find_place;
use node::Node;
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::Range;
use std::panic::Location;
use unspool_tensor::{Real, Scalar, Shape, Tensor};

/// A record of operations on [`Var`]s, in the order in which they happened.
///
/// A training loop makes one tape and resets it after each step; the memory of the values,
/// gradients and records is kept for the next step. A tape can move to another thread, but is used
/// by one at a time.
///
/// ```
/// use unspool::{Tape, Tensor};
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
/// use unspool::{Tape, Tensor};
/// let mut tape = Tape::new();
/// let x = tape.variable(&Tensor::<f32>::scalar(1.0));
/// tape.reset();
/// x.square();
/// ```
pub struct Tape<T: Scalar = f32> {
    pub(crate) record: RefCell<Record<T>>,
}

impl<T: Scalar> Tape<T> {
    /// An empty tape.
    #[inline(never)]
    pub fn new() -> Self {
        unspool_tensor::mistake::set_find_place(find_place);
        Tape { record: RefCell::new(Record::new()) }
    }

    /// The model with each of its parameters a variable of this tape, and each of its
    /// [buffers](Params#buffers) a constant.
    pub fn bind<'t, M: Params<Tensor<T>>>(&'t self, model: &M) -> M::With<Var<'t, T>> {
        model.map_leaves(Path::ROOT, &mut |path, leaf| self.bind_leaf(path, leaf, !path.is_buffer()))
    }

    /// The model with each of its tensors a constant of this tape: for evaluation, where nothing is
    /// recorded for a backward pass.
    pub fn bind_frozen<'t, M: Params<Tensor<T>>>(&'t self, model: &M) -> M::With<Var<'t, T>> {
        model.map_leaves(Path::ROOT, &mut |path, leaf| self.bind_leaf(path, leaf, false))
    }

    /// A leaf of a model, whose name is kept.
    #[doc(hidden)]
    pub fn bind_leaf<'t>(&'t self, path: Path<'_>, value: &Tensor<T>, needs_gradient: bool) -> Var<'t, T> {
        let record = &mut *self.record.borrow_mut();
        let id = record.push_leaf(value.clone(), needs_gradient);
        record.names.push(id, path);
        Var::new(self, id, record.epoch)
    }

    /// A value with respect to which gradients are taken. Shares the tensor's memory.
    pub fn variable<'t>(&'t self, value: &Tensor<T>) -> Var<'t, T> {
        let record = &mut *self.record.borrow_mut();
        let id = record.push_leaf(value.clone(), true);
        Var::new(self, id, record.epoch)
    }

    /// A value with respect to which no gradient is taken. Shares the tensor's memory.
    pub fn constant<'t>(&'t self, value: &Tensor<T>) -> Var<'t, T> {
        let record = &mut *self.record.borrow_mut();
        let id = record.push_leaf(value.clone(), false);
        Var::new(self, id, record.epoch)
    }

    /// Data as a constant, whatever the numbers of the tape: cast to them if the data's are others, as they are
    /// where derivatives are taken forward or twice. So a function is written once for all of them.
    ///
    /// ```
    /// use unspool::autograd::hessian;
    /// use unspool::{Scalar, Tape, Tensor, Var};
    /// let data = Tensor::from_slice(&[1.0, 2.0], [2]);
    /// fn loss<'t, T: Scalar>(tape: &'t Tape<T>, x: Var<'t, T>, data: &Tensor<f64>) -> Var<'t, T> {
    ///     (x - tape.data(data)).square().sum()
    /// }
    /// let x = Tensor::from_slice(&[3.0, 5.0], [2]);
    /// let tape = Tape::new();
    /// assert_eq!(loss(&tape, tape.variable(&x), &data).item(), 4.0 + 9.0);
    /// assert_eq!(hessian(&x, |tape, x| loss(tape, x, &data)).to_vec(), [2.0, 0.0, 0.0, 2.0]);
    /// ```
    pub fn data<R: Real>(&self, values: &Tensor<R>) -> Var<'_, T> {
        match (values as &dyn Any).downcast_ref() {
            Some(same) => self.constant(same),
            None => self.constant(&values.cast()),
        }
    }

    /// A constant of this shape whose elements are all this number. However often a loop uses it,
    /// it takes the memory of one element.
    #[inline]
    pub(crate) fn full(&self, number: f64, shape: impl Into<Shape>) -> Var<'_, T> {
        let record = &mut *self.record.borrow_mut();
        let value = record.full(number, shape.into());
        let id = record.push_leaf(value, false);
        Var::new(self, id, record.epoch)
    }

    /// Runs an op on variables of this tape and records it.
    ///
    /// # Panics
    /// If a variable belongs to another tape, or the op does not take these shapes.
    #[track_caller]
    #[inline(never)]
    pub fn apply<'t, O: Op>(&'t self, op: O, inputs: &[Var<'t, T>]) -> Var<'t, T> {
        // A panic in the op leaves the record whole: its inputs do not count yet.
        let record = &mut *self.record.borrow_mut();
        if record.is_watched() {
            record.begin_op();
        }
        let first_input = record.take_inputs(self, op.name(), inputs);
        let (value, needs_gradient) = record.run(&op, first_input);
        let mut recorded = needs_gradient || record.segments.is_open();
        let mut noted = None;
        if record.is_watched() {
            noted = Some((op.name(), op.flops(record.new_inputs(first_input), &value)));
            recorded |= record.keeps_all();
        }
        let id = record.push_op((op, value), first_input, needs_gradient, recorded);
        if let Some(noted) = noted {
            record.note_op(id, noted, Location::caller());
        }
        Var::new(self, id, record.epoch)
    }

    /// The number of values on the tape.
    pub fn len(&self) -> usize {
        self.record.borrow().nodes.len()
    }

    /// Whether the tape is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of memory that the values in a range of the tape's [lengths](Tape::len) hold, and
    /// those before it do not: what they take until the tape is reset. Memory that values share
    /// counts once.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::ones([1000]));
    /// let since = tape.len();
    /// let y = (x * 2.0).exp();
    /// assert!((8000..11_000).contains(&tape.bytes(since..tape.len())));
    /// tape.release(since..tape.len(), &[y]); // no rule reads the product
    /// assert!((4000..6000).contains(&tape.bytes(since..tape.len())));
    /// ```
    pub fn bytes(&self, range: Range<usize>) -> usize {
        let record = self.record.borrow();
        let end = range.end.min(record.values.len());
        let start = range.start.min(end);
        let mut counted: HashSet<usize> =
            record.values[..start].iter().flat_map(|value| value.blocks().map(|(block, _)| block)).collect();
        // Those without elements are shared by all released values.
        counted.extend(record.hollows.iter().chain([&record.empty]).map(|hollow| hollow.blocks()[0].0));
        let blocks = record.values[start..end].iter().flat_map(Tensor::blocks);
        blocks.filter(|&(block, _)| counted.insert(block)).map(|(_, bytes)| bytes).sum()
    }

    /// Whether backward passes flush gradients that are nearly denormal (subnormal) to 0, as they do unless this is
    /// switched off.
    ///
    /// Where gradients vanish through time they become subnormal, numbers below 1.2e-38 (f32) with which many
    /// processors compute 10 to 100 times slower. So each contribution to a gradient is 0 below 1e-31 (f32) or 1e-292
    /// (f64), the smallest normal number divided by the precision: what is computed from larger ones by sums,
    /// differences, and products with factors above the precision is not subnormal. Values are left as they are, and
    /// so are gradients over numbers with derivatives, such as [`Dual`](unspool_tensor::Dual).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let mut tape = Tape::new();
    /// let slope = |tape: &Tape| {
    ///     let x = tape.variable(&Tensor::scalar(1.0));
    ///     (x * 1e-20 * 1e-20).backward().wrt(x).item()
    /// };
    /// assert_eq!(slope(&tape), 0.0);
    /// tape.set_flush_denormal(false);
    /// assert_eq!(slope(&tape), 1e-20_f32 * 1e-20);
    /// ```
    pub fn set_flush_denormal(&mut self, flush: bool) {
        self.record.get_mut().least_gradient = if flush { T::TINY } else { T::ZERO };
    }

    /// Drops everything recorded and keeps the memory. Needs the tape to itself: a variable that is
    /// still in use is a compile error.
    #[inline(never)]
    pub fn reset(&mut self) {
        self.record.get_mut().end_step();
    }
}

/// # Panics
/// Always, in the name of `op`.
#[cold]
#[track_caller]
fn panic_absent(op: &str, node: Node) -> ! {
    if node.is(Node::RELEASED) {
        fail!(
            "{op}: this value was computed inside a step and released; call retain_grad() on it there, or return it as a state"
        )
    }
    fail!(
        "{op}: this value was computed inside a checkpointed segment and dropped; return it from there, or call retain_grad() on it"
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
