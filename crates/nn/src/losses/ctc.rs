//! Connectionist temporal classification: the loss of a labeling without an alignment.

use unspool_autograd::{Indices, Scalar, Tensor, Var, elementwise};

elementwise! {
    /// `ln(exp(a) + exp(b) + exp(c))`. If all are minus infinity, so is the sum, and the gradients
    /// are 0: no path leads here.
    struct LogAdd = "ctc";
    value: |[a, b, c]| {
        let larger = if a > b { a } else { b };
        let max = if larger > c { larger } else { c };
        let none = max == T::from_f64(f64::NEG_INFINITY);
        if none { a + b + c } else { max + ((a - max).exp() + (b - max).exp() + (c - max).exp()).ln() }
    };
    gradients: |[a, b, c], y, dy| [dy * softmax(a, y), dy * softmax(b, y), dy * softmax(c, y)];
}

/// `exp(x) / exp(sum)`: the softmax of x among the logarithms whose sum is given.
#[inline(always)]
fn softmax<T: Scalar>(x: T, sum: T) -> T {
    if x == T::from_f64(f64::NEG_INFINITY) { T::ZERO } else { (x - sum).exp() }
}

/// Connectionist temporal classification: the negative logarithm of the probability that a sequence
/// of outputs spells the target once repetitions are merged and blanks removed, summed over all
/// alignments. The loss of each sequence is divided by the length of its target (at least 1), then
/// averaged over the batch, as in PyTorch. [`Ctc`] is the same with an option.
///
/// `log_probs`, `[T, B, C]`, are log-probabilities (see [`log_softmax`](Var::log_softmax)) and may
/// be minus infinity, `targets` the labels of each sequence, `lengths` its number of time steps,
/// and `blank` the class of the blank. Steps after the end of a sequence are not read.
///
/// If no alignment spells a target (each has a step of probability 0), the loss is infinite, and
/// the gradient of that sequence 0.
///
/// Graves et al. 2006, "Connectionist temporal classification", equations 6 to 8: the forward
/// variables alpha are ops on the tape; the backward variables are their gradient.
///
/// ```
/// use unspool::losses::ctc;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// // Two steps, one sequence, a blank and one label, all equally probable.
/// let log_probs = tape.variable(&Tensor::<f64>::zeros([2, 1, 2])).log_softmax(2);
/// let loss = ctc(log_probs, &[&[1]], &[2], 0);
/// // "1-", "-1" and "11" spell the target, "--" does not.
/// assert!((loss.item() + 0.75f64.ln()).abs() < 1e-12);
/// ```
///
/// # Panics
/// If the shapes do not fit, a label is the blank or not a class, or a sequence has fewer time
/// steps than its target needs: one for each label, and one between equal neighbors.
#[track_caller]
pub fn ctc<'t, T: Scalar>(
    log_probs: Var<'t, T>,
    targets: &[impl AsRef<[usize]>],
    lengths: &[usize],
    blank: usize,
) -> Var<'t, T> {
    Ctc::new(blank).loss(log_probs, targets, lengths)
}

/// [`ctc`] with an option.
///
/// ```
/// use unspool::losses::Ctc;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let log_probs = tape.variable(&Tensor::<f64>::zeros([2, 2, 2])).log_softmax(2);
/// // The second target is longer than its sequence.
/// let loss = Ctc::new(0).zero_infinity().loss(log_probs, &[&[1][..], &[1, 1, 1]], &[2, 2]);
/// assert!((loss.item() + 0.75f64.ln() / 2.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ctc {
    blank: usize,
    zero_infinity: bool,
}

impl Ctc {
    /// The loss with `blank` as the class of the blank.
    pub fn new(blank: usize) -> Self {
        Ctc { blank, zero_infinity: false }
    }

    /// Lets a target that no alignment spells, for example because its sequence is too short, add 0
    /// to the loss and to the gradient: PyTorch's `zero_infinity`.
    pub fn zero_infinity(self) -> Self {
        Ctc { zero_infinity: true, ..self }
    }

    /// The loss: see [`ctc`].
    ///
    /// # Panics
    /// Like [`ctc`]; with [`zero_infinity`](Ctc::zero_infinity), sequences may be too short.
    #[track_caller]
    pub fn loss<'t, T: Scalar>(
        self,
        log_probs: Var<'t, T>,
        targets: &[impl AsRef<[usize]>],
        lengths: &[usize],
    ) -> Var<'t, T> {
        let shape = log_probs.shape();
        let &[time, batch, classes] = &shape[..] else {
            fail!("ctc: the log-probabilities must be [T, B, C], not {shape}")
        };
        self.check(targets, lengths, [time, batch, classes]);
        let log_likelihood = log_likelihood(log_probs, targets, lengths, self.blank);
        let log_likelihood = if self.zero_infinity {
            let values = log_likelihood.value().to_vec().into_iter();
            let possible = values.map(|l| if l == T::from_f64(f64::NEG_INFINITY) { T::ZERO } else { T::ONE });
            let possible = log_probs.tape().constant(&Tensor::from_vec(possible.collect(), [batch]));
            possible.where_(log_likelihood, possible.new_zeros([]))
        } else {
            log_likelihood
        };
        let weights = targets.iter().map(|target| T::from_f64(-1.0 / (batch * target.as_ref().len().max(1)) as f64));
        (log_likelihood * log_probs.tape().constant(&Tensor::from_vec(weights.collect(), [batch]))).sum()
    }

    #[track_caller]
    fn check(self, targets: &[impl AsRef<[usize]>], lengths: &[usize], [time, batch, classes]: [usize; 3]) {
        let blank = self.blank;
        let (given, lengths_given) = (targets.len(), lengths.len());
        let fits = given == batch && lengths_given == batch;
        ensure!(fits, "ctc: {given} targets and {lengths_given} lengths for a batch of {batch} sequences");
        ensure!(blank < classes, "ctc: the blank {blank} is not one of {classes} classes");
        for (b, (target, &length)) in targets.iter().zip(lengths).enumerate() {
            let target = target.as_ref();
            ensure!(length <= time, "ctc: the length {length} of sequence {b} is greater than the {time} time steps");
            if let Some(bad) = target.iter().find(|&&label| label >= classes || label == blank) {
                fail!("ctc: label {bad} of target {b} is not one of {classes} classes other than the blank {blank}");
            }
            let needed = target.len() + target.windows(2).filter(|pair| pair[0] == pair[1]).count();
            ensure!(
                length >= needed || self.zero_infinity,
                "ctc: target {b} needs at least {needed} time steps, its sequence has {length}; to ignore such targets, use \
                 `Ctc::zero_infinity`"
            );
        }
    }
}

/// The log-probability of each target: `[B]`.
#[track_caller]
fn log_likelihood<'t, T: Scalar>(
    log_probs: Var<'t, T>,
    targets: &[impl AsRef<[usize]>],
    lengths: &[usize],
    blank: usize,
) -> Var<'t, T> {
    const NEVER: f64 = f64::NEG_INFINITY;
    let tape = log_probs.tape();
    let (time, batch) = (log_probs.shape()[0], targets.len());
    // The target with blanks around and between its labels: position 2 i + 1 is label i.
    let positions = 2 * targets.iter().map(|target| target.as_ref().len()).max().unwrap_or(0) + 1;
    let symbol = |b: usize, s: usize| match targets[b].as_ref().get(s / 2) {
        Some(&label) if s % 2 == 1 => label,
        _ => blank,
    };
    let constant = |shape: [usize; 2], value: &dyn Fn(usize, usize) -> f64| {
        tape.constant(&Tensor::from_fn(shape, |i| T::from_f64(value(i / shape[1], i % shape[1]))))
    };
    let emitted = (0..time * batch * positions).map(|i| symbol(i / positions % batch, i % positions));
    let emitted = log_probs.gather(2, Indices::from_vec(emitted.collect(), [time, batch, positions]));
    // A label may follow the previous one without a blank between them, unless they are equal.
    let skip = constant([batch, positions], &|b, s| {
        let allowed = s % 2 == 1 && (s == 1 || symbol(b, s) != symbol(b, s - 2));
        if allowed { 0.0 } else { NEVER }
    });

    // alpha has two extra positions at the front, so that each position has two before it. Before
    // the first step, all probability is at the position right before the first blank.
    let front = constant([batch, 2], &|_, _| NEVER);
    let mut alpha = constant([batch, positions + 2], &|_, s| if s == 1 { 0.0 } else { NEVER });
    for (t, emitted) in emitted.unbind().enumerate() {
        let paths = [alpha.slice(1, 2..), alpha.slice(1, 1..positions + 1), alpha.slice(1, ..-2) + skip];
        let next = Var::concat(1, &[front, tape.apply(LogAdd, &paths) + emitted]);
        // The alpha of a sequence that has ended stays as it is.
        let running = constant([batch, 1], &|b, _| if t < lengths[b] { 1.0 } else { 0.0 });
        alpha = if lengths.iter().all(|&length| t < length) { next } else { running.where_(next, alpha) };
    }
    // A path ends at the last label or at the blank after it.
    let end = |from: usize| {
        let positions = targets.iter().map(|target| 2 * target.as_ref().len() + from).collect();
        alpha.gather(1, Indices::from_vec(positions, [batch, 1])).squeeze(1)
    };
    tape.apply(LogAdd, &[end(1), end(2), front.slice(1, 0..1).squeeze(1)])
}
