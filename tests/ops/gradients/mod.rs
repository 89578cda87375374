//! Every op's gradient against central differences, in f64.
//!
//! The loss of each case is the sum of the op's value times fixed numbers without symmetry, so that a gradient
//! that is transposed, permuted or summed over the wrong axis does not pass by luck.

use proptest::prelude::*;
use std::collections::BTreeSet;
use unspool::autograd::{hvp, jvp, vjp};
use unspool::ops::Convolution;
use unspool::prelude::*;
use unspool::tensor::Dual;
use unspool::{Indices, ops};
use unspool_tests::{assert_close, values};

#[derive(Params)]
struct Operands<P> {
    a: P,
    b: P,
}

/// A formula of two operands.
type Of<T> = for<'t> fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>;

/// A formula over numbers, duals and nested numbers. Function pointers, so that the checks are compiled once.
#[derive(Clone, Copy)]
struct Function {
    of: Of<f64>,
    of_duals: Of<Dual<f64>>,
    of_nested: Of<nested::Thrice>,
}

/// `f!(|a, b| formula)`: a [`Function`]. The formula sees the element type as `T`.
macro_rules! f {
    (|$a:ident, $b:ident| $formula:expr) => {{
        #[allow(unused_variables)]
        fn of<'t, T: Scalar>($a: Var<'t, T>, $b: Var<'t, T>) -> Var<'t, T> {
            $formula
        }
        Function { of, of_duals: of, of_nested: of }
    }};
}

/// Zeros at some places of a value in row-major order, ones elsewhere.
fn mask<'t, T: Scalar>(x: Var<'t, T>, zeros: &[usize]) -> Var<'t, T> {
    x.tape().constant(&Tensor::from_fn(x.shape(), |i| if zeros.contains(&i) { T::ZERO } else { T::ONE }))
}

/// A value of up to 27 elements, moved so far from each other that none comes near another.
fn apart<T: Scalar>(x: Var<'_, T>) -> Var<'_, T> {
    x + x.tape().constant(&Tensor::from_fn(x.shape(), |i| T::from_f64(10.0 * (i * 7 % 27) as f64)))
}

fn project<T: Scalar>(y: Var<'_, T>) -> Var<'_, T> {
    (y * y.tape().constant(&values(y.shape(), 99).cast())).sum()
}

/// Checks the gradient of a function with operands of the two shapes, also with the same values as strided views; and
/// its second derivatives.
#[track_caller]
fn check(name: &str, shapes: [&[usize]; 2], f: Function) {
    let operands = Operands { a: values(shapes[0], 1), b: values(shapes[1], 2).map(|b| b + 2.5 * b.signum()) };
    if let Err(e) = gradcheck(&operands, |_, o| project((f.of)(o.a, o.b))) {
        panic!("{name} of {shapes:?}: {e}");
    }
    if shapes.iter().all(|shape| shape.len() >= 2) {
        let transposed = Operands { a: operands.a.t().copy(), b: operands.b.t().copy() };
        if let Err(e) = gradcheck(&transposed, |_, o| project((f.of)(o.a.t(), o.b.t()))) {
            panic!("{name} of transposed {shapes:?}: {e}");
        }
    }
    check_second_order(name, &operands, f);
    check_directions(name, &operands, f);
    nested::check_nested(name, &operands, f);
}

/// Holds a Jacobian-vector product against a vector-Jacobian product: `w · (J d) = (w J) · d`.
#[track_caller]
fn check_directions(name: &str, at: &Operands<Tensor<f64>>, f: Function) {
    let direction = Operands { a: values(at.a.shape(), 5), b: values(at.b.shape(), 6) };
    let (value, tangent) = jvp(at, &direction, |_, o| (f.of_duals)(o.a, o.b));
    let seed = values(value.shape(), 7);
    let (same, gradient) = vjp(at, &seed, |_, o| (f.of)(o.a, o.b));
    assert_close(&format!("{name}: value over duals"), &value, &same, 1e-14);
    let terms = |x: &Tensor<f64>, y: &Tensor<f64>| x.zip(y, |x, y| x * y).to_vec();
    let forward = terms(&seed, &tangent);
    let back = [terms(&gradient.a, &direction.a), terms(&gradient.b, &direction.b)].concat();
    let scale = forward.iter().chain(&back).fold(1.0, |sum, x| sum + x.abs());
    let difference = forward.iter().sum::<f64>() - back.iter().sum::<f64>();
    assert!(difference.abs() < 1e-12 * scale, "{name}: jvp and vjp differ by {difference} of {scale}");
}

/// A loss whose own second derivatives are not 0, so that those of `y` and its tangents both count.
fn bend<T: Scalar>(y: Var<'_, T>) -> Var<'_, T> {
    project(y) + project(y.square() * 0.5)
}

/// Holds a Hessian-vector product against central differences of gradients, and a gradient over duals against one on a
/// tape that has forgotten what no rule reads.
#[track_caller]
fn check_second_order(name: &str, at: &Operands<Tensor<f64>>, f: Function) {
    let direction = Operands { a: values(at.a.shape(), 3), b: values(at.b.shape(), 4) };
    let (gradient, product) = hvp(at, &direction, |_, o| bend((f.of_duals)(o.a, o.b)));
    let gradient_at = |step: f64| {
        let moved = |x: &Tensor<f64>, d: &Tensor<f64>| x.zip(d, |x, d| x + step * d);
        let tape = Tape::new();
        let net = tape.bind(&Operands { a: moved(&at.a, &direction.a), b: moved(&at.b, &direction.b) });
        // Copies of the operands, which are forgotten unless the op has said that its rule reads them.
        let since = tape.len();
        let y = (f.of)(net.a * 1.0, net.b * 1.0);
        tape.release(since..tape.len(), &[y]);
        bend(y).backward().of(&net)
    };
    let h = 1e-3;
    let [near, back, far, far_back] = [h, -h, 2.0 * h, -2.0 * h].map(gradient_at);
    type Part = fn(&Operands<Tensor<f64>>) -> &Tensor<f64>;
    let parts: [(&str, Part); 2] = [("a", |o| &o.a), ("b", |o| &o.b)];
    for (operand, part) in parts {
        assert_close(
            &format!("{name}: gradient of {operand} by duals"),
            part(&gradient),
            part(&gradient_at(0.0)),
            1e-13,
        );
        let near = part(&near).zip(part(&back), |a, b| 8.0 * (a - b));
        let far = part(&far).zip(part(&far_back), |a, b| a - b);
        let difference = near.zip(&far, |near, far| (near - far) / (12.0 * h));
        assert_close(&format!("{name}: second derivatives of {operand}"), part(&product), &difference, 1e-7);
    }
}

/// The cases of one op: the name of its file, and what to check.
type Case = (&'static str, fn(&str));

const BROADCASTS: [[&[usize]; 2]; 6] =
    [[&[3, 4], &[3, 4]], [&[2, 3, 4], &[4]], [&[3, 1], &[1, 4]], [&[], &[2, 2]], [&[1, 1], &[3, 2]], [&[0, 2], &[2]]];
const SHAPES: [&[usize]; 5] = [&[], &[1], &[5], &[3, 4], &[2, 0]];

macro_rules! binary {
    ($op:tt) => {
        |name| {
            for shapes in BROADCASTS {
                check(name, shapes, f!(|a, b| a $op b));
                check(name, shapes, f!(|a, b| b + a $op 0.75));
                check(name, [shapes[1], shapes[1]], f!(|a, b| a + (0.75 $op b)));
            }
        }
    };
}

macro_rules! unary {
    (|$x:ident| $formula:expr) => {
        |name| {
            for shape in SHAPES {
                check(
                    name,
                    [shape, shape],
                    f!(|a, b| {
                        let $x = a;
                        let of_a = $formula;
                        let $x = b;
                        of_a + $formula
                    }),
                );
            }
        }
    };
}

mod elementwise;
mod nested;
mod reductions;
mod shapes;

/// All cases.
fn cases() -> impl Iterator<Item = &'static Case> {
    [elementwise::CASES, reductions::CASES, shapes::CASES].into_iter().flatten()
}

#[test]
fn every_op_agrees_with_central_differences() {
    for (name, case) in cases() {
        case(name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Sizes 0 and 1, rank 0, and operands that broadcast, at random. Smooth ops only: a kink within a step of some
    /// random value would fail now and then.
    #[test]
    fn smooth_ops_agree_with_central_differences_at_random_shapes(
        sizes in prop::collection::vec(0..4usize, 0..4),
        keep in prop::collection::vec(any::<bool>(), 4),
        cut in 0..4usize,
        axis in 0..4usize,
    ) {
        let small: Vec<usize> = sizes.iter().zip(&keep).map(|(&n, &k)| if k { n } else { 1 }).skip(cut).collect();
        check("arithmetic", [&sizes, &small], f!(|a, b| (a * b - a / b + 0.5 * b).tanh() + (b - a).sigmoid()));
        if sizes.is_empty() {
            return Ok(());
        }
        let axis = axis % sizes.len();
        // The axis first, so that formulas need not know which it was.
        let mut moved = sizes.clone();
        moved.swap(0, axis);
        check("sums", [&moved, &small], f!(|a, b| a.square().sum_axes(&[0]).sum() * b.sum() + a.mean_keepdim(&[0]) * a));
        check("order", [&moved, &moved], f!(|a, b| a.flip(0).cumsum(0) * Var::concat(0, &[b, a]).slice(0, ..a.shape()[0])));
        check("stack", [&moved, &moved], f!(|a, b| Var::stack(0, &[a * b, b, a]).flip(0).t() * 2.0));
        check("repeat", [&moved, &moved], f!(|a, b| a.repeat(0, 2) * b.repeat(0, 2) + a.repeat(0, 2).square()));
        check("cumprod", [&moved, &moved], f!(|a, b| a.cumprod(0) * b + (a * mask(a, &[1, 2])).cumprod(0)));
        check("products", [&moved, &small], f!(|a, b| {
            let (n, m) = (a.shape()[0], b.shape().numel());
            let (a, b) = (a.reshape([n, a.shape().numel() / n.max(1)]), b.reshape([m]));
            let each = Var::einsum("ij,k->kji", a, b);
            Var::einsum("kji,il->jlk", each, a).sum() + a.t().matmul(a).sum() * b.dot(b) + b.outer(b).mean_axes(&[0])
        }));
        if moved[0] > 0 {
            check("places", [&moved, &moved], f!(|a, b| {
                let n = a.shape()[0];
                let numbers = |k: usize| (0..2 * a.shape().numel()).map(|i| (i * k + i / n) % n).collect();
                let at = |k: usize| Indices::from_vec(numbers(k), a.shape().with(0, 2 * n));
                a.scatter_add(0, at(1), b.gather(0, at(2)) * a.gather(0, at(3))) * b.index_select(0, vec![n - 1; n])
            }));
            check(
                "means",
                [&moved, &moved],
                f!(|a, b| a.mean_keepdim(&[0]) * b + b.var_axes(&[0], 0) * a.mean_axes(&[0]))
            );
        }
        if moved.last().is_some_and(|&n| n > 0) {
            check("layer_norm", [&moved, &moved], f!(|a, b| a.layer_norm(0.1) * b + b.layer_norm(1.0)));
        }
        if moved[0] > 0 {
            check("softmax", [&moved, &moved], f!(|a, b| a.softmax(0) * b.log_softmax(0) + a.logsumexp_axes(&[0])));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The other ops. The values are the same in every run, only the shapes change, so none lies at a kink by chance.
    #[test]
    fn other_ops_agree_with_central_differences_at_random_shapes(
        sizes in prop::collection::vec(0..4usize, 0..4),
        keep in prop::collection::vec(any::<bool>(), 4),
        cut in 0..4usize,
        axis in 0..4usize,
        (time, kernel, features) in (1..7usize, 1..4usize, 0..3usize),
        (stride, dilation) in (1..4usize, 1..3usize),
    ) {
        let small: Vec<usize> = sizes.iter().zip(&keep).map(|(&n, &k)| if k { n } else { 1 }).skip(cut).collect();
        check("powers", [&sizes, &small], f!(|a, b| (a.square() + 0.2).pow(b) + a.powi(3) * b.reciprocal() + (a.square() + 0.1).sqrt()));
        check("activations", [&sizes, &small], f!(|a, b| a.gelu() * b.silu() + (a * 3.0).softplus() + a.gelu_tanh() * b.elu(1.3)));
        check("waves", [&sizes, &small], f!(|a, b| a.sin() * b.cos() + a.exp() * (b.square() + 0.1).ln() + a.expm1() + b.square().ln1p()));
        check("kinks", [&sizes, &small], f!(|a, b| {
            let folded = (a + 0.0123).relu() + (a + 0.0123).abs() * b.sign() + (a + 0.0123).leaky_relu(0.2);
            folded + (a * 0.9871).hardtanh() + (a * 7.3).hardsigmoid() + (a + 0.017).maximum(b * 0.2).minimum(b + 0.011)
        }));
        check("choice", [&sizes, &small], f!(|a, b| {
            let mask = mask(a, &[1, 4, 5]);
            mask.where_(a, b).masked_fill(mask * 0.0, 2.0) * a.dropout(0.3, 5) + a.lerp(b, b * a)
        }));
        if !sizes.is_empty() {
            let axis = axis % sizes.len();
            let mut moved = sizes.clone();
            moved.swap(0, axis);
            check("shapes", [&moved, &moved], f!(|a, b| {
                let n = a.shape()[0];
                let wide = a.pad(0, 2, 1) * b.unsqueeze(0).expand(Var::stack(0, &[b, b]).shape()).sum_axes(&[0]).pad(0, 1, 2);
                wide.slice_step(0, .., -2).sum() * a.unsqueeze(1).transpose(0, 1).squeeze(0) + a.slice(0, ..n)
            }));
            check("norms", [&moved, &moved], f!(|a, b| (a.norm_keepdim(&[0]) + b.square()) * (b + 5.0).norm()));
            if moved[0] > 0 {
                check("largest", [&moved, &moved], f!(|a, b| apart(a).max_keepdim(&[0]) * b + apart(b).min_axes(&[0]) * a));
                check("spread", [&moved, &moved], f!(|a, b| (a.var_keepdim(&[0], 0) + 0.1).sqrt() * b + b.take_along(0, apart(b).argmax_keepdim(0))));
            }
        }
        let how = Convolution { stride, before: kernel, after: 2 * kernel, dilation };
        let operands = Operands { a: values([time, 2, features], 1), b: values([kernel, features, 2], 2) };
        gradcheck(&operands, |_, o| project(o.a.conv1d(o.b, how))).unwrap();
    }
}

#[test]
fn shorthands_see_the_right_elements() {
    let tape = Tape::new();
    let x = tape.constant(&Tensor::from_fn([3, 4], |i| i as f64));
    assert_eq!(x.last().value().to_vec(), [8.0, 9.0, 10.0, 11.0]);
    assert_eq!(x.unbind().map(|row| row.value().at([1])).collect::<Vec<_>>(), [1.0, 5.0, 9.0]);
    let [left, right] = x.chunks();
    assert_eq!(left.value().to_vec(), [0.0, 1.0, 4.0, 5.0, 8.0, 9.0]);
    assert_eq!(right.value().to_vec(), [2.0, 3.0, 6.0, 7.0, 10.0, 11.0]);
    assert_eq!(x.t().value().to_vec(), [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]);
}

#[test]
fn every_op_has_a_gradient_test() {
    let tested: BTreeSet<_> = cases().map(|(name, _)| *name).collect();
    assert_eq!(tested, ops::NAMES.iter().copied().collect());
}
