//! Every op's gradient against central differences, in f64.
//!
//! The loss of each case is the sum of the op's value times fixed numbers without symmetry, so that a gradient
//! that is transposed, permuted or summed over the wrong axis does not pass by luck.

use proptest::prelude::*;
use std::collections::BTreeSet;
use unspool::prelude::*;
use unspool::{hvp, ops};
use unspool_tests::{assert_close, values};

#[derive(Params)]
struct Operands<P> {
    a: P,
    b: P,
}

/// A function of two operands, for any element type.
trait Function {
    fn of<'t, T: Scalar>(a: Var<'t, T>, b: Var<'t, T>) -> Var<'t, T>;
}

/// `f!(|a, b| formula)`: a [`Function`]. The formula sees the element type as `T`.
macro_rules! f {
    (|$a:ident, $b:ident| $formula:expr) => {{
        struct F;
        impl Function for F {
            #[allow(unused_variables)]
            fn of<'t, T: Scalar>($a: Var<'t, T>, $b: Var<'t, T>) -> Var<'t, T> {
                $formula
            }
        }
        F
    }};
}

fn project<T: Scalar>(y: Var<'_, T>) -> Var<'_, T> {
    (y * y.tape().constant(&values(y.shape(), 99).cast())).sum()
}

/// Checks the gradient of a function with operands of the two shapes, also with the same values as strided views; and
/// its second derivatives.
#[track_caller]
fn check<F: Function>(name: &str, shapes: [&[usize]; 2], _: F) {
    let operands = Operands { a: values(shapes[0], 1), b: values(shapes[1], 2).map(|b| b + 2.5 * b.signum()) };
    if let Err(e) = gradcheck(&operands, |_, o| project(F::of(o.a, o.b))) {
        panic!("{name} of {shapes:?}: {e}");
    }
    if shapes.iter().all(|shape| shape.len() >= 2) {
        let transposed = Operands { a: operands.a.t().copy(), b: operands.b.t().copy() };
        if let Err(e) = gradcheck(&transposed, |_, o| project(F::of(o.a.t(), o.b.t()))) {
            panic!("{name} of transposed {shapes:?}: {e}");
        }
    }
    check_second_order::<F>(name, &operands);
}

/// Holds a Hessian-vector product against central differences of gradients.
#[track_caller]
fn check_second_order<F: Function>(name: &str, at: &Operands<Tensor<f64>>) {
    let direction = Operands { a: values(at.a.shape(), 3), b: values(at.b.shape(), 4) };
    let (gradient, product) = hvp(at, &direction, |_, o| project(F::of(o.a, o.b)));
    let gradient_at = |step: f64| {
        let moved = |x: &Tensor<f64>, d: &Tensor<f64>| x.zip("move", d, |x, d| x + step * d);
        let tape = Tape::new();
        let net = tape.bind(&Operands { a: moved(&at.a, &direction.a), b: moved(&at.b, &direction.b) });
        project(F::of(net.a, net.b)).backward().of(&net)
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
        let near = part(&near).zip("sub", part(&back), |a, b| 8.0 * (a - b));
        let far = part(&far).zip("sub", part(&far_back), |a, b| a - b);
        let difference = near.zip("sub", &far, |near, far| (near - far) / (12.0 * h));
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

const CASES: &[Case] = &[
    ("add", binary!(+)),
    ("sub", binary!(-)),
    ("mul", binary!(*)),
    ("div", |name| {
        for shapes in BROADCASTS {
            check(name, shapes, f!(|a, b| a / b + a / 0.75)); // b is kept away from 0
            check(name, shapes, f!(|a, b| a + 0.75 / b));
        }
    }),
    ("neg", unary!(|x| -x)),
    ("square", unary!(|x| x.square())),
    ("tanh", unary!(|x| x.tanh())),
    ("sigmoid", unary!(|x| x.sigmoid())),
    ("relu", unary!(|x| (x + 0.01).relu())), // no value lies within a step of the kink
    ("sqrt", unary!(|x| (x.square() + 0.1).sqrt())),
    ("exp", unary!(|x| x.exp())),
    ("expm1", unary!(|x| x.expm1())),
    ("ln", unary!(|x| (x.square() + 0.1).ln())),
    ("ln1p", unary!(|x| x.square().ln1p())),
    ("sin", unary!(|x| x.sin())),
    ("cos", unary!(|x| x.cos())),
    ("abs", unary!(|x| (x + 0.01).abs())),
    ("sign", unary!(|x| (x + 0.01).sign() * x)),
    ("reciprocal", unary!(|x| (x.square() + 0.1).reciprocal())),
    ("softplus", unary!(|x| (x * 3.0).softplus())),
    ("silu", unary!(|x| x.silu())),
    ("hardsigmoid", unary!(|x| (x * 7.3).hardsigmoid())), // on both sides of the kinks
    ("clamp", unary!(|x| x.clamp(-0.52, 0.31) + (x * 2.1).hardtanh())),
    ("leaky_relu", unary!(|x| (x + 0.01).leaky_relu(0.2))),
    ("elu", unary!(|x| (x + 0.01).elu(1.3))),
    ("gelu", unary!(|x| x.gelu() + x.gelu_tanh())),
    ("pow", |name| {
        for shapes in BROADCASTS {
            check(name, shapes, f!(|a, b| (a.square() + 0.2).pow(b)));
            check(name, shapes, f!(|a, b| a + b.powi(3) + b.powi(-1) + b.square().powf(1.3)));
        }
    }),
    ("maximum", |name| BROADCASTS.iter().for_each(|shapes| check(name, *shapes, f!(|a, b| a.minimum(b * 0.2))))),
    ("maximum", |name| BROADCASTS.iter().for_each(|shapes| check(name, *shapes, f!(|a, b| a.maximum(b * 0.2))))),
    ("where_", |name| {
        for shapes in BROADCASTS {
            check(
                name,
                shapes,
                f!(|a, b| {
                    let condition =
                        a.tape().constant(&a.value().map(|x| if x > T::from_f64(0.1) { T::ONE } else { T::ZERO }));
                    condition.where_(a, b) + condition.where_(b, a * b)
                }),
            );
        }
    }),
    ("matmul", |name| {
        for shapes in [[&[3, 4][..], &[4, 5][..]], [&[1, 1], &[1, 1]], [&[3, 1], &[1, 2]]] {
            check(name, shapes, f!(|a, b| a.matmul(b)));
        }
        for shapes in [[&[2, 3, 4][..], &[4, 5][..]], [&[4], &[4, 2]], [&[2, 0], &[0, 3]], [&[0, 2], &[2, 3]]] {
            let o = Operands { a: values(shapes[0], 1), b: values(shapes[1], 2) };
            gradcheck(&o, |_, o| project(o.a.matmul(o.b))).unwrap();
        }
        for shapes in [
            [&[2, 3, 4][..], &[2, 4, 2][..]],
            [&[3, 4], &[2, 4, 2]],
            [&[2, 1, 3, 4], &[5, 4, 2]],
            [&[0, 2, 3], &[1, 3, 2]],
        ] {
            check(name, shapes, f!(|a, b| a.matmul(b)));
        }
        // A weight used at many steps, as a recurrent one is: its gradient is collected and computed at once.
        let o = Operands { a: values([40, 3], 1), b: values([3, 3], 2) };
        gradcheck(&o, |_, o| project((0..20).fold(o.a, |h, _| h.matmul(o.b).tanh()))).unwrap();
    }),
    ("sum", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.sum() * b.sum()));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.sum_axes(&[0, 2]) + b.sum_axes(&[1]).sum()));
        check(name, [&[], &[2, 0]], f!(|a, b| a.sum() + b.sum_axes(&[1])));
    }),
    ("mean", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.mean() * b.mean()));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.mean_axes(&[0, 2]) + b.mean_axes(&[1]).mean()));
    }),
    ("max", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.max() * b.max()));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.max_axes(&[0, 2]) + b.max_axes(&[1]).sum()));
        check(name, [&[2, 3], &[2, 3]], f!(|a, b| (a.max_keepdim(&[1]) - b) * a));
        check(name, [&[], &[0, 2]], f!(|a, b| a.max() + b.max_axes(&[1]).sum()));
    }),
    ("max", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.min() * b.min()));
        check(name, [&[2, 3], &[2, 3]], f!(|a, b| (a.min_keepdim(&[1]) - b.min_axes(&[0])) * a));
    }),
    ("var", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.var_axes(&[1], 1) + b.var_axes(&[0, 1], 0)));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.std_axes(&[0, 2], 1) * b.std_axes(&[2, 0], 0)));
    }),
    ("norm", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.norm(&[1]) + b.norm(&[0, 1])))),
    ("logsumexp", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| (a * 5.0).logsumexp(&[1]) + b.logsumexp(&[1, 0])));
        check(name, [&[], &[1, 1]], f!(|a, b| a.logsumexp(&[]) + b.logsumexp(&[0])));
    }),
    ("softmax", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.softmax(1) * b.softmax(0)));
        check(name, [&[1, 1], &[0, 2]], f!(|a, b| a.softmax(1).sum() + b.softmax(1).sum()));
    }),
    ("log_softmax", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| (a * 5.0).log_softmax(1) * b.log_softmax(0)))),
    ("cumsum", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.cumsum(1) * b.cumsum(0)));
        check(name, [&[2, 3, 2], &[0, 2]], f!(|a, b| a.cumsum(1).sum() + b.cumsum(0).sum()));
    }),
    ("expand", |name| check(name, [&[3, 1], &[4]], f!(|a, b| a.reshape([3, 1]).expand([2, 3, 4]) * b))),
    ("flip", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.flip(0) * b.flip(1)))),
    ("pad", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.pad(0, 1, 2).last().sum() + a.pad(1, 2, 0) * b.pad(1, 0, 2)))
    }),
    ("concat", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| Var::concat(1, &[a, b, a * b]) * Var::concat(1, &[b, b, a])));
        check(
            name,
            [&[2, 2], &[0, 2]],
            f!(|a, b| Var::concat(0, &[a.reshape([2, 2]), b.reshape([0, 2]), a.reshape([2, 2])])),
        );
    }),
    ("index_select", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.index_select(0, [2, 0, 2, 2]) * b.index_select(0, [1, 1, 0, 2])));
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.index_select(1, [3, 3]).sum() + b.index_select(1, []).sum()));
    }),
    ("reshape", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.unsqueeze(1).squeeze(1) * b.reshape([3, 4])))),
    ("reshape", |name| check(name, [&[2, 6], &[3, 4]], f!(|a, b| a.reshape([3, 4]) * b))),
    ("permute", |name| {
        check(
            name,
            [&[2, 3, 4], &[4, 2, 3]],
            f!(|a, b| a.reshape([2, 3, 4]).permute(&[2, 0, 1]) * b.reshape([4, 2, 3])),
        );
        check(name, [&[3, 4], &[4, 3]], f!(|a, b| a.reshape([3, 4]).t() * b.reshape([4, 3])));
    }),
    ("select", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.select(1, 2) * b.select(1, 0) + a.select(1, 2)));
        check(
            name,
            [&[5, 2], &[5, 2]],
            f!(|a, b| a.unbind().zip(b.unbind()).fold(a.last(), |sum, (a, b)| sum * a + b)),
        );
        // A value used whole and in parts: the parts are added to what is there, and the other way round.
        check(name, [&[5, 2], &[5, 2]], f!(|a, b| a.square().sum() + a.last().sum() + b.select(0, 1).sum() + b.sum()));
    }),
    ("slice", |name| {
        check(name, [&[3, 6], &[3, 6]], f!(|a, b| a.slice(1, 1..3) * b.slice(1, -2..)));
        check(
            name,
            [&[2, 6], &[2, 6]],
            f!(|a, b| {
                let ([a1, a2, a3], [b1, b2]) = (a.reshape([2, 6]).chunks(), b.reshape([2, 6]).chunks());
                (a1 * a2 * a3).sum() + (b1 * b2).sum()
            }),
        );
        check(name, [&[4], &[4]], f!(|a, b| a.slice(0, 2..2).sum() + a.slice(0, ..) * b));
    }),
    ("stack", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| Var::stack(&[a, b, a * b, a])));
        check(name, [&[], &[]], f!(|a, b| Var::stack(&[a, b])));
    }),
];

#[test]
fn every_op_agrees_with_central_differences() {
    for (name, case) in CASES {
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
        check("stack", [&moved, &moved], f!(|a, b| Var::stack(&[a * b, b, a]).flip(0).t() * 2.0));
        if moved[0] > 0 {
            check("softmax", [&moved, &moved], f!(|a, b| a.softmax(0) * b.log_softmax(0) + a.logsumexp(&[0])));
        }
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
    let tested: BTreeSet<_> = CASES.iter().map(|(name, _)| *name).collect();
    assert_eq!(tested, ops::NAMES.iter().copied().collect());
}
