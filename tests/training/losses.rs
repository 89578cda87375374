//! Losses at the ends of their ranges: errors near 0, infinite scores, impossible labels.

use unspool::CrossEntropy;
use unspool::losses::{Ctc, bce_with_logits, cross_entropy, ctc, huber, kl_div, mae, nll, weighted_bce_with_logits};
use unspool::prelude::*;
use unspool_tests::assert_close;

const INF: f64 = f64::INFINITY;

fn tensor<T: Scalar>(values: &[f64]) -> Tensor<T> {
    Tensor::from_vec(values.iter().map(|&x| T::from_f64(x)).collect(), [1, values.len()])
}

/// The loss of scores for a target, and its gradient by the scores.
fn at<T: Scalar>(
    scores: &[f64],
    target: &[f64],
    loss: impl for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
) -> (f64, Vec<f64>) {
    let mut tape = Tape::new();
    tape.set_flush_denormal(false);
    let scores = tape.variable(&tensor::<T>(scores));
    let loss = loss(scores, tape.constant(&tensor(target)));
    let gradient = loss.backward().wrt(scores).to_vec().into_iter().map(T::to_f64).collect();
    (loss.item().to_f64(), gradient)
}

/// PyTorch's `F.huber_loss(torch.tensor([error]), torch.tensor([0.]), delta=delta)`: the gradient is the error itself.
#[test]
fn the_gradient_of_huber_is_the_error_down_to_the_smallest() {
    for delta in [1e-2, 1.0, 1e4, INF] {
        for error in [0.0, f32::MIN_POSITIVE as f64, 1e-30, 1e-9, 1e-6, 1e-2] {
            let error = error as f32 as f64;
            let expected = if error <= delta { error } else { delta };
            for sign in [1.0, -1.0] {
                let (_, gradient) = at::<f32>(&[sign * error], &[0.0], huber(delta));
                assert!((gradient[0] - sign * expected).abs() <= 1e-7 * expected, "{delta} {error}: {gradient:?}");
                let (loss, gradient) = at::<f64>(&[sign * error], &[0.0], huber(delta));
                assert!((gradient[0] - sign * expected).abs() <= 1e-15 * expected, "{delta} {error}: {gradient:?}");
                let half_square = 0.5 * error * error;
                assert!(error > delta || (loss - half_square).abs() <= 1e-15 * half_square, "{delta} {error}: {loss}");
            }
        }
    }
    assert_eq!(at::<f64>(&[3.0, -1.0], &[0.0, 1.0], huber(INF)), (0.5 * (9.0 + 4.0) / 2.0, vec![1.5, -1.0]));
    assert_eq!(at::<f32>(&[INF], &[0.0], huber(1.0)), (INF, vec![1.0]));
    assert!(at::<f32>(&[f64::NAN], &[0.0], huber(1.0)).0.is_nan());
}

#[test]
fn a_class_that_cannot_be_and_is_not_costs_nothing() {
    let ln2 = 2f64.ln();
    // Of two classes that are left, the second is right.
    let expected = (ln2, vec![0.5, -0.5, 0.0]);
    let (scores, target) = ([0.0, 0.0, -INF], [0.0, 1.0, 0.0]);
    let close = |(loss, gradient): (f64, Vec<f64>)| {
        assert!((loss - expected.0).abs() < 1e-15, "{loss}");
        assert_eq!(gradient, expected.1);
    };
    close(at::<f64>(&scores, &target, cross_entropy));
    close(at::<f64>(&scores, &target, |o, t| kl_div(o.log_softmax(1), t)));
    close(at::<f64>(&scores, &target, |o, _| nll(o.log_softmax(1), [1])));
    close(at::<f64>(&scores, &target, |o, _| CrossEntropy::default().classes(o, [1])));
    // PyTorch has NaN for a weight of 0 there, too.
    let weights = CrossEntropy::default().weights(&Tensor::from_slice(&[1.0, 1.0, 0.0], [3]));
    close(at::<f64>(&scores, &target, |o, t| weights.probabilities(o, t)));
    close(at::<f64>(&scores, &target, |o, _| weights.classes(o, [1])));
    let smoothed = weights.clone().label_smoothing(0.5);
    // Half of the weight is the right class's, a sixth each of the two that count.
    let (loss, gradient) = at::<f64>(&scores, &target, |o, _| smoothed.classes(o, [1]));
    assert!((loss - ln2 * 5.0 / 6.0).abs() < 1e-15, "{loss}");
    assert_close("gradient", &tensor::<f64>(&gradient), &tensor(&[0.25, -0.25, 0.0]), 1e-15);
    // What cannot be, but is, costs infinitely much.
    assert_eq!(at::<f64>(&scores, &[0.0, 0.0, 1.0], cross_entropy).0, INF);
    assert_eq!(at::<f64>(&scores, &[0.0, 0.0, 1.0], |o, t| kl_div(o.log_softmax(1), t)).0, INF);
}

#[test]
fn a_certain_score_on_the_right_side_costs_nothing() {
    for loss in [0, 1] {
        let cost = |scores: &[f64], target: &[f64]| match loss {
            0 => at::<f64>(scores, target, bce_with_logits),
            _ => at::<f64>(scores, target, weighted_bce_with_logits(&Tensor::ones([2]))),
        };
        assert_eq!(cost(&[INF, -INF], &[1.0, 0.0]), (0.0, vec![0.0, 0.0]));
        assert_eq!(cost(&[INF, 0.0], &[0.0, 1.0]).0, INF);
    }
    assert_eq!(at::<f64>(&[2.0, -3.0], &[2.0, 1.0], mae), (2.0, vec![0.0, -0.5]));
}

#[test]
fn what_stands_in_an_ignored_row_is_not_read() {
    for padding in [f64::NAN, INF, -INF] {
        let tape = Tape::new();
        let scores = tape.variable(&Tensor::from_vec(vec![0.0, 0.0, padding, padding], [2, 2]));
        let loss = CrossEntropy::default().ignore(7).label_smoothing(0.1).classes(scores, [1, 7]);
        assert!((loss.item() - 2f64.ln()).abs() < 1e-15);
        assert_eq!(loss.backward().wrt(scores).to_vec()[2..], [0.0, 0.0], "{padding}");
    }
}

/// The probability that steps spell the target, and its logarithm's gradient by the logarithms of the probabilities:
/// summed over all paths.
fn by_paths(probabilities: &[[f64; 3]], target: &[usize]) -> (f64, Vec<f64>) {
    let time = probabilities.len();
    let (mut total, mut through) = (0.0, vec![0.0; 3 * time]);
    for n in 0..3usize.pow(time as u32) {
        let path: Vec<usize> = (0..time).map(|t| n / 3usize.pow(t as u32) % 3).collect();
        let mut spelt = path.clone();
        spelt.dedup();
        spelt.retain(|&class| class != 0);
        if spelt == target {
            let probability: f64 = path.iter().enumerate().map(|(t, &class)| probabilities[t][class]).product();
            total += probability;
            path.iter().enumerate().for_each(|(t, &class)| through[3 * t + class] += probability);
        }
    }
    (total, through.into_iter().map(|through| through / total).collect())
}

#[test]
fn ctc_goes_no_impossible_way() {
    let cases: [(&[[f64; 3]], &[usize]); 4] = [
        (&[[0.0, 1.0, 0.0], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]], &[1, 2]),
        (&[[0.2, 0.3, 0.5], [0.0, 1.0, 0.0], [0.1, 0.0, 0.9], [1.0, 0.0, 0.0]], &[1, 2]),
        (&[[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.9, 0.0], [0.3, 0.3, 0.4]], &[1, 1]),
        (&[[0.5, 0.5, 0.0]; 3], &[]),
    ];
    for (probabilities, target) in cases {
        let tape = Tape::new();
        let log_probs = probabilities.concat().into_iter().map(f64::ln).collect();
        let log_probs = tape.variable(&Tensor::<f64>::from_vec(log_probs, [probabilities.len(), 1, 3]));
        let loss = ctc(log_probs, &[target], &[probabilities.len()], 0);
        let (total, through) = by_paths(probabilities, target);
        let share = 1.0 / target.len().max(1) as f64;
        assert!((loss.item() + share * total.ln()).abs() < 1e-14, "{target:?}: {}", loss.item());
        let expected = through.into_iter().map(|through| -share * through).collect();
        let gradient = loss.backward().wrt(log_probs);
        assert_close("gradient", &gradient, &Tensor::from_vec(expected, [probabilities.len(), 1, 3]), 1e-14);
    }
}

/// Labels masked at some steps before the softmax; by the scores, the gradient is what is expected less what is seen.
#[test]
fn ctc_of_masked_scores_goes_no_masked_way() {
    let mut scores = unspool_tests::values([4, 1, 3], 3).to_vec();
    [1, 5, 10].into_iter().for_each(|masked| scores[masked] = -INF);
    let probability =
        |t: usize, k: usize| scores[3 * t + k].exp() / scores[3 * t..3 * t + 3].iter().map(|s| s.exp()).sum::<f64>();
    let probabilities: [[f64; 3]; 4] = std::array::from_fn(|t| std::array::from_fn(|k| probability(t, k)));
    let tape = Tape::new();
    let scores = tape.variable(&Tensor::from_vec(scores.clone(), [4, 1, 3]));
    let loss = ctc(scores.log_softmax(2), &[&[1, 2]], &[4], 0);
    let (total, through) = by_paths(&probabilities, &[1, 2]);
    assert!((loss.item() + 0.5 * total.ln()).abs() < 1e-14);
    let expected = probabilities.concat().iter().zip(through).map(|(p, through)| 0.5 * (p - through)).collect();
    assert_close("gradient", &loss.backward().wrt(scores), &Tensor::from_vec(expected, [4, 1, 3]), 1e-14);
}

/// PyTorch's `F.ctc_loss(.., zero_infinity=True)`.
#[test]
fn targets_that_nothing_can_spell_are_left_out_on_request() {
    let scores = unspool_tests::values([3, 3, 3], 1);
    let tape = Tape::new();
    let scores = tape.variable(&scores);
    let mask: Vec<f64> = (0..27).map(|i| if i / 3 % 3 == 1 && i % 3 == 1 { 1.0 } else { 0.0 }).collect();
    let log_probs = scores.masked_fill(tape.constant(&Tensor::from_vec(mask, [3, 3, 3])), -INF).log_softmax(2);
    // The first can be spelt, the second needs a class of probability 0, the third is too short.
    let targets = [&[2, 1][..], &[1], &[2, 2]];
    let loss = Ctc::new(0).zero_infinity().loss(log_probs, &targets, &[3, 3, 2]);
    let gradient = loss.backward().wrt(scores);
    let alone = ctc(log_probs.slice(1, 0..1), &targets[..1], &[3], 0) / 3.0;
    assert!((loss.item() - alone.item()).abs() < 1e-15);
    assert_close("gradient", &gradient, &alone.backward().wrt(scores), 1e-15);
    assert!(gradient.slice(1, 1..).to_vec().iter().all(|&g| g == 0.0));

    let infinite = ctc(log_probs.slice(1, ..2), &targets[..2], &[3, 3], 0);
    assert_eq!(infinite.item(), INF);
    assert!(infinite.backward().wrt(scores).to_vec().iter().all(|g| g.is_finite()));
}

#[test]
fn ctc_does_not_read_behind_the_end() {
    let of = |padding: f64| {
        let tape = Tape::new();
        let x = unspool_tests::values([4, 2, 3], 2);
        let x = Tensor::from_fn([4, 2, 3], |i| if i >= 12 && i / 3 % 2 == 1 { padding } else { x.to_vec()[i] });
        let log_probs = tape.variable(&x);
        let loss = ctc(log_probs, &[&[1, 2][..], &[2]], &[4, 2], 0);
        (loss.item(), loss.backward().wrt(log_probs).to_vec())
    };
    assert_eq!(of(f64::NAN), of(0.0));
    assert_eq!(of(INF), of(0.0));
}
