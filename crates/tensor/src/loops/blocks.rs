//! Elementwise functions of runs, in blocks of a length that the compiler knows.
//!
//! A loop over a run of any length has a remainder that it computes one element at a time, which
//! for a function such as `tanh` takes longer than the rest of a short run. In blocks there is
//! none: the last one ends with the run and overlaps the one before.

use crate::tuning::{NARROW_BLOCK, WIDE_BLOCK};

/// Replaces each element `y` of `out` by `f(y, x)`, with `x` the elements at its position of
/// slices of the same length.
///
/// Loops over the operands and not closures (`map`, `from_fn`): those made half of the functions that
/// the compiler had to inline for each op.
#[inline(always)]
pub(crate) fn update_run<T: Copy, const K: usize>(out: &mut [T], mut x: [&[T]; K], f: impl Fn(T, [T; K]) -> T) {
    let len = out.len();
    for x in &mut x {
        *x = &x[..len];
    }
    let Some(&last) = out.last_chunk::<NARROW_BLOCK>() else {
        for (i, y) in out.iter_mut().enumerate() {
            let mut of = [*y; K];
            for k in 0..K {
                of[k] = x[k][i];
            }
            *y = f(*y, of);
        }
        return;
    };
    let mut at = 0;
    while len - at >= WIDE_BLOCK {
        let y: [T; WIDE_BLOCK] = block(out, at);
        update_block(out, at, y, x, &f);
        at += WIDE_BLOCK;
    }
    while at < len {
        let end = len - NARROW_BLOCK;
        let y: [T; NARROW_BLOCK] = if at < end { block(out, at) } else { last };
        update_block(out, at.min(end), y, x, &f);
        at += NARROW_BLOCK;
    }
}

/// The block is computed in `y`, a copy, since the compiler cannot prove that the slices do not
/// overlap.
#[inline(always)]
fn update_block<T: Copy, const K: usize, const BLOCK: usize>(
    out: &mut [T],
    at: usize,
    y: [T; BLOCK],
    x: [&[T]; K],
    f: &impl Fn(T, [T; K]) -> T,
) {
    let mut blocks = [&y; K];
    for k in 0..K {
        blocks[k] = x[k][at..at + BLOCK].try_into().expect("of this length");
    }
    let mut new = y;
    // Not `map` of the block: the compiler does not always inline it, and the body would be a scalar call.
    for i in 0..BLOCK {
        let mut of = [y[i]; K];
        for k in 0..K {
            of[k] = blocks[k][i];
        }
        new[i] = f(y[i], of);
    }
    out[at..at + BLOCK].copy_from_slice(&new);
}

#[inline(always)]
fn block<T: Copy, const BLOCK: usize>(x: &[T], at: usize) -> [T; BLOCK] {
    x[at..at + BLOCK].try_into().expect("of this length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_are_updated_once() {
        for len in 0..100 {
            let x: Vec<f64> = (0..len).map(|i| i as f64 + 1.0).collect();
            let mut out: Vec<f64> = x.iter().map(|x| 1000.0 * x).collect();
            update_run(&mut out, [&x, &x], |y, [a, b]| y + a * b);
            let expected: Vec<f64> = x.iter().map(|x| 1000.0 * x + x * x).collect();
            assert_eq!(out, expected);
        }
    }
}
