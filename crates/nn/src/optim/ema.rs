//! Exponential moving averages of weights.

use crate::optim::fingerprint::fingerprint;
use crate::optim::optimizer::Optimizer;
use crate::optim::state_dict::{StateDict, StateDictError};
use unspool_autograd::{Params, ParamsExt, Path, Scalar, Tensor};

/// The exponential moving average of a model's weights, itself a model: each
/// [`update`](Ema::update) makes it `decay` times the average plus `1 - decay` times the weights.
/// It often generalizes better than the weights of the last step. Its buffers are those of the model
/// at the last update.
///
/// Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"; as in
/// `torch.optim.swa_utils` with `get_ema_multi_avg_fn`.
///
/// A pair of an optimizer and a borrowed average is an optimizer that also averages, after each
/// step:
///
/// ```
/// use unspool::optim::Ema;
/// use unspool::prelude::*;
///
/// let x = Tensor::<f32>::from_fn([64, 2], |i| (i as f32).sin());
/// let train = Dataset::new(x.clone(), x.slice(1, ..1).copy())?;
/// let mut model = sequential().add(dense(2, 1));
/// let mut average = Ema::new(&model, 0.9);
/// fit(&mut model, &train).loss(mse).optimizer((Adam::default(), &mut average)).epochs(3).quiet().run()?;
/// let outputs = predict(average.model(), &x);
/// # let _ = outputs;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ema<M> {
    decay: f64,
    average: M,
    /// The fingerprint of the model after the last update, if it is known.
    model: Option<u64>,
}

impl<M> Ema<M> {
    /// An average that starts at the weights of `model`.
    ///
    /// # Panics
    /// If `decay` is not between 0 and 1.
    #[track_caller]
    pub fn new<T: Scalar>(model: &M, decay: f64) -> Self
    where
        M: Params<Tensor<T>>,
    {
        ensure!((0.0..=1.0).contains(&decay), "Ema: the decay is {decay}; it must be between 0 and 1");
        let mut average = model.zeros_like();
        for (average, weight) in average.leaves_mut().into_iter().zip(model.leaves()) {
            *average = weight.copy();
        }
        take_buffers(&mut average, model);
        Ema { decay, average, model: Some(fingerprint(model)) }
    }

    /// Updates the average with the weights of `model`.
    ///
    /// # Panics
    /// If the shapes are not those of the model that it started with.
    #[track_caller]
    pub fn update<T: Scalar>(&mut self, model: &M)
    where
        M: Params<Tensor<T>>,
    {
        let step = T::from_f64(1.0 - self.decay);
        for (average, weight) in self.average.leaves_mut().into_iter().zip(model.leaves()) {
            average.update(
                weight,
                #[inline(always)]
                |a, w| a + (w - a) * step,
            );
        }
        take_buffers(&mut self.average, model);
        self.model = Some(fingerprint(model));
    }

    /// The averaged model: to evaluate, to predict with and to save.
    pub fn model(&self) -> &M {
        &self.average
    }

    /// The averaged model, by value.
    pub fn into_model(self) -> M {
        self.average
    }

    /// The averages by the names of the parameters, and the buffers by theirs.
    pub fn state_dict<T: Scalar>(&self) -> StateDict<T>
    where
        M: Params<Tensor<T>>,
    {
        let mut state = StateDict::new();
        self.average.visit_leaves(Path::ROOT, &mut |path, leaf| {
            state.tensors.insert(path.to_string(), leaf.clone());
        });
        state
    }

    /// Continues from a saved average; on an error nothing changes.
    ///
    /// # Errors
    /// If the state is not that of an average of such a model.
    pub fn load_state_dict<T: Scalar>(&mut self, state: &StateDict<T>) -> Result<(), StateDictError>
    where
        M: Params<Tensor<T>>,
    {
        let saved = self.read(state)?;
        self.put(saved);
        self.model = None;
        Ok(())
    }

    fn read<T: Scalar>(&self, state: &StateDict<T>) -> Result<Vec<Tensor<T>>, StateDictError>
    where
        M: Params<Tensor<T>>,
    {
        let mut reader = state.reader();
        let mut read = Vec::new();
        self.average.visit_leaves(Path::ROOT, &mut |path, leaf| {
            read.extend(reader.tensor(&path.to_string(), leaf.shape()));
        });
        reader.finish()?;
        Ok(read)
    }

    fn put<T: Scalar>(&mut self, saved: Vec<Tensor<T>>)
    where
        M: Params<Tensor<T>>,
    {
        let mut saved = saved.into_iter();
        self.average.visit_leaves_mut(Path::ROOT, &mut |_, average| {
            *average = saved.next().expect("one for each leaf");
        });
    }
}

/// Makes the buffers of `average` those of `model`, sharing their memory.
fn take_buffers<T: Scalar, M: Params<Tensor<T>>>(average: &mut M, model: &M) {
    let mut buffers = Vec::new();
    model.visit_leaves(Path::ROOT, &mut |path, leaf| buffers.extend(path.is_buffer().then(|| leaf.clone())));
    let mut buffers = buffers.into_iter();
    average.visit_leaves_mut(Path::ROOT, &mut |path, leaf| {
        if path.is_buffer() {
            *leaf = buffers.next().expect("two models of one type have the same leaves");
        }
    });
}

/// A name for an average in a state that may hold other averages: `ema`, `ema2`, ..
fn free_name<T: Scalar>(state: &StateDict<T>) -> String {
    let names = std::iter::once("ema".to_string()).chain((2..).map(|n| format!("ema{n}")));
    let taken =
        |name: &str| state.tensors.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    names.into_iter().find(|name| !taken(name)).expect("names without end")
}

/// The optimizer, and an average of the weights after each of its steps. The state of the average
/// is nested under `ema`, that of a second one under `ema2`. In [`fit`](crate::train::fit), an
/// average starts afresh at the weights of a model that has changed since the last update.
impl<T: Scalar, M: Params<Tensor<T>>, O: Optimizer<T, M>> Optimizer<T, M> for (O, &mut Ema<M>) {
    #[track_caller]
    fn step(&mut self, model: &mut M, gradients: &M) {
        self.0.step(model, gradients);
        self.1.update(model);
    }
    #[track_caller]
    fn prepare(&mut self, model: &M) {
        self.0.prepare(model);
        if self.1.model.is_some_and(|left| left != fingerprint(model)) {
            *self.1 = Ema::new(model, self.1.decay);
        }
    }
    fn observe(&mut self, metric: f64) {
        self.0.observe(metric);
    }
    fn current_learning_rate(&self) -> Option<f64> {
        self.0.current_learning_rate()
    }
    fn state_dict(&self) -> StateDict<T> {
        let mut state = self.0.state_dict();
        state.nest(&free_name(&state), self.1.state_dict());
        state
    }
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let before = self.0.state_dict();
        let name = free_name(&before);
        let (average, optimizer) = state.split(&name);
        let (optimizer, average) = (self.0.load_state_dict(model, &optimizer), self.1.read(&average));
        match (optimizer, average) {
            (optimizer, Ok(average)) => optimizer.map(|()| {
                self.1.put(average);
                self.1.model = Some(fingerprint(model));
            }),
            (optimizer, Err(wrong)) => {
                // Both are loaded, or neither.
                let mut error = match optimizer {
                    Ok(()) => self.0.load_state_dict(model, &before).err().unwrap_or_default(),
                    Err(error) => error,
                };
                error.nest(&name, wrong);
                Err(error)
            }
        }
    }
}
