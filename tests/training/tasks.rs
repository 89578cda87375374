//! `fit` on tasks of all kinds, and what a user writes from the documentation alone.

use super::*;
use unspool::data::{Padded, pad_tokens, permutation};
use unspool::losses::{mae, sparse_cross_entropy};
use unspool::train::{BatchGradients, EarlyStopping, FitError, Interrupt, StopReason, Task, from_fn};
use unspool::{Sgd, embedding, gru};
use unspool_tests::{panic_of, sentences};

/// A user's layer of layers: the mode reaches both parts, and the lengths the recurrent one.
mod layer_of_layers {
    use unspool::prelude::*;

    #[derive(Params)]
    pub struct Tagger<P> {
        pub words: Embedding<P>,
        pub gru: Recurrent<Gru<P>>,
        pub head: Dense<P>,
    }

    impl<'t, T: Scalar> Layer<'t, T, Indices> for Tagger<Var<'t, T>> {
        type Output = Var<'t, T>;

        fn apply(&self, tokens: Indices, cx: Context<'_>) -> Var<'t, T> {
            let words = cx.fold_in(0).dropout(self.words.apply(tokens, cx), 0.2);
            self.head.apply(self.gru.apply(words, cx).sequence(), cx)
        }
    }
}

/// Sentences of different lengths; the tag of a word is whether the word before it was odd.
fn sentences_and_tags(n: usize) -> Dataset<Indices> {
    let sentences: Vec<Vec<usize>> =
        (0..n).map(|i| (0..2 + i % 6).map(|t| (i * 7 + t * t * 3) % 10).collect()).collect();
    let tags =
        |words: &Vec<usize>| (0..words.len()).map(|t| if t > 0 { words[t - 1] % 2 } else { 0 }).collect::<Vec<_>>();
    let Padded { x, lengths } = pad_tokens(&sentences, 0).unwrap();
    let y = pad_tokens(&sentences.iter().map(tags).collect::<Vec<_>>(), 0).unwrap().x;
    Dataset::new(x, y).unwrap().with_lengths(lengths).unwrap()
}

#[test]
fn a_model_of_tokens_with_a_class_at_every_step_is_fitted() {
    let data = sentences_and_tags(60);
    let rng = &mut rng(0);
    let mut model = layer_of_layers::Tagger::<Tensor> {
        words: Embedding::new(rng, 10, 6),
        gru: Recurrent::new(Gru::new(rng, 6, 12)),
        head: Dense::new(rng, 12, 2),
    };
    /// A user's metric: the fraction of steps whose class has the highest score.
    fn hits<'t>(scores: Var<'t>, classes: Indices) -> Var<'t> {
        let said = scores.argmax(1);
        let right = said.as_slice().iter().zip(classes.as_slice()).filter(|(said, class)| said == class).count();
        scores.tape().constant(&Tensor::scalar(right as f32 / classes.as_slice().len() as f32))
    }
    let adam = Adam::default().learning_rate(0.02);
    let fit = fit(&mut model, &data).loss(sparse_cross_entropy).metric("hits", hits).optimizer(adam);
    let history = fit.bucket_by_length().batch_size(10).epochs(40).quiet().run().unwrap();
    assert!(history.curve("hits").unwrap()[39] > 0.97, "{history:?}");
    // Padding is not counted, whatever it is.
    let lengths = data.lengths().unwrap();
    let fill = |of: &Indices| {
        let at = |(i, &token): (usize, &usize)| if i / 60 < lengths[i % 60] { token } else { 1 };
        Indices::from_vec(of.as_slice().iter().enumerate().map(at).collect(), of.shape())
    };
    let filled = Dataset::new(fill(data.x()), fill(data.y())).unwrap().with_lengths(lengths.to_vec()).unwrap();
    assert_ne!(data.x().as_slice(), filled.x().as_slice());
    let loss = |data| evaluate(&model, data, sparse_cross_entropy);
    assert_eq!(loss(&data), loss(&filled));
    assert_eq!(evaluate(&model, &data, hits), evaluate(&model, &filled, hits));
    // Predictions are those of each alone, up to rounding.
    let together = predict(&model, &data);
    let alone = predict(&model, &data.slice(3, 1));
    assert!((together.at([1, 3, 0]) - alone.at([1, 0, 0])).abs() < 1e-6);
}

/// Tokens in, one class out, by the layers of `sequential` alone; from indices in a pair of orders.
#[test]
fn sequential_models_begin_with_an_embedding() {
    let x = Indices::from_vec((0..5 * 90).map(|i| (i * 13 % 90) / 10 % 4).collect(), [5, 90]);
    let classes: Vec<usize> = (0..90).map(|i| x.as_slice()[i]).collect(); // the first token
    let data = Dataset::classes(x, classes).unwrap();
    let mut model = sequential().add(embedding(4, 5)).add(gru(5, 12)).add(dense(12, 4));
    let adam = Adam::default().learning_rate(0.02);
    let fit = fit(&mut model, &data).loss(sparse_cross_entropy).optimizer(adam).validation_split(0.2);
    let history =
        fit.metric("hits", |scores, classes| scores.gather(1, classes.reshape([classes.as_slice().len(), 1])).mean());
    let history = history.epochs(60).quiet().run().unwrap();
    assert!(history.val_loss[59] < 0.1, "{:?}", history.val_loss);
    assert_eq!(predict(&model, data.x()).argmax(1).as_slice()[..9], data.y().as_slice()[..9]);
    assert_eq!(predict(&model, data.x()), predict(&model, &data));
}

/// Two inputs: a layer over a pair.
#[derive(Params)]
struct Either<P> {
    numbers: Dense<P>,
    tokens: Embedding<P>,
}

impl<'t> Layer<'t, f64, (Var<'t, f64>, Indices)> for Either<Var<'t, f64>> {
    type Output = Var<'t, f64>;

    fn apply(&self, (x, token): (Var<'t, f64>, Indices), cx: Context<'_>) -> Var<'t, f64> {
        self.numbers.apply(x, cx) + self.tokens.apply(token, cx)
    }
}

#[test]
fn pairs_of_inputs_go_together() {
    let (x, token) = (values([70, 3], 1), Indices::from((0..70).map(|i| i % 5).collect::<Vec<_>>()));
    let y = Tensor::from_fn([70, 1], |i| x.at([i, 0]) + (i % 5) as f64);
    let data = Dataset::new((x.clone(), token.clone()), y).unwrap();
    let mut model: Either<Tensor<f64>> =
        Either { numbers: Dense::new(&mut rng(0), 3, 1), tokens: Embedding::new(&mut rng(1), 5, 1) };
    let adam = Adam::default().learning_rate(0.05);
    fit(&mut model, &data).loss(mse).optimizer(adam).epochs(150).quiet().run().unwrap();
    assert!(evaluate(&model, &data, mse) < 1e-3);
    assert_eq!(predict(&model, &(x.clone(), token)), predict(&model, &data));
    let odd = Dataset::new((x, Indices::from([1, 2])), Tensor::<f64>::zeros([70, 1])).unwrap_err().to_string();
    assert_eq!(odd, "inputs ([70, 3], [2]) and targets [70, 1]: both of a pair must hold the same examples");
}

/// A layer over a source and the input of a decoder.
#[derive(Params)]
struct Decoder<P> {
    source: Recurrent<Gru<P>>,
    target: Dense<P>,
}

impl<'t> Layer<'t, f64, (Var<'t, f64>, Var<'t, f64>)> for Decoder<Var<'t, f64>> {
    type Output = Var<'t, f64>;

    fn apply(&self, (source, target): (Var<'t, f64>, Var<'t, f64>), cx: Context<'_>) -> Var<'t, f64> {
        self.target.apply(target, cx.without_steps()) + self.source.apply(source, cx).last()
    }
}

/// Even where there are as many steps of both.
#[test]
fn lengths_of_a_source_do_not_cut_the_targets_of_a_decoder() {
    let (n, time) = (5, 4);
    let pair = (values([time, n, 2], 1), values([time, n, 3], 2));
    let data = Dataset::new(pair, values([time, n, 1], 3)).unwrap();
    let cut = data.clone().with_lengths(vec![1, 2, 3, 1, 2]).unwrap();
    let rng = &mut rng(0);
    let mut model: Decoder<Tensor<f64>> =
        Decoder { source: Recurrent::new(Gru::new(rng, 2, 1)), target: Dense::new(rng, 3, 1) };
    // Without a source, all that is left are the targets.
    model.source = model.source.zeros_like();
    assert_eq!(evaluate(&model, &cut, mse), evaluate(&model, &data, mse));
    fit(&mut model, &cut).loss(mse).batch_size(2).quiet().run().unwrap();
}

/// A user's task: two views of each sequence shall be encoded alike, and unlike those of others.
struct Contrastive {
    views: [Tensor<f64>; 2],
    order: Vec<usize>,
    shards: Shards<f64>,
}

type Encoder = Recurrent<Gru<Tensor<f64>>>;

impl Task<f64, Encoder> for Contrastive {
    fn begin_epoch(&mut self, seed: u64) -> usize {
        self.order = permutation(48, seed);
        3
    }

    fn gradients(&mut self, model: &Encoder, batch: usize, _: Mode) -> BatchGradients<Encoder> {
        let pairs = &self.order[16 * batch..16 * (batch + 1)];
        let [a, b] = self.views.each_ref().map(|view| view.index_select(1, pairs));
        let gradients = self.shards.gradients(model, &[()], |tape, net, ()| {
            let [a, b] = [&a, &b].map(|view| net.forward(tape.constant(view)).last());
            CrossEntropy::default().classes(a.matmul(b.t()) * 5.0, (0..16).collect::<Vec<_>>())
        });
        gradients.into()
    }

    fn metrics(&self) -> Vec<String> {
        vec!["val_loss".into(), "val_right".into()]
    }

    fn evaluate(&mut self, model: &Encoder) -> Vec<f64> {
        let [a, b] = self.views.each_ref().map(|view| predict(model, view));
        let right = a.matmul(&b.t()).argmax(1).as_slice().iter().enumerate().filter(|(i, said)| i == *said).count();
        vec![1.0 - right as f64 / 48.0, right as f64 / 48.0]
    }
}

fn contrastive() -> (Contrastive, Encoder) {
    let a = values([6, 48, 2], 1);
    let b = a.zip(&values([6, 48, 2], 2), |a, noise| a + 0.1 * noise);
    let task = Contrastive { views: [a, b], order: Vec::new(), shards: Shards::new() };
    (task, Recurrent::new(Gru::new(&mut rng(0), 2, 12)))
}

#[test]
fn a_task_of_a_users_own_is_fitted_stopped_and_resumed_to_the_bit() {
    let path = resume::file("contrastive");
    let train = |epochs: usize, resume: bool| {
        let (mut task, mut model) = contrastive();
        let mut stopping = EarlyStopping::new(1000);
        let adam = Adam::default().learning_rate(0.02);
        let fit = fit(&mut model, &mut task).optimizer(adam).epochs(epochs).callback(&mut stopping).quiet();
        let fit = if resume { fit.resume(&path) } else { fit.checkpoint(&path) };
        let history = timeless(fit.run().unwrap());
        (bits(&model), history, stopping.best())
    };
    let straight = train(12, false);
    let right = &straight.1.curve("val_right").unwrap();
    assert!(right[11] > 2.0 * right[0] && right[11] > 0.5, "{right:?}");
    assert_eq!(straight.2, straight.1.val_loss.iter().copied().min_by(f64::total_cmp));
    train(5, false);
    assert!(train(12, true) == straight);
    std::fs::remove_file(path).unwrap();
}

/// A model that counts its steps, in a buffer that its task updates.
#[derive(Params)]
struct Counted<P> {
    dense: Dense<P>,
    #[params(buffer)]
    steps: P,
}

#[test]
fn buffers_are_updated_after_each_step_of_the_optimizer() {
    type Model = Counted<Tensor<f64>>;
    struct Counting;
    impl Task<f64, Model> for Counting {
        fn begin_epoch(&mut self, _: u64) -> usize {
            5
        }
        fn gradients(&mut self, model: &Model, _: usize, _: Mode) -> BatchGradients<Model> {
            (model.steps.item(), model.zeros_like()).into()
        }
        fn after_step(&mut self, model: &mut Model) {
            model.steps = &model.steps + 1.0;
        }
    }
    let mut model = Counted { dense: Dense::new(&mut rng(0), 1, 1), steps: Tensor::zeros([]) };
    let history = fit(&mut model, &mut Counting).epochs(2).accumulate(2).quiet().run().unwrap();
    assert_eq!((model.steps.item(), history.loss[1]), (6.0, (3.0 + 3.0 + 4.0 + 4.0 + 5.0) / 5.0));
}

#[test]
fn a_task_that_measures_something_else_than_it_names_is_told() {
    struct Odd;
    impl Task<f64, Dense<Tensor<f64>>> for Odd {
        fn begin_epoch(&mut self, _: u64) -> usize {
            1
        }
        fn gradients(&mut self, model: &Dense<Tensor<f64>>, _: usize, _: Mode) -> BatchGradients<Dense<Tensor<f64>>> {
            (0.0, model.zeros_like()).into()
        }
        fn metrics(&self) -> Vec<String> {
            vec!["one".into()]
        }
    }
    let mut model = Dense::new(&mut rng(0), 1, 1);
    let (message, ..) = panic_of(|| drop(fit(&mut model, &mut Odd).quiet().run()));
    assert_eq!(message, "fit: a task has measured 0 values for [\"one\"]");
}

/// As a data set, batch by batch, with the same weights of the batches.
#[test]
fn two_closures_are_a_task() {
    let data = Dataset::new(values([50, 3], 1), values([50, 1], 2)).unwrap();
    let model = || Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1);
    let mut straight = model();
    let by_set = fit(&mut straight, &data).loss(mse).validate(&data).shuffle(false).batch_size(16).accumulate(2);
    let by_set = timeless(by_set.epochs(3).quiet().run().unwrap());
    let (mut by_hand, mut shards) = (model(), Shards::new());
    let mut task = from_fn(
        |_| data.batches(16).collect(),
        |model: &Dense<Tensor<f64>>, batch: &Dataset<Tensor<f64>>, mode| {
            let (loss, gradients) = shards.batch_gradients(model, batch, mse, mode);
            BatchGradients { loss, gradients, weight: batch.len() as f64 }
        },
    )
    .validate(|model| evaluate(model, &data, mse));
    let history = timeless(fit(&mut by_hand, &mut task).accumulate(2).epochs(3).quiet().run().unwrap());
    assert_eq!(bits(&by_hand), bits(&straight));
    assert_eq!(history, by_set);

    // Resumed within an epoch, too.
    let path = resume::file("closures");
    let mut train = |steps: Option<usize>, resume: bool| {
        let mut model = model();
        let mut task = from_fn(
            |seed| data.batches(16).shuffle(seed).collect(),
            |model: &Dense<Tensor<f64>>, batch: &Dataset<Tensor<f64>>, mode| {
                shards.batch_gradients(model, batch, mse, mode)
            },
        );
        let interrupt = Interrupt::new();
        let cut = resume::At(steps.unwrap_or(usize::MAX), interrupt.clone());
        let fit = fit(&mut model, &mut task).epochs(2).interrupt(&interrupt).callback(cut).quiet();
        let history = if resume { fit.resume(&path) } else { fit.checkpoint(&path) }.run().unwrap();
        (bits(&model), timeless(history))
    };
    let straight = train(None, false);
    train(Some(3), false);
    assert!(train(None, true) == straight);
    std::fs::remove_file(path).unwrap();

    let mut none = from_fn(|_| Vec::<()>::new(), |model: &Dense<Tensor<f64>>, (), _| (0.0, model.clone()));
    let error = fit(&mut by_hand, &mut none).quiet().run().unwrap_err();
    assert_eq!(error, FitError::NoExamples("training"));
}

/// Two accumulated batches are one of twice the size, also where they differ in size.
#[test]
fn accumulated_batches_are_weighted_by_their_examples() {
    let data = Dataset::new(values([21, 3], 1), values([21, 1], 2)).unwrap();
    let train = |batch_size: usize, accumulate: usize| {
        let mut model = Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1);
        let sgd = Sgd::default().learning_rate(0.1);
        let fit = fit(&mut model, &data).loss(mse).optimizer(sgd).shuffle(false);
        let history = fit.batch_size(batch_size).accumulate(accumulate).epochs(3).quiet().run().unwrap();
        (model.weight, history.loss)
    };
    let ((weight, loss), (of_two, loss_of_two)) = (train(14, 1), train(7, 2));
    unspool_tests::assert_close("weight", &weight, &of_two, 1e-14);
    assert!(loss.iter().zip(&loss_of_two).all(|(a, b)| (a - b).abs() < 1e-14), "{loss:?} {loss_of_two:?}");
}

#[test]
fn metrics_of_the_training_examples_stand_beside_those_of_validation() {
    let [train, valid] = Dataset::new(values([60, 3], 1), values([60, 1], 2)).unwrap().split([40, 20], 0).unwrap();
    let mut model = Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1);
    let fit = fit(&mut model, &train).loss(mse).validate(&valid).metric("mae", mae).metric("mse", mse).train_metrics();
    let history = fit.epochs(2).quiet().run().unwrap();
    assert_eq!(history.stop_reason, StopReason::Done);
    assert_eq!(history.names(), ["loss", "val_loss", "mae", "val_mae", "mse", "val_mse", "learning_rate"]);
    assert!(history.to_csv().starts_with("epoch,loss,val_loss,mae,val_mae,mse,val_mse,learning_rate\n"));
    assert_eq!(history.curve("mse").unwrap()[1], evaluate(&model, &train, mse));
    assert_eq!(history.curve("val_mse").unwrap(), history.val_loss);
    assert_eq!(history.curve("mae").unwrap()[1], evaluate(&model, &train, mae));
    assert_eq!(history.curve("val_mae").unwrap()[1], evaluate(&model, &valid, mae));
}

/// A loss is called through a closure, which has no line of the user's.
#[test]
fn a_misfit_in_a_loss_or_metric_names_the_line_that_gave_it() {
    let data = Dataset::new(values([6, 3], 1), values([6, 2], 2)).unwrap();
    let mut model = Dense::<Tensor<f64>>::new(&mut rng(0), 3, 1);
    let misfit =
        |shape: &str| format!("mse: output {shape} and target {} differ in shape", shape.replace(", 1]", ", 2]"));
    let (message, file, _) = panic_of(|| drop(fit(&mut model, &data).loss(mse).quiet().run()));
    let line = line!() - 1;
    let place = format!("{}:{line}:", file!());
    assert!(message.starts_with(&format!("{} (in the loss given to fit at {place}", misfit("[1, 1]"))), "{message}");
    assert!(file.ends_with("tasks.rs"));
    let (message, ..) = panic_of(|| drop(fit(&mut model, &data).loss(|o, _| o.mean()).metric("m", mse).quiet().run()));
    let line = line!() - 1;
    let place = format!("{}:{line}:", file!());
    assert!(
        message.starts_with(&format!("{} (in the metric \"m\" given to fit at {place}", misfit("[1, 1]"))),
        "{message}"
    );
    // One that the first example does not show.
    let classes = Dataset::classes(values([40, 3], 1), (0..40).map(|i| i / 39).collect::<Vec<_>>()).unwrap();
    let (message, ..) =
        panic_of(|| drop(fit(&mut model, &classes).loss(sparse_cross_entropy).shuffle(false).quiet().run()));
    let line = line!() - 1;
    let hint = format!("(example 39, in batch 2 of an epoch, with the loss given to fit at {}:{line}:", file!());
    let sentence = "cross_entropy: class 1 is out of range for 1 classes";
    assert!(message.starts_with(&format!("{sentence} {hint}")), "{message}");
    // One number for one example, but not for two.
    let (message, ..) = panic_of(|| drop(fit(&mut model, &data).loss(|o, _| o.square().sum_axes(&[1])).quiet().run()));
    let line = line!() - 1;
    let sentence = "a loss or metric must be one number, not [2]: is a mean missing? (in the loss given to fit at ";
    assert!(message.starts_with(&format!("{sentence}{}:{line}:", file!())), "{message}");
    let model = model;
    sentences! {
        evaluate(&model, &data, mse) => format!("{} (in the loss or metric given to evaluate)", misfit("[1, 1]"));
        Shards::new().batch_gradients(&model, &data, mse, Mode::Evaluation) => misfit("[6, 1]");
    }
}
