//! Piano rolls: from files, and as examples.

use crate::parts;
use std::path::Path;
use unspool::data::{Padded, pad};
use unspool::prelude::*;
use unspool::text::read_text;

/// The keys of a piano: 0 is the lowest A, 39 the C in the middle.
pub(crate) const KEYS: usize = 88;

/// For each step the keys that sound, in order.
pub(crate) type Piece = Vec<Vec<usize>>;

/// Some pieces, at least one, each of at least one step.
pub(crate) struct Pieces(pub(crate) Vec<Piece>);

/// The parts for training, validation and test.
pub(crate) fn load(folder: &Path) -> Result<[Pieces; 3], String> {
    let [train, valid, test] = parts::find(folder, ["_train.txt", "_valid.txt", "_test.txt"])?.map(|file| read(&file));
    Ok([train?, valid?, test?])
}

fn read(file: &Path) -> Result<Pieces, String> {
    let text = read_text(file).map_err(|e| e.to_string())?;
    parse(&text).map_err(|sentence| format!("{}: {sentence}", file.display()))
}

fn parse(text: &str) -> Result<Pieces, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let piece = |(i, line): (usize, &str)| {
        let steps = line.split_whitespace().map(step).collect::<Result<Piece, String>>();
        steps.map_err(|sentence| format!("line {}: {sentence}", i + 1))
    };
    let pieces: Vec<Piece> = lines.map(piece).collect::<Result<_, _>>()?;
    if pieces.is_empty() { Err("no line holds a piece".to_string()) } else { Ok(Pieces(pieces)) }
}

fn step(text: &str) -> Result<Vec<usize>, String> {
    if text == "-" {
        return Ok(Vec::new());
    }
    let key = |text: &str| {
        let key = text.parse().ok().filter(|key| *key < KEYS);
        key.ok_or_else(|| format!("{text:?} is not a key from 0 to {}; a silent step is \"-\"", KEYS - 1))
    };
    let mut keys: Vec<usize> = text.split(',').map(key).collect::<Result<_, _>>()?;
    keys.sort_unstable();
    if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("the step {text:?} holds key {} twice", twice[0]));
    }
    Ok(keys)
}

impl Pieces {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn steps(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.0.iter().flatten()
    }

    /// How many keys sound at a time, on average.
    pub(crate) fn density(&self) -> f64 {
        let (keys, steps) = self.steps().fold((0, 0), |(keys, steps), step| (keys + step.len(), steps + 1));
        keys as f64 / steps as f64
    }

    /// As examples: each step is the target for the steps before it.
    pub(crate) fn dataset(&self) -> Result<Dataset, String> {
        let padded = |of: fn(&Piece) -> Tensor| pad(&self.0.iter().map(of).collect::<Vec<_>>());
        let data =
            padded(inputs).and_then(|Padded { x, lengths }| Dataset::new(x, padded(targets)?.x)?.with_lengths(lengths));
        data.map_err(|e| e.to_string())
    }

    /// The negative log-likelihood per step if every key sounds with its own probability, whatever
    /// came before.
    pub(crate) fn nll(&self, probabilities: &[f64]) -> f64 {
        let silence: f64 = probabilities.iter().map(|p| -(-p).ln_1p()).sum();
        let sounds = |key: &usize| (-probabilities[*key]).ln_1p() - probabilities[*key].ln();
        let steps: Vec<f64> = self.steps().map(|step| silence + step.iter().map(sounds).sum::<f64>()).collect();
        steps.iter().sum::<f64>() / steps.len() as f64
    }
}

/// The steps `[L, 88]` of a piece, 1 where a key sounds.
fn targets(piece: &Piece) -> Tensor {
    let mut roll = Tensor::zeros([piece.len(), KEYS]);
    let places = roll.as_mut_slice();
    for (t, step) in piece.iter().enumerate() {
        step.iter().for_each(|key| places[t * KEYS + key] = 1.0);
    }
    roll
}

/// What is known before each step: the step before it, and silence before the first.
pub(crate) fn inputs(piece: &Piece) -> Tensor {
    let before = &piece[..piece.len() - 1];
    targets(&[&[Vec::new()], before].concat())
}

/// The pieces, and each of them as far up and down as the keys reach, by up to `most` semitones.
pub(crate) fn transposed(pieces: &Pieces, most: usize) -> Pieces {
    let moved = |piece: &Piece, by: isize| -> Option<Piece> {
        let key = |key: &usize| key.checked_add_signed(by).filter(|key| *key < KEYS);
        piece.iter().map(|step| step.iter().map(key).collect()).collect()
    };
    let most = most as isize;
    Pieces(pieces.0.iter().flat_map(|piece| (-most..=most).filter_map(move |by| moved(piece, by))).collect())
}

/// How often each key sounds, with one step more in which every key sounds half.
pub(crate) fn frequencies(pieces: &Pieces) -> Vec<f64> {
    let (mut counts, mut steps) = (vec![0.5; KEYS], 1.0);
    for step in pieces.steps() {
        steps += 1.0;
        step.iter().for_each(|key| counts[*key] += 1.0);
    }
    counts.iter().map(|count| count / steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_pieces() {
        let pieces = parse("39,51 - 0\r\n\n87,12,40\n").unwrap();
        assert_eq!(pieces.0, [vec![vec![39, 51], vec![], vec![0]], vec![vec![12, 40, 87]]]);
        assert_eq!(pieces.density(), 6.0 / 4.0);
    }

    #[test]
    fn what_cannot_be_played_is_said_in_a_sentence() {
        let silent = "; a silent step is \"-\"";
        for (text, sentence) in [
            ("\n \n", "no line holds a piece".to_string()),
            ("1 2\n3 88\n", format!("line 2: \"88\" is not a key from 0 to 87{silent}")),
            ("1,x", format!("line 1: \"x\" is not a key from 0 to 87{silent}")),
            ("1,,2", format!("line 1: \"\" is not a key from 0 to 87{silent}")),
            ("-1", format!("line 1: \"-1\" is not a key from 0 to 87{silent}")),
            ("\n5 6,7,6", "line 2: the step \"6,7,6\" holds key 6 twice".to_string()),
        ] {
            assert_eq!(parse(text).err(), Some(sentence), "{text:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_refused() {
        let missing = load(Path::new("no/such")).err().unwrap();
        assert!(missing.starts_with("cannot read no/such: "), "{missing}");
        let folder = std::env::temp_dir().join(format!("music-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (part, content) in [("train", &b"1 2"[..]), ("valid", b"1\n2 \xff"), ("test", b"")] {
            std::fs::write(folder.join(format!("JSB_Chorales_{part}.txt")), content).unwrap();
        }
        let said = |part: &str| {
            let file = folder.join(format!("JSB_Chorales_{part}.txt"));
            read(&file).err().unwrap().replace(&*file.to_string_lossy(), "FILE")
        };
        assert_eq!(said("valid"), "FILE: line 2 is not UTF-8 text");
        assert_eq!(said("test"), "FILE is empty: a text is needed");
        assert!(load(&folder).err().unwrap().ends_with("_valid.txt: line 2 is not UTF-8 text"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_step_is_told_from_those_before() {
        let data = Pieces(vec![vec![vec![3], vec![4, 5], vec![6]], vec![vec![7]]]).dataset().unwrap();
        let sounding = |of: &Tensor| {
            let places = of.to_vec().into_iter().enumerate().filter(|(_, value)| *value == 1.0);
            places.map(|(i, _)| (i / (2 * KEYS), i / KEYS % 2, i % KEYS)).collect::<Vec<_>>() // step, piece, key
        };
        assert_eq!(sounding(data.x()), [(1, 0, 3), (2, 0, 4), (2, 0, 5)]);
        assert_eq!(sounding(data.y()), [(0, 0, 3), (0, 1, 7), (1, 0, 4), (1, 0, 5), (2, 0, 6)]);
        assert_eq!(data.lengths(), Some(&[3, 1][..]));
    }

    #[test]
    fn pieces_move_as_far_as_there_are_keys() {
        let moved = transposed(&Pieces(vec![vec![vec![1, 40], vec![]]]), 2).0;
        let lowest: Vec<usize> = moved.iter().map(|piece| piece[0][0]).collect();
        assert_eq!(lowest, [0, 1, 2, 3]); // not to -1
        assert!(moved.iter().all(|piece| piece[0][1] == piece[0][0] + 39 && piece[1].is_empty()));
    }

    #[test]
    fn keys_that_sound_by_themselves() {
        let pieces = Pieces(vec![vec![vec![2], vec![2], vec![]]]);
        let often = frequencies(&pieces);
        assert_eq!((often[2], often[3]), (2.5 / 4.0, 0.5 / 4.0));
        let step = |p: f64| -p.ln();
        let expected = (2.0 * step(0.625) + step(0.375)) / 3.0 + 87.0 * step(0.875);
        assert!((pieces.nll(&often) - expected).abs() < 1e-12);
    }
}
