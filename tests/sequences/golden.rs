//! Layers in both directions, stacked, over sequences of different lengths, against PyTorch's and Keras's: outputs,
//! last outputs, last states and all gradients. `fixtures/layers.py` says what the files hold.

use serde_json::Value;
use unspool::autograd::Path;
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Merge, RecurrentOutput, Stack};
use unspool_tests::{Parts, assert_close, context, fixture, integers, tensor};

const TOLERANCE: f64 = 1e-10;

type V<'t> = Var<'t, f64>;
type Run<'t, C> = RecurrentOutput<'t, f64, <C as Cell<'t, f64>>::State>;

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn parts(values: &Value) -> Vec<Tensor<f64>> {
    list(values).iter().map(tensor).collect()
}

fn merge_of(case: &Value) -> Option<Merge> {
    case["merge"].as_str().map(|merge| match merge {
        "concat" => Merge::Concat,
        "sum" => Merge::Sum,
        "ave" => Merge::Mean,
        other => panic!("unknown merge {other}"),
    })
}

/// The cells of a case as `new` makes them, with the fixture's numbers: names and shapes must be the same. One list for
/// each layer, with one cell for each direction.
fn cells_of<C: Params<Tensor<f64>>>(case: &Value, new: impl Fn(&mut Rng, usize, usize) -> C) -> Vec<Vec<C>> {
    let fill = |direction: &Value| {
        let weights = direction["weights"].as_object().unwrap();
        let inputs = integers(&weights["x.weight"]["shape"])[0];
        let mut cell = new(&mut rng(0), inputs, integers(&weights["u"]["shape"])[0]);
        let names = cell.names();
        assert_eq!(names.len(), weights.len(), "weights");
        for (leaf, name) in cell.leaves_mut().into_iter().zip(names) {
            let given = tensor(&weights[&name]);
            assert_eq!(leaf.shape(), given.shape(), "shape of {name}");
            *leaf = given;
        }
        cell
    };
    list(&case["layers"]).iter().map(|layer| list(layer).iter().map(fill).collect()).collect()
}

fn recurrent_of<C>(mut cells: Vec<C>) -> Recurrent<C> {
    assert_eq!(cells.len(), 1);
    Recurrent::new(cells.remove(0))
}

fn bidirectional_of<C>(mut cells: Vec<C>, merge: Merge) -> Bidirectional<C> {
    assert_eq!(cells.len(), 2);
    let backward = cells.remove(1);
    Bidirectional::new(cells.remove(0), backward).merge(merge)
}

fn merged<'t>(merge: Option<Merge>, directions: &[V<'t>]) -> V<'t> {
    match (directions, merge) {
        ([forward], None) => *forward,
        (_, Some(Merge::Concat)) => Var::concat(directions[0].shape().rank() - 1, directions),
        (_, Some(Merge::Sum)) => directions[0] + directions[1],
        _ => (directions[0] + directions[1]) / 2.0,
    }
}

/// Holds what was computed, and its gradients, against the case. `nets` and `runs` are one for each direction, layer by
/// layer, and so are the initial states if they were given.
fn compare<'t, C>(
    case: &Value,
    x: V<'t>,
    (sequence, last): (V<'t>, V<'t>),
    runs: &[Run<'t, C::With<V<'t>>>],
    nets: &[&C::With<V<'t>>],
    initial: &[Vec<V<'t>>],
) where
    C: Params<Tensor<f64>>,
    C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    let name = format!("{} {}", case["cell"], case["name"]);
    let close = |what: &str, got: &Tensor<f64>, expected: &Value| {
        assert_close(&format!("{name}: {what}"), got, &tensor(expected), TOLERANCE);
    };
    let directions: Vec<&Value> = list(&case["layers"]).iter().flat_map(list).collect();
    assert_eq!([runs.len(), nets.len()], [directions.len(); 2], "{name}: runs");
    close("outputs", &sequence.value(), &case["outputs"]);
    close("last", &last.value(), &case["last"]);
    let weighted = |y: V<'t>, by: &Value| (y * y.tape().constant(&tensor(by))).sum();
    let mut loss = weighted(sequence, &case["g_outputs"]) + weighted(last, &case["g_last"]);
    for (i, (run, direction)) in runs.iter().zip(&directions).enumerate() {
        let state = run.state().parts();
        assert_eq!(state.len(), list(&direction["h_n"]).len(), "{name}: parts of the state");
        for (j, part) in state.into_iter().enumerate() {
            close(&format!("h_n {j} of run {i}"), &part.value(), &direction["h_n"][j]);
            loss = loss + weighted(part, &direction["g_h_n"][j]);
        }
    }

    let gradients = loss.backward();
    close("d_x", &gradients.wrt(x), &case["d_x"]);
    for (i, (net, direction)) in nets.iter().zip(&directions).enumerate() {
        let of_cell: C = gradients.of(*net);
        of_cell.visit_leaves(Path::ROOT, &mut |path, gradient| {
            close(&format!("gradient of {path} of run {i}"), gradient, &direction["grads"][path.to_string()]);
        });
    }
    for (i, (state, direction)) in initial.iter().zip(&directions).enumerate() {
        for (j, part) in state.iter().enumerate() {
            close(&format!("d_h0 {j} of run {i}"), &gradients.wrt(*part), &direction["d_h0"][j]);
        }
    }
}

fn check<C>(case: &Value, new: impl Fn(&mut Rng, usize, usize) -> C)
where
    C: Params<Tensor<f64>>,
    for<'t> C::With<V<'t>>: Cell<'t, f64, State: Parts<'t>>,
{
    let lengths = (!case["lengths"].is_null()).then(|| integers(&case["lengths"]));
    let lengths = lengths.as_deref();
    let mask = (!case["mask"].is_null()).then(|| tensor(&case["mask"]));
    let tape = Tape::new();
    let x = tape.variable(&tensor(&case["x"]));
    let cells = cells_of(case, new);
    let from_zero = case["layers"][0][0]["h0"].is_null();
    match merge_of(case) {
        None if from_zero && mask.is_none() => {
            let net = tape.bind(&Stack::new(cells.into_iter().map(recurrent_of)));
            let run = net.apply(x, context(lengths, Mode::Evaluation));
            let nets: Vec<_> = net.layers.iter().map(|layer| &layer.cell).collect();
            compare::<C>(case, x, (run.sequence(), run.last()), &run.layers, &nets, &[]);
        }
        Some(merge) if from_zero && mask.is_none() => {
            let net = tape.bind(&Stack::new(cells.into_iter().map(|cells| bidirectional_of(cells, merge))));
            let run = net.apply(x, context(lengths, Mode::Evaluation));
            let nets: Vec<_> = net.layers.iter().flat_map(|l| [&l.forward.cell, &l.backward.cell]).collect();
            let runs: Vec<_> = run.layers.iter().flat_map(|r| [r.forward.clone(), r.backward.clone()]).collect();
            compare::<C>(case, x, (run.sequence(), run.last()), &runs, &nets, &[]);
        }
        merge => {
            let (mut runs, mut nets, mut initial, mut xs, mut last) = (vec![], vec![], vec![], x, x);
            for (cells, layer) in cells.into_iter().zip(list(&case["layers"])) {
                let below = xs;
                let mut made: Vec<Run<'_, C::With<V<'_>>>> = Vec::new();
                for (i, (cell, direction)) in cells.into_iter().zip(list(layer)).enumerate() {
                    let layer = Recurrent::new(cell);
                    let net = tape.bind(&if i == 1 { layer.reverse() } else { layer });
                    let state = (!from_zero).then(|| {
                        initial
                            .push(parts(&direction["h0"]).iter().map(|part| tape.variable(part)).collect::<Vec<V>>());
                        Parts::from_parts(&initial[initial.len() - 1])
                    });
                    let cx = context(lengths, Mode::Evaluation);
                    made.push(net.run(below, state, mask.as_ref().map_or(cx, |mask| cx.with_mask(mask))));
                    nets.push(net.cell);
                }
                xs = merged(merge, &made.iter().map(|run| run.sequence()).collect::<Vec<_>>());
                last = merged(merge, &made.iter().map(|run| run.last()).collect::<Vec<_>>());
                runs.append(&mut made);
            }
            compare::<C>(case, x, (xs, last), &runs, &nets.iter().collect::<Vec<_>>(), &initial);
        }
    }
}

fn check_file(file: &str, cell: &str, count: usize) {
    let cases = fixture(file);
    assert_eq!(list(&cases).len(), count, "{file}");
    for case in list(&cases) {
        assert_eq!(case["cell"], cell, "{file}");
        match cell {
            "simple_rnn" => check(case, SimpleRnn::new),
            "lstm" => check(case, Lstm::new),
            "gru" => check(case, Gru::new),
            other => panic!("unknown cell {other}"),
        }
    }
}

const CELLS: [&str; 3] = ["simple_rnn", "lstm", "gru"];

#[test]
fn both_directions_and_stacks_agree_with_pytorch() {
    for cell in CELLS {
        check_file(&format!("layers_{cell}_torch.json"), cell, 3);
    }
}

#[test]
fn sequences_of_different_lengths_agree_with_pytorch() {
    for cell in CELLS {
        check_file(&format!("lengths_{cell}_torch.json"), cell, 4);
    }
}

/// Steps that do not count at the beginning, in the middle and at the end: states and outputs stay as they were.
#[test]
fn masks_that_are_not_lengths_agree_with_keras() {
    let cases = fixture("masks_keras.json");
    let check_all = |cell: &str| {
        let own: Vec<&Value> = list(&cases).iter().filter(|case| case["cell"] == cell).collect();
        assert_eq!(own.len(), 2, "{cell}");
        own
    };
    check_all("simple_rnn").into_iter().for_each(|case| check(case, SimpleRnn::new));
    check_all("lstm").into_iter().for_each(|case| check(case, Lstm::new));
    check_all("gru").into_iter().for_each(|case| check(case, Gru::new));
}

#[test]
fn masks_and_merges_agree_with_keras() {
    for cell in CELLS {
        check_file(&format!("layers_{cell}_keras.json"), cell, 4);
    }
}
