//! Checkpointed segments and scopes in one another, and what is left of the one after the other.

use unspool::prelude::*;

fn ones(size: usize) -> Tensor {
    Tensor::ones([size])
}

/// Twenty values, the last of which is returned.
fn chain(x: Var<'_>) -> Var<'_> {
    (0..10).fold(x, |x, _| (x * 1.01).tanh())
}

#[test]
fn segments_of_constants_die_with_their_scope() {
    let tape = Tape::new();
    let x = tape.constant(&ones(3));
    let [looped] = tape.fori_loop(0..10, [x], |_, [x]| tape.checkpoint(|| [(x * 1.1).tanh()]));
    let plain = (0..10).fold(x, |x, _| (x * 1.1).tanh());
    assert_eq!(looped.value(), plain.value());
    for _ in 0..3 {
        tape.tidy(|| tape.checkpoint(|| [chain(x)]));
    }
    // Ids of the scope are used again, by values with a gradient.
    let v = tape.variable(&ones(3));
    let (y, z) = (chain(v), chain(chain(chain(v))));
    let [w] = tape.checkpoint(|| [chain(z)]);
    let gradient = (y + w).sum().backward().wrt(v);
    let fresh = Tape::new();
    let v = fresh.variable(&ones(3));
    assert_eq!(gradient, (chain(v) + chain(chain(chain(chain(v))))).sum().backward().wrt(v));
    assert!(z.value().to_vec().iter().all(|x| x.is_finite()));
}

/// A matrix of a scope that has ended, and another one that gets its id.
#[test]
fn the_first_use_of_a_matrix_that_died_is_forgotten() {
    let [large, rows] = [[600, 600], [5, 600]].map(|shape| Tensor::<f32>::from_fn(shape, |i| (i as f32).sin() * 0.02));
    let gradient = |checkpointed: bool| {
        let tape = Tape::new();
        let (x, m) = (tape.constant(&rows), tape.constant(&large));
        let _ = tape.tidy(|| {
            let halves = (0..20).fold(m, |m, _| m * 0.5);
            [x.matmul(halves) + x.matmul(halves)]
        });
        let (w, x) = (tape.variable(&large), tape.variable(&rows));
        let products = || [(0..3).fold(x, |x, _| x.matmul(w).tanh())];
        let [y] = if checkpointed { tape.checkpoint(products) } else { products() };
        y.sum().backward().wrt(w)
    };
    assert_eq!(gradient(true), gradient(false));
}

#[test]
fn a_segment_inside_a_scope_is_dropped_again() {
    let bytes = |tidied: bool| {
        let tape = Tape::new();
        let mut x = tape.variable(&ones(10_000));
        for _ in 0..20 {
            let segment = || tape.checkpoint(|| [chain(x)]);
            [x] = if tidied { tape.tidy(segment) } else { segment() };
        }
        let gradient = x.sum().backward();
        let after = tape.bytes(0..tape.len());
        drop(gradient);
        after
    };
    assert!(bytes(true) <= bytes(false), "{} {}", bytes(true), bytes(false));
}

#[test]
fn a_constant_of_a_segment_outlives_the_end_of_its_scope() {
    let tape = Tape::new();
    let x = tape.variable(&ones(4));
    let [y] = tape.tidy(|| tape.checkpoint(|| [(x + tape.constant(&ones(4))).sin()]));
    assert_eq!(y.sum().backward().wrt(x), ones(4).map(|x| (x + 1.0f32).cos()));
}

#[test]
fn a_segment_that_no_gradient_reaches_is_not_made_again() {
    let tape = Tape::new();
    let (x, c) = (tape.variable(&ones(4)), tape.constant(&ones(4)));
    let [b] = tape.checkpoint(|| [chain(c)]);
    let [y] = tape.checkpoint(|| [chain(x)]);
    (x * b).sum().backward();
    assert_eq!(tape.recomputed(), 0);
    (y * b).sum().backward();
    assert_eq!(tape.recomputed(), 19, "the values of y but itself");
}

#[test]
fn what_is_kept_is_copied_out_of_a_larger_block() {
    let tape = Tape::new();
    let x = tape.variable(&ones(100_000));
    let since = tape.len();
    let [y] = tape.checkpoint(|| [x.exp().slice(0, ..10)]);
    assert!(tape.bytes(since..tape.len()) < 10_000);
    assert_eq!(y.sum().backward().wrt(x).sum().item(), 10.0 * 1f32.exp());
}

#[test]
#[should_panic(expected = "gradient: this value was computed inside a scope and freed at its end")]
fn a_value_that_was_freed_has_no_gradient() {
    let tape = Tape::new();
    let c = tape.constant(&ones(1));
    let mut freed = c;
    let _ = tape.tidy(|| {
        freed = c.sin(); // the first value of the scope, whose id the result takes
        [freed.cos()]
    });
    let xs = [0, 1].map(|_| tape.variable(&ones(1)));
    (xs[0] + xs[1]).sum().backward().wrt(freed);
}
