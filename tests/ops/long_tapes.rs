//! Long sequences: nothing recurses over the tape, and cost grows linearly.

use unspool::prelude::*;

#[test]
fn a_million_chained_steps_run_on_a_default_stack() {
    const STEPS: usize = 1_000_000;
    // A thread of the default stack size, whatever thread the test harness gives us.
    let gradient = std::thread::spawn(|| {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::<f64>::scalar(1.0));
        let y = (0..STEPS).fold(x, |y, _| y - 1e-6 * x);
        assert_eq!(tape.len(), 1 + 3 * STEPS);
        assert!(y.item().abs() < 1e-9);
        y.backward().wrt(x).item()
    })
    .join()
    .expect("no overflow");
    assert!(gradient.abs() < 1e-9, "d/dx of x - 1e6 * 1e-6 x is 0, not {gradient}");
}

#[test]
fn the_tape_of_a_recurrent_layer_grows_linearly_in_time() {
    let layer = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 2, 3));
    let length = |steps: usize| {
        let tape = Tape::new();
        tape.bind(&layer).forward(tape.constant(&Tensor::ones([steps, 4, 2]))).sequence();
        tape.len()
    };
    assert_eq!(length(400) - length(300), length(200) - length(100));
    let parts = 100 * 4 / 256 + 1; // of the projection, 256 rows each
    assert!(
        length(200) - length(100) <= 100 * 4 + parts * 3,
        "four values per step: slice, product, sum, tanh; and three per part: slice, linear, reshape"
    );
}

#[test]
fn selecting_each_step_of_a_long_sequence_is_linear() {
    // A gradient the size of the sequence for each of its 20,000 steps would be 1.6 TB of traffic.
    let (steps, features) = (20_000, 1_000);
    let tape = Tape::new();
    let xs = tape.variable(&Tensor::<f32>::ones([steps, features]));
    let total = xs.unbind().fold(None, |sum, x| Some(sum.map_or(x, |s| s + x))).unwrap();
    assert_eq!(total.sum().backward().wrt(xs), Tensor::ones([steps, features]));
}
