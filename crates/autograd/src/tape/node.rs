//! How a value on a tape was made, and which elements its gradient rule reads.

/// The elements that an op's gradient rule reads: what [`Op::saves`](crate::Op::saves) returns.
/// Shapes are always kept.
///
/// ```
/// use unspool::ops::Saves;
/// // The slope of tanh is 1 - y²: its rule reads the value alone.
/// assert_eq!(Saves::OUTPUT, Saves { inputs: false, output: true });
/// ```
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
    const LEAF: OpRef = OpRef { list: u16::MAX, index: 0 };
}

/// How a value was made. Small, because a checkpointed sequence keeps its nodes.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    op_index: u32,
    /// Where the ids of the inputs begin in the record's list; they end where those of the next
    /// node begin.
    pub(super) first_input: u32,
    op_list: u16,
    flags: u8,
}

impl Node {
    /// The value depends on a variable, or is one.
    pub(crate) const NEEDS_GRADIENT: u8 = 1;
    /// The gradient rule reads the inputs: they must outlive [`Tape::release`](crate::Tape::release).
    const SAVES_INPUTS: u8 = 2;
    /// The gradient rule reads the value.
    const SAVES_OUTPUT: u8 = 4;
    /// The elements have been released. If the value needs a gradient, its shape is still there.
    pub(super) const RELEASED: u8 = 8;
    /// The elements are absent until a backward pass makes them again: the value lies in a
    /// [checkpointed](crate::Tape::checkpoint) segment.
    pub(super) const DROPPED: u8 = 16;
    /// A checkpointed segment keeps the elements for good.
    pub(super) const KEPT: u8 = 32;
    /// `retain_grad` was called.
    pub(crate) const RETAINED: u8 = 64;

    /// A variable or a constant.
    pub(super) fn leaf(first_input: u32, needs_gradient: bool) -> Self {
        Self::new(OpRef::LEAF, first_input, Saves::NOTHING, needs_gradient)
    }

    #[inline]
    pub(super) fn new(op: OpRef, first_input: u32, saves: Saves, needs_gradient: bool) -> Self {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(saves.inputs, Self::SAVES_INPUTS)
            | flag(saves.output, Self::SAVES_OUTPUT)
            | flag(needs_gradient, Self::NEEDS_GRADIENT);
        Node { op_index: op.index, op_list: op.list, first_input, flags }
    }

    #[inline]
    pub(crate) fn op(&self) -> OpRef {
        OpRef { list: self.op_list, index: self.op_index }
    }

    #[inline]
    pub(crate) fn is_leaf(&self) -> bool {
        self.op_list == OpRef::LEAF.list
    }

    /// Whether any of these flags is set.
    #[inline]
    pub(crate) fn is(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    #[inline]
    pub(super) fn set(&mut self, flag: u8) {
        self.flags |= flag;
    }

    #[inline]
    pub(super) fn unset(&mut self, flag: u8) {
        self.flags &= !flag;
    }

    #[inline]
    pub(crate) fn needs_gradient(&self) -> bool {
        self.is(Self::NEEDS_GRADIENT)
    }

    /// The elements that must outlive [`Tape::release`](crate::Tape::release).
    pub(super) fn saves(&self) -> Saves {
        Saves { inputs: self.is(Self::SAVES_INPUTS), output: self.is(Self::SAVES_OUTPUT) }
    }

    /// Whether the elements are not there, for good or for now.
    #[inline]
    pub(super) fn is_absent(&self) -> bool {
        self.is(Self::RELEASED | Self::DROPPED)
    }
}
