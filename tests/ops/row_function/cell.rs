//! A cell whose gates are one row function: the built-in LSTM to the bit of rounding, and it trains.

use unspool::ops::{RowFunction, row_function};
use unspool::prelude::*;
use unspool_tests::{assert_close, values};

row_function! {
    /// The state c and the output h of an LSTM, from its gates.
    struct Gates = "gates";
    |[i, f, g, o, c]| -> [T; 2] {
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        [c, o.sigmoid() * c.tanh()]
    }
}

/// An LSTM whose gates are one op.
#[derive(Params, Clone)]
struct OneOp<P> {
    x: Dense<P>,
    u: P,
}

impl<'t, T: Scalar> Cell<'t, T> for OneOp<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);
    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros)
    }
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }
    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, g, o] = (x + h.matmul(self.u)).chunks();
        let [c, h] = Gates.map_elements([i, f, g, o, c]);
        (h, (h, c))
    }
}

fn cells(inputs: usize, hidden: usize) -> (Recurrent<OneOp<Tensor>>, Recurrent<Lstm<Tensor>>) {
    let lstm = Lstm::new(&mut rng(3), inputs, hidden);
    (Recurrent::new(OneOp { x: lstm.x.clone(), u: lstm.u.clone() }), Recurrent::new(lstm))
}

#[test]
fn a_cell_whose_gates_are_one_op_is_the_built_in_one() {
    let (one, built_in) = cells(3, 70);
    let (one, built_in) = (one.cast::<f64>(), built_in.cast::<f64>());
    let tape = Tape::new();
    let xs = tape.constant(&values([6, 4, 3], 2));
    let (a, b) = (tape.bind(&one), tape.bind(&built_in));
    let (found, expected) = (a.forward(xs).last(), b.forward(xs).last());
    assert_close("h", &found.value(), &expected.value(), 1e-14);
    let (found, expected) = (found.square().sum().backward().of(&a), expected.square().sum().backward().of(&b));
    for (found, expected) in found.leaves().into_iter().zip(expected.leaves()) {
        assert_close("gradient", found, expected, 1e-13);
    }
    gradcheck(&cells(2, 3).0, |tape, net| net.forward(tape.constant(&values([4, 2, 2], 2))).last().square().sum())
        .unwrap();
}

#[test]
fn a_cell_whose_gates_are_one_op_trains() {
    let (mut model, _) = cells(1, 8);
    let xs = Tensor::<f32>::from_fn([10, 16, 1], |i| if i < 16 { (i % 2) as f32 - 0.5 } else { 0.0 });
    let target = xs.select(0, 0);
    let (mut tape, mut adam) = (Tape::new(), Adam::default().learning_rate(0.02));
    let mut losses = Vec::new();
    for _ in 0..150 {
        let net = tape.bind(&model);
        let h = net.forward(tape.constant(&xs)).last();
        let loss = mse(h.mean_keepdim(&[1]), tape.constant(&target));
        losses.push(loss.item());
        let gradients = loss.backward().of(&net);
        tape.reset();
        adam.step(&mut model, &gradients);
    }
    assert!(losses[149] < 0.02 * losses[0], "{} to {}", losses[0], losses[149]);
}
