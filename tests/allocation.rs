//! A step that repeats, of training or of a stream, takes no memory for tensors from the system, and that of a stream or of
//! an optimizer takes none at all. One test: the counts are of the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use unspool::cells::{MinGru, Slstm};
use unspool::numbers::{NumberTape, preaccumulate};
use unspool::online::{OnlineLearner, Rtrl, SnAp1, Uoro, zero_state};
use unspool::ops::{RowFunction, row_function};
use unspool::optim::schedules::{Cosine, Plateau};
use unspool::optim::{AdamW, Nadam, RmsProp};
use unspool::prelude::*;
use unspool::recurrent::StreamingCell;
use unspool::recurrent::wrappers::{RecurrentDropout, Residual, Zoneout};
use unspool::tensor::{bytes_allocated, bytes_held, release_memory};
use unspool::text::{Generator, LanguageModel, Sampler};
use unspool::train::{Callback, Fit, NoLoss, Progress, Supervised};
use unspool::{Lstm, Sgd};
use unspool_tests::values;

/// Counts allocations.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Those of the size of a buffer.
static BUFFERS: AtomicUsize = AtomicUsize::new(0);
const BUFFER: usize = 4096;

// SAFETY: hands every call on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BUFFERS.fetch_add(usize::from(layout.size() >= BUFFER), Ordering::Relaxed);
        // SAFETY: the caller's promise is the one that the system's allocator needs.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`, where the memory came from.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_steady_step_draws_no_memory() {
    after_a_peak();
    train();
    fitting(|fit| fit);
    fitting(|fit| fit.track_gradients().track_updates());
    optimizer!(Adam::default());
    optimizer!(AdamW::default().clip_norm(1.0).group("cell.u", |g| g.weight_decay(0.0)));
    optimizer!(Sgd::default().momentum(0.9).l2(0.1).schedule(Cosine::new(1000)));
    optimizer!(RmsProp::default().centered().momentum(0.9).clip_value(1.0));
    optimizer!(Nadam::default().reduce_on_plateau(Plateau::new()));
    let rng = &mut rng(2);
    buffers(Recurrent::new(Lstm::new(rng, 1, 20)), [50, 32, 1]);
    buffers(Recurrent::new(Plain::new(rng, 32, 20)), [50, 32, 32]);
    buffers(Recurrent::new(Lstm::new(rng, 256, 256)), [32, 64, 256]);
    buffers(Recurrent::new(Plain::new(rng, 32, 256)), [32, 64, 32]);
    peak_of_a_profile(Recurrent::new(Lstm::new(rng, 20, 40)), [50, 32, 20]);
    peak_of_a_profile(Recurrent::new(Plain::new(rng, 128, 128)), [32, 64, 128]);
    sum_over_rows();
    scan();
    numbers();
    long_stream();
    long_text();
    learner(Rtrl::new);
    learner(SnAp1::new);
    learner(|state| Uoro::new(state, 6));
    stream!(MinGru::new(rng, 8, 8));
    stream!(Lstm::new(rng, 8, 8));
    stream!(Slstm::new(rng, 8, 8));
    stream!(Residual::new(Zoneout::new(RecurrentDropout::new(Lstm::new(rng, 8, 8), 0.3), 0.1, 0.2), 8));
}

/// Memory that one large step needed returns to the system while small steps run, and those draw none meanwhile.
fn after_a_peak() {
    let mut model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(2), 4, 8));
    let (mut tape, mut adam) = (Tape::new(), Adam::default());
    let mut step = |time: usize, batch: usize| {
        let x: Tensor = Tensor::ones([time, batch, 4]);
        let net = tape.bind(&model);
        let gradients = net.forward(tape.constant(&x)).last().square().mean().backward().of(&net);
        tape.reset();
        adam.step(&mut model, &gradients);
        (bytes_held(), bytes_allocated())
    };
    let small = (0..3).map(|_| step(5, 4)).last().unwrap();
    let large = step(40, 16);
    assert!(large.0 > 5 * small.0, "held before and after the large step: {} and {} bytes", small.0, large.0);
    let steps = (1..100_000).find(|_| step(5, 4).0 <= small.0 * 3 / 2);
    assert!(steps.is_some_and(|steps| steps > 10), "{steps:?} small steps");
    assert_eq!(step(5, 4).1, large.1, "bytes of tensors drawn by small steps");
}

/// A training to be set up.
type Run<'a> = Fit<'a, f32, Dense<Tensor>, Supervised<'a, f32, Tensor, Tensor, NoLoss>, Adam>;

/// The bytes of tensors after each step.
struct Bytes<'a>(&'a mut Vec<usize>);

impl<M> Callback<f32, M> for Bytes<'_> {
    fn on_step(&mut self, _: &Progress<'_, M>) -> ControlFlow<()> {
        self.0.push(bytes_allocated());
        ControlFlow::Continue(())
    }
}

/// The steps of `fit` take no memory for tensors either, with or without norms.
fn fitting(settings: fn(Run<'_>) -> Run<'_>) {
    let data = Dataset::new(values([64, 128], 1).cast(), values([64, 128], 2).cast()).unwrap();
    let (mut model, mut bytes) = (Dense::new(&mut rng(6), 128, 128), Vec::with_capacity(40));
    let fit = settings(fit(&mut model, &data)).loss(mse).batch_size(16).epochs(10).quiet();
    fit.callback(Bytes(&mut bytes)).run().unwrap();
    assert!(bytes[3..].iter().all(|&after| after == bytes[3]), "bytes drawn after each step: {bytes:?}");
}

/// A learner's memory does not grow with the steps it has seen.
fn learner<L: OnlineLearner<Number = f32, State = (Tensor, Tensor)>>(learner: impl FnOnce((Tensor, Tensor)) -> L) {
    let model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(5), 3, 8));
    let mut learner = learner(zero_state(&model.cell, 2));
    let x = Tensor::ones([1, 2, 3]);
    let mut steps = |count: usize| {
        for _ in 0..count {
            learner.step(&model, [&x], |net, [x], state| {
                let output = net.run(x, Some(state), Context::default());
                (output.last().square().sum(), output.state())
            });
        }
        (bytes_allocated(), learner.influence_size())
    };
    let before = steps(10);
    assert_eq!(steps(500), before, "bytes of tensors, and numbers of the influence");
}

/// A cell as its user would write it.
#[derive(Params)]
struct Plain<P> {
    x: Dense<P>,
    u: P,
}

impl Plain<Tensor> {
    fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        Plain { x: Dense::new(rng, inputs, 2 * hidden), u: init::glorot_uniform(rng, hidden, 2 * hidden) }
    }
}

impl<'t> Cell<'t, f32> for Plain<Var<'t>> {
    type State = Var<'t>;

    fn zero_state(&self, batch: usize) -> Var<'t> {
        self.u.new_zeros([batch, self.u.shape()[0]])
    }

    fn project(&self, xs: Var<'t>) -> Var<'t> {
        self.x.forward(xs)
    }

    fn step(&self, x: Var<'t>, h: Var<'t>) -> (Var<'t>, Var<'t>) {
        let [f, n] = (x + h.matmul(self.u)).chunks();
        let h = h + f.sigmoid() * (n.tanh() - h);
        (h, h)
    }
}

/// A steady step of training asks for no buffer in any of its time steps. The product crate alone takes room, for as long
/// as a product lasts, where a weight is used as it lies: at most once for each of the three weights and transposes. That is
/// so of its kernels for AVX-512; for others it packs an operand in every product.
fn buffers<C>(model: Recurrent<C>, [time, batch, inputs]: [usize; 3])
where
    Recurrent<C>: Params<Tensor>,
    for<'t> <Recurrent<C> as Params<Tensor>>::With<Var<'t>>: Layer<'t, f32>,
{
    let x: Tensor = values([time, batch, inputs], 1).cast();
    let mut tape = Tape::new();
    let mut step = || {
        {
            let net = tape.bind(&model);
            let output: Var<'_> = net.forward(tape.constant(&x)).into();
            drop(output.square().mean().backward().of(&net));
        }
        tape.reset();
    };
    (0..3).for_each(|_| step());
    let before = (bytes_allocated(), BUFFERS.load(Ordering::Relaxed));
    (0..10).for_each(|_| step());
    let after = (bytes_allocated(), BUFFERS.load(Ordering::Relaxed));
    assert_eq!(after.0, before.0, "bytes of tensors");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        assert!(after.1 - before.1 <= 10 * 3, "{} buffers in ten steps", after.1 - before.1);
    }
}

/// The peak of a profile is what a first step draws, or somewhat less: it leaves out what ops need for a moment, and the
/// packed copies of weights.
fn peak_of_a_profile<C>(model: Recurrent<C>, shape: [usize; 3])
where
    Recurrent<C>: Params<Tensor>,
    for<'t> <Recurrent<C> as Params<Tensor>>::With<Var<'t>>: Layer<'t, f32>,
{
    let x: Tensor = values(shape, 1).cast();
    let step = |tape: &Tape| {
        let net = tape.bind(&model);
        let output: Var<'_> = net.forward(tape.constant(&x)).into();
        drop(output.square().mean().backward().of(&net));
    };
    let tape = Tape::new().profiled();
    step(&tape);
    let peak = tape.profile().peak_bytes;
    drop(tape);
    release_memory();
    let before = bytes_allocated();
    step(&Tape::new());
    let drawn = bytes_allocated() - before;
    assert!((drawn * 3 / 4..=drawn).contains(&peak), "a peak of {peak} bytes, {drawn} drawn");
}

/// A sum over rows takes the memory of its parts, however many rows there are, and none once it has been computed.
fn sum_over_rows() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let mut tape = Tape::new();
        let (weight, data): (Tensor, Tensor) = (values([64, 64], 1).cast(), values([400_000], 2).cast());
        let mut drawn = |n: usize| {
            let before = (bytes_allocated(), BUFFERS.load(Ordering::Relaxed));
            {
                let weight = tape.variable(&weight);
                let sum = tape.sum_over_rows(n, [weight], |tape, [weight], rows| {
                    let x = tape.constant(&data.slice(0, rows)).unsqueeze(1) + weight.select(0, 3);
                    x.sin().matmul(weight).square().sum()
                });
                drop(sum.backward().wrt(weight));
            }
            tape.reset();
            (bytes_allocated() - before.0, BUFFERS.load(Ordering::Relaxed) - before.1)
        };
        let some = drawn(40_000);
        let more = drawn(400_000);
        assert!(some.0 > 0 && more.0 < some.0, "bytes drawn by few rows and by many: {some:?}, {more:?}");
        assert_eq!(drawn(400_000).0, 0, "bytes of tensors");
    });
}

/// A loop over single numbers draws nothing in its second round.
fn numbers() {
    let mut tape = NumberTape::new();
    let mut allocations_of_a_round = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for i in 0..10 {
            let (value, [slope, _]) = tape.gradient(&[0.5, f64::from(i)], |[x, y]| {
                (0..1000).fold(x, |x, _| {
                    let [change] = preaccumulate(&[x, y], |[x, y]| [(x * y).sin()]);
                    x + change * Number::from_f64(0.001)
                })
            });
            assert!(value.is_finite() && slope.is_finite());
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    assert!(allocations_of_a_round() > 0);
    assert_eq!(allocations_of_a_round(), 0);
}

row_function! {
    /// A unit that sees itself alone.
    struct Unit = "unit";
    |[h, c, x, weight]| -> [T; 2] {
        let c = c + x * h.sigmoid();
        [(weight * c).tanh(), c]
    }
}

/// A recurrence as one op, and its gradient.
fn scan() {
    let (xs, zeros, weight) = (values([50, 700], 1), Tensor::zeros([700]), Tensor::ones([700]));
    let mut tape = Tape::new();
    let mut steps = |count: usize| {
        for _ in 0..count {
            let (weight, zeros) = (tape.variable(&weight), tape.constant(&zeros));
            let [h, _] = Unit.scan([zeros, zeros], &[tape.constant(&xs)], &[weight]);
            assert!(h.square().sum().backward().wrt(weight).at([0]).is_finite());
            tape.reset();
        }
        (bytes_allocated(), BUFFERS.load(Ordering::Relaxed))
    };
    let before = steps(4);
    assert_eq!(steps(20), before, "bytes of tensors, and allocations of a buffer's size");
}

/// A stream over a sequence of any length takes the memory of its outputs, and no more.
fn long_stream() {
    let mut stream = StreamingCell::<f32, _, _>::new(Lstm::new(&mut rng(3), 8, 8));
    let xs: Tensor = values([10_000, 1, 8], 1).cast();
    drop(stream.run(&xs.slice(0, ..200)));
    let before = bytes_allocated();
    let outputs = stream.run(&xs);
    let drawn = bytes_allocated() - before;
    assert!(drawn < 2 * outputs.numel() * size_of::<f32>(), "{drawn} bytes");
}

/// A generator draws what a step of it draws, however many there were.
fn long_text() {
    let model = LanguageModel::<Tensor>::new(&mut rng(3), 20, 8, [8, 8], Lstm::new);
    let mut generator = Generator::new(model, &[1], Sampler::default(), rng(4));
    generator.by_ref().take(100).for_each(drop);
    let before = bytes_allocated();
    generator.take(1_000).for_each(drop);
    assert_eq!(bytes_allocated(), before);
}

macro_rules! optimizer {
    ($optimizer:expr) => {
        let mut model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(4), 5, 40));
        let (gradients, mut optimizer) = (model.zeros_like(), $optimizer);
        optimizer.step(&mut model, &gradients);
        let before = (bytes_allocated(), ALLOCATIONS.load(Ordering::Relaxed));
        (0..10).for_each(|_| optimizer.step(&mut model, &gradients));
        let after = (bytes_allocated(), ALLOCATIONS.load(Ordering::Relaxed));
        assert_eq!(after, before, "bytes of tensors, and allocations: {}", stringify!($optimizer));
    };
}
use optimizer;

macro_rules! stream {
    ($cell:expr) => {
        let mut stream = StreamingCell::<f32, _, _>::new($cell);
        let x = Tensor::ones([1, 8]);
        (0..2).for_each(|_| drop(stream.step(&x)));
        let before = (bytes_allocated(), ALLOCATIONS.load(Ordering::Relaxed));
        (0..1000).for_each(|_| drop(stream.step(&x)));
        let after = (bytes_allocated(), ALLOCATIONS.load(Ordering::Relaxed));
        assert_eq!(after, before, "bytes of tensors, and allocations: {}", stringify!($cell));
    };
}
use stream;

fn train() {
    let (x, y): (Tensor, Tensor) = (values([50, 32, 1], 1).cast(), values([32, 1], 2).cast());
    let mut model = sequential().add(simple_rnn(1, 20).return_sequences()).add(simple_rnn(20, 20)).add(dense(20, 1));
    let (mut adam, mut tape) = (Adam::default(), Tape::new());
    let mut drawn = Vec::new();
    for _ in 0..10 {
        let net = tape.bind(&model);
        let gradients = mse(net.forward(tape.constant(&x)), tape.constant(&y)).backward().of(&net);
        tape.reset();
        adam.step(&mut model, &gradients);
        drawn.push(bytes_allocated());
    }
    assert!(
        drawn[0] > 0 && drawn[1..].iter().all(|&bytes| bytes == drawn[1]),
        "bytes drawn after each step: {drawn:?}"
    );
}
