//! Trainings of some seconds, and errors.

use super::*;
use std::path::PathBuf;
use unspool::io::Checkpoint;

/// What is printed, or the sentence of what is wrong.
fn ran_until(interrupt: &Interrupt, arguments: &[&str]) -> Result<String, String> {
    let arguments = ["language-model", "--quiet"].iter().chain(arguments);
    let options = Options::try_parse_from(arguments).map_err(|e| e.to_string())?;
    let mut printed = Vec::new();
    run(&options, interrupt, &mut printed).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(printed).unwrap())
}

fn ran(arguments: &[&str]) -> Result<String, String> {
    ran_until(&Interrupt::new(), arguments)
}

/// A folder for a test, which is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("unspool-language-model-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn text(&self, name: &str, content: &[u8]) -> String {
        std::fs::write(self.path(name), content).unwrap();
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

/// Options of a small model, in one string.
const SMALL: &str = "--hidden=16 --embedding=8 --batch=8 --steps=20 --epochs=15 --learning-rate=0.02 --generate=20";

fn with<'a>(options: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    options.split_whitespace().chain(more.iter().copied()).collect()
}

/// The nats at the end, and what was written.
fn results(printed: &str) -> (f64, &str) {
    let (before, after) = printed.rsplit_once(" nats").unwrap();
    (before.rsplit_once(": ").unwrap().1.parse().unwrap(), after.split_once("\n\n").unwrap().1)
}

#[test]
fn every_cell_learns_and_writes() {
    let folder = Folder::new("cells");
    let text = folder.text("text", &easy());
    for cell in ["--cell=simple-rnn", "--cell=lstm --tied", "--cell=gru --layers=2"] {
        for (unit, uniform) in [("characters", 18f64), ("words", 13.0), ("words --tokenized", 9.0)] {
            let options = format!("{SMALL} {cell} --unit {unit} --dropout=0");
            let printed = ran(&with(&options, &["--text", &text, "--prompt", "to"])).unwrap();
            let (nats, written) = results(&printed);
            assert!(nats < 0.7 * uniform.ln(), "{cell} {unit}: {nats}");
            let length = match unit {
                "characters" => written.chars().count(),
                "words" => Unit::Words.split(written).len(),
                _ => Unit::Tokenized.split(written).len(),
            };
            assert!(
                written.starts_with("to") && length == [1, 2][usize::from(unit == "characters")] + 20 + 1,
                "{written}"
            );
        }
    }
}

#[test]
fn the_projects_own_text_is_learned() {
    for unit in ["characters", "words"] {
        let small = format!("--unit {unit} --epochs=1 --hidden=8 --embedding=8 --batch=64 --generate=5");
        let printed = ran(&with(&small, &[])).unwrap();
        assert!(results(&printed).1.starts_with("The gradient"), "{printed}");
    }
}

#[test]
fn a_saved_model_writes_what_it_wrote() {
    let folder = Folder::new("load");
    let (text, file) = (folder.text("text", &easy()), folder.path("model"));
    let printed = ran(&with(SMALL, &["--text", &text, "--save", &file])).unwrap();
    assert_eq!(ran(&["--load", &file, "--generate=20"]).unwrap(), results(&printed).1);
    let sampled = |option| ran(&["--load", &file, "--prompt=to", option]).unwrap();
    let greedy = sampled("--temperature=0");
    assert!(["--top-k=1", "--top-p=0.0001"].iter().all(|option| sampled(option) == greedy));
    assert_ne!(sampled("--seed=1"), greedy);

    // The file knows how its text was split.
    let text = folder.text("tokenized", "the <unk> said : no <unk> , i 'm n't \n".repeat(40).as_bytes());
    let tokenized = format!("{SMALL} --unit words --tokenized --text {text} --save {file} --prompt");
    let printed = ran(&with(&tokenized, &["the <unk>"])).unwrap();
    let loaded = ran(&["--load", &file, "--generate=20", "--prompt", "the <unk>"]).unwrap();
    assert!(loaded.starts_with("the <unk> ") && loaded == results(&printed).1, "{loaded}");
}

#[test]
fn a_training_that_is_interrupted_again_and_again_ends_in_the_same_bits() {
    let folder = Folder::new("resume");
    let text = folder.text("text", &easy());
    // Two epochs of 96 windows each, so that states begin again in each.
    let small = format!("--hidden=8 --embedding=4 --batch=8 --steps=2 --epochs=2 --generate=5 --text {text}");
    let train = |name: &str, more: &[&str]| {
        let options = format!("{small} --save {} --picture {}", folder.path(name), folder.path(&format!("{name}.svg")));
        ran(&with(&options, more)).unwrap()
    };
    let straight = train("straight", &[]);
    let mut resumed = train("parts", &["--minutes=0.00000001"]);
    let mut interruptions = 1;
    while resumed.contains("with --resume, training goes on") {
        interruptions += 1;
        let limit = ["--resume", "--minutes=0.00000001"];
        resumed = train("parts", if interruptions < 120 { &limit } else { &limit[..1] });
    }
    assert_eq!(interruptions, 120);
    assert_eq!(results(&resumed), results(&straight));
    let bytes =
        |end: &str| ["straight", "parts"].map(|name| std::fs::read(folder.path(&format!("{name}{end}"))).unwrap());
    for end in ["", ".svg"] {
        let [straight, parts] = bytes(end);
        assert!(straight == parts && straight.len() > 1000, "{end}");
    }
    // There is nothing left to do.
    assert_eq!(results(&train("parts", &["--resume"])), results(&straight));
}

#[test]
fn an_interrupted_training_is_saved_and_does_not_write() {
    let folder = Folder::new("interrupted");
    let (text, file) = (folder.text("text", &easy()), folder.path("model"));
    let interrupt = Interrupt::new();
    interrupt.set();
    let told = |save: &[&str]| {
        let printed = ran_until(&interrupt, &with(SMALL, &[&["--text", &text], save].concat())).unwrap();
        printed.split_once("\n\n").unwrap().1.to_string()
    };
    assert_eq!(told(&[]), "Interrupted in epoch 1; without --save, nothing is kept\n");
    assert_eq!(told(&["--save", &file]), "Interrupted in epoch 1; with --resume, training goes on\n");
    assert!(ran(&["--load", &file]).is_ok());
}

#[test]
fn mistakes_are_refused_with_a_sentence() {
    let folder = Folder::new("mistakes");
    let (text, file) = (folder.text("text", &easy()), folder.path("model"));
    let learn = format!("{SMALL} --text {text}");
    let saved = format!("{learn} --save {file}");
    ran(&with(&saved, &[])).unwrap();
    let other = folder.text("other", &easy().to_ascii_uppercase());
    let [empty, short, latin] = [("empty", &b""[..]), ("short", b"to be"), ("latin", b"un caf\xe9")]
        .map(|(name, text)| folder.text(name, text));
    // Files that were changed, or are of something else.
    let changed = |text: &str, value: &str| {
        let (path, mut checkpoint) = (folder.path(&format!("{text}{value}")), Checkpoint::new());
        let fixed = Options::parse_from(["language-model"]).fixed().into_iter();
        for (name, kept) in fixed.chain([("vocabulary", r#"["a"]"#.to_string())]).filter(|_| text != "nothing") {
            checkpoint.put_text(name, if name == text { value.to_string() } else { kept });
        }
        let mut model = LanguageModel::new(&mut rng(0), 1, 64, [256], Lstm::<Tensor>::new);
        model.bias = Tensor::full(f32::NAN, [1]);
        checkpoint.put_model("model", &model);
        checkpoint.save(&path).unwrap();
        format!("--load {path}")
    };
    for (arguments, sentence) in [
        (format!("--text {empty}"), format!("{empty} is empty: a text is needed")),
        (format!("--text {short} --unit words"), format!("{short} has 2 words: at least 320 are needed")),
        (format!("--text {latin}"), format!("{latin}: line 1 is not UTF-8 text")),
        (format!("--text {text} --tokenized"), "--tokenized is for --unit words".to_string()),
        (format!("{learn} --prompt ж"), "the prompt: \"ж\" is not among the 18 tokens of the vocabulary".to_string()),
        (format!("{learn} --unit words --prompt= "), "the prompt has no words".to_string()),
        (format!("{learn} --save {} --resume", folder.path("none")), "cannot read".to_string()),
        (format!("{learn} --save /nowhere/file"), "cannot save /nowhere/file.checkpoint: ".to_string()),
        (format!("{learn} --picture /nowhere/file"), "cannot write /nowhere/file: ".to_string()),
        (format!("{saved} --resume --cell gru"), format!("{file} was saved with --cell lstm, not gru")),
        (format!("{saved} --resume --tied"), format!("{file} was saved with --tied false, not true")),
        (format!("{saved} --resume --text {other}"), format!("{file} was saved with the hash of the text ")),
        (format!("--load {text}"), text.clone()),
        (format!("--load {}", folder.path("none")), "cannot read".to_string()),
        (changed("nothing", ""), "has no --unit: it must be a file that --save has written".to_string()),
        (changed("--layers", "99"), ": invalid value '99' for '--layers <N>': 99 is not in 1..=16".to_string()),
        (changed("vocabulary", "a"), ": a vocabulary is a JSON array of strings".to_string()),
        // No weight is drawn before the file is seen to have none of this size.
        (changed("--hidden", "8192"), "does not fit the model: ".to_string()),
        (changed("seed", "1"), "a weight of the model is infinite or NaN".to_string()),
        (format!("{learn} --learning-rate=1e38"), "try a smaller learning rate".to_string()),
    ] {
        let refused = ran(&with(&arguments, &[])).unwrap_err();
        assert!(refused.contains(&sentence), "{arguments}: {refused}");
    }
    for option in
        ["--hidden=0", "--layers=17", "--dropout=1", "--batch=0", "--minutes=0", "--temperature=-1", "--top-p=0"]
    {
        let refused = ran(&[option]).unwrap_err();
        assert!(refused.contains(option.split('=').next().unwrap()), "{refused}");
    }
}
