//! Interpolated Kneser-Ney smoothing with three discounts.

use super::counts::{Level, NgramCounts};

/// The discounts for n-grams counted once, twice, and three or more times, if the text is too small
/// to estimate them: KenLM's.
const FALLBACK: [f64; 3] = [0.5, 1.0, 1.5];

/// The counts of one n, as Kneser-Ney smoothing sees them.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// For each node its count or, if n is less than the order, the number of different tokens that
    /// precede it.
    counts: Vec<u32>,
    contexts: Vec<Context>,
    discounts: [f64; 3],
}

/// Totals over the n-grams that begin with a context.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// The sum of the counts.
    total: u32,
    /// How many different tokens have count 1, 2, 3 or more.
    kinds: [u32; 3],
}

/// The tallies of n = 1 .. order.
pub(super) fn tallies(counts: &NgramCounts, order: usize) -> Vec<Tally> {
    let tally = |n: usize| {
        let level = &counts.levels[n - 1];
        if n == order {
            return Tally::new(level, level.counts.clone());
        }
        let mut before = vec![0; level.counts.len()];
        for &suffix in &counts.levels[n].suffixes {
            before[suffix as usize] += 1;
        }
        Tally::new(level, before)
    };
    (1..=order).map(tally).collect()
}

impl Tally {
    fn new(level: &Level, counts: Vec<u32>) -> Self {
        let mut contexts = vec![Context::default(); level.followers.len()];
        for (&(context, _), &node) in &level.nodes {
            let (context, count) = (&mut contexts[context as usize], counts[node as usize]);
            context.total += count;
            if let Some(kind) = kind(count) {
                context.kinds[kind] += 1;
            }
        }
        let discounts = discounts(&counts);
        Tally { counts, contexts, discounts }
    }

    /// The probability of a node in a context: `(c - D(c)) / total + (D1 N1 + D2 N2 + D3 N3) /
    /// total * lower`, where `lower` is its probability in the context without its first token.
    pub fn interpolate(&self, context: usize, node: Option<usize>, lower: f64) -> f64 {
        let Context { total, kinds } = self.contexts.get(context).copied().unwrap_or_default();
        if total == 0 {
            return lower;
        }
        let count = node.map_or(0, |node| self.counts[node]);
        let kept = f64::from(count) - kind(count).map_or(0.0, |kind| self.discounts[kind]);
        let taken: f64 = kinds.iter().zip(self.discounts).map(|(&kind, discount)| f64::from(kind) * discount).sum();
        (kept + taken * lower) / f64::from(total)
    }
}

/// Which of the three discounts applies to a count.
fn kind(count: u32) -> Option<usize> {
    (count > 0).then(|| count.min(3) as usize - 1)
}

/// `D(i) = i - (i + 1) Y n(i + 1) / n(i)` with `Y = n1 / (n1 + 2 n2)`, where n(i) is how many
/// counts are i (Chen and Goodman 1998, equation 26).
fn discounts(counts: &[u32]) -> [f64; 3] {
    let [n1, n2, n3, n4] = [1, 2, 3, 4].map(|i| counts.iter().filter(|&&count| count == i).count() as f64);
    let y = n1 / (n1 + 2.0 * n2);
    let discounts = [1.0 - 2.0 * y * n2 / n1, 2.0 - 3.0 * y * n3 / n2, 3.0 - 4.0 * y * n4 / n3];
    // NaN or infinite if a count does not occur, and in small texts possibly negative.
    let possible = discounts.iter().zip([1.0, 2.0, 3.0]).all(|(discount, most)| *discount > 0.0 && *discount <= most);
    if possible { discounts } else { FALLBACK }
}
