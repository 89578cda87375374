//! Streams of tokens in batches.

use super::*;
use unspool::text::{bptt_batches, token_windows};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn rows_go_on_from_chunk_to_chunk(n in 0..60usize, rows in 1..7usize, steps in 1..9usize) {
        let tokens: Vec<usize> = (100..100 + n).collect();
        let chunks = match bptt_batches(&tokens, rows, steps) {
            Ok(chunks) => chunks,
            Err(_) => {
                prop_assert!(n <= rows);
                return Ok(());
            }
        };
        let number = chunks.len();
        let chunks: Vec<_> = chunks.collect();
        prop_assert_eq!(chunks.len(), number);
        let mut seen = vec![Vec::new(); rows];
        for (i, chunk) in chunks.iter().enumerate() {
            let time = chunk.inputs.shape()[0];
            prop_assert_eq!(&chunk.inputs.shape()[..], &[time, rows]);
            prop_assert_eq!(chunk.targets.shape(), chunk.inputs.shape());
            prop_assert!(time == steps || (i + 1 == number && (1..steps).contains(&time)));
            for (at, (&input, &target)) in chunk.inputs.as_slice().iter().zip(chunk.targets.as_slice()).enumerate() {
                prop_assert_eq!(target, input + 1);
                seen[at % rows].push(input);
            }
        }
        // Row after row, the stream itself; the last target too, and less than a row's worth of steps is left out.
        let inputs = seen.concat();
        prop_assert_eq!(&inputs[..], &tokens[..inputs.len()]);
        prop_assert!(inputs.len() < n && n - 1 - inputs.len() < rows);
        prop_assert!(seen.iter().all(|row| row.len() == seen[0].len()));
    }

    #[test]
    fn windows_are_all_tokens_in_a_row(n in 0..40usize, window in 1..9usize) {
        let tokens: Vec<usize> = (0..n).map(|i| i * 7 % 11).collect();
        match token_windows(&tokens, window) {
            Err(_) => prop_assert!(n <= window),
            Ok((windows, next)) => {
                prop_assert_eq!(&windows.shape()[..], &[window, n - window]);
                for i in 0..n - window {
                    let of_one = windows.as_slice().iter().skip(i).step_by(n - window);
                    prop_assert!(of_one.eq(&tokens[i..i + window]));
                    prop_assert_eq!(next.as_slice()[i], tokens[i + window]);
                }
            }
        }
    }
}

#[test]
fn texts_that_are_too_short_are_refused() {
    let short = sentence(bptt_batches(&[1, 2, 3], 3, 5));
    assert_eq!(short, "a text of 3 tokens is too short for a batch size of 3: it needs at least 4");
    assert!(bptt_batches(&[1, 2, 3, 4], 3, 5).is_ok() && bptt_batches(&[], 1, 1).is_err());
    let short = sentence(token_windows(&[1, 2, 3], 3));
    assert_eq!(short, "a text of 3 tokens is too short: a window of 3 and the token after it need 4");
}
