//! Which parts of a long loop to make again in the backward pass.
//!
//! The loop is a chain of equal *links* (the steps of one projection). Backwards, a *leaf* of q
//! links is made again at once, with all its values; the chain is thus one of N leaves. Between
//! leaves, up to c states are kept as snapshots. The schedule that repeats the fewest leaves is
//! binomial: Griewank and Walther 2000, "Algorithm 799: revolve"; Gruslys et al. 2016,
//! "Memory-efficient backpropagation through time", for recurrent networks.

use std::ops::Range;

/// The binomial coefficient `(s + r)! / (s! r!)`: the number of leaves whose backward pass takes s
/// kept states, the first included, if no leaf is repeated more than r times. Saturates.
fn binomial(s: usize, r: usize) -> usize {
    let (small, large) = (s.min(r), s.max(r));
    let mut product: u128 = 1;
    for i in 1..=small {
        product = product * (large + i) as u128 / i as u128;
        if product > usize::MAX as u128 {
            return usize::MAX;
        }
    }
    product as usize
}

/// The least number of times that any leaf of `leaves` must be repeated with `snapshots` kept.
fn repetitions(leaves: usize, snapshots: usize) -> usize {
    (0..).find(|&r| binomial(snapshots + 1, r) >= leaves).expect("binomials grow without bound")
}

/// The least number of leaves to repeat with `snapshots` kept, beside the state before the first
/// leaf and that before the current one.
pub(super) fn repeated_leaves(leaves: usize, snapshots: usize) -> usize {
    match repetitions(leaves, snapshots) {
        0 => 0,
        r => r.saturating_mul(leaves).saturating_sub(binomial(snapshots + 2, r - 1)),
    }
}

/// Where to keep the next snapshot: after how many of `leaves` leaves, of which there are at least
/// two.
fn split(leaves: usize, snapshots: usize) -> usize {
    let r = repetitions(leaves, snapshots);
    let right = if snapshots == 0 { 1 } else { binomial(snapshots, r - 1) };
    binomial(snapshots + 1, r - 1).min(leaves - right)
}

/// A way to keep a chain of links in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The number of links of a leaf; the first leaf may have fewer.
    pub(super) leaf: usize,
    /// The number of snapshots.
    pub(super) snapshots: usize,
}

impl Schedule {
    /// The schedule that repeats the fewest of `links` links within `budget` bytes, where a link
    /// keeps `link` bytes and its state `state` bytes; `None` if the budget is less than
    /// [`least_budget`](Schedule::least_budget).
    pub(super) fn within(budget: usize, links: usize, link: usize, state: usize) -> Option<Self> {
        (1..=links)
            .map_while(|leaf| {
                let spare = budget.checked_sub(leaf.checked_mul(link)?.checked_add(state)?)?;
                let snapshots = (spare / state.max(1)).min(links);
                Some(Schedule { leaf, snapshots })
            })
            .min_by_key(|schedule| schedule.repeated_links(links))
    }

    /// The least budget: one link with the state before it.
    pub(super) fn least_budget(link: usize, state: usize) -> usize {
        link + state
    }

    /// The number of links that are made again, if all leaves are whole.
    fn repeated_links(self, links: usize) -> usize {
        repeated_leaves(links.div_ceil(self.leaf), self.snapshots).saturating_mul(self.leaf)
    }

    /// The segments whose values are dropped, as ranges of links, in the order in which they end;
    /// of those that end together, the innermost first.
    pub(super) fn segments(self, links: usize) -> Vec<Range<usize>> {
        let leaves = links.div_ceil(self.leaf);
        let ragged = leaves * self.leaf - links;
        // The first link of a leaf: the first leaf is the short one.
        let link = |leaf: usize| (leaf * self.leaf).saturating_sub(ragged);
        let mut segments = Vec::with_capacity(2 * leaves);
        let mut chains = vec![(0..leaves, self.snapshots)];
        while let Some((chain, snapshots)) = chains.pop() {
            if chain.len() > 1 {
                let middle = chain.start + split(chain.len(), snapshots);
                segments.push(link(chain.start)..link(middle));
                chains.push((chain.start..middle, snapshots));
                chains.push((middle..chain.end, snapshots.saturating_sub(1)));
                // A leaf that ends with its segment is made again with it, and dropped before the
                // rest of the segment is.
                if middle + 1 == chain.end && chain.end < leaves {
                    segments.push(link(middle)..link(chain.end));
                }
            }
        }
        segments.sort_by_key(|segment| (segment.end, std::cmp::Reverse(segment.start)));
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least number of leaves to repeat, by trying every split.
    fn optimum(leaves: usize, snapshots: usize, known: &mut Vec<Vec<Option<usize>>>) -> usize {
        if leaves <= 1 {
            return 0;
        }
        if let Some(repeated) = known[leaves][snapshots] {
            return repeated;
        }
        let least = (1..leaves)
            .filter(|&left| snapshots > 0 || leaves - left == 1)
            .map(|left| {
                let right = optimum(leaves - left, snapshots.saturating_sub(1), known);
                left + right + optimum(left, snapshots, known)
            })
            .min()
            .unwrap();
        known[leaves][snapshots] = Some(least);
        least
    }

    /// The number of links that the segments of a schedule make again: of those that end together,
    /// the outermost makes all.
    fn repeated(segments: &[Range<usize>]) -> usize {
        let outermost = segments.chunk_by(|a, b| a.end == b.end).filter_map(<[_]>::last);
        outermost.map(|segment| segment.len()).sum()
    }

    #[test]
    fn a_leaf_is_dropped_when_the_backward_pass_has_gone_through_it() {
        for (links, leaf, snapshots) in [(17, 3, 2), (50, 1, 0), (100, 7, 4), (60, 1, 1), (40, 2, 40)] {
            let segments = Schedule { leaf, snapshots }.segments(links);
            let last = segments.iter().map(|segment| segment.end).max().unwrap();
            for link in 0..last {
                let innermost =
                    segments.iter().filter(|segment| segment.contains(&link)).map(|segment| segment.len()).min();
                assert!(innermost.is_some_and(|len| len <= leaf), "link {link} of {links}: {innermost:?}");
            }
        }
    }

    #[test]
    fn the_binomial_schedule_is_the_best_of_all_splits() {
        let mut known = vec![vec![None; 70]; 70];
        for leaves in 1..64 {
            for snapshots in 0..64 {
                let least = optimum(leaves, snapshots, &mut known);
                assert_eq!(repeated_leaves(leaves, snapshots), least, "{leaves} leaves, {snapshots} snapshots");
                let schedule = Schedule { leaf: 1, snapshots };
                assert_eq!(repeated(&schedule.segments(leaves)), least, "{leaves} leaves, {snapshots} snapshots");
            }
        }
    }

    #[test]
    fn segments_nest() {
        for (links, leaf, snapshots) in [(17, 3, 2), (50, 1, 0), (100, 7, 4), (5, 9, 1)] {
            let segments = Schedule { leaf, snapshots }.segments(links);
            for (i, a) in segments.iter().enumerate() {
                assert!(a.end < links, "the last leaf is stored");
                for b in &segments[i + 1..] {
                    assert!(b.start >= a.end || b.start <= a.start, "{a:?} and {b:?} overlap");
                }
            }
        }
    }

    #[test]
    fn a_larger_budget_repeats_no_more() {
        let (links, link, state) = (500, 57 * 16, 16);
        let least = Schedule::least_budget(link, state);
        assert_eq!(Schedule::within(least - 1, links, link, state), None);
        let mut before = usize::MAX;
        for budget in (least..least + links * (link + state)).step_by(97) {
            let repeated = Schedule::within(budget, links, link, state).unwrap().repeated_links(links);
            assert!(repeated <= before, "{budget} bytes: {repeated} after {before}");
            before = repeated;
        }
        assert_eq!(before, 0, "plenty: nothing is made again");
    }
}
