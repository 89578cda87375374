//! How a value on a tape was made, and which elements its gradient rule reads.

/// The elements that an op's gradient rule reads: what [`Op::saves`](crate::Op::saves) returns.
/// Shapes are always kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Saves {
    /// The elements of any input.
    pub inputs: bool,
    /// The elements of the value.
    pub output: bool,
}

impl Saves {
    /// The inputs and the value.
    pub const ALL: Saves = Saves { inputs: true, output: true };
    /// The inputs: for a product.
    pub const INPUTS: Saves = Saves { inputs: true, output: false };
    /// The value: for `tanh`.
    pub const OUTPUT: Saves = Saves { inputs: false, output: true };
    /// Neither: for a sum.
    pub const NOTHING: Saves = Saves { inputs: false, output: false };
}

/// Which op of the [arena](super::op_arena::OpArena) made a value: the list of its type, and its
/// index there.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct OpRef {
    pub(super) list: u16,
    pub(super) index: u32,
}

impl OpRef {
    /// The value of a node that no op made: a variable or a constant.
    pub(crate) const LEAF: OpRef = OpRef { list: u16::MAX, index: 0 };
}

/// How a value was made.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) op: OpRef,
    /// Where the ids of the inputs begin in the record's list.
    pub(super) first_input: u32,
    pub(super) input_count: u32,
    pub(crate) needs_gradient: bool,
    /// The elements that must outlive [`Tape::release`](crate::Tape::release).
    pub(super) saves: Saves,
    /// Whether the elements have been released. If the value needs a gradient, its shape is still
    /// there.
    pub(super) is_released: bool,
    /// Whether a checkpointed segment keeps the elements for good.
    pub(super) is_kept: bool,
    /// Whether the elements are absent until a backward pass makes them again: the value lies in a
    /// [checkpointed](crate::Tape::checkpoint) segment.
    pub(super) is_dropped: bool,
    /// The first backward pass that keeps the gradient instead of passing it on alone; `u32::MAX`
    /// if none does.
    pub(crate) retained_from: u32,
}

impl Node {
    /// A variable or a constant.
    pub(super) fn leaf(needs_gradient: bool) -> Self {
        Node {
            op: OpRef::LEAF,
            first_input: 0,
            input_count: 0,
            needs_gradient,
            saves: Saves::NOTHING,
            is_released: false,
            is_dropped: false,
            is_kept: false,
            retained_from: u32::MAX,
        }
    }

    /// Whether `retain_grad` was called.
    pub(super) fn is_retained(&self) -> bool {
        self.retained_from != u32::MAX
    }
}
