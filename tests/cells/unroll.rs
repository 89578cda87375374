//! Cells that compute many steps at once: values and gradients are those of their steps.

use unspool::cells::{MinGru, MinLstm};
use unspool::prelude::*;
use unspool_tests::{assert_close, values};

const TIME: usize = 9;
const BATCH: usize = 2;
const INPUTS: usize = 3;
const HIDDEN: usize = 4;

/// The outputs `[T, B, H]` of a bound cell, and its last state: of steps taken one by one, or at
/// once in pieces of so many steps.
fn run<'t, C>(cell: &C, xs: Var<'t, f64>, start: Var<'t, f64>, piece: Option<usize>) -> [Var<'t, f64>; 2]
where
    C: Cell<'t, f64, State = Var<'t, f64>>,
{
    let (projected, mut state, mut outputs) = (cell.project(xs), start, Vec::new());
    let Some(piece) = piece else {
        for t in 0..TIME {
            let (output, next) = cell.step(projected.select(0, t), state);
            outputs.push(output);
            state = next;
        }
        return [Var::stack(0, &outputs), state];
    };
    for from in (0..TIME).step_by(piece) {
        let steps = projected.slice(0, from..TIME.min(from + piece));
        let unrolled = cell.unroll(steps, state).expect("a cell that unrolls");
        let states = unrolled.states.expect("states").value();
        assert_eq!(
            states.select(0, states.shape()[0] - 1),
            unrolled.state.value(),
            "the state is that of the last step"
        );
        outputs.push(unrolled.outputs);
        state = unrolled.state;
    }
    [Var::concat(0, &outputs), state]
}

/// A test of one cell, with gates that are open or shut where `scale` is large.
macro_rules! cells {
    ($($name:ident: $cell:ty;)*) => {$(
        #[test]
        fn $name() {
            for scale in [1.0, 30.0] {
                let mut cell = <$cell>::new(&mut rng(7), INPUTS, HIDDEN);
                for (salt, leaf) in cell.leaves_mut().into_iter().enumerate() {
                    leaf.update(&values(leaf.shape(), 10 + salt as u64), |w, v| w + 0.3 * v);
                }
                let all = |piece| {
                    let tape = Tape::new();
                    let net = tape.bind(&cell);
                    let xs = tape.variable(&values([TIME, BATCH, INPUTS], 1).map(|x| scale * x));
                    let start = tape.variable(&values([BATCH, HIDDEN], 2));
                    let results = run(&net, xs, start, piece);
                    let [outputs, state] = [0, 1].map(|i| {
                        let weights = tape.constant(&values(results[i].shape(), 98 + i as u64));
                        (results[i] * weights).sum()
                    });
                    let gradients = (outputs + state).backward();
                    let mut all = results.map(|y| y.value()).to_vec();
                    all.extend([xs, start].map(|x| gradients.wrt(x)));
                    all.extend(gradients.of(&net).leaves().into_iter().cloned());
                    all
                };
                let by_step = all(None);
                for piece in [1, 4, TIME] {
                    for (found, expected) in all(Some(piece)).iter().zip(&by_step) {
                        assert_close(&format!("pieces of {piece}, scale {scale}"), found, expected, 1e-12);
                    }
                }
            }
        }
    )*};
}

cells! {
    min_gru: MinGru<Tensor<f64>>;
    min_lstm: MinLstm<Tensor<f64>>;
}
