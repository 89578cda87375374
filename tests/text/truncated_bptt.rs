//! Truncated backpropagation through time: shards against one tape, at any number of threads, with carried states, as a
//! task of `fit` and resumed in the middle of an epoch.

use std::ops::ControlFlow;
use std::path::Path;
use unspool::prelude::*;
use unspool::text::{BpttBatch, LanguageModel, bptt_batches};
use unspool::train::{Callback, Interrupt, NextToken, Progress, StopReason, Task, TruncatedBptt};
use unspool_tests::{assert_close, values};

const TOKENS: usize = 9;
const TRAINING: Mode = Mode::Training { seed: 4 };

type States<T> = Vec<(Tensor<T>, Tensor<T>)>;
type Bptt<T = f64> = TruncatedBptt<Indices, Indices, NextToken<T>, States<T>, T>;

fn tokens(rows: usize) -> Vec<usize> {
    (0..12 * rows + 1).map(|i| i * i * i % 31 % TOKENS).collect()
}

fn bptt<T: Scalar>(rows: usize) -> Bptt<T> {
    Bptt::tokens(&tokens(rows), rows, 4).unwrap()
}

fn model<T: Scalar>() -> LanguageModel<Tensor<T>> {
    LanguageModel::new(&mut rng(3), TOKENS, 5, [6, 6], Lstm::new)
}

fn bits<T: Scalar>(model: &LanguageModel<Tensor<T>>) -> Vec<u64> {
    model.leaves().into_iter().flat_map(|leaf| leaf.to_vec()).map(|x| x.to_f64().to_bits()).collect()
}

/// The loss and the gradients of a window on one tape, and the state after it.
fn on_one_tape(window: &BpttBatch, carried: Option<&States<f64>>) -> (f64, LanguageModel<Tensor<f64>>, States<f64>) {
    let tape = Tape::new();
    let net = tape.bind(&model::<f64>());
    let state = carried.map(|carried| State::attach(&tape, carried));
    let output = net.run(&window.inputs, state, Context::default());
    let loss = CrossEntropy::default().classes(output.sequence(), &window.targets);
    (loss.item(), loss.backward().of(&net), output.state().detached())
}

#[test]
fn the_shards_of_a_window_are_one_tape_over_all_of_it() {
    for rows in [1, 3, 32, 75] {
        let (mut bptt, mut carried) = (bptt(rows), None);
        assert_eq!(bptt.restart(), 3);
        for (i, window) in bptt_batches(&tokens(rows), rows, 4).unwrap().enumerate() {
            let got = bptt.gradients(&model(), i, Mode::Evaluation);
            let (loss, gradients, state) = on_one_tape(&window, carried.as_ref());
            assert!((got.loss - loss).abs() < 1e-14, "{rows} rows, window {i}: {} and {loss}", got.loss);
            assert_eq!(got.weight, (4 * rows) as f64);
            for (name, (a, b)) in
                gradients.names().iter().zip(got.gradients.leaves().into_iter().zip(gradients.leaves()))
            {
                assert_close(&format!("{rows} rows, window {i}: {name}"), a, b, 1e-14);
            }
            // Without what was carried it would be another loss.
            assert!(i == 0 || (on_one_tape(&window, None).0 - loss).abs() > 1e-6);
            carried = Some(state);
        }
    }
}

#[test]
fn a_restart_is_a_new_beginning() {
    let loss = |bptt: &mut Bptt, window| bptt.gradients(&model(), window, Mode::Evaluation).loss.to_bits();
    let mut once = bptt(40);
    let (first, second) = (loss(&mut once, 0), loss(&mut once, 1));
    once.restart();
    let second_alone = loss(&mut once, 1);
    assert_ne!(second_alone, second);
    let mut every = bptt(40).restart_every(1);
    assert_eq!([loss(&mut every, 0), loss(&mut every, 1)], [first, second_alone]);
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut model = model::<f32>().dropout(0.2);
            let mut bptt = bptt(100).validate_tokens(&tokens(70), 70).unwrap();
            let history = fit(&mut model, &mut bptt).epochs(3).quiet().run().unwrap();
            assert_eq!((history.loss.len(), history.val_loss.len()), (3, 3));
            ([history.loss, history.val_loss].concat(), bits(&model))
        })
    };
    let one = train(1);
    for threads in [2, 3] {
        assert_eq!(train(threads), one, "{threads} threads");
    }
}

/// Each shard has a dropout of its own: with the same one, they would lose the same elements.
#[test]
fn shards_have_modes_of_their_own() {
    // Two shards of the same 32 sequences.
    let of = |rows: usize| Indices::from_vec((0..4 * rows).map(|i| i / rows + i % 32 % 5).collect(), [4, rows]);
    let model = model::<f64>().dropout(0.5);
    let bptt = TruncatedBptt::<_, _, _, States<f64>, f64>::new(of(64), of(64), 4).unwrap();
    let whole = bptt.loss(unspool::losses::sparse_cross_entropy).gradients(&model, 0, TRAINING).loss;
    let tape = Tape::new();
    let of = |mode: Mode| {
        let scores = tape.bind(&model).apply(of(32), mode.into()).sequence();
        CrossEntropy::default().classes(scores, of(32)).item()
    };
    let [first, second] = [0, 1].map(|shard| of(TRAINING.fold_in(shard)));
    assert!(first != second && (whole - (first + second) / 2.0).abs() < 1e-12, "{whole} of {first} and {second}");
}

#[test]
fn validation_is_the_mean_over_all_tokens_with_carried_states() {
    let text = tokens(1);
    let (model, held_out) = (model::<f64>(), &text[..11]); // two windows of 4 and one of 2
    let mut bptt = bptt::<f64>(2).validate_tokens(held_out, 1).unwrap();
    let [measured] = bptt.evaluate(&model)[..] else { panic!("one loss") };
    assert!((measured - model.cross_entropy(held_out, 1).unwrap()).abs() < 1e-12);
}

/// A series of numbers, and a layer whose state is one tensor.
#[test]
fn any_sequences_and_layers_may_be_trained_so() {
    let series = Tensor::<f64>::from_fn([61, 3, 1], |i| (i as f64 / 7.0).sin());
    let (x, y) = (series.slice(0, ..60), series.slice(0, 1..));
    let mut task = TruncatedBptt::new(x.clone(), y.clone(), 8).unwrap().loss(mse).validate(x, y).unwrap();
    let mut model = Recurrent::new(SimpleRnn::<Tensor<f64>>::new(&mut rng(1), 1, 1));
    let history =
        fit(&mut model, &mut task).optimizer(Adam::default().learning_rate(0.02)).epochs(40).quiet().run().unwrap();
    assert!(history.val_loss[39] < 0.5 * history.val_loss[0], "{:?}", history.val_loss);
}

/// Sets an interrupt in this step.
struct At(usize, Interrupt);

impl<T: Scalar, M> Callback<T, M> for At {
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        if progress.steps == self.0 {
            self.1.set();
        }
        ControlFlow::Continue(())
    }
}

/// In the middle of an epoch, too, the carried states are in the checkpoint.
#[test]
fn interrupted_and_resumed_it_ends_in_the_same_bits() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("truncated-bptt");
    let train = |cut: usize, resume: bool| {
        let mut model = model::<f32>().dropout(0.2);
        let mut bptt = bptt(33).restart_every(2).validate_tokens(&tokens(2), 2).unwrap();
        let interrupt = Interrupt::new();
        let fit = fit(&mut model, &mut bptt).interrupt(&interrupt).callback(At(cut, interrupt.clone()));
        let fit = fit.optimizer(Adam::default().clip_norm(1.0)).epochs(2).quiet();
        let fit = if resume { fit.resume(&path) } else { fit.checkpoint(&path) };
        let mut history = fit.run().unwrap();
        history.seconds = 0.0;
        (bits(&model), history)
    };
    let straight = train(usize::MAX, false);
    for cut in 1..6 {
        assert_eq!(train(cut, false).1.stop_reason, StopReason::Interrupted);
        assert!(train(usize::MAX, true) == straight, "other bits after an interruption in step {cut}");
    }

    // Of another text, or cut otherwise: refused.
    train(1, false);
    let refused = |mut bptt: Bptt<f32>| {
        let mut model = model::<f32>();
        fit(&mut model, &mut bptt)
            .callback(At(0, Interrupt::new()))
            .quiet()
            .resume(&path)
            .run()
            .unwrap_err()
            .to_string()
    };
    let message = refused(bptt(32));
    assert!(message.contains("its number of sequences is 33, expected 32"), "{message}");
    let message =
        refused(Bptt::tokens(&tokens(33), 33, 5).unwrap().restart_every(2).validate_tokens(&tokens(2), 2).unwrap());
    assert!(message.contains("its number of time steps per window is 4, expected 5"), "{message}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_it_learns_from_is_cut_alike() {
    let x = values([6, 5, 2], 1);
    let task = TruncatedBptt::<_, _, _, Tensor<f64>, f64>::new(x.clone(), x, 4).unwrap().loss(mse);
    let settings = Task::<f64, Recurrent<SimpleRnn<Tensor<f64>>>>::settings(&task);
    assert!(settings.contains(&("number of sequences", 5)) && settings.contains(&("number of time steps", 6)));
}

/// One row per sequence has no steps to cut into windows.
#[test]
fn both_of_a_pair_are_sequences() {
    let (series, rows) = (values([6, 5, 2], 1), values([5, 2], 2));
    let task = TruncatedBptt::<_, _, _, Tensor<f64>, f64>::new((series.clone(), rows), series, 4);
    let sentence = "inputs ([6, 5, 2], [5, 2]) and targets [6, 5, 2] must be as many sequences of the same length";
    assert!(task.err().unwrap().to_string().starts_with(sentence));
}
