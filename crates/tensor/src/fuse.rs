//! Functions of several tensors in one pass over the memory.

use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::simd::dispatch;
use crate::tensor::Tensor;
use crate::walk::Walk;

/// The largest number of tensors that [`Tensor::fuse`] takes.
pub const MAX_FUSED: usize = 6;

/// Operands that do not lie side by side are copied so many elements at a time.
const FEW: usize = 64;

impl<T: Scalar> Tensor<T> {
    /// `f` of the elements at each place of `x`, tensors that broadcast to a common shape. A function of fewer than
    /// [`MAX_FUSED`] gets any of them for the others.
    ///
    /// ```
    /// use unspool_tensor::Tensor;
    /// let (a, b) = (Tensor::<f32>::ones([2, 3]), Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let y = Tensor::fuse("blend", [&a, &b, &a, &a, &a, &a], |[a, b, ..]| 0.5 * a + 0.5 * b);
    /// assert_eq!(y.to_vec(), [1.0, 1.5, 2.0, 1.0, 1.5, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast; the message names `op`.
    #[track_caller]
    #[inline]
    pub fn fuse(op: &str, x: [&Tensor<T>; MAX_FUSED], f: impl Fn([T; MAX_FUSED]) -> T) -> Tensor<T> {
        let common;
        let shape = if x.iter().all(|other| other.same_shape(x[0])) {
            &x[0].layout().shape
        } else {
            common = common_shape(op, &x);
            &common
        };
        let walk = Walk::over(shape, x.map(Tensor::layout));
        let elements = x.map(|x| x.buffer.elements());
        Tensor::written_like(shape, |out| {
            dispatch(
                #[inline(always)]
                || {
                    walk.runs(
                        #[inline(always)]
                        |done, len, at, steps| {
                            let out = &mut out[done..done + len];
                            if steps == [1; MAX_FUSED] {
                                let [a, b, c, d, e, g] = [0, 1, 2, 3, 4, 5].map(
                                    #[inline(always)]
                                    |k| &elements[k][at[k] as usize..][..len],
                                );
                                over(out, [a, b, c, d, e, g], &f);
                            } else {
                                over_copies(out, elements, at, steps, &f);
                            }
                        },
                    );
                },
            );
        })
    }
}

#[inline(always)]
fn over<T: Scalar>(out: &mut [T], [a, b, c, d, e, g]: [&[T]; MAX_FUSED], f: &impl Fn([T; MAX_FUSED]) -> T) {
    for ((((((y, &a), &b), &c), &d), &e), &g) in out.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e).zip(g) {
        *y = f([a, b, c, d, e, g]);
    }
}

#[inline(always)]
fn over_copies<T: Scalar>(
    out: &mut [T],
    elements: [&[T]; MAX_FUSED],
    at: [isize; MAX_FUSED],
    steps: [isize; MAX_FUSED],
    f: &impl Fn([T; MAX_FUSED]) -> T,
) {
    let mut few = [[T::ZERO; FEW]; MAX_FUSED];
    for (part, out) in out.chunks_mut(FEW).enumerate() {
        for (k, few) in few.iter_mut().enumerate() {
            let at = at[k] + (part * FEW) as isize * steps[k];
            for (i, x) in few[..out.len()].iter_mut().enumerate() {
                *x = elements[k][(at + i as isize * steps[k]) as usize];
            }
        }
        let [a, b, c, d, e, g] = &few;
        over(out, [a, b, c, d, e, g], f);
    }
}

#[track_caller]
fn common_shape<T: Scalar>(op: &str, x: &[&Tensor<T>]) -> Shape {
    let shapes = x.iter().map(|x| x.layout().shape);
    let common = shapes.clone().try_fold(Shape::from([]), |common, shape| common.broadcast(&shape));
    common.unwrap_or_else(|| {
        let shapes: Vec<String> = shapes.map(|shape| shape.to_string()).collect();
        panic!("{op}: shapes {} do not broadcast", shapes.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_of_every_layout_meet_at_their_places() {
        let values = |shape: &[usize], seed: usize| Tensor::<f64>::from_fn(shape, |i| ((i * 31 + seed) % 17) as f64);
        let operands = [
            values(&[3, 2, 70], 1),
            values(&[70, 2, 3], 2).permute(&[2, 1, 0]),
            values(&[70], 3),
            values(&[2, 1], 4),
            Tensor::scalar(5.0),
            values(&[3, 2, 200], 6).slice(2, 60..130),
        ];
        let f = |[a, b, c, d, e, g]: [f64; 6]| a + 2.0 * b + 4.0 * c + 8.0 * d + 16.0 * e + 32.0 * g;
        for turn in 0..6 {
            let x: [&Tensor<f64>; 6] = std::array::from_fn(|k| &operands[(k + turn) % 6]);
            let whole = x.map(|x| x.expand([3, 2, 70]).to_vec());
            let expected: Vec<f64> = (0..420).map(|i| f([0, 1, 2, 3, 4, 5].map(|k: usize| whole[k][i]))).collect();
            assert_eq!(Tensor::fuse("sum", x, f).to_vec(), expected);
        }
        let contiguous = operands.each_ref().map(|x| x.expand([3, 2, 70]).contiguous());
        let expected = Tensor::fuse("sum", operands.each_ref(), f);
        assert_eq!(Tensor::fuse("sum", contiguous.each_ref(), f), expected);
    }

    #[test]
    #[should_panic(expected = "blend: shapes [2], [3], [2], [2], [2], [2] do not broadcast")]
    fn shapes_that_do_not_broadcast_are_refused() {
        let (a, b) = (Tensor::<f32>::zeros([2]), Tensor::zeros([3]));
        let _ = Tensor::fuse("blend", [&a, &b, &a, &a, &a, &a], |[a, ..]| a);
    }
}
