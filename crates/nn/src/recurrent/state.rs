//! What a cell hands from step to step.

use unspool_autograd::{Scalar, Tape, Tensor, Var};

/// The state of a [`Cell`](crate::recurrent::Cell): a variable `[B, ..]`, a tuple or a list of states, or a struct of
/// them.
///
/// A state is tied to its tape. What is carried from one window of a long sequence to the next is
/// [`detach`](State::detach)ed first: tensors, through which no gradient flows and which outlive the tape.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::cells::Lstm;
/// use unspool_nn::layers::Layer;
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_nn::recurrent::State;
/// use unspool_autograd::{Tape, Tensor};
/// let layer: Recurrent<Lstm<Tensor>> = Recurrent::new(Lstm::new(&mut rng(0), 3, 5));
/// let mut tape = Tape::new();
/// let mut carried = None;
/// for window in 0..3 {
///     let net = tape.bind(&layer);
///     let xs = tape.constant(&Tensor::full(window as f32, [20, 4, 3]));
///     let run = net.unroll(xs).carried(carried.as_ref()).run();
///     let loss = run.sequence().square().mean();
///     let gradients = loss.backward().of(&net);
///     carried = Some(run.state().detach());
///     tape.reset();
/// }
/// # let (h, c) = carried.unwrap();
/// # assert_eq!(h.shape()[..], [4, 5]);
/// ```
///
/// Parts with names are fields of a struct that is generic in its leaf, with `#[derive(State)]`; what is carried is the same
/// struct of tensors. Fields that do not mention `P` are configuration.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::layers::{Dense, Layer};
/// use unspool_nn::recurrent::{Cell, Recurrent, State};
/// use unspool_autograd::{Params, Scalar, Tape, Tensor, Var};
///
/// /// Two averages of what was seen, a quick one and a slow one.
/// #[derive(Clone, Copy, State)]
/// # #[params(crate = unspool_nn)]
/// struct Averages<P> { quick: P, slow: P }
///
/// #[derive(Params)]
/// # #[params(crate = unspool_autograd)]
/// struct Cascade<P> { x: Dense<P> }
///
/// impl<'t, T: Scalar> Cell<'t, T> for Cascade<Var<'t, T>> {
///     type State = Averages<Var<'t, T>>;
///     fn zero_state(&self, batch: usize) -> Self::State {
///         let zero = self.x.bias.new_zeros([batch, self.x.bias.shape()[0]]);
///         Averages { quick: zero, slow: zero }
///     }
///     fn step(&self, x: Var<'t, T>, state: Self::State) -> (Var<'t, T>, Self::State) {
///         let quick = state.quick.lerp(self.x.forward(x), 0.5);
///         let slow = state.slow.lerp(quick, 0.1);
///         (quick - slow, Averages { quick, slow })
///     }
/// }
///
/// let layer = Recurrent::new(Cascade { x: Dense::<Tensor>::new(&mut rng(0), 3, 5) });
/// let tape = Tape::new();
/// let run = tape.bind(&layer).unroll(tape.constant(&Tensor::ones([20, 4, 3]))).lengths(&[20, 7, 3, 20]).run();
/// let carried: Averages<Tensor> = run.state().detach();
/// assert_eq!(carried.slow.shape()[..], [4, 5]);
/// ```
///
/// A state that was not detached does not outlive its window:
///
/// ```compile_fail,E0502
/// use unspool_nn::rng;
/// use unspool_nn::cells::Lstm;
/// use unspool_nn::layers::Layer;
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_autograd::{Tape, Tensor};
/// let layer: Recurrent<Lstm<Tensor>> = Recurrent::new(Lstm::new(&mut rng(0), 3, 5));
/// let mut tape = Tape::new();
/// let mut carried = None;
/// for window in 0..3 {
///     let net = tape.bind(&layer);
///     let xs = tape.constant(&Tensor::full(window as f32, [20, 4, 3]));
///     let run = match carried { Some(state) => net.forward_from(xs, state), None => net.forward(xs) };
///     carried = Some(run.state().clone());
///     tape.reset();
/// }
/// ```
pub trait State<'t, T: Scalar>: Clone {
    /// The same with tensors in the place of variables.
    type Detached;

    /// The tensors of the state.
    fn detach(&self) -> Self::Detached;

    /// The state of these tensors, constants of `tape`.
    fn attach(tape: &'t Tape<T>, detached: &Self::Detached) -> Self;

    /// One state of several: `f` makes each variable of it from the variables that stand in its place.
    ///
    /// # Panics
    /// If there is no state, or `f` panics.
    #[track_caller]
    fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self;

    /// Shows each variable of the state to `f`.
    fn visit(&self, f: &mut dyn FnMut(Var<'t, T>));

    /// The state whose variables are those of this one, each made into another.
    fn map(&self, f: &mut dyn FnMut(Var<'t, T>) -> Var<'t, T>) -> Self {
        Self::join(std::slice::from_ref(self), &mut |part| f(part[0]))
    }
}

impl<'t, T: Scalar> State<'t, T> for Var<'t, T> {
    type Detached = Tensor<T>;

    fn detach(&self) -> Tensor<T> {
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

    fn detach(&self) -> Self::Detached {
        self.iter().map(S::detach).collect()
    }

    fn attach(tape: &'t Tape<T>, detached: &Self::Detached) -> Self {
        detached.iter().map(|state| S::attach(tape, state)).collect()
    }

    fn visit(&self, f: &mut dyn FnMut(Var<'t, T>)) {
        self.iter().for_each(|state| state.visit(f));
    }

    #[track_caller]
    fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self {
        (0..states[0].len()).map(|i| join_parts(states, |state| &state[i], f)).collect()
    }
}

/// One part of each of several states, joined; one or two of them, as in a step, without memory of their own.
#[doc(hidden)]
#[track_caller]
pub fn join_parts<'t, T: Scalar, W, S: State<'t, T>>(
    states: &[W],
    part: impl Fn(&W) -> &S,
    f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>,
) -> S {
    match states {
        [a] => S::join(std::slice::from_ref(part(a)), f),
        [a, b] => S::join(&[part(a).clone(), part(b).clone()], f),
        _ => S::join(&states.iter().map(|state| part(state).clone()).collect::<Vec<_>>(), f),
    }
}

macro_rules! tuple {
    ($($S:ident $i:tt),+) => {
        impl<'t, T: Scalar, $($S: State<'t, T>),+> State<'t, T> for ($($S,)+) {
            type Detached = ($($S::Detached,)+);

            fn detach(&self) -> Self::Detached {
                ($(self.$i.detach(),)+)
            }

            fn attach(tape: &'t Tape<T>, detached: &Self::Detached) -> Self {
                ($($S::attach(tape, &detached.$i),)+)
            }

            fn visit(&self, f: &mut dyn FnMut(Var<'t, T>)) {
                $(self.$i.visit(f);)+
            }

            #[track_caller]
            fn join(states: &[Self], f: &mut dyn FnMut(&[Var<'t, T>]) -> Var<'t, T>) -> Self {
                ($(join_parts(states, |state| &state.$i, f),)+)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
