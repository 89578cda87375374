//! Whole models against central differences, and `gradcheck` itself against wrong gradients.

use unspool::layers::Activation;
use unspool::prelude::*;
use unspool_tests::values;

#[derive(Params)]
struct Operands<P> {
    a: P,
    b: P,
}

fn project(y: Var<'_, f64>) -> Var<'_, f64> {
    (y * y.tape().constant(&values(y.shape(), 99))).sum()
}

/// The lecture's models at full size, 50 steps of a batch of 3.
#[test]
fn both_deep_models_agree_with_central_differences() {
    let (x, y) = (values([50, 3, 1], 5), values([3, 1], 6));
    let deep = sequential()
        .add(simple_rnn(1, 20).return_sequences())
        .add(simple_rnn(20, 20).return_sequences())
        .add(simple_rnn(20, 1));
    gradcheck(&deep, |tape, net| mse(net.forward(tape.constant(&x)), tape.constant(&y))).unwrap();

    let deep_dense = sequential().add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1));
    gradcheck(&deep_dense, |tape, net| mse(net.forward(tape.constant(&x)), tape.constant(&y))).unwrap();
}

#[test]
fn a_relu_network_and_its_initial_state_agree_with_central_differences() {
    #[derive(Params)]
    struct WithState<P> {
        layer: Recurrent<SimpleRnn<P>>,
        h0: P,
        xs: P,
    }
    let cell = SimpleRnn::new(&mut rng(3), 3, 5).activation(Activation::Relu);
    let model = WithState { layer: Recurrent::new(cell), h0: values([4, 5], 7), xs: values([7, 4, 3], 8) };
    gradcheck(&model, |_, m| {
        let run = m.layer.run(m.xs, Some(m.h0), Context::default());
        project(run.sequence()) + project(run.steps()[2]) + project(run.state())
    })
    .unwrap();
}

#[test]
fn a_cost_over_only_some_outputs_reaches_exactly_the_steps_before_them() {
    let layer = sequential().add(recurrent(|rng| SimpleRnn::new(rng, 2, 3)).return_sequences()).cast::<f64>();
    let tape = Tape::new();
    let xs = tape.variable(&values([6, 4, 2], 1));
    let outputs = tape.bind(&layer).forward(xs);
    let gradients = (outputs.select(0, 3).sum() + outputs.select(0, 1).sum()).backward();
    let by_step: Vec<f64> = (0..6).map(|t| gradients.wrt(xs).select(0, t).map(f64::abs).sum().item()).collect();
    assert!(by_step[..4].iter().all(|&g| g > 0.0) && by_step[4..] == [0.0, 0.0], "{by_step:?}");
}

mod wrong {
    unspool::ops::elementwise! {
        /// tanh with the derivative of something else.
        pub struct WrongTanh = "wrong_tanh";
        value: |x| x.tanh();
        derivative: |_, y| T::ONE - y;
    }
}

#[test]
fn gradcheck_names_the_wrong_parameter_and_index() {
    let operands = Operands { a: values([2, 3], 1), b: values([2, 3], 2) };
    let error = gradcheck(&operands, |tape, o| {
        let b = tape.apply(wrong::WrongTanh, &[o.b.slice(1, 1..2)]);
        project(o.a.tanh()) + project(b)
    })
    .unwrap_err();
    assert_eq!((error.name.as_str(), &error.index[..]), ("b", &[0, 1][..]));
    let message = error.to_string();
    assert!(message.starts_with("b[0, 1]: analytic ") && message.contains(", numeric "), "{message}");
}

#[test]
fn gradcheck_finds_a_wrong_gradient_of_a_tiny_loss() {
    let operands = Operands { a: values([2], 1), b: values([2], 2) };
    let error = gradcheck(&operands, |tape, o| tape.apply(wrong::WrongTanh, &[o.a]).sum() * 1e-11);
    assert_eq!(error.unwrap_err().name, "a");
}

#[test]
fn gradcheck_refuses_gradients_that_are_not_finite() {
    let operands = Operands { a: values([2], 1), b: Tensor::zeros([2]) };
    assert!(gradcheck(&operands, |_, o| (o.a / o.b).sum()).is_err());
}

mod fused {
    unspool::ops::elementwise! {
        /// What is kept of a state and what comes in, as an LSTM has it.
        pub struct Blend { decay } = "blend";
        value: |[keep, old, accept, new]| decay * keep * old + accept * new;
        gradients: |[keep, old, accept, new], _, dy| [dy * decay * old, dy * decay * keep, dy * new, dy * accept];
    }
    unspool::ops::elementwise! {
        /// A gate, of which the value is read and not the inputs.
        pub struct Gate = "gate";
        value: |[x, h]| (x + h).sigmoid();
        gradients: |[_, _], y, dy| [dy * y * (T::ONE - y), dy * y * (T::ONE - y)];
    }
}

#[test]
fn chains_of_several_values_have_their_gradients_at_every_shape() {
    for (a, b) in [([2, 3], [2, 3]), ([2, 3], [1, 3]), ([2, 1], [2, 3]), ([70, 3], [1, 1]), ([0, 3], [1, 3])] {
        let operands = Operands { a: values(a, 1), b: values(b, 2) };
        gradcheck(&operands, |tape, o| {
            let since = tape.len();
            let gate = tape.apply(fused::Gate, &[o.a, o.b]);
            let y = tape.apply(fused::Blend { decay: 0.7 }, &[gate, o.a, o.b.square(), o.b]);
            tape.release(since..tape.len(), &[y]);
            project(y)
        })
        .unwrap();
        let tape = Tape::new();
        let (a, b) = (tape.constant(&operands.a), tape.constant(&operands.b));
        let gate = (a + b).sigmoid();
        let plain = (gate * a * 0.7 + b.square() * b).value();
        let fused =
            tape.apply(fused::Blend { decay: 0.7 }, &[tape.apply(fused::Gate, &[a, b]), a, b.square(), b]).value();
        let largest = (plain.zip(&fused, |x, y| (x - y).abs())).to_vec().into_iter().fold(0.0, f64::max);
        assert!(largest < 1e-15, "{largest}");
    }
}
