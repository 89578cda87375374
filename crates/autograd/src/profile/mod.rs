//! What the ops of a tape cost: a profile, as data, as a table, and as a trace.

mod table;
mod trace;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::time::Duration;

/// What the ops on a tape have cost, by op and by scope: what [`Tape::profile`](crate::Tape::profile)
/// returns. Displays as a table.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let (x, w) = (Tensor::<f32>::ones([32, 20]), Tensor::ones([20, 20]));
/// let mut tape = Tape::new().profiled();
/// for _ in 0..10 {
///     {
///         let (x, w) = (tape.constant(&x), tape.variable(&w));
///         let scope = tape.scope("layer");
///         let mut h = x;
///         for t in 0..5 {
///             scope.step(t);
///             h = (x + h.matmul(w)).tanh();
///         }
///         drop(scope);
///         drop(h.square().mean().backward());
///     }
///     tape.reset();
/// }
/// let profile = tape.profile();
/// println!("{profile}");
/// let layer = profile.by_scope().into_iter().find(|row| row.scope == "layer").unwrap();
/// assert_eq!((layer.forward.calls, profile.steps), (10 * 5 * 3, 10));
/// let trace = profile.chrome_trace(); // opens in Perfetto
/// # assert!(trace.contains("matmul"));
/// ```
///
/// The profile of a batch in shards: [`Shards::profiled`](https://docs.rs/unspool-nn).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Profile {
    /// A row for each op and scope, in the order in which they first ran. In parentheses is the tape's
    /// own work: `(release)`, `(reset)`, and what the profile itself took.
    pub rows: Vec<ProfileRow>,
    /// The number of steps: one ends with [`Tape::reset`](crate::Tape::reset).
    pub steps: usize,
    /// How long the steps took, each from its first op to the end of its reset. What the rows do not
    /// add up to was spent between ops: by the code of layers and of the program.
    pub elapsed: Duration,
    /// The most bytes of computed values and gradients that were there at the same time. Gradients are
    /// counted at some points of each backward pass.
    pub peak_bytes: usize,
    /// Those of the latest step.
    pub(crate) events: Vec<Event>,
}

/// Without the single calls.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("rows", &self.rows)
            .field("steps", &self.steps)
            .field("elapsed", &self.elapsed)
            .field("peak_bytes", &self.peak_bytes)
            .finish_non_exhaustive()
    }
}

/// What an op cost, in one scope or in all.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().profiled();
/// let (x, w) = (tape.constant(&Tensor::<f32>::ones([32, 20])), tape.variable(&Tensor::ones([20, 10])));
/// drop(x.matmul(w).sum().backward());
/// let rows = tape.profile().by_op();
/// let product = rows.iter().find(|row| row.op == "matmul").unwrap();
/// assert_eq!((product.forward.calls, product.backward.calls), (1, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ProfileRow {
    /// The name of the op; empty in a sum over ops.
    pub op: &'static str,
    /// The [scopes](crate::Tape::scope) in which it ran; empty outside of any, and in a sum over them.
    pub scope: String,
    /// Computing values.
    pub forward: Cost,
    /// Computing gradients.
    pub backward: Cost,
}

/// What some calls cost together.
///
/// ```
/// use unspool::autograd::Cost;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new().profiled();
/// let (x, w) = (tape.constant(&Tensor::<f32>::ones([32, 20])), tape.variable(&Tensor::ones([20, 10])));
/// drop(x.matmul(w).sum().backward());
/// let mut total = Cost::default();
/// for row in tape.profile().rows {
///     total += row.forward;
///     total += row.backward;
/// }
/// assert_eq!(total.flops, 2.0 * (2 * 32 * 20 * 10) as f64);    // x w, and the gradient with respect to w
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// How many there were.
    pub calls: usize,
    /// How long they took.
    pub time: Duration,
    /// The floating-point operations of their matrix products: see [`Op::flops`](crate::Op::flops).
    pub flops: f64,
    /// Forward, the memory of the values, as [`Tape::bytes`](crate::Tape::bytes) counts it: a view of
    /// an input takes some 200 bytes. Backward, the elements of the gradients with respect to them.
    pub bytes: usize,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// The index of its row.
    pub row: u32,
    pub backward: bool,
    /// The time step.
    pub step: Option<usize>,
    pub start: Duration,
    pub time: Duration,
    /// The number of its tape, in a profile of several.
    pub tape: usize,
}

impl Profile {
    /// A row for each op, over all scopes; the one that took longest comes first.
    pub fn by_op(&self) -> Vec<ProfileRow> {
        self.grouped(|row| ProfileRow { op: row.op, ..ProfileRow::default() })
    }

    /// A row for each scope, over all ops; the one that took longest comes first.
    pub fn by_scope(&self) -> Vec<ProfileRow> {
        self.grouped(|row| ProfileRow { scope: row.scope.clone(), ..ProfileRow::default() })
    }

    /// The sum of all rows.
    pub fn total(&self) -> ProfileRow {
        self.grouped(|_| ProfileRow::default()).pop().unwrap_or_default()
    }

    /// Rows added up that have the same key, a row without costs.
    fn grouped(&self, key: impl Fn(&ProfileRow) -> ProfileRow) -> Vec<ProfileRow> {
        let mut groups: Vec<ProfileRow> = Vec::new();
        for row in &self.rows {
            add_row(&mut groups, key(row), row);
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.time()));
        groups
    }
}

/// Adds the costs of `row` to the row of `groups` that has the op and the scope of `key`, and returns
/// its index.
fn add_row(groups: &mut Vec<ProfileRow>, key: ProfileRow, row: &ProfileRow) -> usize {
    let at = groups.iter().position(|group| (group.op, &group.scope) == (key.op, &key.scope)).unwrap_or_else(|| {
        groups.push(key);
        groups.len() - 1
    });
    groups[at].forward += row.forward;
    groups[at].backward += row.backward;
    at
}

impl ProfileRow {
    /// How long it took, forward and backward.
    pub fn time(&self) -> Duration {
        self.forward.time + self.backward.time
    }

    /// The floating-point operations, forward and backward.
    pub fn flops(&self) -> f64 {
        self.forward.flops + self.backward.flops
    }

    /// The bytes of values and of gradients.
    pub fn bytes(&self) -> usize {
        self.forward.bytes + self.backward.bytes
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.calls += other.calls;
        self.time += other.time;
        self.flops += other.flops;
        self.bytes += other.bytes;
    }
}

/// The profile of several tapes that work on the same steps: times, peaks and costs are added.
impl Add for Profile {
    type Output = Profile;

    fn add(mut self, other: Profile) -> Profile {
        let key = |row: &ProfileRow| ProfileRow { op: row.op, scope: row.scope.clone(), ..ProfileRow::default() };
        let at: Vec<usize> = other.rows.iter().map(|row| add_row(&mut self.rows, key(row), row)).collect();
        let first = self.events.iter().map(|event| event.tape + 1).max().unwrap_or(0);
        self.events.extend(other.events.into_iter().map(|event| Event {
            row: at[event.row as usize] as u32,
            tape: first + event.tape,
            ..event
        }));
        self.steps = self.steps.max(other.steps);
        self.elapsed += other.elapsed;
        self.peak_bytes += other.peak_bytes;
        self
    }
}

impl Sum for Profile {
    fn sum<I: Iterator<Item = Profile>>(profiles: I) -> Profile {
        profiles.fold(Profile::default(), Profile::add)
    }
}
