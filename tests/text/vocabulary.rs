//! Vocabularies and how a text is split.

use super::*;
use unspool::prelude::*;
use unspool::text::{SpecialToken, Vocabulary, characters, join_words, words};

const ALL_SPECIAL: [SpecialToken; 4] = [SpecialToken::Pad, SpecialToken::Unk, SpecialToken::Bos, SpecialToken::Eos];

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn characters_come_back(text in "\\PC{1,40}") {
        let vocabulary = Vocabulary::new(characters(&text), 1, []).unwrap();
        let tokens = vocabulary.encode_known(characters(&text)).unwrap();
        prop_assert_eq!(vocabulary.decode(&tokens).concat(), text);
    }

    #[test]
    fn json_brings_every_token_back(tokens in prop::collection::btree_set(any::<String>(), 1..20)) {
        let vocabulary = Vocabulary::from_tokens(tokens).unwrap();
        let json = vocabulary.to_json();
        let theirs: Vec<String> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&theirs[..], vocabulary.tokens());
        let ours = Vocabulary::from_json(&json).unwrap();
        prop_assert_eq!(ours.tokens(), vocabulary.tokens());
        prop_assert!(ours.tokens().iter().enumerate().all(|(id, token)| ours.id(token) == Some(id)));
    }

    #[test]
    fn words_hold_all_but_the_spaces(text in "\\PC{0,40}") {
        let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(kept(&words(&text).collect::<String>()), kept(&text));
        prop_assert_eq!(kept(&join_words(words(&text))), kept(&text));
    }
}

#[test]
fn frequent_tokens_come_first_and_rare_ones_are_unknown() {
    let text = "b b a a c d d d";
    let vocabulary = Vocabulary::new(text.split(' '), 2, ALL_SPECIAL).unwrap();
    assert_eq!(vocabulary.tokens(), ["<pad>", "<unk>", "<bos>", "<eos>", "d", "a", "b"]);
    assert_eq!(ALL_SPECIAL.map(|token| vocabulary.special_token_id(token)), [0, 1, 2, 3].map(Some));
    assert_eq!(vocabulary.encode(["a", "c", "e"]).unwrap(), [5, 1, 1]);

    let without = Vocabulary::new(text.split(' '), 2, []).unwrap();
    assert_eq!((without.len(), without.special_token_id(SpecialToken::Unk)), (3, None));
    assert_eq!(sentence(without.encode(["a", "c"])), "\"c\" is not among the 3 tokens of the vocabulary");
    assert_eq!(sentence(vocabulary.encode_known(["c"])), "\"c\" is not among the 7 tokens of the vocabulary");
}

#[test]
fn the_most_probable_tokens_come_first() {
    let tokens = ["a", "b", "c", "d"];
    let vocabulary = Vocabulary::from_tokens(tokens.map(String::from)).unwrap();
    let scores = Tensor::<f64>::from_vec(vec![1.0, 3.0, f64::NEG_INFINITY, 3.0], [4]);
    let tape = Tape::new();
    let probabilities = tape.constant(&scores).softmax(0).value().to_vec();
    let all = vocabulary.top_k(&scores, 9);
    assert_eq!(all.iter().map(|(token, _)| *token).collect::<Vec<_>>(), ["b", "d", "a", "c"]);
    for (token, probability) in &all {
        let expected = probabilities[vocabulary.id(token).unwrap()];
        assert!((probability - expected).abs() < 1e-15, "{token}: {probability}, not {expected}");
    }
    assert_eq!(vocabulary.top_k(&scores, 2), all[..2]);
    // However large the scores are; and logarithms of probabilities are scores.
    assert_eq!(vocabulary.top_k(&scores.map(|x| x + 5000.0), 1)[0], all[0]);
    let logarithms = Tensor::from_vec(probabilities.iter().map(|p| p.ln()).collect(), [1, 4]);
    assert!((vocabulary.top_k(&logarithms, 1)[0].1 - all[0].1).abs() < 1e-15);
}

#[test]
fn special_tokens_in_a_text_are_the_special_tokens() {
    let vocabulary = Vocabulary::new("a <unk> a".split(' '), 1, [SpecialToken::Unk]).unwrap();
    assert_eq!(vocabulary.tokens(), ["<unk>", "a"]);
}

#[test]
fn what_makes_no_vocabulary_is_refused() {
    assert_eq!(sentence(Vocabulary::new([], 1, ALL_SPECIAL)), "a text without tokens has no vocabulary");
    let rare = sentence(Vocabulary::new(["a", "b"], 2, []));
    assert_eq!(rare, "none of 2 different tokens occurs 2 times or more");
    let twice = sentence(Vocabulary::from_json(r#"["a", "b", "a"]"#));
    assert_eq!(twice, "tokens 0 and 2 of the vocabulary are both \"a\"");
    assert_eq!(sentence(Vocabulary::from_json("[]")), "a vocabulary needs at least one token");
    let sentence = sentence(Vocabulary::from_json(r#"["a", 1]"#));
    assert!(
        sentence.starts_with("a vocabulary is a JSON array of strings, and this is not: invalid type"),
        "{sentence}"
    );
}
