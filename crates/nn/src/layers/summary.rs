//! A table of a model's parameters.

use std::fmt;
use unspool_autograd::{Number, Params, Path, Scalar, Shape, Tensor};

/// A table of the layers of a model with the number of their parameters and, for each tensor, its
/// shape, the number of its elements and a description of their values. Before training, this shows
/// how it was initialized: one value (or a few: forget gates have biases of 1), orthogonal (each
/// gate separately), or mean and standard deviation. [Buffers](Params#buffers) are marked as such, and
/// are not among the parameters.
///
/// ```
/// use unspool::{dense, lstm, sequential, summary};
/// let model = sequential().add(lstm(1, 20)).add(dense(20, 1));
/// let table = summary(&model).to_string();
/// println!("{table}");
/// assert!(table.starts_with("layer            shape     parameters  values\n"));
/// assert!(table.contains("\n  cell.x.bias    [80]              80  0 or 1\n"));
/// assert!(table.contains("\n  cell.u         [20, 80]        1600  orthogonal\n"));
/// assert!(table.ends_with("\n1781 parameters in 5 tensors\n"));
/// ```
pub fn summary<T: Scalar, M: Params<Tensor<T>>>(model: &M) -> Summary {
    let mut layers: Vec<Layer> = Vec::new();
    model.visit_leaves(Path::ROOT, &mut |path, leaf| {
        let whole = path.to_string();
        let (layer, name) = whole.split_at(layer_of(&whole));
        let (name, shape) = (name.trim_start_matches('.').to_string(), leaf.shape());
        let row = Row { name, shape, is_buffer: path.is_buffer(), values: describe(leaf) };
        match layers.last_mut() {
            Some(last) if last.name == layer => last.rows.push(row),
            _ => layers.push(Layer { name: layer.to_string(), rows: vec![row] }),
        }
    });
    Summary { layers }
}

/// The length of the name of the layer at the start of a parameter's path: the first field, and the
/// list indices after it.
fn layer_of(path: &str) -> usize {
    let indices = path.split('.').skip(1).take_while(|segment| segment.parse::<usize>().is_ok());
    path.find('.').unwrap_or(path.len()) + indices.map(|index| index.len() + 1).sum::<usize>()
}

/// Describes the values of a tensor.
fn describe<T: Scalar>(leaf: &Tensor<T>) -> String {
    let values: Vec<f64> = leaf.to_vec().into_iter().map(Number::to_f64).collect();
    if values.is_empty() {
        return String::new();
    }
    let mut distinct: Vec<f64> = Vec::new();
    for value in &values {
        if distinct.len() <= 3 && !distinct.contains(value) {
            distinct.push(*value);
        }
    }
    if distinct.len() == 1 || distinct.len() <= 3 && distinct.len() < values.len() {
        return distinct.into_iter().map(short).collect::<Vec<_>>().join(" or ");
    }
    if is_orthogonal(leaf) {
        return "orthogonal".to_string();
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    format!("{mean:.4} ± {deviation:.4}")
}

/// A number with up to four decimals.
fn short(x: f64) -> String {
    let text = x.to_string();
    if text.len() > 7 { format!("{x:.4}") } else { text }
}

/// Whether a matrix `[H, N H]` consists of N orthogonal matrices, up to rounding.
fn is_orthogonal<T: Scalar>(leaf: &Tensor<T>) -> bool {
    let [rows, columns] = leaf.shape()[..] else { return false };
    let close = |(i, x): (usize, &T)| (x.to_f64() - if i / rows == i % rows { 1.0 } else { 0.0 }).abs() < 1e-4;
    rows > 1
        && columns % rows == 0
        && (0..columns / rows).all(|gate| {
            let gate = leaf.slice(1, gate * rows..(gate + 1) * rows);
            gate.t().matmul(&gate).to_vec().iter().enumerate().all(close)
        })
}

/// The table that [`summary`] returns, to be printed.
///
/// ```
/// use unspool::layers::{Summary, summary};
/// use unspool::{Dense, Tensor, rng};
/// let table: Summary = summary(&Dense::<Tensor>::new(&mut rng(0), 3, 2));
/// assert!(table.to_string().ends_with("8 parameters in 2 tensors\n"));
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    rows: Vec<Row>,
}

impl Layer {
    fn parameters(&self) -> usize {
        self.rows.iter().filter(|row| !row.is_buffer).map(|row| row.shape.numel()).sum()
    }
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    shape: Shape,
    is_buffer: bool,
    values: String,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A layer that is a single tensor takes one line, any other a line for itself and one per
        // tensor.
        let mut lines = vec![["layer".to_string(), "shape".into(), "parameters".into(), "values".into()]];
        for layer in &self.layers {
            let alone = layer.rows[0].name.is_empty();
            if !alone {
                lines.push([layer.name.clone(), String::new(), layer.parameters().to_string(), String::new()]);
            }
            for Row { name, shape, is_buffer, values } in &layer.rows {
                let name = if alone { layer.name.clone() } else { format!("  {name}") };
                let parameters = if *is_buffer { "buffer".to_string() } else { shape.numel().to_string() };
                lines.push([name, shape.to_string(), parameters, values.clone()]);
            }
        }
        let [name, shape] = [0, 1].map(|i| lines.iter().map(|line| line[i].len()).max().unwrap_or(0));
        for [a, b, c, d] in lines {
            writeln!(f, "{}", format!("{a:name$}  {b:shape$}  {c:>10}  {d}").trim_end())?;
        }
        let total: usize = self.layers.iter().map(Layer::parameters).sum();
        let rows = self.layers.iter().flat_map(|layer| &layer.rows);
        let buffers = rows.clone().filter(|row| row.is_buffer).count();
        write!(f, "{total} parameters in {} tensors", rows.count() - buffers)?;
        match buffers {
            0 => writeln!(f),
            1 => writeln!(f, ", and 1 buffer"),
            _ => writeln!(f, ", and {buffers} buffers"),
        }
    }
}
