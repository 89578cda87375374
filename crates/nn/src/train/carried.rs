//! A model over a window of sequences, with the state that it carries from one to the next.

use super::sequences::Sequences;
use crate::context::Context;
use crate::data::examples::OnTape;
use crate::mode::Mode;
use crate::recurrent::sequence_layer::{SequenceLayer, SequenceOutput};
use crate::recurrent::state::State;
use unspool_autograd::{Params, Scalar, Tape, Tensor, Var};

/// The outputs of a model over a part of the sequences, and its state after them.
#[track_caller]
pub(super) fn run<'t, T, M, X, Y, D>(
    tape: &'t Tape<T>,
    net: &M::With<Var<'t, T>>,
    part: &Sequences<X, Y>,
    carried: Option<&D>,
    mode: Mode,
) -> (Var<'t, T>, D)
where
    T: Scalar,
    M: Params<Tensor<T>>,
    X: OnTape<T>,
    M::With<Var<'t, T>>: SequenceLayer<'t, T, X::Bound<'t>, State: State<'t, T, Detached = D>>,
{
    let cx = Context::from(mode);
    let state = carried.map(|carried| State::attach(tape, carried));
    let output = net.run(part.x.bind(tape, cx), state, cx);
    (output.sequence(), output.state().detached())
}

/// A carried state on a tape.
pub(super) fn attached<'t, T, M, X, D>(
    tape: &'t Tape<T>,
    carried: &D,
) -> <M::With<Var<'t, T>> as SequenceLayer<'t, T, X::Bound<'t>>>::State
where
    T: Scalar,
    M: Params<Tensor<T>>,
    X: OnTape<T>,
    M::With<Var<'t, T>>: SequenceLayer<'t, T, X::Bound<'t>, State: State<'t, T, Detached = D>>,
{
    State::attach(tape, carried)
}
