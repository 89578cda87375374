//! Objectives against values from elsewhere.

use crate::{assert_close, matrix, numbers, output};
use serde_json::json;

#[test]
fn lse() {
    // ln(e^0 + e^0 + 2 e^0) where no exponential may overflow.
    let ln = |n: f64| n.ln() + 1000.0;
    let x = json!({ "x": [1000.0, 1000.0 + 2f64.ln(), 1000.0] });
    assert_close(&numbers(&output("lse", "primal", &x)), &[ln(4.0)], 1e-15);
    assert_close(&numbers(&output("lse", "gradient", &x)), &[0.25, 0.5, 0.25], 1e-12);
}

#[test]
fn llsq() {
    // t = -1, 0, 1 and sign(t) = -1, 0, 1: the line x = t fits, 1 + t misses each by 1.
    assert_eq!(output("llsq", "primal", &json!({ "x": [0.0, 1.0], "n": 3 })), 0.0);
    assert_eq!(output("llsq", "primal", &json!({ "x": [1.0, 1.0], "n": 3 })), 1.5);
    assert_eq!(output("llsq", "primal", &json!({ "x": [0.0, 0.0, 2.0], "n": 3 })), 0.5 * (9.0 + 1.0));
    assert_eq!(output("llsq", "gradient", &json!({ "x": [1.0, 1.0, 0.0], "n": 3 })), json!([3.0, 0.0, 2.0]));
}

#[test]
fn kmeans() {
    // Newton's step moves each centroid to the mean of its points: (1, 0) and (10.5, 9).
    let points = [[0.0, 0.0], [2.0, 0.0], [10.0, 10.0], [11.0, 8.0]];
    let input = json!({ "points": points, "centroids": [[0.0, 1.0], [10.0, 10.0]] });
    assert_eq!(output("kmeans", "cost", &input), 1.0 + 5.0 + 0.0 + 5.0);
    assert_eq!(output("kmeans", "dir", &input), json!([[-1.0, 1.0], [-0.5, 1.0]]));
}

/// SciPy 1.17: the sum of the logarithms of `sum(phi_k multivariate_normal.pdf(x_i, mu_k, inv(P_k)))` and of
/// `wishart.logpdf(P_k, d + m + 1, eye(d) / gamma**2)`, where `P_k = Q_k.T @ Q_k`.
#[test]
fn gmm() {
    let input = json!({
        "d": 3, "k": 2, "n": 2, "m": 2, "gamma": 1.5,
        "x": [[0.5, -1.0, 0.25], [1.0, 2.0, -0.5]],
        "alpha": [0.3, -0.4],
        "mu": [[0.1, 0.2, 0.3], [-0.5, 0.5, 1.0]],
        "q": [[0.1, -0.2, 0.3], [0.0, 0.4, -0.5]],
        "l": [[0.5, -0.25, 0.75], [1.0, 0.3, -0.6]],
    });
    assert_close(&numbers(&output("gmm", "objective", &input)), &[-22.956230121098706], 1e-12);
}

/// The equations of the model, one unit and one character at a time.
#[test]
fn lstm() {
    let (layers, width, length) = (2, 3, 5);
    let [main, extra, state] =
        [matrix(2 * layers, 4 * width, 0.1), matrix(3, width, 0.2), matrix(2 * layers, width, 0.3)];
    let text: Vec<Vec<f64>> =
        (0..length).map(|t| (0..width).map(|i| f64::from((t * t + i) % 3 == 0)).collect()).collect();
    let input = json!({ "main_params": main, "extra_params": extra, "state": state, "sequence": text });

    let [main, extra, mut state] =
        [main, extra, state].map(|m| m.as_array().expect("rows").iter().map(numbers).collect::<Vec<_>>());
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut total = 0.0;
    for t in 0..length - 1 {
        let mut x: Vec<f64> = (0..width).map(|i| text[t][i] * extra[0][i]).collect();
        for layer in 0..layers {
            for i in 0..width {
                let (weight, bias) = (&main[2 * layer], &main[2 * layer + 1]);
                let of = |gate: usize, x: f64| x * weight[gate * width + i] + bias[gate * width + i];
                let h = state[2 * layer][i];
                let c = state[2 * layer + 1][i] * sigmoid(of(0, x[i])) + sigmoid(of(1, h)) * of(3, h).tanh();
                state[2 * layer][i] = sigmoid(of(2, x[i])) * c.tanh();
                state[2 * layer + 1][i] = c;
                x[i] = state[2 * layer][i];
            }
        }
        let z: Vec<f64> = (0..width).map(|i| x[i] * extra[1][i] + extra[2][i]).collect();
        let normalization = (2.0 + z.iter().map(|z| z.exp()).sum::<f64>()).ln();
        total += (0..width).map(|i| text[t + 1][i] * (z[i] - normalization)).sum::<f64>();
    }
    let expected = -total / (width * (length - 1)) as f64;
    assert_close(&numbers(&output("lstm", "objective", &input)), &[expected], 1e-12);
}

#[test]
fn det() {
    // A permutation that is odd; and a matrix whose determinant is the product of its diagonal.
    assert_eq!(output("det", "primal", &json!({ "A": [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0], "ell": 3 })), -1.0);
    let triangular: Vec<f64> = (0..49).map(|at| if at % 7 > at / 7 { 0.0 } else { (at % 5) as f64 + 1.0 }).collect();
    let diagonal: f64 = (0..7).map(|i| triangular[8 * i]).product();
    assert_eq!(output("det", "primal", &json!({ "A": triangular, "ell": 7 })), diagonal);
    // The gradient by an element of the diagonal is the product of the others.
    let gradient = numbers(&output("det", "gradient", &json!({ "A": triangular, "ell": 7 })));
    for i in 0..7 {
        assert_eq!(gradient[8 * i], diagonal / triangular[8 * i]);
    }
}

/// The solution is `y_i(t) = x_0 .. x_i t^(i+1) / (i+1)!`, which the method of order 4 has exactly up to `t^4`.
#[test]
fn ode() {
    let x = [0.5, -1.5, 0.75, 2.0];
    for steps in [1, 3] {
        let mut expected = 1.0;
        let y: Vec<f64> = (0..4)
            .map(|i| {
                expected *= x[i] * 2.0 / (i + 1) as f64;
                expected
            })
            .collect();
        let input = json!({ "x": x, "s": steps });
        assert_close(&numbers(&output("ode", "primal", &input)), &y, 1e-14);
        let gradient: Vec<f64> = x.iter().map(|x| y[3] / x).collect();
        assert_close(&numbers(&output("ode", "gradient", &input)), &gradient, 1e-14);
    }
}

/// The saddle point is at 0. Where descent stops short of it is the value that the suite expects.
#[test]
fn saddle() {
    for modes in ["ff", "fr", "rf", "rr"] {
        assert_close(
            &numbers(&output("saddle", modes, &json!({ "start": [1.0, 1.0] }))),
            &[8.246324826140356e-06; 4],
            1e-12,
        );
    }
}

/// The value that the suite expects.
#[test]
fn particle() {
    for modes in ["ff", "fr", "rf", "rr"] {
        assert_close(&numbers(&output("particle", modes, &json!({ "w": 0.0 }))), &[0.2071918746486116], 1e-9);
    }
}

/// A camera that looks along z, rotated by a right angle around it, at the point (1, 2, 4).
#[test]
fn ba() {
    let angle = std::f64::consts::FRAC_PI_2;
    let camera = |angle: f64, k: f64| [0.0, 0.0, angle, 0.5, 0.0, 0.0, 2.0, 1.0, -1.0, k, k];
    let input = |camera: [f64; 11]| json!({ "n": 2, "m": 3, "p": 10, "cam": camera, "x": [1.5, 2.0, 4.0], "w": 3.0, "feat": [1.0, 1.0] });
    let expected = |errors: [f64; 2]| [errors[0], errors[1], 10.0, -8.0, 10.0]; // 1 - w², and how often each is repeated
    let errors = |camera| numbers(&output("ba", "objective", &input(camera)));
    assert_close(&errors(camera(0.0, 0.0)), &expected([3.0 * (0.5 + 1.0 - 1.0), 3.0 * (1.0 - 1.0 - 1.0)]), 1e-14);
    assert_close(&errors(camera(angle, 0.0)), &expected([3.0 * (-1.0 + 1.0 - 1.0), 3.0 * (0.5 - 1.0 - 1.0)]), 1e-14);
    let distortion = 1.0 + 0.3125 + 0.3125 * 0.3125; // at 1/4² + 1/2²
    assert_close(&errors(camera(0.0, 1.0)), &expected([3.0 * 0.5 * distortion, 3.0 * (distortion - 2.0)]), 1e-14);

    let jacobian = output("ba", "jacobian", &input(camera(angle, 0.5)));
    let [rows, columns] = ["rows", "cols"].map(|field| numbers(&jacobian[field]));
    let expected: Vec<f64> =
        (0..21).map(|row| 15 * row).chain((1..10).map(|row| 300 + row)).chain([310]).map(f64::from).collect();
    assert_eq!(rows, expected);
    let of_row = [(0..11).collect::<Vec<_>>(), (22..25).collect(), vec![31]].concat(); // 2 cameras, 3 points
    assert_eq!(columns, [of_row.clone(), of_row, vec![40]].concat().into_iter().map(f64::from).collect::<Vec<_>>());
}

/// A hand of 22 bones, of which bone 2 sits at (1, 0, 0) and bends, with three vertices that move with it.
pub fn hand(theta: &[f64], us: serde_json::Value, correspondences: &[usize]) -> serde_json::Value {
    let translation = |x: f64| [[1.0, 0.0, 0.0, x], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let bones = |at_2: f64, at_3: f64| -> Vec<_> {
        (0..22).map(|bone| translation([0.0, 0.0, at_2, at_3][bone.min(3)])).collect()
    };
    let weights = |bone: usize| (0..22).map(|b| f64::from(b == bone)).collect::<Vec<_>>();
    json!({
        "theta": theta, "us": us,
        "data": {
            "correspondences": correspondences,
            "points": vec![[10.0, 10.0, 10.0]; correspondences.len()],
            "model": {
                "bone_count": 22, "bone_names": vec!["bone"; 22],
                "parents": (0..22).map(|bone| if bone == 3 { 2 } else { -i32::from(bone == 0) }).collect::<Vec<_>>(),
                "base_relatives": bones(1.0, 0.0), "inverse_base_absolutes": bones(-1.0, -1.0),
                "base_positions": [[1.0, 2.0, 0.0, 1.0], [1.0, 0.0, 3.0, 1.0], [5.0, 5.0, 5.0, 1.0]],
                "weights": [weights(2), weights(3), weights(0)],
                "triangles": [[0, 1, 2], [2, 1, 0]], "is_mirrored": false,
            },
        },
    })
}

#[test]
fn ht() {
    // The hand turns around z by a right angle and moves; bone 2 bends by 0.3, bone 3 below it by -0.5, and 2 swings by 0.2.
    let mut theta = [0.0; 26];
    theta[..10].copy_from_slice(&[0.0, 0.0, std::f64::consts::FRAC_PI_2, 7.0, 8.0, 9.0, 0.3, 0.2, -0.5, 0.1]);
    let swing = |[x, y, z]: [f64; 3]| [x * 0.2f64.cos() - y * 0.2f64.sin(), x * 0.2f64.sin() + y * 0.2f64.cos(), z];
    let bend = |[x, y, z]: [f64; 3], by: f64| [x, y * by.cos() - z * by.sin(), y * by.sin() + z * by.cos()];
    let place = |[x, y, z]: [f64; 3]| [7.0 - y, 8.0 + x, 9.0 + z];
    let [a, b] = [swing(bend([0.0, 2.0, 0.0], 0.3)), swing(bend([0.0, 0.0, 3.0], 0.3 - 0.5))]
        .map(|[x, y, z]| place([x + 1.0, y, z]));
    let c = place([5.0, 5.0, 5.0]);

    let at_vertices = numbers(&output("ht", "objective", &hand(&theta, json!([]), &[0, 1, 2])));
    assert_close(&at_vertices, &[a, b, c].concat().iter().map(|x| 10.0 - x).collect::<Vec<_>>(), 1e-14);
    let on_triangles = numbers(&output("ht", "objective", &hand(&theta, json!([[0.25, 0.5], [0.5, 0.0]]), &[0, 1])));
    let first = [0, 1, 2].map(|i| 10.0 - (0.25 * a[i] + 0.5 * b[i] + 0.25 * c[i]));
    let second = [0, 1, 2].map(|i| 10.0 - (0.5 * c[i] + 0.5 * a[i]));
    assert_close(&on_triangles, &[first, second].concat(), 1e-14);
}
