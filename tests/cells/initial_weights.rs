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
fn the_input_of_a_qrnn_and_the_one_before_have_their_own_weights() {
    let cell = new(Qrnn::<Tensor<f64>>::new);
    assert_eq!(cell.x.bias.to_vec(), [[0.0; HIDDEN], [1.0; HIDDEN], [0.0; HIDDEN]].concat());
    assert_eq!(cell.v.shape(), cell.x.weight.shape());
    assert_ne!(cell.v, cell.x.weight);
}

/// Uniform by area in a ring of the complex plane; the input's scale keeps the variance at 1.
#[test]
fn the_eigenvalues_of_an_lru_start_on_its_ring() {
    let cell: Lru<Tensor<f64>> = Lru::on_ring(&mut rng(3), INPUTS, 10_000, 0.6..0.9, 0.5);
    let radius: Vec<f64> = cell.nu_log.to_vec().into_iter().map(|nu| (-nu.exp()).exp()).collect();
    assert!(radius.iter().all(|r| (0.6..0.9).contains(r)));
    let inner = radius.iter().filter(|&&r| r < 0.75).count() as f64 / 1e4;
    assert!((inner - (0.75f64.powi(2) - 0.36) / (0.81 - 0.36)).abs() < 0.02, "{inner} of the eigenvalues");
    let angles: Vec<f64> = cell.theta_log.to_vec().into_iter().map(f64::exp).collect();
    assert!(angles.iter().all(|angle| (0.0..0.5).contains(angle)));
    assert!((angles.iter().sum::<f64>() / 1e4 - 0.25).abs() < 0.01);
    for (r, gamma) in radius.iter().zip(cell.gamma_log.to_vec()) {
        assert!((r * r + (2.0 * gamma).exp() - 1.0).abs() < 1e-12);
    }
    // The whole disk, up to the edge: everything is finite in f32 too.
    let cell: Lru<Tensor<f32>> = Lru::on_ring(&mut rng(3), 1, 10_000, 0.0..1.0, 1.0);
    assert!(cell.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|x| x.is_finite())));
}

#[test]
fn the_decay_of_an_rg_lru_at_an_open_gate_starts_between_0_9_and_0_999() {
    let cell: RgLru<Tensor<f64>> = RgLru::new(&mut rng(3), 1000);
    let decay: Vec<f64> = cell.lambda.to_vec().into_iter().map(|l| (1.0 + (-l).exp()).powi(-8)).collect();
    assert!(decay.iter().all(|a| (0.9..0.999).contains(a)));
    assert!(decay.iter().any(|&a| a < 0.91) && decay.iter().any(|&a| a > 0.99));
    assert!(cell.x.bias.to_vec().iter().all(|&b| b == 0.0));
}

#[test]
fn the_heads_of_an_mlstm_forget_at_biases_from_3_to_6() {
    let cell: Mlstm<Tensor> = Mlstm::new(&mut rng(3), INPUTS, 20, 4);
    let (zeros, forget) = (vec![0.0; 84], [3.0, 4.0, 5.0, 6.0]);
    assert_eq!(cell.x.bias.to_vec(), [&zeros[..], &forget].concat());
}

#[test]
fn mistakes_about_sizes_are_named() {
    unspool_tests::sentences! {
        ProjectedLstm::<Tensor>::new(&mut rng(0), 3, 4, 5) => "ProjectedLstm: the projected size 5 is greater than the hidden size 4";
        Mlstm::<Tensor>::new(&mut rng(0), 3, 8, 3) => "Mlstm: 3 heads do not divide the hidden size 8";
        Mlstm::<Tensor>::new(&mut rng(0), 3, 8, 0) => "Mlstm: 0 heads do not divide the hidden size 8";
        Lru::<Tensor>::on_ring(&mut rng(0), 3, 4, 0.9..1.1, 1.0) => "Lru: a radius from 0.9 to 1.1 is not a range within 0 to 1";
        Lru::<Tensor>::on_ring(&mut rng(0), 3, 4, 0.9..0.9, 1.0) => "Lru: a radius from 0.9 to 0.9 is not a range within 0 to 1";
        Lru::<Tensor>::on_ring(&mut rng(0), 3, 4, 0.9..1.0, 0.0) => "Lru: the angle 0 is not positive";
    }
}

/// A model to be loaded draws nothing, whatever its cells.
#[test]
fn nothing_is_drawn_where_initial_weights_are_skipped() {
    fn check<M: ParamsExt<f64>>(make: impl Fn(&mut Rng) -> M) {
        let (mut skipped, mut drawn) = (rng(3), rng(3));
        let (model, shapes) = (init::skip(|| make(&mut skipped)), make(&mut drawn));
        assert!(skipped == rng(3) && drawn != rng(3));
        assert!(model.leaves().iter().zip(shapes.leaves()).all(|(skipped, drawn)| skipped.shape() == drawn.shape()));
    }
    check(|rng| SimpleRnn::new(rng, 3, 4));
    check(|rng| Lstm::new(rng, 3, 4));
    check(|rng| PeepholeLstm::new(rng, 3, 4));
    check(|rng| CifgLstm::new(rng, 3, 4));
    check(|rng| ProjectedLstm::new(rng, 3, 4, 2));
    check(|rng| LayerNormLstm::new(rng, 3, 4));
    check(|rng| Slstm::new(rng, 3, 4));
    check(|rng| Gru::new(rng, 3, 4));
    check(|rng| GruResetBefore::new(rng, 3, 4));
    check(|rng| LayerNormGru::new(rng, 3, 4));
    check(|rng| Mgu::new(rng, 3, 4));
    check(|rng| MinGru::new(rng, 3, 4));
    check(|rng| MinLstm::new(rng, 3, 4));
    check(|rng| IndRnn::new(rng, 3, 4));
    check(|rng| Qrnn::new(rng, 3, 4));
    check(|rng| Lru::on_ring(rng, 3, 4, 0.5..0.9, 0.5));
    check(|rng| RgLru::new(rng, 4));
    check(|rng| Mlstm::new(rng, 3, 4, 2));
    check(|rng| Dense::new(rng, 3, 4));
    check(|rng| Embedding::new(rng, 3, 4));
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
        .add(qrnn(3, 3).return_sequences())
        .add(lru(3, 3).return_sequences())
        .add(rg_lru(3).return_sequences())
        .add(mlstm(3, 3, 1).return_sequences())
        .add(ind_rnn(3, 3));
    let tape = Tape::new();
    let y = tape.bind(&model).forward(tape.constant(&Tensor::ones([5, 2, 2])));
    assert_eq!(y.shape()[..], [2, 3]);
    assert!(y.value().to_vec().iter().all(|y| y.is_finite()));
}

/// As PyTorch's `orthogonal_` and Keras's `Orthogonal`: the shorter of rows and columns are orthonormal.
#[test]
fn matrices_of_every_shape_are_orthogonal_along_their_shorter_side() {
    let squares = [1, 2, 31, 64, 65, 100, 257].map(|n| [n, n]);
    let others = [[3, 7], [7, 3], [1, 4], [4, 1], [0, 3], [3, 0], [64, 257], [257, 64], [130, 300]];
    for [rows, columns] in squares.into_iter().chain(others) {
        let q: Tensor<f64> = init::orthogonal(&mut rng(rows as u64), rows, columns);
        assert_eq!(q.shape()[..], [rows, columns]);
        let (product, size) = if rows <= columns { (q.matmul(&q.t()), rows) } else { (q.t().matmul(&q), columns) };
        let identity = Tensor::from_fn([size, size], |i| f64::from(i / size == i % size));
        assert_close(&format!("{rows} x {columns}"), &product, &identity, 1e-13);
        let single: Tensor = init::orthogonal(&mut rng(rows as u64), rows, columns);
        assert_eq!(single, q.cast(), "drawn in f64 and rounded");
    }
}

/// The Q of a decomposition whose R has a positive diagonal begins with the direction of the first row.
#[test]
fn the_first_row_of_an_orthogonal_matrix_is_a_random_direction() {
    let (q, row): (Tensor<f64>, Tensor<f64>) =
        (init::orthogonal(&mut rng(4), 70, 90), Tensor::normal(&mut rng(4), [90], 0.0, 1.0));
    assert_close("first row", &q.select(0, 0), &(&row / (&row * &row).sum().item().sqrt()), 1e-14);
}

/// Traces of powers of a uniformly distributed orthogonal matrix: their means are 0, 1 and 0, their variances 1, 2
/// and 3 (Diaconis and Shahshahani 1994); of sizes that are one block of reflections, and two.
#[test]
fn orthogonal_matrices_are_uniformly_distributed() {
    for (size, count) in [(4, 4000), (66, 300)] {
        let rng = &mut rng(9);
        let (mut sums, mut squares) = ([0.0; 3], 0.0);
        for _ in 0..count {
            let q: Tensor<f64> = init::orthogonal(rng, size, size);
            let mut power = q.clone();
            for sum in &mut sums {
                *sum += (0..size).map(|i| power.at([i, i])).sum::<f64>();
                power = power.matmul(&q);
            }
            squares += q.at([size - 1, 0]).powi(2);
        }
        let error = 4.0 / f64::from(count).sqrt();
        for ((sum, mean), variance) in sums.into_iter().zip([0.0, 1.0, 0.0]).zip([1.0f64, 2.0, 3.0]) {
            let found = sum / f64::from(count);
            assert!((found - mean).abs() < error * variance.sqrt(), "{size}: a mean trace of {found}, not {mean}");
        }
        let found = squares / f64::from(count) * size as f64;
        assert!((found - 1.0).abs() < error * 2f64.sqrt(), "{size}: a mean square of {found} / {size}");
    }
}

#[test]
fn orthogonal_matrices_have_the_same_bits_at_any_number_of_threads() {
    let draw = || init::orthogonal::<f64>(&mut rng(5), 200, 220);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(draw), draw(), "{threads} threads");
    }
}
