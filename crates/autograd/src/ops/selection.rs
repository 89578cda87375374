//! Elementwise choice between values, and interpolation.

use super::arithmetic::Operand;
use crate::elementwise;
use crate::tape::{InputGrads, Inputs, Op, Var};
use unspool_tensor::{Scalar, Tensor};

/// The larger of two elements, or the smaller.
#[derive(Clone)]
struct Better<const LARGER: bool>;

impl<const LARGER: bool> Better<LARGER> {
    #[inline(always)]
    fn is<T: Scalar>(a: T, than: T) -> bool {
        if LARGER { a > than } else { a < than }
    }

    /// The share of the gradient that goes to `a`: all, half at a tie, or nothing.
    #[inline(always)]
    fn share<T: Scalar>(a: T, b: T) -> T {
        if Self::is(a, b) {
            T::ONE
        } else if a == b {
            T::from_f64(0.5)
        } else {
            T::ZERO
        }
    }
}

impl<const LARGER: bool> Op for Better<LARGER> {
    fn name(&self) -> &'static str {
        if LARGER { "maximum" } else { "minimum" }
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip_named(
            self.name(),
            &x[1],
            #[inline(always)]
            |a, b| {
                let better = if Self::is(a, b) || a.is_nan() { a } else { b }; // NaN on either side wins
                if T::TANGENTS > 0 && a == b { better.with_tangent_of((a + b) * T::from_f64(0.5)) } else { better }
            },
        )
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        for (i, j) in [(0, 1), (1, 0)] {
            into.add_with(i, || {
                grad.zip3(&x[i], &x[j], #[inline(always)] |g, a, b| g * Self::share(a, b))
            });
        }
    }
}

/// # Selection
impl<'t, T: Scalar> Var<'t, T> {
    /// The larger of each pair of elements: `y = max(x, w)`; NaN if either is. The shapes
    /// broadcast.
    ///
    /// The gradient goes to the larger one, half to each at a tie (as in PyTorch), to neither if
    /// one is NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 5.0], [2]));
    /// let w = tape.variable(&Tensor::from_vec(vec![3.0, 5.0], [2]));
    /// let y = x.maximum(w);
    /// assert_eq!(y.value().to_vec(), [3.0, 5.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5]);
    /// assert_eq!(x.maximum(2.0).value().to_vec(), [2.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn maximum(self, other: impl Operand<'t, T>) -> Self {
        self.tape.apply(Better::<true>, &[self, other.on(self.tape)])
    }

    /// The smaller of each pair of elements: `y = min(x, w)`; NaN if either is. The shapes
    /// broadcast.
    ///
    /// The gradient goes to the smaller one, half to each at a tie (as in PyTorch), to neither if
    /// one is NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 5.0], [2]));
    /// let w = tape.variable(&Tensor::from_vec(vec![3.0, 5.0], [2]));
    /// let y = x.minimum(w);
    /// assert_eq!(y.value().to_vec(), [1.0, 5.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5]);
    /// assert_eq!(x.minimum(2.0).value().to_vec(), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn minimum(self, other: impl Operand<'t, T>) -> Self {
        self.tape.apply(Better::<false>, &[self, other.on(self.tape)])
    }
}

elementwise! {
    struct Clamp { min, max } = "clamp";
    value: |x| if x < min { min } else if x > max { max } else { x };
    derivative: |x, _| if x > min && x < max { T::ONE } else { T::ZERO };
}

impl<T: Scalar> Var<'_, T> {
    /// Each element, clamped to `min` and `max`: `y = min` below, `max` above, else `x`.
    /// `dy/dx = 1` for `min < x < max`, else 0.
    ///
    /// At `min` and `max` the gradient is 0 (as in PyTorch 2.15; 1 in older versions). NaN stays
    /// NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.5, 3.0], [3]));
    /// let y = x.clamp(0.0, 3.0);
    /// assert_eq!(y.value().to_vec(), [0.0, 0.5, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If `min` is not less than or equal to `max`.
    #[track_caller]
    #[inline]
    pub fn clamp(self, min: f64, max: f64) -> Self {
        ensure!(min <= max, "clamp: nothing lies between {min} and {max}");
        self.unary(Clamp { min, max })
    }
}

#[derive(Clone)]
struct Where;

impl Op for Where {
    fn name(&self) -> &'static str {
        "where_"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let (condition, a, b) = (&x[0], &x[1], &x[2]);
        let shape = [a, b].iter().try_fold(condition.shape(), |shape, x| shape.broadcast(&x.shape()));
        let Some(shape) = shape else {
            let (c, a, b) = (condition.shape(), a.shape(), b.shape());
            fail!("where_: shapes {c}, {a} and {b} do not broadcast")
        };
        condition.expand(shape).zip3_named("where_", a, b, #[inline(always)] |c, a, b| if c != T::ZERO { a } else { b })
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let condition = &x[0];
        into.pass_on(1, || grad.zip(condition, #[inline(always)] |g, c| if c != T::ZERO { g } else { T::ZERO }));
        into.pass_on(2, || grad.zip(condition, #[inline(always)] |g, c| if c != T::ZERO { T::ZERO } else { g }));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// `y = a` where this value is not 0, `y = b` where it is. The three shapes broadcast.
    ///
    /// `da = dy` where `a` is chosen and 0 elsewhere, `db` the reverse; this value gets no
    /// gradient.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let mask = tape.constant(&Tensor::from_vec(vec![1.0, 0.0], [2]));
    /// let a = tape.variable(&Tensor::from_vec(vec![2.0, 3.0], [2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![20.0, 30.0], [2]));
    /// let y = mask.where_(a, b);
    /// assert_eq!(y.value().to_vec(), [2.0, 30.0]);
    /// assert_eq!(y.sum().backward().wrt(a).to_vec(), [1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the three shapes do not broadcast, or they belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn where_(self, a: Self, b: Self) -> Self {
        self.tape.apply(Where, &[self, a, b])
    }

    /// This value where `mask` is 0, `number` where it is not. The shapes broadcast. `dx = dy`
    /// where `mask` is 0, else 0.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::<f32>::zeros([1, 3]));
    /// let padding = tape.constant(&Tensor::from_vec(vec![0.0, 0.0, 1.0], [1, 3]));
    /// let attention = scores.masked_fill(padding, f64::NEG_INFINITY).softmax(1);
    /// assert_eq!(attention.value().to_vec(), [0.5, 0.5, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    pub fn masked_fill(self, mask: Self, number: f64) -> Self {
        let (shape, given) = (self.shape(), mask.shape());
        let fits = shape.broadcast(&given).is_some();
        ensure!(fits, "masked_fill: shape {shape} and mask {given} do not broadcast");
        mask.where_(self.tape.full(number, []), self)
    }
}

elementwise! {
    struct Lerp = "lerp";
    value: |[x, end, weight]| x + weight * (end - x);
    gradients: |[x, end, weight], _, dy| [dy * (T::ONE - weight), dy * weight, dy * (end - x)];
}

impl<'t, T: Scalar> Var<'t, T> {
    /// Linear interpolation from each element to that of `end` by `weight`:
    /// `y = x + weight (end - x)`, which is `(1 - weight) x + weight end`. The three shapes
    /// broadcast.
    ///
    /// `dx = (1 - weight) dy`, `d end = weight dy`, `d weight = (end - x) dy`. One value on the
    /// tape instead of three: the update of a gated state.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let [x, end, weight] = [4.0, 8.0, 0.25].map(|x| tape.variable(&Tensor::<f64>::scalar(x)));
    /// let y = x.lerp(end, weight);
    /// assert_eq!(y.item(), 5.0);
    /// let gradients = y.backward();
    /// assert_eq!([x, end, weight].map(|x| gradients.wrt(x).item()), [0.75, 0.25, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the three shapes do not broadcast, or they belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn lerp(self, end: Self, weight: impl Operand<'t, T>) -> Self {
        self.tape.apply(Lerp, &[self, end, weight.on(self.tape)])
    }
}
