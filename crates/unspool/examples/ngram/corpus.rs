//! The text, as the numbers of its words or characters.

use crate::Options;
use unspool::text::{Mark, Vocabulary, characters, read_text, words};
use unspool::time_split;

/// This project's own documents.
const DOCUMENTS: &str = concat!(
    include_str!("../../../../README.md"),
    include_str!("../../../../docs/DESIGN.md"),
    include_str!("../../../../docs/BENCHMARKS.md"),
    include_str!("../../../../CONTRIBUTING.md"),
);

/// A text in two parts, and the vocabulary of the first.
pub(crate) struct Corpus {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) train: Vec<usize>,
    pub(crate) test: Vec<usize>,
    /// What the tokens are: "words" or "characters".
    pub(crate) unit: &'static str,
}

impl Corpus {
    pub(crate) fn load(options: &Options) -> Result<Self, String> {
        let (name, text) = match &options.text {
            Some(file) => (file.display().to_string(), read_text(file).map_err(|e| e.to_string())?),
            None => ("the text".to_string(), DOCUMENTS.to_string()),
        };
        let unit = if options.characters { "characters" } else { "words" };
        let tokens = split(&text, options.characters);
        let (have, needed) = (tokens.len(), 10 * options.order);
        if have < needed {
            let unit = if have == 1 { unit.trim_end_matches('s') } else { unit };
            return Err(format!(
                "{name} has {have} {unit}: up to n = {} a text needs at least {needed}, the last tenth of which is held out",
                options.order
            ));
        }
        let [train, test] = time_split(have, [90, 10]).map(|part| &tokens[part]);
        let minimum_count = options.minimum_count.unwrap_or(if options.characters { 1 } else { 2 });
        let sentence = |e| format!("{name}: {e}");
        let vocabulary = Vocabulary::new(train.iter().copied(), minimum_count, [Mark::Unknown]).map_err(sentence)?;
        let encode = |tokens: &[&str]| vocabulary.encode(tokens.iter().copied()).map_err(sentence);
        let (train, test) = (encode(train)?, encode(test)?);
        Ok(Corpus { vocabulary, train, test, unit })
    }

    /// The numbers of the prompt's tokens.
    pub(crate) fn prompt(&self, options: &Options) -> Result<Option<Vec<usize>>, String> {
        let default = options.text.is_none().then_some(if options.characters { "gradien" } else { "the gradient" });
        let Some(prompt) = options.prompt.as_deref().or(default) else { return Ok(None) };
        let tokens = self.vocabulary.encode_known(split(prompt, options.characters));
        tokens.map(Some).map_err(|e| format!("the prompt: {e}"))
    }
}

fn split(text: &str, into_characters: bool) -> Vec<&str> {
    if into_characters { characters(text).collect() } else { words(text).collect() }
}
