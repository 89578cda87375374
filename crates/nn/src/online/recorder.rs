//! One step on a tape, and its derivatives by reverse passes: what all learners share.

use crate::messages::listed;
use crate::optim::group::matches;
use crate::recurrent::detached::DetachedState;
use crate::recurrent::state::State;
use std::fmt;
use unspool_autograd::{Dual, Gradients, Params, ParamsExt, Path, Real, Scalar, Shape, Tape, Tensor, Var};

/// An element type of a tape on which numbers of type `N` are computed.
pub(super) trait Element<N: Real>: Scalar {
    /// Numbers as constants of this type.
    fn lift(numbers: &Tensor<N>) -> Tensor<Self>;
    /// The numbers, without tangents.
    fn lower(elements: Tensor<Self>) -> Tensor<N>;
}

impl<N: Real> Element<N> for N {
    fn lift(numbers: &Tensor<N>) -> Tensor<N> {
        numbers.clone()
    }
    fn lower(elements: Tensor<N>) -> Tensor<N> {
        elements
    }
}

impl<N: Real> Element<N> for Dual<N> {
    fn lift(numbers: &Tensor<N>) -> Tensor<Self> {
        numbers.cast()
    }
    fn lower(elements: Tensor<Self>) -> Tensor<N> {
        elements.values()
    }
}

/// The tape of a learner, which is reused from step to step, and the state between two of them.
pub(super) struct Recorder<D, S: Scalar> {
    /// The name of the learner, for messages.
    learner: &'static str,
    tape: Tape<S>,
    initial: D,
    /// `None` before the first step.
    state: Option<D>,
    /// The names of parameters without influence, as patterns.
    frozen: Vec<String>,
    /// The shapes of the parameters in the steps since the start. `None` before the first.
    shapes: Option<Vec<Shape>>,
}

/// The learner's own: its name, and what it does not print, which is large.
impl<D, S: Scalar> fmt::Debug for Recorder<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = &mut f.debug_struct(self.learner);
        fields.field("frozen", &self.frozen).field("shapes", &self.shapes).finish_non_exhaustive()
    }
}

/// A step that has been recorded. All lists have one order: parameters that of the model, parts of
/// the state that of [`State::visit`].
pub(super) struct Recorded<'t, S: Scalar, Net, State> {
    net: Net,
    /// The state after the step.
    state: State,
    /// The parameters that are trained.
    pub(super) parameters: Vec<Var<'t, S>>,
    /// The parts of the state before the step.
    before: Vec<Var<'t, S>>,
    /// That after it, of the same shapes.
    pub(super) after: Vec<Var<'t, S>>,
    /// The loss, of one element.
    loss: Var<'t, S>,
}

impl<N: Real, D: DetachedState<Number = N>, S: Element<N>> Recorder<D, S> {
    pub(super) fn new(learner: &'static str, initial: D) -> Self {
        Recorder { learner, tape: Tape::new(), initial, state: None, frozen: Vec::new(), shapes: None }
    }

    pub(super) fn freeze(&mut self, pattern: String) {
        self.frozen.push(pattern);
    }

    pub(super) fn state(&self) -> &D {
        self.state.as_ref().unwrap_or(&self.initial)
    }

    /// Back to the state before the first step, for any model.
    pub(super) fn reset(&mut self) {
        self.state = None;
        self.shapes = None;
    }

    /// Whether parameters of this name are trained.
    fn is_trained(&self, path: Path<'_>) -> bool {
        let is_frozen = || {
            let name = path.to_string();
            self.frozen.iter().any(|pattern| matches(pattern, &name))
        };
        !path.is_buffer() && (self.frozen.is_empty() || !is_frozen())
    }

    /// Prepares a step of `model`.
    ///
    /// # Panics
    /// If the steps since the start were those of a model of other shapes.
    #[track_caller]
    pub(super) fn begin<M: Params<Tensor<N>>>(&mut self, model: &M) {
        self.tape.reset(); // if the previous step panicked, its values are still there
        let (learner, known) = (self.learner, self.shapes.as_ref());
        let (mut given, mut misfit) = (Vec::new(), None);
        model.visit_leaves(Path::ROOT, &mut |path, leaf| {
            if self.is_trained(path) {
                let shape = leaf.shape();
                let before = known.and_then(|known| known.get(given.len()).copied());
                if let Some(before) = before.filter(|&before| before != shape) {
                    misfit.get_or_insert_with(|| (path.to_string(), shape, before));
                }
                given.push(shape);
            }
        });
        if let Some((name, shape, before)) = misfit {
            fail!(
                "{learner}: parameter {name} has shape {shape}, and {before} in the step before; call reset() for another model"
            );
        }
        if known.is_none() {
            let names = model.names();
            for pattern in &self.frozen {
                let found = names.iter().any(|name| matches(pattern, name));
                ensure!(found, "freeze: no parameter matches {pattern:?}; the parameters are {}", listed(&names, ", "));
            }
        }
        let before = known.map_or(given.len(), Vec::len);
        ensure!(
            given.len() == before,
            "{learner}: parameters of the model: {}, and {before} in the step before; call reset() for another model",
            given.len()
        );
        self.shapes = Some(given);
    }

    /// Records a step from the current state. `lift` makes the elements of part i of the state.
    ///
    /// # Panics
    /// If the loss does not have one element, or the shapes of the state change.
    #[track_caller]
    pub(super) fn record<'t, M: Params<Tensor<N>>, const I: usize>(
        &'t self,
        model: &M,
        inputs: [&Tensor<N>; I],
        mut lift: impl FnMut(usize, &Tensor<N>) -> Tensor<S>,
        step: impl FnOnce(&M::With<Var<'t, S>>, [Var<'t, S>; I], D::Attached<'t, S>) -> (Var<'t, S>, D::Attached<'t, S>),
    ) -> Recorded<'t, S, M::With<Var<'t, S>>, D::Attached<'t, S>> {
        let (tape, learner) = (&self.tape, self.learner);
        let (mut parameters, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let net = model.map_leaves(Path::ROOT, &mut |path, leaf| {
            let leaf = S::lift(leaf);
            if !self.is_trained(path) {
                return tape.bind_leaf(path, &leaf, false);
            }
            let var = tape.bind_leaf(path, &leaf, true);
            parameters.push(var);
            var
        });
        let inputs = inputs.map(|input| tape.constant(&S::lift(input)));
        let state = self.state().attach_with(&mut |part| {
            let var = tape.variable(&lift(before.len(), part));
            before.push(var);
            var
        });
        let (loss, state) = step(&net, inputs, state);
        let shape = loss.shape();
        ensure!(shape.numel() == 1, "{learner}: a loss has one element, this value has shape {shape}");
        state.visit(&mut |var| after.push(var));
        let counts = (before.len(), after.len());
        ensure!(
            counts.0 == counts.1,
            "{learner}: parts of the state: {} after a step, and {} before it",
            counts.1,
            counts.0
        );
        for (part, (before, after)) in before.iter().zip(&after).enumerate() {
            let (before, after) = (before.shape(), after.shape());
            ensure!(
                before == after,
                "{learner}: part {part} of the state has shape {after} after a step, and {before} before it"
            );
        }
        Recorded { net, state, parameters, before, after, loss }
    }

    /// Continues from the state after a step.
    pub(super) fn finish(&mut self, state: D) {
        self.state = Some(state);
        self.tape.reset();
    }
}

impl<'t, S: Scalar, Net, State> Recorded<'t, S, Net, State> {
    /// The number of elements of the state.
    pub(super) fn width(&self) -> usize {
        self.before.iter().map(|part| part.shape().numel()).sum()
    }

    /// The gradients of a loss with respect to each parameter, within this step alone, and with
    /// respect to the state before it, as a row `[1, width]`.
    fn gradients<N: Real>(&self, of: Var<'t, S>) -> (Vec<Tensor<N>>, Tensor<N>)
    where
        S: Element<N>,
    {
        if !of.requires_grad() {
            let zeros = self.parameters.iter().map(|var| Tensor::zeros(var.shape())).collect();
            return (zeros, Tensor::zeros([1, self.width()]));
        }
        let gradients = of.backward();
        let parameters = self.parameters.iter().map(|&var| S::lower(gradients.wrt(var))).collect();
        (parameters, self.row(&gradients))
    }

    /// Those of the step's own loss.
    pub(super) fn loss_gradients<N: Real>(&self) -> (Vec<Tensor<N>>, Tensor<N>)
    where
        S: Element<N>,
    {
        self.gradients(self.loss)
    }

    /// A vector times the direct part of the step's Jacobian: the gradients with respect to each
    /// parameter of the product of the state after the step and `vector`, given in its parts.
    pub(super) fn transposed<N: Real>(&self, vector: &[Tensor<N>]) -> Vec<Tensor<N>>
    where
        S: Element<N>,
    {
        let products =
            self.after.iter().zip(vector).map(|(&part, vector)| (part * part.tape().constant(&S::lift(vector))).sum());
        match products.reduce(|a, b| a + b) {
            Some(product) => self.gradients(product).0,
            None => Vec::new(),
        }
    }

    /// The Jacobian of the step with respect to the state, `[width, width]`: a reverse pass from each
    /// element of the state after it. `direct` gets the other part of each pass: the element, the
    /// parameter, and the gradient of the element with respect to it, unless that is zero.
    pub(super) fn jacobian<N: Real>(&self, mut direct: impl FnMut(usize, usize, Tensor<N>)) -> Tensor<N>
    where
        S: Element<N>,
    {
        let width = self.width();
        let (mut jacobian, mut element) = (Tensor::zeros([width, width]), 0);
        for part in &self.after {
            let shape = part.shape();
            for i in 0..shape.numel() {
                if part.requires_grad() {
                    let seed = Tensor::from_fn(shape, |at| if at == i { S::ONE } else { S::ZERO });
                    let gradients = part.backward_with(&seed);
                    jacobian.slice_assign(0, element, &self.row(&gradients));
                    for (which, &var) in self.parameters.iter().enumerate() {
                        let gradient = S::lower(gradients.wrt(var));
                        if !is_zero(&gradient) {
                            direct(element, which, gradient);
                        }
                    }
                }
                element += 1;
            }
        }
        jacobian
    }

    /// The gradient with respect to the state before the step: `[1, width]`.
    fn row<N: Real>(&self, gradients: &Gradients<'t, S>) -> Tensor<N>
    where
        S: Element<N>,
    {
        let parts = self.before.iter().flat_map(|&part| S::lower(gradients.wrt(part)).to_vec());
        Tensor::from_vec(parts.collect(), [1, self.width()])
    }

    /// The loss, the gradients of the parameters as a model, and the state after the step. What is not
    /// trained has gradient zero.
    pub(super) fn end<N: Real, M, D>(self, gradients: Vec<Tensor<N>>) -> (f64, M, D)
    where
        S: Element<N>,
        Net: Params<Var<'t, S>, With<Tensor<N>> = M>,
        D: DetachedState<Number = N, Attached<'t, S> = State>,
    {
        let mut given = self.parameters.iter().zip(gradients).peekable();
        let gradients = self.net.map_leaves(Path::ROOT, &mut |_, var| {
            let trained = given.next_if(|(parameter, _)| parameter.ptr_eq(*var));
            // One zero, seen as many.
            trained.map_or_else(|| Tensor::zeros([]).expand(var.shape()), |(_, gradient)| gradient)
        });
        let state = D::detach_with(&self.state, &mut |part| S::lower(part.value()));
        (self.loss.item().to_f64(), gradients, state)
    }
}

/// Whether all elements are zero: NaN is not.
pub(super) fn is_zero<N: Real>(tensor: &Tensor<N>) -> bool {
    tensor
        .as_slice()
        .map_or_else(|| tensor.to_vec().iter().all(|&x| x == N::ZERO), |xs| xs.iter().all(|&x| x == N::ZERO))
}
