//! The first bad value of trainings: in which it is found, what is not blamed for it, and what looking for it changes.

use super::*;
use unspool::autograd::{BadValue, Cause, Tape};
use unspool::cells::MinGru;
use unspool::losses::Loss;
use unspool::recurrent::Checkpointing;
use unspool::train::{BatchGradients, FitError, Task, TruncatedBptt, from_fn};
use unspool::{Context, Mode};

type Data = Dataset<Tensor<f64>>;
type Net = Recurrent<Gru<Tensor<f64>>>;

fn gru() -> Net {
    Recurrent::new(Gru::new(&mut rng(3), 1, 2))
}

/// Why a training ended.
fn cause(error: FitError) -> Option<BadValue> {
    match error {
        FitError::NotFinite { cause, .. }
        | FitError::GradientNotFinite { cause, .. }
        | FitError::ValidationNotFinite { cause, .. }
        | FitError::ParameterNotFinite { cause, .. } => cause.map(|cause| *cause),
        error => panic!("{error}"),
    }
}

/// The bits of the weights after a training with and without a search for bad values.
fn with_and_without<M>(new: impl Fn() -> M, data: &Data, loss: impl Loss<f64> + Send + Copy) -> [Vec<f64>; 2]
where
    M: unspool::layers::Model<f64, Tensor<f64>> + Send + Sync,
{
    [false, true].map(|find| {
        let mut model = new();
        let adam = Adam::default().clip_norm(0.5);
        let fit = fit(&mut model, data).loss(loss).optimizer(adam).batch_size(16).accumulate(2).epochs(2).quiet();
        if find { fit.find_bad_values().run() } else { fit.run() }.unwrap();
        model.leaves().into_iter().flat_map(Tensor::to_vec).collect()
    })
}

#[test]
fn looking_for_bad_values_changes_no_bit() {
    let data = sequences();
    let [plain, looked_at] =
        with_and_without(|| gru().checkpointing(Checkpointing::every(2)), &data, |o, t| mse(o.slice(1, ..1), t));
    assert_eq!(plain, looked_at);
    // One that unrolls goes step by step, which rounds differently.
    let new = || Recurrent::new(MinGru::<Tensor<f64>>::new(&mut rng(3), 1, 2));
    let [plain, looked_at] = with_and_without(new, &data, |o, t| mse(o.slice(1, ..1), t));
    assert!(plain.iter().zip(&looked_at).all(|(a, b)| (a - b).abs() < 1e-9), "{plain:?} {looked_at:?}");
}

/// Padding is not read, and not blamed for what is wrong elsewhere.
#[test]
fn padding_is_not_blamed() {
    let data = sequences();
    let (mut x, lengths) = (data.x().clone(), data.lengths().unwrap().to_vec());
    for (at, x) in x.as_mut_slice().iter_mut().enumerate().filter(|(at, _)| at / 40 >= lengths[at % 40]) {
        *x = [f64::NAN, f64::INFINITY][at % 2];
    }
    let data = Dataset::new(x, data.y().clone()).unwrap().with_lengths(lengths).unwrap();
    let mut model = gru();
    let fit = fit(&mut model, &data).loss(|o, t| (o.slice(1, ..1) - t).ln().mean()).batch_size(40).quiet();
    let bad = cause(fit.run().unwrap_err()).unwrap();
    assert_eq!((bad.cause, bad.op, &bad.scope[..]), (Cause::Forward, Some("ln"), "loss"));
}

/// An example is named only if others are good.
#[test]
fn an_example_is_named_if_it_is_one_of_several() {
    let data = sequences();
    let example = |loss: for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>, batch_size: usize| {
        let mut model = gru();
        let fit = fit(&mut model, &data).loss(loss).batch_size(batch_size).quiet();
        cause(fit.run().unwrap_err()).unwrap().example
    };
    let far = (0..40).max_by(|&a, &b| data.y().at([a, 0]).total_cmp(&data.y().at([b, 0]))).unwrap();
    let margin = {
        let mut y: Vec<f64> = data.y().to_vec();
        y.sort_by(f64::total_cmp);
        (y[38] + y[39]) / 2.0
    };
    assert!((margin - 1.8745).abs() < 1e-3, "{margin}");
    assert_eq!(example(|o, t| ((1.8745 - t) + o.slice(1, ..1) * 0.0).ln().mean(), 40), Some(far));
    assert_eq!(example(|o, t| (o.slice(1, ..1) - t * 0.0 - 9.0).ln().mean(), 40), None);
    assert!(example(|o, t| (o.slice(1, ..1) - t * 0.0 - 9.0).ln().mean(), 1).is_some());
}

/// `h_t = h_{t-1} + x_t`.
#[derive(Params, Clone)]
struct Sum<P> {
    gain: P,
}

impl<'t> Cell<'t, f64> for Sum<Var<'t, f64>> {
    type State = Var<'t, f64>;

    fn zero_state(&self, batch: usize) -> Var<'t, f64> {
        self.gain.new_zeros([batch, 1])
    }

    fn step(&self, x: Var<'t, f64>, h: Var<'t, f64>) -> (Var<'t, f64>, Var<'t, f64>) {
        (h * self.gain, h + x)
    }
}

/// The window is run again from the state before it, and so is each of its sequences.
#[test]
fn a_window_is_run_again_from_the_state_before_it() {
    let counts = |tall: f64| {
        let x = Tensor::from_fn([32, 3, 1], move |i| if i % 3 == 1 { tall } else { 1.0 });
        let task = TruncatedBptt::new(x, Tensor::zeros([32, 3, 1]), 8).unwrap();
        let mut task = task.loss(|o, _| (20.0 - o).sqrt().mean());
        let mut model = Recurrent::new(Sum { gain: Tensor::ones([1]) });
        let still = Sgd::default().learning_rate(0.0);
        let error = fit(&mut model, &mut task).optimizer(still).quiet().run().unwrap_err();
        let (FitError::NotFinite { batch, .. } | FitError::GradientNotFinite { batch, .. }) = error else {
            panic!("{error}")
        };
        let bad = cause(error).unwrap();
        let range = &bad.operands[0];
        (batch, bad.op, bad.example, range.min, range.max, bad.scope)
    };
    // Steps 16 to 23, before which the sum is as many; two are beyond 20, or one is at it.
    assert_eq!(counts(1.0), (3, Some("sqrt"), None, -3.0, 4.0, "loss".to_owned()));
    assert_eq!(counts(1.5), (2, Some("sqrt"), Some(1), 20.0 - 15.0 * 1.5, 12.0, "loss".to_owned()));
}

/// What a loss of the library computes has the line that set it.
#[test]
fn the_loss_of_windows_has_the_line_that_set_it() {
    let ones = || Tensor::<f64>::ones([8, 2, 1]);
    let task = TruncatedBptt::new(ones(), ones() * 1e200, 8).unwrap();
    let mut task = task.loss(mse);
    let line = line!() - 1;
    let mut model = Recurrent::new(Sum { gain: Tensor::ones([1]) });
    let bad = cause(fit(&mut model, &mut task).quiet().run().unwrap_err()).unwrap();
    assert_eq!((bad.op, bad.example, &bad.scope[..]), (Some("square"), None, "loss"));
    assert_eq!((bad.location.unwrap().file(), bad.location.unwrap().line()), (file!(), line));
}

#[test]
fn a_task_of_closures_is_run_again() {
    let x = values([8, 3], 1);
    let mut shards = Shards::new();
    let mut task = from_fn(
        |_| vec![0..4, 4..8],
        |model: &Dense<Tensor<f64>>, rows, _| {
            let pieces = [x.slice(0, rows.clone())];
            shards.gradients(model, &pieces, |tape, net, x| net.forward(tape.constant(x)).sqrt().mean())
        },
    );
    let mut model = Dense::new(&mut rng(0), 3, 2);
    let bad = cause(fit(&mut model, &mut task).quiet().run().unwrap_err()).unwrap();
    assert_eq!((bad.op, bad.example), (Some("sqrt"), None));
    let line = include_str!("bad_values.rs").lines().nth(bad.location.unwrap().line() as usize - 1).unwrap();
    assert!(line.contains("sqrt().mean()"), "{line}");
}

/// A task of the user's: which batches were requested, and what it does when one is requested again.
struct Own {
    requested: Vec<usize>,
    again: fn(),
    uses_shards: bool,
}

impl Task<f64, Dense<Tensor<f64>>> for Own {
    fn begin_epoch(&mut self, _: u64) -> usize {
        3
    }

    fn gradients(&mut self, model: &Dense<Tensor<f64>>, batch: usize, _: Mode) -> BatchGradients<Dense<Tensor<f64>>> {
        if self.requested.last() == Some(&batch) {
            (self.again)();
        }
        self.requested.push(batch);
        fn loss<'t>(net: &Dense<Var<'t, f64>>, batch: usize) -> Var<'t, f64> {
            (net.bias.sum() + 1.0 - batch as f64).sqrt()
        }
        if self.uses_shards {
            return Shards::new().gradients(model, &[()], |_, net, ()| loss(net, batch)).into();
        }
        let tape = Tape::new();
        let net = tape.bind(model);
        let loss = loss(&net, batch);
        (loss.item(), loss.backward().of(&net)).into()
    }
}

#[test]
fn tasks_that_cannot_be_looked_at_end_with_an_error_all_the_same() {
    let run = |again: fn(), uses_shards: bool, find: bool| {
        let (mut task, mut model) = (Own { requested: Vec::new(), again, uses_shards }, Dense::new(&mut rng(0), 1, 1));
        let fit = fit(&mut model, &mut task).optimizer(Sgd::default().learning_rate(0.0)).quiet();
        let error = if find { fit.find_bad_values().run() } else { fit.run() }.unwrap_err();
        (task.requested, error)
    };
    let plain = "the gradient of bias is not finite in batch 2 of epoch 1";
    let (requested, error) = run(|| {}, true, false);
    assert_eq!(requested, [0, 1, 1]);
    assert_eq!(cause(error).unwrap().op, Some("sqrt"));
    // On tapes of its own; or not a second time.
    let (requested, error) = run(|| {}, false, false);
    assert_eq!((&requested[..], &error.to_string()[..]), (&[0, 1, 1][..], plain));
    let cannot = || panic!("once only");
    assert_eq!(run(cannot, true, false).1.to_string(), plain);
    // Then the first time has to be looked at.
    assert_eq!(cause(run(cannot, true, true).1).unwrap().op, Some("sqrt"));
}

/// Attention over 4 keys, the last of which is masked by an infinite score.
#[derive(Params)]
struct Masked<P> {
    keys: P,
}

impl<'t> Layer<'t, f64> for Masked<Var<'t, f64>> {
    type Output = Var<'t, f64>;

    fn apply(&self, x: Var<'t, f64>, _: Context<'_>) -> Var<'t, f64> {
        let mask = Tensor::from_vec(vec![0.0, 0.0, 0.0, f64::NEG_INFINITY], [4]);
        (x.matmul(self.keys) + x.tape().constant(&mask)).softmax(1)
    }
}

#[test]
fn the_infinity_of_a_mask_is_not_blamed() {
    let data = Dataset::new(values([30, 3], 1), values([30, 4], 2)).unwrap();
    let ends = |loss: for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>, find: bool| {
        let mut model = Masked { keys: values([3, 4], 3) };
        let fit = fit(&mut model, &data).loss(loss).epochs(2).quiet();
        if find { fit.find_bad_values().run() } else { fit.run() }
    };
    for find in [false, true] {
        ends(mse, find).unwrap();
        let bad = cause(ends(|o, _| (o - 0.5).sqrt().mean(), find).unwrap_err()).unwrap();
        assert_eq!((bad.op, bad.then), (Some("sqrt"), None));
        // The weight 0 of the masked key: 0 ln 0.
        let bad = cause(ends(|o, _| (o * o.ln()).sum(), find).unwrap_err()).unwrap();
        assert_eq!((bad.op, bad.then.unwrap().op), (Some("ln"), "mul"));
    }
}

/// Each of two trainings that share the threads of a pool finds its own.
#[test]
fn trainings_side_by_side_do_not_mix() {
    let data = Dataset::new(values([5, 64, 1], 1), values([64, 2], 2)).unwrap();
    let train = |find: bool, bad: bool| {
        let mut model = gru();
        let fit = fit(&mut model, &data)
            .loss(|o, _| if bad { o.ln() } else { o.square() }.mean())
            .batch_size(64)
            .epochs(5)
            .quiet();
        let ended = if find { fit.find_bad_values().run() } else { fit.run() };
        (ended.map_err(|error| cause(error).unwrap().op), bits(&model))
    };
    let alone = train(false, false).1;
    let trainings: Vec<_> = (0..12).map(|i| (i % 4 > 1, i % 2 == 1)).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = trainings.iter().map(|&(find, bad)| scope.spawn(move || train(find, bad))).collect();
        for ((_, bad), thread) in trainings.iter().zip(threads) {
            match (bad, thread.join().unwrap()) {
                (true, (ended, _)) => assert_eq!(ended.unwrap_err(), Some("ln")),
                (false, (ended, bits)) => assert!(ended.is_ok() && bits == alone),
            }
        }
    });
}

/// The weights and the history are those before the step, as without a cause.
#[test]
fn an_error_leaves_the_weights_before_the_step() {
    let data = Dataset::new(values([40, 3], 1), values([40, 2], 2)).unwrap();
    let with_last_rate = |rate: f64, find: bool| {
        let mut model: Dense<Tensor<f64>> = Dense::new(&mut rng(0), 3, 2);
        let sgd = Sgd::default().schedule(move |step: usize| if step < 5 { 1e-2 } else { rate });
        let fit = fit(&mut model, &data).loss(mse).optimizer(sgd).batch_size(10).epochs(3).quiet();
        let error = if find { fit.find_bad_values().run() } else { fit.run() }.unwrap_err();
        assert_eq!(error.history().unwrap().loss.len(), 1);
        (bits(&model), error)
    };
    // The loss overflows after the sixth step.
    let [(plain, error), (looked_at, found)] = [false, true].map(|find| with_last_rate(f64::MAX, find));
    let FitError::NotFinite { epoch: 2, batch: 3, .. } = error else { panic!("{error}") };
    assert_eq!((plain, error.to_string()), (looked_at, found.to_string()));
    // The sixth step itself overflows: that shows in the batch after it, or at once if it is looked for.
    let [(plain, error), (looked_at, found)] = [false, true].map(|find| with_last_rate(f64::INFINITY, find));
    let FitError::NotFinite { epoch: 2, batch: 3, .. } = error else { panic!("{error}") };
    let FitError::ParameterNotFinite { epoch: 2, batch: 2, .. } = found else { panic!("{found}") };
    assert_eq!(plain, looked_at);
}
