//! What is said about files has an end, whatever they hold: the first ten names and how many more, of long ones the beginning.

use crate::folder;
use std::fs;
use std::path::Path;
use unspool::io::{Checkpoint, WeightFile, read_npy};
use unspool::prelude::*;
use unspool::text::Vocabulary;
use unspool::{load, save};
use unspool_tests::panic_of;

fn written(path: &Path, header: &str, data: usize) {
    fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()).unwrap();
}

fn layers(count: usize) -> Vec<Dense<Tensor>> {
    (0..count).map(|_| Dense::new(&mut rng(0), 1, 1)).collect()
}

#[test]
fn ten_names_are_listed_and_the_others_counted() {
    let path = folder("many names").join("file");
    let entry = |i: usize| format!(r#""n{i:06}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#);
    written(&path, &format!("{{{}}}", (0..800_000).map(entry).collect::<Vec<_>>().join(",")), 0);
    let error = load(&path, &mut layers(1)).unwrap_err().to_string();
    let ten = (0..10).map(|i| format!("\"n{i:06}\"")).collect::<Vec<_>>().join(", ");
    let sentence = format!("missing \"0.weight\", \"0.bias\"; unexpected {ten} and 799990 more");
    assert_eq!(error, format!("{} does not fit the model: {sentence}", path.display()));

    written(&path, "{}", 0);
    let error = load(&path, &mut layers(20)).unwrap_err().to_string();
    assert!(error.ends_with(", \"4.weight\", \"4.bias\" and 30 more"), "{error}");
    save(&path, &layers(20)).unwrap();
    let mut wide: Vec<Dense<Tensor>> = (0..20).map(|_| Dense::new(&mut rng(0), 2, 1)).collect();
    let error = load(&path, &mut wide).unwrap_err().to_string();
    assert!(error.ends_with("; \"9.weight\" has shape [1, 1], expected [2, 1] and 10 more"), "{error}");

    let mut memory = unspool::optim::StateDict::<f32>::new();
    memory.numbers.extend((0..50).map(|i| (format!("n{i:02}"), 0.0)));
    let error = memory.reader().finish().unwrap_err().to_string();
    assert!(error.ends_with("; n09 is unexpected and 40 more"), "{error}");

    let mut adam = Adam::default().group("nothing", |group| group.weight_decay(0.0));
    let (mut model, gradients) = (layers(20), layers(20));
    let (message, ..) = panic_of(|| adam.step(&mut model, &gradients));
    assert!(message.ends_with("the parameters are 0.weight, 0.bias, 1.weight, 1.bias, 2.weight, 2.bias, 3.weight, 3.bias, 4.weight, 4.bias and 30 more"), "{message}");
}

#[test]
fn long_names_and_shapes_are_shortened() {
    let path = folder("long names in files").join("file");
    let long = "n".repeat(100_000);
    let begins = |error: &str, start: &str| {
        let error = error.strip_prefix(&format!("{} ", path.display())).unwrap_or(error);
        assert!(
            error.starts_with(start) && error.len() < 500,
            "{} bytes: {}",
            error.len(),
            &error[..error.len().min(500)]
        );
    };
    let name = format!("\"{}\"..", "n".repeat(100));

    // Names.
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_tensor(&long, &Tensor::<f32>::ones([2]));
    checkpoint.save(&path).unwrap();
    let unexpected = format!("does not fit the model: missing \"0.weight\", \"0.bias\"; unexpected {name}");
    begins(&load(&path, &mut layers(1)).unwrap_err().to_string(), &unexpected);
    let file = WeightFile::open(&path).unwrap();
    begins(&file.tensor::<f64>(&long).unwrap_err().to_string(), &format!("holds {name} as f32, expected f64"));
    begins(&file.numbers::<1>(&long).unwrap_err().to_string(), &format!("holds {name} as f32, expected u64"));
    begins(&file.tensor::<f32>(&long[1..]).unwrap_err().to_string(), &format!("has nothing under the name {name}"));

    // Headers.
    let twice = format!(r#"{{"{long}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},"{long}":{{}}}}"#);
    let invalid = |header: &str, start: &str| {
        written(&path, header, 0);
        begins(&WeightFile::open(&path).unwrap_err().to_string(), &format!("is not a valid safetensors file: {start}"));
    };
    invalid(
        &twice.replace("{}}", r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#),
        &format!("in its header, the name {name} appears twice"),
    );
    invalid(
        &format!(r#"{{"a":{{"dtype":"{long}","shape":[0],"data_offsets":[0,0]}}}}"#),
        "in its header, unknown variant `nnn",
    );
    invalid(&format!(r#"{{"a":"{long}"}}"#), "in its header, invalid type: string \"nnn");
    invalid(
        &format!(r#"{{"{long}":{{"dtype":"U8","shape":[1],"data_offsets":[5,6]}}}}"#),
        "invalid offset for tensor `nnn",
    );

    // Shapes.
    let shape = format!("[0{}]", ", 1".repeat(99_999));
    written(&path, &format!(r#"{{"0.bias":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#), 0);
    let shown = "[0, 1, 1, 1, 1, 1, 1, 1, 1, 1 and 99990 more]";
    let misfit = format!("does not fit the model: missing \"0.weight\"; \"0.bias\" has shape {shown}, expected [1]");
    begins(&load(&path, &mut layers(1)).unwrap_err().to_string(), &misfit);
    let file = WeightFile::open(&path).unwrap();
    begins(
        &file.tensor::<f32>("0.bias").unwrap_err().to_string(),
        &format!("holds \"0.bias\" of shape {shown}, which is more"),
    );
    for text in
        ["x".repeat(60_000), format!("{{'descr': '{}', 'fortran_order': False, 'shape': (1,), }}", "x".repeat(60_000))]
    {
        fs::write(&path, [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat())
            .unwrap();
        begins(&read_npy::<f32>(&path).unwrap_err().to_string(), "is not an npy file of numbers: it");
    }

    // Vocabularies.
    let both = Vocabulary::from_tokens([long.clone(), long.clone()]).unwrap_err().to_string();
    begins(&both, &format!("tokens 0 and 1 of the vocabulary are both {name}"));
    begins(
        &Vocabulary::from_json(&format!(r#"{{"{long}":1}}"#)).unwrap_err().to_string(),
        "a vocabulary is a JSON array",
    );
    begins(
        &Vocabulary::from_json(&format!(r#"[1{}]"#, "0".repeat(400))).unwrap_err().to_string(),
        "a vocabulary is a JSON array",
    );
    let known = Vocabulary::from_tokens(["a".to_string()]).unwrap();
    begins(&known.encode([&long[..]]).unwrap_err().to_string(), &format!("{name} is not among the 1 tokens"));
}
