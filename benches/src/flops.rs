//! The arithmetic of a workload: its matrix products, and nothing else.

use crate::workload::{CellKind, Kind, On, Sequence, Workload};

/// The products of one layer are made three times: forward, for the gradient of the weight, and for that of the input.
const FORWARD_AND_BACKWARD: usize = 3;
/// Where the input is data, its gradient is not needed.
const WITHOUT_INPUT_GRADIENT: usize = 2;

impl Workload {
    /// Floating-point operations of one step, in its matrix products: a multiplication and an addition for each of
    /// m k n elements, as often as the product is made.
    pub fn flops(&self) -> f64 {
        let multiplications = match &self.kind {
            Kind::Seq(sequence) | Kind::Custom(sequence) => recurrent(sequence),
            Kind::Tape { .. } => 0,
            Kind::MatmulChain { count, n } => count * n * n * n * FORWARD_AND_BACKWARD,
            Kind::Mlp { sizes, batch } => {
                let layer = |(i, pair): (usize, &[usize])| batch * pair[0] * pair[1] * times(i > 0);
                sizes.windows(2).enumerate().map(layer).sum()
            }
        };
        2.0 * multiplications as f64
    }
}

fn times(input_gradient: bool) -> usize {
    if input_gradient { FORWARD_AND_BACKWARD } else { WITHOUT_INPUT_GRADIENT }
}

/// For each layer x W over T B rows, and h U as well, unless gates depend on the input alone; then
/// the dense layer.
fn recurrent(s: &Sequence) -> usize {
    let (mut total, mut below, mut is_data) = (0, s.inputs, s.vocab.is_none());
    for hidden in s.widths() {
        let gates = gates(s.cell) * hidden;
        let of_state = if matches!(s.cell, CellKind::MinGru | CellKind::MinGruSteps) { 0 } else { hidden };
        total += s.time * s.batch * gates * (below * times(!is_data) + of_state * FORWARD_AND_BACKWARD);
        // The initial state is constant.
        total -= s.batch * gates_of_state(s.cell) * hidden * of_state;
        (below, is_data) = (hidden, false);
    }
    let rows = if s.on == On::Last { s.batch } else { s.time * s.batch };
    total + rows * below * s.dense * FORWARD_AND_BACKWARD
}

/// The number of H by H blocks in a cell's recurrent weights, and of I by H blocks in those of its input.
fn gates(cell: CellKind) -> usize {
    match cell {
        CellKind::Rnn => 1,
        CellKind::Mgu | CellKind::MinGru | CellKind::MinGruSteps => 2,
        CellKind::Gru => 3,
        CellKind::Lstm | CellKind::Peephole | CellKind::LnLstm | CellKind::PlainLstm => 4,
    }
}

/// The number of H by H blocks that are multiplied with the state itself, not with a gate of it.
fn gates_of_state(cell: CellKind) -> usize {
    if cell == CellKind::Mgu { 1 } else { gates(cell) }
}

#[cfg(test)]
mod tests {
    use crate::workload::parse;

    fn flops(json: &str) -> f64 {
        parse(&format!(r#"{{"A": {json}}}"#)).unwrap()[0].flops()
    }

    #[test]
    fn a_dense_network_is_counted_by_hand() {
        // 5x2 by 2x3, twice; 5x3 by 3x4, three times.
        assert_eq!(flops(r#"{"kind": "mlp", "sizes": [2, 3, 4], "B": 5}"#), 2.0 * (30.0 * 2.0 + 60.0 * 3.0));
    }

    #[test]
    fn recurrent_layers_are_counted_by_hand() {
        // Six rows; the first layer: 1x3 by hand twice, 3x3 three times; the second: 3x2 and 2x2 three times. At the two
        // rows of the first step, no gradient of the state.
        let rnn = r#"{"kind": "seq", "cell": "rnn", "layers": [3, 2], "dense": 5, "on": "last", "loss": "mse",
            "B": 2, "T": 3, "I": 1}"#;
        let rows = 6.0 * (3.0 * 2.0 + 9.0 * 3.0 + 6.0 * 3.0 + 4.0 * 3.0);
        assert_eq!(flops(rnn), 2.0 * (rows - 2.0 * (9.0 + 4.0) + 2.0 * 2.0 * 5.0 * 3.0));
        // One gate more is as much again.
        let (gru, lstm) = (rnn.replace("\"rnn\"", "\"gru\""), rnn.replace("\"rnn\"", "\"lstm\""));
        let head = 2.0 * 2.0 * 2.0 * 5.0 * 3.0;
        assert_eq!(flops(&gru) - head, 3.0 * (flops(rnn) - head));
        assert_eq!(flops(&lstm) - head, 4.0 * (flops(rnn) - head));
        // The second product of a minimal gated unit is with a gate times the state.
        let mgu = rnn.replace("\"rnn\"", "\"mgu\"");
        assert_eq!(flops(&mgu) - head, 2.0 * (flops(rnn) - head) + 2.0 * 2.0 * (9.0 + 4.0));
    }

    #[test]
    fn the_vectors_of_tokens_need_a_gradient() {
        let gru = |more: &str| {
            flops(&format!(
                r#"{{"kind": "custom", "cell": "gru", "H": 3, "loss": "meansq", "B": 2, "T": 3, "I": 1{more}}}"#
            ))
        };
        assert_eq!(gru(r#", "vocab": 7"#) - gru(""), 2.0 * 6.0 * 9.0);
    }

    #[test]
    fn chains_are_counted_by_hand() {
        assert_eq!(flops(r#"{"kind": "matmul_chain", "count": 10, "n": 4}"#), 3.0 * 1280.0);
        assert_eq!(flops(r#"{"kind": "tape", "iters": 5, "ops_per_iter": 3, "size": 16}"#), 0.0);
    }
}
