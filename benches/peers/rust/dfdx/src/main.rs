//! The workloads in dfdx. It has no recurrent layers: they are loops over the steps, with a weight for each gate, as
//! cutting a tensor into gates costs it more than it saves.

use dfdx::prelude::*;
use serve::{Request, classes, serve, values};

type Vector = Tensor<(usize,), f32, Cpu>;
type Matrix = Tensor<(usize, usize), f32, Cpu>;
type Tokens = Tensor<(usize,), usize, Cpu>;
type Record = OwnedTape<f32, Cpu>;

fn main() {
    let request = Request::from_args();
    let (device, version) = (Cpu::default(), "dfdx 0.13");
    match request.word("kind") {
        "tape" => {
            let size = request.number("size");
            let [x, y] = [0; 2].map(|_| device.tensor_from_vec(values(size, 0.5), (size,)));
            serve(version, || {
                let mut end = x.clone().leaky_traced();
                for _ in 0..request.number("iters") {
                    end = (end * y.clone() + y.clone()).tanh();
                }
                end.sum::<Rank0, _>().backward();
            });
        }
        "matmul_chain" => {
            let n = request.number("n");
            let [x, w] = [0; 2].map(|_| matrix(&device, n, n, 0.1));
            serve(version, || {
                let mut end = x.clone().leaky_traced();
                for _ in 0..request.number("count") {
                    end = end.matmul(w.clone());
                }
                end.sum::<Rank0, _>().backward();
            });
        }
        "mlp" => {
            let (sizes, batch) = (request.widths(), request.number("B"));
            let layers: Vec<Dense> = sizes.windows(2).map(|pair| Dense::new(&device, pair[0], pair[1])).collect();
            let x = matrix(&device, batch, sizes[0], 0.5);
            let targets = one_hot(&device, &classes(batch, sizes[sizes.len() - 1]), sizes[sizes.len() - 1]);
            serve(version, || {
                let mut tape = Taping::default();
                let mut x = x.clone();
                for (i, layer) in layers.iter().enumerate() {
                    if i > 0 {
                        x = tape.of(&x, |x| x.relu());
                    }
                    x = layer.forward(&mut tape, &x);
                }
                cross_entropy_with_logits_loss(x.put_tape(tape.0), targets.clone()).backward();
            });
        }
        _ => {
            let model = Model::new(&device, &request);
            serve(version, || model.step());
        }
    }
}

fn matrix(device: &Cpu, rows: usize, columns: usize, scale: f32) -> Matrix {
    device.tensor_from_vec(values(rows * columns, scale), (rows, columns))
}

fn vector(device: &Cpu, size: usize, value: f32) -> Vector {
    device.tensor_from_vec(vec![value; size], (size,))
}

fn one_hot(device: &Cpu, labels: &[u32], of: usize) -> Matrix {
    let mut rows = vec![0.0; labels.len() * of];
    labels.iter().enumerate().for_each(|(i, &label)| rows[i * of + label as usize] = 1.0);
    device.tensor_from_vec(rows, (labels.len(), of))
}

/// The tape, handed from one op to the next.
#[derive(Default)]
struct Taping(Record);

impl Taping {
    fn of<S: Shape, R: Shape>(
        &mut self,
        x: &Tensor<S, f32, Cpu>,
        op: impl FnOnce(Tensor<S, f32, Cpu, Record>) -> Tensor<R, f32, Cpu, Record>,
    ) -> Tensor<R, f32, Cpu> {
        let (y, tape) = op(x.clone().put_tape(std::mem::take(&mut self.0))).split_tape();
        self.0 = tape;
        y
    }

    /// A row added to each of `x`.
    fn plus(&mut self, x: &Matrix, row: &Vector) -> Matrix {
        let row = self.of(row, |row| row.broadcast_like::<_, Axis<0>>(x.shape()));
        self.of(x, |x| x + row)
    }

    /// Each of `x` times a row.
    fn times(&mut self, x: &Matrix, row: &Vector) -> Matrix {
        let row = self.of(row, |row| row.broadcast_like::<_, Axis<0>>(x.shape()));
        self.of(x, |x| x * row)
    }

    fn norm(&mut self, x: &Matrix, gain: &Vector, bias: &Vector) -> Matrix {
        let x = self.of(x, |x| x.normalize::<Axis<1>>(1e-5));
        let x = self.times(&x, gain);
        self.plus(&x, bias)
    }
}

struct Dense {
    w: Matrix,
    b: Vector,
}

impl Dense {
    fn new(device: &Cpu, inputs: usize, outputs: usize) -> Dense {
        Dense { w: matrix(device, inputs, outputs, (inputs as f32).powf(-0.5)), b: vector(device, outputs, 0.0) }
    }

    fn forward(&self, tape: &mut Taping, x: &Matrix) -> Matrix {
        let product = tape.of(x, |x| x.matmul(self.w.clone()));
        tape.plus(&product, &self.b)
    }
}

/// A recurrent layer.
struct Layer {
    cell: String,
    x: Vec<Dense>,
    u: Vec<Matrix>,
    /// Peepholes, or the recurrent bias of a GRU.
    rows: Vec<Vector>,
    zeros: Matrix,
}

impl Layer {
    fn new(device: &Cpu, cell: &str, batch: usize, inputs: usize, hidden: usize) -> Layer {
        let gates = match cell {
            "rnn" => 1,
            "mgu" => 2,
            "gru" => 3,
            _ => 4,
        };
        let scale = (hidden as f32).powf(-0.5);
        Layer {
            cell: cell.to_owned(),
            x: (0..gates).map(|_| Dense::new(device, inputs, hidden)).collect(),
            u: (0..gates).map(|_| matrix(device, hidden, hidden, scale)).collect(),
            rows: (0..3).map(|_| vector(device, hidden, 0.1)).collect(),
            zeros: device.zeros_like(&(batch, hidden)),
        }
    }

    fn forward(&self, tape: &mut Taping, xs: &[Matrix]) -> Vec<Matrix> {
        let (mut h, mut c, mut outputs) = (self.zeros.clone(), self.zeros.clone(), Vec::with_capacity(xs.len()));
        for x in xs {
            (h, c) = self.step(tape, x, &h, &c);
            outputs.push(h.clone());
        }
        outputs
    }

    /// x W + b + h U of a gate.
    fn gate(&self, tape: &mut Taping, gate: usize, x: &Matrix, h: &Matrix) -> Matrix {
        let x = self.x[gate].forward(tape, x);
        tape.of(h, |h| h.matmul(self.u[gate].clone()) + x)
    }

    /// The next h and c.
    fn step(&self, tape: &mut Taping, x: &Matrix, h: &Matrix, c: &Matrix) -> (Matrix, Matrix) {
        match &self.cell[..] {
            "rnn" => {
                let sum = self.gate(tape, 0, x, h);
                (tape.of(&sum, |sum| sum.tanh()), c.clone())
            }
            "mgu" => {
                let f = self.gate(tape, 0, x, h);
                let f = tape.of(&f, |f| f.sigmoid());
                let kept = tape.of(&f, |f| f * h.clone());
                let n = self.gate(tape, 1, x, &kept);
                let change = tape.of(&n, |n| (n.tanh() - h.clone()) * f);
                (tape.of(h, |h| h + change), c.clone())
            }
            "gru" => {
                let [r, z] = [0, 1].map(|gate| self.gate(tape, gate, x, h));
                let [r, z] = [r, z].map(|gate| tape.of(&gate, |gate| gate.sigmoid()));
                let from_h = tape.of(h, |h| h.matmul(self.u[2].clone()));
                let from_h = tape.plus(&from_h, &self.rows[0]);
                let from_x = self.x[2].forward(tape, x);
                let n = tape.of(&r, |r| (r * from_h + from_x).tanh());
                let kept = tape.of(&z, |z| z * h.clone());
                let new = tape.of(&z, |z| (z.negate() + 1.0) * n);
                (tape.of(&new, |new| new + kept), c.clone())
            }
            _ => {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| self.gate(tape, gate, x, h));
                let peephole = self.cell == "peephole";
                let look = |tape: &mut Taping, gate: Matrix, c: &Matrix, row: usize| match peephole {
                    true => {
                        let seen = tape.times(c, &self.rows[row]);
                        tape.of(&gate, |gate| (gate + seen).sigmoid())
                    }
                    false => tape.of(&gate, |gate| gate.sigmoid()),
                };
                let (i, f) = (look(tape, i, c, 0), look(tape, f, c, 1));
                let added = tape.of(&g, |g| g.tanh() * i);
                let c = tape.of(&f, |f| f * c.clone() + added);
                let o = look(tape, o, &c, 2);
                (tape.of(&c, |c| c.tanh() * o), c)
            }
        }
    }
}

/// The LSTM whose projections and cell state are normalized, all gates as one.
struct LayerNormLstm {
    w: Matrix,
    u: Matrix,
    /// Gains and biases for x, h and c.
    norms: [(Vector, Vector); 3],
    zeros: Matrix,
}

impl LayerNormLstm {
    fn new(device: &Cpu, batch: usize, inputs: usize, hidden: usize) -> LayerNormLstm {
        let norm = |width| (vector(device, width, 1.0), vector(device, width, 0.0));
        LayerNormLstm {
            w: matrix(device, inputs, 4 * hidden, (inputs as f32).powf(-0.5)),
            u: matrix(device, hidden, 4 * hidden, (hidden as f32).powf(-0.5)),
            norms: [4 * hidden, 4 * hidden, hidden].map(norm),
            zeros: device.zeros_like(&(batch, hidden)),
        }
    }

    fn forward(&self, tape: &mut Taping, xs: &[Matrix]) -> Vec<Matrix> {
        let [(gain_x, bias_x), (gain_h, bias_h), (gain_c, bias_c)] = &self.norms;
        let (batch, hidden) = *self.zeros.shape();
        let (mut h, mut c, mut outputs) = (self.zeros.clone(), self.zeros.clone(), Vec::with_capacity(xs.len()));
        for x in xs {
            let x = tape.of(x, |x| x.matmul(self.w.clone()));
            let x = tape.norm(&x, gain_x, bias_x);
            let from_h = tape.of(&h, |h| h.matmul(self.u.clone()));
            let from_h = tape.norm(&from_h, gain_h, bias_h);
            let sum = tape.of(&x, |x| x + from_h);
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| {
                let columns = gate * hidden..(gate + 1) * hidden;
                tape.of(&sum, |sum| sum.slice((0..batch, columns)))
            });
            let [i, f, o] = [i, f, o].map(|gate| tape.of(&gate, |gate| gate.sigmoid()));
            let added = tape.of(&g, |g| g.tanh() * i);
            c = tape.of(&f, |f| f * c.clone() + added);
            let normal = tape.norm(&c, gain_c, bias_c);
            h = tape.of(&normal, |normal| normal.tanh() * o);
            outputs.push(h.clone());
        }
        outputs
    }
}

enum Recurrent {
    Gates(Layer),
    Normalised(LayerNormLstm),
}

/// Recurrent layers, with an embedding below and a dense layer on top where the workload has them.
struct Model {
    table: Option<(Matrix, Vec<Tokens>)>,
    layers: Vec<Recurrent>,
    head: Option<Dense>,
    last: bool,
    xs: Vec<Matrix>,
    /// One for each step on which there is a loss.
    targets: Vec<Matrix>,
    probabilities: bool,
}

impl Model {
    fn new(device: &Cpu, request: &Request) -> Model {
        let [vocab, dense, batch, time, inputs] = ["vocab", "dense", "B", "T", "I"].map(|name| request.number(name));
        let (mut layers, mut below) = (Vec::new(), inputs);
        for width in request.widths() {
            layers.push(match request.word("cell") {
                "lnlstm" => Recurrent::Normalised(LayerNormLstm::new(device, batch, below, width)),
                cell => Recurrent::Gates(Layer::new(device, cell, batch, below, width)),
            });
            below = width;
        }
        let tokens = || {
            let tokens = classes(time * batch, vocab);
            let step =
                |step: &[u32]| device.tensor_from_vec(step.iter().map(|&token| token as usize).collect(), (batch,));
            (matrix(device, vocab, inputs, 0.05), tokens.chunks(batch).map(step).collect())
        };
        let targets = match request.word("loss") {
            "mse" => vec![matrix(device, batch, dense, 0.5)],
            "xent" => classes(time * batch, dense).chunks(batch).map(|step| one_hot(device, step, dense)).collect(),
            _ => vec![],
        };
        Model {
            table: (vocab > 0).then(tokens),
            layers,
            head: (dense > 0).then(|| Dense::new(device, below, dense)),
            last: request.word("on") == "last",
            xs: (0..time).map(|_| matrix(device, batch, inputs, 0.5)).collect(),
            targets,
            probabilities: request.word("loss") == "xent",
        }
    }

    fn step(&self) {
        let mut tape = Taping::default();
        let mut xs = match &self.table {
            Some((table, tokens)) => {
                tokens.iter().map(|step| tape.of(table, |table| table.gather(step.clone()))).collect()
            }
            None => self.xs.clone(),
        };
        for layer in &self.layers {
            xs = match layer {
                Recurrent::Gates(layer) => layer.forward(&mut tape, &xs),
                Recurrent::Normalised(layer) => layer.forward(&mut tape, &xs),
            };
        }
        let counted = if self.last { &xs[xs.len() - 1..] } else { &xs[..] };
        let mut loss: Option<Tensor<Rank0, f32, Cpu>> = None;
        for (i, x) in counted.iter().enumerate() {
            let output = self.head.as_ref().map_or(x.clone(), |head| head.forward(&mut tape, x));
            let part = match self.targets.get(i) {
                None => tape.of(&output, |output| output.square().mean()),
                Some(target) if self.probabilities => {
                    tape.of(&output, |output| cross_entropy_with_logits_loss(output, target.clone()))
                }
                Some(target) => tape.of(&output, |output| mse_loss(output, target.clone())),
            };
            loss = Some(match loss {
                Some(loss) => tape.of(&loss, |loss| loss + part),
                None => part,
            });
        }
        let loss = loss.expect("there is a step");
        (loss.put_tape(tape.0) / counted.len() as f32).backward();
    }
}
