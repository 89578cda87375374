//! The tensor itself: how one is made, shared, copied and read.

use crate::loops::strided::{Walk, copy_run, position};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::storage::buffer::Buffer;
use crate::storage::layout::Layout;

/// A dense array of [`Scalar`]s with up to [`MAX_RANK`](crate::MAX_RANK) axes.
///
/// Cloning is cheap: clones and views share one buffer. Writing
/// ([`as_mut_slice`](Tensor::as_mut_slice), [`update`](Tensor::update)) is copy-on-write: a shared
/// buffer is copied first, so writing to one tensor never changes another.
///
/// ```
/// use unspool::Tensor;
/// let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
/// assert_eq!(x.shape()[..], [2, 3]);
/// assert_eq!(x.t().to_vec(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
/// ```
///
/// Arrays, nested up to four times, and vectors become tensors of as many axes. Vectors of vectors
/// may have rows of different lengths: by [`TryFrom`], these are an error.
///
/// ```
/// use unspool::Tensor;
/// let x: Tensor = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]); // a `Tensor` is one of f32
/// assert_eq!(x.shape()[..], [2, 3]);
/// let y = Tensor::from([0.1, 0.2]); // of f64, as Rust reads numbers where nothing states their type
/// assert_eq!(y.to_vec(), [0.1f64, 0.2]);
/// let rows = vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
/// assert_eq!(Tensor::try_from(rows)?, x);
/// # Ok::<(), unspool::tensor::ConversionError>(())
/// ```
#[derive(Clone)]
pub struct Tensor<T: Scalar = f32> {
    pub(crate) buffer: Buffer<T>,
}

impl<T: Scalar> Tensor<T> {
    /// A contiguous tensor whose elements are arbitrary numbers (NaN in debug builds): write them
    /// before reading them.
    ///
    /// # Panics
    /// If `shape` is larger than the address space.
    #[track_caller]
    #[inline]
    pub fn scratch(shape: impl Into<Shape>) -> Self {
        Self::scratch_of(&shape.into())
    }

    /// Like [`scratch`](Tensor::scratch), but `None` if no tensor can have this shape or the system
    /// has no memory for it: for shapes from outside the program. All other constructors abort the
    /// process where there is no memory, as Rust's `Vec` does.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::try_scratch([2, 3]).unwrap().shape()[..], [2, 3]);
    /// assert!(Tensor::<f32>::try_scratch([1 << 30, 1 << 30]).is_none());
    /// ```
    pub fn try_scratch(shape: impl Into<Shape>) -> Option<Self> {
        let shape = shape.into();
        Some(Tensor { buffer: shape.is_addressable::<T>().then(|| Buffer::try_scratch(&shape))?? })
    }

    #[track_caller]
    #[inline]
    fn scratch_of(shape: &Shape) -> Self {
        shape.require_addressable::<T>();
        Tensor { buffer: Buffer::scratch(shape) }
    }

    /// How the elements are arranged in their block.
    #[inline]
    pub(crate) fn layout(&self) -> &Layout {
        self.buffer.layout()
    }

    /// A tensor that has a shape but no elements: reading them panics.
    #[doc(hidden)]
    pub fn hollow(shape: Shape) -> Self {
        Tensor { buffer: Buffer::hollow(&shape) }
    }

    /// The blocks of memory that the tensor holds, each by its address with its bytes; tensors that
    /// share elements share a block.
    #[doc(hidden)]
    pub fn blocks(&self) -> [(usize, usize); 2] {
        self.buffer.blocks()
    }

    /// The bytes of the blocks that this tensor alone holds: what dropping it frees.
    #[doc(hidden)]
    pub fn owned_bytes(&self) -> usize {
        self.buffer.owned_bytes()
    }

    /// A tensor of `shape` filled by `write`, which gets all elements in row-major order and must
    /// set each of them.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn written(shape: Shape, write: impl FnOnce(&mut [T])) -> Self {
        Self::written_like(&shape, write)
    }

    /// Like [`written`](Tensor::written), without a copy of the shape, which shows in small ops.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn written_like(shape: &Shape, write: impl FnOnce(&mut [T])) -> Self {
        let mut tensor = Self::scratch_of(shape);
        write(tensor.buffer.get_mut().expect("a fresh tensor shares nothing"));
        tensor
    }

    /// A tensor with every element `value`.
    ///
    /// # Panics
    /// Like all constructors, if `shape` is larger than the address space.
    #[track_caller]
    pub fn full(value: T, shape: impl Into<Shape>) -> Self {
        Self::written(shape.into(), |out| out.fill(value))
    }

    /// A tensor of zeros.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self::full(T::ZERO, shape)
    }

    /// A tensor of ones.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Self {
        Self::full(T::ONE, shape)
    }

    /// A tensor of rank 0 that holds `value`.
    pub fn scalar(value: T) -> Self {
        Self::full(value, [])
    }

    /// The elements of `data`, in row-major order, as a tensor of `shape`.
    ///
    /// # Panics
    /// If the length of `data` is not the number of elements of `shape`.
    #[track_caller]
    pub fn from_slice(data: &[T], shape: impl Into<Shape>) -> Self {
        Self::filled("from_slice", data, shape.into())
    }

    #[track_caller]
    fn filled(op: &str, data: &[T], shape: Shape) -> Self {
        let (given, wanted) = (data.len(), shape.numel());
        ensure!(given == wanted, "{op}: {given} values do not fill shape {shape}, which has {wanted}");
        Self::written(shape, |out| out.copy_from_slice(data))
    }

    /// The elements of `data`, in row-major order, as a tensor of `shape`.
    ///
    /// # Panics
    /// If the length of `data` is not the number of elements of `shape`.
    #[track_caller]
    pub fn from_vec(data: Vec<T>, shape: impl Into<Shape>) -> Self {
        Self::filled("from_vec", &data, shape.into())
    }

    /// The tensor whose element at row-major position `i` is `f(i)`.
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, mut f: impl FnMut(usize) -> T) -> Self {
        Self::written(shape.into(), |out| {
            for (i, y) in out.iter_mut().enumerate() {
                *y = f(i);
            }
        })
    }

    /// The sizes of the axes.
    #[inline]
    pub fn shape(&self) -> Shape {
        self.layout().shape
    }

    /// Whether this tensor and another have the same shape.
    #[inline]
    pub fn same_shape(&self, other: &Tensor<T>) -> bool {
        self.layout().shape == other.layout().shape
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.layout().shape.rank()
    }

    /// The number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.layout().shape.numel()
    }

    /// Whether the elements are in row-major order without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.layout().is_contiguous
    }

    /// The elements as a slice in row-major order, if they are contiguous (see
    /// [`contiguous`](Tensor::contiguous)).
    #[inline]
    pub fn as_slice(&self) -> Option<&[T]> {
        if self.is_contiguous() {
            // An empty view may start past the end of its buffer.
            let n = self.numel();
            let start = if n == 0 { 0 } else { self.layout().offset };
            Some(&self.buffer.elements()[start..start + n])
        } else {
            None
        }
    }

    /// The elements in which a [`Walk`] over this tensor finds its own: those, if they are contiguous, and all of its
    /// block otherwise.
    #[inline]
    pub(crate) fn walked(&self) -> &[T] {
        self.as_slice().unwrap_or_else(|| self.buffer.elements())
    }

    /// This tensor with contiguous elements: itself if they are, a copy otherwise.
    #[inline]
    pub fn contiguous(&self) -> Tensor<T> {
        if self.is_contiguous() { self.clone() } else { self.copy() }
    }

    /// A contiguous copy in a new buffer.
    pub fn copy(&self) -> Tensor<T> {
        let walk = Walk::over(&self.layout().shape, [self.layout()]);
        let source = self.walked();
        Tensor::written_like(&self.layout().shape, |out| {
            walk.write_runs(
                out,
                #[inline(always)]
                move |out, [at], [step]| {
                    let len = out.len();
                    if step == 1 {
                        copy_run(out, &source[at as usize..][..len]);
                    } else {
                        for (i, y) in out.iter_mut().enumerate() {
                            *y = source[position(at, i, step)];
                        }
                    }
                },
            );
        })
    }

    /// The elements, writable, in row-major order. Copies them first if another tensor shares the
    /// buffer or they are not contiguous.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.make_writable();
        let n = self.numel();
        let start = if n == 0 { 0 } else { self.layout().offset };
        &mut self.buffer.get_mut().expect("made writable above")[start..start + n]
    }

    /// Copies the elements unless this tensor is contiguous and the only one on its buffer.
    #[inline]
    pub(crate) fn make_writable(&mut self) {
        if !(self.buffer.is_unique() && self.is_contiguous()) {
            *self = self.copy();
        }
    }

    /// The elements in row-major order, copied.
    pub fn to_vec(&self) -> Vec<T> {
        self.contiguous().as_slice().expect("contiguous").to_vec()
    }

    /// The only element of a tensor of one element.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> T {
        ensure!(self.numel() == 1, "item: shape {} has {} elements, not 1", self.layout().shape, self.numel());
        self.buffer.elements()[self.layout().offset]
    }

    /// The element at `index`, one number per axis.
    ///
    /// # Panics
    /// If the index has another length than the rank, or is outside the shape.
    #[track_caller]
    pub fn at<const N: usize>(&self, index: [usize; N]) -> T {
        ensure!(
            N == self.rank() && index.iter().zip(self.layout().shape.iter()).all(|(i, n)| i < n),
            "at: index {index:?} is outside shape {}",
            self.layout().shape
        );
        let from_offset: isize = index.iter().zip(&self.layout().strides).map(|(&i, s)| i as isize * s).sum();
        self.buffer.elements()[(self.layout().offset as isize + from_offset) as usize]
    }

    /// The same values in another element type, rounded to nearest.
    ///
    /// ```
    /// use unspool::Tensor;
    /// assert_eq!(Tensor::<f32>::full(0.1, [1]).cast::<f64>().item(), f64::from(0.1f32));
    /// ```
    pub fn cast<U: Scalar>(&self) -> Tensor<U> {
        let source = self.contiguous();
        let source = source.as_slice().expect("contiguous");
        Tensor::written(self.layout().shape, |out| {
            for (y, x) in out.iter_mut().zip(source) {
                *y = U::from_f64(x.to_f64());
            }
        })
    }
}

impl<T: Scalar> PartialEq for Tensor<T> {
    /// Equal shapes and equal elements (so a tensor that holds a NaN differs from itself).
    fn eq(&self, other: &Self) -> bool {
        self.layout().shape == other.layout().shape
            && self.contiguous().as_slice().expect("contiguous") == other.contiguous().as_slice().expect("contiguous")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_to_a_shared_tensor_leaves_the_other_alone() {
        let mut a = Tensor::<f32>::from_vec(vec![1.0, 2.0], [2]);
        let b = a.clone();
        a.as_mut_slice()[0] = 9.0;
        assert_eq!((a.to_vec(), b.to_vec()), (vec![9.0, 2.0], vec![1.0, 2.0]));
    }

    #[test]
    fn writing_to_an_unshared_tensor_copies_nothing() {
        let mut a = Tensor::<f32>::zeros([8]);
        let before = a.as_slice().unwrap().as_ptr();
        a.as_mut_slice()[3] = 1.0;
        assert_eq!(a.as_slice().unwrap().as_ptr(), before);
    }

    #[test]
    #[should_panic(expected = "from_slice: 3 values do not fill shape [2, 2], which has 4")]
    fn a_slice_of_the_wrong_length_is_refused() {
        let _ = Tensor::from_slice(&[1f32, 2.0, 3.0], [2, 2]);
    }

    #[test]
    fn empty_tensors_work() {
        let e = Tensor::<f64>::zeros([3, 0]);
        assert_eq!(e.to_vec(), []);
        assert_eq!(e.t().shape()[..], [0, 3]);
        assert_eq!(e.slice(0, 3..).to_vec(), []);
    }
}
