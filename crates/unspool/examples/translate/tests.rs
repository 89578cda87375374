//! The whole example, on few words.

use super::*;
use crate::data::{Batch, END};
use unspool::Mode;

fn ran(arguments: &[&str]) -> Result<String, String> {
    run(&Options::try_parse_from(["translate"].iter().chain(arguments)).expect("valid arguments"))
}

/// A path of this test's own.
fn path(name: &str) -> String {
    std::env::temp_dir().join(format!("translate-{}-{name}", std::process::id())).to_str().unwrap().to_string()
}

/// Does something with a file of this content.
fn with_file<R>(name: &str, content: impl AsRef<[u8]>, f: impl FnOnce(&str) -> R) -> R {
    let file = path(name);
    std::fs::write(&file, content).unwrap();
    let result = f(&file);
    std::fs::remove_file(&file).unwrap();
    result
}

const NUMBERS: [[&str; 2]; 5] =
    [["one", "un"], ["two", "deux"], ["three", "trois"], ["four", "quatre"], ["five", "cinq"]];

/// All sentences of three numbers, and their translations.
fn sentences() -> String {
    let number = |i: usize, language: usize| NUMBERS[i % 5][language];
    let line = |i: usize| [0, 1].map(|language| [i, i / 5, i / 25].map(|i| number(i, language)).join(" ")).join("\t");
    (0..125).map(|i| line(i) + "\tignored\n").collect()
}

const QUICK: [&str; 4] = ["--hidden", "32", "--epochs", "200"];

#[test]
fn a_translator_learns_is_saved_and_translates_what_it_never_saw() {
    with_file("numbers.txt", sentences(), |pairs| {
        let [model, picture] = ["numbers.safetensors", "numbers.svg"].map(path);
        let arguments =
            [&["--pairs", pairs, "--beam", "3", "--save", &model, "--picture", &picture], &QUICK[..]].concat();
        let report = ran(&arguments).unwrap();
        assert!(report.contains("greedy         12 of 12 exact"), "{report}");
        assert!(report.contains("beam of 3      12 of 12 exact"), "{report}");
        assert!(std::fs::read_to_string(&picture).unwrap().contains("&lt;eos&gt;"));

        // With the pairs it is tested once more, without them it translates.
        let again = ran(&["--pairs", pairs, "--load", &model]).unwrap();
        assert_eq!(again.lines().next(), report.lines().next());
        let said = ran(&["--load", &model, "--translate", "Five TWO one"]).unwrap();
        assert!(said.starts_with("Five TWO one\n") && said.contains("  cinq deux un\n"), "{said}");

        let other = sentences().replace("one", "uno");
        with_file("other.txt", other.replace("five", "one"), |pairs| {
            let sentence = ran(&["--pairs", pairs, "--load", &model]).unwrap_err();
            assert_eq!(
                sentence.replace(&model, "FILE"),
                "FILE: it was trained with another vocabulary, of 6 and 9 words, where these sentences have 6 and 9 words"
            );
        });
        let sentence = ran(&["--load", &model]).unwrap_err();
        assert!(sentence.contains("6 and 9 words, where these sentences have 36 and 14 characters"), "{sentence}");
        let sentence = ran(&["--load", &model, "--translate", " "]).unwrap_err();
        assert_eq!(sentence, "there is nothing to translate");
        [model, picture].iter().for_each(|file| std::fs::remove_file(file).unwrap());
    });
}

#[test]
fn without_attention_and_with_less_of_a_teacher() {
    with_file("few.txt", sentences(), |pairs| {
        let few = ["--pairs", pairs, "--hidden", "4", "--epochs", "1"];
        for more in [&["--no-attention"][..], &["--teacher-ratio", "0.5"], &["--no-attention", "--teacher-ratio", "0"]]
        {
            let report = ran(&[&few, more].concat()).unwrap();
            assert!(report.contains("perplexity") && report.contains("of 12 exact"), "{report}");
        }
        // One that has no attention has no picture of it, wherever it comes from.
        let model = path("blind.safetensors");
        ran(&[&few[..], &["--no-attention", "--save", &model]].concat()).unwrap();
        let sentence = ran(&["--load", &model, "--translate", "one", "--picture", &path("blind.svg")]).unwrap_err();
        assert_eq!(sentence, "a model without attention has no picture of it");
        std::fs::remove_file(model).unwrap();
    });
}

#[test]
fn files_that_cannot_be_used_are_refused_with_a_sentence() {
    let said = |content: &[u8]| {
        with_file("refused.txt", content, |file| ran(&["--pairs", file]).unwrap_err().replace(file, "FILE"))
    };
    assert_eq!(said(b""), "FILE is empty: a text is needed");
    assert_eq!(said(b"Go.\tVa !\nCaf\xe9.\tCaf\xe9.\n"), "FILE: line 2 is not UTF-8 text");
    assert_eq!(said(b"Go.\tVa !\nHi. Salut.\n"), "FILE: line 2 is not a sentence, a tab, and its translation");
    assert_eq!(said(b"Go.\tVa !\n"), "FILE: a tenth is held out, so at least 10 different sentences are needed, not 1");
    let rare: String = (0..10).map(|i| format!("a{i}\tb{i}\n")).collect();
    assert_eq!(said(rare.as_bytes()), "FILE: none of 9 different tokens occurs 2 times or more");
    let missing = ran(&["--pairs", "/nowhere/pairs.txt"]).unwrap_err();
    assert!(missing.starts_with("cannot read /nowhere/pairs.txt: "), "{missing}");
    let missing = ran(&["--load", "/nowhere/model.safetensors"]).unwrap_err();
    assert!(missing.contains("/nowhere/model.safetensors"), "{missing}");
    for option in ["--save", "--picture"] {
        let sentence = ran(&[option, "/nowhere/file"]).unwrap_err();
        assert!(sentence.starts_with("cannot write /nowhere/file: "), "{sentence}");
        let folder = std::env::temp_dir().display().to_string();
        assert_eq!(ran(&[option, &folder]).unwrap_err(), format!("cannot write {folder}: it is a folder"));
    }
}

#[test]
fn files_that_hold_no_translator_are_refused_with_a_sentence() {
    let said = |change: &dyn Fn(&mut unspool::io::Checkpoint)| {
        let (file, mut checkpoint) = (path("no-translator.safetensors"), unspool::io::Checkpoint::new());
        change(&mut checkpoint);
        checkpoint.save(&file).unwrap();
        let sentence = ran(&["--load", &file, "--translate", "one"]).unwrap_err().replace(&file, "FILE");
        std::fs::remove_file(file).unwrap();
        sentence
    };
    let with_target = |checkpoint: &mut unspool::io::Checkpoint, source: &str, target: &str| {
        checkpoint.put_text("unit", "words");
        checkpoint.put_text("source", source);
        checkpoint.put_text("target", target);
    };
    let texts = |checkpoint: &mut unspool::io::Checkpoint, source: &str| {
        with_target(checkpoint, source, r#"["<pad>","<bos>","<eos>","<unk>","un"]"#);
    };
    let model = |source| {
        let sizes = Sizes { source, target: 5, hidden: 3, attention: true };
        Translator::<Tensor>::new(&mut rng(0), sizes)
    };
    assert_eq!(said(&|_| ()), "FILE: it holds no translator of characters or words");
    assert_eq!(said(&|file| file.put_text("unit", "words")), "FILE: it holds no translator: it has no text \"source\"");
    let sentence = said(&|file| texts(file, "one"));
    assert!(sentence.starts_with("FILE: a vocabulary is a JSON array of strings, and this is not: "), "{sentence}");
    let sentence = said(&|file| {
        with_target(file, r#"["<unk>","one"]"#, r#"["un"]"#);
        let sizes = Sizes { source: 2, target: 1, hidden: 3, attention: true };
        file.put_model("model", &Translator::<Tensor>::new(&mut rng(0), sizes));
    });
    assert_eq!(sentence, "FILE: token 0 of the target's vocabulary is not <pad>");
    let sentence = said(&|file| texts(file, r#"["<unk>","one"]"#));
    assert_eq!(sentence, "FILE has nothing under the name \"model.source.weight\"");
    let sentence = said(&|file| {
        texts(file, r#"["<unk>","one"]"#);
        file.put_model("model", &model(7));
    });
    let other =
        "FILE: the vocabulary has 2 tokens and the model is for 7: it must be the one that the model was trained with";
    assert_eq!(sentence, other);
    let sentence = said(&|file| {
        texts(file, r#"["<unk>","one"]"#);
        file.put_tensor("model.source.weight", &Tensor::<f32>::zeros([2, 3, 4]));
    });
    let two_axes = "FILE: the weight of source has the shape [2, 3, 4], expected two axes";
    assert_eq!(sentence, two_axes);
    let sentence = said(&|file| {
        texts(file, r#"["<unk>","one"]"#);
        for (name, shape) in [("source", [2, 0]), ("target", [5, 0]), ("merge", [0, 0])] {
            file.put_tensor(&format!("model.{name}.weight"), &Tensor::<f32>::zeros(shape));
        }
    });
    assert_eq!(sentence, "FILE: the weight of source has 0 columns, expected 1 to 2048");
    let sentence = said(&|file| {
        texts(file, r#"["<unk>","one"]"#);
        let mut model = model(2);
        *model.leaves_mut()[3] = model.leaves()[3].map(|_| f32::NAN);
        file.put_model("model", &model);
    });
    assert_eq!(sentence, "FILE: a weight is infinite or NaN");
}

#[test]
fn characters_that_no_date_has_are_refused_before_the_training() {
    let sentence = ran(&["--translate", "22 avril £"]).unwrap_err();
    assert_eq!(sentence, "\"22 avril £\": \"£\" is not among the 36 tokens of the vocabulary");
}

#[test]
fn arguments_out_of_range_are_refused() {
    let refused = |arguments: &[&str]| {
        let options = Options::try_parse_from(["translate"].iter().chain(arguments));
        options.err().expect("refused").to_string()
    };
    for option in ["--dates", "--minimum-count", "--hidden", "--epochs", "--beam"] {
        assert!(refused(&[option, "0"]).contains(option));
    }
    assert!(refused(&["--teacher-ratio", "1.5"]).contains("it must be a number from 0 to 1"));
    for conflict in [["--no-attention", "--picture"], ["--save=a", "--load"], ["--pairs=a", "--dates"]] {
        assert!(refused(&[conflict[0], conflict[1], "200"]).contains("cannot be used with"));
    }
}

/// A model with random weights that are large, so that it says something.
fn random_model(attention: bool) -> Translator<Tensor> {
    let mut model = Translator::new(&mut rng(7), Sizes { source: 9, target: 12, hidden: 6, attention });
    for leaf in model.leaves_mut() {
        *leaf = leaf.map(|x| 3.0 * x);
    }
    model
}

#[test]
fn greedy_decoding_of_a_batch_is_a_beam_of_width_1() {
    let sources: Vec<Vec<usize>> = (0..20).map(|i| (0..1 + i % 5).map(|t| (i * 7 + t * t * 5) % 9).collect()).collect();
    for model in [true, false].map(random_model) {
        let tape = Tape::new();
        let net = tape.bind_frozen(&model);
        let pairs: Vec<Pair> =
            sources.iter().map(|source| Pair { source: source.clone(), target: vec![END; 8] }).collect();
        let batch = Batch::new(&pairs);
        let said = net.translate(&batch, 0.0, Mode::Training { seed: 0 }).argmax(2);
        let mut different = std::collections::HashSet::new();
        for (b, source) in sources.iter().enumerate() {
            let fed = (0..8).map(|t| said.as_slice()[t * sources.len() + b]).take_while(|&token| token != END);
            let fed: Vec<usize> = fed.collect();
            if let Some(&first) = fed.first() {
                let other = net.search(source, 2, Some(first));
                assert!(other.iter().all(|hypothesis| !hypothesis.tokens.contains(&first)), "{other:?}");
            }
            let searched = net.search(source, 1, None).remove(0).tokens;
            assert_eq!(fed[..], searched[..searched.len().min(8)]);
            different.insert(fed);
        }
        assert!(different.len() > 5, "{different:?}");
    }
}

#[test]
fn a_teacher_who_is_always_heard_is_heard_at_once() {
    let pair = |source: &[usize], target: &[usize]| Pair { source: source.to_vec(), target: target.to_vec() };
    let batch = Batch::new(&[pair(&[3, 4, 5], &[4, 7, END]), pair(&[8], &[5, END])]);
    for model in [true, false].map(random_model) {
        let tape = Tape::new();
        let net = tape.bind_frozen(&model);
        let scores = |ratio: f64| net.translate(&batch, ratio, Mode::Training { seed: 1 }).value().to_vec();
        let (at_once, nearly) = (scores(1.0), scores(1.0 - 1e-9));
        assert!(at_once.iter().zip(&nearly).all(|(a, b)| (a - b).abs() < 1e-4), "{at_once:?} {nearly:?}");
        assert_ne!(at_once, scores(0.0));
    }
}
