//! Elementwise functions that overwrite their operands.

use crate::loops::blocks::update_run;
use crate::loops::simd::dispatch;
use crate::loops::strided::{Walk, position};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::tuning::{PARALLEL_ZIP, ZIP_CHUNK};

impl<T: Scalar> Tensor<T> {
    /// Replaces each element `x` by `f(x, y)`, with `y` from `other`, which must broadcast to this
    /// shape.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let mut x = Tensor::<f32>::ones([2, 2]);
    /// x.update(&Tensor::from_vec(vec![1.0, 2.0], [2]), |x, y| x + 10.0 * y);
    /// assert_eq!(x.to_vec(), [11.0, 21.0, 11.0, 21.0]);
    /// ```
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    #[inline]
    pub fn update(&mut self, other: &Tensor<T>, f: impl Fn(T, T) -> T) {
        if !self.same_shape(other) {
            let (shape, given) = (self.shape(), other.shape());
            ensure!(shape.broadcast(&given) == Some(shape), "update: {given} does not broadcast to {shape}");
        }
        self.make_writable();
        let (layout, elements) = self.buffer.get_mut_laid_out().expect("made writable above");
        let n = layout.shape.numel();
        let start = if n == 0 { 0 } else { layout.offset };
        let walk = Walk::over(&layout.shape, [other.layout()]);
        let source = other.walked();
        walk.write_runs(
            &mut elements[start..start + n],
            #[inline(always)]
            move |out, [at], [step]| {
                let len = out.len();
                if step == 1 {
                    update_run(
                        out,
                        [&source[at as usize..][..len]],
                        #[inline(always)]
                        |x, [y]| f(x, y),
                    );
                } else {
                    for (i, x) in out.iter_mut().enumerate() {
                        *x = f(*x, source[position(at, i, step)]);
                    }
                }
            },
        );
    }

    /// This tensor with 0 for each element of a magnitude below `least`, in its own memory if no other tensor shares
    /// it. Nothing is read if `least` is 0.
    #[doc(hidden)]
    #[inline]
    pub fn flush(mut self, least: T) -> Tensor<T> {
        if least == T::ZERO {
            return self;
        }
        if !(self.buffer.is_unique() && self.is_contiguous()) {
            return self.map(
                #[inline(always)]
                |x| x.flush(least),
            );
        }
        let elements = self.as_mut_slice();
        dispatch(
            #[inline(always)]
            || {
                update_run(
                    elements,
                    [],
                    #[inline(always)]
                    |x, []| x.flush(least),
                )
            },
        );
        self
    }

    /// Replaces each element `x` of this tensor and the elements `o` of `others` at its position by
    /// `f(x, o, y)`, with `y` from `source`: several results in one pass over the memory. All have
    /// one shape. Threads share large tensors.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let (mut weight, mut velocity) = (Tensor::<f32>::ones([3]), [Tensor::zeros([3])]);
    /// let gradient = Tensor::from_vec(vec![0.0, 1.0, 2.0], [3]);
    /// weight.zip_mut_with(&mut velocity, &gradient, |w, [v], g| {
    ///     let v = 0.9 * v + g;
    ///     (w - v, [v])
    /// });
    /// assert_eq!((weight.to_vec(), velocity[0].to_vec()), (vec![1.0, 0.0, -1.0], vec![0.0, 1.0, 2.0]));
    /// ```
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    #[inline]
    pub fn zip_mut_with<const N: usize>(
        &mut self,
        others: &mut [Tensor<T>; N],
        source: &Tensor<T>,
        f: impl Fn(T, [T; N], T) -> (T, [T; N]) + Sync,
    ) {
        for other in others.iter().chain([source]) {
            let (shape, other) = (self.layout().shape, other.layout().shape);
            ensure!(shape == other, "zip_mut_with: {other} is not of shape {shape}");
        }
        let source = source.contiguous();
        let ys = source.as_slice().expect("contiguous");
        let others = others.each_mut().map(|other| other.as_mut_slice());
        zip_halves(self.as_mut_slice(), others, ys, &f);
    }
}

/// [`zip_chunks`], where large slices are halved and threads share the halves.
fn zip_halves<T: Scalar, const N: usize>(
    xs: &mut [T],
    mut others: [&mut [T]; N],
    ys: &[T],
    f: &(impl Fn(T, [T; N], T) -> (T, [T; N]) + Sync),
) {
    if xs.len() < PARALLEL_ZIP || rayon::current_num_threads() == 1 {
        return zip_chunks(xs, others, ys, f);
    }
    let middle = (xs.len() / 2).next_multiple_of(ZIP_CHUNK);
    let (xs, more_xs) = xs.split_at_mut(middle);
    let (ys, more_ys) = ys.split_at(middle);
    let more_others = others.each_mut().map(|other| {
        let (left, right) = std::mem::take(other).split_at_mut(middle);
        *other = left;
        right
    });
    rayon::join(|| zip_halves(xs, others, ys, f), || zip_halves(more_xs, more_others, more_ys, f));
}

/// Replaces the elements at each position of the slices, but not of `ys`, by `f` of all of them.
#[inline(always)]
fn zip_chunks<T: Scalar, const N: usize>(
    xs: &mut [T],
    mut others: [&mut [T]; N],
    ys: &[T],
    f: &impl Fn(T, [T; N], T) -> (T, [T; N]),
) {
    dispatch(
        #[inline(always)]
        || {
            // The compiler cannot prove that the slices do not overlap, and so would not vectorize a loop over them.
            // It knows that these copies do not. Aligned to a cache line, else each vector would cross two.
            #[repr(align(64))]
            struct Aligned<A>(A);
            let mut copies = Aligned(([[T::ZERO; ZIP_CHUNK]; 2], [[T::ZERO; ZIP_CHUNK]; N]));
            let ([x, y], o) = &mut copies.0;
            for start in (0..ys.len()).step_by(ZIP_CHUNK) {
                let chunk = start..ys.len().min(start + ZIP_CHUNK);
                let len = chunk.len();
                x[..len].copy_from_slice(&xs[chunk.clone()]);
                y[..len].copy_from_slice(&ys[chunk.clone()]);
                for (o, other) in o.iter_mut().zip(&others) {
                    o[..len].copy_from_slice(&other[chunk.clone()]);
                }
                // All of the copies, though the last chunk fills only a part: a loop of constant length has no remainder
                // that would be computed one element at a time.
                for i in 0..ZIP_CHUNK {
                    let (new, others) = f(x[i], std::array::from_fn(|k| o[k][i]), y[i]);
                    x[i] = new;
                    for k in 0..N {
                        o[k][i] = others[k];
                    }
                }
                xs[chunk.clone()].copy_from_slice(&x[..len]);
                for (o, other) in o.iter().zip(&mut others) {
                    other[chunk.clone()].copy_from_slice(&o[..len]);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_nobody_shares_is_updated_where_it_is() {
        let mut x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [4]).slice(0, 1..3);
        let before = x.as_slice().unwrap().as_ptr();
        x.update(&Tensor::from_slice(&[10.0, 20.0], [2]), |x, y| x + y);
        assert_eq!((x.to_vec(), x.as_slice().unwrap().as_ptr()), (vec![12.0, 23.0], before));
    }

    #[test]
    fn threads_share_large_tensors_and_miss_no_element() {
        let len = 3 * PARALLEL_ZIP + 77;
        let values = |seed: usize| Tensor::<f32>::from_fn([len], |i| ((i * 31 + seed) % 1009) as f32);
        let (y, a, b) = (values(1), values(2), values(3));
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut x, mut others) = (values(0), [a.clone(), b.clone()]);
            pool.install(|| x.zip_mut_with(&mut others, &y, |x, [a, b], y| (x + y, [a - x, b + 2.0 * y])));
            assert_eq!(x, &values(0) + &y);
            assert_eq!(others, [&a - &values(0), &b + &(&y * 2.0)]);
        }
    }
}
