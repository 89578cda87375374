//! Walking several strided operands of one shape together.
//!
//! A walk cuts the shape into runs along the innermost axis, so that the inner loop of an op sees a
//! length and one step per operand and the compiler can vectorize it. Elementwise ops go through
//! [`Walk::for_each_run`] or [`Walk::write_runs`], which also choose the instruction set.

use crate::loops::simd::{self, Loop};
use crate::shape::{MAX_RANK, Shape};
use crate::storage::layout::Layout;
use crate::tuning::COPY_BLOCK;

/// A walk over a shape in row-major order, cut into runs along the innermost axis.
///
/// Axes that are contiguous to each other in every operand are merged, so contiguous operands make
/// a single run.
pub(crate) struct Walk<const K: usize> {
    /// The elements of a run; 0 if there are none at all.
    len: usize,
    /// Where the runs are; `None` if all there is is one, and each operand's is contiguous from position 0 on. Most ops
    /// walk so, and this is not written for them.
    axes: Option<Axes<K>>,
}

/// The merged axes, the innermost first.
struct Axes<const K: usize> {
    rank: usize,
    sizes: [usize; MAX_RANK],
    steps: [[isize; K]; MAX_RANK],
    starts: [isize; K],
}

/// Copies contiguous elements. Rows often have some twenty of them: those are copied as whole
/// vectors, the last of which ends with the row and overlaps the one before, and not by a call of
/// `memcpy`, which first decides by length.
#[inline(always)]
pub(crate) fn copy_run<T: Copy>(to: &mut [T], from: &[T]) {
    const BLOCK: usize = COPY_BLOCK;
    let len = to.len();
    if !(BLOCK..=8 * BLOCK).contains(&len) {
        to.copy_from_slice(from);
        return;
    }
    let mut copy = |start: usize| {
        let block: [T; BLOCK] = from[start..start + BLOCK].try_into().expect("of this length");
        to[start..start + BLOCK].copy_from_slice(&block);
    };
    (0..len / BLOCK).for_each(|i| copy(i * BLOCK));
    copy(len - BLOCK);
}

impl<const K: usize> Walk<K> {
    /// A walk over operands that broadcast to `shape`, each in its [`walked`](crate::Tensor::walked) elements.
    #[inline(always)]
    pub(crate) fn over(shape: &Shape, operands: [&Layout; K]) -> Self {
        let has_shape = |layout: &Layout| std::ptr::eq(&layout.shape, shape) || layout.shape == *shape;
        if operands.iter().all(|layout| layout.is_contiguous && has_shape(layout)) {
            Walk { len: shape.numel(), axes: None }
        } else {
            Self::over_strided(shape, operands)
        }
    }

    #[inline(never)]
    fn over_strided(shape: &Shape, operands: [&Layout; K]) -> Self {
        let strides = operands.map(|layout| layout.expanded_strides(shape));
        let starts = operands.map(|layout| if layout.is_contiguous { 0 } else { layout.offset });
        Self::new(shape, starts, strides.each_ref())
    }

    /// A walk over operands with these strides, each from its own start.
    pub(crate) fn new(shape: &Shape, starts: [usize; K], strides: [&[isize; MAX_RANK]; K]) -> Self {
        if shape.numel() == 0 {
            return Walk { len: 0, axes: None };
        }
        let starts = starts.map(|start| start as isize);
        let mut axes = Axes { rank: 0, sizes: [1; MAX_RANK], steps: [[0; K]; MAX_RANK], starts };
        for axis in (0..shape.rank()).rev().filter(|&axis| shape[axis] != 1) {
            let step: [isize; K] = std::array::from_fn(|k| strides[k][axis]);
            let continues = |inner: usize| {
                let size = axes.sizes[inner] as isize;
                (0..K).all(|k| step[k] == axes.steps[inner][k] * size)
            };
            if axes.rank > 0 && continues(axes.rank - 1) {
                axes.sizes[axes.rank - 1] *= shape[axis];
            } else {
                axes.sizes[axes.rank] = shape[axis];
                axes.steps[axes.rank] = step;
                axes.rank += 1;
            }
        }
        Walk { len: axes.sizes[0], axes: Some(axes) } // a single element is a run of one
    }

    /// Calls `run(done, len, offsets, steps)` once per run, in code for the widest vector
    /// instructions of this processor: `done` elements came before it, and its `i`-th element is at
    /// `offsets[k] + i * steps[k]` of operand `k`.
    ///
    /// Closures of few captures are `move`: the code for the vector instructions is a function of
    /// its own, and what it borrows from the caller it reads again for every element of a run with
    /// gaps (5 to 15% of such a loop).
    #[inline(always)]
    pub(crate) fn for_each_run(&self, run: impl FnMut(usize, usize, [isize; K], [isize; K])) {
        simd::run(Runs { walk: self, run });
    }

    /// The same for a loop that writes `out`, which has the walk's shape in row-major order:
    /// `run(elements of out, offsets, steps)`.
    #[inline(always)]
    pub(crate) fn write_runs<T>(&self, out: &mut [T], mut run: impl FnMut(&mut [T], [isize; K], [isize; K])) {
        self.for_each_run(
            #[inline(always)]
            move |done, len, at, steps| run(&mut out[done..done + len], at, steps),
        );
    }

    /// [`for_each_run`](Walk::for_each_run) in code for the baseline: for bodies that do not
    /// vectorize.
    #[inline(always)]
    pub(crate) fn runs(&self, mut run: impl FnMut(usize, usize, [isize; K], [isize; K])) {
        let Some(axes) = &self.axes else {
            // By itself: the compiler knows the steps, and what comes before the loop is a few instructions.
            if self.len > 0 {
                run(0, self.len, [0; K], [1; K]);
            }
            return;
        };
        let (mut at, steps, rows, row_steps) = (axes.starts, axes.steps[0], axes.sizes[1], axes.steps[1]);
        let mut index = [0; MAX_RANK];
        let mut done = 0;
        loop {
            let mut row = at;
            for _ in 0..rows {
                run(done, self.len, row, steps);
                done += self.len;
                for (row, step) in row.iter_mut().zip(row_steps) {
                    *row += step;
                }
            }
            // The next rows: increment the index of the outer axes like the digits of a number.
            let mut axis = 2;
            loop {
                if axis >= axes.rank {
                    return;
                }
                index[axis] += 1;
                for (at, step) in at.iter_mut().zip(axes.steps[axis]) {
                    *at += step;
                }
                if index[axis] < axes.sizes[axis] {
                    break;
                }
                for (at, step) in at.iter_mut().zip(axes.steps[axis]) {
                    *at -= step * axes.sizes[axis] as isize;
                }
                index[axis] = 0;
                axis += 1;
            }
        }
    }
}

/// A body that is called for each run of a walk.
struct Runs<'a, R, const K: usize> {
    walk: &'a Walk<K>,
    run: R,
}

impl<R: FnMut(usize, usize, [isize; K], [isize; K]), const K: usize> Loop for Runs<'_, R, K> {
    type Result = ();

    #[inline(always)]
    fn vectorized(self) {
        self.walk.runs(self.run);
    }

    /// Each element is a run of its own, whose steps the compiler knows: it drops what the body does with
    /// longer ones.
    #[inline(always)]
    fn plain(mut self) {
        self.walk.runs(
            #[inline(always)]
            |done, len, mut at, steps| {
                for i in 0..len {
                    (self.run)(done + i, 1, at, [0; K]);
                    for k in 0..K {
                        at[k] += steps[k];
                    }
                }
            },
        );
    }
}

/// The position of the `i`-th element of a run that starts at `at`.
#[inline(always)]
pub(crate) fn position(at: isize, i: usize, step: isize) -> usize {
    (at + i as isize * step) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_are_copied_whole() {
        for len in (0..200).chain([1000]) {
            let from: Vec<usize> = (1..=len).collect();
            let mut to = vec![0; len];
            copy_run(&mut to, &from);
            assert_eq!(to, from);
        }
    }

    /// The place of each element in the result and in two operands, one transposed, one repeated.
    fn visited(plain: bool) -> Vec<(usize, [usize; 2])> {
        let (mut transposed, mut repeated) = ([0; MAX_RANK], [0; MAX_RANK]);
        transposed[..2].copy_from_slice(&[1, 2]);
        repeated[1] = 1;
        let walk = Walk::new(&Shape::from([2, 3]), [0, 7], [&transposed, &repeated]);
        let mut all = Vec::new();
        let run = |done, len, at: [isize; 2], steps: [isize; 2]| {
            all.extend((0..len).map(|i| (done + i, [0, 1].map(|k| position(at[k], i, steps[k])))));
        };
        let runs = Runs { walk: &walk, run };
        if plain {
            runs.plain()
        } else {
            runs.vectorized()
        }
        all
    }

    #[test]
    fn the_short_form_of_a_loop_visits_the_same_elements() {
        let expected = [(0, [0, 7]), (1, [2, 8]), (2, [4, 9]), (3, [1, 7]), (4, [3, 8]), (5, [5, 9])];
        assert_eq!([visited(false), visited(true)], [expected, expected]);
    }
}
