//! How few steps must be made again in the memory of a budget, by the closed form of Griewank and
//! Walther 2000, "Algorithm 799: revolve", against which the library's schedule is held.

/// Steps that are made again together.
#[derive(Clone, Copy)]
pub struct Group {
    pub steps: usize,
    /// The bytes of their values.
    pub bytes: usize,
    /// The bytes of the state before them.
    pub state: usize,
}

/// The way to use a budget that makes the fewest steps again.
pub struct Plan {
    pub leaves: usize,
    /// The steps of a leaf, whose values are all there while the backward pass is in it.
    pub leaf: usize,
    /// The states kept, beside the one before the first leaf and the one before the current leaf.
    pub snapshots: usize,
    pub repeated: usize,
}

impl Plan {
    /// # Panics
    /// If the budget is less than a group and its state.
    pub fn within(budget: usize, group: Group, time: usize) -> Plan {
        let groups = time.div_ceil(group.steps);
        let plan = |leaf: usize| {
            let spare = budget.checked_sub(leaf * group.bytes + group.state)?;
            let (leaves, snapshots) = (groups.div_ceil(leaf), spare / group.state);
            let leaf = leaf * group.steps;
            Some(Plan { leaves, leaf, snapshots, repeated: repeated(leaves, snapshots + 1) * leaf })
        };
        (1..=groups).map_while(plan).min_by_key(|plan| plan.repeated).expect("a budget for one group")
    }
}

/// `t(l, s) = r l - beta(s + 1, r - 1)`: how many of `l` leaves are made again with `s` snapshots,
/// that before the first leaf included. r is the repetition number, the least with
/// `l <= beta(s, r)`.
fn repeated(l: usize, s: usize) -> usize {
    let r = (0..).find(|&r| beta(s, r) >= l as f64).expect("beta grows with r");
    if r == 0 { 0 } else { r * l - beta(s + 1, r - 1) as usize }
}

/// `beta(s, r) = (s + r)! / (s! r!)`, exact up to 2^53.
fn beta(s: usize, r: usize) -> f64 {
    (1..=r).fold(1.0, |product, i| product * (s + i) as f64 / i as f64).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least by trying where to put the next snapshot.
    fn least(l: usize, s: usize) -> usize {
        match (l, s) {
            (..=1, _) => 0,
            (_, 1) => l * (l - 1) / 2,
            _ => (1..l).map(|left| left + least(l - left, s - 1) + least(left, s)).min().expect("l > 1"),
        }
    }

    #[test]
    fn the_closed_form_is_the_least() {
        for l in 1..10 {
            for s in 1..6 {
                assert_eq!(repeated(l, s), least(l, s), "{l} leaves, {s} snapshots");
            }
        }
    }

    #[test]
    fn a_budget_for_everything_repeats_nothing() {
        let group = Group { steps: 16, bytes: 1000, state: 20 };
        assert_eq!(Plan::within(10_020, group, 160).repeated, 0);
        assert_eq!(Plan::within(1020, group, 160).repeated, 16 * 45);
    }
}
