//! Learning without unrolling: gradients of single steps that add up to that of the whole sequence.

mod rtrl;
mod sentences;
mod snap1;
mod uoro;

use unspool::online::OnlineLearner;
use unspool::prelude::*;
use unspool::recurrent::DetachedState;
use unspool_tests::values;

const INPUTS: usize = 3;
const HIDDEN: usize = 8;
const TIME: usize = 30;

/// A recurrent layer and a head, which the state does not depend on.
#[derive(Params, Clone)]
struct Net<R, P> {
    layer: R,
    head: Dense<P>,
}

/// A model of this cell with every weight away from where it starts, where one of them may do nothing.
fn net<C: Params<Tensor<f64>>>(cell: C, outputs: usize) -> Net<Recurrent<C>, Tensor<f64>> {
    let mut model = Net { layer: Recurrent::new(cell), head: Dense::new(&mut rng(8), outputs, 2) };
    scatter(&mut model);
    model
}

fn scatter(model: &mut impl Params<Tensor<f64>>) {
    for (salt, leaf) in model.leaves_mut().into_iter().enumerate() {
        leaf.update(&values(leaf.shape(), 10 + salt as u64), |w, v| w + 0.3 * v);
    }
}

/// A sequence of inputs and its targets.
fn data(time: usize, batch: usize, inputs: usize) -> (Tensor<f64>, Tensor<f64>) {
    (values([time, batch, inputs], 1), values([time, batch, 2], 2))
}

/// The sum of the losses and of the gradients of all steps.
fn online<L, R>(
    learner: &mut L,
    model: &Net<R, Tensor<f64>>,
    (xs, ys): &(Tensor<f64>, Tensor<f64>),
) -> (f64, Net<R, Tensor<f64>>)
where
    L: OnlineLearner<Number = f64>,
    R: Params<Tensor<f64>>,
    for<'t> R::With<Var<'t, L::Scalar>>:
        SequenceLayer<'t, L::Scalar, State = <L::State as DetachedState>::Attached<'t, L::Scalar>>,
{
    let (mut sum, mut losses) = (model.zeros_like(), 0.0);
    for t in 0..xs.shape()[0] {
        let (x, y) = (xs.slice(0, t..t + 1), ys.slice(0, t..t + 1));
        let (loss, gradients) = learner.step(model, [&x, &y], |net, [x, y], state| {
            let output = net.layer.run(x, Some(state), Context::default());
            (mse(net.head.forward(output.sequence()), y), output.state())
        });
        losses += loss;
        for (sum, gradient) in sum.leaves_mut().into_iter().zip(gradients.leaves()) {
            sum.update(gradient, |sum, gradient| sum + gradient);
        }
    }
    (losses, sum)
}

/// The same by backpropagation through all steps.
fn bptt<R>(model: &Net<R, Tensor<f64>>, (xs, ys): &(Tensor<f64>, Tensor<f64>)) -> (f64, Net<R, Tensor<f64>>)
where
    R: Params<Tensor<f64>>,
    for<'t> R::With<Var<'t, f64>>: SequenceLayer<'t, f64>,
{
    let tape = Tape::new();
    let net = tape.bind(model);
    let output = net.layer.run(tape.constant(xs), None, Context::default());
    let loss = mse(net.head.forward(output.sequence()), tape.constant(ys)) * xs.shape()[0] as f64;
    (loss.item(), loss.backward().of(&net))
}

/// The largest difference of two gradients in a parameter, relative to the largest element of that, and its name.
fn error<M: Params<Tensor<f64>>>(got: &M, expected: &M) -> (f64, String) {
    let largest = |tensor: &Tensor<f64>| tensor.to_vec().into_iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    let errors = got.leaves().into_iter().zip(expected.leaves()).zip(got.names()).map(|((got, expected), name)| {
        let error = largest(&got.zip(expected, |a, b| a - b)) / largest(expected);
        (if error.is_nan() { f64::INFINITY } else { error }, name)
    });
    errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("a model has parameters")
}
