//! What a watched tape adds up of its ops: calls, times, floating-point operations and bytes.

use super::accumulator::Accumulator;
use super::backward::step;
use super::op::Inputs;
use super::record::Record;
use super::watch::Note;
use crate::clock::Instant;
use crate::profile::{Cost, Event, Profile, ProfileRow};
use crate::tuning::PEAK_SAMPLES;
use std::time::Duration;
use unspool_tensor::Scalar;

/// The tape's own work, beside that of ops.
pub(super) const RELEASE: &str = "(release)";
const RESET: &str = "(reset)";
const PROFILE: &str = "(profile)";

pub(super) struct Profiler {
    rows: Vec<Row>,
    /// The rows of each scope.
    of_scope: Vec<Vec<u32>>,
    /// The calls of the latest step, and whether they are of a backward pass.
    events: Vec<(Call, bool)>,
    /// The laps of a backward pass, for the next one.
    spare: Vec<Lap>,
    /// What times are counted from.
    origin: Instant,
    /// When the step began that is not over.
    began: Option<Instant>,
    /// The end of the latest event.
    last: Instant,
    /// The steps that are over, and how long they took.
    steps: usize,
    elapsed: Duration,
    /// How long it takes to read the clock, and how often that was done.
    clock: Duration,
    reads: u32,
    /// The bytes of the values that ops have computed and that are still there, and the most of them
    /// and of gradients.
    alive: usize,
    peak: usize,
}

/// One call of an op.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) row: u32,
    /// The time step.
    pub(super) step: Option<usize>,
    pub(super) begun: Instant,
    pub(super) now: Instant,
}

struct Row {
    op: &'static str,
    scope: u32,
    forward: Cost,
    backward: Cost,
}

/// How long it takes to read the clock when nothing disturbs.
fn clock() -> Duration {
    const READS: u32 = 64;
    let batch = |_| {
        let begun = Instant::now();
        (0..READS).fold(begun, |_, _| Instant::now()).duration_since(begun) / READS
    };
    (0..8).map(batch).min().unwrap_or_default()
}

impl Profiler {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Profiler {
            rows: Vec::new(),
            of_scope: Vec::new(),
            events: Vec::new(),
            spare: Vec::new(),
            origin: now,
            began: None,
            last: now,
            steps: 0,
            elapsed: Duration::ZERO,
            clock: clock(),
            reads: 0,
            alive: 0,
            peak: 0,
        }
    }

    /// The index of the row of an op in a scope.
    pub(super) fn row(&mut self, op: &'static str, scope: u32) -> u32 {
        let scopes = self.of_scope.len().max(scope as usize + 1);
        self.of_scope.resize_with(scopes, Vec::new);
        let of_scope = &mut self.of_scope[scope as usize];
        if let Some(&row) = of_scope.iter().find(|&&row| self.rows[row as usize].op == op) {
            return row;
        }
        self.rows.push(Row { op, scope, forward: Cost::default(), backward: Cost::default() });
        of_scope.push(self.rows.len() as u32 - 1);
        self.rows.len() as u32 - 1
    }

    /// The op of a row.
    pub(super) fn op(&self, row: u32) -> &'static str {
        self.rows[row as usize].op
    }

    /// The index of the scope of a row.
    pub(super) fn scope(&self, row: u32) -> u32 {
        self.rows[row as usize].scope
    }

    /// Something begins that is part of a step.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.began.is_none() {
            self.began = Some(now);
            self.events.clear();
        }
    }

    /// Work of a row in a forward pass, from `begun` to `now`. Returns how long it took.
    pub(super) fn forward(&mut self, call: Call, (flops, bytes): (f64, usize)) -> Duration {
        // The read at the end of the call before lies between the two, as one of this call does.
        let time = self.add(call, false, flops, bytes);
        self.reads += 1;
        self.alive += bytes;
        self.peak = self.peak.max(self.alive);
        time
    }

    /// The tape's own work.
    pub(super) fn own(&mut self, name: &'static str, scope: u32, begun: Instant) {
        let row = self.row(name, scope);
        self.forward(Call { row, step: None, begun, now: Instant::now() }, (0.0, 0));
    }

    fn add(&mut self, call: Call, backward: bool, flops: f64, bytes: usize) -> Duration {
        let time = (call.now - call.begun).saturating_sub(self.clock);
        let row = &mut self.rows[call.row as usize];
        let cost = if backward { &mut row.backward } else { &mut row.forward };
        // The products that waited are work of calls that were counted before.
        let calls = usize::from(!backward || bytes > 0);
        *cost += Cost { calls, time, flops, bytes };
        self.events.push((call, backward));
        self.reads += 1;
        self.last = call.now;
        time
    }

    /// Values of so many bytes are there no more.
    pub(super) fn freed(&mut self, bytes: usize) {
        self.alive = self.alive.saturating_sub(bytes);
    }

    /// The tape has been emptied, since `begun`.
    fn end_step(&mut self, begun: Instant) {
        self.alive = 0;
        if let Some(began) = self.began {
            self.own(RESET, 0, begun);
            self.elapsed += self.last - began;
            self.steps += 1;
            self.began = None;
        }
    }

    pub(super) fn profile(&self, scopes: &[String]) -> Profile {
        let mut rows: Vec<ProfileRow> = Vec::new();
        for &Row { op, scope, forward, backward } in &self.rows {
            rows.push(ProfileRow { op, scope: scopes[scope as usize].clone(), forward, backward });
        }
        let at = rows.iter().position(|row| row.op == PROFILE).unwrap_or_else(|| {
            rows.push(ProfileRow { op: PROFILE, ..ProfileRow::default() });
            rows.len() - 1
        });
        rows[at].forward.time += self.clock * self.reads;
        let event = |&(Call { row, step, begun, now }, backward): &(Call, bool)| Event {
            row,
            backward,
            step,
            start: begun - self.origin,
            time: now - begun,
            tape: 0,
        };
        Profile {
            rows,
            steps: self.steps + usize::from(self.began.is_some()),
            elapsed: self.elapsed + self.began.map_or(Duration::ZERO, |began| self.last - began),
            peak_bytes: self.peak,
            events: self.events.iter().map(event).collect(),
        }
    }
}

/// The times of a backward pass. The record is only borrowed for reading meanwhile; they are added up
/// after it.
pub(super) struct Laps {
    laps: Vec<Lap>,
    /// The end of the latest lap.
    last: Instant,
    /// The number of values made again so far.
    recomputed: usize,
    /// The values whose gradient waits as a product, each with the value whose op uses it.
    users: Vec<(u32, u32)>,
    /// After how many laps the bytes of gradients are counted, and the most of them.
    every: usize,
    most: usize,
    /// The time that counting took.
    counting: Duration,
}

/// What the op of a value took.
struct Lap {
    id: u32,
    begun: Instant,
    now: Instant,
    flops: f64,
    bytes: usize,
}

impl Laps {
    pub(super) fn begin<T: Scalar>(record: &mut Record<T>, end: u32) -> Laps {
        let now = Instant::now();
        record.profiler().begin(now);
        Laps {
            laps: std::mem::take(&mut record.profiler().spare),
            last: now,
            recomputed: record.segments.recomputed(),
            users: Vec::new(),
            every: (end as usize / PEAK_SAMPLES).max(1),
            most: 0,
            counting: Duration::ZERO,
        }
    }

    /// The step of the backward pass to value `id`.
    pub(super) fn step<T: Scalar>(&mut self, gradients: &mut Accumulator<T>, record: &Record<T>, id: u32, pass: u32) {
        if record.segments.recomputed() != self.recomputed {
            // The replay counted itself.
            (self.recomputed, self.last) = (record.segments.recomputed(), Instant::now());
        }
        if gradients.defers(id) {
            gradients.settle(id);
            let user = self.users.iter().find(|&&(weight, _)| weight == id).map_or(id, |&(_, user)| user);
            self.lap(user, 0.0, 0);
        }
        let node = record.nodes[id as usize];
        let Some(bytes) = gradients.get(id).filter(|_| !node.is_leaf()).map(|grad| grad.numel() * size_of::<T>())
        else {
            return step(gradients, record, id, pass);
        };
        step(gradients, record, id, pass);
        let mut flops = 0.0;
        if record.note(id).is_some_and(|note| note.flops > 0.0) {
            let inputs = Inputs { values: &record.values, ids: record.inputs_of(id), packed: &record.packed };
            for (i, &input) in inputs.ids.iter().enumerate() {
                if record.nodes[input as usize].needs_gradient() {
                    flops += record.ops.gradient_flops(node.op(), inputs, &record.values[id as usize], i);
                }
                if gradients.defers(input) && !self.users.iter().any(|&(weight, _)| weight == input) {
                    self.users.push((input, id));
                }
            }
        }
        self.lap(id, flops, bytes);
        if self.laps.len().is_multiple_of(self.every) {
            self.most = self.most.max(gradients.bytes(id));
            let now = Instant::now();
            self.counting += now - self.last;
            self.last = now;
        }
    }

    fn lap(&mut self, id: u32, flops: f64, bytes: usize) {
        let now = Instant::now();
        self.laps.push(Lap { id, begun: self.last, now, flops, bytes });
        self.last = now;
    }

    pub(super) fn end<T: Scalar>(mut self, record: &mut Record<T>) {
        let watch = record.watch.as_mut().expect("a watched tape");
        let profiler = &mut watch.profiler;
        for Lap { id, begun, now, flops, bytes } in self.laps.drain(..) {
            let Some(Some(note)) = watch.notes.get(id as usize) else { continue };
            profiler.add(Call { row: note.row, step: note.step, begun, now }, true, flops, bytes);
        }
        profiler.spare = self.laps;
        profiler.peak = profiler.peak.max(profiler.alive + self.most);
        profiler.own(PROFILE, 0, self.last);
        let row = profiler.row(PROFILE, 0);
        profiler.rows[row as usize].forward.time += self.counting;
    }
}

impl<T: Scalar> Record<T> {
    pub(super) fn profiler(&mut self) -> &mut Profiler {
        &mut self.watch.as_mut().expect("a watched tape").profiler
    }

    pub(super) fn note(&self, id: u32) -> Option<&Note> {
        self.watch.as_ref()?.notes.get(id as usize)?.as_ref()
    }

    /// The bytes that are free once value `id` is dropped, if an op has computed it.
    pub(super) fn computed_bytes(&self, id: u32) -> usize {
        self.note(id).map_or(0, |_| self.values[id as usize].owned_bytes())
    }

    /// Drops the values from `since` on.
    #[cold]
    pub(super) fn forget_computed(&mut self, since: usize) {
        while self.values.len() > since {
            let bytes = self.computed_bytes(self.values.len() as u32 - 1);
            self.profiler().freed(bytes);
            self.values.pop();
        }
        self.watch.as_mut().expect("a watched tape").notes.truncate(since);
    }

    /// Value `id` has been made again, since `begun`.
    #[cold]
    pub(super) fn end_replay(&mut self, id: u32, begun: Instant) {
        let bytes = self.computed_bytes(id);
        if let Some(&Note { row, step, flops, .. }) = self.note(id) {
            self.profiler().forward(Call { row, step, begun, now: Instant::now() }, (flops, bytes));
        }
    }

    /// A release that has begun then is over.
    #[cold]
    pub(super) fn end_release(&mut self, begun: Instant) {
        let watch = self.watch.as_mut().expect("a watched tape");
        let scope = watch.scope();
        watch.profiler.own(RELEASE, scope, begun);
    }

    /// Drops everything recorded by a step.
    pub(super) fn end_step(&mut self) {
        if !self.is_watched() {
            return self.clear();
        }
        let begun = Instant::now();
        self.clear();
        self.profiler().end_step(begun);
    }
}
