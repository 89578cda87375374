//! N-gram counts and what is made of them.

use super::*;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};

const CLASSES: usize = 5;

/// Texts in which tokens follow each other in uneven ways, and contexts that may be none of theirs: token 4 stands only
/// in the latter.
fn text() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![4 => Just(0usize), 2 => Just(1), 1 => Just(2), 1 => Just(3)], 0..200)
}

fn context() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..CLASSES, 0..7)
}

fn smoothing() -> impl Strategy<Value = Smoothing> {
    prop_oneof![Just(Smoothing::KneserNey), (0.001..3.0).prop_map(Smoothing::AddK)]
}

/// How often `ngram` occurs in `text`.
fn naive(text: &[usize], ngram: &[usize]) -> usize {
    (0..text.len()).filter(|&i| text[i..].starts_with(ngram)).count()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn counts_are_those_of_looking_everywhere(text in text(), other in context(), order in 1..7usize) {
        let counts = NgramCounts::new(&text, order, CLASSES);
        prop_assert_eq!(counts.count(&[]), text.len());
        for n in 1..=order {
            let mut ngrams: Vec<&[usize]> = text.windows(n).collect();
            let share = |ngrams: &[&[usize]]| {
                let unseen = other.windows(n).filter(|ngram| !ngrams.contains(ngram)).count();
                unseen as f64 / (other.len() + 1).saturating_sub(n) as f64
            };
            let (ours, naively) = (counts.unseen(&other, n), share(&ngrams));
            prop_assert!(ours == naively || (ours.is_nan() && naively.is_nan()), "{} {}", ours, naively);
            for ngram in ngrams.iter().copied().chain(other.windows(n)) {
                prop_assert_eq!(counts.count(ngram), naive(&text, ngram));
            }
            ngrams.sort();
            ngrams.dedup();
            prop_assert_eq!(counts.distinct(n), ngrams.len());
            prop_assert_eq!(counts.once(n), ngrams.iter().filter(|ngram| naive(&text, ngram) == 1).count());
        }
    }

    #[test]
    fn smoothed_models_sum_to_one(text in text(), context in context(), order in 1..7usize, smoothing in smoothing()) {
        let counts = NgramCounts::new(&text, 6, CLASSES);
        let next = NgramModel::new(&counts, order, smoothing).next(&context);
        prop_assert!(next.iter().all(|&p| p > 0.0 && p <= 1.0), "{:?}", next);
        let sum: f64 = next.iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12, "{}", sum);
    }

    #[test]
    fn maximum_likelihood_sums_to_one_where_it_knows_something(text in text(), context in context(), order in 1..7usize) {
        let counts = NgramCounts::new(&text, 6, CLASSES);
        let sum: f64 = NgramModel::new(&counts, order, Smoothing::MaximumLikelihood).next(&context).iter().sum();
        let context = &context[context.len().saturating_sub(order - 1)..];
        // At the end of the text nothing follows.
        let followed = text.windows(context.len() + 1).any(|ngram| ngram.starts_with(context));
        prop_assert!((sum - f64::from(u8::from(followed))).abs() < 1e-12, "{} {}", sum, followed);
    }

    #[test]
    fn longer_contexts_fit_the_counted_text_better(text in text()) {
        prop_assume!(!text.is_empty());
        let counts = NgramCounts::new(&text, 6, CLASSES);
        let nats: Vec<f64> = (1..=6)
            .map(|n| NgramModel::new(&counts, n, Smoothing::MaximumLikelihood).cross_entropy(&text))
            .collect();
        prop_assert!(nats.windows(2).all(|n| n[1] <= n[0] + 1e-12), "{:?}", nats);
    }

    #[test]
    fn a_model_of_less_order_than_the_counts_is_that_of_its_own(text in text(), context in context(), order in 1..7usize) {
        let (all, own) = (NgramCounts::new(&text, 6, CLASSES), NgramCounts::new(&text, order, CLASSES));
        for smoothing in [Smoothing::KneserNey, Smoothing::AddK(0.1), Smoothing::StupidBackoff(0.4)] {
            let next = |counts| NgramModel::new(counts, order, smoothing).next(&context);
            prop_assert_eq!(next(&all), next(&own));
        }
    }

    #[test]
    fn kneser_ney_is_its_formula(text in text(), context in context(), order in 1..5usize) {
        let counts = NgramCounts::new(&text, order, CLASSES);
        let next = NgramModel::new(&counts, order, Smoothing::KneserNey).next(&context);
        let context = &context[context.len().saturating_sub(order - 1)..];
        for (token, p) in next.into_iter().enumerate() {
            let expected = formula(&text, order, context, token);
            prop_assert!((p - expected).abs() < 1e-12, "{} {}", p, expected);
        }
    }
}

/// Interpolated modified Kneser-Ney as Chen and Goodman write it down, looking everywhere each time.
fn formula(text: &[usize], order: usize, context: &[usize], token: usize) -> f64 {
    let n = context.len() + 1;
    // c, or the number of different tokens before it.
    let count = |ngram: &[usize]| match n == order {
        true => naive(text, ngram),
        false => (0..CLASSES).filter(|&before| naive(text, &[&[before], ngram].concat()) > 0).count(),
    };
    let mut kinds: Vec<&[usize]> = text.windows(n).collect();
    kinds.sort();
    kinds.dedup();
    let all: Vec<usize> = kinds.into_iter().map(count).collect();
    let of = |i: usize| all.iter().filter(|&&c| c == i).count() as f64;
    let y = of(1) / (of(1) + 2.0 * of(2));
    let mut discounts = [1, 2, 3].map(|i| i as f64 - (i + 1) as f64 * y * of(i + 1) / of(i));
    if !(0..3).all(|i| discounts[i] > 0.0 && discounts[i] <= (i + 1) as f64) {
        discounts = [0.5, 1.0, 1.5];
    }
    let discount = |c: usize| if c == 0 { 0.0 } else { discounts[c.min(3) - 1] };
    let lower = match context {
        [] => 1.0 / CLASSES as f64,
        [_, shorter @ ..] => formula(text, order, shorter, token),
    };
    let following: Vec<usize> = (0..CLASSES).map(|next| count(&[context, &[next]].concat())).collect();
    let total = following.iter().sum::<usize>() as f64;
    if total == 0.0 {
        return lower;
    }
    let taken: f64 = following.iter().map(|&c| discount(c)).sum();
    (following[token] as f64 - discount(following[token]) + taken * lower) / total
}

#[test]
fn stupid_back_off_takes_the_longest_context_that_was_seen() {
    let counts = NgramCounts::new(&[0, 1, 2, 0, 1, 3, 1], 3, CLASSES);
    let score = |context: &[usize], token| {
        NgramModel::new(&counts, 3, Smoothing::StupidBackoff(0.4)).probability(context, token)
    };
    assert_eq!(score(&[0, 1], 2), 0.5);
    assert_eq!(score(&[3, 1], 2), 0.4 * 0.5); // after 3 1 nothing was seen; after 1: 2 and 3
    assert_eq!(score(&[0, 1], 0), 0.4 * 0.4 * 2.0 / 7.0);
    assert_eq!(score(&[0, 1], 4), 0.0);
}
