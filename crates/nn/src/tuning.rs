//! Every size and duration of this crate that trades speed against memory or quality, with the
//! measurement that set it. Where none is on record, it is a choice, and its comment states so.
//!
//! Measured on two cores of an Intel Xeon with AVX-512, as docs/DESIGN.md reports it.

use std::time::Duration;

/// The reflections that make an orthogonal matrix are multiplied together so many at a time, and its
/// rows are computed so many at a time. Another value gives other bits.
///
/// The four matrices of LSTM(1024) take 0.26 s on one thread, row by row they took 4.3. Other
/// numbers are not on record.
pub(crate) const REFLECTIONS: usize = 64;

/// The inputs of a recurrent layer are projected this many rows at a time (one step, if it has
/// more): enough for a product at full speed, few enough that the steps find them in cache, and a
/// long sequence is never projected as a whole.
///
/// A choice, made with the rows in cache in mind; no timing of other values is on record.
pub(crate) const PROJECTED_ROWS: usize = 256;

/// The time steps on the tape at once in
/// [`StreamingCell::run`](crate::recurrent::StreamingCell::run): their inputs are projected
/// together, and memory does not grow with the sequence.
///
/// A choice. It shows: a cell that reads its step number sees it start over after this many.
pub(crate) const STREAMED_STEPS: usize = 64;

/// The time steps on the tape at once where a language model scores or reads a text.
///
/// A choice: what streaming uses.
pub(crate) const SCORED_STEPS: usize = STREAMED_STEPS;

/// The examples that evaluation and prediction compute on one tape: enough for products at full
/// speed, few enough to stay in cache.
///
/// A choice; no timing of other values is on record.
pub(crate) const EVALUATED_EXAMPLES: usize = 256;

/// A shard of a batch has about this many examples: products with fewer rows cost almost as much.
///
/// Like the next two, it decides in which order gradients are summed, so another value gives other
/// bits.
pub(crate) const SHARD_EXAMPLES: usize = 32;

/// A batch of at least this many examples is cut into two shards or more. A choice: the smallest
/// shards have 16 examples.
pub(crate) const MIN_CUT_EXAMPLES: usize = 32;

/// A batch is cut into at most this many shards of [`SHARD_EXAMPLES`]. A choice: as many threads can share the work of a step.
pub(crate) const FEW_SHARDS: usize = 16;

/// The examples of a shard where that many shards would have more: for many machines to share a batch, and for each shard to
/// be worth its tape. A choice.
pub(crate) const LARGE_SHARD_EXAMPLES: usize = 64;

/// So many shards are computed before their gradients are added up: a power of two, for the tree. A choice: more than
/// the threads of most machines, and the memory of as many gradients.
pub(crate) const SHARDS_AT_ONCE: usize = 32;

/// How long a thread without a shard looks for work before it sleeps.
///
/// Waking it costs 50 to 100 microseconds on a virtual machine, a tenth of a step of LSTM(20)x2.
pub(crate) const SHARD_SPIN: Duration = Duration::from_micros(300);

/// A gradient with more elements than this is added to another by all threads, this many elements
/// each. A choice.
pub(crate) const ADDED_ELEMENTS: usize = 1 << 15;

/// Of the examples that hold infinities or NaN, this many are tried before training. A choice:
/// nearly always the first one spoils the loss.
pub(crate) const TRIED_EXAMPLES: usize = 8;

/// The elements of each parameter from which an optimizer recognizes its model. A choice: few,
/// because every step looks at them.
pub(crate) const FINGERPRINT_ELEMENTS: usize = 8;

/// The partial sums of squares side by side in a global gradient norm, so that the loop becomes
/// SIMD code. A choice; it decides in which order they are added, so another value gives other
/// bits.
pub(crate) const NORM_LANES: usize = 16;

/// Threads share the squares of a gradient of at least this many elements. A choice. It decides in which order
/// they are added, so another value gives other bits.
pub(crate) const PARALLEL_NORM: usize = 1 << 17;

/// The elements between two early exits when a data set is searched for infinities and NaN, so that
/// the loop runs at the speed of memory. A choice.
pub(crate) const CHECKED_ELEMENTS: usize = 1024;

/// The bytes that wait for a write to a file. A choice.
pub(crate) const WRITE_BUFFER: usize = 1 << 16;

/// The batches among which sequences are sorted by length.
///
/// Sorting all sequences would save hardly any more padding, and would put the same ones together
/// in every epoch.
pub(crate) const POOLED_BATCHES: usize = 64;

/// The bytes of a tensor that pass through a buffer at once when a file is read or written: a
/// multiple of every element's size. A choice: the buffer is on the stack.
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) const FILE_CHUNK: usize = 1 << 14;

/// The bytes of memory that one byte of a safetensors header takes at most, with everything that is
/// made of it: 14 measured for short names of empty texts, 10 for those of empty tensors.
#[cfg(feature = "safetensors")]
pub(crate) const HEADER_MEMORY: usize = 16;

/// The bytes that the values of a shard may take when a batch whose loss is not finite is run once more, with all
/// values kept; their gradients take as much again. A choice: beyond it the error names no op, rather than that
/// memory runs out.
pub(crate) const EXPLAINED_BYTES: usize = 2 << 30;
