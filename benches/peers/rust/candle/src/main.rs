//! The workloads in candle: its LSTM and GRU, and cells it lacks as a loop over the steps. The inputs are projected step
//! by step: to cut a projected sequence into T steps costs the work of T sequences on the way back.

use candle_core::{D, DType, Device, IndexOp, Result, Tensor, Var};
use candle_nn::ops::{layer_norm_slow, log_softmax, sigmoid};
use candle_nn::{Embedding, LSTMConfig, Linear, Module, RNN, VarBuilder, VarMap};
use serve::{Request, classes, serve, values};

const DEVICE: &Device = &Device::Cpu;

fn main() {
    // The way back calls itself once for each op of the longest path.
    let work = std::thread::Builder::new().stack_size(4 << 30).spawn(|| run(&Request::from_args()).unwrap());
    work.unwrap().join().unwrap();
}

fn run(request: &Request) -> Result<()> {
    let version = "candle 0.11";
    match request.word("kind") {
        "tape" => {
            let [x, y] = [0; 2].map(|_| variable(&[request.number("size")], 0.5));
            let (x, y) = (x?, y?);
            serve(version, || {
                let mut end = x.as_tensor().clone();
                for _ in 0..request.number("iters") {
                    end = end.mul(&y).unwrap().add(&y).unwrap().tanh().unwrap();
                }
                end.sum_all().unwrap().backward().unwrap();
            });
        }
        "matmul_chain" => {
            let n = request.number("n");
            let (x, w) = (variable(&[n, n], 0.1)?, variable(&[n, n], 0.1)?);
            serve(version, || {
                let mut end = x.as_tensor().clone();
                for _ in 0..request.number("count") {
                    end = end.matmul(&w).unwrap();
                }
                end.sum_all().unwrap().backward().unwrap();
            });
        }
        "mlp" => {
            let (sizes, batch) = (request.widths(), request.number("B"));
            let variables = VarMap::new();
            let vb = VarBuilder::from_varmap(&variables, DType::F32, DEVICE);
            let pairs = sizes.windows(2).enumerate();
            let layers: Vec<Linear> =
                pairs.map(|(i, pair)| candle_nn::linear(pair[0], pair[1], vb.pp(i))).collect::<Result<_>>()?;
            let x = tensor(&[batch, sizes[0]], 0.5)?;
            let classes = Tensor::from_vec(classes(batch, sizes[sizes.len() - 1]), batch, DEVICE)?;
            serve(version, || {
                let mut x = x.clone();
                for (i, layer) in layers.iter().enumerate() {
                    x = layer.forward(&if i > 0 { x.relu().unwrap() } else { x }).unwrap();
                }
                candle_nn::loss::cross_entropy(&x, &classes).unwrap().backward().unwrap();
            });
        }
        _ => {
            let variables = VarMap::new();
            let model = Model::new(request, VarBuilder::from_varmap(&variables, DType::F32, DEVICE))?;
            let mut checked = false;
            serve(version, || {
                let gradients = model.loss().unwrap().backward().unwrap();
                if !checked {
                    for (name, variable) in variables.data().lock().expect("nobody else has it").iter() {
                        assert!(gradients.get(variable).is_some(), "{name} has no gradient");
                    }
                    checked = true;
                }
            });
        }
    }
    Ok(())
}

fn tensor(shape: &[usize], scale: f32) -> Result<Tensor> {
    Tensor::from_vec(values(shape.iter().product(), scale), shape, DEVICE)
}

fn variable(shape: &[usize], scale: f32) -> Result<Var> {
    Var::from_tensor(&tensor(shape, scale)?)
}

/// Recurrent layers, with an embedding below and a dense layer on top where the workload has them.
struct Model {
    tokens: Option<Embedding>,
    layers: Vec<Layer>,
    head: Option<Linear>,
    last: bool,
    input: Tensor,
    target: Option<Tensor>,
}

impl Model {
    fn new(request: &Request, vb: VarBuilder) -> Result<Model> {
        let [vocab, dense, batch, time, inputs] = ["vocab", "dense", "B", "T", "I"].map(|name| request.number(name));
        let tokens = if vocab > 0 { Some(candle_nn::embedding(vocab, inputs, vb.pp("tokens"))?) } else { None };
        let (mut layers, mut below) = (Vec::new(), inputs);
        for (i, width) in request.widths().into_iter().enumerate() {
            layers.push(Layer::new(request.word("cell"), below, width, vb.pp(i))?);
            below = width;
        }
        let head = if dense > 0 { Some(candle_nn::linear(below, dense, vb.pp("head"))?) } else { None };
        let labels = |count: usize, of: usize| Tensor::from_vec(classes(count, of), count, DEVICE);
        let input = match vocab {
            0 => tensor(&[batch, time, inputs], 0.5)?,
            _ => labels(batch * time, vocab)?.reshape((batch, time))?,
        };
        let target = match request.word("loss") {
            "mse" => Some(tensor(&[batch, dense], 0.5)?),
            "xent" => Some(labels(batch * time, dense)?),
            _ => None,
        };
        Ok(Model { tokens, layers, head, last: request.word("on") == "last", input, target })
    }

    fn loss(&self) -> Result<Tensor> {
        let mut xs = self.input.clone();
        if let Some(tokens) = &self.tokens {
            xs = tokens.forward(&xs)?;
        }
        for layer in &self.layers {
            xs = layer.forward(&xs)?;
        }
        if self.last {
            xs = xs.i((.., xs.dim(1)? - 1, ..))?.contiguous()?;
        }
        if let Some(head) = &self.head {
            xs = head.forward(&xs)?;
        }
        match &self.target {
            None => xs.sqr()?.mean_all(),
            Some(target) if target.dtype() == DType::U32 => {
                candle_nn::loss::nll(&log_softmax(&xs.flatten_to(1)?, D::Minus1)?, target)
            }
            Some(target) => candle_nn::loss::mse(&xs, target),
        }
    }
}

/// A recurrent layer over `[B, T, F]`.
enum Layer {
    Lstm(candle_nn::LSTM),
    Gru(candle_nn::GRU),
    ByHand { cell: Cell, x: Linear, u: Vec<Tensor>, hidden: usize },
}

/// What candle has no layer for.
enum Cell {
    Rnn,
    Plain,
    Peephole([Tensor; 3]),
    Mgu,
    /// Gains and biases for x, h and c. candle's `LayerNorm` would give them no gradient: its op is one way.
    LayerNorm([(Tensor, Tensor); 3]),
}

impl Layer {
    fn new(cell: &str, inputs: usize, hidden: usize, vb: VarBuilder) -> Result<Layer> {
        let peephole = |name: &str| vb.get_with_hints(hidden, name, candle_nn::Init::Const(0.1));
        let norm = |width: usize, name: &str| -> Result<(Tensor, Tensor)> {
            let row = |value, what: &str| vb.pp(name).get_with_hints(width, what, candle_nn::Init::Const(value));
            Ok((row(1.0, "gain")?, row(0.0, "bias")?))
        };
        let (cell, gates, products) = match cell {
            "lstm" => return Ok(Layer::Lstm(candle_nn::lstm(inputs, hidden, LSTMConfig::default(), vb)?)),
            "gru" => return Ok(Layer::Gru(candle_nn::gru(inputs, hidden, Default::default(), vb)?)),
            "rnn" => (Cell::Rnn, 1, 1),
            "peephole" => (Cell::Peephole([peephole("p_i")?, peephole("p_f")?, peephole("p_o")?]), 4, 1),
            "mgu" => (Cell::Mgu, 2, 2),
            "lnlstm" => {
                let norms = [norm(4 * hidden, "x_norm")?, norm(4 * hidden, "h_norm")?, norm(hidden, "c_norm")?];
                (Cell::LayerNorm(norms), 4, 1)
            }
            _ => (Cell::Plain, 4, 1),
        };
        let x = match &cell {
            Cell::LayerNorm(_) => candle_nn::linear_no_bias(inputs, gates * hidden, vb.pp("x"))?,
            _ => candle_nn::linear(inputs, gates * hidden, vb.pp("x"))?,
        };
        let init = candle_nn::init::DEFAULT_KAIMING_UNIFORM;
        let weight = |i: usize| vb.get_with_hints((hidden, gates / products * hidden), &format!("u{i}"), init);
        let u = (0..products).map(weight).collect::<Result<_>>()?;
        Ok(Layer::ByHand { cell, x, u, hidden })
    }

    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match self {
            Layer::Lstm(lstm) => lstm.states_to_tensor(&lstm.seq(xs)?),
            Layer::Gru(gru) => Tensor::stack(&gru.seq(xs)?.iter().map(|state| state.h.clone()).collect::<Vec<_>>(), 1),
            Layer::ByHand { cell, x, u, hidden } => {
                let (batch, time, _) = xs.dims3()?;
                let zeros = Tensor::zeros((batch, *hidden), DType::F32, DEVICE)?;
                let (mut h, mut c, mut outputs) = (zeros.clone(), zeros, Vec::with_capacity(time));
                for t in 0..time {
                    let mut x = x.forward(&xs.i((.., t, ..))?.contiguous()?)?;
                    if let Cell::LayerNorm([norm, ..]) = cell {
                        x = normalized(&x, norm)?;
                    }
                    (h, c) = cell.step(&x, &h, &c, u)?;
                    outputs.push(h.clone());
                }
                Tensor::stack(&outputs, 1)
            }
        }
    }
}

fn normalized(x: &Tensor, (gain, bias): &(Tensor, Tensor)) -> Result<Tensor> {
    layer_norm_slow(x, gain, bias, 1e-5)
}

impl Cell {
    /// The next h and c.
    fn step(&self, x: &Tensor, h: &Tensor, c: &Tensor, u: &[Tensor]) -> Result<(Tensor, Tensor)> {
        let product = h.matmul(&u[0])?;
        let gates = |sum: Tensor| -> Result<[Tensor; 4]> { Ok(sum.chunk(4, 1)?.try_into().expect("four gates")) };
        match self {
            Cell::Rnn => Ok(((x + product)?.tanh()?, c.clone())),
            Cell::Plain => {
                let [i, f, g, o] = gates((x + product)?)?;
                let c = ((sigmoid(&f)? * c)? + (sigmoid(&i)? * g.tanh()?)?)?;
                Ok(((sigmoid(&o)? * c.tanh()?)?, c))
            }
            Cell::Peephole([p_i, p_f, p_o]) => {
                let [i, f, g, o] = gates((x + product)?)?;
                let i = sigmoid(&(i + c.broadcast_mul(p_i)?)?)?;
                let f = sigmoid(&(f + c.broadcast_mul(p_f)?)?)?;
                let c = ((f * c)? + (i * g.tanh()?)?)?;
                let o = sigmoid(&(o + c.broadcast_mul(p_o)?)?)?;
                Ok(((o * c.tanh()?)?, c))
            }
            Cell::Mgu => {
                let parts = x.chunk(2, 1)?;
                let f = sigmoid(&(&parts[0] + product)?)?;
                let candidate = (&parts[1] + (&f * h)?.matmul(&u[1])?)?.tanh()?;
                Ok(((h + (f * (candidate - h)?)?)?, c.clone()))
            }
            Cell::LayerNorm([_, norm_h, norm_c]) => {
                let [i, f, g, o] = gates((x + normalized(&product, norm_h)?)?)?;
                let c = ((sigmoid(&f)? * c)? + (sigmoid(&i)? * g.tanh()?)?)?;
                Ok(((sigmoid(&o)? * normalized(&c, norm_c)?.tanh()?)?, c))
            }
        }
    }
}
