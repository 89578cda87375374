//! Functions of several tensors in one pass over the memory.

use crate::loops::blocks::update_run;
use crate::loops::simd::dispatch;
use crate::loops::strided::{Walk, position};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tuning::MAP_CHUNK;

impl<T: Scalar> Tensor<T> {
    /// `f` of the elements at each position of `x`, tensors that broadcast to a common shape.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let (a, b) = (Tensor::<f32>::ones([2, 3]), Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let y = Tensor::map_n([&a, &b], |[a, b]| 0.5 * a + 0.5 * b);
    /// assert_eq!(y.to_vec(), [1.0, 1.5, 2.0, 1.0, 1.5, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn map_n<const N: usize>(x: [&Tensor<T>; N], f: impl Fn([T; N]) -> T) -> Tensor<T> {
        Tensor::map_n_named("map_n", x, f)
    }

    /// [`map_n`](Tensor::map_n) for the op `op`, which a panic names.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn map_n_named<const N: usize>(op: &str, x: [&Tensor<T>; N], f: impl Fn([T; N]) -> T) -> Tensor<T> {
        const { assert!(N > 0, "map_n takes one tensor or more") };
        let common;
        let shape = if x.iter().all(|other| other.same_shape(x[0])) {
            &x[0].layout().shape
        } else {
            common = common_shape(op, &x);
            &common
        };
        let walk = Walk::over(shape, x.map(Tensor::layout));
        let elements = x.map(Tensor::walked);
        Tensor::written_like(shape, |out| {
            // Not `move`, as the other walks are: copying all the slices made 1,024 elements 10% slower.
            dispatch(
                #[inline(always)]
                || {
                    walk.runs(
                        #[inline(always)]
                        |done, len, at, steps| {
                            let out = &mut out[done..done + len];
                            if steps == [1; N] {
                                let x = std::array::from_fn(
                                    #[inline(always)]
                                    |k| &elements[k][at[k] as usize..][..len],
                                );
                                update_run(
                                    out,
                                    x,
                                    #[inline(always)]
                                    |_, x| f(x),
                                );
                            } else {
                                map_copies(out, elements, at, steps, &f);
                            }
                        },
                    )
                },
            );
        })
    }
}

/// Operands with gaps are copied a few elements at a time, so that `f` still runs as SIMD code.
#[inline(always)]
fn map_copies<T: Scalar, const N: usize>(
    out: &mut [T],
    elements: [&[T]; N],
    at: [isize; N],
    steps: [isize; N],
    f: &impl Fn([T; N]) -> T,
) {
    let mut few = [[T::ZERO; MAP_CHUNK]; N];
    for (chunk, out) in out.chunks_mut(MAP_CHUNK).enumerate() {
        for (k, few) in few.iter_mut().enumerate() {
            let at = at[k] + (chunk * MAP_CHUNK) as isize * steps[k];
            for (i, x) in few[..out.len()].iter_mut().enumerate() {
                *x = elements[k][position(at, i, steps[k])];
            }
        }
        // Arrays of a length that the compiler knows: no index is checked in the loop.
        for i in 0..out.len().min(MAP_CHUNK) {
            out[i] = f(std::array::from_fn(
                #[inline(always)]
                |k| few[k][i],
            ));
        }
    }
}

#[track_caller]
fn common_shape<T: Scalar>(op: &str, x: &[&Tensor<T>]) -> Shape {
    let shapes = x.iter().map(|x| x.layout().shape);
    let common = shapes.clone().try_fold(Shape::from([]), |common, shape| common.broadcast(&shape));
    common.unwrap_or_else(|| {
        let shapes: Vec<String> = shapes.map(|shape| shape.to_string()).collect();
        fail!("{op}: shapes {} do not broadcast", shapes.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_of_every_layout_meet_at_their_positions() {
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
            assert_eq!(Tensor::map_n(x, f).to_vec(), expected);
            let [a, b, c, ..] = x;
            let three = Tensor::map_n([a, b, c], |[a, b, c]| a - b * c);
            assert_eq!(three, (a.zip(&b.zip(c, |b, c| b * c), |a, bc| a - bc)));
        }
        let contiguous = operands.each_ref().map(|x| x.expand([3, 2, 70]).contiguous());
        let expected = Tensor::map_n(operands.each_ref(), f);
        assert_eq!(Tensor::map_n(contiguous.each_ref(), f), expected);
    }

    #[test]
    #[should_panic(expected = "map_n: shapes [2], [3], [2] do not broadcast")]
    fn shapes_that_do_not_broadcast_are_refused() {
        let (a, b) = (Tensor::<f32>::zeros([2]), Tensor::zeros([3]));
        let _ = Tensor::map_n([&a, &b, &a], |[a, ..]| a);
    }
}
