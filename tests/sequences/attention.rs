//! Attention, and what it does not look at: against PyTorch (`fixtures/attention.py`), by differences, and by what it must mean.

use unspool::layers::{
    AdditiveAttention, ScaledDotProduct, attention, attention_masked, dot_product_scores, scaled_dot_product_attention,
};
use unspool::layers::{sequence_mask, zero_padding};
use unspool::prelude::*;
use unspool_tests::{assert_close, fixture, tensor, values};

type V<'t> = Var<'t, f64>;

fn vector(values: &[f64]) -> Tensor<f64> {
    Tensor::from_vec(values.to_vec(), [values.len()])
}

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    x.to_vec().into_iter().map(f64::to_bits).collect()
}

#[test]
fn scaled_dot_product_attention_agrees_with_pytorch() {
    let cases = fixture("attention_torch.json");
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let name = case["op"].as_str().unwrap();
        let tape = Tape::new();
        let inputs: Vec<V> = case["inputs"].as_array().unwrap().iter().map(|x| tape.variable(&tensor(x))).collect();
        let mask = (!case["mask"].is_null()).then(|| tensor(&case["mask"]));
        let mut attention = scaled_dot_product_attention(inputs[0], inputs[1], inputs[2]);
        attention = mask.iter().fold(attention, ScaledDotProduct::mask);
        attention = inputs.get(3).into_iter().fold(attention, |attention, &bias| attention.bias(bias));
        attention = case["scale"].as_f64().into_iter().fold(attention, ScaledDotProduct::scale);
        let y = if case["causal"] == true { attention.causal() } else { attention }.run();
        assert_close(name, &y.value(), &tensor(&case["output"]), 1e-12);
        let gradients = (y * tape.constant(&tensor(&case["g"]))).sum().backward();
        for (input, expected) in inputs.iter().zip(case["grads"].as_array().unwrap()) {
            assert_close(&format!("{name}: gradient"), &gradients.wrt(*input), &tensor(expected), 1e-12);
        }
    }
}

/// The same numbers through `attention_masked`, whose sequences are `[T, B, H]`.
#[test]
fn masked_attention_agrees_with_pytorch() {
    let cases = fixture("attention_torch.json");
    let case = cases.as_array().unwrap().iter().find(|case| case["op"] == "mask").unwrap();
    let tape = Tape::new();
    let input = |i: usize| tape.variable(&tensor(&case["inputs"][i]));
    let [queries, keys, values] = [0, 1, 2].map(input); // [B, N, E], [B, T, E], [B, T, V]
    fn by_time(x: V<'_>) -> V<'_> {
        x.transpose(0, 1)
    }
    let scale = case["scale"].as_f64().unwrap() * 2.0; // `dot_product_scores` divides by the root of 4
    let scores = dot_product_scores(by_time(queries), by_time(keys)) * scale;
    let mask = tensor(&case["mask"]).permute(&[2, 1, 0]); // [T, N, B]
    let context = by_time(attention_masked(scores, by_time(values), &mask).context);
    assert_close("context", &context.value(), &tensor(&case["output"]), 1e-12);
    let gradients = (context * tape.constant(&tensor(&case["g"]))).sum().backward();
    for (i, input) in [queries, keys, values].into_iter().enumerate() {
        assert_close("gradient", &gradients.wrt(input), &tensor(&case["grads"][i]), 1e-12);
    }
}

#[derive(Params)]
struct Qkv<P> {
    queries: P,
    keys: P,
    values: P,
    bias: P,
}

fn qkv() -> Qkv<Tensor<f64>> {
    let [queries, keys, values] = [([2, 3, 4], 1), ([2, 5, 4], 2), ([2, 5, 3], 3)].map(|(s, salt)| values(s, salt));
    Qkv { queries, keys, values, bias: unspool_tests::values([3, 5], 4) }
}

/// `[B, L, S]`: a query that sees none, a key that none sees.
fn mask() -> Tensor<f64> {
    let counts = |i: usize| f64::from(!(5..10).contains(&i) && i % 5 != 3 && !i.is_multiple_of(4));
    Tensor::from_fn([2, 3, 5], counts)
}

#[test]
fn attention_has_the_gradients_of_its_differences() {
    let g = values([2, 3, 3], 9);
    gradcheck(&qkv(), |tape, net| {
        let attention = || scaled_dot_product_attention(net.queries, net.keys, net.values);
        let y = attention().mask(&mask()).bias(net.bias).run() + attention().causal().scale(0.3).run();
        (y * tape.constant(&g)).sum()
    })
    .unwrap();
    gradcheck(&qkv(), |tape, net| {
        let [queries, keys, values] = [net.queries, net.keys, net.values].map(|x| x.transpose(0, 1));
        let many = attention_masked(dot_product_scores(queries, keys), values, &mask().permute(&[2, 1, 0])).context;
        let one =
            attention_masked(dot_product_scores(many.select(0, 0), values), values, &mask().select(1, 0).t()).context;
        (many.sum_axes(&[0]) * one * tape.constant(&g.select(1, 0))).sum()
    })
    .unwrap();
}

/// Equal scores of 0, 2 and padding: the mean of 0 and 2, whose weights have the slopes w (v - mean).
#[test]
fn what_lies_behind_the_end_is_not_looked_at() {
    for padding in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 0.0] {
        for of_scores in [0.0, padding] {
            let tape = Tape::new();
            let scores = tape.variable(&vector(&[0.0, 0.0, of_scores]).reshape([3, 1]));
            let values = tape.variable(&vector(&[0.0, 2.0, padding]).reshape([3, 1, 1]));
            let attended = attention(scores, values, Some(&[2]));
            assert_eq!(attended.context.value().to_vec(), [1.0]);
            assert_eq!(attended.weights.value().to_vec(), [0.5, 0.5, 0.0]);
            let gradients = attended.context.sum().backward();
            assert_eq!(gradients.wrt(scores).to_vec(), [-0.5, 0.5, 0.0]);
            assert_eq!(gradients.wrt(values).to_vec(), [0.5, 0.5, 0.0]);
        }
    }
}

/// As in recurrent layers, whose output is zeros.
#[test]
fn attention_to_a_sequence_without_steps_is_zeros() {
    let tape = Tape::new();
    let values = tape.variable(&Tensor::from_fn([3, 3, 2], |i| if i % 6 < 2 { f64::NAN } else { 1.0 + i as f64 }));
    for shape in [&[3, 3][..], &[3, 4, 3]] {
        let scores = tape.variable(&Tensor::from_fn(shape, |i| if i % 3 == 0 { f64::NAN } else { i as f64 }));
        let attended = attention(scores, values, Some(&[0, 2, 0]));
        let loss = attended.context.square().sum() + attended.weights.square().sum();
        let gradients = loss.backward();
        for x in [attended.context.value(), attended.weights.value(), gradients.wrt(scores), gradients.wrt(values)] {
            assert!(x.to_vec().iter().all(|x| x.is_finite()));
        }
        let context = attended.context.value();
        let of = |b: usize| context.slice(context.rank() - 2, b..b + 1).to_vec();
        assert!([of(0), of(2)].concat().iter().all(|&x| x == 0.0) && of(1).iter().all(|&x| x > 1.0));
    }
    let none = attention(tape.variable(&Tensor::zeros([3, 0])), tape.variable(&Tensor::zeros([3, 0, 2])), Some(&[]));
    assert_eq!(none.context.shape()[..], [0, 2]);
}

#[test]
fn keys_that_no_query_sees_are_not_read() {
    let measure = |hidden: f64| {
        let mut model = qkv();
        for (x, at) in [(&mut model.keys, 3), (&mut model.values, 3), (&mut model.queries, 1)] {
            let width = x.shape()[2];
            x.slice_assign(1, at, &if at == 3 { Tensor::full(hidden, [2, 1, width]) } else { x.slice(1, 1..2).copy() });
        }
        let mut first = model.queries.slice(0, ..1).copy();
        first.slice_assign(1, 1, &Tensor::full(hidden, [1, 1, 4])); // the query that sees none
        model.queries.slice_assign(0, 0, &first);
        let tape = Tape::new();
        let net = tape.bind(&model);
        let y = scaled_dot_product_attention(net.queries, net.keys, net.values).mask(&mask()).run();
        let gradients: Qkv<Tensor<f64>> = y.square().sum().backward().of(&net);
        [vec![y.value()], gradients.leaves().into_iter().cloned().collect()].concat()
    };
    let zeros = measure(0.0);
    for hidden in [f64::NAN, f64::INFINITY] {
        for (got, expected) in measure(hidden).iter().zip(&zeros) {
            assert_eq!(bits(got), bits(expected));
        }
    }
}

/// A whole attention over sequences with unknown padding.
#[derive(Params)]
struct Looking<P> {
    attention: AdditiveAttention<P>,
    query: P,
    values: P,
}

#[test]
fn keys_without_their_padding_give_every_part_of_an_attention_its_gradient() {
    let measure = |padding: f64| {
        let mut encoded = values([5, 2, 3], 2);
        encoded.slice_assign(0, 4, &Tensor::full(padding, [1, 2, 3]));
        let additive_attention = AdditiveAttention::new(&mut rng(3), 3, 3, 5);
        let model = Looking { attention: additive_attention, query: values([2, 3], 1), values: encoded };
        let tape = Tape::new();
        let net = tape.bind(&model);
        let lengths = [4, 2];
        let encoded = zero_padding(net.values, Context::default().with_lengths(&lengths));
        let additive = attention(net.attention.scores(net.query, net.attention.keys(encoded)), encoded, Some(&lengths));
        let dot = attention(dot_product_scores(net.query, encoded), encoded, Some(&lengths));
        let loss = (additive.context * dot.context).sum();
        let gradients: Looking<Tensor<f64>> = loss.backward().of(&net);
        gradients.leaves().into_iter().map(bits).collect::<Vec<_>>()
    };
    assert_eq!(measure(f64::NAN), measure(0.0));
    assert_eq!(measure(f64::INFINITY), measure(0.0));
}

#[test]
fn lengths_are_a_mask() {
    let (tape, lengths) = (Tape::new(), [5, 2]);
    let model = qkv();
    let net = tape.bind(&model);
    let [queries, keys, values] = [net.queries, net.keys, net.values].map(|x| x.transpose(0, 1));
    let mask = sequence_mask(&lengths, 5);
    let by_lengths = attention(dot_product_scores(queries, keys), values, Some(&lengths)).context;
    let by_mask = attention_masked(dot_product_scores(queries, keys), values, &mask).context;
    assert_eq!(bits(&by_lengths.value()), bits(&by_mask.value()));
    let by_name = scaled_dot_product_attention(net.queries, net.keys, net.values).mask(&mask.t().unsqueeze(1)).run();
    assert_close("the same", &by_name.transpose(0, 1).value(), &by_mask.value(), 1e-14);
}
