//! What a profile counts, and its table, trace and graph.

use serde_json::Value;
use unspool::autograd::{Profile, ProfileRow};
use unspool::prelude::*;
use unspool::recurrent::Stack;

const TIME: usize = 12;

/// Steps of training of an LSTM of 5 units with a dense layer, on sequences `[12, 3, 2]`.
fn train(tape: &mut Tape, steps: usize) {
    let rng = &mut rng(0);
    let model = sequential().add(recurrent(|rng: &mut Rng| Lstm::new(rng, 2, 5))).add(dense(5, 1));
    let (x, y) = (Tensor::uniform(rng, [TIME, 3, 2], 0.0, 1.0), Tensor::ones([3, 1]));
    for _ in 0..steps {
        let net = tape.bind(&model);
        let loss = mse(net.forward(tape.constant(&x)), tape.constant(&y));
        drop(loss.backward().of(&net));
        tape.reset();
    }
}

fn profile(steps: usize) -> Profile {
    let mut tape = Tape::new().profiled();
    train(&mut tape, steps);
    tape.profile()
}

fn row(profile: &Profile, op: &str, scope: &str) -> ProfileRow {
    let mut rows = profile.rows.iter().filter(|row| (row.op, &row.scope[..]) == (op, scope));
    let row = rows.next().unwrap_or_else(|| panic!("no row {op} of {scope}")).clone();
    assert!(rows.next().is_none(), "{op} of {scope} has one row");
    row
}

#[test]
fn calls_operations_and_bytes_are_counted() {
    const CELL: &str = "layers.0.cell";
    for steps in [1, 3] {
        let profile = profile(steps);
        assert_eq!(profile.steps, steps);
        let products = row(&profile, "matmul", CELL);
        assert_eq!((products.forward.calls, products.backward.calls), (TIME * steps, TIME * steps));
        // [3, 5] x [5, 20]; the initial state is constant and has no gradient.
        let one = 2.0 * 3.0 * 5.0 * 20.0;
        assert_eq!(products.forward.flops, one * (TIME * steps) as f64);
        assert_eq!(products.backward.flops, one * ((2 * TIME - 1) * steps) as f64);
        assert_eq!(products.backward.bytes, TIME * 3 * 20 * 4 * steps);
        let input = row(&profile, "linear", "layers.0.cell.x");
        assert_eq!((input.forward.calls, input.backward.calls), (steps, steps));
        let one = 2.0 * (TIME * 3 * 2 * 20 * steps) as f64;
        assert_eq!((input.forward.flops, input.backward.flops), (one, one), "the input is data");
        let head = row(&profile, "linear", "layers.1");
        let one = 2.0 * (3 * 5 * steps) as f64;
        assert_eq!((head.forward.flops, head.backward.flops), (one, 2.0 * one));
        let gates = row(&profile, "sigmoid", CELL);
        assert_eq!((gates.forward.calls, gates.forward.flops), (3 * TIME * steps, 0.0));
        assert_eq!(gates.backward.bytes, 3 * TIME * 3 * 5 * 4 * steps);
    }
}

#[test]
fn groups_add_up_to_the_whole() {
    let profile = profile(2);
    let total = profile.total();
    for rows in [&profile.rows, &profile.by_op(), &profile.by_scope()] {
        let sum = |of: fn(&ProfileRow) -> f64| rows.iter().map(of).sum::<f64>();
        assert_eq!(sum(|row| row.flops()), total.flops());
        assert_eq!(sum(|row| row.bytes() as f64), total.bytes() as f64);
        assert_eq!(sum(|row| row.forward.calls as f64), total.forward.calls as f64);
        assert!((sum(|row| row.time().as_secs_f64()) - total.time().as_secs_f64()).abs() < 1e-9);
    }
    assert!(total.time() <= profile.elapsed, "{:?} of {:?}", total.time(), profile.elapsed);
    assert!(profile.by_op().is_sorted_by_key(|row| std::cmp::Reverse(row.time())));
}

#[test]
fn bytes_are_those_of_the_tape() {
    let tape = Tape::new().profiled();
    let x = tape.variable(&Tensor::<f32>::ones([100, 10]));
    let since = tape.len();
    let y = (x * x).slice(0, 10..20).exp();
    assert_eq!(tape.profile().total().forward.bytes, tape.bytes(since..tape.len()));
    assert_eq!(tape.profile().peak_bytes, tape.bytes(since..tape.len()));
    let before = tape.profile().peak_bytes;
    let _ = y.sum().backward();
    assert!(tape.profile().peak_bytes >= before + 4000, "the gradient with respect to the product is 4 kB");
}

#[test]
fn released_bytes_are_not_counted_any_more() {
    let peak = |release: bool| {
        let tape = Tape::new().profiled();
        let mut x = tape.variable(&Tensor::<f32>::ones([1000]));
        for _ in 0..10 {
            let since = tape.len();
            x = (x + x).slice(0, ..).sqrt();
            if release {
                tape.release(since..tape.len(), &[x]);
            }
        }
        tape.profile().peak_bytes
    };
    assert!((80_000..100_000).contains(&peak(false)), "{}", peak(false));
    assert!((40_000..55_000).contains(&peak(true)), "the sums are released: {}", peak(true));
}

#[test]
fn what_is_made_again_is_counted_again() {
    let (w, x) = (Tensor::<f32>::ones([4, 4]), Tensor::ones([2, 4]));
    let flops = |checkpoint: bool| {
        let tape = Tape::new().profiled();
        let (w, x) = (tape.variable(&w), tape.constant(&x));
        let products = || [x.matmul(w).tanh().matmul(w).tanh()];
        let [y] = if checkpoint { tape.checkpoint(products) } else { products() };
        let _ = y.sum().backward();
        let products = row(&tape.profile(), "matmul", "");
        (products.forward.flops, products.backward.flops)
    };
    let one = 2.0 * 2.0 * 4.0 * 4.0;
    assert_eq!(flops(false), (2.0 * one, 3.0 * one));
    assert_eq!(flops(true), (4.0 * one, 3.0 * one));
}

#[test]
fn products_of_several_matrices_count_each() {
    let tape = Tape::new().profiled();
    let [a, b] = [[5, 2, 3], [5, 3, 4]].map(|shape| tape.variable(&Tensor::<f32>::ones(shape)));
    let _ = a.matmul(b).sum().backward();
    assert_eq!(tape.profile().total().flops(), 3.0 * 5.0 * 2.0 * (2 * 3 * 4) as f64);
}

#[test]
fn a_profiled_tape_computes_the_same_and_keeps_as_little() {
    let steps = |mut tape: Tape| {
        train(&mut tape, 1);
        let model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(1), 2, 5));
        let net = tape.bind(&model);
        let since = tape.len();
        let output = net.forward(tape.constant(&Tensor::ones([TIME, 3, 2]))).sequence();
        let (length, bytes) = (tape.len(), tape.bytes(since..tape.len()));
        (length, bytes, output.square().mean().backward().of(&net).cell.u)
    };
    assert_eq!(steps(Tape::new().profiled()), steps(Tape::new()));
}

#[test]
fn frozen_models_have_a_profile() {
    let model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(1), 2, 5));
    let tape = Tape::new().profiled();
    let output = tape.bind_frozen(&model).forward(tape.constant(&Tensor::ones([TIME, 3, 2])));
    assert_eq!(output.last().shape()[..], [3, 5]);
    let products = row(&tape.profile(), "matmul", "cell");
    assert_eq!(products.forward.flops, 2.0 * (TIME * 3 * 5 * 20) as f64);
    assert_eq!(tape.profile().steps, 1);
}

#[test]
fn a_tape_is_profiled_anew() {
    let mut tape = Tape::new().profiled();
    train(&mut tape, 3);
    let tape = tape.profiled();
    assert_eq!(tape.profile().steps, 0);
    assert_eq!(tape.profile().total().forward.calls, 0);
}

#[test]
fn a_trace_is_json_that_nests() {
    let mut tape = Tape::new().profiled();
    {
        let _scope = tape.scope("a \"quoted\" \\ name");
        let x = tape.variable(&Tensor::<f32>::ones([2]));
        let _ = x.exp().sum().backward();
    }
    tape.reset();
    train(&mut tape, 1);
    let other = profile(2);
    for profile in [tape.profile(), tape.profile() + other] {
        let trace: Value = serde_json::from_str(&profile.chrome_trace()).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let calls: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
        let tapes = events.iter().filter(|event| event["ph"] == "M").count();
        let products = calls.iter().filter(|call| call["name"] == "matmul" && call["cat"] == "forward");
        assert_eq!(products.count(), tapes * TIME, "those of the latest step");
        for (i, tape) in (0..tapes).flat_map(|tape| (0..calls.len()).map(move |i| (i, tape))) {
            let call = &calls[i];
            if call["tid"] != tape {
                continue;
            }
            let (start, time) = (call["ts"].as_f64().unwrap(), call["dur"].as_f64().unwrap());
            let next = calls[i + 1..].iter().find(|next| next["tid"] == tape);
            let Some(next) = next.map(|next| next["ts"].as_f64().unwrap()) else { continue };
            assert!(next >= start, "in the order of time");
            let is_bar = call["name"].as_str().unwrap().contains("time step");
            assert!(is_bar || call["name"].as_str().unwrap().starts_with("layers") || next >= start + time - 0.002);
        }
    }
}

#[test]
fn a_trace_is_written_to_a_file() {
    let profile = profile(1);
    let path = std::env::temp_dir().join(format!("unspool-trace-{}.json", std::process::id()));
    profile.save_chrome_trace(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), profile.chrome_trace());
    std::fs::remove_file(path).unwrap();
    let sentence = profile.save_chrome_trace("no/such/folder/trace.json").unwrap_err().to_string();
    assert!(sentence.starts_with("cannot write no/such/folder/trace.json: "), "{sentence}");
}

#[test]
fn a_table_has_a_row_for_each_op_and_scope() {
    let table = profile(2).to_string();
    assert!(table.starts_with("2 steps, "), "{table}");
    let line = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{table}"));
    let words: Vec<_> = line("matmul").split_whitespace().collect();
    assert_eq!((words[1], words[6]), ("12", "0.02"), "{table}"); // calls and MFLOP of a step
    assert!(line("layers.0.cell").contains('%'));
    let width = line("by op").chars().count();
    assert!(table.lines().skip(2).all(|line| line.is_empty() || line.chars().count() == width), "{table}");
}

/// The graph of two layers over so many time steps, with a loss.
fn graph(time: usize, layers: [Recurrent<Lstm<Tensor>>; 2]) -> String {
    let stack = Stack::new(layers);
    let tape = Tape::new().profiled();
    let net = tape.bind(&stack);
    let output: Var<'_> = net.forward(tape.constant(&Tensor::ones([time, 3, 2]))).into();
    assert!(output.square().mean().item() > 0.0);
    tape.to_dot()
}

#[test]
fn a_graph_is_as_large_for_a_hundred_steps_as_for_ten() {
    let layers = || {
        let rng = &mut rng(0);
        [Lstm::new(rng, 2, 4), Lstm::new(rng, 4, 4)].map(Recurrent::new)
    };
    let [ten, hundred] = [10, 100].map(|time| graph(time, layers()));
    assert_eq!(ten.lines().count(), hundred.lines().count());
    assert_eq!(ten.matches("×10\\n").count(), hundred.matches("×100\\n").count());
    assert!(hundred.lines().count() < 150, "{hundred}");
    let counts = hundred.split('×').skip(1).map(|text| text.split('\\').next().unwrap().parse::<usize>().unwrap());
    assert!(counts.into_iter().all(|count| count == 100 || count < 10), "{hundred}");
    for part in ["label=\"layers.0.cell\"", "layers.1.cell.u\\n[4, 16]", "matmul ×100\\n[3, 16]", "label=\"t-1\""] {
        assert!(hundred.contains(part), "{part}: {hundred}");
    }
    let backwards = graph(10, layers().map(Recurrent::reverse));
    assert!(backwards.contains("label=\"t+1\"") && !backwards.contains("t-1"));
}

#[test]
fn a_constant_that_several_ops_read_is_one_node() {
    let tape = Tape::new().keep_all();
    let scope = tape.scope("layer");
    let mut h = tape.constant(&Tensor::<f32>::ones([3]));
    for t in 0..10 {
        scope.step(t);
        let x = tape.constant(&Tensor::ones([3])); // one for each step
        h = (x + h).tanh() * h;
    }
    let graph = tape.to_dot();
    assert_eq!(graph.matches("label=\"constant").count(), 2, "{graph}");
    assert_eq!(graph.matches("label=\"constant ×10\\n[3]").count(), 1, "{graph}");
}
