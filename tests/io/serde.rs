//! What is written and read in the formats of `serde`: here JSON, with files that are wrong.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use unspool::data::{Differences, MinMaxScaler, StandardScaler};
use unspool::tensor::Shape;
use unspool::text::ngram::Smoothing;
use unspool::text::{SpecialToken, Vocabulary};
use unspool::train::metrics::ConfusionMatrix;
use unspool::train::{History, StopReason};
use unspool::{Indices, Tensor};

/// Checks that this is written as this text, and that the text is read as the same.
#[track_caller]
fn is_written<X: Serialize + DeserializeOwned + Debug>(x: &X, text: &str) {
    assert_eq!(serde_json::to_string(x).unwrap(), text);
    assert_eq!(format!("{:?}", serde_json::from_str::<X>(text).unwrap()), format!("{x:?}"));
}

/// The sentence of reading a wrong text, without the line and column that JSON adds.
#[track_caller]
fn refused<X: DeserializeOwned>(text: &str) -> String {
    let message = serde_json::from_str::<X>(text).err().expect("refused").to_string();
    message.rsplit_once(" at line").map_or(message.clone(), |(sentence, _)| sentence.to_owned())
}

#[test]
fn tensors_are_a_shape_and_its_values() {
    is_written(&Tensor::<f32>::from([[0.1, 2.0], [3.0, 4.0]]).t(), r#"{"shape":[2,2],"values":[0.1,3.0,2.0,4.0]}"#);
    is_written(&Tensor::<f64>::scalar(0.1), r#"{"shape":[],"values":[0.1]}"#);
    is_written(&Tensor::<f32>::zeros([0, 3]), r#"{"shape":[0,3],"values":[]}"#);
    is_written(&Indices::from([[2, 0], [1, 1]]), r#"{"shape":[2,2],"values":[2,0,1,1]}"#);
    is_written(&Shape::from([50, 32, 20]), "[50,32,20]");

    let tensor = refused::<Tensor>;
    assert_eq!(tensor(r#"{"shape":[2,2],"values":[1,2,3]}"#), "3 values do not fill shape [2, 2], which has 4");
    assert_eq!(tensor(r#"{"shape":[2],"values":[1,2,3]}"#), "3 values do not fill shape [2], which has 2");
    let huge = 1_u64 << 40;
    for shape in [format!("[{huge},{huge}]"), format!("[0,{huge},{huge}]")] {
        let sentence = format!("shape {} is larger than the address space", shape.replace(',', ", "));
        assert_eq!(tensor(&format!(r#"{{"shape":{shape},"values":[]}}"#)), sentence);
    }
    let seven = r#"{"shape":[1,1,1,1,1,1,1],"values":[1]}"#;
    assert_eq!(tensor(seven), "a shape has 7 axes, expected at most 6");
    assert_eq!(tensor(r#"{"shape":[1]}"#), "missing field `values`");
    assert_eq!(tensor("3"), "invalid type: integer `3`, expected a shape and its values");
    // JSON has no NaN.
    assert_eq!(serde_json::to_string(&Tensor::from([f32::NAN])).unwrap(), r#"{"shape":[1],"values":[null]}"#);
    assert_eq!(tensor(r#"{"shape":[1],"values":[null]}"#), "invalid type: null, expected f32");
    assert_eq!(refused::<Indices>(r#"{"shape":[2],"values":[-1,2]}"#), "invalid value: integer `-1`, expected usize");
    assert_eq!(refused::<Indices>(r#"{"shape":[2],"values":[]}"#), "0 values do not fill shape [2], which has 2");
}

#[test]
fn histories_keep_nan() {
    let mut history = History::default();
    history.loss = vec![0.5, f64::NAN];
    history.metrics = vec![("f1".to_owned(), vec![f64::NAN, 1.0])];
    (history.best, history.seconds, history.stop_reason) = (Some(1), 1.5, StopReason::Interrupted);
    is_written(
        &history,
        r#"{"loss":[0.5,null],"val_loss":[],"learning_rate":[],"metrics":[["f1",[null,1.0]]],"tracked":[],"best":1,"seconds":1.5,"stop_reason":"Interrupted"}"#,
    );
    let mut full = History::default();
    (full.val_loss, full.learning_rate) = (vec![1.0], vec![2.0]);
    full.tracked = vec![("gradient_norm".to_owned(), vec![3.0])];
    let read: History = serde_json::from_str(&serde_json::to_string(&full).unwrap()).unwrap();
    assert_eq!(read, full);
}

#[test]
fn scalers_that_could_not_have_been_fitted_are_refused() {
    is_written(
        &StandardScaler { mean: vec![0.5, -1.0], std: vec![2.0, 1.0] },
        r#"{"mean":[0.5,-1.0],"std":[2.0,1.0]}"#,
    );
    is_written(&MinMaxScaler { min: vec![0.5], max: vec![0.5] }, r#"{"min":[0.5],"max":[0.5]}"#);
    is_written(&Differences::new([1, 12]), r#"{"lags":[1,12]}"#);
    let standard = refused::<StandardScaler>;
    assert_eq!(
        standard(r#"{"mean":[0.5,1],"std":[2]}"#),
        "a scaler has 2 numbers in mean and 1 in std, expected as many"
    );
    let number = "expected a positive number";
    assert_eq!(standard(r#"{"mean":[0,1],"std":[2,0]}"#), format!("the std of column 1 is 0, {number}"));
    assert_eq!(standard(r#"{"mean":[0],"std":[-2]}"#), format!("the std of column 0 is -2, {number}"));
    assert_eq!(
        refused::<MinMaxScaler>(r#"{"min":[0,3],"max":[2,1.5]}"#),
        "column 1 is from 3 to 1.5, expected a finite range"
    );
    assert_eq!(
        refused::<MinMaxScaler>(r#"{"min":[],"max":[2]}"#),
        "a scaler has 0 numbers in min and 1 in max, expected as many"
    );
    assert_eq!(refused::<Differences>(r#"{"lags":[1,0]}"#), "lags [1, 0], expected at least 1 each");
}

#[test]
fn vocabularies_are_their_tokens() {
    let vocabulary = Vocabulary::from_tokens(["<unk>", "a", "\u{e9}"].map(String::from)).unwrap();
    assert_eq!(serde_json::to_string(&vocabulary).unwrap(), vocabulary.to_json());
    let read: Vocabulary = serde_json::from_str(&vocabulary.to_json()).unwrap();
    assert_eq!(read.tokens(), vocabulary.tokens());
    assert_eq!(read.id("a"), Some(1));
    assert_eq!(refused::<Vocabulary>(r#"["a","b","a"]"#), "tokens 0 and 2 of the vocabulary are both \"a\"");
    assert_eq!(refused::<Vocabulary>("[]"), "a vocabulary needs at least one token");
    is_written(&[SpecialToken::Unk, SpecialToken::Eos], r#"["Unk","Eos"]"#);
    is_written(&[Smoothing::KneserNey, Smoothing::AddK(1.0)], r#"["KneserNey",{"AddK":1.0}]"#);
}

#[test]
fn confusion_matrices_are_square() {
    let scores = Tensor::<f32>::one_hot([0, 0, 1, 0], 2);
    let confusion = ConfusionMatrix::new(&scores, [0, 0, 1, 1]).labels(["cat", "dog"]);
    is_written(&confusion, r#"{"counts":[[2,0],[1,1]],"labels":["cat","dog"]}"#);
    let matrix = refused::<ConfusionMatrix>;
    assert_eq!(matrix(r#"{"counts":[[2,0],[1,1]],"labels":["cat"]}"#), "1 labels for 2 classes: each needs one");
    assert_eq!(
        matrix(r#"{"counts":[[2,0],[1]],"labels":["cat","dog"]}"#),
        "the row of class 1 has length 1, expected 2"
    );
    for most in [u64::MAX, 1 << 62] {
        let text = format!(r#"{{"counts":[[{most},0],[{most},1]],"labels":["cat","dog"]}}"#);
        assert_eq!(matrix(&text), "the counts are more than there can be rows");
    }
}
