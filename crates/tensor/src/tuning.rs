//! Every constant of this crate that speed depends on, with the measurement that set it.
//!
//! Where no machine is named, it is the one of docs/DESIGN.md: two cores of an Intel Xeon with
//! AVX-512 (Sapphire Rapids class), one thread. Where no measurement is named, none is on record.
//! Changing [`SUM_BLOCK`], [`SUM_LANES`], [`SUM_ROWS`], [`INNER_BLOCK`] or [`DOT_LANES`] changes the order of additions, and so the
//! bits of results.

/// The columns of a panel of a packed matrix: two AVX-512 vectors of f32.
///
/// 64 rows times one of 256 x 1024, in tiles of 12 x 2 vectors: 146 GFLOP/s, and 129 in panels of 64 columns, of which a
/// tile reads a half; in tiles of 6 x 4 vectors, as wide as such a panel, 152, against 158 in tiles of 14 x 2. On a Zen 4 a tile
/// of 6 x 4 reads two panels at 115 GFLOP/s, one of 14 x 2 one at 111.
pub(crate) const PANEL: usize = 32;

/// The terms of a product's sums that are added up in registers at once, so that a panel's rows stay in the second-level
/// cache. Not measured against others. It changes the order of additions.
pub(crate) const INNER_BLOCK: usize = 2048;

/// The rows of the left operand that are multiplied by all panels of the other one before the next rows are: those of a
/// tile, times this many elements over the length of a row. With 256 instead, steps of char-LSTM(128), LSTM(256), an MLP and
/// GRU(512) take 1.02, 1.00, 1.00 and 1.07 times as long.
pub(crate) const ROW_BLOCK: usize = 1 << 12;

/// The elements of a product are requested from memory before sums of at least this many terms are computed.
///
/// On a Zen 4, 512 x 256 x 2048: 98 GFLOP/s, and 93 without; 4096 x 64 x 512: 88 and 70. From how many terms on it pays was
/// not measured.
pub(crate) const PREFETCHED_TERMS: usize = 64;

/// A matrix of at least this many bytes is packed for a product with at least [`PACK_FOR_ROWS`] rows.
///
/// 128 rows times one of 784 x 512 took 900 us as it is and 700 packed before, and packing it some 150.
pub(crate) const PACK_BYTES: usize = 1 << 17;

/// So many bytes of it are packed, and multiplied, at a time: those of two panels, if that is more.
///
/// On a Zen 4 with 1 MB of second-level cache, 512 x 256 x 2048 with half of this, this, two and sixteen times as many: 104,
/// 107, 103 and 102 GFLOP/s. Packed as a whole in memory of its own, 512 x 512 x 2048 took 1.14 times as long.
pub(crate) const PACKED_BYTES: usize = 1 << 19;

/// See [`PACK_BYTES`].
pub(crate) const PACK_FOR_ROWS: usize = 128;

/// The sums side by side in the dot products of a single row and a transpose. A row of at least so many elements times a
/// transpose of 128 x 512 takes 8 to 13 us; packed for it, 23.
pub(crate) const DOT_LANES: usize = 64;

/// The rows of a transpose that are packed at once, so that each cache line of the source (16
/// elements of f32) is read once, in squares of 4 x 4: 20 us for 128 x 512 f32, 45 one by one.
pub(crate) const PACK_ROWS: usize = 16;

/// Threads share a packed product of at least this many multiplications, which takes one thread
/// some 5 ms.
///
/// The output of a word model, 1120 x 650 x 10,000, forward and backward: 325 ms on one thread, 195
/// on two. With a limit of eight million, the projections and weight gradients of an LSTM(256) took
/// 115 ms on one thread and 115 to 134 on two (a halted core takes up to 0.1 ms to wake), and
/// batches in shards 3 to 5% longer.
pub(crate) const PARALLEL_PRODUCT: usize = 1 << 29;

/// The panels of a part of such a product. Not measured.
pub(crate) const PARALLEL_PANELS: usize = 2;

/// The elements that [`Tensor::zip_mut_with`](crate::Tensor::zip_mut_with) copies to the stack and
/// back at a time.
///
/// An Adam step of 5 slices takes 4.7 ns an element without these copies, 0.67 with them, and 1.3
/// as four separate passes. Copies that are not aligned to 64 bytes take 1.3 to 1.7 times as long.
/// 20 million elements take 24 ms, with copies of 128 to 1,024 elements 27 to 37.
pub(crate) const ZIP_CHUNK: usize = 64;

/// Threads share the work of [`Tensor::zip_mut_with`](crate::Tensor::zip_mut_with) on at least this
/// many elements, which take Adam some 0.1 ms, as long as a halted core takes to wake.
///
/// Adam on 20 million: 31.7 ms on one thread, 14.2 on two.
pub(crate) const PARALLEL_ZIP: usize = 1 << 17;

/// Free memory is returned to the system if it lay idle while its thread took so many times the
/// memory that the program holds; a tape's lists shrink if they were longer than needed for as many
/// rounds.
#[doc(hidden)]
pub const KEPT_ROUNDS: usize = 256;

/// The elements of an operand with gaps that [`Tensor::map_n`](crate::Tensor::map_n) copies to the
/// stack at a time. Not measured.
pub(crate) const MAP_CHUNK: usize = 64;

/// The elements of a run that an elementwise function takes at once; fewer at its end.
///
/// A sigmoid of 7, 14, 20, 63 and 640 f32, on AVX2: 0.69, 0.76, 0.80, 0.85 and 1.04 of the time of
/// a plain loop, which computes a remainder one by one; with blocks of 32 and 4 0.71, 0.80, 0.94,
/// 0.91 and 0.99, but 1.25 for 640 f64; with 32 and 8 0.93, 0.65, 0.76, 0.74 and 0.98, and 1.12.
pub(crate) const WIDE_BLOCK: usize = 16;

/// See [`WIDE_BLOCK`].
pub(crate) const NARROW_BLOCK: usize = 4;

/// Runs of one to eight times this many elements are copied in blocks of this many, not by
/// `memcpy`. Rows of recurrent layers often have some twenty elements. The gain was not written
/// down.
pub(crate) const COPY_BLOCK: usize = 16;

/// A run of at most this many terms is added straight on; longer ones are halved, so that rounding
/// errors grow with the logarithm of the number of terms. Not measured.
pub(crate) const SUM_BLOCK: usize = 512;

/// The partial sums side by side in such a run: two AVX-512 vectors of f32, which hide the latency
/// of an addition. Not measured.
pub(crate) const SUM_LANES: usize = 32;

/// At most this many rows are added straight on when an axis other than the last is summed; more
/// are halved. Not measured.
pub(crate) const SUM_ROWS: usize = 32;

/// The partial maxima or minima side by side in a run: two AVX2 vectors of f32.
///
/// Rows of 20, 37, 100 and 1,000 f32 on a Zen 3: 7.2, 8.3, 13 and 82 ns; with 32 lanes 9.5, 12, 16
/// and 83; with 8 6.5, 7.0, 13 and 117; one by one 7.8, 17, 54 and 620.
pub(crate) const BEST_LANES: usize = 16;

/// The elements by which running sums advance at once. Not measured against others; with 16, 40,000
/// f32 in a row take 12 us, one by one 151.
pub(crate) const SCAN_BLOCK: usize = 16;

/// The elements of a run that are searched at once for the largest or the smallest one. Not
/// measured.
pub(crate) const FIND_CHUNK: usize = 64;

/// The columns of an axis other than the last whose best elements, or whose ties, are on the stack at
/// once. `argmax` along the columns of 1000 x 1000, 40 x 1000 and 400 x 100 f32: 940, 27 and 36 us;
/// with 256, which matrices of a few columns pay for, 736, 25 and 34.
pub(crate) const BEST_COLUMNS: usize = 64;

/// The elements of a step that a linear recurrence takes through time at once, in
/// [`Tensor::recurrence`](crate::Tensor::recurrence). 1,024 to 4,096 take the same time to 8%, forward
/// and backward; 512 up to 15% more.
pub(crate) const RECURRENCE_COLUMNS: usize = 2048;

/// Threads share a linear recurrence of at least this many elements. Forward and backward, two take
/// 0.57 (8 million) to 0.8 (half a million) of the time of one, and gain nothing below that.
pub(crate) const PARALLEL_RECURRENCE: usize = 1 << 19;

/// The directions that [`Forward`](crate::Forward) numbers are pushed along at once: the tangents of an
/// `f64` are one AVX-512 vector.
#[doc(hidden)]
pub const DIRECTIONS: usize = 8;

/// Products of numbers with several tangents take at most so many multiplications element by element, a
/// sixteenth of it if the left matrix has no tangents; more by products of their components, each of which costs
/// some 50 ns beside its arithmetic. Not measured.
pub(crate) const SMALL_PRODUCT: usize = 1 << 13;
