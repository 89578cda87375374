//! The linear recurrence `h_t = a_t h_(t-1) + b_t` and its gradient, of real and of complex numbers.
//!
//! A complex number is a pair of planes, its real and its imaginary part: everything here is
//! written for `N` planes, 1 or 2. Time is the first axis; the elements of a step are independent
//! of each other. They are cut into blocks of columns, so that the state of a block stays in cache
//! from step to step, and several threads may take blocks.

use crate::loops::simd::dispatch;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tuning::{PARALLEL_RECURRENCE, RECURRENCE_COLUMNS};
use rayon::prelude::*;

/// One step forward, of one block: `y = a h + b`.
#[inline(always)]
fn step<T: Scalar, const N: usize>(y: &mut [&mut [T]; N], a: [&[T]; N], h: [&[T]; N], b: [&[T]; N]) {
    // The planes are taken apart, so that the compiler sees that they do not overlap.
    match (&mut y[..], &a[..], &h[..], &b[..]) {
        ([y], [a], [h], [b]) => real_step(y, a, h, b),
        ([yr, yi], [ar, ai], [hr, hi], [br, bi]) => complex_step((yr, yi), (ar, ai), (hr, hi), (br, bi)),
        _ => unreachable!("a number has one or two planes"),
    }
}

#[inline(always)]
fn real_step<T: Scalar>(y: &mut [T], a: &[T], h: &[T], b: &[T]) {
    let n = y.len();
    let (a, h, b) = (&a[..n], &h[..n], &b[..n]);
    for i in 0..n {
        y[i] = a[i] * h[i] + b[i];
    }
}

#[inline(always)]
fn complex_step<T: Scalar>(
    (yr, yi): (&mut [T], &mut [T]),
    (ar, ai): (&[T], &[T]),
    (hr, hi): (&[T], &[T]),
    (br, bi): (&[T], &[T]),
) {
    let n = yr.len();
    let (yi, ar, ai, hr, hi, br, bi) = (&mut yi[..n], &ar[..n], &ai[..n], &hr[..n], &hi[..n], &br[..n], &bi[..n]);
    for i in 0..n {
        yr[i] = ar[i] * hr[i] - ai[i] * hi[i] + br[i];
        yi[i] = ar[i] * hi[i] + ai[i] * hr[i] + bi[i];
    }
}

/// One step backward, of one block. `g` is the gradient of the step's value alone and becomes that
/// with what reaches it from the steps after it, `carried`; this becomes `a* g`, what reaches the
/// step before.
#[inline(always)]
fn step_back<T: Scalar, const N: usize>(g: &mut [&mut [T]; N], carried: &mut [&mut [T]; N], a: [&[T]; N]) {
    match (&mut g[..], &mut carried[..], &a[..]) {
        ([g], [c], [a]) => real_step_back(g, c, a),
        ([gr, gi], [cr, ci], [ar, ai]) => complex_step_back((gr, gi), (cr, ci), (ar, ai)),
        _ => unreachable!("a number has one or two planes"),
    }
}

#[inline(always)]
fn real_step_back<T: Scalar>(g: &mut [T], carried: &mut [T], a: &[T]) {
    let n = g.len();
    let (carried, a) = (&mut carried[..n], &a[..n]);
    for i in 0..n {
        let sum = g[i] + carried[i];
        g[i] = sum;
        carried[i] = a[i] * sum;
    }
}

#[inline(always)]
fn complex_step_back<T: Scalar>(
    (gr, gi): (&mut [T], &mut [T]),
    (cr, ci): (&mut [T], &mut [T]),
    (ar, ai): (&[T], &[T]),
) {
    let n = gr.len();
    let (gi, cr, ci, ar, ai) = (&mut gi[..n], &mut cr[..n], &mut ci[..n], &ar[..n], &ai[..n]);
    for i in 0..n {
        let (re, im) = (gr[i] + cr[i], gi[i] + ci[i]);
        (gr[i], gi[i]) = (re, im);
        cr[i] = ar[i] * re + ai[i] * im;
        ci[i] = ar[i] * im - ai[i] * re;
    }
}

/// The gradient of the factors in one step, `h* g`: written to `da`, or added to it.
#[inline(always)]
fn factor_gradient<T: Scalar, const N: usize>(da: &mut [&mut [T]; N], g: [&[T]; N], h: [&[T]; N], add: bool) {
    match (&mut da[..], &g[..], &h[..]) {
        ([da], [g], [h]) => real_factor_gradient(da, g, h, add),
        ([dr, di], [gr, gi], [hr, hi]) => complex_factor_gradient((dr, di), (gr, gi), (hr, hi), add),
        _ => unreachable!("a number has one or two planes"),
    }
}

#[inline(always)]
fn real_factor_gradient<T: Scalar>(da: &mut [T], g: &[T], h: &[T], add: bool) {
    let n = da.len();
    let (g, h) = (&g[..n], &h[..n]);
    for i in 0..n {
        let term = g[i] * h[i];
        da[i] = if add { da[i] + term } else { term };
    }
}

#[inline(always)]
fn complex_factor_gradient<T: Scalar>(
    (dr, di): (&mut [T], &mut [T]),
    (gr, gi): (&[T], &[T]),
    (hr, hi): (&[T], &[T]),
    add: bool,
) {
    let n = dr.len();
    let (di, gr, gi, hr, hi) = (&mut di[..n], &gr[..n], &gi[..n], &hr[..n], &hi[..n]);
    for i in 0..n {
        let (re, im) = (gr[i] * hr[i] + gi[i] * hi[i], gi[i] * hr[i] - gr[i] * hi[i]);
        (dr[i], di[i]) = if add { (dr[i] + re, di[i] + im) } else { (re, im) };
    }
}

/// The factors `a` of all steps: planes with the elements of one step (if all have the same) or of
/// every step.
struct Decay<T: Scalar, const N: usize> {
    planes: [Tensor<T>; N],
    is_constant: bool,
}

impl<T: Scalar, const N: usize> Decay<T, N> {
    /// `a` broadcast to steps of a shape.
    fn new(a: [&Tensor<T>; N], shape: Shape) -> Self {
        let step = shape[1..].iter().copied().collect::<Shape>();
        let is_constant = a.iter().all(|a| a.rank() < shape.rank() || a.shape()[0] == 1);
        let planes = a.map(|a| match is_constant {
            true if a.rank() == shape.rank() => a.select(0, 0).expand(step).contiguous(),
            true => a.expand(step).contiguous(),
            false => a.expand(shape).contiguous(),
        });
        Decay { planes, is_constant }
    }

    /// The elements of step `t`, of `width` elements.
    fn step(&self, t: usize, width: usize) -> [&[T]; N] {
        let start = if self.is_constant { 0 } else { t * width };
        planes(&self.planes).map(|plane| &plane[start..start + width])
    }
}

fn planes<T: Scalar, const N: usize>(tensors: &[Tensor<T>; N]) -> [&[T]; N] {
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

/// The gradients of [`Tensor::recurrence`].
#[doc(hidden)]
pub struct RecurrenceGradients<T: Scalar, const N: usize> {
    /// Of `a`, of the shape of one step if `a` is the same at all of them.
    pub a: Option<[Tensor<T>; N]>,
    pub b: [Tensor<T>; N],
    pub h0: [Tensor<T>; N],
}

impl<T: Scalar> Tensor<T> {
    /// `h_t = a_t h_(t-1) + b_t` for t = 1 to T, element by element: all `h_t`, `[T, ..]`; of complex
    /// numbers (N = 2) `[2, T, ..]`. `b` is `[T, ..]`, `a` broadcasts to it, `h0` is one step of it.
    /// The caller checks the shapes.
    #[doc(hidden)]
    pub fn recurrence<const N: usize>(a: [&Tensor<T>; N], b: [&Tensor<T>; N], h0: [&Tensor<T>; N]) -> Tensor<T> {
        let shape = b[0].shape();
        let decay = Decay::new(a, shape);
        let (b, h0) = (b.map(Tensor::contiguous), h0.map(Tensor::contiguous));
        let (b, h0) = (planes(&b), planes(&h0));
        let width = h0[0].len();
        let out = if N == 1 { shape } else { [N].into_iter().chain(shape.iter().copied()).collect() };
        Tensor::written(out, |out| {
            let elements = out.len();
            let blocks = blocks::<T, N>(out, width, RECURRENCE_COLUMNS);
            for_each_block(blocks, RECURRENCE_COLUMNS, elements, |start, mut pieces| {
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
                            let a = decay.step(t, width).map(|plane| &plane[start..][..len]);
                            let b = b.map(|plane| &plane[t * width + start..][..len]);
                            step(now, a, h, b);
                        }
                    },
                );
            });
        })
    }

    /// The gradients with respect to `a` (if `a_needed`), `b` and `h0`, given the result `y` of
    /// [`recurrence`](Tensor::recurrence) and the gradient `grad` with respect to it: with
    /// `g_t = dy_t + a_(t+1)* g_(t+1)`, `da_t = h_(t-1)* g_t`, `db_t = g_t`, `dh0 = a_1* g_1`, where
    /// `*` is the complex conjugate.
    #[doc(hidden)]
    pub fn recurrence_gradients<const N: usize>(
        a: [&Tensor<T>; N],
        h0: [&Tensor<T>; N],
        y: &Tensor<T>,
        mut grad: Tensor<T>,
        a_needed: bool,
    ) -> RecurrenceGradients<T, N> {
        let shape: Shape = y.shape()[usize::from(N == 2)..].iter().copied().collect();
        let step: Shape = shape[1..].iter().copied().collect();
        let decay = Decay::new(a, shape);
        let h0 = h0.map(Tensor::contiguous);
        let h0 = planes(&h0);
        let width = h0[0].len();
        let y = y.contiguous();
        let plane_len = shape.numel();
        let ys = y.as_slice().expect("contiguous");
        let ys: [&[T]; N] = std::array::from_fn(|i| &ys[i * plane_len..(i + 1) * plane_len]);
        // Of each step, or summed over the steps.
        let a_shape = if decay.is_constant { step } else { shape };
        let with_planes = |shape: Shape| [N].into_iter().chain(shape.iter().copied()).collect::<Shape>();
        let mut da = a_needed.then(|| match decay.is_constant {
            true => Tensor::zeros(with_planes(a_shape)),
            false => Tensor::scratch(with_planes(a_shape)),
        });
        let mut dh = Tensor::zeros(with_planes(step));
        {
            let grad = grad.as_mut_slice();
            let elements = grad.len();
            let mut work: Vec<_> = blocks::<T, N>(grad, width, RECURRENCE_COLUMNS)
                .into_iter()
                .zip(blocks::<T, N>(dh.as_mut_slice(), width, RECURRENCE_COLUMNS))
                .map(|(gs, dh)| (gs, dh, None))
                .collect();
            if let Some(da) = &mut da {
                let das = blocks::<T, N>(da.as_mut_slice(), width, RECURRENCE_COLUMNS);
                work.iter_mut().zip(das).for_each(|((_, _, slot), da)| *slot = Some(da));
            }
            for_each_block(work, RECURRENCE_COLUMNS, elements, |start, (mut gs, mut dh, mut das)| {
                dispatch(
                    #[inline(always)]
                    || {
                        // The gradient that reaches h_t from the steps after it.
                        let carried = &mut dh[0];
                        for (t, g) in gs.iter_mut().enumerate().rev() {
                            let len = g[0].len();
                            let a = decay.step(t, width).map(|plane| &plane[start..][..len]);
                            let h = match t {
                                0 => h0.map(|plane| &plane[start..][..len]),
                                _ => ys.map(|plane| &plane[(t - 1) * width + start..][..len]),
                            };
                            step_back(g, carried, a);
                            if let Some(das) = &mut das {
                                let g = g.each_ref().map(|plane| &**plane);
                                factor_gradient(
                                    &mut das[if decay.is_constant { 0 } else { t }],
                                    g,
                                    h,
                                    decay.is_constant,
                                );
                            }
                        }
                    },
                );
            });
        }
        let first = |tensor: Tensor<T>| std::array::from_fn(|i| tensor.select(0, i));
        // A step at which `a` has an axis of its own for time.
        let keeps_time = decay.is_constant && a[0].rank() == shape.rank();
        RecurrenceGradients {
            a: da.map(first).map(|da: [Tensor<T>; N]| if keeps_time { da.map(|da| da.unsqueeze(0)) } else { da }),
            b: if N == 1 { std::array::from_fn(|_| grad.clone()) } else { first(grad) },
            h0: first(dh),
        }
    }
}
