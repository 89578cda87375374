//! The same seed gives the same bits: twice, at any number of threads, and with vectors of any width.

use unspool::prelude::*;
use unspool::train::History;
use unspool::{evaluate, predict};
use unspool_tests::values;

/// A short training on `threads` threads: the final weights as bits, the history, and predictions.
fn train(threads: usize, seed: u64) -> (Vec<u32>, History, Vec<u32>, u64) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let data = Dataset::new(values([20, 600, 1], 1).cast(), values([600, 1], 2).cast()).unwrap();
        let (train, valid) = (data.slice(0, 300), data.slice(300, 300));
        let mut model =
            sequential().seed(seed).add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1));
        let fit = fit(&mut model, &train).loss(mse).batch_size(200).epochs(3).seed(seed).validate(&valid).quiet();
        let mut history = fit.run().unwrap();
        history.seconds = 0.0;
        let bits = |t: &Tensor| t.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let weights = model.leaves().into_iter().flat_map(bits).collect();
        let loss = evaluate(&model, &valid, mse).to_bits();
        (weights, history, bits(&predict(&model, valid.x())), loss)
    })
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    assert_eq!(train(2, 5), train(2, 5));
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let one = train(1, 5);
    for threads in [2, 3] {
        assert_eq!(train(threads, 5), one, "{threads} threads");
    }
}

/// A hash of the bits of a training and of gradients of most kinds of ops: what the test below compares.
#[test]
fn print_a_hash_of_many_bits() {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    let (weights, _, predictions, loss) = train(1, 5);
    (weights, predictions, loss).hash(&mut hasher);
    let model = sequential().seed(1).add(lstm(5, 37).return_sequences()).add(gru(37, 20).return_sequences());
    let tape = Tape::new();
    let net = tape.bind(&model);
    let x = tape.variable(&Tensor::from_fn([40, 33, 5], |i| (i as f32 * 0.7).sin()));
    let y = net.forward(x).layer_norm(1e-5);
    let scores = y.select(0, 39).matmul(y.select(0, 20).t()).softmax(1);
    let terms = [y.sin(), y.gelu(), y.softplus(), y.powf(2.0), y.abs().ln1p(), y.exp().cumsum(0)];
    let loss = terms.into_iter().fold(scores.square().sum(), |sum, term| sum + term.mean());
    let gradients = loss.backward();
    let bits = |t: &Tensor| t.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>();
    bits(&gradients.wrt(x)).hash(&mut hasher);
    gradients.of(&net).leaves().into_iter().for_each(|leaf| bits(leaf).hash(&mut hasher));
    println!("hash: {:x}", hasher.finish());
}

#[test]
fn the_width_of_vectors_does_not_change_a_bit() {
    let hash = |level: &str| {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "print_a_hash_of_many_bits", "--nocapture"])
            .env("UNSPOOL_SIMD", level)
            .output()
            .unwrap();
        let (out, errors) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
        match out.lines().find_map(|line| line.split_once("hash: ")) {
            Some((_, hash)) => Ok(hash.to_owned()),
            None => Err(errors),
        }
    };
    let widest = hash("").unwrap();
    for level in ["avx512", "avx2"] {
        match hash(level) {
            Ok(found) => assert_eq!(found, widest, "{level}"),
            Err(errors) => assert!(errors.contains("this processor"), "{errors}"), // which has no such vectors
        }
    }
    if cfg!(target_arch = "x86_64") {
        let errors = hash("mmx").unwrap_err();
        assert!(errors.contains(r#"UNSPOOL_SIMD is "mmx": it must be `avx512`, `avx2` or `baseline`"#), "{errors}");
        hash("baseline").unwrap();
    }
}

#[test]
fn another_seed_gives_other_weights() {
    assert_ne!(train(1, 5).0, train(1, 6).0);
}

/// Weights are packed at their first or second use, which changes no bit.
#[test]
fn every_backward_pass_over_a_tape_computes_the_same_bits() {
    let model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(1), 5, 37));
    let x = Tensor::from_fn([9, 6, 5], |i| (i as f32 * 0.7).sin());
    let tape = Tape::new();
    let net = tape.bind(&model);
    let y = net.forward(tape.constant(&x)).last();
    let loss = y.square().sum();
    let first = loss.backward().of(&net);
    let seed = |row: usize| Tensor::from_fn([6, 37], |i| if i == row { 1.0 } else { 0.0 });
    let rows = [0, 100].map(|i| y.backward_with(&seed(i)).of(&net));
    let again = loss.backward().of(&net);
    let bits = |model: &Recurrent<Lstm<Tensor>>| {
        model.leaves().into_iter().flat_map(|leaf| leaf.to_vec()).map(f32::to_bits).collect::<Vec<_>>()
    };
    assert!(bits(&first) == bits(&again), "another pass");
    for (i, found) in [0, 100].into_iter().zip(&rows) {
        let tape = Tape::new();
        let net = tape.bind(&model);
        let alone = net.forward(tape.constant(&x)).last().backward_with(&seed(i)).of(&net);
        assert!(bits(found) == bits(&alone), "row {i} of a Jacobian");
    }
}

/// Several threads take blocks of columns: each element is computed by one of them, in the same order.
#[test]
fn the_number_of_threads_does_not_change_a_bit_of_a_linear_recurrence() {
    const SHAPE: [usize; 2] = [64, 8200]; // several blocks, the last of them narrow
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let tape = Tape::<f32>::new();
            let input = |salt: f32| tape.variable(&Tensor::from_fn(SHAPE, |i| (i as f32 * salt).sin()));
            let [a, b, c, d] = [0.37, 0.61, 0.83, 0.29].map(input);
            let (start, decay) = (a.select(0, 5), b.select(0, 7));
            let h = Var::linear_recurrence(a, b, start) + Var::linear_recurrence(decay, b, start);
            let (re, im) = Var::complex_linear_recurrence((a * 0.5, b * 0.5), (c, d), (start, decay));
            let [weight, end] = input(0.53).reshape([64, 4, 2050]).chunks();
            let rows = Var::lerp_recurrence(end, weight.sigmoid(), weight.select(0, 3));
            let gradients = ((h * h + re * im).sum() + rows.square().sum()).backward();
            let mut all = [h, re, im, rows].map(|y| y.value()).to_vec();
            all.extend([a, b, c, d].map(|x| gradients.wrt(x)));
            all.iter().flat_map(Tensor::to_vec).map(f32::to_bits).collect::<Vec<_>>()
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

/// Which thread computes a part, and when, changes neither the parts nor the order in which they are added.
#[test]
fn the_number_of_threads_does_not_change_a_bit_of_a_sum_over_rows() {
    const ROWS: usize = 30_000;
    let data = Tensor::<f32>::from_fn([ROWS, 12], |i| (i as f32 * 0.37).sin());
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut tape = Tape::new();
            let mut bits = Vec::new();
            for step in 0..2 {
                let input = |shape: &[usize]| tape.variable(&Tensor::from_fn(shape, |i| ((i + step) as f32).cos()));
                let (w, b) = (input(&[12, 7]), input(&[7]));
                let sum = tape.sum_over_rows(ROWS, [w, b], |tape, [w, b], rows| {
                    tape.constant(&data.slice(0, rows)).linear(w, b).tanh().logsumexp_axes(&[1]).sum()
                });
                let gradients = sum.backward();
                let all = [sum.value(), gradients.wrt(w), gradients.wrt(b)];
                bits.extend(all.iter().flat_map(Tensor::to_vec).map(f32::to_bits));
                drop(gradients);
                tape.reset();
            }
            bits
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads} threads");
    }
}
