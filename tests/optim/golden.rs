//! Optimizers, schedules, clipping and averages against PyTorch.

use serde_json::Value;
use unspool::Sgd;
use unspool::optim::schedules::{Constant, Cosine, Exponential, OneCycle, Plateau, Schedule, StepDecay};
use unspool::optim::{Adadelta, Adagrad, AdamW, Adamax, Ema, Lion, Nadam, RAdam, RmsProp};
use unspool::optim::{Rule, RuleOptimizer};
use unspool::optim::{clip_norm, clip_value, gradient_norm};
use unspool::prelude::*;
use unspool_tests::{assert_close, fixture, tensor};

const TOLERANCE: f64 = 1e-12;

/// A model of one tensor.
#[derive(Params)]
struct One<P> {
    w: P,
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(|x| x.as_f64().expect("a number")).collect()
}

#[track_caller]
fn assert_near(what: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() <= TOLERANCE * expected.abs(), "{what}: {got}, expected {expected}");
}

/// Runs the steps of a case with an optimizer that has its own settings already; takes the ones that all have.
fn check<R: Rule>(case: &Value, mut optimizer: RuleOptimizer<R, f64>) {
    for (name, value) in case["settings"].as_object().expect("settings") {
        optimizer = match (&name[..], value.as_f64()) {
            ("learning_rate", Some(rate)) => optimizer.learning_rate(rate),
            ("l2", Some(l2)) => optimizer.l2(l2),
            ("weight_decay", Some(decay)) => optimizer.weight_decay(decay),
            _ => optimizer,
        };
    }
    let mut model = One { w: tensor(&case["param"]) };
    assert!(list(&case["grads"]).len() >= 5);
    for (t, (gradient, after)) in list(&case["grads"]).iter().zip(list(&case["after"])).enumerate() {
        optimizer.step(&mut model, &One { w: tensor(gradient) });
        let what = format!("{} {} after step {}", case["optimizer"], case["name"], t + 1);
        assert_close(&what, &model.w, &tensor(after), TOLERANCE);
    }
}

/// An optimizer with the settings that only some have, by the names of a case: numbers, flags, a pair.
macro_rules! with {
    ($optimizer:expr, $case:ident: $($number:ident)* $(; $flag:ident)?) => {{
        let mut optimizer = $optimizer;
        $(if let Some(value) = $case["settings"][stringify!($number)].as_f64() {
            optimizer = optimizer.$number(value);
        })*
        $(if $case["settings"][stringify!($flag)] == true {
            optimizer = optimizer.$flag();
        })?
        optimizer
    }};
    ($optimizer:expr, $case:ident: $($number:ident)* ;; betas $($flag:ident)?) => {{
        let betas = $case["settings"]["betas"].as_array();
        let optimizer = $optimizer;
        let optimizer = match betas.map(|betas| [&betas[0], &betas[1]].map(|beta| beta.as_f64().expect("a number"))) {
            Some([beta1, beta2]) => optimizer.betas(beta1, beta2),
            None => optimizer,
        };
        $(let optimizer = match $case["settings"][stringify!($number)].as_f64() {
            Some(value) => optimizer.$number(value),
            None => optimizer,
        };)*
        $(let optimizer = match $case["settings"][stringify!($flag)] == true {
            true => optimizer.$flag(),
            false => optimizer,
        };)?
        optimizer
    }};
}

/// Checks a case with its optimizer.
macro_rules! check {
    ($check:ident::<$t:ty>, $case:ident) => {
        match $case["optimizer"].as_str().unwrap() {
            "Sgd" => $check($case, with!(Sgd::<$t>::default(), $case: momentum dampening; nesterov)),
            "RmsProp" => $check($case, with!(RmsProp::<$t>::default(), $case: alpha epsilon momentum; centered)),
            "Adagrad" => $check($case, with!(Adagrad::<$t>::default(), $case: lr_decay initial_accumulator epsilon)),
            "Adadelta" => $check($case, with!(Adadelta::<$t>::default(), $case: rho epsilon)),
            "Adam" => $check($case, with!(Adam::<$t>::torch(), $case: epsilon;; betas amsgrad)),
            "Adamax" => $check($case, with!(Adamax::<$t>::default(), $case: epsilon;; betas)),
            "AdamW" => $check($case, with!(AdamW::<$t>::default(), $case: epsilon;; betas amsgrad)),
            "Nadam" => $check($case, with!(Nadam::<$t>::default(), $case: epsilon momentum_decay;; betas)),
            "RAdam" => $check($case, with!(RAdam::<$t>::default(), $case: epsilon;; betas)),
            "Lion" => $check($case, with!(Lion::<$t>::default(), $case: ;; betas)),
            other => panic!("{other}"),
        }
    };
}

const OPTIMIZERS: [&str; 10] =
    ["Sgd", "RmsProp", "Adagrad", "Adadelta", "Adam", "Adamax", "AdamW", "Nadam", "RAdam", "Lion"];

/// The optimizers of cases, each once.
fn optimizers(cases: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = list(cases).iter().map(|case| case["optimizer"].as_str().unwrap()).collect();
    names.dedup();
    names
}

#[test]
fn the_steps_of_every_optimizer_agree_with_pytorch() {
    let cases = fixture("optimizers_torch.json");
    assert_eq!(optimizers(&cases), OPTIMIZERS);
    for case in list(&cases) {
        check!(check::<f64>, case);
    }
}

/// Three steps with a gradient from 0 to infinity, and with its opposite.
fn check_extreme<T: Scalar, R: Rule>(case: &Value, mut optimizer: RuleOptimizer<R, T>) {
    let number = |value: &Value| -> f64 { value.as_str().expect("a number").parse().expect("a number") };
    let gradient = number(&case["grad"]);
    let gradients = One { w: Tensor::from_vec(vec![T::from_f64(gradient), T::from_f64(-gradient)], [2]) };
    let mut model = One { w: Tensor::<T>::ones([2]) };
    for (t, after) in list(&case["after"]).iter().enumerate() {
        optimizer.step(&mut model, &gradients);
        for (w, expected) in model.w.to_vec().into_iter().map(T::to_f64).zip(list(after).iter().map(number)) {
            let tolerance = if case["type"] == "f32" { 4e-7 } else { TOLERANCE };
            let near = (w - expected).abs() <= tolerance * expected.abs();
            let what = format!("{} {} {}, step {t}", case["optimizer"], case["name"], case["type"]);
            assert!(
                near || w == expected || (w.is_nan() && expected.is_nan()),
                "{what}, gradient {gradient:e}: {w}, expected {expected}"
            );
        }
    }
}

#[test]
fn gradients_of_any_size_make_the_steps_of_pytorch() {
    let cases = fixture("extremes_torch.json");
    for case in list(&cases) {
        match case["type"].as_str().unwrap() {
            "f32" => check!(check_extreme::<f32>, case),
            "f64" => check!(check_extreme::<f64>, case),
            other => panic!("{other}"),
        }
    }
    assert_eq!(optimizers(&cases), [OPTIMIZERS, OPTIMIZERS].concat());
}

/// The numbers differ from Keras's, so the two forms are distinguished.
#[test]
fn the_default_form_of_adam_is_not_that_of_pytorch() {
    let step = |mut adam: Adam<f64>| {
        let mut model = One { w: Tensor::zeros([1]) };
        adam.step(&mut model, &One { w: Tensor::full(1e-6, [1]) });
        model.w.item()
    };
    // 1e-3 sqrt(1e-3) g / (sqrt(1e-3) g + epsilon), in the form of PyTorch 1e-3 g / (g + epsilon)
    let root = 1e-3f64.sqrt();
    assert_near("Keras", step(Adam::default()), -1e-3 * root * 1e-6 / (root * 1e-6 + 1e-7));
    assert_near("PyTorch", step(Adam::torch()), -1e-3 * 1e-6 / (1e-6 + 1e-8));
}

#[test]
fn schedules_agree_with_pytorch() {
    let case = &fixture("training_torch.json")["schedules"];
    let rate = case["rate"].as_f64().unwrap();
    let schedules: [(&str, Box<dyn Schedule>); 7] = [
        ("constant", Box::new(Constant)),
        ("step 4 0.3", Box::new(StepDecay::new(4, 0.3))),
        ("exponential 0.9", Box::new(Exponential::new(0.9))),
        ("cosine 12", Box::new(Cosine::new(12))),
        ("cosine 20, warm-up 5, floor 0.1", Box::new(Cosine::new(20).warmup(5).floor(0.1))),
        ("one cycle 20", Box::new(OneCycle::new(20))),
        ("one cycle 17, 0.25, 0.1, 0.01", Box::new(OneCycle::new(17).rise(0.25).ends(0.1, 0.01))),
    ];
    for (name, schedule) in schedules {
        let expected = numbers(&case[name]);
        assert!(expected.len() >= 5);
        let mut sgd = Sgd::default().learning_rate(rate).schedule(move |step: usize| schedule.factor(step));
        let mut model = One { w: Tensor::<f64>::zeros([1]) };
        let mut before = 0.0;
        for (step, expected) in expected.into_iter().enumerate() {
            let what = format!("{name}, step {step}");
            // Down to 0, a cosine ends in rounding.
            assert!(
                (sgd.current_learning_rate() - expected).abs() < TOLERANCE * rate,
                "{what}: {}, expected {expected}",
                sgd.current_learning_rate()
            );
            sgd.step(&mut model, &One { w: Tensor::ones([1]) });
            // The step is taken at that rate.
            assert!((before - model.w.at([0]) - expected).abs() < TOLERANCE, "{what}: the step");
            before = model.w.at([0]);
        }
    }
}

#[test]
fn plateaus_agree_with_pytorch() {
    let case = &fixture("training_torch.json")["plateaus"];
    let rate = case["rate"].as_f64().unwrap();
    for (name, plateau) in [
        ("defaults", Plateau::new()),
        ("all", Plateau::new().factor(0.5).patience(1).threshold(0.01).cooldown(2).min_factor(0.2)),
        ("rising", Plateau::new().factor(0.6).patience(2).threshold(0.05).maximize()),
        ("impatient", Plateau::new().factor(0.9).patience(0).threshold(0.0)),
        ("absolute", Plateau::new().factor(0.5).patience(1).absolute_threshold(0.2)),
        ("absolute, rising", Plateau::new().factor(0.5).patience(2).absolute_threshold(0.2).maximize()),
    ] {
        let mut sgd: Sgd<f64> = Sgd::default().learning_rate(rate).reduce_on_plateau(plateau);
        let expected = numbers(&case[name]["rates"]);
        assert!(expected.last() < expected.first(), "{name}: it falls");
        for (i, (metric, expected)) in numbers(&case[name]["metrics"]).into_iter().zip(expected).enumerate() {
            sgd.observe(metric);
            assert_near(&format!("{name}, after metric {i}"), sgd.current_learning_rate(), expected);
        }
    }
}

/// A model of two tensors.
#[derive(Params, Clone)]
struct Two<P> {
    a: P,
    b: P,
}

fn two(value: &Value) -> Two<Tensor<f64>> {
    Two { a: tensor(&value[0]), b: tensor(&value[1]) }
}

#[test]
fn clipping_agrees_with_pytorch() {
    let case = &fixture("training_torch.json")["clip"];
    let gradients = two(&case["grads"]);
    let moved = |mut sgd: Sgd<f64>| {
        let mut model = gradients.zeros_like();
        sgd.step(&mut model, &gradients);
        (model, sgd.gradient_norm())
    };
    let agree = |what: &str, got: &Two<Tensor<f64>>, sign: f64, expected: &Value| {
        for (got, expected) in got.leaves().into_iter().zip(two(expected).leaves()) {
            assert_close(what, &got.map(|g| sign * g), expected, TOLERANCE);
        }
    };
    for (longest, clipped) in numbers(&case["longest"]).into_iter().zip(list(&case["clipped"])) {
        let norm = clipped["norm"].as_f64().unwrap();
        assert_near("norm", gradient_norm(&gradients), norm);
        let mut cut = gradients.clone();
        assert_near("norm", clip_norm(&mut cut, longest), norm);
        agree("clip_norm", &cut, 1.0, &clipped["grads"]);
        let (model, told) = moved(Sgd::default().learning_rate(1.0).clip_norm(longest));
        assert_near("norm told", told.unwrap(), norm);
        agree("in a step", &model, -1.0, &clipped["grads"]);
    }
    let (largest, clipped) = (case["largest"].as_f64().unwrap(), &case["value"]["grads"]);
    let mut cut = gradients.clone();
    clip_value(&mut cut, largest);
    agree("clip_value", &cut, 1.0, clipped);
    let (model, told) = moved(Sgd::default().learning_rate(1.0).clip_value(largest));
    assert_eq!(told, None);
    agree("in a step", &model, -1.0, clipped);
}

#[test]
fn averages_of_weights_agree_with_pytorch() {
    let case = &fixture("training_torch.json")["ema"];
    let model = |value: &Value| Two { a: tensor(&value["weight"]), b: tensor(&value["bias"]) };
    let mut weights = list(&case["weights"]).iter().map(model);
    let mut ema = Ema::new(&weights.next().unwrap(), case["decay"].as_f64().unwrap());
    for (weights, average) in weights.zip(&list(&case["average"])[1..]) {
        ema.update(&weights);
        for (got, expected) in ema.model().leaves().into_iter().zip(model(average).leaves()) {
            assert_close("average", got, expected, TOLERANCE);
        }
    }
}
