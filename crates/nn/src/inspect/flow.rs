//! The one call.

use super::jacobian::Jacobian;
use super::layer::LayerFlow;
use crate::recurrent::notes::Run;
use unspool_autograd::{Params, Real, Tape, Tensor, Var};

/// How the gradient of a loss flows back through the time steps of every recurrent layer of a model.
///
/// ```
/// use unspool::inspect::GradientFlow;
/// use unspool::prelude::*;
/// let (x, y) = (Tensor::<f32>::ones([30, 4, 1]), Tensor::zeros([4, 1]));
/// let model = sequential().add(lstm(1, 8).return_sequences()).add(simple_rnn(8, 8)).add(dense(8, 1));
///
/// let flow = GradientFlow::of(&model, |tape, net| mse(net.forward(tape.constant(&x)), tape.constant(&y)));
///
/// let [lstm, rnn] = &flow.layers[..] else { panic!("two recurrent layers") };
/// assert_eq!((&lstm.name[..], &rnn.name[..]), ("layers.0.cell", "layers.1.cell"));
/// let c = lstm.state("c").unwrap();
/// assert_eq!((c.norm.len(), &c.gradient.shape()[..]), (30, &[30, 4, 8][..])); // |dL/dc_t| and dL/dc_t
/// assert!(rnn.states[0].norm[0] < rnn.states[0].norm[29]);
/// assert_eq!(lstm.gates.iter().map(|gate| &gate.name[..]).collect::<Vec<_>>(), ["i", "f", "o"]);
/// # let svg = flow.to_svg();
/// # assert!(svg.starts_with("<svg "));
/// ```
///
/// `flow.save_svg("flow.svg")` draws the norms on a logarithmic axis, `save_heat_map_svg` the units as well,
/// and `save_csv` writes the numbers.
///
/// The model may be any that contains [`Recurrent`](crate::recurrent::Recurrent) layers: stacked, in both
/// directions, wrapped, with lengths or masks, decoding. All of them go step by step here, and keep every
/// value and gradient, which takes more time and memory than a training step.
///
/// The gradient of an `f32` is 0 below 1e-45. To see further, cast the model and the data to `f64`:
/// [`ParamsExt::cast`](unspool_autograd::ParamsExt::cast).
///
/// The loss of one step of the output, such as `net.forward(xs).steps()[k]`, gives the inner terms of the
/// lecture's double sum, `dL_k/dh_t` over all `t <= k`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GradientFlow {
    /// The loss.
    pub loss: f64,
    /// The recurrent layers, in the order in which they ran.
    pub layers: Vec<LayerFlow>,
}

/// What to look at beside gradients: see [`GradientFlow::options`].
///
/// ```
/// use unspool::inspect::{FlowOptions, GradientFlow, Jacobian};
/// use unspool::prelude::*;
/// let (model, xs) = (Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
/// let options: FlowOptions = GradientFlow::options().jacobian(Jacobian::Probes(16)).seed(1);
/// let flow = options.of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
/// assert_eq!(flow.layers[0].states[0].jacobian.as_ref().unwrap().len(), 20);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FlowOptions {
    jacobian: Option<Jacobian>,
    seed: u64,
    keeps_terms: bool,
}

impl GradientFlow {
    /// The flow of the gradient of a loss, which is computed from a model that is bound to a tape.
    ///
    /// # Panics
    /// If the loss does not have one element or depends on no parameter, or no recurrent layer ran.
    #[track_caller]
    pub fn of<T: Real, M: Params<Tensor<T>>>(
        model: &M,
        loss: impl for<'t> FnOnce(&'t Tape<T>, &M::With<Var<'t, T>>) -> Var<'t, T>,
    ) -> Self {
        Self::options().of(model, loss)
    }

    /// A flow with more: Jacobians, or the terms of the gradients of weights.
    ///
    /// ```
    /// use unspool::inspect::{GradientFlow, Jacobian};
    /// use unspool::prelude::*;
    /// let (model, xs) = (Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
    /// let options = GradientFlow::options().jacobian(Jacobian::Exact).keep_terms();
    /// let flow = options.of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
    /// let jacobian = flow.layers[0].states[0].jacobian.as_ref().unwrap(); // |dh_T/dh_t| for each t
    /// assert!(jacobian[0] < jacobian[10] && (jacobian[19] - 8f64.sqrt()).abs() < 1e-6); // that of the identity
    ///
    /// // The gradient of a weight is a sum over time.
    /// let u = flow.layers[0].parameter("cell.u").unwrap();
    /// let terms = u.terms.as_ref().unwrap();
    /// let sum = terms.iter().fold(0.0, |sum, term| sum + term.at([2, 3]));
    /// assert!((sum - u.gradient.at([2, 3])).abs() < 1e-6);
    /// ```
    pub fn options() -> FlowOptions {
        FlowOptions::default()
    }

    /// The layer of this name, as [`LayerFlow::name`] has it.
    pub fn layer(&self, name: &str) -> Option<&LayerFlow> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

impl FlowOptions {
    /// The same with the norms of the Jacobians `dh_T/dh_t`: [`StateFlow::jacobian`](super::StateFlow::jacobian).
    pub fn jacobian(self, jacobian: Jacobian) -> Self {
        FlowOptions { jacobian: Some(jacobian), ..self }
    }

    /// The same with another seed for [`Jacobian::Probes`], which is 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        FlowOptions { seed, ..self }
    }

    /// The same with each time step's term of the gradients of the weights, not its norm alone:
    /// [`ParameterFlow::terms`](super::ParameterFlow::terms). They take as much memory as the cell's
    /// parameters for each time step.
    pub fn keep_terms(self) -> Self {
        FlowOptions { keeps_terms: true, ..self }
    }

    /// The flow of the gradient of a loss: [`GradientFlow::of`].
    ///
    /// # Panics
    /// As [`GradientFlow::of`].
    #[track_caller]
    pub fn of<T: Real, M: Params<Tensor<T>>>(
        self,
        model: &M,
        loss: impl for<'t> FnOnce(&'t Tape<T>, &M::With<Var<'t, T>>) -> Var<'t, T>,
    ) -> GradientFlow {
        let tape = Tape::new().keep_all();
        let loss = loss(&tape, &tape.bind(model));
        let runs: Vec<Run> = tape.remarks();
        ensure!(
            !runs.is_empty(),
            "GradientFlow: the loss ran no recurrent layer; it is computed from a `Recurrent`, or a layer that holds one"
        );
        let gradients = loss.backward();
        let mut layers: Vec<LayerFlow> =
            runs.iter().map(|run| LayerFlow::of(&tape, &gradients, run, self.keeps_terms)).collect();
        drop(gradients);
        if let Some(jacobian) = self.jacobian {
            for (layer, run) in layers.iter_mut().zip(&runs) {
                jacobian.measure(&tape, run, self.seed, &mut layer.states);
            }
        }
        number_repeated(&mut layers);
        GradientFlow { loss: loss.item().to_f64(), layers }
    }
}

/// A layer that runs more than once has a number from its second run on.
fn number_repeated(layers: &mut [LayerFlow]) {
    let names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
    for (i, layer) in layers.iter_mut().enumerate() {
        let earlier = names[..i].iter().filter(|name| **name == layer.name).count();
        if earlier > 0 {
            layer.name = format!("{}, run {}", layer.name, earlier + 1);
        }
    }
}
