//! The workloads: burn's Rnn, Lstm and Gru, and cells it lacks as a loop over the steps. The inputs are projected step by
//! step: to cut a projected sequence into T steps costs the work of T sequences on the way back.

use burn::module::Param;
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{
    Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, Lstm, LstmConfig, Rnn, RnnConfig,
};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use serve::{Request, classes, serve, values};

/// Answers for the work that the arguments ask for.
pub fn run(version: &str, device: Device) {
    let (request, device) = (Request::from_args(), device.autodiff());
    match request.word("kind") {
        "tape" => {
            let size = request.number("size");
            let [x, y] = [0; 2].map(|_| Tensor::<1>::from_data(&values(size, 0.5)[..], &device).require_grad());
            serve(version, || {
                let mut end = x.clone();
                for _ in 0..request.number("iters") {
                    end = (end * y.clone() + y.clone()).tanh();
                }
                end.sum().backward();
            });
        }
        "matmul_chain" => {
            let n = request.number("n");
            let [x, w] = [0; 2].map(|_| matrix([n, n], 0.1, &device).require_grad());
            serve(version, || {
                let mut end = x.clone();
                for _ in 0..request.number("count") {
                    end = end.matmul(w.clone());
                }
                end.sum().backward();
            });
        }
        "mlp" => {
            let (sizes, batch) = (request.widths(), request.number("B"));
            let layers: Vec<Linear> =
                sizes.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(&device)).collect();
            let x = matrix([batch, sizes[0]], 0.5, &device);
            let targets = labels(batch, sizes[sizes.len() - 1], &device);
            let loss = CrossEntropyLossConfig::new().init(&device);
            serve(version, || {
                let mut x = x.clone();
                for (i, layer) in layers.iter().enumerate() {
                    x = layer.forward(if i > 0 { relu(x) } else { x });
                }
                loss.forward(x, targets.clone()).backward();
            });
        }
        _ => {
            let model = Model::new(&request, &device);
            let batch = Batch::new(&request, &device);
            let last = request.word("on") == "last";
            let mut checked = false;
            serve(version, || {
                let gradients = batch.loss(&model, last).backward();
                if !checked {
                    let recurrent = model.layers.iter().map(|layer| layer.recurrent_weight());
                    let head = model.head.iter().map(|head| head.weight.val());
                    assert!(recurrent.chain(head).all(|weight| weight.grad(&gradients).is_some()), "no gradient");
                    checked = true;
                }
            });
        }
    }
}

fn matrix(shape: [usize; 2], scale: f32, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values(shape[0] * shape[1], scale), shape), device)
}

fn labels(count: usize, of: usize, device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i64> = classes(count, of).into_iter().map(i64::from).collect();
    Tensor::from_data(&labels[..], device)
}

/// What is read and what is to be said.
struct Batch {
    tokens: Option<Tensor<2, Int>>,
    values: Tensor<3>,
    labels: Option<Tensor<1, Int>>,
    numbers: Option<Tensor<2>>,
}

impl Batch {
    fn new(request: &Request, device: &Device) -> Batch {
        let [vocab, dense, batch, time, inputs] = ["vocab", "dense", "B", "T", "I"].map(|name| request.number(name));
        let shape = [batch, time, inputs];
        Batch {
            tokens: (vocab > 0).then(|| labels(batch * time, vocab, device).reshape([batch, time])),
            values: Tensor::from_data(TensorData::new(values(batch * time * inputs, 0.5), shape), device),
            labels: (request.word("loss") == "xent").then(|| labels(batch * time, dense, device)),
            numbers: (request.word("loss") == "mse").then(|| matrix([batch, dense], 0.5, device)),
        }
    }

    fn loss(&self, model: &Model, last: bool) -> Tensor<1> {
        let mut xs = match (&self.tokens, &model.tokens) {
            (Some(tokens), Some(table)) => table.forward(tokens.clone()),
            _ => self.values.clone(),
        };
        for layer in &model.layers {
            xs = layer.forward(xs);
        }
        let [batch, time, width] = xs.dims();
        let Some(head) = &model.head else { return xs.square().mean() };
        let rows = match last {
            true => xs.narrow(1, time - 1, 1).reshape([batch, width]),
            false => xs.reshape([batch * time, width]),
        };
        let output = head.forward(rows);
        match (&self.labels, &self.numbers) {
            (Some(labels), _) => CrossEntropyLossConfig::new().init(&output.device()).forward(output, labels.clone()),
            (_, Some(numbers)) => MseLoss::new().forward(output, numbers.clone(), Reduction::Mean),
            _ => output.square().mean(),
        }
    }
}

/// Recurrent layers, with an embedding below and a dense layer on top where the workload has them.
struct Model {
    tokens: Option<Embedding>,
    layers: Vec<Layer>,
    head: Option<Linear>,
}

impl Model {
    fn new(request: &Request, device: &Device) -> Model {
        let [vocab, dense, inputs] = ["vocab", "dense", "I"].map(|name| request.number(name));
        let (mut layers, mut below) = (Vec::new(), inputs);
        for width in request.widths() {
            layers.push(Layer::new(request.word("cell"), below, width, device));
            below = width;
        }
        Model {
            tokens: (vocab > 0).then(|| EmbeddingConfig::new(vocab, inputs).init(device)),
            layers,
            head: (dense > 0).then(|| LinearConfig::new(below, dense).init(device)),
        }
    }
}

/// A recurrent layer over `[B, T, F]`.
enum Layer {
    Rnn(Rnn),
    Lstm(Lstm),
    Gru(Gru),
    ByHand(ByHand),
}

impl Layer {
    fn new(cell: &str, inputs: usize, hidden: usize, device: &Device) -> Layer {
        match cell {
            "rnn" => Layer::Rnn(RnnConfig::new(inputs, hidden, true).init(device)),
            "lstm" => Layer::Lstm(LstmConfig::new(inputs, hidden, true).init(device)),
            "gru" => Layer::Gru(GruConfig::new(inputs, hidden, true).init(device)),
            _ => Layer::ByHand(ByHand::new(cell, inputs, hidden, device)),
        }
    }

    /// One that has a gradient only if it came back through time.
    fn recurrent_weight(&self) -> Tensor<2> {
        match self {
            Layer::Rnn(rnn) => rnn.gate.hidden_transform.weight.val(),
            Layer::Lstm(lstm) => lstm.output_gate.hidden_transform.weight.val(),
            Layer::Gru(gru) => gru.reset_gate.hidden_transform.weight.val(),
            Layer::ByHand(layer) => layer.u[0].val(),
        }
    }

    fn forward(&self, xs: Tensor<3>) -> Tensor<3> {
        match self {
            Layer::Rnn(rnn) => rnn.forward(xs, None).0,
            Layer::Lstm(lstm) => lstm.forward(xs, None).0,
            Layer::Gru(gru) => gru.forward(xs, None),
            Layer::ByHand(layer) => layer.forward(xs),
        }
    }
}

/// A layer of a cell that burn does not have.
struct ByHand {
    cell: String,
    hidden: usize,
    x: Linear,
    u: Vec<Param<Tensor<2>>>,
    peepholes: [Param<Tensor<1>>; 3],
    norms: [LayerNorm; 3],
}

impl ByHand {
    fn new(cell: &str, inputs: usize, hidden: usize, device: &Device) -> ByHand {
        let (gates, products) = if cell == "mgu" { (2, 2) } else { (4, 1) };
        let uniform = Distribution::Uniform(-0.1, 0.1);
        let weight = |_| Param::from_tensor(Tensor::random([hidden, gates / products * hidden], uniform, device));
        let peephole = |_| Param::from_tensor(Tensor::random([hidden], uniform, device));
        ByHand {
            cell: cell.to_owned(),
            hidden,
            x: LinearConfig::new(inputs, gates * hidden).with_bias(cell != "lnlstm").init(device),
            u: (0..products).map(weight).collect(),
            peepholes: [0, 1, 2].map(peephole),
            norms: [4 * hidden, 4 * hidden, hidden].map(|width| LayerNormConfig::new(width).init(device)),
        }
    }

    fn forward(&self, xs: Tensor<3>) -> Tensor<3> {
        let [batch, time, _] = xs.dims();
        let zeros = Tensor::<2>::zeros([batch, self.hidden], &xs.device());
        let (mut h, mut c, mut outputs) = (zeros.clone(), zeros, Vec::with_capacity(time));
        for x in xs.iter_dim(1) {
            let mut x = self.x.forward(x.squeeze_dim::<2>(1));
            if self.cell == "lnlstm" {
                x = self.norms[0].forward(x);
            }
            (h, c) = self.step(x, h, c);
            outputs.push(h.clone());
        }
        Tensor::stack(outputs, 1)
    }

    /// The next h and c.
    fn step(&self, x: Tensor<2>, h: Tensor<2>, c: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let product = h.clone().matmul(self.u[0].val());
        let gates = |sum: Tensor<2>| -> [Tensor<2>; 4] { sum.chunk(4, 1).try_into().expect("four gates") };
        match &self.cell[..] {
            "peephole" => {
                let [p_i, p_f, p_o] = self.peepholes.each_ref().map(|p| p.val().unsqueeze::<2>());
                let [i, f, g, o] = gates(x + product);
                let (i, f) = (sigmoid(i + p_i * c.clone()), sigmoid(f + p_f * c.clone()));
                let c = f * c + i * g.tanh();
                (sigmoid(o + p_o * c.clone()) * c.clone().tanh(), c)
            }
            "mgu" => {
                let [xf, xc]: [Tensor<2>; 2] = x.chunk(2, 1).try_into().expect("two gates");
                let f = sigmoid(xf + product);
                let candidate = (xc + (f.clone() * h.clone()).matmul(self.u[1].val())).tanh();
                (h.clone() + f * (candidate - h), c)
            }
            "lnlstm" => {
                let [i, f, g, o] = gates(x + self.norms[1].forward(product));
                let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
                (sigmoid(o) * self.norms[2].forward(c.clone()).tanh(), c)
            }
            _ => {
                let [i, f, g, o] = gates(x + product);
                let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
                (sigmoid(o) * c.clone().tanh(), c)
            }
        }
    }
}
