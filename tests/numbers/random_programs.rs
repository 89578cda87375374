//! Random programs: every mode and nesting computes the same derivatives.

use super::{assert_close, unit};
use proptest::prelude::*;
use unspool::Number;
use unspool::numbers::{gradient, hessian, jvp, preaccumulate};

/// An operation on two of the numbers computed so far.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    a: usize,
    b: usize,
}

/// Runs a program: each step appends a number, the last of which is the result. All stay of moderate size, and every
/// operation is smooth where it is used, but for the comparison.
fn run<N: Number>(program: &[Step], x: [N; 2]) -> N {
    let c = N::from_f64;
    let mut numbers = x.to_vec();
    for &Step { kind, a, b } in program {
        let (a, b) = (numbers[a % numbers.len()], numbers[b % numbers.len()]);
        numbers.push(match kind {
            0 => a + b,
            1 => a - b,
            2 => a * b,
            3 => a / (c(2.0) + b * b),
            4 => a.sin() * b,
            5 => (a * b).tanh(),
            6 => (c(1.0) + a * a).sqrt(),
            7 => (-(a * a)).exp() + b,
            8 => (c(1.5) + a * a).powf(b.tanh()),
            9 => a.atan2(c(2.0) + b * b),
            10 if a < b => a * c(0.5),
            10 => b.cos(),
            11 => (c(1.0) + a * a).ln() - c(3.0),
            12 => a.mul_add(b, c(0.25)),
            _ => a.sigmoid() * a.erf(),
        });
        let last = numbers.len() - 1;
        if numbers[last].abs() > c(4.0) {
            numbers[last] = numbers[last].tanh();
        }
    }
    numbers[numbers.len() - 1]
}

fn programs() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..14u8, 0..1000usize, 0..1000usize).prop_map(|(kind, a, b)| Step { kind, a, b });
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn first_and_second_derivatives_agree(program in programs(), x in [-1.5..1.5f64, -1.5..1.5f64]) {
        let program = &program[..];
        let (value, slopes) = gradient(&x, |x| run(program, x));
        prop_assert_eq!(value, run(program, x));
        let rows = hessian(&x, |x| run(program, x));
        let scale = 1e-11 * (1.0 + rows.as_flattened().iter().fold(0.0, |max: f64, h| max.max(h.abs())));
        for i in 0..2 {
            let (plain, forward) = jvp(&x, &unit(i), |x| run(program, x));
            prop_assert_eq!(plain, value);
            assert_close(slopes[i], forward, scale, "gradient");
            for (j, &expected) in rows[i].iter().enumerate() {
                let nested = [
                    jvp(&x, &unit(i), |x| jvp(&x, &unit(j), |x| run(program, x)).1).1,
                    jvp(&x, &unit(i), |x| gradient(&x, |x| run(program, x)).1[j]).1,
                    gradient(&x, |x| jvp(&x, &unit(j), |x| run(program, x)).1).1[i],
                    gradient(&x, |x| gradient(&x, |x| run(program, x)).1[j]).1[i],
                ];
                for (order, h) in ["ff", "fr", "rf", "rr"].into_iter().zip(nested) {
                    assert_close(h, expected, scale, order);
                }
            }
        }
    }

    #[test]
    fn third_derivatives_agree(program in programs(), x in [-1.5..1.5f64, -1.5..1.5f64]) {
        let program = &program[..];
        let fff = jvp(&x, &unit(0), |x| jvp(&x, &unit(1), |x| jvp(&x, &unit(0), |x| run(program, x)).1).1).1;
        let rrr = gradient(&x, |x| gradient(&x, |x| gradient(&x, |x| run(program, x)).1[0]).1[1]).1[0];
        let frf = jvp(&x, &unit(0), |x| gradient(&x, |x| jvp(&x, &unit(0), |x| run(program, x)).1).1[1]).1;
        assert_close(rrr, fff, 1e-8, "rrr");
        assert_close(frf, fff, 1e-8, "frf");
    }

    #[test]
    fn preaccumulating_changes_no_derivative(program in programs(), x in [-1.5..1.5f64, -1.5..1.5f64]) {
        let program = &program[..];
        let (value, slopes) = gradient(&x, |[x, y]| run(program, [x, y]) * (x * y));
        let (cut_value, cut_slopes) = gradient(&x, |x| {
            let [y, z] = preaccumulate(&x, |x| [run(program, x), x[0] * x[1]]);
            y * z
        });
        prop_assert_eq!(value, cut_value);
        for i in 0..2 {
            assert_close(cut_slopes[i], slopes[i], 1e-11, "gradient");
        }
    }
}
