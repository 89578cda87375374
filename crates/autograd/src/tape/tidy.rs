//! Values that die at the end of a scope.

use super::node::Node;
use super::record::Record;
use super::{Tape, Var};
use std::ops::Range;
use unspool_tensor::{Scalar, Tensor};

/// # Scopes
impl<T: Scalar> Tape<T> {
    /// Runs `scope` and frees what it computed, except what it returns and what a gradient needs:
    /// TensorFlow.js's `tidy`. Where no gradient is taken (constants, frozen weights), nothing is
    /// left of a scope but its results.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::<f32>::ones([1000]));
    /// let [y] = tape.tidy(|| [(x * 2.0).exp().sin()]);
    /// assert_eq!(tape.len(), 2); // x and y
    /// # assert_eq!(y.value().at([0]), 2f32.exp().sin());
    /// ```
    ///
    /// A value that was computed inside and not returned cannot be read outside: that panics.
    ///
    /// # Panics
    /// If a returned variable belongs to another tape.
    #[track_caller]
    pub fn tidy<'t, R: AsMut<[Var<'t, T>]>>(&'t self, scope: impl FnOnce() -> R) -> R {
        let since = self.len();
        let mut kept = scope();
        self.tidy_since(since, kept.as_mut());
        kept
    }

    /// The state after `step` has run for each number of a range, from `state`: JAX's `fori_loop`.
    /// What a step computed is freed after it, except the next state and what a gradient needs; so,
    /// where no gradient is taken, a loop of any number of steps takes the memory of one.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let start = tape.constant(&Tensor::from_vec(vec![1.0f64, 0.0], [1, 2]));
    /// let turn = tape.constant(&Tensor::from_vec(vec![0.0, 1.0, -1.0, 0.0], [2, 2]));
    /// // Heun's method for dy/dt = y A.
    /// let [y] = tape.fori_loop(0..1000, [start], |_, [y]| {
    ///     let k = y.matmul(turn);
    ///     let after = (y + 1e-3 * k).matmul(turn);
    ///     [y + 5e-4 * (k + after)]
    /// });
    /// assert!((y.value().at([0, 0]) - 1f64.cos()).abs() < 1e-6);
    /// assert_eq!(tape.len(), 3);
    /// ```
    ///
    /// # Panics
    /// If a variable of a state belongs to another tape.
    #[track_caller]
    pub fn fori_loop<'t, S: AsMut<[Var<'t, T>]>>(
        &'t self,
        range: Range<usize>,
        mut state: S,
        mut step: impl FnMut(usize, S) -> S,
    ) -> S {
        // Where the loop began, or the last step of which something stays.
        let mut begin = self.len();
        for i in range {
            let since = self.len();
            state = step(i, state);
            let kept = state.as_mut();
            if self.has_only_constants(since, kept) {
                self.record.borrow_mut().truncate(begin, kept);
            } else {
                self.release(since..self.len(), kept);
                begin = self.len();
            }
        }
        state
    }

    /// Frees what was computed since the tape had the [length](Tape::len) `since`, except `kept`
    /// and what a gradient needs. The variables kept may move: they are replaced by what is to be
    /// used from now on.
    ///
    /// # Panics
    /// If a variable to be kept belongs to another tape.
    #[track_caller]
    pub fn tidy_since<'t>(&'t self, since: usize, kept: &mut [Var<'t, T>]) {
        if self.has_only_constants(since, kept) {
            self.record.borrow_mut().truncate(since, kept);
        } else {
            self.release(since..self.len(), kept);
        }
    }

    /// Whether nothing that was recorded since needs to stay.
    #[track_caller]
    fn has_only_constants(&self, since: usize, kept: &[Var<'_, T>]) -> bool {
        let record = self.record.borrow();
        for var in kept {
            ensure!(std::ptr::eq(var.tape, self), "tidy: a returned variable belongs to another tape");
            record.check_epoch("tidy", *var);
        }
        let made = &record.nodes[since.min(record.nodes.len())..];
        !record.segments.is_open()
            && !record.segments.cross(since)
            && !made.iter().any(|node| node.is(Node::NEEDS_GRADIENT | Node::RETAINED))
    }
}

impl<T: Scalar> Record<T> {
    /// Drops the values from `since` on, none of which needs a gradient, except `kept`, which move.
    fn truncate(&mut self, since: usize, kept: &mut [Var<'_, T>]) {
        // Of a variable that is kept twice, there is one afterwards.
        let mut moved: Vec<(u32, Tensor<T>)> = Vec::with_capacity(kept.len());
        for var in kept.iter_mut().filter(|var| var.id() as usize >= since) {
            let at = moved.iter().position(|&(id, _)| id == var.id()).unwrap_or_else(|| {
                moved.push((var.id(), self.values[var.id() as usize].clone()));
                moved.len() - 1
            });
            *var = Var::new(var.tape, (since + at) as u32, self.epoch + 1);
        }
        if self.is_watched() {
            self.forget_computed(since);
        }
        self.inputs_len = self.nodes.get(since).map_or(self.inputs_len, |node| node.first_input as usize);
        self.values.truncate(since);
        self.nodes.truncate(since);
        self.packed.forget_from(since as u32);
        self.segments.truncate(since as u32);
        self.names.truncate(since as u32);
        self.epoch += 1;
        self.truncations.truncate(self.truncations.partition_point(|&(start, _)| (start as usize) < since));
        self.truncations.push((since as u32, self.epoch));
        for (_, value) in moved {
            self.push_leaf(value, false);
        }
    }

    /// # Panics
    /// If the value has been freed at the end of its scope.
    #[inline]
    #[track_caller]
    pub(crate) fn check_epoch(&self, op: &str, var: Var<'_, T>) {
        if var.epoch() != self.epoch {
            self.check_truncations(op, var);
        }
    }

    #[cold]
    #[track_caller]
    fn check_truncations(&self, op: &str, var: Var<'_, T>) {
        let is_freed = self.is_freed(var);
        ensure!(!is_freed, "{op}: this value was computed inside a scope and freed at its end; return it from there");
    }

    /// Whether the value was cut off.
    pub(crate) fn is_freed(&self, var: Var<'_, T>) -> bool {
        // Both starts and epochs ascend: of the cuts that reach down to the id, the latest is the last.
        let cuts = self.truncations.partition_point(|&(start, _)| start <= var.id());
        cuts.checked_sub(1).is_some_and(|last| var.epoch() < self.truncations[last].1)
    }
}
