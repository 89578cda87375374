//! The trait of all recurrent cells.

use crate::mode::Mode;
use crate::recurrent::state::State;
use unspool_autograd::{Params, Scalar, Var};

/// A recurrent cell, bound to a tape: one step from a state to the next.
///
/// [`Recurrent`](crate::recurrent::Recurrent) unrolls it over time; the gradient follows from the
/// tape. The built-in cells use this trait just as a custom cell does. This is the complete minimal
/// gated unit of Zhou et al. 2016:
///
/// ```
/// use unspool::prelude::*;
///
/// #[derive(Params)]
/// struct Mgu<P> { x: Dense<P>, u_f: P, u_c: P }
///
/// impl<T: Scalar> Mgu<Tensor<T>> {
///     fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
///         let x = Dense::new(rng, inputs, 2 * hidden);
///         let [u_f, u_c] = [(); 2].map(|()| init::orthogonal(rng, hidden, hidden));
///         Mgu { x, u_f, u_c }
///     }
/// }
///
/// impl<'t, T: Scalar> Cell<'t, T> for Mgu<Var<'t, T>> {
///     type State = Var<'t, T>;
///     fn zero_state(&self, batch: usize) -> Self::State {
///         self.u_f.new_zeros([batch, self.u_f.shape()[0]])
///     }
///     fn project(&self, xs: Var<'t, T>) -> Var<'t, T> { self.x.forward(xs) }
///     fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Self::State) {
///         let [xf, xc] = x.chunks();
///         let f = (xf + h.matmul(self.u_f)).sigmoid();
///         let c = (xc + (f * h).matmul(self.u_c)).tanh();
///         let h = h + f * (c - h);
///         (h, h)
///     }
/// }
///
/// let model: Recurrent<Mgu<Tensor>> = Recurrent::new(Mgu::new(&mut rng(0), 3, 4));
/// gradcheck(&model, |tape, model| {
///     let xs = tape.constant(&Tensor::from_fn([5, 2, 3], |i| (i as f64).sin()));
///     model.forward(xs).last().square().mean()
/// })?;
/// # Ok::<(), unspool::autograd::GradcheckError>(())
/// ```
///
/// A shape mistake in a method panics with its line in that method, and names the cell's path in
/// the model and the time step: `(in rnn.cell, time step 3)`. If it is the caller's mistake, put
/// `#[track_caller]` on the method, and on a [`step_in`](Cell::step_in) of its own beside a `step`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a recurrent cell over `{T}`",
    note = "a cell implements `Cell` when its leaves are bound to a tape: `impl<'t, T: Scalar> Cell<'t, T> for MyCell<Var<'t, T>>`; one for `f32` alone does not take the `f64` of `gradcheck`"
)]
pub trait Cell<'t, T: Scalar>: Params<Var<'t, T>> {
    /// What is passed from step to step: `Var` for a hidden state h, a tuple of them for several.
    type State: State<'t, T>;

    /// The state before the first step, for a batch of `batch` sequences.
    fn zero_state(&self, batch: usize) -> Self::State;

    /// Whatever a step computes from the input alone, for many time steps at once: from `[T, B, F]`
    /// to `[T, B, anything]`. The result is sliced into the `x` of the steps. One large product is
    /// cheaper than many small ones.
    ///
    /// Each row must be computed independently: a long sequence arrives as several chunks of some
    /// 256 rows, and sequences of different lengths as their valid steps only, `[1, N, F]`.
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        xs
    }

    /// One time step: from the (projected) input `[B, ..]` and the state to the output `[B, H]` and
    /// the next state.
    ///
    /// The tape releases everything else that a step computes, unless a gradient rule reads it. To
    /// look at a value later, a gate for example, put it into the state or call
    /// [`retain_grad`](Var::retain_grad) on it.
    fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State);

    /// Many steps at once, for a cell whose gates do not depend on the state: from the (projected)
    /// inputs `[K, B, ..]` of K steps and the state before them. `None`, the default, if the cell
    /// goes step by step.
    ///
    /// The layer calls it instead of [`step`](Cell::step) where it can, for as many steps as it
    /// projects at a time; sequences of different lengths arrive in pieces in which none ends.
    /// `step` stays the definition: both must compute the same, to rounding. A cell that has dropout
    /// or anything else in [`step_in`](Cell::step_in) that depends on the context has no `unroll`.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// use unspool::recurrent::Unrolled;
    ///
    /// /// `h_t = h_{t-1} + x_t W`.
    /// #[derive(Params)]
    /// struct Sum<P> { weight: P }
    ///
    /// impl<'t, T: Scalar> Cell<'t, T> for Sum<Var<'t, T>> {
    ///     type State = Var<'t, T>;
    ///     fn zero_state(&self, batch: usize) -> Self::State {
    ///         self.weight.new_zeros([batch, self.weight.shape()[1]])
    ///     }
    ///     fn project(&self, xs: Var<'t, T>) -> Var<'t, T> { xs.matmul(self.weight) }
    ///     fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Self::State) { (h + x, h + x) }
    ///     fn unroll(&self, xs: Var<'t, T>, h: Var<'t, T>) -> Option<Unrolled<'t, T, Self::State>> {
    ///         Some(Unrolled::of(h + xs.cumsum(0)))
    ///     }
    /// }
    /// ```
    fn unroll(&self, xs: Var<'t, T>, state: Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let _ = (xs, state);
        None
    }

    /// A step in training or evaluation, and its number. Cells without dropout need not implement
    /// it; wrappers around other cells pass the context on.
    fn step_in(&self, x: Var<'t, T>, state: Self::State, cx: StepContext) -> (Var<'t, T>, Self::State) {
        let _ = cx;
        self.step(x, state)
    }

    /// The names of the variables of the state, in order, for tables and pictures of
    /// [`inspect`](crate::inspect). Those without a name are numbered.
    fn state_names(&self) -> &'static [&'static str] {
        &["h"]
    }

    /// The names of the gates, in the order in which a step computes them: whatever goes through
    /// [`sigmoid`](Var::sigmoid) or [`hardsigmoid`](Var::hardsigmoid). For tables and pictures of
    /// [`inspect`](crate::inspect); those without a name are numbered.
    fn gates(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The [`step_in`](Cell::step_in) of the trait for a built-in cell, at its caller's line. On the trait itself, the
/// attribute would take their lines from cells that write their own.
macro_rules! step_in_at_callers_line {
    () => {
        #[track_caller]
        fn step_in(
            &self,
            x: Var<'t, T>,
            state: Self::State,
            _: $crate::recurrent::StepContext,
        ) -> (Var<'t, T>, Self::State) {
            self.step(x, state)
        }
    };
}
pub(crate) use step_in_at_callers_line;

/// What a cell computes in many steps at once.
///
/// ```
/// use unspool::recurrent::Unrolled;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let states = tape.constant(&Tensor::<f32>::from_fn([5, 2, 3], |i| i as f32)); // [K, B, H]
/// let unrolled = Unrolled::of(states);
/// assert_eq!(unrolled.state.value(), states.select(0, 4).value());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unrolled<'t, T: Scalar, S> {
    /// The outputs of the steps: `[K, B, H]`.
    pub outputs: Var<'t, T>,
    /// The states after all steps, each variable `[K, B, ..]`; `None` if the cell does not compute
    /// them.
    pub states: Option<S>,
    /// The state after the last step.
    pub state: S,
}

impl<'t, T: Scalar> Unrolled<'t, T, Var<'t, T>> {
    /// The states `[K, B, H]` of a cell whose output is its state.
    ///
    /// # Panics
    /// If there is no step.
    #[track_caller]
    pub fn of(states: Var<'t, T>) -> Self {
        let last = states.shape().first().and_then(|steps| steps.checked_sub(1));
        let Some(last) = last else { fail!("Unrolled: states {} of no steps", states.shape()) };
        Unrolled { outputs: states, states: Some(states), state: states.select(0, last) }
    }
}

/// How a cell makes a step: what [`Context`](crate::Context) is to a layer.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::StepContext;
///
/// /// Another cell, with noise on its output in training.
/// #[derive(Params)]
/// struct Noisy<C> { cell: C }
///
/// impl<'t, T: Scalar, C: Cell<'t, T>> Cell<'t, T> for Noisy<C>
/// where
///     Self: Params<Var<'t, T>>,
/// {
///     type State = C::State;
///     fn zero_state(&self, batch: usize) -> C::State { self.cell.zero_state(batch) }
///     fn project(&self, xs: Var<'t, T>) -> Var<'t, T> { self.cell.project(xs) }
///     fn step(&self, x: Var<'t, T>, state: C::State) -> (Var<'t, T>, C::State) { self.cell.step(x, state) }
///     fn step_in(&self, x: Var<'t, T>, state: C::State, cx: StepContext) -> (Var<'t, T>, C::State) {
///         let (output, state) = self.cell.step_in(x, state, cx.fold_in(0));
///         let dropped = dropout(0.1).apply(output, cx.fold_in(1).mode.into());
///         (dropped, state)
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepContext {
    /// Training or evaluation.
    pub mode: Mode,
    /// The number of the step, from 0.
    pub t: usize,
}

impl StepContext {
    /// The context of part `i` of a cell: the mode with `i` [folded into](Mode::fold_in) its seed.
    pub fn fold_in(self, i: usize) -> Self {
        StepContext { mode: self.mode.fold_in(i), ..self }
    }
}
