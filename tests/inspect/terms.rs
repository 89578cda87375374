//! The gradient of a weight as a sum over time, and the Jacobians between steps.

use unspool::autograd::jacrev;
use unspool::cells::*;
use unspool::inspect::{GradientFlow, Jacobian};
use unspool::prelude::*;
use unspool::recurrent::wrappers::{RecurrentDropout, Residual};
use unspool::recurrent::{Bidirectional, Stack};
use unspool_tests::{assert_close, values};

type V<'t> = Var<'t, f64>;

const TIME: usize = 7;
const BATCH: usize = 3;
const SIZE: usize = 4;

fn inputs() -> Tensor<f64> {
    values([TIME, BATCH, SIZE], 1)
}

/// The terms of every parameter add up to its gradient, which is that of a plain tape.
fn check<L>(what: &str, model: L)
where
    L: Params<Tensor<f64>>,
    for<'t> L::With<V<'t>>: Layer<'t, f64, Output: SequenceOutput<'t, f64>>,
{
    for lengths in [[TIME; BATCH], [2, TIME, 5]] {
        let context = || Context::training(3).with_lengths(&lengths);
        let flow = GradientFlow::options()
            .keep_terms()
            .of(&model, |tape, net| net.apply(tape.constant(&inputs()), context()).sequence().square().sum());
        let tape = Tape::new();
        let net = tape.bind(&model);
        let loss = net.apply(tape.constant(&inputs()), context()).sequence().square().sum();
        let gradients = loss.backward().of(&net);
        let mut seen = 0;
        for (name, gradient) in gradients.names().iter().zip(gradients.leaves()) {
            let what = format!("{what}, {name}, lengths {lengths:?}");
            let parameter = flow.layers.iter().find_map(|layer| layer.parameter(name));
            let parameter = parameter.unwrap_or_else(|| panic!("{what}: no terms"));
            let terms = parameter.terms.as_ref().unwrap();
            let mut sum = Tensor::zeros(gradient.shape());
            terms.iter().for_each(|term| sum.update(term, |sum, term| sum + term));
            assert_close(&what, &parameter.gradient, gradient, 1e-12);
            assert_close(&what, &sum, gradient, 1e-12);
            for (term, norm) in terms.iter().zip(&parameter.norm) {
                let squares: f64 = term.to_vec().iter().map(|x| x * x).sum();
                assert_eq!(squares.sqrt(), *norm, "{what}");
            }
            // No time step has all.
            assert!(parameter.norm.iter().filter(|&&norm| norm > 0.0).count() > 1, "{what}: {:?}", parameter.norm);
            seen += 1;
        }
        assert!(seen > 0);
    }
}

#[test]
fn terms_add_up_to_the_gradient_for_every_cell() {
    let rng = &mut rng(3);
    check("SimpleRnn", Recurrent::new(SimpleRnn::new(rng, SIZE, SIZE)));
    check("IndRnn", Recurrent::new(IndRnn::new(rng, SIZE, SIZE)));
    check("Lstm", Recurrent::new(Lstm::new(rng, SIZE, SIZE)));
    check("CifgLstm", Recurrent::new(CifgLstm::new(rng, SIZE, SIZE)));
    check("LayerNormLstm", Recurrent::new(LayerNormLstm::new(rng, SIZE, SIZE)));
    check("PeepholeLstm", Recurrent::new(PeepholeLstm::new(rng, SIZE, SIZE)));
    check("ProjectedLstm", Recurrent::new(ProjectedLstm::new(rng, SIZE, SIZE, 2)));
    check("Slstm", Recurrent::new(Slstm::new(rng, SIZE, SIZE)));
    check("Gru", Recurrent::new(Gru::new(rng, SIZE, SIZE)));
    check("GruResetBefore", Recurrent::new(GruResetBefore::new(rng, SIZE, SIZE)));
    check("LayerNormGru", Recurrent::new(LayerNormGru::new(rng, SIZE, SIZE)));
    check("Mgu", Recurrent::new(Mgu::new(rng, SIZE, SIZE)));
    check("MinGru", Recurrent::new(MinGru::new(rng, SIZE, SIZE)));
    check("MinLstm", Recurrent::new(MinLstm::new(rng, SIZE, SIZE)));
    check("Qrnn", Recurrent::new(Qrnn::new(rng, SIZE, SIZE)));
    check("Lru", Recurrent::new(Lru::new(rng, SIZE, SIZE)));
    check("RgLru", Recurrent::new(RgLru::new(rng, SIZE)));
    check("Mlstm", Recurrent::new(Mlstm::new(rng, SIZE, SIZE, 2)));
}

#[test]
fn terms_add_up_in_every_arrangement() {
    let rng = &mut rng(4);
    check("backwards", Recurrent::new(Gru::new(rng, SIZE, SIZE)).reverse());
    check("both directions", Bidirectional::new(Lstm::new(rng, SIZE, SIZE), Lstm::new(rng, SIZE, SIZE)));
    check("stacked", Stack::new([Gru::new(rng, SIZE, SIZE), Gru::new(rng, SIZE, SIZE)].map(Recurrent::new)));
    let wrapped = Residual::new(RecurrentDropout::new(Lstm::new(rng, SIZE, SIZE), 0.3), SIZE);
    check("wrapped", Recurrent::new(wrapped));
}

/// A cell that uses one weight for the input and, twice, in its step.
#[derive(Params)]
struct Tied<P> {
    w: P,
}

impl<'t, T: Scalar> Cell<'t, T> for Tied<Var<'t, T>> {
    type State = Var<'t, T>;
    fn zero_state(&self, batch: usize) -> Var<'t, T> {
        self.w.new_zeros([batch, self.w.shape()[0]])
    }
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        xs.matmul(self.w)
    }
    fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
        let h = (x + h.matmul(self.w).sin().matmul(self.w.t())).tanh();
        (h, h)
    }
}

#[test]
fn terms_add_up_for_a_weight_of_many_uses() {
    check("tied", Recurrent::new(Tied { w: values([SIZE, SIZE], 3) }));
}

/// With more rows than are projected at a time.
#[test]
fn terms_add_up_over_several_projections() {
    let model = Recurrent::new(Lstm::<Tensor<f64>>::new(&mut rng(5), 2, 3));
    let xs = values([90, 7, 2], 1);
    let flow = GradientFlow::options()
        .keep_terms()
        .of(&model, |tape, net| net.forward(tape.constant(&xs)).sequence().square().sum());
    for parameter in &flow.layers[0].parameters {
        let mut sum = Tensor::zeros(parameter.gradient.shape());
        parameter.terms.as_ref().unwrap().iter().for_each(|term| sum.update(term, |sum, term| sum + term));
        assert_close(&parameter.name, &sum, &parameter.gradient, 1e-12);
    }
}

/// The term of a step is that of the lecture: of a simple RNN, `h_{t-1}ᵀ (dL/dh_t ⊙ (1 - h_t²))`.
#[test]
fn the_term_of_a_step_is_that_of_the_formula() {
    let model = Recurrent::new(SimpleRnn::<Tensor<f64>>::new(&mut rng(6), SIZE, SIZE));
    let flow = GradientFlow::options()
        .keep_terms()
        .of(&model, |tape, net| net.forward(tape.constant(&inputs())).last().square().sum());
    let tape = Tape::new();
    let h = tape.bind(&model).forward(tape.constant(&inputs())).sequence().value();
    let dh = &flow.layers[0].states[0].gradient;
    let terms = |name: &str| flow.layers[0].parameter(name).unwrap().terms.as_ref().unwrap();
    let (u, w) = (terms("cell.u"), terms("cell.x.weight"));
    for t in 1..TIME {
        let delta = dh.select(0, t).zip(&h.select(0, t), |dh, h| dh * (1.0 - h * h));
        assert_close("u", &u[t], &h.select(0, t - 1).t().matmul(&delta), 1e-13);
        assert_close("w", &w[t], &inputs().select(0, t).t().matmul(&delta), 1e-13);
    }
    assert_eq!(u[0], Tensor::zeros([SIZE, SIZE]));
}

/// `dh_T/dh_t` of one example, by the Jacobian of the steps from t on.
fn jacobian_norm(cell: &Gru<Tensor<f64>>, xs: &Tensor<f64>, h: &Tensor<f64>, steps: std::ops::Range<usize>) -> f64 {
    let matrix = jacrev(h, |tape, h| {
        let cell = tape.bind_frozen(cell);
        steps.clone().fold(h, |h, t| cell.step(cell.project(tape.constant(&xs.slice(0, t..t + 1))).squeeze(0), h).1)
    });
    matrix.to_vec().into_iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn jacobians_are_those_of_the_steps_between() {
    let model = Recurrent::new(Gru::<Tensor<f64>>::new(&mut rng(7), SIZE, SIZE));
    let lengths = [3, TIME, 5];
    for reverse in [false, true] {
        let model = if reverse { model.clone().reverse() } else { model.clone() };
        let run = |options: unspool::inspect::FlowOptions| {
            let flow = options.of(&model, |tape, net| {
                let cx = Context::default().with_lengths(&lengths);
                net.apply(tape.constant(&inputs()), cx).sequence().square().sum()
            });
            flow.layers[0].states[0].jacobian.clone().unwrap()
        };
        let exact = run(GradientFlow::options().jacobian(Jacobian::Exact));
        let tape = Tape::new();
        let cx = Context::default().with_lengths(&lengths);
        let states = tape.bind(&model).apply(tape.constant(&inputs()), cx).sequence().value();
        for (t, exact) in exact.iter().enumerate() {
            let mut squares = Vec::new();
            for b in (0..BATCH).filter(|&b| t < lengths[b]) {
                let [xs, states] = [&inputs(), &states].map(|all| all.slice(1, b..b + 1).slice(0, ..lengths[b]));
                // Backwards, the steps after t are those of earlier times.
                let (xs, from) = if reverse { (xs.flip(0), lengths[b] - 1 - t) } else { (xs, t) };
                let norm = jacobian_norm(&model.cell, &xs, &states.select(0, t), from + 1..lengths[b]);
                squares.push(norm * norm);
            }
            let expected = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
            assert!((exact - expected).abs() < 1e-12, "step {t}: {exact} {expected}");
        }
        // Estimates are near, the more so with more vectors, and the same for the same seed.
        let probes = |count, seed| run(GradientFlow::options().jacobian(Jacobian::Probes(count)).seed(seed));
        assert_eq!(probes(5, 1), probes(5, 1));
        assert_ne!(probes(5, 1), probes(5, 2));
        for (estimate, exact) in probes(4000, 1).iter().zip(&exact) {
            assert!((estimate / exact - 1.0).abs() < 0.04, "{estimate} {exact}");
        }
    }
}
