//! Masks and padding: which time steps of sequences are valid.

use crate::context::{Context, StepMask, Valid};
use crate::messages::BATCH_FIRST;
use unspool_autograd::{InputGrads, Inputs, Op, Saves, Scalar, Tensor, Var};

/// The mask `[T, B]` of sequences of different lengths: 1 at their steps, 0 after their ends
/// (TensorFlow's `sequence_mask`, with time first).
///
/// ```
/// use unspool::Tensor;
/// use unspool::layers::sequence_mask;
/// let mask: Tensor = sequence_mask(&[3, 1], 3);
/// assert_eq!(mask.to_vec(), [1.0, 1.0, 1.0, 0.0, 1.0, 0.0]);
/// ```
///
/// # Panics
/// If a length is greater than `time`.
#[track_caller]
pub fn sequence_mask<T: Scalar>(lengths: &[usize], time: usize) -> Tensor<T> {
    let batch = lengths.len();
    check_lengths("sequence_mask", lengths, time, batch);
    let valid = |i: usize| if i / batch < lengths[i % batch] { T::ONE } else { T::ZERO };
    Tensor::from_fn([time, batch], valid)
}

/// Sequences `[T, B, F]` with zeros as padding (at the steps that are not valid in the context),
/// even where it is NaN: neither a value nor a gradient comes from there. Layers that compute each
/// step by itself need it first, because `0 * NaN` in the gradient of a weight is NaN. One row per
/// sequence, `[B, F]`, has no time steps, and stays as it is.
///
/// ```
/// use unspool::layers::zero_padding;
/// use unspool::{Context, Tape, Tensor};
/// let tape = Tape::new();
/// let xs = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, f32::NAN], [2, 2, 1]));
/// let clean = zero_padding(xs, Context::default().with_lengths(&[2, 1]));
/// assert_eq!(clean.value().to_vec(), [1.0, 2.0, 3.0, 0.0]);
/// assert_eq!(clean.square().sum().backward().wrt(xs).to_vec(), [2.0, 4.0, 6.0, 0.0]);
/// ```
///
/// # Panics
/// If there are lengths, and not one of at most T for each of B sequences, or a mask that is not
/// `[T, B]`.
#[track_caller]
pub fn zero_padding<'t, T: Scalar>(xs: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
    let shape = xs.shape();
    let [time, batch, _, ..] = shape[..] else { return xs };
    match cx.valid {
        Valid::All => xs,
        Valid::Lengths(lengths) => {
            check_lengths("zero_padding", lengths, time, batch);
            let shortest = lengths.iter().copied().min().unwrap_or(time);
            let ended = |t| (0..batch).filter(move |&b| lengths[b] <= t).map(move |b| t * batch + b);
            zero_rows(xs, (shortest..time).flat_map(ended).collect(), time * batch)
        }
        Valid::Mask(mask) => {
            check_mask("zero_padding", mask, time, batch);
            let skipped = mask.steps().into_iter().enumerate().filter(|(_, valid)| !valid).map(|(row, _)| row);
            zero_rows(xs, skipped.collect(), time * batch)
        }
    }
}

/// `x`, `[.., F]`, with zeros in the rows where `mask` is 0. The mask and the axes of rows
/// broadcast.
#[track_caller]
pub(crate) fn keep_rows<'t, T: Scalar>(mask: &Tensor<T>, mut x: Var<'t, T>) -> Var<'t, T> {
    let (shape, given) = (x.shape(), mask.shape());
    let axis = shape.rank() - 1;
    let Some(rows) = shape.remove(axis).broadcast(&given) else {
        fail!("mask: {given} does not broadcast to the rows of {shape}")
    };
    if rows != shape.remove(axis) {
        x = x.expand(rows.insert(axis, shape[axis]));
    }
    let valid = mask.expand(rows).to_vec();
    zero_rows(x, (0..valid.len()).filter(|&row| valid[row] == T::ZERO).collect(), valid.len())
}

fn zero_rows<T: Scalar>(x: Var<'_, T>, zeros: Vec<usize>, rows: usize) -> Var<'_, T> {
    if zeros.is_empty() { x } else { x.tape().apply(ZeroRows { zeros, rows }, &[x]) }
}

/// Replaces some of `rows` rows by zeros. Unlike [`where_`](Var::where_), it copies the tensor as a
/// whole and touches only those rows: a tenth of the time.
#[derive(Clone)]
struct ZeroRows {
    zeros: Vec<usize>,
    rows: usize,
}

impl ZeroRows {
    fn of<T: Scalar>(&self, mut x: Tensor<T>) -> Tensor<T> {
        let width = x.numel() / self.rows;
        let row = |row: &usize| row * width..(row + 1) * width;
        // Padded examples and the outputs of recurrent layers have zeros there already: then
        // nothing is copied.
        let is_zero = |elements: &[T]| self.zeros.iter().all(|i| elements[row(i)].iter().all(|&x| x == T::ZERO));
        if !x.as_slice().is_some_and(is_zero) {
            let elements = x.as_mut_slice();
            self.zeros.iter().for_each(|i| elements[row(i)].fill(T::ZERO));
        }
        x
    }
}

impl Op for ZeroRows {
    fn name(&self) -> &'static str {
        "zero_rows"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.of(x[0].clone())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || self.of(grad));
    }
}

/// The mask with 1 for everything that is not 0.
pub(crate) fn zero_or_one<T: Scalar>(mask: &Tensor<T>) -> Tensor<T> {
    mask.map(|valid| if valid != T::ZERO { T::ONE } else { T::ZERO })
}

/// The softmax over an axis of those scores where `mask`, of zeros and ones, is 1; the result is 0
/// at all others, and everywhere if no score is left. The mask broadcasts to the scores.
#[track_caller]
pub(crate) fn masked_softmax<'t, T: Scalar>(scores: Var<'t, T>, mask: &Tensor<T>, axis: usize) -> Var<'t, T> {
    let mask_axis = axis + mask.rank() - scores.shape().rank();
    let none =
        mask.sum_axes(&[mask_axis]).unsqueeze(mask_axis).map(|count| if count == T::ZERO { T::ONE } else { T::ZERO });
    // If no score is left, they are 0 instead of minus infinity: the softmax of these would be NaN.
    // Its result is replaced by zeros below.
    let masked = none.map(|none| if none != T::ZERO { T::ZERO } else { T::from_f64(f64::NEG_INFINITY) });
    let tape = scores.tape();
    let weights = tape.constant(mask).where_(scores, tape.constant(&masked)).softmax(axis);
    if none.to_vec().iter().all(|&none| none == T::ZERO) {
        return weights;
    }
    tape.constant(mask).where_(weights, scores.new_zeros([]))
}

/// # Panics
/// If there is not one length per sequence, or one is greater than `time`.
#[track_caller]
pub(crate) fn check_lengths(op: &str, lengths: &[usize], time: usize, batch: usize) {
    let given = lengths.len();
    if given != batch {
        let cure = if given == time { BATCH_FIRST } else { "" };
        fail!("{op}: {given} lengths for a batch of {batch} sequences{cure}");
    }
    for (b, length) in lengths.iter().enumerate() {
        ensure!(*length <= time, "{op}: the length {length} of sequence {b} is greater than the {time} time steps");
    }
}

#[track_caller]
pub(crate) fn check_mask(op: &str, mask: &dyn StepMask, time: usize, batch: usize) {
    let shape = mask.shape();
    ensure!(shape[..] == [time, batch], "{op}: the mask must be [{time}, {batch}], not {shape}");
}
