//! A tape that notes, beside each value, where it was computed and how long that took.

use super::node::Node;
use super::profiler::{Call, Profiler};
use super::record::Record;
use super::remarks::Remarks;
use super::{Tape, Var};
use crate::clock::Instant;
use crate::profile::Profile;
use crate::scope::{Place, dotted, users_line};
use std::ops::Range;
use std::panic::{Location, resume_unwind};
use std::time::Duration;
use unspool_tensor::Scalar;

/// The bit of an epoch that says whether its tape is watched.
pub(crate) const WATCHED: u32 = 1 << 31;

/// What a watched tape notes.
pub(crate) struct Watch {
    /// Whether all values and gradients are kept.
    keeps: bool,
    /// The bytes of memory that the values take, and what they may take.
    kept: usize,
    limit: usize,
    /// Whether to panic at a bad value.
    finds_bad_values: bool,
    /// One for each value that an op has computed.
    pub(super) notes: Vec<Option<Note>>,
    /// What layers noted.
    pub(super) remarks: Remarks,
    /// The names of all scopes that were seen.
    pub(super) scopes: Vec<String>,
    /// The latest scope, an index of `scopes`, and the generation in which it was looked up.
    latest: (u32, u64),
    /// When the op began that runs now.
    begun: Instant,
    pub(super) profiler: Profiler,
}

/// Where and how a value was computed.
#[derive(Clone, Copy)]
pub(super) struct Note {
    location: &'static Location<'static>,
    /// The row of the profile: its op and its scope.
    pub(super) row: u32,
    pub(super) step: Option<usize>,
    /// How long the op took.
    forward: Duration,
    /// How many floating-point operations.
    pub(super) flops: f64,
}

/// Where a value was computed: what [`Var::origin`] returns.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().keep_all();
/// let x = tape.variable(&Tensor::scalar(3.0f32));
/// let _scope = tape.scope("head");
/// let origin = x.square().origin().unwrap();
/// assert_eq!((origin.op, &origin.scope[..], origin.step), ("square", "head", None));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Origin {
    /// The name of the op.
    pub op: &'static str,
    /// The [scopes](Tape::scope) in which it ran, empty outside of any.
    pub scope: String,
    /// The time step, from 0, if it ran in one.
    pub step: Option<usize>,
    /// The line that called it, or the built-in layer that did.
    pub location: &'static Location<'static>,
    /// How long it took.
    pub forward: Duration,
}

impl Watch {
    fn new(keeps: bool) -> Box<Watch> {
        let latest = (0, u64::MAX);
        Box::new(Watch {
            keeps,
            kept: 0,
            limit: usize::MAX,
            finds_bad_values: false,
            notes: Vec::new(),
            remarks: Vec::new(),
            scopes: vec![String::new()],
            latest,
            begun: Instant::now(),
            profiler: Profiler::new(),
        })
    }

    pub(super) fn clear(&mut self) {
        self.notes.clear();
        self.kept = 0;
        self.remarks.clear();
    }

    /// The index of the scope that the thread is in.
    pub(super) fn scope(&mut self) -> u32 {
        self.intern(Place::now().generation)
    }

    /// The index of the scope of this generation.
    fn intern(&mut self, generation: u64) -> u32 {
        if self.latest.1 != generation {
            let name = Place::scopes();
            let known = self.scopes.iter().position(|known| *known == name);
            let scope = known.unwrap_or_else(|| {
                self.scopes.push(name);
                self.scopes.len() - 1
            });
            self.latest = (scope as u32, generation);
        }
        self.latest.0
    }
}

/// # Looking at a tape
impl<T: Scalar> Tape<T> {
    /// The same tape, which keeps all values and gradients from now on: as if
    /// [`retain_grad`](Var::retain_grad) were called on each, and nothing
    /// [released](Tape::release). A recurrent layer then goes step by step. For looking at a
    /// computation; it takes more memory and time than a training step.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let hidden = x.square();
    /// assert_eq!(hidden.square().backward().wrt(hidden).item(), 2.0 * 9.0);
    /// ```
    pub fn keep_all(mut self) -> Self {
        if !self.keeps_all() {
            self.watch(true);
        }
        self
    }

    /// The same, for as long as the values take no more than so many bytes of memory: then the op unwinds, without a
    /// message.
    #[doc(hidden)]
    pub fn keep_all_within(self, bytes: usize) -> Self {
        let mut tape = self.keep_all();
        tape.record.get_mut().watch.as_mut().expect("a watched tape").limit = bytes;
        tape
    }

    /// The same tape, which adds up what each op costs from now on, to be read by
    /// [`profile`](Tape::profile). Otherwise it works as in training: it releases what it would, and
    /// layers compute many steps at once where they can.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let (x, w) = (Tensor::<f32>::ones([32, 20]), Tensor::ones([20, 10]));
    /// let mut tape = Tape::new().profiled();
    /// for step in 0..3 {
    ///     let w = tape.variable(&w);
    ///     tape.constant(&x).matmul(w).tanh().sum().backward().wrt(w);
    ///     tape.reset();
    /// }
    /// let profile = tape.profile();
    /// println!("{profile}");
    /// let products = &profile.by_op()[0].op;
    /// # assert_eq!(profile.total().flops(), 3.0 * 2.0 * 2.0 * 32.0 * 20.0 * 10.0);
    /// ```
    pub fn profiled(mut self) -> Self {
        self.watch(false);
        self
    }

    /// What ops have cost since this tape was [`profiled`](Tape::profiled), over all steps: a step
    /// ends with [`reset`](Tape::reset). Call `profiled` once more to begin anew, after a first step
    /// for example, which takes new memory.
    ///
    /// # Panics
    /// If the tape is neither profiled nor [keeps all](Tape::keep_all).
    #[track_caller]
    pub fn profile(&self) -> Profile {
        let record = self.record.borrow();
        let Some(watch) = &record.watch else {
            fail!("profile: this tape notes nothing; make it with Tape::new().profiled()")
        };
        watch.profiler.profile(&watch.scopes)
    }

    /// Whether this tape [keeps](Tape::keep_all) all values.
    pub fn keeps_all(&self) -> bool {
        self.record.borrow().keeps_all()
    }

    /// The values in a range of the tape's [lengths](Tape::len), in the order in which they were
    /// recorded.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let since = tape.len();
    /// let y = x.square().exp();
    /// let ops: Vec<_> = tape.values(since..tape.len()).map(|var| var.origin().unwrap().op).collect();
    /// assert_eq!(ops, ["square", "exp"]);
    /// ```
    pub fn values(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Var<'_, T>> {
        let (epoch, end) = (self.record.borrow().epoch, range.end.min(self.len()));
        (range.start..end).map(move |id| Var::new(self, id as u32, epoch))
    }

    fn watch(&mut self, keeps: bool) {
        let record = self.record.get_mut();
        record.clear();
        record.epoch |= WATCHED;
        record.watch = Some(Watch::new(keeps));
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// Where this value was computed, on a tape that [keeps all](Tape::keep_all) or is
    /// [profiled](Tape::profiled); `None` for a variable, a constant, and on any other tape.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().keep_all();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let scope = tape.scope("head");
    /// let origin = x.square().origin().unwrap();
    /// assert_eq!((origin.op, &origin.scope[..]), ("square", "head"));
    /// assert_eq!(origin.location.file(), file!());
    /// ```
    pub fn origin(self) -> Option<Origin> {
        self.tape.record.borrow().origin(self.id())
    }

    /// The values from which an op computed this one; none for a variable or a constant.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let (x, y) = (tape.variable(&Tensor::scalar(3.0)), tape.variable(&Tensor::scalar(2.0)));
    /// let inputs = (x * y).inputs();
    /// assert!(inputs[0].ptr_eq(x) && inputs[1].ptr_eq(y));
    /// ```
    pub fn inputs(self) -> Vec<Var<'t, T>> {
        let record = self.tape.record.borrow();
        record.inputs_of(self.id()).iter().map(|&id| Var::new(self.tape, id, record.epoch)).collect()
    }

    /// The name of a leaf of a model that was [bound](Tape::bind): `cell.u`.
    ///
    /// ```
    /// use unspool::{Params, Tape, Tensor};
    /// #[derive(Params)]
    /// struct Scale<P> { factor: P }
    /// let tape = Tape::new();
    /// let net = tape.bind(&Scale { factor: Tensor::<f32>::scalar(2.0) });
    /// assert_eq!(net.factor.name(), Some("factor".to_string()));
    /// assert_eq!(net.factor.exp().name(), None);
    /// ```
    pub fn name(self) -> Option<String> {
        let record = self.tape.record.borrow();
        let path = record.names.of(self.id());
        (!path.is_empty()).then(|| dotted(path))
    }
}

impl<T: Scalar> Record<T> {
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.epoch & WATCHED != 0
    }

    pub(crate) fn keeps_all(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.keeps)
    }

    pub(crate) fn finds_bad_values(&self) -> bool {
        self.is_watched() && self.watch.as_ref().is_some_and(|watch| watch.finds_bad_values)
    }

    pub(crate) fn find_bad_values(&mut self) {
        self.watch.as_mut().expect("a watched tape").finds_bad_values = true;
    }

    /// Where value `id` was computed, if the tape has noted it.
    pub(crate) fn origin(&self, id: u32) -> Option<Origin> {
        let watch = self.watch.as_ref()?;
        let Note { location, row, step, forward, .. } = (*watch.notes.get(id as usize)?)?;
        let (op, scope) = (watch.profiler.op(row), watch.profiler.scope(row));
        Some(Origin { op, scope: watch.scopes[scope as usize].clone(), step, location, forward })
    }

    /// Before an op runs on a watched tape.
    pub(super) fn begin_op(&mut self) {
        let watch = self.watch.as_mut().expect("a watched tape");
        watch.begun = Instant::now();
        watch.profiler.begin(watch.begun);
    }

    /// # Panics
    /// If value `id` is a new NaN and the tape looks for them.
    #[track_caller]
    pub(super) fn note_op(&mut self, id: u32, (op, flops): (&'static str, f64), location: &'static Location<'static>) {
        let watch = self.watch.as_mut().expect("a watched tape");
        let Place { generation, step } = Place::now();
        let scope = watch.intern(generation);
        let row = watch.profiler.row(op, scope);
        // To find the program's line takes as long as a small op.
        let location = if watch.keeps { users_line(location) } else { location };
        let bytes = self.values[id as usize].owned_bytes();
        // Leaves have been recorded since, or values cut off.
        watch.notes.resize(id as usize, None);
        let call = Call { row, step, begun: watch.begun, now: Instant::now() };
        let forward = watch.profiler.forward(call, (flops, bytes));
        watch.notes.push(Some(Note { location, row, step, forward, flops }));
        if watch.keeps {
            self.nodes[id as usize].set(Node::RETAINED);
            watch.kept += bytes;
            if watch.kept > watch.limit {
                resume_unwind(Box::new("the values take too much memory"));
            }
        }
        if watch.finds_bad_values {
            self.panic_at_new_nan(id);
        }
    }
}
