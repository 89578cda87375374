//! Elementwise functions that overwrite their operands.

use crate::loops::blocks::update_run;
use crate::loops::simd::dispatch;
use crate::loops::strided::{Walk, position};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::tuning::ZIP_CHUNK;

impl<T: Scalar> Tensor<T> {
    /// Replaces each element `x` by `f(x, y)`, with `y` from `other`, which must broadcast to this
    /// shape.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
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
        let shape = self.layout().shape;
        ensure!(
            shape.broadcast(&other.layout().shape) == Some(shape),
            "update: {} does not broadcast to {shape}",
            other.layout().shape
        );
        let walk = Walk::over(&shape, [other.layout()]);
        let source = other.buffer.elements();
        walk.write_runs(
            self.as_mut_slice(),
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
    /// one shape.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
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
        f: impl Fn(T, [T; N], T) -> (T, [T; N]),
    ) {
        for other in others.iter().chain([source]) {
            let (shape, other) = (self.layout().shape, other.layout().shape);
            ensure!(shape == other, "zip_mut_with: {other} is not of shape {shape}");
        }
        let source = source.contiguous();
        let ys = source.as_slice().expect("contiguous");
        let xs = self.as_mut_slice();
        let mut others = others.each_mut().map(|other| other.as_mut_slice());
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
}
