//! What the weights of each cell start from, gate by gate.

use unspool::cells::*;
use unspool::prelude::*;
use unspool_tests::assert_close;

const INPUTS: usize = 30;
const HIDDEN: usize = 20;

/// The parts of a weight that belong to one gate each.
fn gates(weight: &Tensor<f64>) -> Vec<Tensor<f64>> {
    let (axis, size) = (weight.rank() - 1, weight.shape()[weight.rank() - 1]);
    (0..size / HIDDEN).map(|gate| weight.slice(axis, gate * HIDDEN..(gate + 1) * HIDDEN)).collect()
}

/// Asserts that input weights, recurrent weights (by their names) and biases start as they should; `biases` has a
/// number for each gate of the input's bias.
fn check(cell: impl ParamsExt<f64>, recurrent: &[&str], biases: &[f64]) {
    let (names, leaves) = (cell.names(), cell.leaves());
    let mut drawn: Vec<Vec<f64>> = Vec::new();
    for (name, leaf) in names.iter().zip(leaves) {
        match name.as_str() {
            "x.weight" | "w" => {
                let limit = (6.0 / (INPUTS + HIDDEN) as f64).sqrt();
                for gate in gates(leaf) {
                    let largest = gate.map(f64::abs).max_axes(&[0, 1]).item();
                    assert!(largest <= limit && largest > 0.95 * limit, "{name}: largest {largest}, limit {limit}");
                    drawn.push(gate.to_vec());
                }
            }
            "x.bias" | "bias" => {
                let starts: Vec<f64> = biases.iter().flat_map(|&bias| [bias; HIDDEN]).collect();
                assert_eq!(leaf.to_vec(), starts, "{name}");
            }
            name if recurrent.contains(&name) => {
                // Rows, or columns if there are fewer of them, are orthogonal and of length 1.
                let parts = if name == "w_r" { vec![leaf.t()] } else { gates(leaf) };
                for part in parts {
                    let rows = part.shape()[0];
                    let identity = Tensor::from_fn([rows, rows], |i| f64::from(i / rows == i % rows));
                    assert_close(name, &part.matmul(&part.t()), &identity, 1e-12);
                    drawn.push(part.to_vec());
                }
            }
            gain if gain.ends_with("gain") => assert!(leaf.to_vec().iter().all(|&a| a == 1.0), "{gain}"),
            other => assert!(leaf.to_vec().iter().all(|&a| a == 0.0), "{other}"),
        }
    }
    let count = drawn.len();
    drawn.sort_by(|a, b| a[0].total_cmp(&b[0]));
    drawn.dedup();
    assert_eq!(drawn.len(), count, "no two gates start alike");
}

fn new<C>(cell: fn(&mut Rng, usize, usize) -> C) -> C {
    cell(&mut rng(3), INPUTS, HIDDEN)
}

#[test]
fn each_gate_starts_glorot_uniform_and_orthogonal_with_forget_bias_1() {
    check(new(SimpleRnn::new), &["u"], &[0.0]);
    check(new(Lstm::new), &["u"], &[0.0, 1.0, 0.0, 0.0]);
    check(new(PeepholeLstm::new), &["u"], &[0.0, 1.0, 0.0, 0.0]);
    check(new(CifgLstm::new), &["u"], &[1.0, 0.0, 0.0]);
    check(ProjectedLstm::new(&mut rng(3), INPUTS, HIDDEN, 5), &["u", "w_r"], &[0.0, 1.0, 0.0, 0.0]);
    check(new(LayerNormLstm::new), &["u"], &[0.0, 1.0, 0.0, 0.0]);
    check(new(Slstm::new), &["u"], &[0.0, 1.0, 0.0, 0.0]);
    check(new(Gru::new), &["u"], &[0.0; 3]);
    check(new(GruResetBefore::new), &["u", "u_n"], &[0.0; 3]);
    check(new(LayerNormGru::new), &["u"], &[0.0; 3]);
    check(new(Mgu::new), &["u_f", "u_n"], &[0.0; 2]);
    check(new(MinGru::new), &[], &[0.0; 2]);
    check(new(MinLstm::new), &[], &[0.0, 1.0, 0.0]);
}

#[test]
fn the_recurrent_weights_of_an_ind_rnn_start_between_0_and_1() {
    let u = new(IndRnn::<Tensor<f64>>::new).u.to_vec();
    assert!(u.len() == HIDDEN && u.iter().all(|u| (0.0..1.0).contains(u)));
    assert!(u.iter().any(|&u| u < 0.3) && u.iter().any(|&u| u > 0.7));
}

#[test]
#[should_panic(expected = "ProjectedLstm: the projected size 5 is greater than the hidden size 4")]
fn a_projection_does_not_widen() {
    let _: ProjectedLstm<Tensor> = ProjectedLstm::new(&mut rng(0), 3, 4, 5);
}

/// The functions for `sequential` make the layers of these cells.
#[test]
fn every_cell_can_be_added_to_a_sequential_model() {
    let model = sequential()
        .add(simple_rnn(2, 3).return_sequences())
        .add(lstm(3, 3).return_sequences())
        .add(peephole_lstm(3, 3).return_sequences())
        .add(cifg_lstm(3, 3).return_sequences())
        .add(projected_lstm(3, 4, 3).return_sequences())
        .add(layer_norm_lstm(3, 3).return_sequences())
        .add(slstm(3, 3).return_sequences())
        .add(gru(3, 3).return_sequences())
        .add(gru_reset_before(3, 3).return_sequences())
        .add(layer_norm_gru(3, 3).return_sequences())
        .add(mgu(3, 3).return_sequences())
        .add(min_gru(3, 3).return_sequences())
        .add(min_lstm(3, 3).return_sequences())
        .add(ind_rnn(3, 3));
    let tape = Tape::new();
    let y = tape.bind(&model).forward(tape.constant(&Tensor::ones([5, 2, 2])));
    assert_eq!(y.shape()[..], [2, 3]);
    assert!(y.value().to_vec().iter().all(|y| y.is_finite()));
}

/// As PyTorch's `orthogonal_` and Keras's `Orthogonal`: the shorter of rows and columns are orthonormal.
#[test]
fn matrices_that_are_not_square_are_orthogonal_along_their_shorter_side() {
    for [rows, columns] in [[3, 7], [7, 3], [1, 4], [4, 1], [5, 5], [0, 3], [3, 0]] {
        let q: Tensor<f64> = init::orthogonal(&mut rng(rows as u64), rows, columns);
        assert_eq!(q.shape()[..], [rows, columns]);
        let (product, size) = if rows <= columns { (q.matmul(&q.t()), rows) } else { (q.t().matmul(&q), columns) };
        let identity = Tensor::from_fn([size, size], |i| f64::from(i / size == i % size));
        assert_close(&format!("{rows} x {columns}"), &product, &identity, 1e-13);
    }
}
