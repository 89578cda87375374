//! What is saved comes back; what does not fit is refused as a whole.

use crate::{files_in, folder};
use std::fs;
use unspool::io::{Checkpoint, FileError, WeightFile};
use unspool::prelude::*;
use unspool::recurrent::Stack;
use unspool::{Lstm, load, save};
use unspool_tests::{panic_of, values};

#[derive(Params, Clone)]
struct Net<P> {
    rnn: Stack<Recurrent<Lstm<P>>>,
    head: Option<Dense<P>>,
    scale: P,
}

fn net<T: Scalar>(seed: u64, hidden: usize) -> Net<Tensor<T>> {
    let rng = &mut rng(seed);
    Net {
        rnn: Stack::new([2, hidden].map(|inputs| Recurrent::new(Lstm::new(rng, inputs, hidden)))),
        head: Some(Dense::new(rng, hidden, 1)),
        scale: Tensor::from_vec(vec![T::from_f64(f64::NEG_INFINITY), T::NAN, T::from_f64(-0.0)], [3]),
    }
}

/// The bits of all weights.
fn bits<T: unspool::tensor::Real>(net: &Net<Tensor<T>>) -> Vec<u64> {
    net.leaves().iter().flat_map(|leaf| leaf.to_vec()).map(|x| x.to_f64().to_bits()).collect()
}

#[test]
fn every_bit_comes_back_in_both_types() -> Result<(), FileError> {
    fn check<T: unspool::tensor::Real>() -> Result<(), FileError> {
        let path = folder(&format!("bits {}", T::NAME)).join("net.safetensors");
        let saved = net::<T>(1, 5);
        save(&path, &saved)?;
        let mut loaded = net::<T>(2, 5);
        assert_ne!(bits(&loaded), bits(&saved));
        load(&path, &mut loaded)?;
        assert_eq!(bits(&loaded), bits(&saved));

        let file = WeightFile::open(&path)?;
        assert_eq!(file.text("unspool"), Some(env!("CARGO_PKG_VERSION")));
        let mut names = saved.names();
        names.sort();
        assert!(file.names().eq(&names));
        Ok(())
    }
    check::<f32>()?;
    check::<f64>()
}

#[test]
fn a_checkpoint_holds_models_tensors_numbers_and_texts() -> Result<(), FileError> {
    let path = folder("checkpoint").join("all.safetensors");
    let (model, mean) = (net::<f32>(1, 5), net::<f64>(2, 5));
    let mut weight = values([3, 4, 2], 7);
    let view = weight.permute(&[2, 0, 1]);
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("model", &model);
    checkpoint.put_model("optimizer.mean", &mean);
    checkpoint.put_tensor("view", &view);
    checkpoint.put_tensor("weight", &weight);
    checkpoint.put_tensor("loss", &Tensor::scalar(0.1f64));
    checkpoint.put_tensor("empty", &Tensor::<f32>::zeros([3, 0]));
    checkpoint.put_tensor("long", &values([40_000], 8)); // more than goes through the buffer at once
    checkpoint.put_numbers("seed", &[u64::MAX]);
    checkpoint.put_numbers("epoch and step", &[3, 1200]);
    let config = "{\"hidden\": 5, \"name\": \"\u{e9}\\n\"}\n";
    checkpoint.put_text("config", config);
    let before = weight.copy();
    weight.as_mut_slice().fill(0.0); // later changes stay out
    checkpoint.save(&path)?;

    let file = WeightFile::open(&path)?;
    let (mut loaded, mut loaded_mean) = (net::<f32>(3, 5), net::<f64>(3, 5));
    file.load("model", &mut loaded)?;
    file.load("optimizer.mean", &mut loaded_mean)?;
    assert_eq!((bits(&loaded), bits(&loaded_mean)), (bits(&model), bits(&mean)));
    assert_eq!(file.tensor::<f64>("view")?, view);
    assert_eq!(file.tensor::<f64>("weight")?, before);
    assert_eq!(file.tensor::<f64>("loss")?.item(), 0.1);
    assert_eq!(file.tensor::<f32>("empty")?.shape()[..], [3, 0]);
    assert_eq!(file.tensor::<f64>("long")?, values([40_000], 8));
    assert_eq!((file.numbers("seed")?, file.numbers("epoch and step")?), ([u64::MAX], [3, 1200]));
    assert_eq!((file.text("config"), file.text("no such text")), (Some(config), None));

    // The same contents, put in another order, are the same bytes.
    let bytes = |texts: [&str; 3]| {
        let mut checkpoint = Checkpoint::new();
        texts.iter().for_each(|name| checkpoint.put_text(name, *name));
        texts.iter().for_each(|name| checkpoint.put_numbers(name, &[1]));
        checkpoint.save(&path).unwrap();
        fs::read(&path).unwrap()
    };
    assert_eq!(bytes(["a", "b", "c"]), bytes(["c", "a", "b"]));
    assert_eq!(files_in(path.parent().unwrap()), ["all.safetensors"]);
    Ok(())
}

#[test]
fn tensors_are_aligned_as_the_format_asks() {
    let path = folder("aligned").join("three.safetensors");
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_tensor("a", &Tensor::<f32>::ones([3]));
    checkpoint.put_tensor("b", &Tensor::<f64>::ones([1]));
    checkpoint.put_numbers("c", &[1]);
    checkpoint.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    assert_eq!((header % 8, bytes.len() - header), (0, 8 + 8 + 8 + 12));
    let text = str::from_utf8(&bytes[8..8 + header]).unwrap().trim_end();
    let expected = r#"{"__metadata__":{"unspool":"VERSION"},"c":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"a":{"dtype":"F32","shape":[3],"data_offsets":[16,28]}}"#;
    assert_eq!(text, expected.replace("VERSION", env!("CARGO_PKG_VERSION")));
}

#[test]
fn all_misfits_are_listed_at_once_and_change_nothing() {
    let folder = folder("misfits");
    let path = folder.join("net.safetensors");
    let mut checkpoint = Checkpoint::new();
    let mut saved = net::<f32>(1, 5);
    saved.head = None;
    saved.rnn.layers.pop();
    checkpoint.put_model("", &saved);
    checkpoint.put_numbers("rnn.layers.1.cell.u", &[1, 2]);
    checkpoint.put_tensor("rnn.layers.1.cell.x.weight", &Tensor::<f64>::ones([5, 20]));
    checkpoint.put_tensor("rnn.layers.1.cell.x.bias", &Tensor::<f32>::ones([1, 20]));
    checkpoint.put_tensor("zeta", &Tensor::<f32>::ones([1]));
    checkpoint.put_tensor("line\nbreak", &Tensor::<f32>::ones([1]));
    checkpoint.save(&path).unwrap();

    let mut model = net::<f32>(2, 5);
    let before = bits(&model);
    let error = load(&path, &mut model).unwrap_err();
    let sentence = "does not fit the model: missing \"head.weight\", \"head.bias\"; unexpected \"line\\nbreak\", \"zeta\"; \
                    \"rnn.layers.1.cell.x.weight\" holds f64, expected f32; \
                    \"rnn.layers.1.cell.x.bias\" has shape [1, 20], expected [20]; \
                    \"rnn.layers.1.cell.u\" has shape [2], expected [5, 20]; \
                    \"rnn.layers.1.cell.u\" holds u64, expected f32";
    assert_eq!(error.to_string(), format!("{} {sentence}", path.display()));
    assert_eq!(bits(&model), before);

    // Under a prefix, only its own entries are read.
    let file = WeightFile::open(&path).unwrap();
    file.load("rnn.layers.0", &mut model.rnn.layers[0]).unwrap();
    assert_eq!(model.rnn.layers[0].cell.u, saved.rnn.layers[0].cell.u);
    let error = file.load("rnn.layers", &mut model.rnn.layers[1]).unwrap_err().to_string();
    assert!(error.contains("missing \"rnn.layers.cell.x.weight\""), "{error}");
    assert!(error.contains("unexpected \"rnn.layers.0.cell.u\"") && !error.contains("zeta"), "{error}");
}

#[test]
fn entries_are_refused_in_sentences() {
    let folder = folder("entries");
    let path = folder.join("a");
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_tensor("x", &Tensor::<f32>::ones([2, 2]));
    checkpoint.put_numbers("n", &[1, 2]);
    checkpoint.save(&path).unwrap();
    let file = WeightFile::open(&path).unwrap();
    let says =
        |error: FileError, sentence: &str| assert_eq!(error.to_string(), format!("{} {sentence}", path.display()));
    says(file.tensor::<f32>("y").unwrap_err(), "has nothing under the name \"y\"");
    says(file.tensor::<f64>("x").unwrap_err(), "holds \"x\" as f32, expected f64");
    says(file.tensor::<f64>("n").unwrap_err(), "holds \"n\" as u64, expected f64");
    says(file.numbers::<1>("x").unwrap_err(), "holds \"x\" as f32, expected u64");
    says(file.numbers::<1>("n").unwrap_err(), "holds \"n\" of shape [2], expected [1]");
}

#[test]
fn a_name_is_taken_once() {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_numbers("a.scale", &[1]);
    checkpoint.put_text("config", "{}");
    for (name, put) in [
        ("a.scale", Box::new(|c: &mut Checkpoint| c.put_model("a", &net::<f32>(0, 2))) as Box<dyn Fn(&mut Checkpoint)>),
        ("config", Box::new(|c| c.put_text("config", "{}"))),
        ("unspool", Box::new(|c| c.put_text("unspool", "0"))),
        ("__metadata__", Box::new(|c| c.put_numbers("__metadata__", &[]))),
    ] {
        let (message, file, _) = panic_of(|| put(&mut checkpoint));
        assert_eq!(message, format!("Checkpoint: the name {name:?} is taken"));
        assert!(file.ends_with("checkpoints.rs"), "{file}");
    }
}

#[test]
fn what_the_system_refuses_is_said_and_leaves_nothing_behind() {
    let folder = folder("system");
    let model = net::<f32>(1, 2);
    let path = folder.join("no such folder").join("net");
    let error = save(&path, &model).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot save {}: ", path.display())), "{error}");
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);

    // The path is a folder, which shows only after everything is written.
    fs::create_dir_all(folder.join("net/inside")).unwrap();
    let error = save(folder.join("net"), &model).unwrap_err();
    assert!(error.to_string().starts_with("cannot save "), "{error}");
    assert_eq!(files_in(&folder), ["net"]);

    for path in ["", "/", ".."] {
        let error = save(path, &model).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot save {path}: the path does not name a file"));
    }
    // More names and texts than a file may have.
    let path = folder.join("long");
    save(&path, &model).unwrap();
    let before = fs::read(&path).unwrap();
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_text("config", " ".repeat(100_000_000));
    let error = checkpoint.save(&path).unwrap_err().to_string();
    assert!(error.contains(": the names and texts take 1000000"), "{error}");
    assert!(error.ends_with(" bytes, and at most 100000000 are allowed"), "{error}");
    assert!(fs::read(&path).unwrap() == before && files_in(&folder) == ["long", "net"]);

    let error = load(folder.join("nothing"), &mut net::<f32>(1, 2)).unwrap_err();
    assert!(error.to_string().starts_with("cannot read "), "{error}");
    let error = load(folder.join("net"), &mut net::<f32>(1, 2)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}: it is not a file", folder.join("net").display()));
}
