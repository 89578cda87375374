//! From scores to a token.

use super::*;
use unspool::text::Sampler;
use unspool::{Tensor, rng};

fn scores() -> impl Strategy<Value = Vec<f64>> {
    // Whole numbers, so that some are equal.
    prop_oneof![prop::collection::vec(-9.0..9.0, 1..12), prop::collection::vec((-3..3).prop_map(f64::from), 1..12)]
}

fn tensor(scores: &[f64]) -> Tensor<f64> {
    Tensor::from_vec(scores.to_vec(), [scores.len()])
}

fn kept(probabilities: &[f64]) -> Vec<usize> {
    (0..probabilities.len()).filter(|&i| probabilities[i] > 0.0).collect()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn probabilities_sum_to_one(scores in scores(), temperature in 0.0..3.0, k in 1..14usize, p in 0.01..=1.0) {
        let sampler = Sampler::default().temperature(temperature).top_k(k).top_p(p);
        let probabilities = sampler.probabilities(&tensor(&scores));
        prop_assert_eq!(probabilities.len(), scores.len());
        prop_assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
        prop_assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_temperature_divides_the_scores(scores in scores(), temperature in 0.1..3.0) {
        let weights: Vec<f64> = scores.iter().map(|score| f64::exp(score / temperature)).collect();
        let sum: f64 = weights.iter().sum();
        let probabilities = Sampler::default().temperature(temperature).probabilities(&tensor(&scores));
        for (p, weight) in probabilities.into_iter().zip(weights) {
            prop_assert!((p - weight / sum).abs() < 1e-12);
        }
    }

    #[test]
    fn top_k_keeps_the_k_most_probable(scores in scores(), k in 1..14usize) {
        let all = Sampler::default().probabilities(&tensor(&scores));
        let some = Sampler::default().top_k(k).probabilities(&tensor(&scores));
        let kept = kept(&some);
        prop_assert_eq!(kept.len(), k.min(scores.len()));
        let least = kept.iter().map(|&i| scores[i]).fold(f64::INFINITY, f64::min);
        prop_assert!((0..scores.len()).all(|i| kept.contains(&i) || scores[i] <= least));
        // Those that stay keep their proportions.
        let sum: f64 = kept.iter().map(|&i| all[i]).sum();
        prop_assert!(kept.iter().all(|&i| (some[i] - all[i] / sum).abs() < 1e-12));
    }

    #[test]
    fn top_p_keeps_the_fewest_that_reach_p(scores in scores(), p in 0.01..0.99) {
        let all = Sampler::default().probabilities(&tensor(&scores));
        let kept = kept(&Sampler::default().top_p(p).probabilities(&tensor(&scores)));
        let mut sorted = all.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let fewest = (1..=sorted.len()).find(|&n| sorted[..n].iter().sum::<f64>() >= p - 1e-12).unwrap();
        prop_assert_eq!(kept.len(), fewest);
        let least = kept.iter().map(|&i| all[i]).fold(f64::INFINITY, f64::min);
        prop_assert!((0..all.len()).all(|i| kept.contains(&i) || all[i] <= least));
    }

    #[test]
    fn a_low_temperature_is_greedy(scores in scores(), seed in 0..100u64) {
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = scores.iter().position(|&score| score == highest).unwrap();
        prop_assert_eq!(Sampler::greedy().sample(&tensor(&scores), &mut rng(seed)), first);
        let drawn = Sampler::default().temperature(1e-300).sample(&tensor(&scores), &mut rng(seed));
        prop_assert_eq!(scores[drawn], highest);
    }
}

#[test]
fn tokens_are_drawn_as_often_as_they_are_probable() {
    let scores = tensor(&[2.0, f64::NEG_INFINITY, 0.0, 1.0]);
    for sampler in [Sampler::default(), Sampler::default().temperature(0.7).top_k(2)] {
        let (probabilities, rng) = (sampler.probabilities(&scores), &mut rng(1));
        let mut counts = [0; 4];
        (0..20_000).for_each(|_| counts[sampler.sample(&scores, rng)] += 1);
        for (count, p) in counts.into_iter().zip(probabilities) {
            assert!((f64::from(count) / 20_000.0 - p).abs() < 0.015, "{count} {p}");
            assert!(p > 0.0 || count == 0);
        }
    }
}
