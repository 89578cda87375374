//! Twelve faults planted in trainings, and what `fit` says of each: the op and its operands, the scope, the time
//! step, the example and the line.

use unspool::layers::{Activation, Model};
use unspool::losses::{Loss, sparse_cross_entropy};
use unspool::ops::{InputGrads, Inputs, Op};
use unspool::prelude::*;
use unspool::train::FitError;
use unspool::{Context, Indices};
use unspool_tests::{marked, panic_of, values};

/// A cell whose step has a fault: `h = tanh(x + h U)`, and the output is made of h.
#[derive(Params, Clone)]
struct Faulty<P> {
    x: Dense<P>,
    u: P,
    gain: P,
    fault: Fault,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Ln,
    Sqrt,
    LayerNorm,
    Exp,
    Custom,
    None,
}

impl<'t> Cell<'t, f32> for Faulty<Var<'t>> {
    type State = Var<'t>;

    fn zero_state(&self, batch: usize) -> Var<'t> {
        self.u.new_zeros([batch, 2])
    }

    fn step(&self, x: Var<'t>, h: Var<'t>) -> (Var<'t>, Var<'t>) {
        let h = (self.x.forward(x) + h.matmul(self.u)).tanh(); // @tanh
        let y = match self.fault {
            Fault::Ln => (x.slice(1, ..2) + 1.0).ln(),                    // @ln
            Fault::Sqrt => (x.slice(1, ..2).square() * self.gain).sqrt(), // @sqrt
            Fault::LayerNorm => x.layer_norm(0.0).slice(1, ..2),          // @layer_norm
            Fault::Exp => (x.slice(1, ..2) * 40.0).exp(),                 // @exp
            Fault::Custom => x.tape().apply(Inverse, &[x.slice(1, ..2)]), // @inverse
            Fault::None => h,
        };
        (h * y, h)
    }
}

/// An op of the user's.
#[derive(Clone)]
struct Inverse;

impl Op for Inverse {
    fn name(&self) -> &'static str {
        "inverse"
    }
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].map(|x| T::ONE / x)
    }
    fn backward<T: Scalar>(&self, _: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || grad.zip(y, |g, y| -g * y * y));
    }
}

/// What `fit` ends with on these examples, with the lines of this file as their marks.
fn said<M: Model<f32, Tensor> + Send + Sync>(
    model: &mut M,
    x: Tensor,
    y: Tensor,
    loss: impl Loss<f32> + Send,
) -> String {
    let data = Dataset::new(x, y).unwrap();
    let error = fit(model, &data).loss(loss).batch_size(20).shuffle(false).epochs(3).quiet().run().unwrap_err();
    marked(&error.to_string(), file!(), include_str!("fault_sentences.rs"))
}

/// 40 sequences of 5 steps of 3 features, in which step 3 of example 17 is this.
fn inputs(at_17: [f32; 3]) -> Tensor {
    let mut x: Tensor = values([5, 40, 3], 1).cast();
    x.as_mut_slice()[(3 * 40 + 17) * 3..][..3].copy_from_slice(&at_17);
    x
}

fn targets() -> Tensor {
    values([5, 40, 2], 2).cast()
}

fn faulty(fault: Fault) -> Recurrent<Faulty<Tensor>> {
    let x = Dense::new(&mut rng(1), 3, 2);
    Recurrent::new(Faulty { x, u: Tensor::full(0.1, [2, 2]), gain: Tensor::ones([2]), fault }).return_sequences()
}

#[test]
fn faults_in_a_step_of_a_users_cell() {
    let said = |fault, at_17| said(&mut faulty(fault), inputs(at_17), targets(), mse);
    assert_eq!(
        said(Fault::Ln, [0.0, -3.0, 0.0]),
        "the loss became NaN in batch 1 of epoch 1: ln of [20, 2] (-2 to 1.975) is NaN at index [17, 1], \
         in cell, time step 3, example 17, at @ln: the logarithm of a negative number is not defined; \
         clamp the operand above 0, or compute the loss from scores (`logsigmoid`, `log_softmax`)"
    );
    assert_eq!(
        said(Fault::Sqrt, [0.5, 0.0, 0.5]),
        "the gradient of cell.gain is not finite in batch 1 of epoch 1: the backward pass of sqrt of [20, \
         2] (0 to 0.9985), given the gradient [20, 2] (-0.004326 to 0.01665), made that of its operand inf \
         at index [17, 1], in cell, time step 3, example 17, at @sqrt, which makes NaN in the backward \
         pass of mul at @sqrt: the derivative of the square root is infinite at 0; add a small number, \
         such as 1e-12, before it"
    );
    assert_eq!(
        said(Fault::LayerNorm, [0.5; 3]),
        "the loss became NaN in batch 1 of epoch 1: layer_norm of [20, 3] (-0.9993 to 0.9749), [3] (all 1) \
         and [3] (all 0) is NaN at index [17, 0], in cell, time step 3, example 17, at @layer_norm: a row \
         without variation is divided by 0; pass an epsilon above 0, such as 1e-5"
    );
    assert_eq!(
        said(Fault::Exp, [0.5, 3.0, 0.5]),
        "the loss became inf in batch 1 of epoch 1: exp of [20, 2] (-39.97 to 120) is inf at index [17, \
         1], in cell, time step 3, example 17, at @exp: the exponential of a number above 88.7 overflows \
         f32; clamp the operand, or subtract the largest first, as `softmax` and `logsumexp` do"
    );
    assert_eq!(
        said(Fault::Custom, [0.5, 0.0, 0.5]),
        "the loss became inf in batch 1 of epoch 1: inverse of [20, 2] (-0.9993 to 0.9749) is inf at index \
         [17, 1], in cell, time step 3, example 17, at @inverse: a division by 0, or a result too large \
         for f32; check its operands there"
    );
}

/// On a tape, the same is found as in a training; without the example, which a tape does not know.
#[test]
fn the_same_faults_on_a_tape() {
    for (fault, at_17) in [
        (Fault::Ln, [0.0, -3.0, 0.0]),
        (Fault::Sqrt, [0.5, 0.0, 0.5]),
        (Fault::LayerNorm, [0.5; 3]),
        (Fault::Exp, [0.5, 3.0, 0.5]),
        (Fault::Custom, [0.5, 0.0, 0.5]),
        (Fault::None, [0.5, f32::NAN, 0.5]),
    ] {
        let (mut model, x, y) = (faulty(fault), inputs(at_17), targets());
        let tape = Tape::new().keep_all();
        let loss = mse(tape.bind(&model).forward(tape.constant(&x)).sequence(), tape.constant(&y));
        let bad = loss.bad_value().or_else(|| loss.backward().bad_value()).unwrap();
        if fault == Fault::None {
            let sentence = "a constant [5, 40, 3] is NaN at index [3, 17, 1], first read by";
            assert!(bad.to_string().starts_with(sentence), "{bad}");
            continue;
        }
        assert_eq!(bad.index, [17, if fault == Fault::LayerNorm { 0 } else { 1 }]);
        let data = Dataset::new(x, y).unwrap();
        let error = fit(&mut model, &data).loss(mse).batch_size(40).shuffle(false).quiet().run().unwrap_err();
        let (FitError::NotFinite { cause: Some(found), .. } | FitError::GradientNotFinite { cause: Some(found), .. }) =
            error
        else {
            panic!("{error}")
        };
        assert_eq!((bad.cause, bad.op, &bad.scope), (found.cause, found.op, &found.scope));
        assert_eq!((bad.step, bad.location, bad.advice), (found.step, found.location, found.advice));
        assert_eq!((bad.example, found.example), (None, Some(17)));
    }
}

/// The examples come first, and a weight is not blamed for them.
#[test]
fn faults_in_the_examples_and_in_a_weight() {
    let mut model = faulty(Fault::None);
    assert_eq!(
        said(&mut model, inputs([0.5, f32::NAN, 0.5]), targets(), mse),
        "the training input of example 17, step 3, feature 1 (counted from 0) is NaN: what is computed \
         from it is not finite"
    );
    let mut y = targets();
    y.as_mut_slice()[(3 * 40 + 17) * 2] = f32::NAN;
    assert_eq!(
        said(&mut model, inputs([0.5; 3]), y, mse),
        "the training target of example 17, step 3, feature 0 (counted from 0) is NaN: what is computed \
         from it is not finite"
    );
    model.cell.u.as_mut_slice()[2] = f32::NAN;
    assert_eq!(
        said(&mut model, inputs([0.5; 3]), targets(), mse),
        "the loss became NaN in batch 1 of epoch 1: cell.u [2, 2] is NaN at index [1, 0], first read by \
         matmul, in cell, time step 0, at @tanh: it was so before the first step: check its initial value, \
         or the file it is from"
    );
}

/// A model of the user's.
#[derive(Params, Clone)]
struct Net<P> {
    rnn: Recurrent<SimpleRnn<P>>,
    head: Dense<P>,
    start: f32,
}

impl<'t> Layer<'t, f32> for Net<Var<'t>> {
    type Output = Var<'t>;

    fn apply(&self, x: Var<'t>, cx: Context<'_>) -> Var<'t> {
        let start = x.tape().constant(&Tensor::full(self.start, [x.shape()[1], 4]));
        let h = self.rnn.run(x, Some(start), cx).last(); // @rnn
        self.head.forward(h)
    }
}

fn net(activation: Activation, scale: f32, start: f32) -> Net<Tensor> {
    let rng = &mut rng(1);
    let mut cell = SimpleRnn::new(rng, 3, 4).activation(activation);
    cell.u.as_mut_slice().iter_mut().for_each(|u| *u *= scale);
    Net { rnn: Recurrent::new(cell), head: Dense::new(rng, 4, 1), start }
}

#[test]
fn faults_in_a_recurrent_network() {
    let (x, y): (Tensor, Tensor) = (values([60, 40, 3], 1).cast(), values([40, 1], 2).cast());
    // The states explode; then the gradients alone, at states that are 0.
    let mut exploding = net(Activation::Relu, 30.0, 0.0);
    assert_eq!(
        said(&mut exploding, x.clone(), y.clone(), mse),
        "the loss became inf in batch 1 of epoch 1: matmul of [20, 4] (0 to 7.201e37) and rnn.cell.u [4, 4] \
         (-24.77 to 18.31) is -inf at index [0, 0], in rnn.cell, time step 32, at @rnn: the numbers have \
         grown too large for f32, from step to step; a smaller learning rate, gradient clipping \
         (`clip_norm`) and smaller weights help"
    );
    let mut exploding = net(Activation::Tanh, 30.0, 0.0);
    assert_eq!(
        said(&mut exploding, Tensor::zeros([60, 40, 3]), y.clone(), mse),
        "the gradient of rnn.cell.x.weight is not finite in batch 1 of epoch 1: the backward pass of matmul \
         of [20, 4] (all 0) and rnn.cell.u [4, 4] (-24.77 to 18.31), given the gradient [20, 4] (-2.331e37 \
         to 2.377e37), made that of operand 1 inf at index [0, 2], in rnn.cell, time step 33, at @rnn, \
         which makes NaN in the backward pass of matmul at @rnn: the gradient has grown too large for f32, \
         from step to step on its way back; a smaller learning rate, gradient clipping (`clip_norm`) and \
         smaller weights help"
    );
    let mut infinite = net(Activation::Tanh, 1.0, f32::INFINITY);
    assert_eq!(
        said(&mut infinite, x.clone(), y.clone(), mse),
        "the loss became NaN in batch 1 of epoch 1: a constant [20, 4] is inf at index [0, 0], first read by \
         matmul, in rnn.cell, time step 0, at @rnn: a constant comes from the program: check the data, or the \
         state, that it is made of"
    );
    // The library's loss has the line that set it.
    let mut model = net(Activation::Tanh, 1.0, 0.0);
    let mut y = y;
    y.as_mut_slice()[17] = 1e30;
    let data = Dataset::new(x, y).unwrap();
    let fit = fit(&mut model, &data).quiet().shuffle(false).epochs(3);
    let error = fit.loss(mse).run().unwrap_err(); // @loss
    assert_eq!(
        marked(&error.to_string(), file!(), include_str!("fault_sentences.rs")),
        "the loss became inf in batch 1 of epoch 1: square of [16, 1] (-1e30 to 0.563) is inf at index [1, \
         0], in loss, example 17, at @loss: the numbers are too large for f32; scale the data, or keep the \
         weights small with a smaller learning rate or gradient clipping (`clip_norm`)"
    );
}

#[test]
fn faults_of_the_optimizer() {
    let data = Dataset::new(values([5, 40, 3], 1).cast(), values([40, 1], 2).cast()).unwrap();
    let said = |scale: f64, rate: f64, find: bool| {
        let mut model = net(Activation::Tanh, 1.0, 0.0);
        let fit = fit(&mut model, &data).loss(|o, t| mse(o, t) * scale).batch_size(20).quiet();
        let fit = fit.optimizer(Adam::default().learning_rate(rate));
        let error = if find { fit.find_bad_values().run() } else { fit.run() }.unwrap_err();
        marked(&error.to_string(), file!(), include_str!("fault_sentences.rs"))
    };
    assert_eq!(
        said(1e25, 1e-3, true),
        "after batch 1 of epoch 1, the step of Adam made v.head.bias [1] (all 0), whose gradient was [1] \
         (all 8.649e24), inf at index [0]: it overflows f32, and its weight no longer moves as it should; \
         clip the gradients (`clip_norm`), or scale the loss down"
    );
    assert_eq!(
        said(1.0, 1e39, true),
        "after batch 1 of epoch 1, the step of Adam made rnn.cell.x.weight [3, 4] (-0.8398 to 0.842), whose \
         gradient was [3, 4] (-0.3507 to 0.2499), inf at index [0, 0]: the learning rate was 1e39; try a \
         smaller one, or clip the gradients (`clip_norm`)"
    );
    assert_eq!(
        said(1.0, 1e39, false),
        "the loss became NaN in batch 2 of epoch 1: rnn.cell.x.weight [3, 4] is inf at index [0, 0], first \
         read by linear, in rnn.cell.x, at @rnn: it was so before this pass: an earlier step, or what set \
         it, made it so; try a smaller learning rate, and find the step with `fit(..).find_bad_values()`"
    );
}

/// A model with a parameter whose name ends that of another.
#[derive(Params)]
struct Shifted<P> {
    bias: P,
    head: Dense<P>,
}

impl<'t> Layer<'t, f32> for Shifted<Var<'t>> {
    type Output = Var<'t>;

    fn apply(&self, x: Var<'t>, cx: Context<'_>) -> Var<'t> {
        self.head.apply(x, cx) + self.bias * 1e-30
    }
}

#[test]
fn a_fault_of_the_optimizer_names_the_gradient_of_its_parameter() {
    let data = Dataset::new(Tensor::<f32>::zeros([40, 3]), Tensor::ones([40, 1])).unwrap();
    let mut model: Shifted<Tensor> = Shifted { bias: Tensor::zeros([1]), head: Dense::new(&mut rng(1), 3, 1) };
    let fit = fit(&mut model, &data).loss(|o, t| mse(o, t) * 1e25).batch_size(40).quiet().find_bad_values();
    assert_eq!(
        fit.run().unwrap_err().to_string(),
        "after batch 1 of epoch 1, the step of Adam made v.head.bias [1] (all 0), whose gradient was [1] \
         (all -2e25), inf at index [0]: it overflows f32, and its weight no longer moves as it should; clip \
         the gradients (`clip_norm`), or scale the loss down"
    );
}

#[test]
fn a_target_that_is_no_class() {
    let classes: Indices = (0..40).map(|i| if i == 37 { 5 } else { i % 3 }).collect::<Vec<_>>().into();
    let data = Dataset::classes(values([40, 3], 1).cast(), classes).unwrap();
    let mut model: Dense<Tensor> = Dense::new(&mut rng(1), 3, 3);
    let fit = fit(&mut model, &data).batch_size(20).shuffle(false).quiet();
    let fit = fit.loss(sparse_cross_entropy); // @loss
    let (sentence, file, line) = panic_of(|| drop(fit.run()));
    assert_eq!((&file[..], line), (file!(), line!() - 1));
    assert_eq!(
        marked(&sentence, file!(), include_str!("fault_sentences.rs")),
        "cross_entropy: class 5 is out of range for 3 classes (example 37, in batch 2 of an epoch, with \
         the loss given to fit at @loss)"
    );
}
