//! The names of the leaves of bound models.

use crate::params::{Path, Segment};

/// The path of each leaf that has one. Kept as segments: a name as text would be an allocation per
/// leaf and step of training.
#[derive(Default)]
pub(crate) struct Names {
    segments: Vec<Segment>,
    /// The ids, which ascend, each with the end of its path.
    leaves: Vec<(u32, usize)>,
}

impl Names {
    pub(super) fn push(&mut self, id: u32, path: Path<'_>) {
        path.push_to(&mut self.segments);
        self.leaves.push((id, self.segments.len()));
    }

    /// The path of value `id`; empty if it has none.
    pub(crate) fn of(&self, id: u32) -> &[Segment] {
        match self.leaves.binary_search_by_key(&id, |&(id, _)| id) {
            Ok(at) => &self.segments[self.end_before(at)..self.leaves[at].1],
            Err(_) => &[],
        }
    }

    /// Forgets the values from `since` on.
    pub(super) fn truncate(&mut self, since: u32) {
        self.leaves.truncate(self.leaves.partition_point(|&(id, _)| id < since));
        self.segments.truncate(self.end_before(self.leaves.len()));
    }

    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.leaves.clear();
    }

    fn end_before(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.leaves[before].1)
    }
}
