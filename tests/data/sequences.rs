//! Sequences of different lengths: padded, and together with their like.

use super::*;
use unspool::data::{buckets, pad};

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn padding_keeps_every_step_and_adds_zeros(
        lengths in prop::collection::vec(0..8usize, 1..6), features in 0..4usize, salt: u64,
    ) {
        let sequences: Vec<Tensor<f64>> =
            lengths.iter().zip(salt..=u64::MAX).map(|(&l, salt)| unspool_tests::values([l, features], salt)).collect();
        let padded = pad(&sequences).unwrap();
        let longest = *lengths.iter().max().unwrap();
        prop_assert_eq!(&padded.x.shape()[..], [longest, lengths.len(), features]);
        for (b, sequence) in sequences.iter().enumerate() {
            let column = padded.x.select(1, b);
            prop_assert_eq!(&column.slice(0, 0..lengths[b]), sequence);
            prop_assert!(column.slice(0, lengths[b]..longest).to_vec().iter().all(|x| *x == 0.0));
        }
        prop_assert_eq!(padded.lengths, lengths);
    }

    #[test]
    fn buckets_hold_every_sequence_once(
        lengths in prop::collection::vec(0..50usize, 0..300), batch in 1..20usize, seed: u64,
    ) {
        let batches = buckets(&lengths, batch, seed);
        prop_assert_eq!(batches.len(), lengths.len().div_ceil(batch));
        prop_assert!(batches.iter().filter(|places| places.len() != batch).count() <= 1);
        let mut places = batches.concat();
        places.sort();
        prop_assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
    }
}

/// The steps of a pass, padding included, over the steps that are none.
fn cost(lengths: &[usize], batches: &[Vec<usize>]) -> f64 {
    let padded: usize =
        batches.iter().map(|batch| batch.len() * batch.iter().map(|&i| lengths[i]).max().unwrap()).sum();
    padded as f64 / lengths.iter().sum::<usize>() as f64
}

#[test]
fn buckets_need_little_padding() {
    let uniform = unspool_tests::values([10_000], 1).to_vec();
    let lengths: Vec<usize> = uniform.iter().map(|x| (105.0 + 100.0 * x) as usize).collect();
    let batches = buckets(&lengths, 32, 0);
    let unsorted: Vec<Vec<usize>> = (0..10_000).collect::<Vec<_>>().chunks(32).map(<[usize]>::to_vec).collect();
    let (sorted, unsorted) = (cost(&lengths, &batches), cost(&lengths, &unsorted));
    assert!(sorted < 1.03 && unsorted > 1.3, "{sorted} {unsorted}");
    // Neither the short ones first nor the long ones.
    let firsts: Vec<usize> = batches.iter().map(|batch| lengths[batch[0]]).collect();
    let rises = firsts.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((100..200).contains(&rises), "{rises} of {}", firsts.len());
}

#[test]
fn the_seed_decides_who_meets_whom() {
    // 128 batches, so two pools, all of one length or of all lengths.
    for lengths in [vec![5; 512], (0..512).collect()] {
        let sorted = |seed| {
            let mut batches = buckets(&lengths, 4, seed);
            batches.iter_mut().for_each(|batch| batch.sort());
            batches.sort();
            batches
        };
        assert_eq!(buckets(&lengths, 4, 1), buckets(&lengths, 4, 1));
        assert_ne!(sorted(1), sorted(2));
    }
}

#[test]
fn what_cannot_be_padded_is_said_in_a_sentence() {
    let of = |shapes: &[&[usize]]| pad(&shapes.iter().map(|&shape| Tensor::<f32>::zeros(shape)).collect::<Vec<_>>());
    assert_eq!(sentence(of(&[])), "there is no sequence to pad: at least one is needed");
    assert_eq!(sentence(of(&[&[3]])), "sequence 0 is [3]: it must be [L, F], steps and features");
    assert_eq!(sentence(of(&[&[3, 2], &[3, 2, 1]])), "sequence 1 is [3, 2, 1]: it must be [L, F], steps and features");
    let other = "sequence 2 has 3 features, sequence 0 has 2: these must be the same";
    assert_eq!(sentence(of(&[&[3, 2], &[0, 2], &[4, 3]])), other);
}
