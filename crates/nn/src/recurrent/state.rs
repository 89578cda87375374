//! The state that a cell passes from step to step.

use unspool_autograd::{Scalar, Tape, Tensor, Var};

/// The state of a [`Cell`](crate::recurrent::Cell): a variable `[B, ..]`, a tuple or a `Vec` of
/// states, or a struct of them.
///
/// A state is bound to its tape. To carry it from one window of a long sequence to the next,
/// take it [`detached`](State::detached): the tensors let no gradient through and outlive the tape.
///
/// ```
/// use unspool::prelude::*;
/// let layer: Recurrent<Lstm<Tensor>> = Recurrent::new(Lstm::new(&mut rng(0), 3, 5));
/// let mut tape = Tape::new();
/// let mut carried = None;
/// for window in 0..3 {
///     let net = tape.bind(&layer);
///     let xs = tape.constant(&Tensor::full(window as f32, [20, 4, 3]));
///     let state = carried.as_ref().map(|carried| State::attach(&tape, carried));
///     let output = net.run(xs, state, Context::default());
///     let loss = output.sequence().square().mean();
///     let gradients = loss.backward().of(&net);
///     carried = Some(output.state().detached());
///     tape.reset();
/// }
/// # let (h, c) = carried.unwrap();
/// # assert_eq!(h.shape()[..], [4, 5]);
/// ```
///
/// A state with named fields is a struct that is generic in its leaf and derives `State`; detached,
/// it is the same struct of tensors. Fields that do not mention `P` are configuration.
///
/// ```
/// use unspool::prelude::*;
///
/// /// A fast and a slow moving average of the inputs.
/// #[derive(Clone, Copy, State)]
/// struct Averages<P> { fast: P, slow: P }
///
/// #[derive(Params)]
/// struct Cascade<P> { x: Dense<P> }
///
/// impl<'t, T: Scalar> Cell<'t, T> for Cascade<Var<'t, T>> {
///     type State = Averages<Var<'t, T>>;
///     fn zero_state(&self, batch: usize) -> Self::State {
///         let zero = self.x.bias.new_zeros([batch, self.x.bias.shape()[0]]);
///         Averages { fast: zero, slow: zero }
///     }
///     fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
///         let fast = state.fast.lerp(self.x.forward(x), 0.5);
///         let slow = state.slow.lerp(fast, 0.1);
///         (fast - slow, Averages { fast, slow })
///     }
/// }
///
/// let layer = Recurrent::new(Cascade { x: Dense::<Tensor>::new(&mut rng(0), 3, 5) });
/// let tape = Tape::new();
/// let xs = tape.constant(&Tensor::ones([20, 4, 3]));
/// let output = tape.bind(&layer).apply(xs, Context::default().with_lengths(&[20, 7, 3, 20]));
/// let carried: Averages<Tensor> = output.state().detached();
/// assert_eq!(carried.slow.shape()[..], [4, 5]);
/// ```
///
/// A state that is not detached does not outlive its window:
///
/// ```compile_fail,E0502
/// use unspool::prelude::*;
/// let layer: Recurrent<Lstm<Tensor>> = Recurrent::new(Lstm::new(&mut rng(0), 3, 5));
/// let mut tape = Tape::new();
/// let mut carried = None;
/// for window in 0..3 {
///     let net = tape.bind(&layer);
///     let xs = tape.constant(&Tensor::full(window as f32, [20, 4, 3]));
///     let output = net.run(xs, carried, Context::default());
///     carried = Some(output.state());
///     tape.reset();
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state of variables `{T}`",
    note = "a state is a `Var`, a tuple or `Vec` of states, or a struct generic in its leaf that derives `State` and `Clone`"
)]
pub trait State<'t, T: Scalar>: Clone {
    /// The same with tensors instead of variables.
    type Detached;

    /// The tensors of the state.
    fn detached(&self) -> Self::Detached;

    /// The state with these tensors as constants of `tape`.
    fn attach(tape: &'t Tape<T>, detached: &Self::Detached) -> Self;

    /// Joins several states into one: `f` computes each variable from those at the same position.
    ///
    /// # Panics
    /// If `states` is empty, or `f` panics.
    fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self;

    /// Calls `f` with each variable of the state.
    fn visit(&self, f: &mut dyn FnMut(Var<'t, T>));

    /// The state with `f` applied to each variable.
    fn map(&self, f: &mut dyn FnMut(Var<'t, T>) -> Var<'t, T>) -> Self {
        Self::join(std::slice::from_ref(self), &mut |vars| f(vars[0]))
    }
}

impl<'t, T: Scalar> State<'t, T> for Var<'t, T> {
    type Detached = Tensor<T>;

    fn detached(&self) -> Tensor<T> {
        Var::detach(*self).value()
    }

    fn attach(tape: &'t Tape<T>, detached: &Tensor<T>) -> Self {
        tape.constant(detached)
    }

    #[track_caller]
    fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self {
        f(states)
    }

    fn visit(&self, f: &mut dyn FnMut(Var<'t, T>)) {
        f(*self);
    }
}

/// The states of several layers.
impl<'t, T: Scalar, S: State<'t, T>> State<'t, T> for Vec<S> {
    type Detached = Vec<S::Detached>;

    fn detached(&self) -> Self::Detached {
        self.iter().map(S::detached).collect()
    }

    fn attach(tape: &'t Tape<T>, detached: &Self::Detached) -> Self {
        detached.iter().map(|state| S::attach(tape, state)).collect()
    }

    fn visit(&self, f: &mut dyn FnMut(Var<'t, T>)) {
        self.iter().for_each(|state| state.visit(f));
    }

    #[track_caller]
    fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self {
        (0..states[0].len()).map(|i| join_fields(states, |state| &state[i], f)).collect()
    }
}

/// Joins one field of several states. One or two states, as in a step, are joined without an
/// allocation.
#[doc(hidden)]
#[track_caller]
pub fn join_fields<'t, T: Scalar, W, S: State<'t, T>>(
    states: &[W],
    field: impl Fn(&W) -> &S,
    f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>,
) -> S {
    match states {
        [a] => S::join(std::slice::from_ref(field(a)), f),
        [a, b] => S::join(&[field(a).clone(), field(b).clone()], f),
        _ => S::join(&states.iter().map(|state| field(state).clone()).collect::<Vec<_>>(), f),
    }
}

macro_rules! tuple {
    ($($S:ident $i:tt),+) => {
        impl<'t, T: Scalar, $($S: State<'t, T>),+> State<'t, T> for ($($S,)+) {
            type Detached = ($($S::Detached,)+);

            fn detached(&self) -> Self::Detached {
                ($(self.$i.detached(),)+)
            }

            fn attach(tape: &'t Tape<T>, detached: &Self::Detached) -> Self {
                ($($S::attach(tape, &detached.$i),)+)
            }

            fn visit(&self, f: &mut dyn FnMut(Var<'t, T>)) {
                $(self.$i.visit(f);)+
            }

            #[track_caller]
            fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self {
                ($(join_fields(states, |state| &state.$i, f),)+)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
