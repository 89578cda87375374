//! Elementwise functions of one to three tensors, with NumPy's broadcasting.
//!
//! A closure written as an argument can carry `#[inline(always)]`, and then becomes SIMD code for
//! the processor it runs on; without it the compiler decides, and a large body stays scalar.
//! `Number::tanh` is the function that vectorizes; `x.tanh()` of an f32 is the standard library's,
//! some thirty times slower.

use crate::loops::blocks::update_run;
use crate::loops::simd::dispatch;
use crate::loops::strided::{Walk, position};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// `f` of each element.
    ///
    /// ```
    /// use unspool::{Number, Tensor};
    /// let x = Tensor::<f32>::from_vec(vec![-1.0, 0.0, 1.0], [3]);
    /// let y = x.map(Number::tanh);
    /// assert_eq!(y.at([1]), 0.0);
    /// ```
    #[inline]
    pub fn map(&self, f: impl Fn(T) -> T) -> Tensor<T> {
        let source = self.walked();
        let walk = Walk::over(&self.layout().shape, [self.layout()]);
        Tensor::written_like(&self.layout().shape, |out| {
            walk.write_runs(
                out,
                #[inline(always)]
                move |out, [at], [step]| {
                    let len = out.len();
                    if step == 1 {
                        update_run(
                            out,
                            [&source[at as usize..][..len]],
                            #[inline(always)]
                            |_, [x]| f(x),
                        );
                    } else {
                        for (i, y) in out.iter_mut().enumerate() {
                            *y = f(source[position(at, i, step)]);
                        }
                    }
                },
            );
        })
    }

    /// `f` of each pair of elements of two tensors, broadcast to their common shape.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::ones([2, 3]);
    /// let b = Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]);
    /// assert_eq!(x.zip(&b, |x, b| x + b).to_vec(), [2.0, 3.0, 4.0, 2.0, 3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn zip(&self, other: &Tensor<T>, f: impl Fn(T, T) -> T) -> Tensor<T> {
        self.zip_named("zip", other, f)
    }

    /// [`zip`](Tensor::zip) for the op `op`, which a panic names.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn zip_named(&self, op: &str, other: &Tensor<T>, f: impl Fn(T, T) -> T) -> Tensor<T> {
        let common;
        let shape = if self.same_shape(other) {
            &self.layout().shape
        } else {
            common = common_shape(op, self, other);
            &common
        };
        Tensor::written_like(shape, |out| zip_into(shape, out, self, other, f))
    }

    /// Like [`zip`](Tensor::zip), but reuses this tensor's buffer if no other tensor shares it and
    /// it has the common shape.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn into_zip(self, other: &Tensor<T>, f: impl Fn(T, T) -> T) -> Tensor<T> {
        self.into_zip_named("into_zip", other, f)
    }

    /// [`into_zip`](Tensor::into_zip) for the op `op`, which a panic names.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn into_zip_named(mut self, op: &str, other: &Tensor<T>, f: impl Fn(T, T) -> T) -> Tensor<T> {
        let fits = self.same_shape(other) || common_shape(op, &self, other) == self.layout().shape;
        if fits && self.buffer.is_unique() && self.is_contiguous() {
            self.update(other, f);
            return self;
        }
        self.zip_named(op, other, f)
    }

    /// `f` of each triple of elements of this tensor, `b` and `c`, which must broadcast to this
    /// shape.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::ones([2]);
    /// assert_eq!(x.zip3(&x, &Tensor::scalar(3.0), |a, b, c| a + b * c).to_vec(), [4.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If they do not.
    #[track_caller]
    #[inline]
    pub fn zip3(&self, b: &Tensor<T>, c: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Tensor<T> {
        self.zip3_named("zip3", b, c, f)
    }

    /// [`zip3`](Tensor::zip3) for the op `op`, which a panic names.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn zip3_named(&self, op: &str, b: &Tensor<T>, c: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Tensor<T> {
        let shape = &self.layout().shape;
        require_broadcast(op, *shape, [b, c]);
        let walk = Walk::over(shape, [self.layout(), b.layout(), c.layout()]);
        let (xs, ys, zs) = (self.walked(), b.walked(), c.walked());
        Tensor::written_like(shape, |out| {
            walk.write_runs(
                out,
                #[inline(always)]
                move |out, [x, y, z], [dx, dy, dz]| {
                    let len = out.len();
                    if (dx, dy, dz) == (1, 1, 1) {
                        let xs = &xs[x as usize..][..len];
                        let (ys, zs) = (&ys[y as usize..][..len], &zs[z as usize..][..len]);
                        update_run(
                            out,
                            [xs, ys, zs],
                            #[inline(always)]
                            |_, [x, y, z]| f(x, y, z),
                        );
                    } else {
                        for (i, o) in out.iter_mut().enumerate() {
                            *o = f(xs[position(x, i, dx)], ys[position(y, i, dy)], zs[position(z, i, dz)]);
                        }
                    }
                },
            );
        })
    }

    /// Like [`zip3`](Tensor::zip3), but reuses this tensor's buffer if no other tensor shares it.
    ///
    /// # Panics
    /// If `b` or `c` does not broadcast to this shape.
    #[track_caller]
    #[inline]
    pub fn into_zip3(self, b: &Tensor<T>, c: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Tensor<T> {
        self.into_zip3_named("into_zip3", b, c, f)
    }

    /// [`into_zip3`](Tensor::into_zip3) for the op `op`, which a panic names.
    #[doc(hidden)]
    #[track_caller]
    #[inline]
    pub fn into_zip3_named(self, op: &str, b: &Tensor<T>, c: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Tensor<T> {
        let fits = self.same_shape(b) && self.same_shape(c) && b.is_contiguous() && c.is_contiguous();
        let (mut out, copies);
        let [b, c] = if fits && self.is_contiguous() && self.buffer.is_unique() {
            out = self;
            [b, c]
        } else {
            // Rare, and so copied: as few loops are compiled for an op as can be.
            copies = like(op, &self, [b, c]);
            out = self.copy();
            copies.each_ref()
        };
        let out_elements = out.as_mut_slice();
        let (ys, zs) = (b.as_slice().expect("contiguous"), c.as_slice().expect("contiguous"));
        dispatch(
            #[inline(always)]
            || {
                update_run(
                    out_elements,
                    [ys, zs],
                    #[inline(always)]
                    |x, [y, z]| f(x, y, z),
                )
            },
        );
        out
    }
}

/// Each of `others` in the shape of `of`, contiguous.
///
/// # Panics
/// If one of them does not broadcast to it.
#[cold]
#[track_caller]
fn like<T: Scalar>(op: &str, of: &Tensor<T>, others: [&Tensor<T>; 2]) -> [Tensor<T>; 2] {
    require_broadcast(op, of.layout().shape, others);
    others.map(|other| other.expand(of.layout().shape).contiguous())
}

/// # Panics
/// If one of `others` does not broadcast to `shape`.
#[track_caller]
#[inline]
fn require_broadcast<T: Scalar>(op: &str, shape: Shape, others: [&Tensor<T>; 2]) {
    for other in others {
        if other.layout().shape != shape && shape.broadcast(&other.layout().shape) != Some(shape) {
            shapes_differ(op, shape, other.shape());
        }
    }
}

#[track_caller]
#[inline]
fn common_shape<T: Scalar>(op: &str, a: &Tensor<T>, b: &Tensor<T>) -> Shape {
    match a.layout().shape.broadcast(&b.layout().shape) {
        Some(shape) => shape,
        None => shapes_differ(op, a.shape(), b.shape()),
    }
}

#[cold]
#[track_caller]
fn shapes_differ(op: &str, a: Shape, b: Shape) -> ! {
    fail!("{op}: shapes {a} and {b} do not broadcast")
}

#[inline(always)]
fn zip_into<T: Scalar>(shape: &Shape, out: &mut [T], a: &Tensor<T>, b: &Tensor<T>, f: impl Fn(T, T) -> T) {
    let walk = Walk::over(shape, [a.layout(), b.layout()]);
    let (xs, ys) = (a.walked(), b.walked());
    walk.write_runs(
        out,
        #[inline(always)]
        move |out, [x, y], steps| {
            let len = out.len();
            match steps {
                [1, 1] => {
                    let (xs, ys) = (&xs[x as usize..][..len], &ys[y as usize..][..len]);
                    update_run(
                        out,
                        [xs, ys],
                        #[inline(always)]
                        |_, [x, y]| f(x, y),
                    );
                }
                // One operand is constant along the run: a bias, or a number.
                [1, 0] => {
                    let (xs, y) = (&xs[x as usize..][..len], ys[y as usize]);
                    update_run(
                        out,
                        [xs],
                        #[inline(always)]
                        |_, [x]| f(x, y),
                    );
                }
                [0, 1] => {
                    let (x, ys) = (xs[x as usize], &ys[y as usize..][..len]);
                    update_run(
                        out,
                        [ys],
                        #[inline(always)]
                        |_, [y]| f(x, y),
                    );
                }
                [dx, dy] => {
                    for (i, o) in out.iter_mut().enumerate() {
                        *o = f(xs[position(x, i, dx)], ys[position(y, i, dy)]);
                    }
                }
            }
        },
    );
}
