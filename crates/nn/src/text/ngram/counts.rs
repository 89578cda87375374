//! Counts of n-grams.

use std::collections::HashMap;
use std::fmt;

/// The n-grams of a text and their counts, for n from 1 to an order.
///
/// They form a trie: each n-gram is a node, found from the node of its first n - 1 tokens and its
/// last token.
///
/// ```
/// use unspool::text::ngram::NgramCounts;
/// let counts = NgramCounts::new(&[0, 1, 0, 1, 2], 2, 3);
/// assert_eq!(counts.count(&[0, 1]), 2);
/// assert_eq!(counts.distinct(2), 3);                           // 0 1, 1 0, 1 2
/// assert_eq!(counts.unseen(&[0, 1, 1, 2], 2), 1.0 / 3.0);      // 1 1, of three
/// ```
#[derive(Clone)]
pub struct NgramCounts {
    classes: usize,
    /// The n-grams of n = 1, 2, ..
    pub(super) levels: Vec<Level>,
}

impl fmt::Debug for NgramCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distinct: Vec<_> = self.levels.iter().map(|level| level.counts.len()).collect();
        f.debug_struct("NgramCounts").field("classes", &self.classes).field("distinct", &distinct).finish()
    }
}

/// The n-grams of one n.
#[derive(Clone, Default)]
pub(super) struct Level {
    /// The node of each n-gram, by the node of its first n - 1 tokens (0 if n is 1) and its last
    /// token.
    pub nodes: HashMap<(u32, u32), u32>,
    /// The count of each node.
    pub counts: Vec<u32>,
    /// For each node, the node of its last n - 1 tokens.
    pub suffixes: Vec<u32>,
    /// For each node of n - 1, the sum of the counts of the n-grams that begin with it.
    pub followers: Vec<u32>,
}

impl NgramCounts {
    /// Counts the n-grams of `tokens`, with n up to `order`. `classes` is the size of the
    /// vocabulary.
    ///
    /// # Panics
    /// If `order` is 0, or a token is not less than `classes`.
    #[track_caller]
    pub fn new(tokens: &[usize], order: usize, classes: usize) -> Self {
        ensure!(order > 0, "NgramCounts: n-grams of order 0: they must have at least 1 token");
        ensure!(u32::try_from(tokens.len().max(classes)).is_ok(), "NgramCounts: more than 2^32 tokens");
        if let Some(token) = tokens.iter().find(|&&token| token >= classes) {
            fail!("NgramCounts: there is no token {token} among {classes}, counted from 0");
        }
        let mut levels = vec![Level::default(); order];
        // The nodes of the n-grams that end at the token before, for n = 0, 1, ..
        let mut ending = vec![0];
        for &token in tokens {
            let mut next = vec![0];
            for (level, &context) in levels.iter_mut().zip(&ending) {
                let suffix = next[next.len() - 1];
                next.push(level.add(context, token as u32, suffix));
            }
            ending = next;
        }
        for level in &mut levels {
            level.nodes.shrink_to_fit();
        }
        NgramCounts { classes, levels }
    }

    /// The largest n.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// The size of the vocabulary.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often `ngram` occurs in the text; for an empty one, the number of tokens in the text.
    ///
    /// # Panics
    /// If it is longer than the order.
    #[track_caller]
    pub fn count(&self, ngram: &[usize]) -> usize {
        let (n, order) = (ngram.len(), self.order());
        ensure!(n <= order, "count: an n-gram of {n} tokens, and n-grams of up to {order} were counted");
        match (n, self.node(ngram)) {
            (0, _) => self.levels[0].followers.first().map_or(0, |&all| all as usize),
            (_, Some(node)) => self.levels[n - 1].counts[node] as usize,
            (_, None) => 0,
        }
    }

    /// The number of different n-grams of `n` tokens.
    ///
    /// # Panics
    /// If n is 0 or greater than the order.
    #[track_caller]
    pub fn distinct(&self, n: usize) -> usize {
        self.level(n).counts.len()
    }

    /// The number of n-grams of `n` tokens that occur only once in the text.
    ///
    /// # Panics
    /// If n is 0 or greater than the order.
    #[track_caller]
    pub fn once(&self, n: usize) -> usize {
        self.level(n).counts.iter().filter(|&&count| count == 1).count()
    }

    /// The bytes of memory that the n-grams of `n` tokens take, including the empty slots of their
    /// hash table.
    ///
    /// # Panics
    /// If n is 0 or greater than the order.
    #[track_caller]
    pub fn bytes(&self, n: usize) -> usize {
        let level = self.level(n);
        // A hash table of the standard library is at most 7/8 full, and has an extra byte for each
        // slot.
        let slots = level.nodes.capacity() * 8 / 7;
        let lists = [&level.counts, &level.suffixes, &level.followers].map(Vec::len);
        slots * (size_of::<((u32, u32), u32)>() + 1) + lists.iter().sum::<usize>() * size_of::<u32>()
    }

    /// The fraction of the n-grams of `n` tokens in another text that do not occur in this one: 0
    /// to 1, and NaN if it has fewer than `n` tokens.
    ///
    /// # Panics
    /// If n is 0 or greater than the order.
    #[track_caller]
    pub fn unseen(&self, tokens: &[usize], n: usize) -> f64 {
        self.level(n);
        let unseen = tokens.windows(n).filter(|ngram| self.node(ngram).is_none()).count();
        unseen as f64 / tokens.windows(n).len() as f64
    }

    /// The node of an n-gram, if it occurs in the text; 0 for an empty one.
    pub(super) fn node(&self, ngram: &[usize]) -> Option<usize> {
        let node =
            |node, (token, level): (&usize, &Level)| level.nodes.get(&(node, u32::try_from(*token).ok()?)).copied();
        ngram.iter().zip(&self.levels).try_fold(0, node).map(|node| node as usize)
    }

    #[track_caller]
    fn level(&self, n: usize) -> &Level {
        let order = self.order();
        ensure!((1..=order).contains(&n), "n-grams of 1 to {order} tokens were counted, none of {n}");
        &self.levels[n - 1]
    }
}

impl Level {
    /// Counts an n-gram once more, and returns its node.
    fn add(&mut self, context: u32, token: u32, suffix: u32) -> u32 {
        let new = self.counts.len() as u32;
        let node = *self.nodes.entry((context, token)).or_insert(new);
        if node == new {
            self.counts.push(0);
            self.suffixes.push(suffix);
        }
        self.counts[node as usize] += 1;
        let context = context as usize;
        if self.followers.len() <= context {
            self.followers.resize(context + 1, 0);
        }
        self.followers[context] += 1;
        node
    }
}
