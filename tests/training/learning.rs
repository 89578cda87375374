//! Training finds what is there to find.

use unspool::prelude::*;
use unspool::{evaluate, predict};
use unspool_tests::values;

#[test]
fn a_dense_layer_finds_a_linear_rule() {
    let x: Tensor = values([400, 3], 1).cast();
    let y = Tensor::from_fn([400, 1], |i| 2.0 * x.at([i, 0]) - 0.5 * x.at([i, 2]) + 0.25);
    let data = Dataset::new(x, y).unwrap();
    let mut model = sequential().add(dense(3, 1));
    let adam = Adam::default().learning_rate(0.02);
    let history = fit(&mut model, &data)
        .loss(mse)
        .optimizer(adam)
        .batch_size(40)
        .epochs(60)
        .validate(&data)
        .quiet()
        .run()
        .unwrap();
    assert_eq!((history.loss.len(), history.val_loss.len()), (60, 60));
    assert!(history.val_loss[59] < 1e-5, "{history:?}");
    assert_eq!(evaluate(&model, &data, mse), history.val_loss[59]);
    // More examples than are computed at once.
    let whole = mse_of(&predict(&model, data.x()), data.y());
    assert!((history.val_loss[59] / whole - 1.0).abs() < 1e-4, "{} is not {whole}", history.val_loss[59]);
    let layer = &model.layers.layer;
    for (got, expected) in layer.weight.to_vec().into_iter().chain(layer.bias.to_vec()).zip([2.0, 0.0, -0.5, 0.25]) {
        assert!((got - expected).abs() < 1e-2, "{got} is not {expected}");
    }
}

/// Remembering the first of ten inputs needs the gradient to reach it through time.
#[test]
fn a_recurrent_layer_learns_to_remember() {
    let x: Tensor = values([10, 512, 1], 3).cast();
    let y = x.select(0, 0).copy();
    let data = Dataset::new(x, y).unwrap();
    let (train, test) = (data.slice(0, 448), data.slice(448, 64));
    let mut model = sequential().add(simple_rnn(1, 16)).add(dense(16, 1));
    let before = evaluate(&model, &test, mse);
    let adam = Adam::default().learning_rate(5e-3);
    fit(&mut model, &train).loss(mse).optimizer(adam).batch_size(64).epochs(150).quiet().run().unwrap();
    let after = evaluate(&model, &test, mse);
    assert!(after < 0.02 && after < before / 10.0, "{before} before, {after} after");
    let outputs = predict(&model, test.x());
    assert!((mse_of(&outputs, test.y()) - after).abs() < 1e-6);
}

fn mse_of(a: &Tensor, b: &Tensor) -> f64 {
    f64::from(a.zip(b, |a, b| (a - b) * (a - b)).mean().item())
}

/// An optimizer lent to two trainings goes on where it was.
#[test]
fn two_trainings_with_one_optimizer_are_one() {
    let data = Dataset::new(values([30, 2], 1), values([30, 1], 2)).unwrap();
    let layer = || Dense::<Tensor<f64>>::new(&mut rng(0), 2, 1);
    let mut model = layer();
    let mut adam = Adam::default();
    for _ in 0..2 {
        fit(&mut model, &data).loss(mse).optimizer(&mut adam).batch_size(30).quiet().run().unwrap();
    }
    let mut at_once = layer();
    fit(&mut at_once, &data).loss(mse).batch_size(30).epochs(2).quiet().run().unwrap();
    // The order within the one batch differs, so the sums are rounded differently.
    unspool_tests::assert_close("weights", &model.weight, &at_once.weight, 1e-12);
}

/// Numbers stand in formulas that are generic in the element type.
#[test]
fn numbers_stand_on_both_sides_in_generic_formulas() {
    fn formula<T: Scalar>(z: Var<'_, T>) -> Var<'_, T> {
        (1.0 - z) * 0.5 + 2.0 / (z + 1.0)
    }
    let x = formula(Tape::<f32>::new().variable(&Tensor::scalar(3.0))).item();
    let y = formula(Tape::<f64>::new().variable(&Tensor::scalar(3.0))).item();
    assert_eq!((x, y), (-0.5, -0.5));
}

/// A step on a batch cut into parts is the step on the whole batch.
#[test]
fn parts_of_a_batch_add_up_to_the_batch() {
    let data = Dataset::new(values([6, 50, 2], 1), values([50, 3], 2)).unwrap();
    let layer = || Recurrent::new(SimpleRnn::<Tensor<f64>>::new(&mut rng(1), 2, 3));
    let mut by_fit = layer();
    fit(&mut by_fit, &data).loss(mse).batch_size(50).epochs(1).quiet().run().unwrap();

    let mut by_hand = layer();
    let tape = Tape::new();
    let net = tape.bind(&by_hand);
    let gradients = mse(net.forward(tape.constant(data.x())).last(), tape.constant(data.y())).backward().of(&net);
    drop(tape);
    Adam::default().step(&mut by_hand, &gradients);
    for (a, b) in by_fit.leaves().iter().zip(by_hand.leaves()) {
        unspool_tests::assert_close("weights after one step", a, b, 1e-9);
    }
}
