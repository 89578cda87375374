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
