//! Trainings of some seconds, and errors.

use super::*;
use std::path::PathBuf;
use unspool::io::Checkpoint;

/// What is printed, or the sentence of what is wrong.
fn ran_on(unit: Unit, arguments: &[&str]) -> Result<String, String> {
    ran_until(&|| false, unit, arguments)
}

fn ran_until(stops: Stops<'_>, unit: Unit, arguments: &[&str]) -> Result<String, String> {
    let arguments = ["rnn"].iter().chain(arguments).map(|argument| argument.into());
    let options = Options::read(unit, arguments).map_err(|e| e.to_string())?;
    let mut printed = Vec::new();
    run(&options, unit, stops, &mut printed).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(printed).unwrap())
}

fn ran(arguments: &[&str]) -> Result<String, String> {
    ran_on(Unit::Characters, arguments)
}

/// A folder for a test, that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("unspool-rnn-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn text(&self, name: &str, content: &[u8]) -> String {
        std::fs::write(self.0.join(name), content).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A text that is easy to learn.
fn easy() -> Vec<u8> {
    "to be, or not to be: that is the question.\n".repeat(40).into_bytes()
}

const SMALL: [&str; 14] = [
    "--hidden",
    "16",
    "--embedding",
    "8",
    "--batch",
    "8",
    "--steps",
    "20",
    "--epochs",
    "15",
    "--learning-rate",
    "0.02",
    "--generate",
    "20",
];

/// The nats of the held-out part, epoch by epoch, and what was written.
fn results(printed: &str) -> (Vec<f64>, String) {
    let lines = printed.lines().skip_while(|line| !line.starts_with("epoch")).skip(1);
    let epochs = lines.take_while(|line| !line.is_empty());
    let nats = epochs.map(|line| line.split_whitespace().nth(2).unwrap().parse().unwrap()).collect();
    (nats, printed.split("perplexity ").last().unwrap().split_once("\n\n").unwrap().1.to_string())
}

#[test]
fn every_cell_learns_and_writes() {
    let folder = Folder::new("cells");
    let text = folder.text("text", &easy());
    for cell in [&["--cell", "simple-rnn"][..], &["--cell", "lstm", "--tied"], &["--cell", "gru", "--layers", "2"]] {
        for unit in [Unit::Characters, Unit::Words, Unit::Tokenized] {
            let printed =
                ran_on(unit, &[&["--text", &text, "--prompt", "to", "--dropout=0"], cell, &SMALL].concat()).unwrap();
            let (nats, written) = results(&printed);
            assert!(nats.len() == 15 && nats[14] < 0.8 * nats[0], "{cell:?} {unit:?}: {nats:?}");
            let expected = match unit {
                Unit::Characters => written.chars().count() == 2 + 20 + 1,
                Unit::Words | Unit::Tokenized => unit.split(&written).len() == 1 + 20 + 1,
            };
            assert!(written.starts_with("to") && expected, "{written:?}");
        }
    }
}

#[test]
fn the_projects_own_text_is_learned() {
    for unit in [Unit::Characters, Unit::Words] {
        let small = ["--epochs=1", "--hidden=8", "--embedding=8", "--batch=64", "--generate=5"];
        let (nats, written) = results(&ran_on(unit, &small).unwrap());
        assert!(nats.len() == 1 && written.starts_with("The gradient"), "{nats:?} {written}");
    }
}

#[test]
fn a_saved_model_writes_what_it_wrote() {
    let folder = Folder::new("load");
    let (text, file) = (folder.text("text", &easy()), folder.path("model"));
    let printed = ran(&[&["--text", &text, "--save", &file], &SMALL[..]].concat()).unwrap();
    assert_eq!(ran(&["--load", &file, "--generate", "20"]).unwrap(), results(&printed).1);
    let greedy = |seed| ran(&["--load", &file, "--prompt", "to", "--temperature", "0", "--seed", seed]).unwrap();
    assert_eq!(greedy("1"), greedy("2"));
    let top = |option| ran(&["--load", &file, "--prompt", "to", option, "--seed", "3"]).unwrap();
    assert_eq!(top("--top-k=1"), greedy("1"));
    assert_eq!(top("--top-p=0.0001"), greedy("1"));
}

/// The file knows how its text was split.
#[test]
fn a_model_of_a_tokenized_text_reads_prompts_and_writes_as_it_was_split() {
    let folder = Folder::new("tokenized");
    let (text, file) =
        (folder.text("text", "the <unk> said : no <unk> , i 'm n't \n".repeat(40).as_bytes()), folder.path("model"));
    let base = [&["--text", &text, "--save", &file], &SMALL[..]].concat();
    let printed = ran_on(Unit::Words, &[&base[..], &["--tokenized", "--prompt", "the <unk>"]].concat()).unwrap();
    let loaded = ran_on(Unit::Words, &["--load", &file, "--generate", "20", "--prompt", "the <unk>"]).unwrap();
    assert!(loaded.starts_with("the <unk> "), "{loaded}");
    assert_eq!(loaded, results(&printed).1);
    let cut = ran_on(Unit::Words, &[&base[..], &["--resume"]].concat()).unwrap_err().replace(&file, "FILE");
    assert_eq!(cut, "FILE was saved with tokenized words, not words");
}

#[test]
fn a_resumed_training_ends_in_the_same_bits() {
    let folder = Folder::new("resume");
    let (text, whole, parts) = (folder.text("text", &easy()), folder.path("whole"), folder.path("parts"));
    let train =
        |file: &str, more: &[&str]| ran(&[&["--text", &text, "--save", file], &SMALL[..], more].concat()).unwrap();
    let pictures = ["whole.svg", "parts.svg"].map(|name| folder.path(name));
    let straight = train(&whole, &["--picture", &pictures[0]]);
    let first = train(&parts, &["--minutes", "0.0000001"]);
    assert_eq!(results(&first).0, results(&straight).0[..1]);
    let rest = train(&parts, &["--resume", "--picture", &pictures[1]]);
    assert_eq!(results(&rest).0, results(&straight).0[1..]);
    assert_eq!(results(&rest).1, results(&straight).1);
    let models = [&whole, &parts].map(|file| {
        let file = WeightFile::open(file).unwrap();
        let names = file.names().filter(|name| !["progress"].contains(name));
        names.map(|name| (name.to_string(), file.tensor::<f32>(name).ok().map(|t| t.to_vec()))).collect::<Vec<_>>()
    });
    assert!(models[0].iter().filter(|(_, tensor)| tensor.is_some()).count() > 20 && models[0] == models[1]);
    let [drawn, resumed] = pictures.map(|file| std::fs::read_to_string(file).unwrap());
    assert!(drawn.matches("<polyline").count() == 2 && drawn == resumed, "{drawn}");
    // There is nothing left to do.
    assert!(results(&train(&parts, &["--resume"])).0.is_empty());
}

#[test]
fn an_interrupted_training_is_saved_and_ends_in_the_same_bits() {
    let folder = Folder::new("interrupted");
    let (text, whole, parts) = (folder.text("text", &easy().repeat(2)), folder.path("whole"), folder.path("parts"));
    // Nearly 200 chunks an epoch, so that states begin again at four of them.
    let small = ["--hidden=8", "--embedding=4", "--batch=8", "--steps=2", "--epochs=6", "--generate=5"];
    let train = |stops: Stops<'_>, file: &str, more: &[&str]| {
        ran_until(stops, Unit::Characters, &[&["--text", &text, "--save", file], &small[..], more].concat()).unwrap()
    };
    train(&|| false, &whole, &[]);
    let (mut interruptions, mut inside) = (0, 0);
    loop {
        let resume = if interruptions > 0 { &["--resume"][..] } else { &[] };
        let asked = std::cell::Cell::new(0);
        let third = || asked.replace(asked.get() + 1) >= 2;
        if !train(&third, &parts, resume).contains("; with --resume, training goes on\n") {
            break;
        }
        interruptions += 1;
        let [chunks, ..] = WeightFile::open(&parts).unwrap().numbers::<3>("epoch").unwrap();
        inside += usize::from(chunks > 0);
    }
    assert!(interruptions > 5 && inside > 2, "{interruptions} interruptions, {inside} inside of an epoch");
    let [whole, parts] = [&whole, &parts].map(|file| {
        let file = WeightFile::open(file).unwrap();
        let names = file.names().filter(|name| *name != "progress").map(str::to_string).collect::<Vec<_>>();
        names.iter().map(|name| file.tensor::<f32>(name).ok().map(|t| t.to_vec())).collect::<Vec<_>>()
    });
    assert!(whole == parts);
}

#[test]
fn files_that_cannot_be_written_are_told_before_the_training() {
    for option in ["--picture", "--save"] {
        let said = ran(&[option, "/nowhere/file"]).unwrap_err();
        assert!(said.starts_with("cannot write /nowhere/file: "), "{said}");
    }
}

#[test]
fn texts_that_cannot_be_learned_are_refused_with_a_sentence() {
    let folder = Folder::new("texts");
    let refused = |unit, content: &[u8]| {
        let text = folder.text("text", content);
        ran_on(unit, &["--text", &text]).unwrap_err().replace(&text, "FILE")
    };
    let short = |have| {
        format!(
            "FILE has {have}: for 32 rows side by side a text needs at least 320, the last tenth of which is held out"
        )
    };
    assert_eq!(refused(Unit::Characters, b""), "FILE is empty: a text is needed");
    assert_eq!(refused(Unit::Characters, b"x"), short("1 character"));
    assert_eq!(refused(Unit::Words, b"to be"), short("2 words"));
    assert_eq!(refused(Unit::Characters, b"un caf\xe9"), "FILE: line 1 is not UTF-8 text");
    let missing = ran(&["--text", "/nowhere/book.txt"]).unwrap_err();
    assert!(missing.starts_with("cannot read /nowhere/book.txt: "), "{missing}");
}

#[test]
fn a_learning_rate_that_is_too_high_is_told() {
    let folder = Folder::new("diverging");
    let text = folder.text("text", &easy());
    // In the first epoch's last step at the latest: after it there is no other whose loss tells.
    for steps in ["20", "100000"] {
        let said = ran(&["--text", &text, "--hidden=8", "--steps", steps, "--epochs=1", "--learning-rate=1e38"]);
        assert_eq!(said.unwrap_err(), "the loss is NaN in epoch 1: a lower --learning-rate may help");
    }
}

#[test]
fn prompts_must_be_of_the_vocabulary() {
    let folder = Folder::new("prompts");
    let text = folder.text("text", &easy());
    let said = |unit, prompt| ran_on(unit, &[&["--text", &text, "--prompt", prompt], &SMALL[..]].concat()).unwrap_err();
    let said_of_xyzzy = said(Unit::Words, "to xyzzy");
    assert!(said_of_xyzzy.starts_with("the prompt: \"xyzzy\" is not among the "), "{said_of_xyzzy}");
    assert!(said(Unit::Characters, "ж").starts_with("the prompt: \"ж\" is not among the "));
    assert_eq!(said(Unit::Words, " "), "the prompt has no word");
}

#[test]
fn files_that_do_not_fit_are_refused_with_a_sentence() {
    let folder = Folder::new("files");
    let (text, file) = (folder.text("text", &easy()), folder.path("model"));
    let base = [&["--text", &text, "--save", &file], &SMALL[..]].concat();
    ran(&base).unwrap();

    let resumed = |more: &[&str]| ran(&[&base[..], &["--resume"], more].concat()).unwrap_err().replace(&file, "FILE");
    // The last of an option counts only if clap may overwrite it, so the options of SMALL are replaced.
    let with = |option: &str, value: &str| {
        let at = base.iter().position(|argument| *argument == option).unwrap();
        let mut arguments = base.clone();
        arguments[at + 1] = value;
        ran(&[&arguments[..], &["--resume"]].concat()).unwrap_err().replace(&file, "FILE")
    };
    assert_eq!(resumed(&["--cell", "gru"]), "FILE was saved with --cell lstm, not gru");
    assert_eq!(resumed(&["--tied"]), "FILE was saved with --tied 0, not 1");
    assert_eq!(with("--hidden", "17"), "FILE was saved with --hidden 16, not 17");
    assert_eq!(with("--learning-rate", "0.1"), "FILE was saved with --learning-rate 0.02, not 0.1");
    assert_eq!(with("--epochs", "7"), "FILE was saved with --epochs 15, not 7");
    let other = folder.text("other", &easy().to_ascii_uppercase());
    assert_eq!(with("--text", &other), "FILE was saved with another vocabulary: that of another text");
    let backwards: Vec<u8> = easy().into_iter().rev().collect();
    assert_eq!(with("--text", &folder.text("backwards", &backwards)), "FILE was saved with another text");

    let loaded = |unit, file: &str| ran_on(unit, &["--load", file]).unwrap_err().replace(file, "FILE");
    let tokenized = ran(&["--text", &text, "--tokenized"]).unwrap_err();
    assert_eq!(tokenized, "--tokenized is for words: take word_rnn");
    assert_eq!(loaded(Unit::Words, &file), "FILE holds a model of characters, not of words");
    assert!(loaded(Unit::Characters, "/nowhere/model").contains("FILE"));
    assert!(loaded(Unit::Characters, &text).starts_with("FILE "));

    // Files that were changed, or are of something else.
    let changed = |change: &dyn Fn(&mut Checkpoint)| {
        let path = folder.path("changed");
        let mut checkpoint = Checkpoint::new();
        change(&mut checkpoint);
        checkpoint.save(Path::new(&path)).unwrap();
        loaded(Unit::Characters, &path)
    };
    let saved = |vocabulary: &str, tokens: u64, sizes: [u64; 4]| {
        changed(&|checkpoint| {
            checkpoint.put_text("unit", "characters");
            checkpoint.put_text("cell", "gru");
            checkpoint.put_text("vocabulary", vocabulary);
            checkpoint.put_numbers("tokens", &[tokens]);
            checkpoint.put_numbers("sizes", &sizes);
        })
    };
    assert_eq!(changed(&|_| ()), "FILE has no unit: it must be a file that --save has written");
    assert_eq!(
        saved(r#"["a","b","c"]"#, 65, [1, 1, 1, 0]),
        "FILE: the vocabulary has 3 tokens and the model is for 65: it must be the one that the model was trained with"
    );
    assert_eq!(saved(r#"["a"]"#, 1, [1, 1, 99, 0]), "FILE has 99 for --layers: it must be from 1 to 16");
    assert!(saved("a", 1, [1, 1, 1, 0]).starts_with("FILE: a vocabulary is a JSON array of strings"));
    let weights = saved(r#"["a"]"#, 1, [1, 1, 1, 0]);
    assert!(weights.starts_with("FILE does not fit the model: missing \"best.embedding.weight\", "), "{weights}");
    // As large as options may be: no weight is drawn before the file is seen to have none.
    for tied in [0, 1] {
        let weights = saved(r#"["a"]"#, 1, [8192, 8192, 16, tied]);
        assert!(weights.starts_with("FILE does not fit the model: missing \"best.embedding.weight\", "), "{weights}");
        assert!(weights.ends_with(" more") && weights.len() < 600, "{weights}");
    }
    let not_a_number = changed(&|checkpoint| {
        let vocabulary = Vocabulary::from_json(r#"["a"]"#).unwrap();
        let small = Options::read(Unit::Characters, ["rnn", "--hidden=1", "--embedding=1"].map(Into::into)).unwrap();
        let saved = Saved::of(&small, Unit::Characters, vocabulary);
        saved.put(checkpoint);
        let mut model: LanguageModel<Tensor> = saved.model(&mut rng(0), Lstm::new);
        model.bias = Tensor::full(f32::NAN, [1]);
        checkpoint.put_model("best", &model);
    });
    assert_eq!(not_a_number, "FILE: a weight is infinite or NaN");
}

#[test]
fn arguments_out_of_range_are_refused() {
    for option in [
        "--hidden=0",
        "--layers=17",
        "--dropout=1",
        "--batch=0",
        "--minutes=0",
        "--temperature=-1",
        "--top-k=0",
        "--top-p=0",
        "--resume",
    ] {
        let refused = ran(&[option]).unwrap_err();
        assert!(refused.contains(option.split('=').next().unwrap()), "{refused}");
    }
}
