//! Writing into part of an axis, and adding to it.

use crate::loops::strided::{Walk, copy_run, position};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// Overwrites the part of `axis` that begins at `start` with the elements of `part`.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let mut x = Tensor::<f32>::zeros([2, 3]);
    /// x.slice_assign(1, 1, &Tensor::ones([2, 2]));
    /// assert_eq!(x.to_vec(), [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or the part does not fit.
    #[track_caller]
    #[inline]
    pub fn slice_assign(&mut self, axis: usize, start: usize, part: &Tensor<T>) {
        self.update_part(
            "slice_assign",
            axis,
            start,
            1,
            part,
            #[inline(always)]
            |to, from| copy_run(to, from),
        );
    }

    /// Adds the elements of `part` to those positions of `axis` that begin at `start` and are
    /// `step` apart.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let mut x = Tensor::<f32>::ones([5]);
    /// x.slice_add(0, 0, 2, &Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// assert_eq!(x.to_vec(), [2.0, 1.0, 3.0, 1.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or the part does not fit.
    #[track_caller]
    #[inline]
    pub fn slice_add(&mut self, axis: usize, start: usize, step: isize, part: &Tensor<T>) {
        self.update_part(
            "slice_add",
            axis,
            start,
            step,
            part,
            #[inline(always)]
            |to, from| to.iter_mut().zip(from).for_each(|(y, &x)| *y += x),
        );
    }

    #[track_caller]
    #[inline(always)]
    fn update_part(
        &mut self,
        op: &str,
        axis: usize,
        start: usize,
        step: isize,
        part: &Tensor<T>,
        update: impl Fn(&mut [T], &[T]),
    ) {
        let inside = |size: usize| match part.layout().shape[axis] {
            0 => start <= size,
            n => {
                let reach = step.checked_mul(n as isize - 1);
                let last = reach.and_then(|reach| start.checked_add_signed(reach));
                start < size && last.is_some_and(|last| last < size)
            }
        };
        let fits = self.layout().shape.matches_beside(axis, &part.layout().shape) && inside(self.layout().shape[axis]);
        ensure!(
            fits,
            "{op}: {} does not fit into axis {axis} of {} at {start}",
            part.layout().shape,
            self.layout().shape
        );
        self.make_writable();
        // The part of this tensor, as strides and a start: what `slice_step` would view, without the view's block.
        let mut strides = self.layout().strides;
        let from = self.layout().offset + start * strides[axis] as usize;
        if part.layout().shape[axis] > 1 {
            strides[axis] *= step;
        }
        let walk = Walk::new(&part.layout().shape, [from, part.layout().offset], [&strides, &part.layout().strides]);
        let out = self.buffer.get_mut().expect("made writable above");
        let source = part.buffer.elements();
        walk.for_each_run(
            #[inline(always)]
            move |_, len, [to, at], [dto, dat]| {
                if dto == 1 && dat == 1 {
                    update(&mut out[to as usize..][..len], &source[at as usize..][..len]);
                } else {
                    for i in 0..len {
                        let (to, at) = (position(to, i, dto), position(at, i, dat));
                        update(&mut out[to..=to], &source[at..=at]);
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_into_a_shared_tensor_copies_first() {
        let zeros = Tensor::<f32>::zeros([2, 2]);
        let mut x = zeros.clone();
        x.slice_assign(1, 1, &Tensor::ones([2, 1]));
        assert_eq!((x.to_vec(), zeros.to_vec()), (vec![0., 1., 0., 1.], vec![0.; 4]));
    }
}
