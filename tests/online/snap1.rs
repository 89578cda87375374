//! The sparse one-step approximation: exact where no unit sees another, biased elsewhere.

use super::*;
use unspool::cells::*;
use unspool::layers::Activation;
use unspool::online::{Rtrl, SnAp1, zero_state};

fn new<C>(cell: fn(&mut Rng, usize, usize) -> C) -> C {
    cell(&mut rng(7), INPUTS, HIDDEN)
}

/// The error of SnAp-1, and the number of entries that it keeps of those of RTRL.
macro_rules! compare {
    ($cell:expr, $batch:expr) => {
        compare!(INPUTS => $cell, $batch)
    };
    ($inputs:expr => $cell:expr, $batch:expr) => {{
        let model = net($cell, HIDDEN);
        let data = data(TIME, $batch, $inputs);
        let start = || zero_state(&model.layer.cell, $batch);
        let (mut snap, mut rtrl) = (SnAp1::new(start()), Rtrl::new(start()));
        let (got, expected) = (online(&mut snap, &model, &data), online(&mut rtrl, &model, &data));
        assert_eq!(got.0, expected.0);
        (error(&got.1, &expected.1).0, snap.influence_size(), rtrl.influence_size())
    }};
}

#[test]
fn it_is_exact_where_no_unit_sees_another() {
    for batch in [1, 3] {
        for (error, entries, all) in [
            compare!(new(IndRnn::new), batch),
            compare!(new(IndRnn::new).activation(Activation::Tanh), batch),
            compare!(new(MinGru::new), batch),
            compare!(new(MinLstm::new), batch),
            compare!(HIDDEN => RgLru::new(&mut rng(7), HIDDEN), batch),
        ] {
            assert!(error < 1e-9, "{error:e}");
            assert_eq!(entries * HIDDEN, all);
        }
        let (error, entries, all) = compare!(Mlstm::new(&mut rng(7), INPUTS, HIDDEN, 2), batch);
        assert!(error < 1e-9 && entries * 9 < all, "{error:e}, {entries} of {all}");
    }
}

/// Where they do, its gradient is another one: the table of these errors is in docs/DESIGN.md.
#[test]
fn it_is_not_where_units_see_each_other() {
    let lru = || Lru::on_ring(&mut rng(7), INPUTS, HIDDEN, 0.5..0.9, 0.5);
    for (name, (error, entries, all)) in [
        ("SimpleRnn", compare!(new(SimpleRnn::new), 1)),
        ("Lstm", compare!(new(Lstm::new), 1)),
        ("PeepholeLstm", compare!(new(PeepholeLstm::new), 1)),
        ("CifgLstm", compare!(new(CifgLstm::new), 1)),
        ("LayerNormLstm", compare!(new(LayerNormLstm::new), 1)),
        ("Slstm", compare!(new(Slstm::new), 1)),
        ("Gru", compare!(new(Gru::new), 1)),
        ("GruResetBefore", compare!(new(GruResetBefore::new), 1)),
        ("LayerNormGru", compare!(new(LayerNormGru::new), 1)),
        ("Mgu", compare!(new(Mgu::new), 1)),
        ("Qrnn", compare!(new(Qrnn::new), 1)),
        ("Lru", compare!(lru(), 1)),
    ] {
        println!("{name:<14} {error:>5.2}, {:>4.2} of the entries", entries as f64 / all as f64);
        assert!(error > 0.01, "{name}: {error:e}");
        assert!(entries < all, "{name}: {entries} of {all}");
    }
}

/// What is kept: an entry of a parameter for each unit that it enters within the step, in each sequence.
#[test]
fn it_keeps_what_a_step_makes_by_itself() {
    let parameters = |gates: usize| gates * HIDDEN * (INPUTS + 1 + HIDDEN);
    let (_, entries, all) = compare!(new(SimpleRnn::new), 3);
    assert_eq!((entries, all), (3 * parameters(1), 3 * HIDDEN * parameters(1)));
    // i, f and g enter h and c, o enters h.
    let (_, entries, all) = compare!(new(Lstm::new), 3);
    assert_eq!((entries, all), (3 * (2 * parameters(3) + parameters(1)), 3 * 2 * HIDDEN * parameters(4)));
    // The reset gate before the product enters all units; with one unit in one sequence there is nothing to leave out.
    let (bias, entries, all) = compare!(GruResetBefore::new(&mut rng(7), INPUTS, HIDDEN), 1);
    assert!(bias > 0.01 && entries > all / 3 && entries < all, "{bias:e}: {entries} of {all}");
    let model = net(Gru::new(&mut rng(7), INPUTS, 1), 1);
    let data = data(TIME, 1, INPUTS);
    let got = online(&mut SnAp1::new(zero_state(&model.layer.cell, 1)), &model, &data);
    assert!(error(&got.1, &bptt(&model, &data).1).0 < 1e-9);
}

/// From the zero state the recurrent weights have no direct influence, and an input of zero has none
/// either: the entries come when they first are not zero, and stay.
#[test]
fn entries_grow_and_stay() {
    let model = net(new(SimpleRnn::new), HIDDEN);
    let mut learner = SnAp1::new(zero_state(&model.layer.cell, 1));
    let mut step = |x: f64| {
        learner.step(&model, [&Tensor::full(x, [1, 1, INPUTS])], |net, [x], h| {
            let output = net.layer.run(x, Some(h), Context::default());
            (output.last().sum(), output.state())
        });
        learner.influence_size()
    };
    let bias = HIDDEN;
    let (recurrent, input) = (HIDDEN * HIDDEN, HIDDEN * INPUTS);
    assert_eq!([step(0.0), step(0.0), step(1.0)], [bias, bias + recurrent, bias + recurrent + input]);
    assert_eq!(step(0.0), bias + recurrent + input);
}

/// A unit of two parts of the state: a parameter enters both within the step, and each through the
/// other.
#[test]
fn the_parts_of_a_unit_see_each_other() {
    let (model, xs) = (Dense::new(&mut rng(1), 2, 4), values([TIME, 3, 2], 1));
    let (mut snap, mut rtrl) = (SnAp1::new(start()), Rtrl::new(start()));
    fn start() -> (Tensor<f64>, Tensor<f64>) {
        (values([3, 4], 2), values([3, 4], 3))
    }
    fn sum<L>(learner: &mut L, model: &Dense<Tensor<f64>>, xs: &Tensor<f64>) -> Dense<Tensor<f64>>
    where
        L: OnlineLearner<Number = f64, State = (Tensor<f64>, Tensor<f64>)>,
    {
        let mut sum = model.zeros_like();
        for t in 0..TIME {
            let (_, gradients) = learner.step(model, [&xs.select(0, t)], |net, [x], (fast, slow)| {
                let fast = (net.forward(x) + fast * 0.4 - slow).tanh();
                let slow = slow * 0.8 + fast * 0.5;
                ((fast * slow).sum(), (fast, slow))
            });
            for (sum, gradient) in sum.leaves_mut().into_iter().zip(gradients.leaves()) {
                sum.update(gradient, |sum, gradient| sum + gradient);
            }
        }
        sum
    }
    let (got, expected) = (sum(&mut snap, &model, &xs), sum(&mut rtrl, &model, &xs));
    assert!(error(&got, &expected).0 < 1e-9);
    assert_eq!(snap.influence_size() * 4, rtrl.influence_size());
}
