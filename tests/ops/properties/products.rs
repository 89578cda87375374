//! Products by names, over time and along an axis; elements left out.

use super::*;
use unspool::ops::Convolution;

fn close(got: f64, expected: f64) -> bool {
    (got - expected).abs() < 1e-12
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Each letter is an axis of the first operand (1), of the second (2), or of both (3), and of the result or not.
    #[test]
    fn einsum_is_the_nested_loop(
        letters in prop::collection::vec((1..4u8, any::<bool>(), 0..4usize), 0..6),
        shuffle in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
        again in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
        salt in any::<u64>(),
    ) {
        let axes = |order: &[usize], of: &dyn Fn(u8, bool) -> bool| -> Vec<usize> {
            let chosen = |&l: &usize| letters.get(l).is_some_and(|&(operands, out, _)| of(operands, out));
            order.iter().copied().filter(chosen).collect()
        };
        let in_a = axes(&shuffle, &|operands, _| operands & 1 > 0);
        let in_b = axes(&again, &|operands, _| operands & 2 > 0);
        let in_out = axes(&[3, 1, 5, 0, 4, 2], &|_, out| out);
        let sizes = |axes: &[usize]| -> Vec<usize> { axes.iter().map(|&l| letters[l].2).collect() };
        let names = |axes: &[usize]| -> String { axes.iter().map(|&l| b"aZcdYf"[l] as char).collect() };
        let formula = format!("{},{}->{}", names(&in_a), names(&in_b), names(&in_out));

        let (a, b) = (strided(&sizes(&in_a), salt), strided(&sizes(&in_b), salt ^ 5));
        let mut expected = vec![0.0; sizes(&in_out).iter().product()];
        let all: Vec<usize> = (0..letters.len()).collect();
        for index in indices(Shape::from(&sizes(&all)[..])) {
            let at = |axes: &[usize]| -> Vec<usize> { axes.iter().map(|&l| index[l]).collect() };
            let place = in_out.iter().fold(0, |place, &l| place * letters[l].2 + index[l]);
            expected[place] += element_at(&a, &at(&in_a)) * element_at(&b, &at(&in_b));
        }
        let tape = Tape::new();
        let y = Var::einsum(&formula, tape.constant(&a), tape.constant(&b)).value();
        prop_assert_eq!(&y.shape()[..], &sizes(&in_out)[..], "{}", formula);
        for (got, expected) in y.to_vec().into_iter().zip(expected) {
            prop_assert!(close(got, expected), "{}: {} is not {}", formula, got, expected);
        }
    }

    #[test]
    fn convolutions_follow_the_formula(
        (time, batch, features, outputs) in (0..7usize, 0..3usize, 0..3usize, 0..3usize),
        kernel in 1..4usize,
        (stride, before, after, dilation) in (1..5usize, 0..4usize, 0..4usize, 1..4usize),
        salt in any::<u64>(),
    ) {
        let (padded, reach) = (before + time + after, (kernel - 1) * dilation + 1);
        prop_assume!(padded >= reach);
        let (x, w) = (strided(&[time, batch, features], salt), strided(&[kernel, features, outputs], salt ^ 5));
        let tape = Tape::new();
        let how = Convolution { stride, before, after, dilation };
        let y = tape.constant(&x).conv1d(tape.constant(&w), how).value();
        prop_assert_eq!(&y.shape()[..], &[(padded - reach) / stride + 1, batch, outputs]);
        for index in indices(y.shape()) {
            let &[t, b, o] = &index[..] else { unreachable!() };
            let mut expected = 0.0;
            for k in 0..kernel {
                let at = (t * stride + k * dilation).checked_sub(before);
                let Some(at) = at.filter(|&at| at < time) else { continue };
                expected += (0..features).map(|f| x.at([at, b, f]) * w.at([k, f, o])).sum::<f64>();
            }
            prop_assert!(close(y.at([t, b, o]), expected));
        }
    }

    #[test]
    fn running_sums_and_products_are_as_defined(x in view(), axis in 0..4usize) {
        prop_assume!(axis < x.rank());
        let tape = Tape::new();
        let v = tape.constant(&x);
        let (sums, products) = (v.cumsum(axis).value(), v.cumprod(axis).value());
        for index in indices(x.shape()) {
            let before = (0..=index[axis]).map(|i| {
                let mut index = index.clone();
                index[axis] = i;
                element_at(&x, &index)
            });
            prop_assert!(close(element_at(&sums, &index), before.clone().sum()));
            prop_assert!(close(element_at(&products, &index), before.product()));
        }
    }

    #[test]
    fn products_of_many_strided_matrices_are_those_of_each_pair(
        (m, k, n) in (0..4usize, 0..4usize, 0..4usize),
        batch in prop::collection::vec((0..3usize, 0..3u8), 1..4),
        salt in any::<u64>(),
    ) {
        // Some leading axes of either operand are of size 1.
        let leading = |one: u8| batch.iter().map(move |&(size, kind)| if kind == one { 1 } else { size });
        let a = strided(&leading(1).chain([k, m]).collect::<Vec<_>>(), salt).t();
        let b = strided(&leading(2).chain([k, n]).collect::<Vec<_>>(), salt ^ 5);
        let c = a.matmul(&b);
        let common: Vec<usize> = leading(1).zip(leading(2)).map(|(a, b)| if a == 1 { b } else { a }).collect();
        prop_assert_eq!(&c.shape()[..], &[&common[..], &[m, n]].concat()[..]);
        for index in indices(c.shape()) {
            let (rest, &[i, j]) = index.split_at(index.len() - 2) else { unreachable!() };
            let expected: f64 = (0..k).map(|l| {
                element(&a, &[rest, &[i, l]].concat()) * element(&b, &[rest, &[l, j]].concat())
            }).sum();
            prop_assert!(close(element_at(&c, &index), expected));
        }
        // A gradient is added through the same strides.
        let (a, b) = (strided(&[m, k], salt), strided(&[m, n], salt ^ 6));
        let mut sum = values([k, n], 8);
        sum.add_matmul_tn(&a, &b);
        for index in indices(sum.shape()) {
            let product: f64 = (0..m).map(|i| a.at([i, index[0]]) * b.at([i, index[1]])).sum();
            prop_assert!(close(element_at(&sum, &index), product + element_at(&values([k, n], 8), &index)));
        }
    }

    #[test]
    fn products_of_vectors_are_as_defined(m in 0..5usize, n in 0..5usize, salt in any::<u64>()) {
        let (a, b, c) = (strided(&[n], salt), strided(&[n], salt ^ 5), strided(&[m], salt ^ 6));
        let tape = Tape::new();
        let [x, y, z] = [&a, &b, &c].map(|v| tape.constant(v));
        let expected: f64 = (0..n).map(|i| a.at([i]) * b.at([i])).sum();
        prop_assert!(close(x.dot(y).item(), expected));
        let outer = x.outer(z).value();
        prop_assert_eq!(&outer.shape()[..], &[n, m]);
        for index in indices(outer.shape()) {
            prop_assert_eq!(element_at(&outer, &index), a.at([index[0]]) * c.at([index[1]]));
        }
    }

    #[test]
    fn dropout_multiplies_by_one_mask_in_both_directions(x in view(), rate in 0.0..0.95f64, seed in any::<u64>()) {
        let tape = Tape::new();
        let v = tape.variable(&x);
        let ones = tape.constant(&Tensor::ones(x.shape()));
        let mask = ones.dropout(rate, seed).value();
        prop_assert!(mask.to_vec().iter().all(|&m| m == 0.0 || m == 1.0 / (1.0 - rate)));
        let y = v.dropout(rate, seed);
        prop_assert_eq!(y.value(), x.zip(&mask, |x, m| x * m));
        let seed = strided(&x.shape(), seed);
        prop_assert_eq!(y.backward_with(&seed).wrt(v), seed.zip(&mask, |g, m| g * m));
        prop_assert_eq!(v.dropout(0.0, 7).value(), x.copy());
    }
}

#[test]
fn dropout_leaves_out_its_share_and_each_seed_another() {
    const N: usize = 100_000;
    let tape = Tape::new();
    let ones = tape.constant(&Tensor::<f64>::ones([N]));
    for rate in [0.0, 0.01, 0.3, 0.5, 0.9] {
        let mask = |seed: u64| ones.dropout(rate, seed).value().map(|y| if y == 0.0 { 1.0 } else { 0.0 });
        let deviation = (N as f64 * rate * (1.0 - rate)).sqrt();
        let masks = [0, 1, 2, u64::MAX].map(mask);
        for (i, left_out) in masks.iter().enumerate() {
            let count = left_out.sum().item();
            assert!((count - N as f64 * rate).abs() <= 4.0 * deviation, "{count} of {N} at rate {rate}");
            for other in &masks[..i] {
                // Independent masks share rate² of the places, also when one is moved against the other.
                let shared = |a: Tensor<f64>, b: Tensor<f64>| a.zip(&b, |a, b| a * b).sum().item();
                let expected = N as f64 * rate * rate;
                let tolerance = 5.0 * (expected * (1.0 - rate * rate)).sqrt() + 1.0;
                let aside = shared(left_out.slice(0, 1..), other.slice(0, ..-1));
                for got in [shared(left_out.clone(), other.clone()), aside] {
                    assert!((got - expected).abs() <= tolerance, "{got} shared places at rate {rate}");
                }
            }
        }
        assert_eq!(masks[1], mask(1));
    }
}
