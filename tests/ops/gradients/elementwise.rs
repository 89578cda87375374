//! Functions of each element.

use super::*;

pub const CASES: &[Case] = &[
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
    ("atan", unary!(|x| (x * 3.0).atan())),
    ("atan", |name| {
        for shapes in BROADCASTS {
            check(name, shapes, f!(|a, b| a.atan2(b) + b.atan2(a) + b.atan2(a * 0.1) * a));
        }
    }),
    ("erf", unary!(|x| x.erf() + (x * 1.5).erfc() * x)),
    ("lgamma", unary!(|x| (x.square() + 0.4).lgamma() * (x * 0.1 - 1.5).lgamma())),
    ("lgamma", unary!(|x| (x.square() + 0.4).digamma() * (x * 0.1 - 1.5).digamma())),
    ("abs", unary!(|x| (x + 0.01).abs())),
    ("sign", unary!(|x| (x + 0.01).sign() * x)),
    ("floor", unary!(|x| (x * 2.5 + 0.25).floor() * x)), // no value lies within a step of an integer
    ("ceil", unary!(|x| (x * 2.5 + 0.25).ceil() * x)),
    ("round", unary!(|x| (x * 2.5 + 0.25).round() * x)),
    ("trunc", unary!(|x| (x * 2.5 + 0.25).trunc() * x)),
    ("remainder", |name| {
        // The quotients are between integers.
        for shapes in BROADCASTS {
            check(name, shapes, f!(|a, b| (b * (a * 0.2 + 2.4)).remainder(b) + (b * (a * 0.2 - 1.6)).remainder(b) * a));
            check(name, shapes, f!(|a, b| (a * 0.2 + 0.5).remainder(b) + (a * 0.1 - 1.0).remainder(-0.7) + b));
        }
    }),
    ("reciprocal", unary!(|x| (x.square() + 0.1).reciprocal())),
    ("softplus", unary!(|x| (x * 3.0).softplus())),
    ("silu", unary!(|x| x.silu())),
    ("hardsigmoid", unary!(|x| (x * 7.3).hardsigmoid())), // on both sides of the kinks
    ("clamp", unary!(|x| x.clamp(-0.52, 0.31) + (x * 2.1).hardtanh())),
    ("leaky_relu", unary!(|x| (x + 0.01).leaky_relu(0.2))),
    ("elu", unary!(|x| (x + 0.01).elu(1.3))),
    ("selu", unary!(|x| (x + 0.01).selu())),
    ("mish", unary!(|x| (x * 3.0).mish())),
    ("softsign", unary!(|x| (x + 0.01).softsign())),
    ("logsigmoid", unary!(|x| (x * 3.0).logsigmoid())),
    ("hardswish", unary!(|x| (x * 7.3).hardswish())),
    ("gelu", unary!(|x| x.gelu() + x.gelu_tanh())),
    ("pow", |name| {
        for shapes in BROADCASTS {
            check(name, shapes, f!(|a, b| (a.square() + 0.2).pow(b)));
            check(
                name,
                shapes,
                f!(|a, b| a
                    + b.powi(3)
                    + b.powi(-1)
                    + b.powi(-2)
                    + (a * 0.9).powi(6)
                    + a.powi(0)
                    + b.square().powf(1.3)),
            );
        }
    }),
    ("maximum", |name| {
        BROADCASTS.iter().for_each(|shapes| check(name, *shapes, f!(|a, b| a.minimum(b * 0.2) + b.minimum(0.01))))
    }),
    ("maximum", |name| {
        BROADCASTS.iter().for_each(|shapes| check(name, *shapes, f!(|a, b| a.maximum(b * 0.2) + b.maximum(0.01))))
    }),
    ("lerp", |name| {
        BROADCASTS.iter().for_each(|shapes| check(name, *shapes, f!(|a, b| a.lerp(b, a * b) + b.lerp(b.square(), 0.3))))
    }),
    ("where_", |name| {
        for shapes in BROADCASTS {
            check(
                name,
                shapes,
                f!(|a, b| {
                    let condition =
                        a.tape().constant(&a.value().map(|x| if x > T::from_f64(0.1) { T::ONE } else { T::ZERO }));
                    condition.where_(a, b) + condition.where_(b, a * b) + b.masked_fill(condition, 3.0) * a
                }),
            );
        }
    }),
];
