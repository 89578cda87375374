//! Linear recurrences.

use crate::tape::{InputGrads, Inputs, Op, Var};
use std::marker::PhantomData;
use unspool_tensor::recurrences::{Complex, Form, Lerp, Real};
use unspool_tensor::{Scalar, Tensor};

/// A recurrence of real numbers (N = 1) or complex ones (N = 2), in one of its forms. Its inputs are
/// the planes of `a`, of `b` and of `h_0`.
#[derive(Clone)]
struct Recurrence<F, const N: usize> {
    name: &'static str,
    /// What `a` and `b` are called in the panics.
    operands: [&'static str; 2],
    form: PhantomData<F>,
}

impl<F, const N: usize> Recurrence<F, N> {
    fn new(name: &'static str, operands: [&'static str; 2]) -> Self {
        Recurrence { name, operands, form: PhantomData }
    }

    fn planes<'a, T: Scalar>(x: Inputs<'a, T>, operand: usize) -> [&'a Tensor<T>; N] {
        let mut planes = x.iter().skip(operand * N);
        std::array::from_fn(|_| planes.next().expect("three operands"))
    }
}

impl<F: Form<N>, const N: usize> Op for Recurrence<F, N> {
    fn name(&self) -> &'static str {
        self.name
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let (name, [a_name, b_name]) = (self.name, self.operands);
        let [a, b, h0] = [0, 1, 2].map(|operand| Self::planes(x, operand));
        for (what, planes) in [(a_name, a), (b_name, b), ("h_0", h0)] {
            let shapes = planes.map(Tensor::shape);
            let (first, last) = (shapes[0], shapes[N - 1]);
            ensure!(first == last, "{name}: the parts of {what} have shapes {first} and {last}");
        }
        let [a_shape, shape, h_shape] = [a, b, h0].map(|planes| planes[0].shape());
        ensure!(shape.rank() > 0, "{name}: {b_name} must be [T, ..], not {shape}");
        ensure!(h_shape[..] == shape[1..], "{name}: h_0 {h_shape} is not a step of {b_name} {shape}");
        let fits = a_shape.broadcast(&shape) == Some(shape);
        ensure!(fits, "{name}: {a_name} {a_shape} does not broadcast to {b_name} {shape}");
        Tensor::recurrence::<F, N>(a, b, h0)
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let a_needed = (0..N).any(|i| into.needs(i));
        let [a, b, h0] = [0, 1, 2].map(|operand| Self::planes(x, operand));
        let gradients = Tensor::recurrence_gradients::<F, N>(a, b, h0, y, grad, (a_needed, into.least()));
        for (i, da) in gradients.a.into_iter().flatten().enumerate() {
            into.add(i, da);
        }
        for (i, d) in gradients.b.into_iter().chain(gradients.h0).enumerate() {
            into.add(N + i, d);
        }
    }
}

/// # Recurrence
impl<'t, T: Scalar> Var<'t, T> {
    /// The linear recurrence `h_t = a_t ⊙ h_(t-1) + b_t`, t = 1 to T, along the first axis: all h_t,
    /// of the shape of `b`, `[T, ..]`. `h0` is the state before the first step, `[..]`; `a`
    /// broadcasts to the shape of `b`: a factor for each step, or the same for all of them.
    ///
    /// With `g_t = dy_t + a_(t+1) ⊙ g_(t+1)`, a recurrence backwards in time: `db_t = g_t`,
    /// `da_t = g_t ⊙ h_(t-1)`, `dh_0 = a_1 ⊙ g_1`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![0.5, 2.0, 1.0], [3, 1]));
    /// let b = tape.variable(&Tensor::from_vec(vec![1.0, 0.0, -1.0], [3, 1]));
    /// let start = tape.variable(&Tensor::from_vec(vec![4.0], [1]));
    /// let h = Var::linear_recurrence(a, b, start);
    /// assert_eq!(h.value().to_vec(), [3.0, 6.0, 5.0]);
    /// let gradients = h.sum().backward();
    /// assert_eq!(gradients.wrt(b).to_vec(), [5.0, 2.0, 1.0]);
    /// assert_eq!(gradients.wrt(a).to_vec(), [20.0, 6.0, 6.0]);
    /// assert_eq!(gradients.wrt(start).to_vec(), [2.5]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or the operands belong to different tapes.
    #[track_caller]
    pub fn linear_recurrence(a: Self, b: Self, h0: Self) -> Self {
        b.tape().apply(Recurrence::<Real, 1>::new("linear_recurrence", ["a", "b"]), &[a, b, h0])
    }

    /// [`lerp`](Var::lerp) over time: `h_t = h_(t-1) + weight_t ⊙ (end_t - h_(t-1))`, t = 1 to T,
    /// along the first axis: all h_t, of the shape of `end`, `[T, ..]`. `h0` is the state before the
    /// first step, `[..]`; `weight` broadcasts to the shape of `end`. The state of a gated cell, or
    /// an exponential moving average.
    ///
    /// It is the [`linear_recurrence`](Var::linear_recurrence) of `a = 1 - weight` and
    /// `b = weight ⊙ end`, which are never made. With `g_t = dy_t + (1 - weight_(t+1)) ⊙ g_(t+1)`:
    /// `d end_t = weight_t ⊙ g_t`, `d weight_t = (end_t - h_(t-1)) ⊙ g_t`,
    /// `dh_0 = (1 - weight_1) ⊙ g_1`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let prices = tape.variable(&Tensor::from_vec(vec![8.0, 4.0, 6.0], [3, 1]));
    /// let [half, start] = [0.5, 4.0].map(|x| tape.variable(&Tensor::from_vec(vec![x], [1])));
    /// let average = Var::lerp_recurrence(prices, half, start);
    /// assert_eq!(average.value().to_vec(), [6.0, 5.0, 5.5]);
    /// assert_eq!(average.select(0, 2).sum().backward().wrt(prices).to_vec(), [0.125, 0.25, 0.5]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or the operands belong to different tapes.
    #[track_caller]
    pub fn lerp_recurrence(end: Self, weight: Self, h0: Self) -> Self {
        end.tape().apply(Recurrence::<Lerp, 1>::new("lerp_recurrence", ["weight", "end"]), &[weight, end, h0])
    }

    /// [`linear_recurrence`](Var::linear_recurrence) of complex numbers, each a pair of a real and
    /// an imaginary part: `(real, imaginary)` of all h_t.
    ///
    /// ```
    /// use unspool::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// // A quarter turn per step.
    /// let [zero, one] = [0.0, 1.0].map(|x| tape.variable(&Tensor::from_vec(vec![x], [1])));
    /// let silence = tape.constant(&Tensor::zeros([4, 1]));
    /// let (re, im) = Var::complex_linear_recurrence((zero, one), (silence, silence), (one, zero));
    /// assert_eq!(re.value().to_vec(), [0.0, -1.0, 0.0, 1.0]);
    /// assert_eq!(im.value().to_vec(), [1.0, 0.0, -1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or the operands belong to different tapes.
    #[track_caller]
    pub fn complex_linear_recurrence(a: (Self, Self), b: (Self, Self), h0: (Self, Self)) -> (Self, Self) {
        let h = b.0.tape().apply(Recurrence::<Complex, 2>::new("complex_linear_recurrence", ["a", "b"]), &[a.0, a.1, b.0, b.1, h0.0, h0.1]);
        (h.select(0, 0), h.select(0, 1))
    }
}
