//! Sums over rows of data: the value and gradient of one tape, whatever the parts.

use std::ops::Range;
use unspool::autograd::{Nested, hessian, hvp, jacfwd};
use unspool::prelude::*;
use unspool_tests::{panic_of, values};

/// A line through points, with the number of calls as a buffer.
#[derive(Params, Debug, PartialEq)]
struct Line<P> {
    weight: P,
    bias: P,
    #[params(buffer)]
    scale: P,
}

fn line() -> Line<Tensor<f64>> {
    Line { weight: values([6, 2], 1), bias: values([2], 2), scale: Tensor::scalar(3.0) }
}

/// A sum over rows that uses a function of the model alone, and products of rows.
fn loss<'t, T: Scalar>(tape: &'t Tape<T>, net: &Line<Var<'t, T>>, data: &Tensor<T>, rows: Range<usize>) -> Var<'t, T> {
    let x = tape.constant(&data.slice(0, rows));
    (x.matmul(net.weight.tanh()) + net.bias * net.scale).square().sum_axes(&[1]).sqrt().sum()
}

#[track_caller]
fn assert_close(found: &Tensor<f64>, expected: &Tensor<f64>) {
    assert_eq!(found.shape(), expected.shape());
    for (a, b) in found.to_vec().into_iter().zip(expected.to_vec()) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} is not {b}");
    }
}

#[test]
fn a_sum_in_parts_is_the_sum_on_one_tape() {
    let model = line();
    let mut tape = Tape::new();
    for n in [1, 2, 15, 1023, 1024, 1025, 3072, 3073, 40_000] {
        let data = values([n, 6], n as u64);
        let net = tape.bind(&model);
        let whole = loss(&tape, &net, &data, 0..n);
        let parts = tape.sum_over_rows(n, &net, |tape, net, rows| loss(tape, &net, &data, rows));
        // A factor, and a term of its own beside the sum.
        let [whole, parts] = [whole, parts].map(|sum| sum / n as f64 + net.weight.square().sum());
        assert!((whole.item() - parts.item()).abs() <= 1e-12 * whole.item().abs(), "{n} rows");
        let [whole, parts] = [whole, parts].map(|loss| loss.backward().of(&net));
        for (found, expected) in parts.leaves().into_iter().zip(whole.leaves()) {
            assert_close(found, expected);
        }
        tape.reset();
    }
}

#[test]
fn variables_need_no_model_and_may_be_computed() {
    let (n, data) = (5000, values([5000, 4], 1));
    let tape = Tape::new();
    let [w, c] = [3, 4].map(|seed| tape.variable(&values([4], seed)));
    let unused = tape.variable(&values([4], 5));
    let inputs = [w.exp(), c, unused];
    let sum = tape.sum_over_rows(n, inputs, |tape, [w, c, _], rows| {
        let x = tape.constant(&data.slice(0, rows));
        (x * w - c).square().sum()
    });
    let whole = (tape.constant(&data) * w.exp() - c).square().sum();
    let (found, expected) = (sum.backward(), whole.backward());
    assert_close(&found.wrt(w), &expected.wrt(w));
    assert_close(&found.wrt(c), &expected.wrt(c));
    assert_eq!(found.wrt(unused), Tensor::zeros([4]));
}

#[test]
fn each_row_is_in_one_part_once() {
    let tape = Tape::<f64>::new();
    for n in [1, 100, 5000, 1_000_003] {
        let one = tape.variable(&Tensor::scalar(1.0));
        let sum = tape.sum_over_rows(n, [one], |tape, [one], rows| {
            let numbers = Tensor::from_fn([rows.len()], |i| (rows.start + i) as f64);
            (tape.constant(&numbers) * one).sum()
        });
        let expected = (n * (n - 1) / 2) as f64;
        assert_eq!((sum.item(), sum.backward().wrt(one).item()), (expected, expected), "{n} rows");
    }
}

#[test]
fn constants_make_a_constant() {
    let (model, data) = (line(), values([3000, 6], 1));
    let tape = Tape::new();
    let partly_frozen = Line { bias: tape.constant(&model.bias), ..tape.bind(&model) };
    let [frozen, bound, partly] = [&tape.bind_frozen(&model), &tape.bind(&model), &partly_frozen].map(|net| {
        tape.sum_over_rows(3000, net, |tape, net, rows| {
            assert!(!net.scale.requires_grad());
            loss(tape, &net, &data, rows)
        })
    });
    assert!(!frozen.requires_grad() && bound.requires_grad());
    assert_eq!(frozen.item(), bound.item());
    let gradients = partly.backward();
    assert_eq!(gradients.wrt(partly_frozen.weight).shape()[..], [6, 2]);
    assert!(gradients.get(partly_frozen.bias).is_none());
}

#[test]
fn a_hessian_vector_product_goes_through_a_sum() {
    let (n, model, data) = (4000, line(), values([4000, 6], 1));
    let direction = Line { weight: values([6, 2], 7), bias: values([2], 8), scale: Tensor::scalar(0.0) };
    let data = data.cast();
    let (_, whole) = hvp(&model, &direction, |tape, net| loss(tape, net, &data, 0..n));
    let (_, parts) = hvp(&model, &direction, |tape, net| {
        tape.sum_over_rows(n, net, |tape, net, rows| loss(tape, &net, &data, rows))
    });
    assert_close(&parts.weight, &whole.weight);
    assert_close(&parts.bias, &whole.bias);
}

#[test]
fn a_sum_may_be_in_a_segment_or_in_a_sum() {
    let (model, data) = (line(), values([300, 6], 1));
    let gradient = |nested: bool| {
        let tape = Tape::new();
        let net = tape.bind(&model);
        let whole = || loss(&tape, &net, &data, 0..300) * 2.0;
        let twice = || {
            tape.sum_over_rows(2, &net, |tape, net, copies| {
                tape.sum_over_rows(300, &net, |tape, net, rows| loss(tape, &net, &data, rows)) * copies.len() as f64
            })
        };
        let [value] = tape.checkpoint(|| [if nested { twice() } else { whole() }.sin()]);
        value.backward().wrt(net.weight)
    };
    let (found, expected) = (gradient(true), gradient(false));
    found.to_vec().iter().zip(expected.to_vec()).for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} is not {b}"));
}

/// The line of this file that ends with this comment.
fn line_of(comment: &str) -> String {
    let at = include_str!("sum_over_rows.rs").lines().position(|line| line.ends_with(&format!("; // {comment}")));
    format!("{}:{}", file!(), at.expect("a line ends with it") + 1)
}

/// The message of a mistake, at the line of the call.
#[track_caller]
fn sentence(n: usize, sum: impl for<'t> Fn(&'t Tape, Var<'t>, Range<usize>) -> Var<'t> + Sync) -> String {
    let mut called_at = 0;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (message, file, line) = panic_of(|| {
        pool.install(|| {
            let tape = Tape::new();
            let x = tape.variable(&Tensor::ones([3]));
            called_at = line!() + 1;
            tape.sum_over_rows(n, [x], |tape, [x], rows| sum(tape, x, rows));
        });
    });
    assert_eq!((&file[..], line), (file!(), called_at), "{message}: points to another line");
    message
}

#[test]
fn mistakes_name_their_line_on_any_thread() {
    let text = sentence(0, |_, x, _| x.sum());
    assert_eq!(text, "sum_over_rows: there are no rows: at least one is needed");
    let text = sentence(9, |_, x, _| x);
    assert_eq!(text, "sum_over_rows: a sum has one element, this value has shape [3]");
    let text = sentence(100_000, |tape, x, rows| {
        let factor = Tensor::ones([if rows.end == 100_000 { 4 } else { 3 }]);
        let product = x * tape.constant(&factor); // a mistake in the last part
        product.sum() * tape.constant(&Tensor::zeros([rows.len(), 9])).sum()
    });
    let place = line_of("a mistake in the last part");
    assert_eq!(text, format!("mul: shapes [3] and [4] do not broadcast (at {place}:23)"));
}

#[test]
fn a_panic_of_the_programs_own_is_passed_on() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (message, file, _) = panic_of(|| {
        pool.install(|| {
            let tape = Tape::<f64>::new();
            let x = tape.variable(&Tensor::ones([3]));
            tape.sum_over_rows(100_000, [x], |_, [x], rows| {
                if rows.end == 100_000 {
                    panic!("no such file");
                }
                x.sum()
            });
        });
    });
    assert_eq!((&message[..], &file[..]), ("no such file", file!()));
}

#[test]
fn a_bad_value_in_a_part_is_found() {
    let tape = Tape::<f64>::new().find_bad_values();
    let x = tape.variable(&Tensor::zeros([3]));
    let (message, ..) = panic_of(|| {
        tape.sum_over_rows(10, [x], |_, [x], _| (x / x).sum());
    });
    assert!(message.contains("div"), "{message}");
}

#[test]
fn second_derivatives_are_those_of_other_numbers() {
    /// `10 x³`, as a sum over ten rows.
    fn cubes<'t, T: Scalar>(tape: &'t Tape<T>, x: Var<'t, T>) -> Var<'t, T> {
        tape.sum_over_rows(10, [x], |_, [x], rows| (x.powi(3) * rows.len() as f64).sum())
    }
    let x = Tensor::<f64>::full(2.0, [1]);
    assert_eq!(hessian(&x, cubes).to_vec(), [120.0]);
    let sentence = "sum_over_rows: a sum over rows keeps its gradient, but no derivatives of that, and none forward; \
                    `jvp`, `hvp` and `hessian` compute them";
    assert_eq!(panic_of(|| drop(jacfwd(&x, cubes))).0, sentence);
    let tape = Tape::<Nested<f64>>::new();
    let nested = tape.variable(&x.cast());
    let [slope] = cubes(&tape, nested).gradient_wrt([nested]);
    assert_eq!(slope.item().to_f64(), 120.0);
    assert_eq!(panic_of(|| drop(slope.backward())).0, sentence);
}
