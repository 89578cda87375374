//! Backpropagation through time as the lecture derives it by hand, sum for sum, against the tape.
//!
//! ```text
//! h_t = tanh(x_t u + h_{t-1} w)       y_t = h_t v       E = Σ_t E_t       E_t = |y_t - d_t|²
//!
//! dE/dv = Σ_t dE_t/dy_t dy_t/dv
//! dE/dw = Σ_t Σ_{k≤t} dE_t/dh_t (Π_{j=k+1..t} dh_j/dh_{j-1}) dh_k/dw
//! dE/du = Σ_t Σ_{k≤t} dE_t/dh_t (Π_{j=k+1..t} dh_j/dh_{j-1}) dh_k/du
//! ```
//!
//! On the right, `dh_k/dw` and `dh_k/du` are those of step k alone, with `h_{k-1}` held fixed.
#![allow(non_snake_case)] // dE, as on paper

use std::ops::RangeInclusive;
use unspool::prelude::*;
use unspool_tests::{assert_close, values};

const T: usize = 8;
const INPUTS: usize = 2;
const HIDDEN: usize = 3;
const OUTPUTS: usize = 2;

type M = Tensor<f64>;

/// The weights, one series x_1 .. x_T as rows, and d_1 .. d_T, what the network should say.
struct Page {
    u: M,
    w: M,
    v: M,
    x: M,
    d: M,
}

/// dE/du, dE/dw, dE/dv.
type Derivatives = [M; 3];

impl Page {
    fn new() -> Page {
        let (u, w, v) = (values([INPUTS, HIDDEN], 1), values([HIDDEN, HIDDEN], 2), values([HIDDEN, OUTPUTS], 3));
        Page { u, w, v, x: values([T, INPUTS], 4), d: values([T, OUTPUTS], 5) }
    }

    fn x(&self, t: usize) -> M {
        self.x.slice(0, t - 1..t)
    }

    fn d(&self, t: usize) -> M {
        self.d.slice(0, t - 1..t)
    }

    /// h_0 .. h_T.
    fn h(&self) -> Vec<M> {
        let mut h = vec![M::zeros([1, HIDDEN])];
        for t in 1..=T {
            h.push((self.x(t).matmul(&self.u) + h[t - 1].matmul(&self.w)).map(f64::tanh));
        }
        h
    }

    /// The sums above, for a cost over the outputs of `cost`.
    fn by_hand(&self, cost: RangeInclusive<usize>) -> Derivatives {
        let h = self.h();
        // tanh' at step t
        let slope = |t: usize| h[t].map(|h| 1.0 - h * h);
        // dh_t/dh_{t-1}: row i, column j holds the derivative of element j of h_t by element i of h_{t-1}.
        let dh_dh = |t: usize| &self.w * slope(t);
        let identity = || M::from_fn([HIDDEN, HIDDEN], |i| if i / HIDDEN == i % HIDDEN { 1.0 } else { 0.0 });

        let [mut dE_du, mut dE_dw, mut dE_dv] = [&self.u, &self.w, &self.v].map(|a| M::zeros(a.shape()));
        for t in cost {
            let dE_dy = 2.0 * (h[t].matmul(&self.v) - self.d(t));
            dE_dv = dE_dv + h[t].t().matmul(&dE_dy);

            let dE_dh = dE_dy.matmul(&self.v.t());
            for k in 1..=t {
                let product = (k + 1..=t).fold(identity(), |product, j| product.matmul(&dh_dh(j)));
                let dE_dh_k = dE_dh.matmul(&product.t());
                // through tanh of step k, then to u and w at that step alone
                let dE_da_k = dE_dh_k * slope(k);
                dE_dw = dE_dw + h[k - 1].t().matmul(&dE_da_k);
                dE_du = dE_du + self.x(k).t().matmul(&dE_da_k);
            }
        }
        [dE_du, dE_dw, dE_dv]
    }

    /// The same derivatives, by unrolling `SimpleRnn` on a tape.
    fn by_tape(&self, cost: RangeInclusive<usize>) -> Derivatives {
        #[derive(Params)]
        struct Network<P> {
            hidden: Recurrent<SimpleRnn<P>>,
            v: P,
        }
        let mut cell = SimpleRnn::new(&mut rng(0), INPUTS, HIDDEN);
        (cell.x.weight, cell.u) = (self.u.clone(), self.w.clone());
        let network = Network { hidden: Recurrent::new(cell), v: self.v.clone() };

        let tape = Tape::new();
        let net = tape.bind(&network);
        let run = net.hidden.forward(tape.constant(&self.x).unsqueeze(1));
        let E = cost
            .map(|t| (run.steps()[t - 1].matmul(net.v) - tape.constant(&self.d(t))).square().sum())
            .reduce(|E, E_t| E + E_t);
        let dE = E.unwrap().backward().of(&net);
        [dE.hidden.cell.x.weight, dE.hidden.cell.u, dE.v]
    }

    fn agree(&self, cost: RangeInclusive<usize>) {
        let (hand, tape) = (self.by_hand(cost.clone()), self.by_tape(cost));
        for (what, (hand, tape)) in ["dE/du", "dE/dw", "dE/dv"].into_iter().zip(hand.iter().zip(&tape)) {
            assert_close(what, tape, hand, 1e-12);
        }
    }
}

#[test]
fn the_sums_over_all_steps_are_the_gradients_of_the_tape() {
    Page::new().agree(1..=T);
}

#[test]
fn the_sums_of_a_cost_over_the_last_three_outputs_are_the_gradients_of_the_tape() {
    Page::new().agree(T - 2..=T);
}
