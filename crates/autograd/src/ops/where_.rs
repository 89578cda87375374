//! One value or another, elementwise.

use crate::op::{InputGrads, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Where;

impl<T: Scalar> Op<T> for Where {
    fn name(&self) -> &'static str {
        "where_"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let (condition, a, b) = (&x[0], &x[1], &x[2]);
        let shape = [a, b].iter().try_fold(condition.shape(), |shape, x| shape.broadcast(&x.shape()));
        let Some(shape) = shape else {
            let (c, a, b) = (condition.shape(), a.shape(), b.shape());
            panic!("where_: shapes {c}, {a} and {b} do not broadcast")
        };
        condition.expand(shape).zip3("where_", a, b, #[inline(always)] |c, a, b| if c != T::ZERO { a } else { b })
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let condition = &x[0];
        into.add_with(1, || grad.zip("where_", condition, #[inline(always)] |g, c| if c != T::ZERO { g } else { T::ZERO }));
        into.add_with(2, || grad.zip("where_", condition, #[inline(always)] |g, c| if c != T::ZERO { T::ZERO } else { g }));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// `y = a` where this value is not 0, `y = b` where it is. The three shapes broadcast.
    ///
    /// `da = dy` where `a` was chosen and 0 elsewhere, `db` the other way round; this value gets no gradient.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
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

    /// This value where `mask` is 0, `number` where it is not. The shapes broadcast. `dx = dy` where `mask` is 0, else
    /// 0.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
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
        assert!(fits, "masked_fill: shape {shape} and mask {given} do not broadcast");
        mask.where_(self.tape.constant(&Tensor::scalar(T::from_f64(number))), self)
    }
}
