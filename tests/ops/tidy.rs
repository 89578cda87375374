//! Values that die at the end of a scope, and handles to them.

use unspool::prelude::*;

fn step<'t>(w: Var<'t>, [h]: [Var<'t>; 1]) -> [Var<'t>; 1] {
    [(h.matmul(w) + 0.5).tanh() * h]
}

/// The first steps depend on constants alone.
fn late_step<'t>(w: Var<'t>, i: usize, [h]: [Var<'t>; 1]) -> [Var<'t>; 1] {
    if i < 5 { [h.sin()] } else { step(w, [h]) }
}

#[test]
fn a_loop_of_constants_takes_the_memory_of_one_step() {
    let tape = Tape::new();
    let w = tape.constant(&Tensor::<f32>::from_fn([8, 8], |i| (i as f32).sin() * 0.3));
    let start = tape.constant(&Tensor::ones([4, 8]));
    let length = |steps: usize| {
        tape.fori_loop(0..steps, [start], |_, h| step(w, h));
        tape.len()
    };
    let once = length(1);
    assert_eq!(length(1000), once + 1, "the result of each loop");
    let [looped] = tape.fori_loop(0..10, [start], |_, h| step(w, h));
    let [plain] = (0..10).fold([start], |h, _| step(w, h));
    assert_eq!(looped.value(), plain.value());
}

#[test]
fn a_loop_with_a_gradient_is_the_plain_loop() {
    let gradient = |looped: bool| {
        let tape = Tape::new();
        let w = tape.variable(&Tensor::<f32>::from_fn([8, 8], |i| (i as f32).sin() * 0.3));
        let start = tape.constant(&Tensor::ones([4, 8]));
        let [h] = match looped {
            true => tape.fori_loop(0..20, [start], |i, h| late_step(w, i, h)),
            false => (0..20).fold([start], |h, i| late_step(w, i, h)),
        };
        h.sum().backward().wrt(w)
    };
    assert_eq!(gradient(true), gradient(false));
}

#[test]
fn results_keep_their_identity() {
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f32>::ones([2]));
    let [a, b, c, d] = tape.tidy(|| {
        let y = x + 1.0;
        [y, x, y * 2.0, y]
    });
    assert!(a.ptr_eq(d) && b.ptr_eq(x) && !a.ptr_eq(c));
    assert_eq!([a, b, c].map(|var| var.value().at([0])), [2.0, 1.0, 4.0]);
}

#[test]
fn a_scope_frees_packed_matrices() {
    let tape = Tape::new();
    let w = tape.constant(&Tensor::<f32>::from_fn([40, 40], |i| (i as f32).sin()));
    let x = tape.constant(&Tensor::ones([4, 40]));
    let product = |factor: f64| {
        let scaled = w * factor; // has the id of the matrix before
        [x.matmul(scaled.t()) + x.matmul(scaled.t()), x.matmul(scaled) + x.matmul(scaled)]
    };
    for factor in [1.0, 2.0, 3.0] {
        let [a, b] = tape.tidy(|| product(factor));
        let [plain_a, plain_b] = product(factor);
        assert_eq!((a.value(), b.value()), (plain_a.value(), plain_b.value()));
    }
}

#[test]
#[should_panic(expected = "add: this value was computed inside a scope and freed at its end; return it from there")]
fn a_freed_value_is_not_another_one() {
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f32>::ones([2]));
    let mut inside = x;
    let [y] = tape.tidy(|| {
        inside = x + 1.0;
        [inside * 2.0]
    });
    let _ = y + inside; // has the id of `y`
}

#[test]
#[should_panic(expected = "value: this value was computed inside a scope and freed at its end; return it from there")]
fn a_freed_value_has_no_elements() {
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f32>::ones([2]));
    let mut inside = x;
    tape.tidy(|| {
        inside = x + 1.0;
        []
    });
    inside.value();
}

#[test]
#[should_panic(expected = "tidy: a returned variable belongs to another tape")]
fn a_scope_returns_its_own() {
    let (tape, other) = (Tape::<f32>::new(), Tape::new());
    let y = other.constant(&Tensor::ones([2]));
    tape.tidy(|| [y]);
}
