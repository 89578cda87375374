//! Second and third derivatives by gradients that are recorded and differentiated, on a tape of nested numbers.

use super::*;
use unspool::autograd::Nested;

/// Numbers that can be differentiated three times.
pub type Thrice = Nested<Nested<f64>>;

type Net<'t> = Operands<Var<'t, Thrice>>;

/// The slope of a value along a direction, as a value of the tape.
fn along<'t>(loss: Var<'t, Thrice>, net: &Net<'t>, direction: &Operands<Tensor<f64>>) -> Var<'t, Thrice> {
    let tape = loss.tape();
    let gradient = loss.gradient_of(net);
    let product = |g: Var<'t, Thrice>, d: &Tensor<f64>| (g * tape.constant(&d.cast())).sum();
    product(gradient.a, &direction.a) + product(gradient.b, &direction.b)
}

/// With `D` and `E` derivatives along two directions: holds the gradient of `D L` against a Hessian-vector product over
/// duals, and that of `E D L` against central differences of such products.
#[track_caller]
pub fn check_nested(name: &str, at: &Operands<Tensor<f64>>, f: Function) {
    let [d, e] = [3, 8].map(|seed| Operands { a: values(at.a.shape(), seed), b: values(at.b.shape(), seed + 1) });
    let tape = Tape::new();
    let net = tape.bind(&at.cast());
    let slope = along(bend((f.of_nested)(net.a, net.b)), &net, &d);
    let numbers = |model: Operands<Tensor<Thrice>>| model.cast::<f64>();

    let second = numbers(slope.backward().of(&net));
    let product_at = |step: f64| {
        let moved = |x: &Tensor<f64>, e: &Tensor<f64>| x.zip(e, |x, e| x + step * e);
        let at = Operands { a: moved(&at.a, &e.a), b: moved(&at.b, &e.b) };
        hvp(&at, &d, |_, o| bend((f.of_duals)(o.a, o.b))).1
    };
    let product = product_at(0.0);
    assert_close(&format!("{name}: second derivatives of a, nested"), &second.a, &product.a, 1e-12);
    assert_close(&format!("{name}: second derivatives of b, nested"), &second.b, &product.b, 1e-12);

    let third = numbers(along(slope, &net, &e).backward().of(&net));
    let h = 1e-3;
    let [near, back, far, far_back] = [h, -h, 2.0 * h, -2.0 * h].map(product_at);
    type Part = fn(&Operands<Tensor<f64>>) -> &Tensor<f64>;
    let parts: [(&str, Part); 2] = [("a", |o| &o.a), ("b", |o| &o.b)];
    for (operand, part) in parts {
        let near = part(&near).zip(part(&back), |a, b| 8.0 * (a - b));
        let far = part(&far).zip(part(&far_back), |a, b| a - b);
        let difference = near.zip(&far, |near, far| (near - far) / (12.0 * h));
        assert_close(&format!("{name}: third derivatives of {operand}"), part(&third), &difference, 1e-6);
    }
}
