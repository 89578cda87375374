//! Buffers in training: a layer whose running mean the user's code updates after each step.

use super::resume::file;
use super::*;
use std::fs;
use std::ops::ControlFlow;
use unspool::autograd::Path;
use unspool::io::{FileError, TorchState, WeightFile, WeightMap, load_torch, save_torch};
use unspool::layers::{Boxed, boxed};
use unspool::optim::{Ema, StateDict, StateDictError};
use unspool::train::{Callback, EarlyStopping, FitError, Interrupt, Progress, StopReason};

/// A dense layer whose weight is taken from its running mean, times a mask.
#[derive(Params, Clone)]
struct Centered<P> {
    weight: P,
    #[params(buffer)]
    mean: P,
    #[params(buffer)]
    mask: Vec<P>,
}

impl<'t, T: Scalar> Layer<'t, T> for Centered<Var<'t, T>> {
    type Output = Var<'t, T>;

    fn apply(&self, x: Var<'t, T>, _: Context<'_>) -> Var<'t, T> {
        x.matmul(self.weight - self.mean) + self.mask[0].exp()
    }
}

#[derive(Params, Clone)]
struct Net<P> {
    centered: Centered<P>,
    head: Dense<P>,
}

impl<'t, T: Scalar> Layer<'t, T> for Net<Var<'t, T>> {
    type Output = Var<'t, T>;

    fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        self.head.apply(self.centered.apply(x, cx).tanh(), cx)
    }
}

type Net64 = Net<Tensor<f64>>;

fn net() -> Net64 {
    // A mask holds infinities, and training goes on.
    let mask = Tensor::from_slice(&[f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY, 0.0], [4]);
    let centered = Centered { weight: values([3, 4], 1), mean: Tensor::zeros([3, 4]), mask: vec![mask] };
    Net { centered, head: Dense::new(&mut rng(0), 4, 1) }
}

/// 100 examples: batches of 50 are cut into shards.
fn data() -> Dataset<Tensor<f64>> {
    let x: Tensor<f64> = values([100, 3], 2);
    let y = Tensor::from_fn([100, 1], |i| x.slice(0, i..i + 1).sum().item().sin());
    Dataset::new(x, y).unwrap()
}

/// An optimizer, and the running mean after each of its steps.
struct Tracking<O>(O);

fn track(net: &mut Net64) {
    let Centered { weight, mean, .. } = &mut net.centered;
    mean.update(weight, |mean, weight| mean + 0.1 * (weight - mean));
}

impl<O: Optimizer<f64, Net64>> Optimizer<f64, Net64> for Tracking<O> {
    fn step(&mut self, model: &mut Net64, gradients: &Net64) {
        assert_eq!(gradients.centered.mean, Tensor::zeros([3, 4]));
        self.0.step(model, gradients);
        track(model);
    }
    fn prepare(&mut self, model: &Net64) {
        self.0.prepare(model);
    }
    fn current_learning_rate(&self) -> Option<f64> {
        self.0.current_learning_rate()
    }
    fn state_dict(&self) -> StateDict<f64> {
        self.0.state_dict()
    }
    fn load_state_dict(&mut self, model: &Net64, state: &StateDict<f64>) -> Result<(), StateDictError> {
        self.0.load_state_dict(model, state)
    }
}

fn adam() -> Adam<f64> {
    Adam::default().learning_rate(0.03).weight_decay(0.1).clip_norm(0.5)
}

/// The bits of all leaves, those of buffers too.
fn all_bits(model: &impl Params<Tensor<f64>>) -> Vec<u64> {
    let mut bits = Vec::new();
    model.visit_leaves(Path::ROOT, &mut |_, leaf| bits.extend(leaf.to_vec().into_iter().map(f64::to_bits)));
    bits
}

/// Sets an interrupt in this step.
struct At(usize, Interrupt);

impl<M> Callback<f64, M> for At {
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        if progress.steps == self.0 {
            self.1.set();
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn a_running_mean_is_trained_around_saved_and_resumed_to_the_bit() {
    let (data, path) = (data(), file("buffers"));
    let train = |cut: usize, resume: bool| {
        let (mut model, interrupt) = (net(), Interrupt::new());
        let mut average = Ema::new(&model, 0.8);
        let fit = fit(&mut model, &data).loss(mse).optimizer((Tracking(adam()), &mut average));
        let fit = fit.batch_size(25).accumulate(2).epochs(4).callback(At(cut, interrupt.clone())).interrupt(&interrupt);
        let fit = if resume { fit.resume(&path) } else { fit.checkpoint(&path) };
        let end = fit.quiet().run().unwrap().stop_reason;
        assert_eq!(average.model().centered.mean, model.centered.mean);
        (all_bits(&model), all_bits(average.model()), end)
    };
    let straight = train(usize::MAX, false);
    for cut in 1..8 {
        assert_eq!(train(cut, false).2, StopReason::Interrupted);
        assert!(train(usize::MAX, true) == straight, "other bits after an interruption in step {cut}");
    }
    fs::remove_file(path).unwrap();
}

/// The same net without buffers: its mean and mask are configuration.
#[derive(Params, Clone)]
struct ByHand<P> {
    weight: P,
    #[params(skip)]
    mean: Tensor<f64>,
    #[params(skip)]
    mask: Tensor<f64>,
    head: Dense<P>,
}

impl<'t> Layer<'t, f64> for ByHand<Var<'t, f64>> {
    type Output = Var<'t, f64>;

    fn apply(&self, x: Var<'t, f64>, cx: Context<'_>) -> Var<'t, f64> {
        let [mean, mask] = [&self.mean, &self.mask].map(|tensor| x.tape().constant(tensor));
        self.head.apply((x.matmul(self.weight - mean) + mask.exp()).tanh(), cx)
    }
}

#[test]
fn fit_trains_as_if_buffers_were_constants_of_the_loss() {
    let (data, start) = (data(), net());
    let (mut by_fit, mut optimizer) = (net(), Tracking(adam()));
    let mut train = || {
        let fit = fit(&mut by_fit, &data).loss(mse).optimizer(&mut optimizer).batch_size(50).epochs(2).shuffle(false);
        fit.quiet().run().unwrap().loss
    };
    // The second training continues the moments: the optimizer knows the model, whose buffers have changed.
    let losses = [train(), train()].concat();

    let Net { centered: Centered { weight, mean, mask }, head } = start.clone();
    let mut by_hand = ByHand { weight, mean, mask: mask[0].clone(), head };
    let (mut adam, mut shards) = (adam(), Shards::new());
    for (epoch, loss) in losses.into_iter().enumerate() {
        let mut sum = 0.0;
        for batch in data.batches(50) {
            let (loss, gradients) = shards.batch_gradients(&by_hand, &batch, mse, Mode::Evaluation);
            adam.step(&mut by_hand, &gradients);
            by_hand.mean = by_hand.mean.zip(&by_hand.weight, |mean, weight| mean + 0.1 * (weight - mean));
            sum += 50.0 * loss;
        }
        assert_eq!(loss, sum / 100.0, "epoch {epoch}");
    }
    assert_eq!(by_fit.centered.weight, by_hand.weight);
    assert_eq!((&by_fit.head.weight, &by_fit.head.bias), (&by_hand.head.weight, &by_hand.head.bias));
    assert_eq!(by_fit.centered.mean, by_hand.mean);
    assert_ne!(by_fit.centered.mean, start.centered.mean);
    assert_eq!(by_fit.centered.mask, start.centered.mask);
}

/// The best epoch's mean comes back with its weights.
#[test]
fn early_stopping_restores_buffers() {
    let data = data();
    let [train, valid] = data.split([50, 50], 0).unwrap();
    struct Watch(Vec<Vec<u64>>);
    impl Callback<f64, Net64> for Watch {
        fn on_epoch(&mut self, progress: &Progress<'_, Net64>) -> ControlFlow<()> {
            self.0.push(all_bits(progress.model));
            ControlFlow::Continue(())
        }
    }
    let (mut model, mut stopping, mut watch) = (net(), EarlyStopping::new(3), Watch(Vec::new()));
    let wild = Tracking(Sgd::default().learning_rate(1.5));
    let fit = fit(&mut model, &train).validate(&valid).loss(mse).optimizer(wild).epochs(100).batch_size(10);
    fit.callback(&mut stopping).callback(&mut watch).quiet().run().unwrap();
    let best = stopping.best_epoch().unwrap();
    assert!(best < watch.0.len());
    assert_eq!(all_bits(&model), watch.0[best - 1]);
    let state = Callback::<f64, Net64>::state_dict(&stopping);
    assert!(state.tensors.contains_key("weights.centered.mean"));
}

impl TorchState for Net64 {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.at("norm", |map| {
            map.transposed("weight", &mut self.centered.weight);
            map.transposed("running_mean", &mut self.centered.mean);
            map.same("mask", &mut self.centered.mask[0]);
        });
        map.at("head", |map| self.head.torch(map));
    }
}

#[test]
fn files_hold_buffers_by_name() -> Result<(), FileError> {
    let path = file("with buffers");
    let mut saved = net();
    saved.centered.mean = values([3, 4], 5);
    saved.centered.mask[0] = values([4], 6);
    save(&path, &saved)?;
    let names = "centered.mask.0 centered.mean centered.weight head.bias head.weight";
    assert_eq!(WeightFile::open(&path)?.names().collect::<Vec<_>>().join(" "), names);
    let mut loaded = net();
    load(&path, &mut loaded)?;
    assert_eq!(all_bits(&loaded), all_bits(&saved));

    save_torch(&path, &saved)?;
    let mut loaded = net();
    load_torch(&path, &mut loaded)?;
    assert_eq!(all_bits(&loaded), all_bits(&saved));
    assert_eq!(WeightFile::open(&path)?.tensor::<f64>("norm.running_mean")?, saved.centered.mean.t());
    fs::remove_file(path).unwrap();
    Ok(())
}

/// Which leaves are buffers.
fn flags(model: &impl Params<Tensor<f64>>) -> Vec<bool> {
    let mut flags = Vec::new();
    model.visit_leaves(Path::ROOT, &mut |path, _| flags.push(path.is_buffer()));
    flags
}

#[test]
fn a_boxed_layer_has_the_buffers_of_the_layer_in_it() {
    let inside = net();
    let outside: Boxed<Tensor<f64>, f64> = boxed(net());
    assert_eq!(outside.names(), inside.names());
    assert_eq!(flags(&inside), [false, true, true, false, false]);
    assert_eq!(flags(&outside), flags(&inside));
    // A layer in a chain, too.
    let mut model = sequential().add(outside);
    let before = all_bits(&model);
    let mut plain = net();
    let losses = [
        fit(&mut model, &data()).loss(mse).optimizer(adam()).epochs(2).quiet().run().unwrap().loss,
        fit(&mut plain, &data()).loss(mse).optimizer(adam()).epochs(2).quiet().run().unwrap().loss,
    ];
    assert_eq!(losses[0], losses[1]);
    assert_eq!(all_bits(&model), all_bits(&plain));
    assert_eq!(all_bits(&model)[12..28], before[12..28], "the buffers");
}

#[test]
fn buffers_alone_are_nothing_to_train() {
    #[derive(Params)]
    struct Frozen<P> {
        #[params(buffer)]
        head: Dense<P>,
    }
    impl<'t, T: Scalar> Layer<'t, T> for Frozen<Var<'t, T>> {
        type Output = Var<'t, T>;
        fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
            self.head.apply(x, cx)
        }
    }
    let mut model = Frozen::<Tensor<f64>> { head: Dense::new(&mut rng(0), 3, 1) };
    let error = fit(&mut model, &data()).loss(mse).quiet().run().unwrap_err();
    assert!(matches!(error, FitError::NothingToTrain), "{error}");
    assert!(evaluate(&model, &data(), mse).is_finite());
}
