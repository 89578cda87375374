//! The binary tree in which the gradients of shards are added.
//!
//! A node is the range of the shards below it. Its left child has the largest power of two of them that is smaller
//! than all: so the sums of any few neighbors, which one rank computes, are few nodes.

use std::iter::Peekable;
use std::ops::Range;

/// The nodes that together make up the shards `own` of `n`: as few as possible.
pub(crate) fn cover(n: usize, own: &Range<usize>) -> Vec<Range<usize>> {
    fn visit(node: Range<usize>, own: &Range<usize>, nodes: &mut Vec<Range<usize>>) {
        if own.start <= node.start && node.end <= own.end {
            nodes.push(node);
        } else if node.start < own.end && own.start < node.end {
            let [left, right] = children(&node);
            visit(left, own, nodes);
            visit(right, own, nodes);
        }
    }
    let mut nodes = Vec::new();
    if !own.is_empty() {
        visit(0..n, own, &mut nodes);
    }
    nodes
}

/// The sum of a node, from the sums of nodes below it, which are in order.
pub(crate) fn sum<X, I: Iterator<Item = (Range<usize>, X)>>(
    node: &Range<usize>,
    below: &mut Peekable<I>,
    add: &mut impl FnMut(X, X) -> X,
) -> X {
    if let Some((_, sum)) = below.next_if(|(of, _)| of == node) {
        return sum;
    }
    let [left, right] = children(node).map(|child| sum(&child, below, add));
    add(left, right)
}

/// The children of a node of at least two shards.
pub(crate) fn children(node: &Range<usize>) -> [Range<usize>; 2] {
    let left = node.len().div_ceil(2).next_power_of_two();
    let middle = node.start + left;
    [node.start..middle, middle..node.end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of additions as a text.
    fn order(n: usize) -> String {
        let leaves = (0..n).map(|i| (i..i + 1, i.to_string()));
        sum(&(0..n), &mut leaves.peekable(), &mut |a, b| format!("({a}+{b})"))
    }

    #[test]
    fn neighbors_are_added_first() {
        assert_eq!(order(1), "0");
        assert_eq!(order(4), "((0+1)+(2+3))");
        assert_eq!(order(6), "(((0+1)+(2+3))+(4+5))");
        assert_eq!(order(7), "(((0+1)+(2+3))+((4+5)+6))");
    }

    #[test]
    fn however_the_shards_are_cut_the_order_is_the_same() {
        for n in 1..40 {
            for ranks in 1..=n + 2 {
                let own = |rank: usize| n * rank / ranks..n * (rank + 1) / ranks;
                let sums = (0..ranks).flat_map(|rank| {
                    let mut leaves = own(rank).map(|i| (i..i + 1, i.to_string())).peekable();
                    let nodes = cover(n, &own(rank));
                    assert!(nodes.len() <= 2 * n.next_power_of_two().ilog2() as usize + 1);
                    nodes.into_iter().map(move |node| {
                        let of = sum(&node, &mut leaves, &mut |a, b| format!("({a}+{b})"));
                        (node, of)
                    })
                });
                let whole = sum(&(0..n), &mut sums.peekable(), &mut |a, b| format!("({a}+{b})"));
                assert_eq!(whole, order(n), "{ranks} ranks");
            }
        }
    }
}
