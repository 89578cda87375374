//! Vocabularies and how a text is split.

use super::*;
use unspool::text::{Mark, Vocabulary, characters, join_words, words};

const EVERY_MARK: [Mark; 4] = [Mark::Padding, Mark::Unknown, Mark::Begin, Mark::End];

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
    fn json_is_read_as_others_read_it(json in r#"\[?( ?"(a|\\u[dD][89cC]00|\\u0041|\\n|\\x|\\|é){0,4}"[,\] ]?){0,3}\]?"#) {
        let theirs = serde_json::from_str::<Vec<String>>(&json);
        let ours = Vocabulary::from_json(&json);
        let twice = |tokens: &[String]| (1..tokens.len()).any(|i| tokens[..i].contains(&tokens[i]));
        match theirs {
            Ok(tokens) if tokens.is_empty() || twice(&tokens) => prop_assert!(ours.is_err()),
            Ok(tokens) => prop_assert_eq!(ours.unwrap().tokens().to_vec(), tokens),
            Err(_) => prop_assert!(ours.is_err(), "{}", json),
        }
    }

    #[test]
    fn words_hold_all_but_the_spaces(text in "\\PC{0,40}") {
        let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(kept(&words(&text).collect::<String>()), kept(&text));
        prop_assert_eq!(kept(&join_words(words(&text))), kept(&text));
    }
}

#[test]
fn json_may_write_a_character_as_two_escapes() {
    let vocabulary = Vocabulary::from_json(r#" [ "\ud83d\ude00" , "\t" ] "#).unwrap();
    assert_eq!(vocabulary.tokens(), ["😀", "\t"]);
}

#[test]
fn frequent_tokens_come_first_and_rare_ones_are_unknown() {
    let text = "b b a a c d d d";
    let vocabulary = Vocabulary::new(text.split(' '), 2, EVERY_MARK).unwrap();
    assert_eq!(vocabulary.tokens(), ["<pad>", "<unk>", "<bos>", "<eos>", "d", "a", "b"]);
    assert_eq!(EVERY_MARK.map(|mark| vocabulary.mark(mark)), [0, 1, 2, 3].map(Some));
    assert_eq!(vocabulary.encode(["a", "c", "e"]).unwrap(), [5, 1, 1]);

    let without = Vocabulary::new(text.split(' '), 2, []).unwrap();
    assert_eq!((without.len(), without.mark(Mark::Unknown)), (3, None));
    assert_eq!(sentence(without.encode(["a", "c"])), "\"c\" is not among the 3 tokens of the vocabulary");
    assert_eq!(sentence(vocabulary.encode_known(["c"])), "\"c\" is not among the 7 tokens of the vocabulary");
}

#[test]
fn marks_that_stand_in_a_text_are_the_marks() {
    let vocabulary = Vocabulary::new("a <unk> a".split(' '), 1, [Mark::Unknown]).unwrap();
    assert_eq!(vocabulary.tokens(), ["<unk>", "a"]);
}

#[test]
fn what_makes_no_vocabulary_is_refused() {
    assert_eq!(sentence(Vocabulary::new([], 1, EVERY_MARK)), "a text without a token has no vocabulary");
    let rare = sentence(Vocabulary::new(["a", "b"], 2, []));
    assert_eq!(rare, "none of 2 different tokens stands in the text 2 times or more");
    let twice = sentence(Vocabulary::from_json(r#"["a", "b", "a"]"#));
    assert_eq!(twice, "tokens 0 and 2 of the vocabulary are both \"a\"");
    assert_eq!(sentence(Vocabulary::from_json("[]")), "a vocabulary needs at least one token");
    for (json, at, expected) in [
        ("", 0, "["),
        ("{}", 0, "["),
        ("[1]", 1, "a string"),
        ("[\"a\",]", 5, "a string"),
        ("[\"a\" \"b\"]", 5, "a comma or ]"),
        ("[\"a\"", 4, "a comma or ]"),
        ("[\"a", 3, "the rest of a string"),
        ("[\"a\n\"]", 3, "the rest of a string"),
        ("[\"a\\x\"]", 3, "an escape of JSON"),
        ("[\"\\ud800\"]", 2, "an escape of JSON"),
        ("[\"\\u+123\"]", 2, "an escape of JSON"),
        ("[\"a\"] b", 6, "the end"),
    ] {
        let expected = format!("a vocabulary is a JSON array of strings: byte {at} should be {expected}");
        assert_eq!(sentence(Vocabulary::from_json(json)), expected, "{json}");
    }
}

#[test]
fn line_breaks_are_words_whatever_their_kind() {
    assert_eq!(words("one\r\ntwo\n\n three\r").collect::<Vec<_>>(), ["one", "\n", "two", "\n", "\n", "three", "\n"]);
    assert_eq!(join_words(words("one, (two)\nthree!")), "one, (two)\nthree!");
}
