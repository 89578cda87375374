//! Linear recurrences over time and their gradients, in each of their [`Form`]s.
//!
//! A complex number is a pair of planes, its real and its imaginary part: everything here is
//! written for `N` planes, 1 or 2. Time is the first axis; the elements of a step are independent
//! of each other. They are cut into blocks of columns, so that the state of a block stays in cache
//! from step to step, and several threads may take blocks.

mod forms;
mod planes;

pub use forms::{Complex, Form, Lerp, Real};

use crate::loops::simd::dispatch;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tuning::PARALLEL_RECURRENCE;
use planes::{Plane, block_of};
use rayon::prelude::*;

fn slices<T: Scalar, const N: usize>(tensors: &[Tensor<T>; N]) -> [&[T]; N] {
    tensors.each_ref().map(|tensor| tensor.as_slice().expect("contiguous"))
}

/// The rows of `N` planes that lie one after the other in `all`, cut into blocks of columns: for
/// each block a list of its pieces, one for each step.
fn blocks<T, const N: usize>(all: &mut [T], width: usize, block: usize) -> Vec<Vec<[&mut [T]; N]>> {
    let steps = (all.len() / N).checked_div(width).unwrap_or(0);
    let mut blocks: Vec<Vec<[&mut [T]; N]>> = (0..width.div_ceil(block)).map(|_| Vec::with_capacity(steps)).collect();
    let mut rest = all;
    let mut rows: [_; N] = std::array::from_fn(|_| {
        let (plane, after) = std::mem::take(&mut rest).split_at_mut(steps * width);
        rest = after;
        plane.chunks_exact_mut(width.max(1))
    });
    for _ in 0..steps {
        let mut row = rows.each_mut().map(|rows| rows.next().expect("as many as steps").chunks_mut(block));
        for pieces in &mut blocks {
            pieces.push(row.each_mut().map(|row| row.next().expect("as many as blocks")));
        }
    }
    blocks
}

/// Runs `f` on each block, with the columns it covers: on several threads if there is much to do.
/// Each element is computed in the same way by one of them.
fn for_each_block<B: Send>(blocks: Vec<B>, block: usize, elements: usize, f: impl Fn(usize, B) + Sync) {
    if elements < PARALLEL_RECURRENCE {
        blocks.into_iter().enumerate().for_each(|(i, pieces)| f(i * block, pieces));
    } else {
        blocks.into_par_iter().enumerate().for_each(|(i, pieces)| f(i * block, pieces));
    }
}

#[inline(always)]
fn add<T: Scalar>(to: &mut [T], x: &[T]) {
    let n = to.len();
    let x = &x[..n];
    for i in 0..n {
        to[i] += x[i];
    }
}

/// The gradients of [`Tensor::recurrence`].
#[doc(hidden)]
#[derive(Debug)]
pub struct RecurrenceGradients<T: Scalar, const N: usize> {
    /// Of `a`, of the shape of one step if `a` is the same at all of them.
    pub a: Option<[Tensor<T>; N]>,
    pub b: [Tensor<T>; N],
    pub h0: [Tensor<T>; N],
}

impl<T: Scalar> Tensor<T> {
    /// A step of a [`Form`] for t = 1 to T, element by element: all `h_t`, `[T, ..]`; of complex
    /// numbers (N = 2) `[2, T, ..]`. `b` is `[T, ..]`, `a` broadcasts to it, `h0` is one step of it.
    /// The caller checks the shapes.
    #[doc(hidden)]
    pub fn recurrence<F: Form<N>, const N: usize>(
        a: [&Tensor<T>; N],
        b: [&Tensor<T>; N],
        h0: [&Tensor<T>; N],
    ) -> Tensor<T> {
        let shape = b[0].shape();
        let (a, b) = (a.map(|a| Plane::new(a, shape)), b.map(|b| Plane::new(b, shape)));
        let h0 = h0.map(Tensor::contiguous);
        let h0 = slices(&h0);
        let width = h0[0].len();
        let block = block_of(a.iter().chain(&b), width);
        let out = if N == 1 { shape } else { [N].into_iter().chain(shape.iter().copied()).collect() };
        Tensor::written(out, |out| {
            let elements = out.len();
            let blocks = blocks::<T, N>(out, width, block);
            for_each_block(blocks, block, elements, |start, mut pieces| {
                dispatch(
                    #[inline(always)]
                    || {
                        for t in 0..pieces.len() {
                            let (before, now) = pieces.split_at_mut(t);
                            let now = &mut now[0];
                            let len = now[0].len();
                            let h = match before.last() {
                                Some(before) => before.each_ref().map(|plane| &plane[..len]),
                                None => h0.map(|plane| &plane[start..][..len]),
                            };
                            let [a, b] = [&a, &b].map(|x| x.each_ref().map(|plane| plane.piece(t, start, len)));
                            F::step(now, a, h, b);
                        }
                    },
                );
            });
        })
    }

    /// The gradients with respect to `a` (if `a_needed`), `b` and `h0`, given the result `y` of
    /// [`recurrence`](Tensor::recurrence) and the gradient `grad` with respect to it. What passes from step to step
    /// is 0 below `least`.
    #[doc(hidden)]
    pub fn recurrence_gradients<F: Form<N>, const N: usize>(
        a: [&Tensor<T>; N],
        b: [&Tensor<T>; N],
        h0: [&Tensor<T>; N],
        y: &Tensor<T>,
        mut grad: Tensor<T>,
        (a_needed, least): (bool, T),
    ) -> RecurrenceGradients<T, N> {
        let shape: Shape = y.shape()[usize::from(N == 2)..].iter().copied().collect();
        let step: Shape = shape[1..].iter().copied().collect();
        // Whether the factors are the same in all steps, and have an axis for time nevertheless.
        let is_constant = a.iter().all(|a| a.rank() < shape.rank() || a.shape()[0] == 1);
        let keeps_time = is_constant && a[0].rank() == shape.rank();
        let (a, b) = (a.map(|a| Plane::new(a, shape)), b.map(|b| Plane::new(b, shape)));
        let h0 = h0.map(Tensor::contiguous);
        let h0 = slices(&h0);
        let width = h0[0].len();
        let block = block_of(a.iter().chain(&b), width);
        let y = y.contiguous();
        let plane_len = shape.numel();
        let ys = y.as_slice().expect("contiguous");
        let ys: [&[T]; N] = std::array::from_fn(|i| &ys[i * plane_len..(i + 1) * plane_len]);
        // Of each step, or summed over the steps.
        let a_shape = if is_constant { step } else { shape };
        let with_planes = |shape: Shape| [N].into_iter().chain(shape.iter().copied()).collect::<Shape>();
        let mut da = a_needed.then(|| match is_constant {
            true => Tensor::zeros(with_planes(a_shape)),
            false => Tensor::scratch(with_planes(a_shape)),
        });
        let mut dh = Tensor::zeros(with_planes(step));
        {
            let grad = grad.as_mut_slice();
            let elements = grad.len();
            let mut work: Vec<_> = blocks::<T, N>(grad, width, block)
                .into_iter()
                .zip(blocks::<T, N>(dh.as_mut_slice(), width, block))
                .map(|(gs, dh)| (gs, dh, None))
                .collect();
            if let Some(da) = &mut da {
                let das = blocks::<T, N>(da.as_mut_slice(), width, block);
                work.iter_mut().zip(das).for_each(|((_, _, slot), da)| *slot = Some(da));
            }
            for_each_block(work, block, elements, |start, (mut gs, mut dh, mut das)| {
                dispatch(
                    #[inline(always)]
                    || {
                        // The gradient that reaches h_t from the steps after it.
                        let carried = &mut dh[0];
                        for (t, g) in gs.iter_mut().enumerate().rev() {
                            let len = g[0].len();
                            let [a, b] = [&a, &b].map(|x| x.each_ref().map(|plane| plane.piece(t, start, len)));
                            let h = match t {
                                0 => h0.map(|plane| &plane[start..][..len]),
                                _ => ys.map(|plane| &plane[(t - 1) * width + start..][..len]),
                            };
                            for (g, carried) in g.iter_mut().zip(carried.iter()) {
                                add(g, carried);
                            }
                            if let Some(das) = &mut das {
                                let g = g.each_ref().map(|plane| &**plane);
                                let da = &mut das[if is_constant { 0 } else { t }];
                                F::factor_gradient(da, g, h, b, is_constant);
                            }
                            F::step_back(g, carried, a, least);
                        }
                    },
                );
            });
        }
        let first = |tensor: Tensor<T>| std::array::from_fn(|i| tensor.select(0, i));
        RecurrenceGradients {
            a: da.map(first).map(|da: [Tensor<T>; N]| if keeps_time { da.map(|da| da.unsqueeze(0)) } else { da }),
            b: if N == 1 { std::array::from_fn(|_| grad.clone()) } else { first(grad) },
            h0: first(dh),
        }
    }
}
