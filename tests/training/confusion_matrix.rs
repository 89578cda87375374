//! Class indices as targets: metrics as scikit-learn and Keras compute them (`fixtures/metrics.py`), and the table.

use super::*;
use unspool::losses::sparse_cross_entropy;
use unspool::tensor::Indices;
use unspool::train::accuracy;
use unspool::train::metrics::{ConfusionMatrix, macro_f1, sparse_accuracy};
use unspool_tests::{fixture, indices, integers, sentences, tensor, zeros};

fn close(name: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-12, "{name}: {got} is not {expected}");
}

#[test]
fn class_indices_are_measured_as_by_scikit_learn() {
    let case = fixture("confusion_sklearn.json");
    let (scores, classes) = (tensor(&case["output"]), indices(&case["classes"]));
    let number = |name: &str| case[name].as_f64().unwrap();
    let confusion = ConfusionMatrix::new(&scores, &classes);
    for (actual, row) in case["counts"].as_array().unwrap().iter().enumerate() {
        let counts: Vec<usize> = (0..5).map(|predicted| confusion.count(actual, predicted)).collect();
        assert_eq!(counts, integers(row));
    }
    close("accuracy", confusion.accuracy(), number("sparse_accuracy"));
    close("macro_f1", confusion.macro_f1(), number("macro_f1"));
    let (recalls, expected) = (confusion.per_class_accuracy(), case["per_class_accuracy"].as_array().unwrap());
    assert_eq!((recalls.len(), expected.len()), (5, 4));
    recalls.iter().zip(expected).for_each(|(recall, expected)| close("recall", *recall, expected.as_f64().unwrap()));
    assert!(recalls[4].is_nan());

    // The metrics, of a vector and of sequences, and those of one-hot targets.
    let tape = Tape::new();
    let output = tape.constant(&scores);
    close("sparse_accuracy", sparse_accuracy(output, classes.clone()).item(), number("sparse_accuracy"));
    let sequences = (output.reshape([60, 5, 5]), classes.reshape([60, 5]));
    close("of sequences", sparse_accuracy(sequences.0, sequences.1).item(), number("sparse_accuracy"));
    let one_hot = tape.constant(&Tensor::one_hot(&classes, 5));
    close("accuracy", accuracy(output, one_hot).item(), confusion.accuracy());
    close("macro_f1", macro_f1(output, one_hot).item(), confusion.macro_f1());
}

/// Through `fit`, `evaluate` and a metric written as a closure, over padded sequences: padding does not count.
#[test]
fn classes_of_sequences_are_measured_without_their_padding() {
    let lengths: Vec<usize> = (0..300).map(|i| 1 + i % 4).collect();
    let x = Tensor::<f64>::from_fn([4, 300, 3], |i| ((i * 7919 % 101) as f64).sin());
    let classes = Indices::from_vec((0..1200).map(|i| i * 31 % 3).collect(), [4, 300]);
    let valid = |i: &usize| i / 300 < lengths[i % 300];
    let rows: Vec<usize> = (0..1200).filter(valid).collect();
    let flat = x.reshape([1200, 3]).index_select(0, &rows[..]);
    let expected = ConfusionMatrix::new(&flat, rows.iter().map(|&i| classes.as_slice()[i]).collect::<Vec<_>>());
    assert_eq!((0..9).map(|i| expected.count(i / 3, i % 3)).sum::<usize>(), rows.len());

    let data = Dataset::classes(x, classes).unwrap().with_lengths(lengths.clone()).unwrap();
    let mut model = Dense { weight: Tensor::one_hot([0, 1, 2], 3), bias: Tensor::zeros([3]) };
    close("evaluate", evaluate(&model, &data, sparse_accuracy), expected.accuracy());
    let history = fit(&mut model, &data)
        .loss(sparse_cross_entropy)
        .optimizer(Sgd::default().learning_rate(0.0))
        .metric("accuracy", sparse_accuracy)
        .metric("f1", |output, classes| {
            output.tape().constant(&Tensor::scalar(ConfusionMatrix::new(&output.value(), classes).macro_f1()))
        })
        .quiet()
        .run()
        .unwrap();
    close("accuracy", history.curve("accuracy").unwrap()[0], expected.accuracy());
    close("f1", history.curve("f1").unwrap()[0], expected.macro_f1());
}

#[test]
fn a_table_has_a_row_for_each_class() {
    let scores = Tensor::<f32>::one_hot([0, 1, 1, 2, 0, 0], 3);
    let confusion = ConfusionMatrix::new(&scores, [0, 1, 0, 2, 2, 2]);
    let table = "        predicted\nactual  0  1  2\n0       1  1  0\n1       0  1  0\n2       2  0  1";
    assert_eq!(confusion.to_string(), table);
    let large = ConfusionMatrix::new(&Tensor::<f32>::one_hot(vec![1; 1234], 2), vec![0; 1234]).labels(["é", "Polish"]);
    assert_eq!(large.to_string(), "        predicted\nactual  é  Polish\né       0    1234\nPolish  0       0");
}

#[test]
fn nothing_and_what_is_not_a_number_have_no_accuracy() {
    let empty = ConfusionMatrix::new(&zeros([0, 2]), Vec::<usize>::new());
    assert!(empty.accuracy().is_nan() && empty.macro_f1().is_nan());
    let tape = Tape::new();
    let scores = tape.constant(&Tensor::from_vec(vec![1.0, f32::NAN, 0.0, 1.0], [2, 2]));
    assert!(sparse_accuracy(scores, [0, 1].into()).item().is_nan());
    assert!(sparse_accuracy(tape.constant(&zeros([0, 2])), Vec::<usize>::new().into()).item().is_nan());
}

#[test]
fn classes_that_do_not_fit_are_refused() {
    let tape = Tape::new();
    let (scores, nan) = (zeros([4, 3]), Tensor::full(f32::NAN, [1, 3]));
    let output = tape.constant(&scores);
    let confusion = ConfusionMatrix::new(&scores, [0, 1, 2, 0]);
    sentences! {
        ConfusionMatrix::new(&scores, [0]) => "ConfusionMatrix: classes [1] do not fit scores [4, 3], they must be [4]";
        ConfusionMatrix::new(&scores, [0, 1, 2, 3]) => "ConfusionMatrix: class 3 is out of range for 3 classes";
        ConfusionMatrix::new(&zeros([]), [0]) => "ConfusionMatrix: scores of rank 0 have no class axis";
        ConfusionMatrix::new(&nan, [0]) => "ConfusionMatrix: a score is NaN";
        sparse_accuracy(output, [0].into()) => "sparse_accuracy: classes [1] do not fit scores [4, 3], they must be [4]";
        sparse_accuracy(output, [0, 3, 0, 0].into()) => "sparse_accuracy: class 3 is out of range for 3 classes";
        confusion.count(0, 3) => "count: class 3 is out of range for 3 classes";
        confusion.count(3, 0) => "count: class 3 is out of range for 3 classes";
        confusion.clone().labels(["a"]) => "labels: 1 labels for 3 classes: each needs one";
    }
}
