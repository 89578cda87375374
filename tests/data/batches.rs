//! Batches: every example once.

use super::*;

/// The number of each example of a batch, whose targets are those numbers and whose inputs belong to them.
fn numbers(batch: &Dataset<Tensor<f64>>) -> Vec<usize> {
    let numbers = batch.y().to_vec();
    let inputs =
        Tensor::from_fn([3, numbers.len(), 1], |i| numbers[i % numbers.len()] + 1000.0 * (i / numbers.len()) as f64);
    assert_eq!(*batch.x(), inputs);
    numbers.into_iter().map(|x| x as usize).collect()
}

fn data(n: usize) -> Dataset<Tensor<f64>> {
    let x = Tensor::from_fn([3, n, 1], |i| (i % n.max(1) + 1000 * (i / n.max(1))) as f64);
    Dataset::new(x, Tensor::from_fn([n, 1], |i| i as f64)).unwrap()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn batches_hold_every_example_once(n in 0..60usize, batch in 1..20usize, seed: u64, drop_last: bool) {
        let data = data(n);
        let ordered = data.batches(batch);
        let shuffled = ordered.clone().shuffle(seed);
        for (batches, in_order) in [(ordered, true), (shuffled, false)] {
            let batches = if drop_last { batches.drop_last() } else { batches };
            let expected = if drop_last { n / batch } else { n.div_ceil(batch) };
            prop_assert_eq!(batches.len(), expected);
            let all: Vec<Vec<usize>> = batches.map(|batch| numbers(&batch)).collect();
            prop_assert_eq!(all.len(), expected);
            prop_assert!(all.iter().rev().skip(1).all(|numbers| numbers.len() == batch));
            let mut seen = all.concat();
            prop_assert_eq!(seen.len(), if drop_last { n / batch * batch } else { n });
            if in_order {
                prop_assert!(seen.is_sorted());
            }
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), if drop_last { n / batch * batch } else { n });
        }
    }
}

#[test]
fn the_seed_decides_the_order() {
    let data = data(50);
    let order = |seed| data.batches(7).shuffle(seed).flat_map(|batch| numbers(&batch)).collect::<Vec<_>>();
    assert_eq!(order(3), order(3));
    assert_ne!(order(3), order(4));
    assert!(!order(3).is_sorted());
    // What is dropped is the end of the shuffled order, in whatever order one asks.
    let dropped = |batches: unspool::data::Batches<'_, Tensor<f64>>| {
        batches.flat_map(|batch| numbers(&batch)).collect::<Vec<_>>()
    };
    assert_eq!(dropped(data.batches(7).shuffle(3).drop_last()), order(3)[..49]);
    assert_eq!(dropped(data.batches(7).drop_last().shuffle(3)), order(3)[..49]);
}
