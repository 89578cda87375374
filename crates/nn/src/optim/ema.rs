//! An average of the weights of the last steps.

use crate::optim::fingerprint::fingerprint;
use crate::optim::optimizer::Optimizer;
use crate::optim::state_dict::{StateDict, StateDictError};
use unspool_autograd::{Params, ParamsExt, Path, Scalar, Tensor};

/// The exponential moving average of a model's weights, a model itself: after each [`update`](Ema::update) it is
/// `decay` times what it was, plus `1 - decay` times the weights. It often generalises better than the weights of the last
/// step.
///
/// Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"; as in
/// `torch.optim.swa_utils` with `get_ema_multi_avg_fn`.
///
/// An optimiser and a borrowed average are an optimiser that also averages, after each step:
///
/// ```
/// use unspool_nn::data::Dataset;
/// use unspool_nn::layers::{dense, sequential};
/// use unspool_nn::losses::mse;
/// use unspool_nn::optim::{Adam, Ema};
/// use unspool_nn::train::{fit, predict};
/// use unspool_autograd::Tensor;
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
    /// That of the model as it was left, if it is known.
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
        assert!((0.0..=1.0).contains(&decay), "Ema: the decay is {decay}; it must be between 0 and 1");
        let mut average = model.zeros_like();
        for (average, weight) in average.leaves_mut().into_iter().zip(model.leaves()) {
            *average = weight.copy();
        }
        Ema { decay, average, model: Some(fingerprint(model)) }
    }

    /// Moves the average towards the weights of `model`, by `1 - decay` of the way.
    ///
    /// # Panics
    /// If the shapes are not those of the model that it began with.
    #[track_caller]
    pub fn update<T: Scalar>(&mut self, model: &M)
    where
        M: Params<Tensor<T>>,
    {
        let way = T::from_f64(1.0 - self.decay);
        for (average, weight) in self.average.leaves_mut().into_iter().zip(model.leaves()) {
            average.update(
                weight,
                #[inline(always)]
                |a, w| a + (w - a) * way,
            );
        }
        self.model = Some(fingerprint(model));
    }

    /// The average: a model to evaluate, to predict with and to save.
    pub fn model(&self) -> &M {
        &self.average
    }

    /// The average, taken out.
    pub fn into_model(self) -> M {
        self.average
    }

    /// The averages, by the names of the parameters.
    pub fn state_dict<T: Scalar>(&self) -> StateDict<T>
    where
        M: Params<Tensor<T>>,
    {
        let mut memory = StateDict::new();
        self.average.visit_leaves(Path::ROOT, &mut |path, leaf| {
            memory.tensors.insert(path.to_string(), leaf.clone());
        });
        memory
    }

    /// Goes on where the average stood that this memory is from; nothing changes if there is an error.
    ///
    /// # Errors
    /// If the memory is not that of an average of such a model.
    pub fn load_state_dict<T: Scalar>(&mut self, memory: &StateDict<T>) -> Result<(), StateDictError>
    where
        M: Params<Tensor<T>>,
    {
        let restored = self.read(memory)?;
        self.put(restored);
        self.model = None;
        Ok(())
    }

    fn read<T: Scalar>(&self, memory: &StateDict<T>) -> Result<Vec<Tensor<T>>, StateDictError>
    where
        M: Params<Tensor<T>>,
    {
        let mut reader = memory.reader();
        let mut read = Vec::new();
        self.average.visit_leaves(Path::ROOT, &mut |path, leaf| {
            read.extend(reader.tensor(&path.to_string(), leaf.shape()));
        });
        reader.finish()?;
        Ok(read)
    }

    fn put<T: Scalar>(&mut self, restored: Vec<Tensor<T>>)
    where
        M: Params<Tensor<T>>,
    {
        for (average, restored) in self.average.leaves_mut().into_iter().zip(restored) {
            *average = restored;
        }
    }
}

/// What an average is called in a memory that may hold others.
fn name_beside<T: Scalar>(memory: &StateDict<T>) -> String {
    let names = std::iter::once("ema".to_string()).chain((2..).map(|n| format!("ema{n}")));
    let taken =
        |name: &str| memory.tensors.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    names.into_iter().find(|name| !taken(name)).expect("names without end")
}

/// The optimiser, and an average of the weights after each of its steps; it remembers the latter behind `ema.`, that of
/// a second average behind `ema2.`. In [`fit`](crate::train::fit), the average of a model that is not as it was after the last update
/// begins anew at its weights.
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
        let mut memory = self.0.state_dict();
        memory.nest(&name_beside(&memory), self.1.state_dict());
        memory
    }
    fn load_state_dict(&mut self, model: &M, memory: &StateDict<T>) -> Result<(), StateDictError> {
        let before = self.0.state_dict();
        let name = name_beside(&before);
        let (average, optimizer) = memory.split(&name);
        let (optimizer, average) = (self.0.load_state_dict(model, &optimizer), self.1.read(&average));
        match (optimizer, average) {
            (optimizer, Ok(average)) => optimizer.map(|()| {
                self.1.put(average);
                self.1.model = Some(fingerprint(model));
            }),
            (optimizer, Err(wrong)) => {
                // Both are restored, or none.
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
