//! Functions of a few numbers a row, mapped over rows that lie in several tensors.

mod steps;

pub use steps::Steps;

use crate::loops::simd::dispatch;
use crate::loops::strided::{Walk, position};
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::storage::layout::Layout;
use crate::tensor::Tensor;
use crate::tuning::MAP_CHUNK;
use std::fmt;

/// The rows of a vector: a multiple of those of every type.
const LANES: usize = 16;

/// Rows of `K` numbers, as `K` columns that broadcast to a common shape.
#[doc(hidden)]
pub struct Columns<'a, T: Scalar, const K: usize> {
    rows: Shape,
    walk: Walk<K>,
    elements: [&'a [T]; K],
}

impl<T: Scalar, const K: usize> fmt::Debug for Columns<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// A run of rows: where its columns start, and how far apart their elements are.
#[derive(Clone, Copy, Debug)]
pub struct Run<const K: usize> {
    /// The rows before it.
    pub done: usize,
    /// Its rows.
    pub len: usize,
    at: [isize; K],
    steps: [isize; K],
}

/// `f` of each of the first `rows` rows of a chunk of columns.
#[inline(always)]
fn call<T: Copy, const K: usize, const M: usize>(
    f: &impl Fn([T; K]) -> [T; M],
    rows: usize,
    x: [&[T; MAP_CHUNK]; K],
    y: &mut [[T; MAP_CHUNK]; M],
) {
    for i in 0..rows.min(MAP_CHUNK) {
        let row = f(std::array::from_fn(
            #[inline(always)]
            |k| x[k][i],
        ));
        for m in 0..M {
            y[m][i] = row[m];
        }
    }
}

/// Shapes in a message.
fn shapes_of<'a, T: Scalar>(x: impl Iterator<Item = &'a Tensor<T>>) -> String {
    x.map(|x| x.shape().to_string()).collect::<Vec<_>>().join(", ")
}

/// How the numbers of all rows lie in one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrangement {
    /// Row after row: `[.., M]`.
    Rows,
    /// One number of all rows after the other: `[M, ..]`.
    Planes,
}

impl Arrangement {
    /// The shape of `width` numbers for each of the rows.
    #[track_caller]
    pub fn shape(self, rows: &Shape, width: usize) -> Shape {
        match self {
            Arrangement::Rows => rows.insert(rows.rank(), width),
            Arrangement::Planes => rows.insert(0, width),
        }
    }

    /// Copies number `i` of `width` of the rows from `done` on from `all` into `column`.
    pub fn read<T: Copy>(self, all: &[T], (i, width): (usize, usize), done: usize, column: &mut [T]) {
        match self {
            Arrangement::Rows => {
                column.iter_mut().zip(all[done * width + i..].iter().step_by(width)).for_each(|(x, from)| *x = *from);
            }
            Arrangement::Planes => {
                let start = all.len() / width * i + done;
                column.copy_from_slice(&all[start..start + column.len()]);
            }
        }
    }

    /// Fills number `i` of `width` of so many rows from `done` on with zeros.
    pub fn fill<T: Scalar>(self, all: &mut [T], (i, width): (usize, usize), done: usize, rows: usize) {
        match self {
            Arrangement::Rows => {
                all[done * width + i..].iter_mut().step_by(width).take(rows).for_each(|x| *x = T::ZERO)
            }
            Arrangement::Planes => {
                let start = all.len() / width * i + done;
                all[start..start + rows].fill(T::ZERO);
            }
        }
    }

    /// The reverse of [`read`](Arrangement::read).
    #[inline(always)]
    pub fn write<T: Copy>(self, all: &mut [T], (i, width): (usize, usize), done: usize, column: &[T]) {
        match self {
            Arrangement::Rows => {
                column.iter().zip(all[done * width + i..].iter_mut().step_by(width)).for_each(|(x, to)| *to = *x);
            }
            Arrangement::Planes => {
                let start = all.len() / width * i + done;
                all[start..start + column.len()].copy_from_slice(column);
            }
        }
    }
}

impl<'a, T: Scalar, const K: usize> Columns<'a, T, K> {
    /// The columns of tensors `[.., k]` whose last axes add up to `K`, for the op `op`.
    ///
    /// # Panics
    /// If they do not, or the other axes do not broadcast.
    #[track_caller]
    pub fn of_rows(op: &str, x: impl Iterator<Item = &'a Tensor<T>> + Clone) -> Self {
        let shapes = || shapes_of(x.clone());
        ensure!(x.clone().all(|x| x.rank() > 0), "{op}: inputs {}: one of rank 0 has no rows", shapes());
        let width: usize = x.clone().map(|x| x.shape()[x.rank() - 1]).sum();
        ensure!(width == K, "{op}: inputs {} have {width} numbers a row, the function takes {K}", shapes());
        let layouts = x.clone().flat_map(|x| {
            let &Layout { offset, shape, strides, is_contiguous } = x.layout();
            let last = shape.rank() - 1;
            let column = move |i| Layout {
                offset: (offset as isize + i as isize * strides[last]) as usize,
                shape: shape.remove(last),
                strides,
                is_contiguous,
            };
            (0..shape[last]).map(move |i| (column(i), x.buffer.elements()))
        });
        match Self::of_layouts(layouts) {
            Some(columns) => columns,
            None => fail!("{op}: the rows of inputs {} do not broadcast", shapes()),
        }
    }

    /// Tensors as columns: each element is a number of a row.
    ///
    /// # Panics
    /// If they do not broadcast.
    #[track_caller]
    pub fn of_elements(op: &str, x: impl Iterator<Item = &'a Tensor<T>> + Clone) -> Self {
        let given = x.clone().count();
        ensure!(given == K, "{op}: {given} inputs were given to a function of {K}");
        match Self::of_layouts(x.clone().map(|x| (*x.layout(), x.buffer.elements()))) {
            Some(columns) => columns,
            None => fail!("{op}: inputs {} do not broadcast", shapes_of(x)),
        }
    }

    /// `None` if the shapes do not broadcast.
    fn of_layouts(layouts: impl Iterator<Item = (Layout, &'a [T])>) -> Option<Self> {
        let mut all = [(Layout::scalar(), &[][..]); K];
        all.iter_mut().zip(layouts).for_each(|(slot, layout)| *slot = layout);
        let mut shapes = all.iter().map(|(layout, _)| &layout.shape);
        let rows = shapes.try_fold(Shape::from([]), |common, shape| common.broadcast(shape))?;
        let strides: [[isize; MAX_RANK]; K] = all.each_ref().map(|(layout, _)| layout.expanded_strides(&rows));
        let walk = Walk::new(&rows, all.each_ref().map(|(layout, _)| layout.offset), strides.each_ref());
        Some(Columns { rows, walk, elements: all.map(|(_, elements)| elements) })
    }

    /// The shape of the rows: of each column.
    pub fn rows(&self) -> Shape {
        self.rows
    }

    /// Calls `f` for the rows in order, in runs whose elements are evenly apart.
    pub fn for_each_run(&self, mut f: impl FnMut(Run<K>)) {
        self.walk.runs(|done, len, at, steps| f(Run { done, len, at, steps }));
    }

    /// Copies the elements of column `k` in a run, from its row `start` on.
    #[inline(always)]
    pub fn read(&self, run: &Run<K>, k: usize, start: usize, column: &mut [T]) {
        let (at, step) = (run.at[k] + start as isize * run.steps[k], run.steps[k]);
        let elements = self.elements[k];
        match step {
            1 => column.copy_from_slice(&elements[at as usize..][..column.len()]),
            0 => column.fill(elements[at as usize]),
            _ => column.iter_mut().enumerate().for_each(
                #[inline(always)]
                |(i, x)| *x = elements[position(at, i, step)],
            ),
        }
    }

    /// `f` of each row. It becomes SIMD code if `f` carries `#[inline(always)]`, as does all that it
    /// calls.
    #[track_caller]
    #[inline(always)]
    pub fn map<const M: usize>(&self, to: Arrangement, f: impl Fn([T; K]) -> [T; M]) -> Tensor<T> {
        let shape = to.shape(&self.rows, M);
        Tensor::written(shape, |out| {
            if T::TANGENTS > 1 {
                // A number is a vector by itself; copies of whole columns would leave the first-level cache.
                return dispatch(
                    #[inline(always)]
                    || {
                        self.walk.runs(
                            #[inline(always)]
                            |done, len, at, steps| {
                                for i in 0..len {
                                    let row = f(std::array::from_fn(
                                        #[inline(always)]
                                        |k| self.elements[k][position(at[k], i, steps[k])],
                                    ));
                                    row.iter().enumerate().for_each(|(m, y)| to.write(out, (m, M), done + i, &[*y]));
                                }
                            },
                        );
                    },
                );
            }
            dispatch(
                #[inline(always)]
                || {
                    let mut x = [[T::ZERO; MAP_CHUNK]; K];
                    let mut y = [[T::ZERO; MAP_CHUNK]; M];
                    self.walk.runs(
                        #[inline(always)]
                        |done, len, at, steps| {
                            let run = Run { done, len, at, steps };
                            for start in (0..len).step_by(MAP_CHUNK) {
                                let n = (len - start).min(MAP_CHUNK);
                                // Padded with the last row, so that the loop ends with a whole vector.
                                let padded = if n < LANES { n } else { n.next_multiple_of(LANES) };
                                // Whole chunks without gaps are read in place.
                                let in_place = steps.map(|step| step == 1 && n == MAP_CHUNK);
                                for (k, x) in x.iter_mut().enumerate().filter(|(k, _)| !in_place[*k]) {
                                    self.read(&run, k, start, &mut x[..n]);
                                    let last = x[n - 1];
                                    x[n..padded].fill(last);
                                }
                                let x: [&[T; MAP_CHUNK]; K] = std::array::from_fn(
                                    #[inline(always)]
                                    |k| match self.elements[k].get((at[k] as usize + start)..) {
                                        Some(chunk) if in_place[k] => chunk.first_chunk().expect("a whole chunk"),
                                        _ => &x[k],
                                    },
                                );
                                call(&f, padded, x, &mut y);
                                for (m, y) in y.iter().enumerate() {
                                    to.write(out, (m, M), done + start, &y[..n]);
                                }
                            }
                        },
                    );
                },
            );
        })
    }
}
