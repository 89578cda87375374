//! The whole program, on few words.

use super::*;
use crate::data::{Batch, END, Pair};
use std::fs;
use unspool::io::Checkpoint;

fn ran(arguments: &[&str]) -> Result<String, String> {
    let options = Options::try_parse_from(["translate"].iter().chain(arguments)).expect("valid arguments");
    run(&options, &Interrupt::new())
}

/// `f` of the paths in a new folder, which has a file `pairs.txt` of this content.
fn with_pairs(name: &str, content: impl AsRef<[u8]>, f: impl FnOnce(&dyn Fn(&str) -> String)) {
    let folder = std::env::temp_dir().join(format!("translate-{}-{name}", std::process::id()));
    let path = |file: &str| folder.join(file).to_str().unwrap().to_string();
    fs::create_dir_all(&folder).unwrap();
    fs::write(path("pairs.txt"), content).unwrap();
    f(&path);
    fs::remove_dir_all(&folder).unwrap();
}

/// All sentences of three numbers, and their translations.
fn sentences() -> String {
    let numbers = [["one", "un"], ["two", "deux"], ["three", "trois"], ["four", "quatre"], ["five", "cinq"]];
    let number = |i: usize, language: usize| numbers[i % 5][language];
    let line = |i: usize| [0, 1].map(|language| [i, i / 5, i / 25].map(|i| number(i, language)).join(" ")).join("\t");
    (0..125).map(|i| line(i) + "\tignored\n").collect()
}

#[test]
fn a_translator_learns_is_saved_and_translates_unseen_sentences() {
    with_pairs("numbers", sentences(), |path| {
        let [pairs, model, picture] = ["pairs.txt", "model.safetensors", "attention.svg"].map(path);
        let files = ["--pairs", &pairs, "--save", &model, "--picture", &picture];
        let report = ran(&[&files, &["--beam", "3", "--hidden", "32", "--epochs", "120"][..]].concat()).unwrap();
        assert!(report.contains("greedy         12 of 12 exact"), "{report}");
        assert!(report.contains("beam of 3      12 of 12 exact"), "{report}");
        assert!(fs::read_to_string(&picture).unwrap().contains("&lt;eos>"));

        // With the pairs it is tested once more, without them it translates.
        let again = ran(&["--pairs", &pairs, "--load", &model]).unwrap();
        assert_eq!(again.lines().next(), report.lines().next());
        let translated = ran(&["--load", &model, "--translate", "Five TWO one"]).unwrap();
        assert!(translated.starts_with("Five TWO one\n") && translated.contains("  cinq deux un\n"), "{translated}");
        assert_eq!(ran(&["--load", &model, "--translate", " "]).unwrap_err(), "there is nothing to translate");
    });
}

#[test]
fn an_interrupted_training_resumes_to_the_same_bits() {
    with_pairs("interrupted", sentences(), |path| {
        let [pairs, running, straight, resumed, picture] =
            ["pairs.txt", "running", "straight", "resumed", "a.svg"].map(path);
        let few =
            ["translate", "--pairs", &pairs, "--hidden", "4", "--epochs", "3", "--teacher-ratio=.5", "--no-attention"];
        ran(&[&few[1..], &["--save", &straight]].concat()).unwrap();
        let interrupt = Interrupt::new();
        interrupt.set(); // after each step
        let arguments = [&few[..], &["--save", &resumed, "--checkpoint", &running]].concat();
        let options = Options::try_parse_from(arguments).unwrap();
        for _ in 0..6 {
            assert_eq!(run(&options, &interrupt).unwrap_err(), "interrupted; the same command resumes the training");
        }
        run(&options, &interrupt).unwrap();
        assert!(fs::read(&straight).unwrap() == fs::read(resumed).unwrap(), "other weights");
        let sentence = ran(&["--load", &straight, "--translate", "one", "--picture", &picture]).unwrap_err();
        assert_eq!(sentence, "a model without attention has no picture of it");
    });
}

#[test]
fn files_that_cannot_be_used_are_refused_with_a_sentence() {
    for (content, expected) in [
        (&b"Go.\tVa !\nCaf\xe9.\tCaf\xe9.\n"[..], ": line 2 is not UTF-8 text"),
        (b"Go.\tVa !\nHi. Salut.\n", ": line 2 is not a sentence, a tab, and its translation"),
        (b"a\tb\nA\tc\n", ": a twentieth is validated on, so at least 20 different sentences are needed, not 1"),
    ] {
        with_pairs("refused", content, |path| {
            assert_eq!(ran(&["--pairs", &path("pairs.txt")]).unwrap_err(), path("pairs.txt") + expected);
        });
    }
    for option in ["--pairs", "--load", "--save", "--picture"] {
        let sentence = ran(&[option, "/nowhere/file"]).unwrap_err();
        assert!(sentence.starts_with("cannot ") && sentence.contains("/nowhere/file: "), "{sentence}");
    }
    let sentence = ran(&["--translate", "22 avril £"]).unwrap_err();
    assert_eq!(sentence, "\"22 avril £\": \"£\" is not among the 36 tokens of the vocabulary");
}

#[test]
fn files_that_hold_no_translator_are_refused_with_a_sentence() {
    let texts = ["words", r#"["<unk>","one"]"#, r#"["<pad>","<bos>","<eos>","<unk>","un"]"#];
    for (texts, hidden, expected) in [
        (["bytes", texts[1], texts[2]], 3, "its unit is unknown"),
        (["words", "one", texts[2]], 3, "a vocabulary is a JSON array of strings, and this is not: "),
        (["words", texts[1], texts[1]], 3, "its target vocabulary does not begin with <pad>, <bos> and <eos>"),
        (texts, 0, "0 units; expected 1 to 2048"),
        (texts, 3, "a weight is infinite or NaN"),
    ] {
        let (path, mut file) =
            (std::env::temp_dir().join(format!("translate-{}", std::process::id())), Checkpoint::new());
        ["unit", "source", "target"].into_iter().zip(texts).for_each(|(name, text)| file.put_text(name, text));
        file.put_numbers("sizes", &[hidden, 1]);
        let mut model = Translator::new(&mut rng(0), Sizes { source: 2, target: 5, hidden: 3, attention: true });
        *model.leaves_mut()[3] = model.leaves()[3].map(|_| f32::NAN);
        file.put_model("model", &model);
        file.save(&path).unwrap();
        let sentence = Trained::load(&path).err().expect("refused");
        fs::remove_file(&path).unwrap();
        assert!(sentence.contains(&format!(" holds no translator: {expected}")), "{sentence}");
    }
}

/// With weights that are large, so that outputs differ.
fn models() -> [Translator<Tensor>; 2] {
    [true, false].map(|attention| {
        let mut model = Translator::new(&mut rng(7), Sizes { source: 9, target: 12, hidden: 6, attention });
        model.leaves_mut().into_iter().for_each(|leaf| *leaf = leaf.map(|x| 3.0 * x));
        model
    })
}

#[test]
fn greedy_decoding_of_a_batch_is_a_beam_of_width_1() {
    let sources = (0..20).map(|i| (0..1 + i % 5).map(|t| (i * 7 + t * t * 5) % 9).collect::<Vec<_>>());
    let pairs: Vec<Pair> = sources.map(|source| Pair { source, target: vec![END; 8] }).collect();
    let mut different = std::collections::HashSet::new();
    for model in models() {
        let tape = Tape::new();
        let net = tape.bind_frozen(&model);
        let batch = Batch::new(&pairs.iter().collect::<Vec<_>>());
        let greedy = net.translate(&batch, 0.0, Mode::Training { seed: 0 }).argmax(2);
        for (b, Pair { source, .. }) in pairs.iter().enumerate() {
            let tokens = (0..8).map(|t| greedy.as_slice()[t * pairs.len() + b]).take_while(|&token| token != END);
            let tokens: Vec<usize> = tokens.collect();
            let best = net.search(source, 1, None).remove(0).tokens;
            assert_eq!(tokens[..], best[..best.len().min(8)]);
            let others = net.search(source, 2, best.first().copied());
            assert!(best.is_empty() || others.iter().all(|other| !other.tokens.contains(&best[0])), "{others:?}");
            different.insert(tokens);
        }
    }
    assert!(different.len() > 10, "{different:?}");
}

#[test]
fn teacher_forcing_step_by_step_is_that_of_all_steps_at_once() {
    let pair = |source: &[usize], target: &[usize]| Pair { source: source.to_vec(), target: target.to_vec() };
    let batch = Batch::new(&[&pair(&[3, 4, 5], &[4, 7, END]), &pair(&[8], &[5, END])]);
    for model in models() {
        let tape = Tape::new();
        let net = tape.bind_frozen(&model);
        let scores = |ratio: f64| net.translate(&batch, ratio, Mode::Training { seed: 1 }).value().to_vec();
        let (at_once, stepwise) = (scores(1.0), scores(1.0 - 1e-9));
        assert!(at_once.iter().zip(&stepwise).all(|(a, b)| (a - b).abs() < 1e-4), "{at_once:?} {stepwise:?}");
        assert_ne!(at_once, scores(0.0));
    }
}
