//! What optimizers and schedules refuse, word for word, and the line it points to.

use unspool::Sgd;
use unspool::optim::schedules::{Cosine, Exponential, OneCycle, Plateau, StepDecay};
use unspool::optim::{Adagrad, AdamW, Ema, RmsProp, StateDict, clip_norm, clip_value, update_ratio, update_ratios};
use unspool::optim::{Parameter, Rule, RuleOptimizer, Step};
use unspool::prelude::*;
use unspool_tests::{panic_of, sentences, zeros};

type Adam32 = Adam<f32>;

fn layer() -> Dense<Tensor> {
    Dense { weight: zeros([3, 2]), bias: zeros([2]) }
}

/// It would broadcast.
fn narrow() -> Dense<Tensor> {
    Dense { weight: zeros([3, 1]), bias: zeros([1]) }
}

#[test]
fn settings_out_of_range_are_refused() {
    sentences! {
        Adam32::default().learning_rate(-1.0) => "learning_rate is -1; it must be finite and not negative";
        Adam32::default().learning_rate(f64::NAN) => "learning_rate is NaN; it must be finite and not negative";
        Adam32::default().weight_decay(-0.1) => "weight_decay is -0.1; it must be finite and not negative";
        Adam32::default().l2(f64::INFINITY) => "l2 is inf; it must be finite and not negative";
        Adam32::default().betas(1.0, 0.9) => "beta1 is 1; it must be at least 0 and less than 1";
        AdamW::<f32>::default().betas(0.9, -0.5) => "beta2 is -0.5; it must be at least 0 and less than 1";
        Sgd::<f32>::default().momentum(1.5) => "momentum is 1.5; it must be at least 0 and less than 1";
        Sgd::<f32>::default().dampening(-0.1) => "dampening is -0.1; it must be at least 0 and less than 1";
        Sgd::<f32>::default().nesterov().dampening(0.5) => "Sgd: dampening is 0.5; Nesterov momentum requires 0";
        Sgd::<f32>::default().dampening(0.5).nesterov() => "Sgd: dampening is 0.5; Nesterov momentum requires 0";
        Adagrad::<f32>::default().initial_accumulator(-1.0) => "initial_accumulator is -1; it must be finite and not negative";
        RmsProp::<f32>::default().epsilon(-1e-8) => "epsilon is -0.00000001; it must be finite and not negative";
        Adam32::default().clip_norm(-1.0) => "clip: the limit is -1; it must be at least 0";
        Adam32::default().clip_value(f64::NAN) => "clip: the limit is NaN; it must be at least 0";
        clip_norm(&mut layer(), -1.0) => "clip: the limit is -1; it must be at least 0";
        clip_value(&mut layer(), -1.0) => "clip: the limit is -1; it must be at least 0";
        Ema::new(&layer(), 1.5) => "Ema: the decay is 1.5; it must be between 0 and 1";
        update_ratio(&layer(), &narrow()) => "update_ratio: the parameters are [3, 2], [2] before the step, [3, 1], [1] after it";
        update_ratios(&layer(), &narrow()) => "update_ratio: the parameters are [3, 2], [2] before the step, [3, 1], [1] after it";
    }
    let group = || Adam32::default();
    let (message, file, _) = panic_of(|| drop(group().group("*", |g| g.lr_scale(-2.0))));
    assert_eq!(message, "lr_scale is -2; it must be finite and not negative");
    assert_eq!(file, file!());
}

#[test]
fn schedules_out_of_range_are_refused() {
    sentences! {
        StepDecay::new(0, 0.1) => "StepDecay: every is 0; it must be at least 1";
        StepDecay::new(1, -0.1) => "StepDecay: gamma is -0.1; it must be finite and not negative";
        Exponential::new(f64::NAN) => "Exponential: gamma is NaN; it must be finite and not negative";
        Cosine::new(0) => "Cosine: steps is 0; it must be at least 1";
        Cosine::new(5).warmup(5) => "Cosine: 5 warmup steps of 5 leave none for the decay";
        Cosine::new(5).floor(2.0) => "Cosine: the floor is 2; it must be between 0 and 1";
        OneCycle::new(0) => "OneCycle: steps is 0; it must be at least 1";
        OneCycle::new(5).rise(1.5) => "OneCycle: the rise is 1.5; it must be between 0 and 1";
        OneCycle::new(5).ends(0.1, 25.0) => "OneCycle: a factor is 25; it must be between 0 and 1";
        Plateau::new().factor(1.0) => "Plateau: the factor is 1; it must be at least 0 and less than 1";
        Plateau::new().absolute_threshold(f64::INFINITY) => "Plateau: the threshold is inf; it must be finite and not negative";
        Plateau::new().threshold(-1.0) => "Plateau: the threshold is -1; it must be finite and not negative";
        Plateau::new().min_factor(2.0) => "Plateau: min_factor is 2; it must be between 0 and 1";
    }
}

#[test]
fn a_group_without_parameters_is_told_before_training() {
    let adam = || Adam::default().group("*bias", |g| g.l2(1.0)).group("layers.1.*", |g| g.lr_scale(0.1));
    let mut model = sequential().add(dense(3, 1));
    let gradients = model.zeros_like();
    let data = Dataset::new(zeros([4, 3]), zeros([4, 1])).unwrap();
    let memory = StateDict::new();
    let sentence = "group: no parameter matches \"layers.1.*\"; the parameters are layers.0.weight, layers.0.bias";
    sentences! {
        adam().step(&mut model, &gradients) => sentence;
        adam().prepare(&model) => sentence;
        adam().load_state_dict(&model, &memory) => sentence;
        fit(&mut model, &data).loss(mse).optimizer(adam()).quiet().run() => sentence;
        fit(&mut model, &data).loss(mse).optimizer(&mut adam()).quiet().run() => sentence;
    }
    let mut average = Ema::new(&model, 0.9);
    sentences! {
        fit(&mut model, &data).loss(mse).optimizer((adam(), &mut average)).quiet().run() => sentence;
    }
    let mut frozen = Adam::default().freeze("*bias").freeze("layers.1.*");
    let sentence = sentence.replace("group:", "freeze:");
    sentences! {
        frozen.step(&mut model, &gradients) => sentence;
        frozen.prepare(&model) => sentence;
    }
}

#[test]
fn an_optimizer_belongs_to_one_model() {
    let mut adam = Adam::default();
    adam.step(&mut layer(), &layer());
    let other = || Dense { weight: zeros([3, 2]), bias: zeros([5]) };
    sentences! {
        adam.step(&mut other(), &other()) => "optimizer: found bias [5], expected bias [2]; an optimizer belongs to one model";
        adam.step(&mut layer(), &other()) => "optimizer: in the gradients, found bias [5], expected bias [2]";
    }
    let mut adam = Adam::default();
    let pair = || vec![layer(), layer()];
    adam.step(&mut pair(), &pair());
    sentences! {
        adam.step(&mut vec![layer()], &pair()) => "optimizer: 1.weight is missing; an optimizer belongs to one model";
        adam.step(&mut vec![layer(), layer(), layer()], &pair()) => "optimizer: found 2.weight [3, 2], expected nothing; an optimizer belongs to one model";
    }
}

#[test]
fn a_rule_whose_formula_takes_other_states_than_it_names_is_refused() {
    struct Forgetful;
    impl Rule for Forgetful {
        const LEARNING_RATE: f64 = 1.0;
        fn update<T: Scalar>(&self, _: Step<'_>, parameter: Parameter<'_, T>) {
            parameter.each(|w, g, [m]| (w - g, [m]));
        }
    }
    let (message, file, _) = panic_of(|| RuleOptimizer::new(Forgetful).step(&mut layer(), &layer()));
    assert_eq!(message, "update: the rule names 0 states, but its formula takes 1");
    assert_eq!(file, file!());
}

#[test]
fn everything_wrong_with_a_memory_is_listed() {
    let model = layer();
    let mut trained = Adam::default().reduce_on_plateau(Plateau::new());
    trained.step(&mut layer(), &layer());
    let good = trained.state_dict();
    let mut fresh = Adam::default().reduce_on_plateau(Plateau::new());
    fresh.load_state_dict(&model, &good).unwrap();

    let mut bad = good.clone();
    bad.tensors.remove("m.weight");
    bad.tensors.insert("v.bias".into(), zeros([3]));
    bad.tensors.insert("x.bias".into(), zeros([2]));
    bad.numbers.remove("plateau.best");
    bad.numbers.insert("step".into(), 1.5);
    bad.numbers.insert("plateau.factor".into(), f64::NAN);
    bad.numbers.insert("plateau.bad".into(), -1.0);
    let error = fresh.load_state_dict(&model, &bad).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the saved state does not fit: plateau.best is missing; m.weight is missing; x.bias is unexpected; \
         v.bias is [3], expected [2]; step is 1.5, expected a count; plateau.bad is -1, expected a count; \
         plateau.factor is NaN, expected a number between 0 and 1"
    );
    assert_eq!(fresh.state_dict(), good);

    let none = Sgd::default().load_state_dict(&model, &StateDict::new()).unwrap_err();
    assert_eq!(none.to_string(), "the saved state does not fit: step is missing");
    let other = Sgd::default().load_state_dict(&model, &good).unwrap_err();
    assert_eq!(other.unexpected.len(), 4 + 4, "{other}");

    let mut average = Ema::new(&model, 0.9);
    let error = average.load_state_dict(&good).unwrap_err();
    assert_eq!(error.missing, ["weight", "bias"]);
    let mut both = good.clone();
    both.tensors.remove("m.bias");
    both.tensors.insert("ema.bias".into(), zeros([7]));
    let error =
        (Adam::default().reduce_on_plateau(Plateau::new()), &mut average).load_state_dict(&model, &both).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the saved state does not fit: m.bias is missing; ema.weight is missing; ema.bias is [7], expected [2]"
    );
}

/// An optimizer that remembers nothing, as a user would write it.
struct Plain;

impl Optimizer<f32, Dense<Tensor>> for Plain {
    fn step(&mut self, _: &mut Dense<Tensor>, _: &Dense<Tensor>) {}
}

#[test]
fn an_optimizer_without_memory_refuses_that_of_another() {
    let mut memory = Plain.state_dict();
    assert_eq!((Plain.load_state_dict(&layer(), &memory), Plain.current_learning_rate()), (Ok(()), None));
    memory.numbers.insert("step".into(), 1.0);
    let error = Plain.load_state_dict(&layer(), &memory).unwrap_err();
    assert_eq!(error.to_string(), "the saved state does not fit: step is unexpected");
}
