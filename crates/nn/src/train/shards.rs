//! A batch cut into shards, each on a tape of its own.

use crate::data::dataset::Dataset;
use crate::data::examples::OnTape;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::bad_batch::if_finding;
use crate::train::batch_loss::batch_loss;
use crate::train::on_threads::map_on_threads;
use crate::train::world::Ranks;
use crate::train::world::tree::{children, cover, sum};
use crate::tuning::{
    ADDED_ELEMENTS, FEW_SHARDS, LARGE_SHARD_EXAMPLES, MIN_CUT_EXAMPLES, SHARD_EXAMPLES, SHARD_SPIN, SHARDS_AT_ONCE,
};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use unspool_autograd::at_callers_line::at_callers_line;
use unspool_autograd::clock::{self, Instant};
use unspool_autograd::{BadValue, Params, ParamsExt, Profile, Scalar, Tape, Tensor, Var, isolated};

/// The gradients of a batch that is cut into shards. Each shard has a tape of its own, and shards
/// run in parallel as far as there are threads. Nothing synchronizes within a shard, so two cores
/// are nearly twice as fast as one.
///
/// [`batch_gradients`](Shards::batch_gradients) cuts a batch this way. The tapes are kept from step
/// to step.
///
/// ```
/// use unspool::prelude::*;
/// let model: Recurrent<Gru<Tensor>> = Recurrent::new(Gru::new(&mut rng(0), 3, 5));
/// let (x, y) = (Tensor::ones([7, 64, 3]), Tensor::zeros([64, 5]));
/// let pieces = [0, 32].map(|i| (x.slice(1, i..i + 32), y.slice(0, i..i + 32)));
///
/// let mut shards = Shards::new();
/// for step in 0..3 {
///     let (loss, gradients) = shards.gradients(&model, &pieces, |tape, net, (x, y)| {
///         mse(net.forward(tape.constant(x)).last(), tape.constant(y)) * 0.5 // half of the batch
///     });
///     assert_eq!(gradients.cell.u.shape()[..], [5, 15]);
/// }
/// ```
#[derive(Debug, Default)]
pub struct Shards<T: Scalar = f32> {
    tapes: Vec<Tape<T>>,
    is_profiled: bool,
    /// Those that compute the shards together, if there are others.
    ranks: Option<Ranks<T>>,
}

impl<T: Scalar> Shards<T> {
    /// No tapes yet.
    pub fn new() -> Self {
        Shards { tapes: Vec::new(), is_profiled: false, ranks: None }
    }

    /// From now on, each rank of a [`World`](crate::train::World) computes [its own](Shards::own) of the shards, and
    /// all get the sum of all: see [`Ranks`]. All must compute the gradients of the same shards, one after the other.
    pub fn set_ranks(&mut self, ranks: &Ranks<T>) {
        self.ranks = Some(ranks.clone());
    }

    /// Those of `n` shards that this process computes: all, unless there are [other ranks](Shards::set_ranks).
    pub fn own(&self, n: usize) -> Range<usize> {
        self.ranks.as_ref().map_or(0..n, |ranks| ranks.own(n))
    }

    /// The same, on tapes that add up what each op costs, from now on.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let data = Dataset::new(Tensor::<f32>::ones([7, 64, 3]), Tensor::zeros([64, 1]))?;
    /// let model = sequential().add(gru(3, 5)).add(dense(5, 1));
    /// let mut shards = Shards::new().profiled();
    /// for batch in data.batches(32) {
    ///     shards.batch_gradients(&model, &batch, mse, Mode::Training { seed: 0 });
    /// }
    /// let profile = shards.profile();
    /// println!("{profile}");
    /// # assert!(profile.total().flops() > 0.0 && profile.steps == 2);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    pub fn profiled(self) -> Self {
        Shards { tapes: Vec::new(), is_profiled: true, ranks: self.ranks }
    }

    /// The sum of the [profiles](Tape::profile) of all tapes.
    ///
    /// # Panics
    /// If they are not [`profiled`](Shards::profiled).
    #[track_caller]
    pub fn profile(&self) -> Profile {
        ensure!(self.is_profiled, "profile: these shards note nothing; make them with Shards::new().profiled()");
        self.tapes.iter().map(Tape::profile).sum()
    }

    /// The sum of the shards' losses, and its gradients.
    ///
    /// Shards are added in a fixed order, so the result has the same bits at any number of threads: those
    /// of the [rayon](https://docs.rs/rayon) pool that this is called in. From outside a pool,
    /// handing the work over costs some 20 microseconds per call; run a loop of small steps inside
    /// one (`rayon::scope(|_| ..)`).
    ///
    /// While other threads work on their share of a large product, a thread may start another
    /// shard: `loss` must not hold a lock while it computes.
    ///
    /// # Panics
    /// If there are no shards, or where `loss` does.
    pub fn gradients<M, S>(
        &mut self,
        model: &M,
        shards: &[S],
        loss: impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &S) -> Var<'t, T> + Sync,
    ) -> (f64, M)
    where
        M: Params<Tensor<T>> + Send + Sync,
        S: Sync,
    {
        let (loss, gradients, _) =
            self.gradients_with_aux(model, shards, |tape, net, shard| (loss(tape, net, shard), ()));
        (loss, gradients)
    }

    /// [`gradients`](Shards::gradients) of a function that returns something else beside the loss, to
    /// be returned for each shard: a state that is carried to the next batch, for example. JAX's
    /// `has_aux`. Over several [ranks](Shards::set_ranks), it is returned for [this rank's own](Shards::own) shards.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let model: Recurrent<Gru<Tensor>> = Recurrent::new(Gru::new(&mut rng(0), 3, 5));
    /// let xs = Tensor::<f32>::ones([7, 64, 3]);
    /// let pieces: Vec<_> = Shards::<f32>::ranges(64).collect();
    /// let (loss, gradients, states) = Shards::new().gradients_with_aux(&model, &pieces, |tape, net, range| {
    ///     let output = net.run(tape.constant(&xs.slice(1, range.clone())), None, Context::default());
    ///     let weight = range.len() as f64 / 64.0;
    ///     (output.last().square().mean() * weight, output.state().detached())
    /// });
    /// assert_eq!(states[1].shape()[..], [32, 5]);
    /// ```
    ///
    /// # Panics
    /// As [`gradients`](Shards::gradients).
    pub fn gradients_with_aux<M, S, A>(
        &mut self,
        model: &M,
        shards: &[S],
        loss: impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &S) -> (Var<'t, T>, A) + Sync,
    ) -> (f64, M, Vec<A>)
    where
        M: Params<Tensor<T>> + Send + Sync,
        S: Sync,
        A: Send,
    {
        ensure!(!shards.is_empty(), "gradients: there are no shards: at least one is needed");
        let nodes = cover(shards.len(), &self.own(shards.len()));
        let mut auxiliary = Vec::new();
        let mut sums: Vec<_> =
            nodes.into_iter().map(|node| self.sum_of(node, model, shards, &loss, &mut auxiliary)).collect();
        let (loss, gradients) = match &self.ranks {
            Some(ranks) => ranks.total(shards.len(), sums, model),
            None => sums.pop().expect("without other ranks, one node of all shards"),
        };
        (loss, gradients, auxiliary)
    }

    /// The sum of the losses and gradients of a node of the tree of shards. Of few shards at a time: their gradients
    /// take memory until they are added up.
    fn sum_of<M, S, A>(
        &mut self,
        node: Range<usize>,
        model: &M,
        shards: &[S],
        loss: &(impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &S) -> (Var<'t, T>, A) + Sync),
        auxiliary: &mut Vec<A>,
    ) -> (f64, M)
    where
        M: Params<Tensor<T>> + Send + Sync,
        S: Sync,
        A: Send,
    {
        if node.len() > SHARDS_AT_ONCE {
            let [left, right] = children(&node).map(|child| self.sum_of(child, model, shards, loss, auxiliary));
            return add(left, right);
        }
        let results = self.results(model, &shards[node.clone()], loss);
        let leaves = node.clone().zip(results).map(|(i, (loss, gradients, aux))| {
            auxiliary.push(aux);
            (i..i + 1, (loss, gradients))
        });
        sum(&node, &mut leaves.peekable(), &mut add)
    }

    /// The losses and gradients of these shards.
    fn results<M, S, A>(
        &mut self,
        model: &M,
        shards: &[S],
        loss: &(impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &S) -> (Var<'t, T>, A) + Sync),
    ) -> Vec<(f64, M, A)>
    where
        M: Params<Tensor<T>> + Send + Sync,
        S: Sync,
        A: Send,
    {
        if let Some(results) = if_finding(|tape, found| isolated(|| looked_at(model, shards, loss, tape, found))) {
            return results;
        }
        while self.tapes.len() < shards.len() {
            self.tapes.push(if self.is_profiled { Tape::new().profiled() } else { Tape::new() });
        }
        if let [shard] = shards {
            return vec![isolated(|| gradients(&mut self.tapes[0], model, shard, loss))];
        }
        let tapes: Vec<_> = self.tapes[..shards.len()].iter_mut().map(Mutex::new).collect();
        let [unstarted, unfinished] = [(); 2].map(|()| AtomicUsize::new(tapes.len()));
        map_on_threads(tapes.len(), |i| {
            unstarted.fetch_sub(1, Ordering::Relaxed);
            let tape = &mut *tapes[i].lock().expect("one thread takes it");
            let result = gradients(tape, model, &shards[i], loss);
            unfinished.fetch_sub(1, Ordering::Relaxed);
            // While a shard has not started, this thread is needed for it: it must not wait.
            if unstarted.load(Ordering::Relaxed) == 0 {
                stay_awake_for(&unfinished);
            }
            result
        })
    }

    /// How a batch of `n` examples is cut, as its size alone determines: into shards of some 32 examples, or of some 64
    /// if that makes more than 16. So many threads, or [ranks](Shards::set_ranks), can share the work. A loss of your own
    /// that is cut alike gets the same bits as [`batch_gradients`](Shards::batch_gradients).
    ///
    /// ```
    /// use unspool::Shards;
    /// let ranges: Vec<_> = Shards::<f32>::ranges(100).collect();
    /// assert_eq!(ranges, [0..34, 34..68, 68..100]);
    /// ```
    pub fn ranges(n: usize) -> impl ExactSizeIterator<Item = Range<usize>> + Clone {
        let least = if n < MIN_CUT_EXAMPLES { 1 } else { 2 };
        let shards = (n / SHARD_EXAMPLES).clamp(least, FEW_SHARDS).max(n / LARGE_SHARD_EXAMPLES);
        let rows = n.div_ceil(shards).max(1);
        (0..n.div_ceil(rows)).map(move |i| i * rows..n.min((i + 1) * rows))
    }

    /// The loss on the examples of a batch, and its gradients: a step of
    /// [`fit`](crate::train::fit).
    ///
    /// The batch is cut into [`ranges`](Shards::ranges) of examples.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let data = Dataset::new(Tensor::<f32>::ones([7, 64, 3]), Tensor::zeros([64, 1]))?;
    /// let mut model = sequential().add(gru(3, 5)).add(dense(5, 1));
    /// let (mut adam, mut shards) = (Adam::default(), Shards::new());
    /// for (step, batch) in data.batches(16).shuffle(0).enumerate() {
    ///     let mode = Mode::Training { seed: 0 }.fold_in(step);
    ///     let (loss, gradients) = shards.batch_gradients(&model, &batch, mse, mode);
    ///     adam.step(&mut model, &gradients);
    /// }
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Panics
    /// If there are no examples, or they do not fit the model or the loss.
    #[track_caller]
    pub fn batch_gradients<M, X, Y>(
        &mut self,
        model: &M,
        batch: &Dataset<X, Y>,
        loss: impl Loss<T, Y>,
        mode: Mode,
    ) -> (f64, M)
    where
        M: Model<T, X> + Send + Sync,
        X: OnTape<T>,
        Y: OnTape<T>,
    {
        ensure!(!batch.is_empty(), "batch_gradients: the batch holds no examples: at least one is needed");
        // Shards run on other threads, where a misfit has no caller's line.
        at_callers_line(|| self.cut_batch_gradients(model, batch, &loss, mode))
    }

    /// The same, where a misfit panics without a hint.
    pub(super) fn cut_batch_gradients<M, X, Y>(
        &mut self,
        model: &M,
        batch: &Dataset<X, Y>,
        loss: &impl Loss<T, Y>,
        mode: Mode,
    ) -> (f64, M)
    where
        M: Model<T, X> + Send + Sync,
        X: OnTape<T>,
        Y: OnTape<T>,
    {
        let shards: Vec<_> = Self::ranges(batch.len()).enumerate().collect();
        self.gradients(model, &shards, |tape, net, (i, range)| {
            let shard = batch.slice(range.start, range.len()).contiguous();
            let weight = shard.loss_count() / batch.loss_count();
            batch_loss::<T, M, X, Y, _>(tape, net, &shard, loss, mode.fold_in(*i)) * weight
        })
    }
}

/// Waits until no shard is unfinished, helping with products that are shared. All shards have
/// started.
///
/// A thread without work would be put to sleep by the pool, and waking it for the next step takes
/// up to a tenth of a millisecond: longer than the step of a small model. So it spins for a moment.
fn stay_awake_for(unfinished: &AtomicUsize) {
    let started = Instant::now();
    while clock::RUNS && unfinished.load(Ordering::Relaxed) > 0 && started.elapsed() < SHARD_SPIN {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            std::hint::spin_loop();
        }
    }
}

/// The loss on one shard and its gradients.
fn gradients<T: Scalar, M: Params<Tensor<T>>, S, A>(
    tape: &mut Tape<T>,
    model: &M,
    shard: &S,
    loss: &impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &S) -> (Var<'t, T>, A),
) -> (f64, M, A) {
    tape.reset(); // not empty if a shard panicked
    let result = {
        let net = tape.bind(model);
        let (loss, aux) = loss(tape, &net, shard);
        (loss.item().to_f64(), loss.backward().of(&net), aux)
    };
    tape.reset();
    result
}

/// The same shards on tapes that keep all values, one after the other on this thread; `found` becomes the first bad
/// value, if there is one.
fn looked_at<T: Scalar, M: Params<Tensor<T>>, S, A>(
    model: &M,
    shards: &[S],
    loss: &impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &S) -> (Var<'t, T>, A),
    tape: &dyn Fn() -> Tape<T>,
    found: &mut Option<BadValue>,
) -> Vec<(f64, M, A)> {
    let compute = |shard| {
        let tape = tape();
        let net = tape.bind(model);
        let (loss, aux) = loss(&tape, &net, shard);
        let gradients = loss.backward();
        if found.is_none() {
            *found = loss.bad_value().or_else(|| gradients.bad_value());
        }
        (loss.item().to_f64(), gradients.of(&net), aux)
    };
    shards.iter().map(compute).collect()
}

fn add<T: Scalar, M: Params<Tensor<T>>>((loss_a, mut a): (f64, M), (loss_b, b): (f64, M)) -> (f64, M) {
    a.leaves_mut().into_iter().zip(b.leaves()).for_each(|(a, b)| add_leaf(a, b));
    (loss_a + loss_b, a)
}

/// Adds `b` to `a`, both of one shape.
#[inline(never)] // see compiled.rs
pub(crate) fn add_leaf<T: Scalar>(a: &mut Tensor<T>, b: &Tensor<T>) {
    let b = b.contiguous();
    let (a, b) = (a.as_mut_slice(), b.as_slice().expect("contiguous"));
    let add = |(a, b): (&mut [T], &[T])| a.iter_mut().zip(b).for_each(|(a, &b)| *a += b);
    if a.len() > ADDED_ELEMENTS {
        a.par_chunks_mut(ADDED_ELEMENTS).zip(b.par_chunks(ADDED_ELEMENTS)).for_each(add);
    } else {
        add((a, b));
    }
}
