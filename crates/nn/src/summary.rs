//! A model as a table.

use std::fmt;
use unspool_autograd::{Params, Path, Scalar, Shape, Tensor};

/// The parameters of a model, one a line: where each is, its shape, how many numbers it holds and what they are like.
/// Before training, that is how it was initialised.
///
/// ```
/// use unspool_nn::{dense, sequential, simple_rnn, summary};
/// let model = sequential().add(simple_rnn(1, 20)).add(dense(20, 1));
/// let table = summary(&model).to_string();
/// println!("{table}");
/// assert!(table.contains("layers.0.cell.u         [20, 20]         400"));
/// assert!(table.ends_with("461 parameters in 5 tensors\n"));
/// ```
pub fn summary<T: Scalar, M: Params<Tensor<T>>>(model: &M) -> Summary {
    let mut rows = Vec::new();
    model.visit_leaves(Path::ROOT, &mut |path, leaf| {
        let values: Vec<f64> = leaf.to_vec().into_iter().map(Scalar::to_f64).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        rows.push(Row { name: path.to_string(), shape: leaf.shape(), mean, deviation });
    });
    Summary { rows }
}

/// The table that [`summary`] makes: print it.
#[derive(Clone, Debug)]
pub struct Summary {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    shape: Shape,
    mean: f64,
    deviation: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max("parameter".len());
        let shape_width = self.rows.iter().map(|row| row.shape.to_string().len()).max().unwrap_or(0).max("shape".len());
        writeln!(f, "{:width$}  {:shape_width$}  {:>10}  mean ± deviation", "parameter", "shape", "numbers")?;
        for Row { name, shape, mean, deviation } in &self.rows {
            write!(f, "{name:width$}  {:shape_width$}  {:>10}  ", shape.to_string(), shape.elements())?;
            if *deviation == 0.0 { writeln!(f, "{mean:.4}")? } else { writeln!(f, "{mean:.4} ± {deviation:.4}")? }
        }
        let total: usize = self.rows.iter().map(|row| row.shape.elements()).sum();
        writeln!(f, "{total} parameters in {} tensors", self.rows.len())
    }
}
