use super::*;
use unspool_tensor::{Dual, Number};

/// d/dx (x d/dy (x + y)) = 1: whoever confuses the two derivatives gets 2 (Siskind and Pearlmutter 2005, "Perturbation
/// confusion and referential transparency").
#[test]
fn derivatives_in_derivatives_are_not_confused() {
    let forward_forward = derivative(1.0, |x| x * derivative(Dual::constant(1.0), |y| Dual::constant(x) + y).1).1;
    let forward_reverse = derivative(1.0, |x| x * gradient(&Dual::constant(1.0), |y| Reverse::constant(x) + y).1).1;
    let reverse_forward = gradient(&1.0, |x| x * derivative(Reverse::constant(1.0_f64), |y| Dual::constant(x) + y).1).1;
    let reverse_reverse =
        gradient(&1.0, |x| x * gradient(&Reverse::constant(1.0_f64), |y| Reverse::constant(x) + y).1).1;
    assert_eq!([forward_forward, forward_reverse, reverse_forward, reverse_reverse], [1.0; 4]);
}

/// d/dx (x d/dy (x y²) at y = 3) = d/dx 6 x² = 12 x, in every nesting.
#[test]
fn the_outer_derivative_sees_the_inner_one() {
    let forward_forward = derivative(2.0, |x| x * derivative(Dual::constant(3.0), |y| Dual::constant(x) * y * y).1).1;
    let forward_reverse = derivative(2.0, |x| x * gradient(&Dual::constant(3.0), |y| Reverse::constant(x) * y * y).1).1;
    let reverse_forward = gradient(&2.0, |x| x * derivative(Reverse::constant(3.0), |y| Dual::constant(x) * y * y).1).1;
    let reverse_reverse =
        gradient(&2.0, |x| x * gradient(&Reverse::constant(3.0), |y| Reverse::constant(x) * y * y).1).1;
    assert_eq!([forward_forward, forward_reverse, reverse_forward, reverse_reverse], [24.0; 4]);
}

fn determinant<N: Number>(a: &[N], rows: &[usize], columns: &mut Vec<usize>) -> N {
    let [first, rows @ ..] = rows else { return N::ONE };
    let mut sum = N::ZERO;
    let mut sign = N::ONE;
    for j in 0..columns.len() {
        let column = columns.remove(j);
        sum += sign * a[first * 4 + column] * determinant(a, rows, columns);
        columns.insert(j, column);
        sign = -sign;
    }
    sum
}

#[test]
fn a_preaccumulated_function_has_the_derivatives_of_the_function() {
    let a: Vec<f64> = (0..16).map(|i| ((i * 7 + 3) % 11) as f64 + if i % 5 == 0 { 4.0 } else { 0.5 }).collect();
    let rows = [0, 1, 2, 3];
    let whole = gradient(&a, |a| determinant(&a, &rows, &mut vec![0, 1, 2, 3]));
    let cut = gradient(&a, |a| {
        let mut sum = Reverse::ZERO;
        for j in 0..4 {
            let mut columns: Vec<usize> = (0..4).filter(|&k| k != j).collect();
            let [minor] = preaccumulate(&a[4..], |a| {
                let mut all = vec![Reverse::NAN; 4];
                all.extend(a);
                [determinant(&all, &rows[1..], &mut columns)]
            });
            sum += if j % 2 == 0 { a[j] * minor } else { -a[j] * minor };
        }
        sum
    });
    assert_eq!(whole.0, cut.0);
    for (x, y) in whole.1.iter().zip(&cut.1) {
        assert!((x - y).abs() < 1e-12 * x.abs().max(1.0), "{x} is not {y}");
    }
}
