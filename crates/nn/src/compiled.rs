//! What is compiled here for `f32` and `f64`, once, and not again in each program: the layers, and
//! what else most programs use. How, the file of this name in `unspool-autograd` says.

use crate::cells::{Gru, Lstm, SimpleRnn};
use crate::context::Context;
use crate::layers::activation_fn::Activation;
use crate::layers::init::{glorot_uniform, orthogonal};
use crate::optim::{AdamRule, Parameter, Rule, SgdRule, Step};
use crate::random::Rng;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::train::shards::add_leaf;
use crate::train::world::Ranks;
use crate::train::world::agreement::Hash;
use crate::train::world::ranks::{Broken, Messages};
use unspool_autograd::{Scalar, Tensor, Var};

type Value<T> = Var<'static, T>;
type State<T, C> = <C as Cell<'static, T>>::State;
type Run<T, C> =
    fn(&Recurrent<C>, Value<T>, Option<State<T, C>>, Context<'_>) -> RecurrentOutput<'static, T, State<T, C>>;
type Totals<T> = fn(&Ranks<T>, usize, &[(f64, Vec<&Tensor<T>>)], &[&Tensor<T>]) -> Result<(f64, Messages), Broken>;
type Fill<T> = fn(&Ranks<T>, &Messages, &mut [&mut Tensor<T>]) -> Result<(), Broken>;
type Draw<T> = fn(&mut Rng, usize, usize) -> Tensor<T>;

/// Functions of one element type.
#[allow(dead_code)] // no one calls them by these names
struct Functions<T: Scalar> {
    simple_rnn: Run<T, SimpleRnn<Value<T>>>,
    gru: Run<T, Gru<Value<T>>>,
    lstm: Run<T, Lstm<Value<T>>>,
    activation: fn(Activation, Value<T>) -> Value<T>,
    initial: [Draw<T>; 2],
    sgd: fn(&SgdRule, Step<'_>, Parameter<'_, T>),
    adam: fn(&AdamRule, Step<'_>, Parameter<'_, T>),
    add_leaf: fn(&mut Tensor<T>, &Tensor<T>),
    hash: fn(Hash, &Tensor<T>) -> Hash,
    totals: Totals<T>,
    fill: Fill<T>,
}

macro_rules! compile {
    ($($name:ident: $T:ty),*) => {$(
        #[used]
        static $name: Functions<$T> = Functions {
            simple_rnn: SequenceLayer::run,
            gru: SequenceLayer::run,
            lstm: SequenceLayer::run,
            activation: Activation::of,
            initial: [orthogonal, glorot_uniform],
            sgd: Rule::update,
            adam: Rule::update,
            add_leaf,
            hash: Hash::tensor,
            totals: Ranks::totals,
            fill: Ranks::fill,
        };
    )*};
}
compile!(F32: f32, F64: f64);
