//! Parameters that an optimizer does not see: frozen by name, or buffers.

use super::*;
use std::collections::BTreeSet;

/// Steps with gradients without pattern, NaN among those of `cell.u`.
fn stepped<T: Scalar, R: Rule>(mut optimizer: RuleOptimizer<R, T>) -> (Recurrent<SimpleRnn<Tensor<T>>>, StateDict<T>) {
    // Away from zero, and with a zero below it.
    let mut model = gradients(&model(), 77).cast::<T>();
    model.cell.u.as_mut_slice()[0] = T::from_f64(-0.0);
    for step in 0..5 {
        let mut gradients = gradients(&super::model(), step).cast::<T>();
        gradients.cell.u.as_mut_slice()[1] = T::NAN;
        optimizer.step(&mut model, &gradients);
    }
    (model, optimizer.state_dict())
}

fn frozen_keeps_its_bits<T: Scalar>() {
    let start = gradients(&model(), 77).cast::<T>();
    let bits = |tensor: &Tensor<T>| tensor.to_vec().into_iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>();
    macro_rules! check {
        ($($optimizer:expr),*) => {$(
            let optimizer: RuleOptimizer<_, T> = $optimizer;
            let what = stringify!($optimizer);
            let (trained, state) = stepped(optimizer.learning_rate(0.1).weight_decay(0.5).l2(0.1).freeze("cell.u"));
            let mut expected = bits(&start.cell.u);
            expected[0] = (-0.0f64).to_bits();
            assert_eq!(bits(&trained.cell.u), expected, "{what}");
            for (name, leaf, before) in [
                ("weight", &trained.cell.x.weight, &start.cell.x.weight),
                ("bias", &trained.cell.x.bias, &start.cell.x.bias),
            ] {
                assert!(leaf.to_vec().into_iter().zip(before.to_vec()).all(|(a, b)| a != b), "{what}: {name}");
            }
            assert!(state.tensors.keys().all(|name| !name.ends_with("cell.u")), "{what}: a state of what is frozen");
        )*};
    }
    check!(
        Sgd::default(),
        Sgd::default().momentum(0.9).nesterov(),
        RmsProp::default(),
        Adagrad::default(),
        Adadelta::default(),
        Adam::default(),
        AdamW::default().amsgrad(),
        Adamax::default(),
        Nadam::default(),
        RAdam::default(),
        Lion::default()
    );
}

#[test]
fn a_frozen_parameter_keeps_its_bits() {
    frozen_keeps_its_bits::<f64>();
    frozen_keeps_its_bits::<f32>();
}

/// The other parameters train as if there were no frozen one, its gradient included.
#[test]
fn the_others_train_as_if_it_were_not_there() {
    let adamw = || AdamW::default().learning_rate(0.1).clip_norm(0.2);
    let mut frozen = adamw().freeze("cell.u");
    let (mut model, mut part) = (gradients(&model(), 77), gradients(&model(), 77).cell.x);
    let mut alone = adamw();
    for step in 0..5 {
        let gradients = gradients(&model, step);
        frozen.step(&mut model, &gradients);
        alone.step(&mut part, &gradients.cell.x);
        assert_eq!(frozen.gradient_norm(), alone.gradient_norm());
    }
    assert_eq!(bits(&model.cell.x), bits(&part));
}

#[test]
fn freezing_can_begin_between_steps_and_is_saved_by_its_absence() {
    let (mut model, step) = (model(), |step| gradients(&model(), step));
    let mut adam = Adam::default().learning_rate(0.1);
    adam.step(&mut model, &step(0));
    let before = model.clone();
    let mut adam = adam.freeze("*bias").freeze("cell.u");
    adam.step(&mut model, &step(1));
    assert_eq!((&model.cell.u, &model.cell.x.bias), (&before.cell.u, &before.cell.x.bias));
    assert_ne!(model.cell.x.weight, before.cell.x.weight);
    let state = adam.state_dict();
    let names: BTreeSet<&str> = state.tensors.keys().map(String::as_str).collect();
    assert_eq!(names, ["m.cell.x.weight", "v.cell.x.weight"].into());

    let mut resumed = Adam::default().learning_rate(0.1).freeze("*bias").freeze("cell.u");
    resumed.load_state_dict(&model, &state).unwrap();
    let mut copy = model.clone();
    adam.step(&mut model, &step(2));
    resumed.step(&mut copy, &step(2));
    assert_eq!(bits(&model), bits(&copy));
    let error = Adam::default().load_state_dict(&model, &state).unwrap_err();
    assert_eq!(error.missing, ["m.cell.x.bias", "v.cell.x.bias", "m.cell.u", "v.cell.u"]);
}

/// A layer whose mean is a buffer.
#[derive(Params, Clone)]
struct Centered<P> {
    weight: P,
    #[params(buffer)]
    mean: P,
}

#[derive(Params, Clone)]
struct Weight<P> {
    weight: P,
}

/// Weight decay, moments, norms and fingerprint know parameters alone.
#[test]
fn no_optimizer_sees_a_buffer() {
    fn check<R: Rule>(what: &str, optimizer: impl Fn() -> RuleOptimizer<R, f64>) {
        let (mut with, mut without) = (optimizer(), optimizer());
        let mut model = Centered { weight: values([3, 2], 1), mean: values([2], 2) };
        let mut alone = Weight { weight: model.weight.clone() };
        let buffer = model.mean.clone();
        for step in 0..5 {
            // A gradient that the user made, with something where the buffer is.
            let gradients = Centered { weight: values([3, 2], 10 + step), mean: Tensor::full(f64::NAN, [2]) };
            with.prepare(&model);
            with.step(&mut model, &gradients);
            without.step(&mut alone, &Weight { weight: gradients.weight });
            assert_eq!(with.gradient_norm(), without.gradient_norm(), "{what}");
            assert_eq!(model.mean, &buffer + step as f64, "{what}");
            // The optimizer takes it for the same model nevertheless.
            model.mean = &model.mean + 1.0;
        }
        assert_eq!((with.steps(), &model.weight), (5, &alone.weight), "{what}");
        assert_eq!(with.state_dict(), without.state_dict(), "{what}");
    }
    check("sgd", || Sgd::default().momentum(0.9).weight_decay(0.3).l2(0.2));
    check("adam", || Adam::default().weight_decay(0.3).clip_norm(0.1));
    check("lion", || Lion::default().weight_decay(0.3).clip_value(0.1));
}

#[test]
fn clipping_knows_parameters_alone() {
    let gradients = Centered { weight: Tensor::full(3.0, [1]), mean: Tensor::<f64>::full(1e9, [1]) };
    assert_eq!(gradient_norm(&gradients), 3.0);
    let mut clipped = gradients.clone();
    unspool::optim::clip_value(&mut clipped, 1.0);
    assert_eq!((clipped.weight.item(), clipped.mean.item()), (1.0, 1e9));
    let mut clipped = gradients.clone();
    unspool::optim::clip_norm(&mut clipped, 1.0);
    assert!((clipped.weight.item() - 1.0).abs() < 1e-6 && clipped.mean.item() == 1e9);
}

/// An average of weights has the current buffers, not an average of them.
#[test]
fn an_average_has_the_buffers_of_the_last_update() {
    let mut model = Centered { weight: values([2], 1), mean: values([2], 2) };
    let mut average = Ema::new(&model, 0.5);
    assert_eq!(average.model().mean, model.mean);
    let start = model.clone();
    (model.weight, model.mean) = (&model.weight + 1.0, &model.mean + 4.0);
    average.update(&model);
    assert_eq!(average.model().mean, model.mean);
    assert_eq!(average.model().weight, start.weight.map(|w| w + (w + 1.0 - w) * 0.5));

    let state = average.state_dict();
    assert_eq!(state.tensors.keys().collect::<Vec<_>>(), ["mean", "weight"]);
    let mut loaded = Ema::new(&start, 0.5);
    loaded.load_state_dict(&state).unwrap();
    assert_eq!((&loaded.model().weight, &loaded.model().mean), (&average.model().weight, &model.mean));
    // Its buffers are its own when the model's change in place.
    model.mean.as_mut_slice().fill(0.0);
    assert_eq!(average.model().mean, &start.mean + 4.0);
}
