//! Gradient descent whose gradients are derivatives in either mode, of a program that may compute derivatives itself.

use unspool::Number;
use unspool::autograd::Tangents;
use unspool::autograd::numbers::{NumberTape, Reverse};

/// A number that one of type `N` is a constant for: `N` itself, or one that carries derivatives by others.
pub(super) trait Over<N>: Number {
    fn constant(x: N) -> Self;
}

impl<N: Number> Over<N> for N {
    #[inline(always)]
    fn constant(x: N) -> Self {
        x
    }
}

impl<N: Number, const K: usize> Over<N> for Tangents<N, K> {
    #[inline(always)]
    fn constant(x: N) -> Self {
        Tangents::constant(x)
    }
}

impl<N: Number> Over<N> for Reverse<'_, N> {
    #[inline(always)]
    fn constant(x: N) -> Self {
        Reverse::constant(x)
    }
}

/// A function of `K` numbers that holds further ones, of type `N`.
pub(super) trait Program<N, const K: usize> {
    fn value<M: Over<N>>(&self, x: [M; K]) -> M;
}

/// How values and gradients are computed, in memory that a loop keeps.
pub(super) trait Mode {
    type Memory<N: Number>: Default;
    fn gradient<N: Number, const K: usize>(
        memory: &mut Self::Memory<N>,
        program: &impl Program<N, K>,
        x: [N; K],
    ) -> (N, [N; K]);
}

/// In one pass, with a tangent for each input.
pub(super) struct ForwardMode;

impl Mode for ForwardMode {
    type Memory<N: Number> = ();
    fn gradient<N: Number, const K: usize>((): &mut (), program: &impl Program<N, K>, x: [N; K]) -> (N, [N; K]) {
        let mut x = x.map(Tangents::constant);
        for (i, x) in x.iter_mut().enumerate() {
            x.tangents[i] = N::ONE;
        }
        let y = program.value(x);
        (y.value, y.tangents)
    }
}

/// In one pass backward.
pub(super) struct ReverseMode;

impl Mode for ReverseMode {
    type Memory<N: Number> = NumberTape<N>;
    fn gradient<N: Number, const K: usize>(
        tape: &mut NumberTape<N>,
        program: &impl Program<N, K>,
        x: [N; K],
    ) -> (N, [N; K]) {
        tape.gradient(&x, |x| program.value(x))
    }
}

/// Where gradient descent from `x` ends. The step size doubles after ten steps that went down, and halves where one
/// would go up.
pub(super) fn argmin<G: Mode, N: Number, const K: usize>(program: &impl Program<N, K>, mut x: [N; K]) -> [N; K] {
    let length = |x: [f64; K]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut memory = G::Memory::default();
    let (mut value, mut slopes) = G::gradient(&mut memory, program, x);
    let (mut rate, mut steps) = (1e-5, 0);
    loop {
        if length(slopes.map(N::to_f64)) <= 1e-5 {
            return x;
        }
        if steps == 10 {
            (rate, steps) = (rate * 2.0, 0);
        }
        let next: [N; K] = std::array::from_fn(|i| x[i] - N::from_f64(rate) * slopes[i]);
        if length(std::array::from_fn(|i| next[i].to_f64() - x[i].to_f64())) <= 1e-5 {
            return x;
        }
        let (next_value, next_slopes) = G::gradient(&mut memory, program, next);
        if next_value < value {
            (x, value, slopes) = (next, next_value, next_slopes);
            steps += 1;
        } else {
            (rate, steps) = (rate / 2.0, 0);
        }
    }
}
