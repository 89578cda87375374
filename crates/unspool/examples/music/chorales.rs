//! Pieces like chorales, composed by rules.

use crate::roll::{Piece, Pieces};
use rand::{RngExt, seq::IndexedRandom};
use unspool::prelude::*;

/// Which chords of a major key follow one another: degrees of the scale, from 0.
const NEXT: [&[usize]; 7] = [&[3, 4, 5, 1, 4], &[4, 4, 6], &[5, 3], &[4, 0, 1], &[0, 0, 5], &[1, 3], &[0]];
/// The semitones of the scale's degrees.
const SCALE: [usize; 7] = [0, 2, 4, 5, 7, 9, 11];
/// The lowest key of each voice, from bass to soprano.
const LOWEST: [usize; 4] = [18, 30, 37, 42];
/// How many keys each has: the bass stays below the others.
const REACH: [usize; 4] = [12, 16, 16, 16];

/// Pieces for training, validation and test.
pub(crate) fn compose(rng: &mut Rng) -> [Pieces; 3] {
    [60, 20, 20].map(|count| Pieces((0..count).map(|_| piece(rng)).collect()))
}

/// Phrases of four-part harmony in a key of its own, each ending on the tonic. The bass has the
/// root of the chord; every other voice moves to the note of the chord that is nearest to its last,
/// and sometimes to the next higher one.
fn piece(rng: &mut Rng) -> Piece {
    let tonic = rng.random_range(0..12);
    let mut voices = LOWEST.map(|lowest| lowest + 7);
    let mut piece = Piece::new();
    for _ in 0..rng.random_range(2..5) {
        let mut degree = 0;
        for chord in 0.. {
            let notes = [0, 2, 4].map(|third| (tonic + SCALE[(degree + third) % 7]) % 12);
            for (voice, key) in voices.iter_mut().enumerate() {
                let allowed = |key: &usize| if voice == 0 { key % 12 == notes[0] } else { notes.contains(&(key % 12)) };
                let mut near: Vec<usize> = (LOWEST[voice]..LOWEST[voice] + REACH[voice]).filter(allowed).collect();
                near.sort_by_key(|candidate| candidate.abs_diff(*key));
                *key = if voice == 3 && rng.random::<f64>() < 0.3 { near[1] } else { near[0] };
            }
            let mut step = voices.to_vec();
            step.sort_unstable();
            step.dedup();
            let ends = chord >= 5 && degree == 0;
            piece.extend(vec![step; if ends { 4 } else { rng.random_range(1..3) }]);
            if ends {
                break;
            }
            degree = *NEXT[degree].choose(rng).expect("a chord follows");
        }
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_the_rules() {
        let parts = compose(&mut rng(0));
        assert_eq!(parts.each_ref().map(Pieces::len), [60, 20, 20]);
        for piece in parts.iter().flat_map(|part| &part.0) {
            assert!(piece.len() >= 16 && piece.iter().all(|step| (2..=4).contains(&step.len())));
            // The bass has a range of its own, below that of the others.
            assert!(piece.iter().all(|step| step[0] < LOWEST[1] && step[1] >= LOWEST[1]), "{piece:?}");
            // It ends on the major chord of its bass, held for four steps.
            let last = &piece[piece.len() - 4..];
            let above = last[0].iter().map(|key| (key - last[0][0]) % 12);
            assert!(last.iter().all(|step| step == &last[0]) && above.clone().all(|by| [0, 4, 7].contains(&by)));
        }
        let lengths = |part: &Pieces| part.0.iter().map(Vec::len).collect::<Vec<_>>();
        assert!(lengths(&parts[0]).iter().min() != lengths(&parts[0]).iter().max());
        assert_eq!(lengths(&parts[0]), lengths(&compose(&mut rng(0))[0]));
    }
}
