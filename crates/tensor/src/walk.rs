//! Walking several strided operands of one shape together.

use crate::shape::{MAX_RANK, Shape};

/// Splits a walk over `shape`, in row-major order, into runs along its innermost axis.
///
/// `run(done, len, offsets, steps)` is called once per run: `done` elements came before it, and its `i`-th
/// element lies at `offsets[k] + i * steps[k]` of operand `k`. Axes that are contiguous to each other in every
/// operand are merged first, so contiguous operands make a single run.
#[inline(always)]
pub(crate) fn runs<const K: usize>(
    shape: &Shape,
    starts: [usize; K],
    strides: [&[isize; MAX_RANK]; K],
    mut run: impl FnMut(usize, usize, [isize; K], [isize; K]),
) {
    if shape.elements() == 0 {
        return;
    }
    // Axes from the innermost outwards, merged.
    let mut sizes = [1; MAX_RANK];
    let mut steps = [[0isize; K]; MAX_RANK];
    let mut rank = 0;
    for axis in (0..shape.rank()).rev() {
        if shape[axis] == 1 {
            continue;
        }
        let step: [isize; K] = std::array::from_fn(
            #[inline(always)]
            |k| strides[k][axis],
        );
        if rank > 0
            && (0..K).all(
                #[inline(always)]
                |k| step[k] == steps[rank - 1][k] * sizes[rank - 1] as isize,
            )
        {
            sizes[rank - 1] *= shape[axis];
        } else {
            sizes[rank] = shape[axis];
            steps[rank] = step;
            rank += 1;
        }
    }
    let len = sizes[0];
    let mut at = starts.map(
        #[inline(always)]
        |s| s as isize,
    );
    let mut index = [0; MAX_RANK];
    let mut done = 0;
    loop {
        run(done, len, at, steps[0]);
        done += len;
        // The next run: count the outer axes up like the digits of a number.
        let mut axis = 1;
        loop {
            if axis >= rank {
                return;
            }
            index[axis] += 1;
            for k in 0..K {
                at[k] += steps[axis][k];
            }
            if index[axis] < sizes[axis] {
                break;
            }
            for k in 0..K {
                at[k] -= steps[axis][k] * sizes[axis] as isize;
            }
            index[axis] = 0;
            axis += 1;
        }
    }
}
