//! Trainings of some seconds, and errors.

use super::*;
use std::path::PathBuf;
use unspool::io::Checkpoint;

/// What is printed with these arguments, or the sentence of what is wrong.
fn ran_until(interrupt: &Interrupt, arguments: &str) -> Result<String, String> {
    let arguments = ["language-model", "--quiet"].into_iter().chain(arguments.split_whitespace());
    let options = Options::try_parse_from(arguments).map_err(|e| e.to_string())?;
    let mut printed = Vec::new();
    run(&options, interrupt, &mut printed).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(printed).unwrap())
}

fn ran(arguments: &str) -> Result<String, String> {
    ran_until(&Interrupt::new(), arguments)
}

/// A folder with the file `text`, and the path of any other file in it. It is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, text: &str) -> Self {
        let folder = Folder(std::env::temp_dir().join(format!("language-model-{}-{name}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        std::fs::write(folder.path("text"), text).unwrap();
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A line that is easy to learn, again and again.
const EASY: &str = "to be, or not to be: that is the question.\n";
const SMALL: &str = "--hidden=16 --embedding=8 --batch=8 --steps=20 --epochs=15 --learning-rate=0.02 --generate=20";

/// The nats at the end, and what was written.
fn results(printed: &str) -> (f64, &str) {
    let (before, after) = printed.rsplit_once(" nats").unwrap();
    (before.rsplit_once(": ").unwrap().1.parse().unwrap(), after.split_once("\n\n").unwrap().1)
}

#[test]
fn every_cell_learns_and_writes() {
    let folder = Folder::new("cells", &EASY.repeat(40));
    let text = folder.path("text");
    for cell in ["--cell=simple-rnn", "--cell=lstm --tied", "--cell=gru --layers=2"] {
        for (unit, options, uniform) in [
            (Unit::Characters, "", 18f64),
            (Unit::Words, "--unit=words", 13.0),
            (Unit::Tokenized, "--unit=words --tokenized", 9.0),
        ] {
            let printed = ran(&format!("{SMALL} {cell} {options} --dropout=0 --prompt to --text {text}")).unwrap();
            let (nats, written) = results(&printed);
            assert!(written.starts_with("to") && nats < 0.7 * uniform.ln(), "{cell} {unit:?}: {nats} {written}");
            assert_eq!(unit.split(written).len(), unit.split("to").len() + 20 + 1);
        }
    }
    let own = ran("--unit=words --epochs=1 --hidden=8 --embedding=8 --batch=64 --generate=5").unwrap();
    assert!(results(&own).1.starts_with("The gradient"), "{own}");
}

#[test]
fn a_saved_model_writes_what_it_wrote() {
    let folder = Folder::new("load", &" the <unk> said : no <unk> , i 'm n't \n".repeat(40));
    let (text, file) = (folder.path("text"), folder.path("model"));
    // The file knows how its text was split.
    for unit in ["characters", "words --tokenized"] {
        let printed = ran(&format!("{SMALL} --text {text} --save {file} --unit {unit}")).unwrap();
        assert_eq!(ran(&format!("--load {file} --generate=20")).unwrap(), results(&printed).1);
    }
    let sampled = |option| ran(&format!("--load {file} --prompt=<unk> --generate=50 {option}")).unwrap();
    let greedy = sampled("--temperature=0");
    assert!(greedy.starts_with("<unk> "), "{greedy}");
    assert!(["--top-k=1", "--top-p=0.0001"].iter().all(|option| sampled(option) == greedy));
    assert_ne!(sampled("--seed=1"), greedy);
}

#[test]
fn a_training_that_is_interrupted_again_and_again_ends_in_the_same_bits() {
    let folder = Folder::new("resume", &EASY.repeat(40));
    // Two epochs of 97 windows each, so that states begin again in each.
    let small = "--hidden=8 --embedding=4 --batch=8 --steps=2 --epochs=2 --generate=5";
    let train = |name: &str, more: &str| {
        let [text, file] = ["text", name].map(|name| folder.path(name));
        ran(&format!("{small} --text {text} --save {file} --picture {file}.svg {more}")).unwrap()
    };
    let straight = train("straight", "");
    let mut parts = train("parts", "--minutes=0.00000001"); // a step
    for _ in 1..120 {
        parts = train("parts", "--resume --minutes=0.00000001");
    }
    assert!(parts.contains("Interrupted in epoch 2; with --resume, training goes on"), "{parts}");
    assert_eq!(results(&train("parts", "--resume")), results(&straight));
    for end in ["", ".svg"] {
        let read = |name| std::fs::read(folder.path(&format!("{name}{end}"))).unwrap();
        assert!(read("straight") == read("parts") && read("parts").len() > 1000, "{end}");
    }
    // There is nothing left to do.
    assert_eq!(results(&train("parts", "--resume")), results(&straight));
}

#[test]
fn an_interrupted_training_is_saved_and_does_not_write() {
    let (folder, interrupt) = (Folder::new("interrupted", &EASY.repeat(40)), Interrupt::new());
    interrupt.set();
    let (text, file) = (folder.path("text"), folder.path("model"));
    for (save, goes_on) in
        [(String::new(), "nothing is kept"), (format!("--save {file}"), "with --resume, training goes on")]
    {
        let printed = ran_until(&interrupt, &format!("{SMALL} --text {text} {save}")).unwrap();
        assert_eq!(printed.split_once("\n\n").unwrap().1, format!("Interrupted in epoch 1; {goes_on}\n"));
    }
    assert!(ran(&format!("--load {file}")).is_ok());
}

#[test]
fn mistakes_are_refused_with_a_sentence() {
    let folder = Folder::new("mistakes", &EASY.repeat(40));
    let [text, file, none, short, latin] = ["text", "model", "none", "short", "latin"].map(|name| folder.path(name));
    std::fs::write(&short, "to be").unwrap();
    std::fs::write(&latin, b"un caf\xe9").unwrap();
    std::fs::write(folder.path("other"), EASY.to_uppercase().repeat(40)).unwrap();
    let (learn, resume) = (format!("{SMALL} --text {text}"), format!("{SMALL} --text {text} --save {file} --resume"));
    ran(&format!("{learn} --epochs=1 --save {file}")).unwrap();
    // Files that were changed, or are of something else.
    let changed = |text: &str, value: &str| {
        let (path, mut checkpoint) = (folder.path(&format!("{text}{value}")), Checkpoint::new());
        let fixed = Options::parse_from(["language-model", "--hidden=1"]).fixed().into_iter();
        for (name, kept) in fixed.chain([("vocabulary", r#"["a"]"#.to_string())]).filter(|_| text != "nothing") {
            checkpoint.put_text(name, if name == text { value.to_string() } else { kept });
        }
        let mut model = LanguageModel::new(&mut rng(0), 1, 64, [1], Lstm::<Tensor>::new);
        model.bias = Tensor::full(f32::NAN, [1]);
        checkpoint.put_model("model", &model);
        checkpoint.save(&path).unwrap();
        format!("--load {path}")
    };
    for (arguments, sentence) in [
        (format!("--text {short} --unit words"), "the text has 2 words: at least 320 are needed"),
        (format!("--text {latin}"), "latin: line 1 is not UTF-8 text"),
        (format!("--text {text} --tokenized"), "--tokenized is for --unit words"),
        (format!("{learn} --prompt ж"), "the prompt: \"ж\" is not among the 18 tokens of the vocabulary"),
        (format!("{learn} --unit words --prompt="), "the prompt has no words"),
        (format!("{learn} --save {none} --resume"), "cannot read"),
        (format!("{learn} --save /nowhere/file"), "cannot save /nowhere/file.checkpoint: "),
        (format!("{learn} --picture /nowhere/file"), "cannot write /nowhere/file: "),
        (format!("{resume} --epochs=1 --cell gru"), "model was saved with --cell lstm, not gru"),
        (resume.clone(), "model was saved with --epochs 1, not 15"),
        (format!("{resume} --epochs=1 --text {}", folder.path("other")), "model was saved with the hash of the text "),
        (format!("--load {text}"), "text "),
        (format!("--load {none}"), "cannot read"),
        (changed("nothing", ""), "has no --unit: it is not from --save"),
        (changed("--layers", "99"), ": invalid value '99' for '--layers <N>': 99 is not in 1..=16"),
        (changed("vocabulary", "a"), ": a vocabulary is a JSON array of strings"),
        // No weight is drawn before the file is seen to have none of this size.
        (changed("--hidden", "8192"), "does not fit the model: "),
        (changed("--seed", "1"), "a weight of the model is infinite or NaN"),
        (format!("{learn} --learning-rate=1e38"), "a smaller learning rate or gradient clipping"),
        ("--dropout=1".to_string(), "it must be a number of at least 0 and less than 1"),
    ] {
        let refused = ran(&arguments).unwrap_err();
        assert!(refused.contains(sentence), "{arguments}: {refused}");
    }
}
