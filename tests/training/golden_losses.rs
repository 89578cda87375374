//! Losses against those of PyTorch, computed by `fixtures/generate.py` and `fixtures/sequence_ops.py`.

use serde_json::Value;
use unspool::CrossEntropy;
use unspool::losses::{
    bce_with_logits, cross_entropy, ctc, huber, kl_div, mae, nll, sparse_cross_entropy, weighted_bce_with_logits,
};
use unspool::prelude::*;
use unspool_tests::{assert_close, fixture, indices, integers, tensor};

const TOLERANCE: f64 = 1e-10;

/// The options of one case.
fn options(case: &Value) -> CrossEntropy<f64> {
    let loss = CrossEntropy::default().label_smoothing(case["smoothing"].as_f64().unwrap_or(0.0));
    let loss = case["ignore"].as_u64().into_iter().fold(loss, |loss, class| loss.ignore(class as usize));
    if case["weights"].is_null() { loss } else { loss.weights(&tensor(&case["weights"])) }
}

#[test]
fn losses_agree_with_pytorch() {
    let cases = [fixture("losses_torch.json"), fixture("class_losses_torch.json")];
    let cases: Vec<&Value> = cases.iter().flat_map(|cases| cases.as_array().unwrap()).collect();
    assert_eq!(cases.len(), 6 + 13);
    for case in cases {
        let name = case["loss"].as_str().unwrap();
        let tape = Tape::new();
        let output = tape.variable(&tensor(&case["output"]));
        let target = || tape.constant(&tensor(&case["target"]));
        let loss = match name {
            "mse" => mse(output, target()),
            "mae" => mae(output, target()),
            "huber" => huber(case["delta"].as_f64().unwrap())(output, target()),
            "bce_with_logits" => bce_with_logits(output, target()),
            "weighted_bce_with_logits" => weighted_bce_with_logits(&tensor(&case["pos_weight"]))(output, target()),
            "cross_entropy" if case["classes"].is_null() => cross_entropy(output, target()),
            "cross_entropy" => options(case).classes(output, indices(&case["classes"])),
            "probabilities" => options(case).probabilities(output, target()),
            "nll" => nll(output, indices(&case["classes"])),
            "kl_div" => kl_div(output, target()),
            "ctc" => {
                let targets: Vec<Vec<usize>> = case["targets"].as_array().unwrap().iter().map(integers).collect();
                let blank = case["blank"].as_u64().unwrap() as usize;
                ctc(output.log_softmax(2), &targets, &integers(&case["lengths"]), blank)
            }
            other => panic!("the fixture has a loss {other} that this test does not know"),
        };
        if name == "cross_entropy" && case["smoothing"] == 0.0 && case["ignore"].is_null() && case["weights"].is_null()
        {
            assert_eq!(sparse_cross_entropy(output, indices(&case["classes"])).item(), loss.item());
        }
        assert_close(name, &loss.value(), &Tensor::scalar(case["value"].as_f64().unwrap()), TOLERANCE);
        assert_close(&format!("gradient of {name}"), &loss.backward().wrt(output), &tensor(&case["grad"]), TOLERANCE);
    }
}

/// The probability that a path of classes spells a target.
fn spells(path: &[usize], target: &[usize], blank: usize) -> bool {
    let mut merged = path.to_vec();
    merged.dedup();
    merged.retain(|&class| class != blank);
    merged == target
}

#[test]
fn ctc_is_the_sum_over_all_paths() {
    let (time, classes, blank) = (5, 3, 1);
    for target in [&[][..], &[0], &[2, 2], &[0, 2, 0], &[0, 0, 2]] {
        let scores = unspool_tests::values([time, 1, classes], 5);
        let tape = Tape::new();
        let log_probs = tape.variable(&scores).log_softmax(2);
        let loss = ctc(log_probs, &[target], &[time], blank).item();
        let total: f64 = (0..classes.pow(time as u32))
            .map(|n| (0..time).map(|t| n / classes.pow(t as u32) % classes).collect::<Vec<_>>())
            .filter(|path| spells(path, target, blank))
            .map(|path| {
                path.iter().enumerate().map(|(t, &class)| log_probs.value().at([t, 0, class])).sum::<f64>().exp()
            })
            .sum();
        let expected = -total.ln() / target.len().max(1) as f64;
        assert!((loss - expected).abs() < 1e-12, "{target:?}: {loss}, {expected}");
    }
}

#[test]
fn losses_and_probabilities_stay_finite_and_right_at_large_scores() {
    let tape = Tape::new();
    let scores = tape.variable(&Tensor::<f32>::from_vec(vec![1e4, -1e4, 0.0, -1e4, -1e4, 1e4], [2, 3]));
    let close = |got: Var<f32>, expected: &[f32]| {
        for (g, e) in got.value().to_vec().into_iter().zip(expected) {
            assert!((g - e).abs() <= 1e-6 * e.abs(), "{g} is not {e}");
        }
        let gradient = got.sum().backward().wrt(scores);
        assert!(gradient.to_vec().iter().all(|g| g.is_finite()), "{gradient:?}");
    };
    close(scores.softmax(1), &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    close(scores.log_softmax(1), &[0.0, -2e4, -1e4, -2e4, -2e4, 0.0]);
    close(scores.logsumexp_axes(&[1]), &[1e4, 1e4]);
    close(scores.softplus(), &[1e4, 0.0, 2f32.ln(), 0.0, 0.0, 1e4]);
    close(scores.sigmoid(), &[1.0, 0.0, 0.5, 0.0, 0.0, 1.0]);
    let zeros = tape.constant(&Tensor::zeros([2, 3]));
    close(bce_with_logits(scores, zeros), &[(2e4 + 2f32.ln()) / 6.0]);
    close(CrossEntropy::default().classes(scores, [1, 2]), &[1e4]);
    let classes = tape.constant(&Tensor::one_hot([1, 2], 3));
    close(cross_entropy(scores, classes), &[1e4]);
}

#[test]
fn a_batch_of_nothing_but_padding_has_no_loss() {
    let tape = Tape::new();
    let scores = tape.variable(&Tensor::<f32>::zeros([2, 3]));
    assert!(CrossEntropy::default().ignore(9).classes(scores, [9, 9]).item().is_nan());
}
