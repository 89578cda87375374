//! The lines that mistakes in a loss, a metric and a model name while they are trained and evaluated: one message, at the line
//! that called the library, which names the user's own line.

use unspool::layers::boxed;
use unspool::losses::sparse_cross_entropy;
use unspool::prelude::*;
use unspool::recurrent::{StepContext, recurrent};
use unspool::text::LanguageModel;
use unspool::train::{Shards, TruncatedBptt, from_fn};
use unspool_tests::{messages_of, panic_of, zeros};

/// Where this code is in this file, in the line that ends with the comment: as in messages.
fn place_of(code: &str, comment: &str) -> String {
    let mut lines = include_str!("line_sentences.rs").lines().enumerate();
    let found = lines.find(|(_, line)| line.ends_with(&format!("// {comment}")));
    let (i, line) = found.unwrap_or_else(|| panic!("no line ends with {comment:?}"));
    format!("{}:{}:{}", file!(), i + 1, line.find(code).unwrap() + 1)
}

/// One message, word for word, which points to this line of this file.
#[track_caller]
fn check<R>(line: u32, run: impl FnOnce() -> R, sentence: String) {
    let (message, file, at) = panic_of(|| {
        run();
    });
    assert_eq!(message, sentence);
    assert_eq!((&file[..], at), (file!(), line), "{message}: points to another line");
}

fn data(n: usize) -> Dataset {
    Dataset::new(zeros([n, 3]), zeros([n, 2])).unwrap()
}

fn model() -> Dense<Tensor> {
    Dense::new(&mut rng(0), 3, 1)
}

fn own_loss<'t>(output: Var<'t>, target: Var<'t>) -> Var<'t> {
    output.matmul(target.t()).mean() // mistake in the loss
}

/// A mistake that the first two examples do not show.
fn later_loss<'t>(output: Var<'t>, target: Var<'t>) -> Var<'t> {
    if output.shape()[0] > 2 {
        return (output - target.t()).mean(); // later mistake in the loss
    }
    output.mean()
}

#[test]
fn a_loss_of_the_library_that_does_not_fit() {
    let (mut model, data) = (model(), data(6));
    let misfit = |n| format!("mse: output [{n}, 1] and target [{n}, 2] differ in shape");
    let run = || fit(&mut model, &data).loss(mse).quiet().run(); // fit with mse
    let at = line!() - 1;
    check(at, run, format!("{} (in the loss given to fit at {})", misfit(1), place_of("loss(", "fit with mse")));
    let model = model;
    let run = || evaluate(&model, &data, mse);
    let at = line!() - 1;
    check(at, run, misfit(1) + " (in the loss or metric given to evaluate)");
    let run = || Shards::new().batch_gradients(&model, &data, mse, Mode::Evaluation);
    let at = line!() - 1;
    check(at, run, misfit(6));
    let many = Dataset::new(zeros([128, 3]), zeros([128, 2])).unwrap();
    let run = || Shards::new().batch_gradients(&model, &many, mse, Mode::Evaluation);
    let at = line!() - 1;
    check(at, run, misfit(32));
}

#[test]
fn a_custom_loss_names_its_line() {
    let (mut model, data) = (model(), data(6));
    let product = "matmul: shapes [1, 1] and [2, 1] do not multiply; they must be [.., K] and [K, N]";
    let inner = place_of("matmul", "mistake in the loss");
    let run = || fit(&mut model, &data).loss(own_loss).quiet().run(); // fit with own_loss
    let at = line!() - 1;
    let given = place_of("loss(", "fit with own_loss");
    check(at, run, format!("{product} (at {inner}, in the loss given to fit at {given})"));
    let run = || fit(&mut model, &data).loss(mean).metric("m", own_loss).quiet().run(); // fit with a metric
    let at = line!() - 1;
    let given = place_of("metric(", "fit with a metric");
    check(at, run, format!("{product} (at {inner}, in the metric \"m\" given to fit at {given})"));
    let run = || evaluate(&model, &data, own_loss);
    let at = line!() - 1;
    check(at, run, format!("{product} (at {inner}, in the loss or metric given to evaluate)"));
}

fn mean<'t>(output: Var<'t>, _: Var<'t>) -> Var<'t> {
    output.mean()
}

/// In the middle of training, on the threads of the pool.
#[test]
fn a_mistake_that_the_first_examples_do_not_show() {
    let (mut model, data) = (model(), data(128));
    let sum = "sub: shapes [32, 1] and [2, 32] do not broadcast";
    let inner = place_of("(output - ", "later mistake in the loss");
    let run = || fit(&mut model, &data).loss(later_loss).batch_size(128).quiet().run(); // fit with later_loss
    let at = line!() - 1;
    let given = place_of("loss(", "fit with later_loss");
    let hint = format!("in batch 1 of an epoch, with the loss given to fit at {given}");
    check(at, run, format!("{sum} (at {inner}, {hint})"));
    let whole = "sub: shapes [128, 1] and [2, 128] do not broadcast";
    let run = || fit(&mut model, &data).loss(mean).metric("m", later_loss).quiet().run(); // fit with a later metric
    let at = line!() - 1;
    let given = place_of("metric(", "fit with a later metric");
    check(at, run, format!("{whole} (at {inner}, in the metric \"m\" given to fit at {given})"));
    let run = || Shards::new().batch_gradients(&model, &data, later_loss, Mode::Evaluation);
    let at = line!() - 1;
    check(at, run, format!("{sum} (at {inner})"));
    let run = || evaluate(&model, &data, later_loss);
    let at = line!() - 1;
    check(at, run, format!("{whole} (at {inner})"));
}

/// A cell that takes batches of one or two sequences alone in step 3.
#[derive(Params, Clone)]
struct Narrow<P> {
    w: P,
}

impl<'t> Cell<'t, f32> for Narrow<Var<'t>> {
    type State = Var<'t>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.w.new_zeros([batch, 3])
    }

    fn step(&self, x: Var<'t>, h: Self::State) -> (Var<'t>, Self::State) {
        let h = h + x * self.w.select(0, 0);
        (h, h)
    }

    fn step_in(&self, x: Var<'t>, h: Self::State, cx: StepContext) -> (Var<'t>, Self::State) {
        if cx.t == 3 && x.shape()[0] > 2 {
            return (h + self.w, h); // mistake in the cell
        }
        self.step(x, h)
    }
}

#[test]
fn a_mistake_in_a_cell_names_layer_step_and_line() {
    let cell = Narrow { w: zeros([2, 3]) };
    let model = || sequential().add(recurrent(|_| cell.clone())).add(dense(3, 2));
    let (mut model, data) = (model(), Dataset::new(zeros([5, 6, 3]), zeros([6, 2])).unwrap());
    let inner = place_of("h + self.w", "mistake in the cell");
    let place = format!("add: shapes [6, 3] and [2, 3] do not broadcast (in layers.0.cell, time step 3, at {inner}");
    let run = || fit(&mut model, &data).loss(mse).quiet().run(); // fit with the cell
    let at = line!() - 1;
    let hint =
        format!("in batch 1 of an epoch, with the loss given to fit at {}", place_of("loss(", "fit with the cell"));
    check(at, run, format!("{place}, {hint})"));
    let run = || evaluate(&model, &data, mse);
    let at = line!() - 1;
    check(at, run, format!("{place})"));
    let run = || predict(&model, data.x());
    let at = line!() - 1;
    check(at, run, format!("{place})"));
}

fn own_panic<'t>(output: Var<'t>, _: Var<'t>) -> Var<'t> {
    assert_eq!(output.shape().rank(), 3, "my sentence"); // my assertion
    output.mean()
}

#[test]
fn a_panic_of_the_users_own_is_passed_on_without_another_message() {
    let (mut model, data) = (model(), data(6));
    let messages = messages_of(|| drop(fit(&mut model, &data).loss(own_panic).quiet().run()));
    let [(own, file, line)] = &messages[..] else { panic!("{messages:?}") };
    assert!(own.ends_with("my sentence\n  left: 2\n right: 3"), "{own}");
    assert!(place_of("assert_eq", "my assertion").starts_with(&format!("{file}:{line}:")));
}

/// After an epoch, with the example of the validation set.
#[test]
fn a_mistake_that_the_first_validation_examples_do_not_show() {
    let classes = |wrong| Indices::from((0..40).map(|i| if i == wrong { 2 } else { 0 }).collect::<Vec<_>>());
    let set = |wrong| Dataset::classes(zeros([40, 3]), classes(wrong)).unwrap();
    let (mut model, train, valid) = (Dense::<Tensor>::new(&mut rng(0), 3, 2), set(40), set(37));
    let fit = fit(&mut model, &train).validate(&valid).epochs(1).quiet();
    let fit = fit.loss(sparse_cross_entropy); // loss with validation
    let given = place_of("loss(", "loss with validation");
    let hint = format!("example 37, in the validation examples, with the loss given to fit at {given}");
    let run = || fit.run();
    let at = line!() - 1;
    check(at, run, format!("cross_entropy: class 2 is out of range for 2 classes ({hint})"));

    let tokens = |wrong| (0..41).map(|i| if i == wrong { 7 } else { i % 7 }).collect::<Vec<_>>();
    let mut model: LanguageModel<Tensor, Gru<Tensor>> = LanguageModel::new(&mut rng(0), 7, 3, [4], Gru::new);
    let windows = TruncatedBptt::tokens(&tokens(41), 2, 5).unwrap(); // windows of tokens
    let mut windows = windows.validate_tokens(&tokens(37), 2).unwrap();
    let given = place_of("TruncatedBptt::tokens", "windows of tokens");
    let hint = format!("in the validation sequences, with the loss given to TruncatedBptt at {given}");
    let run = || unspool::fit(&mut model, &mut windows).epochs(1).quiet().run();
    let at = line!() - 1;
    check(at, run, format!("Embedding: token 7 is out of range for 7 tokens (in embedding, {hint})"));
}

#[test]
fn tasks_and_loops_of_the_users_own() {
    let (mut model, data) = (model(), data(128));
    // On the threads of the pool, the closure has its own line.
    let shards = [0, 1];
    let run = || {
        Shards::new().gradients(&model, &shards, |tape, net, _| {
            let output = net.forward(tape.constant(data.x()));
            output.matmul(tape.constant(data.y())).mean() // mistake in a shard
        })
    };
    let of_shard = "matmul: shapes [128, 1] and [128, 2] do not multiply; they must be [.., K] and [K, N]";
    let (message, file, line) = messages_of(|| drop(run())).swap_remove(0);
    assert_eq!(message, of_shard);
    assert!(place_of("output.matmul", "mistake in a shard").starts_with(&format!("{file}:{line}:")));

    let inner = place_of("matmul", "mistake in a task");
    let mut task = from_fn(
        |_| vec![()],
        |model: &Dense<Tensor>, (), _| {
            Shards::new().gradients(model, &shards, |tape, net, _| {
                let output = net.forward(tape.constant(data.x()));
                output.matmul(tape.constant(data.y())).mean() // mistake in a task
            })
        },
    );
    let run = || fit(&mut model, &mut task).quiet().run();
    let at = line!() - 1;
    check(at, run, format!("{of_shard} (at {inner})"));

    let mut gru = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 3, 1));
    let windows = TruncatedBptt::new(zeros([4, 2, 3]), zeros([4, 2, 2]), 2).unwrap();
    let mut windows = windows.loss(mse); // loss of windows
    let run = || fit(&mut gru, &mut windows).quiet().run();
    let at = line!() - 1;
    let sentence = "mse: output [1, 1, 1] and target [1, 1, 2] differ in shape";
    let given = place_of("loss(", "loss of windows");
    check(at, run, format!("{sentence} (in the loss given to TruncatedBptt at {given})"));
}

/// Through a table of methods.
#[test]
fn a_boxed_layer_points_to_the_line_that_called_it() {
    let tape = Tape::new();
    let (net, x) = (tape.bind(&boxed(model())), tape.constant(&zeros([2, 4])));
    let run = || net.forward(x);
    let at = line!() - 1;
    let sentence = "linear: shapes [2, 4] and [3, 1] do not multiply: the layer takes 3 features, the input has 4";
    check(at, run, sentence.to_owned());
}
