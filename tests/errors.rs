//! The sentences of mistakes, word for word, and the line they point to.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, OnceLock};
use unspool::prelude::*;
use unspool::{
    Contributions, FitError, Flatten, Inputs, Op, bce_with_logits, cross_entropy, evaluate, mae, predict, tensor::Shape,
};

/// Message, file and line of the panic of `f`.
fn panic_of(f: impl FnOnce()) -> (String, String, u32) {
    static SEEN: OnceLock<Mutex<Option<(String, String, u32)>>> = OnceLock::new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let seen = SEEN.get_or_init(Default::default);
    let default = take_hook();
    set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = payload.downcast_ref::<String>().cloned().or(text).unwrap_or_default();
        let at = info.location().expect("panics have a location");
        *SEEN.get_or_init(Default::default).lock().unwrap() = Some((message, at.file().to_owned(), at.line()));
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    set_hook(default);
    assert!(result.is_err(), "no panic");
    seen.lock().unwrap().take().expect("the hook has run")
}

/// Mistakes with their sentences, one a line from the line after `sentences! {` on: the panic must point to
/// that line of this file.
macro_rules! sentences {
    ($($mistake:expr => $sentence:expr;)*) => {
        let mut expected = line!();
        $(
            expected += 1;
            let (message, file, line) = panic_of(|| { let _ = $mistake; });
            assert_eq!(message, $sentence);
            assert!(file.ends_with("errors.rs"), "{message}: points to {file}");
            assert_eq!(line, expected, "{message}: points to another line");
        )*
    };
}

fn zeros(shape: impl Into<Shape>) -> Tensor {
    Tensor::zeros(shape)
}

#[test]
fn shape_mistakes_name_the_op_and_both_shapes_at_the_callers_line() {
    let (tape, other) = (Tape::new(), Tape::new());
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, b, s) = (v(&[32, 20]), v(&[30, 20]), v(&[50, 32, 1]));
    let layer = tape.bind(&Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 4)));
    let head = tape.bind(&Dense::<Tensor>::new(&mut rng(0), 20, 1));
    sentences! {
        a + b => "add: shapes [32, 20] and [30, 20] do not broadcast";
        a - b => "sub: shapes [32, 20] and [30, 20] do not broadcast";
        a * b => "mul: shapes [32, 20] and [30, 20] do not broadcast";
        a / b => "div: shapes [32, 20] and [30, 20] do not broadcast";
        a.matmul(b) => "matmul: shapes [32, 20] and [30, 20] do not multiply; they must be [.., K] and [K, N]";
        a.matmul(s) => "matmul: shapes [32, 20] and [50, 32, 1] do not multiply; they must be [.., M, K] and [.., K, N]";
        v(&[2, 3, 4]).matmul(v(&[5, 4, 2])) => "matmul: shapes [2, 3, 4] and [5, 4, 2] do not multiply; they must be [.., M, K] and [.., K, N]";
        v(&[4]).matmul(v(&[5, 4, 2])) => "matmul: shapes [4] and [5, 4, 2] do not multiply; they must be [.., M, K] and [.., K, N]";
        a.reshape([32, 21]) => "reshape: [32, 20] has 640 elements, [32, 21] has 672";
        a.permute(&[0, 0]) => "permute: axis 0 is named twice in [0, 0]";
        v(&[3]).t() => "t: shape [3] has no two axes to swap";
        a.select(2, 0) => "select: shape [32, 20] has no axis 2";
        a.select(1, 20) => "select: index 20 is beyond axis 1 of shape [32, 20]";
        a.slice(1, 18..21) => "slice: 18..21 reaches beyond axis 1 of shape [32, 20]";
        a.chunks::<3>() => "chunks: the last axis of shape [32, 20] does not divide into 3 parts";
        a.sum_axes(&[2]) => "sum_axes: shape [32, 20] has no axis 2";
        a.mean_axes(&[0, 0]) => "mean_axes: axis 0 is named twice in [0, 0]";
        v(&[]).last() => "last: shape [] has no last position";
        v(&[]).unbind() => "unbind: a value of rank 0 has no positions";
        Var::stack(&[a, b]) => "stack: shapes [32, 20] and [30, 20] differ";
        Var::<f32>::stack(&[]) => "stack: no values given";
        a.pow(b) => "pow: shapes [32, 20] and [30, 20] do not broadcast";
        a.minimum(b) => "minimum: shapes [32, 20] and [30, 20] do not broadcast";
        a.maximum(b) => "maximum: shapes [32, 20] and [30, 20] do not broadcast";
        a.where_(a, b) => "where_: shapes [32, 20], [32, 20] and [30, 20] do not broadcast";
        a.max_axes(&[2]) => "max_axes: shape [32, 20] has no axis 2";
        a.min_keepdim(&[0, 0]) => "min_keepdim: axis 0 is named twice in [0, 0]";
        v(&[2, 0]).max() => "max: axis 1 of shape [2, 0] is empty";
        v(&[2, 0]).softmax(1) => "softmax: axis 1 of shape [2, 0] is empty";
        a.log_softmax(2) => "log_softmax: shape [32, 20] has no axis 2";
        a.logsumexp_axes(&[2]) => "logsumexp_axes: shape [32, 20] has no axis 2";
        a.norm_axes(&[2]) => "norm_axes: shape [32, 20] has no axis 2";
        a.var_axes(&[2], 1) => "var_axes: shape [32, 20] has no axis 2";
        a.cumsum(2) => "cumsum: shape [32, 20] has no axis 2";
        a.expand([32, 21]) => "expand: [32, 20] does not broadcast to [32, 21]";
        a.squeeze(0) => "squeeze: axis 0 of shape [32, 20] is not of size 1";
        a.unsqueeze(3) => "unsqueeze: axis 3 does not fit into shape [32, 20]";
        a.flip(2) => "flip: shape [32, 20] has no axis 2";
        a.pad(2, 1, 1) => "pad: shape [32, 20] has no axis 2";
        Var::concat(1, &[a, b]) => "concat: shapes [32, 20] and [30, 20] differ beside axis 1";
        Var::concat(2, &[a, a]) => "concat: shape [32, 20] has no axis 2";
        Var::<f32>::concat(0, &[]) => "concat: no values given";
        a.index_select(1, [0, 20]) => "index_select: index 20 is beyond axis 1 of shape [32, 20]";
        a.backward_with(&zeros([20])) => "backward_with: the seed [20] must have the shape of the value, [32, 20]";
        a.item() => "item: shape [32, 20] has 640 elements, not 1";
        a.backward() => "backward: a loss has one element, this value has shape [32, 20]";
        tape.constant(&zeros([])).backward() => "backward: the loss depends on no variable of its tape";
        a + other.variable(&zeros([32, 20])) => "add: the operands belong to different tapes";
        mse(a, b) => "mse: output [32, 20] and target [30, 20] differ in shape";
        mae(a, b) => "mae: output [32, 20] and target [30, 20] differ in shape";
        bce_with_logits(a, b) => "bce_with_logits: output [32, 20] and target [30, 20] differ in shape";
        cross_entropy(a, b) => "cross_entropy: output [32, 20] and target [30, 20] differ in shape";
        cross_entropy(v(&[]), v(&[])) => "cross_entropy: scores of rank 0 have no axis of classes";
        Tensor::<f32>::one_hot([0, 3], 3) => "one_hot: class 3 is not one of 3";
        head.forward(s) => "matmul: shapes [50, 32, 1] and [20, 1] do not multiply; they must be [.., K] and [K, N]";
        layer.forward(a) => "Recurrent: the input must be [T, B, F] with at least one time step, not [32, 20]";
        layer.forward(v(&[0, 2, 1])) => "Recurrent: the input must be [T, B, F] with at least one time step, not [0, 2, 1]";
        Flatten.forward(a) => "Flatten: the input must be [T, B, F], not [32, 20]";
        zeros([2]).at([2]) => "at: index [2] is outside shape [2]";
    }
}

#[test]
fn asking_for_a_gradient_that_is_not_there_says_why() {
    let (tape, other) = (Tape::new(), Tape::new());
    let x = tape.variable(&zeros([2]));
    let (c, y) = (tape.constant(&zeros([2])), x.tanh());
    let gradients = y.sum().backward();
    sentences! {
        gradients.wrt(c) => "gradient: a constant has none";
        gradients.wrt(y) => "gradient: that of a computed value is kept only if retain_grad() was called on it before";
        gradients.wrt(other.variable(&zeros([2]))) => "gradient: the variable belongs to another tape";
        gradients.of(&Dense { weight: x, bias: c }) => "gradient of bias: a constant has none";
    }
}

/// `x w` with the factors of its weight's gradient swapped.
struct Swapped;

impl Op<f32> for Swapped {
    fn name(&self) -> &'static str {
        "swapped"
    }
    fn forward(&self, x: Inputs<'_, f32>) -> Tensor {
        x[0].matmul(&x[1])
    }
    fn backward(&self, x: Inputs<'_, f32>, _: &Tensor, grad: Tensor, into: &mut Contributions<'_, f32>) {
        into.add_product(1, &grad, &x[0]);
    }
}

#[test]
fn a_gradient_of_the_wrong_shape_is_refused() {
    let tape = Tape::new();
    let y = tape.apply(Swapped, &[tape.variable(&zeros([4, 3])), tape.variable(&zeros([3, 2]))]);
    let (message, file, _) = panic_of(|| drop(y.sum().backward()));
    assert_eq!(message, "add_product: [4, 2]ᵀ x [4, 3] is not a gradient of input 1, [3, 2]");
    assert!(file.ends_with("errors.rs"), "{file}");
}

#[test]
fn a_panic_in_an_op_leaves_the_tape_usable() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::ones([2]));
    panic_of(|| {
        let _ = x.matmul(x);
    });
    assert_eq!(x.square().sum().backward().wrt(x).to_vec(), [2.0, 2.0]);
}

#[test]
fn training_refuses_what_it_cannot_use() {
    let data = |n: usize| Dataset::new(zeros([n, 3]), zeros([n, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let no_examples = fit(&mut model, &data(0)).loss(mse).quiet().run().unwrap_err();
    assert_eq!(no_examples.to_string(), "the training set holds no examples: at least one is needed");
    let no_valid = fit(&mut model, &data(4)).loss(mse).validate(&data(0)).quiet().run().unwrap_err();
    assert_eq!(no_valid.to_string(), "the validation set holds no examples: at least one is needed");
    let empty = fit(&mut model, &data(4)).loss(mse).batch(0).quiet().run().unwrap_err();
    assert_eq!(empty.to_string(), "the batch size is 0: it must be at least 1");
    assert!(evaluate(&model, &data(0), mse).is_nan());
    let nothing = fit(&mut sequential().add(Flatten), &Dataset::new(zeros([2, 4, 3]), zeros([4, 6])).unwrap())
        .loss(mse)
        .quiet()
        .run()
        .unwrap_err();
    assert_eq!(nothing.to_string(), "the model has no parameters: there is nothing to train");
}

#[test]
fn training_stops_at_a_loss_that_is_not_finite_and_keeps_the_weights_before_it() {
    let mut x = zeros([64, 3]);
    x.as_mut_slice()[3 * 40] = f32::NAN; // one example
    let data = Dataset::new(x, zeros([64, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let error = fit(&mut model, &data).loss(mse).batch(8).quiet().run().unwrap_err();
    let FitError::NotFinite { epoch: 1, batch, loss } = error else { panic!("{error}") };
    assert!((1..=8).contains(&batch) && loss.is_nan());
    let expected = format!("the loss became NaN in batch {batch} of epoch 1: try a smaller learning rate");
    assert_eq!(error.to_string(), expected);
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

#[test]
fn training_stops_at_a_gradient_that_is_not_finite_and_names_the_parameter() {
    // The square root has an infinite slope at 0, where the loss is 0.
    let data = Dataset::new(zeros([4, 3]), zeros([4, 1])).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let error = fit(&mut model, &data).loss(|o, t| (o - t).square().sqrt().mean()).quiet().run().unwrap_err();
    assert_eq!(error.to_string(), "the gradient of layers.0.weight is not finite in batch 1 of epoch 1");
    assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.is_finite())));
}

#[test]
fn misfits_in_training_and_prediction_point_to_the_callers_line() {
    let mut model = sequential().add(simple_rnn(2, 4)).add(dense(4, 1));
    let data = Dataset::new(zeros([5, 8, 3]), zeros([8, 1])).unwrap();
    let sentence = "matmul: shapes [5, 1, 3] and [2, 4] do not multiply; they must be [.., K] and [K, N]";
    sentences! {
        predict(&model, data.x()) => sentence;
        evaluate(&model, &data, mse) => sentence;
        fit(&mut model, &data).loss(mse).quiet().run() => sentence;
    }
}

#[test]
fn data_that_does_not_fit_is_refused_in_a_sentence() {
    let error = Dataset::new(zeros([5]), zeros([5, 1])).unwrap_err();
    assert_eq!(error.to_string(), "inputs [5] must have an axis of examples and one of features");
    let model = sequential().add(dense(3, 1));
    let (message, ..) = panic_of(|| drop(predict(&model, &zeros([4, 2]))));
    assert_eq!(message, "matmul: shapes [1, 2] and [3, 1] do not multiply; they must be [.., K] and [K, N]");
}
