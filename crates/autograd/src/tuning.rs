//! Every constant of this crate that a measurement set, with that measurement.
//!
//! Measured on two cores of an Intel Xeon with AVX-512, as docs/DESIGN.md reports it. How long memory is
//! kept that nothing uses, `KEPT_ROUNDS`, is the tensor crate's.

pub(crate) use unspool_tensor::KEPT_ROUNDS;

/// The products `aᵀ g` of one weight are computed when this many rows are collected: enough for a
/// product at full speed, few enough that the rows are still in cache.
///
/// With 64, and with all rows at once, an LSTM(256) step takes some 1.15 times as long; with 1,024,
/// an LSTM(20) step takes 1.12 times as long.
pub(crate) const DEFERRED_ROWS: usize = 256;

/// A matrix of fewer elements is read as it is by the products of a tape, at every use.
///
/// 64 rows times one of 256 x 1024, on an Intel Xeon with AVX-512: 108 GFLOP/s as is, 158 packed; 64 x 64 x 64, 32 x 20 x 80
/// and the like as fast either way.
pub(crate) const LARGE: usize = 1 << 15;

/// A slice whose rows have fewer elements is copied out, not read with gaps between its rows.
///
/// The ops that follow read each gate several times, and 32 pieces of 20 elements cost twice what
/// one of 640 does.
pub(crate) const SHORT_ROW: usize = 64;

/// The number of shapes for which [`Tape::release`](crate::Tape::release) keeps a tensor without
/// elements. Not measured: a cell's step has values of a few shapes, and the search is linear.
pub(crate) const HOLLOW_SHAPES: usize = 16;

/// The number of numbers, such as the 1 of `1.0 - z`, whose tensors a tape shares between all their
/// uses. Not measured: a cell's step has a few, and the search is linear.
pub(crate) const SHARED_NUMBERS: usize = 16;

/// A value that outlives its segment is copied if it holds more than twice its size and so many
/// bytes. Not measured: what a copy costs does not show beside a replay.
pub(crate) const SMALL_BLOCK: usize = 1024;

/// How often in a backward pass a profile counts the bytes of gradients. A count takes some 3 ns for
/// each value that the pass has not reached: at most 50 us on the tape of an LSTM(128) over 1,000
/// steps, whose pass takes 80 ms.
pub(crate) const PEAK_SAMPLES: usize = 16;

/// The bytes of the values of a part in [`Tape::sum_over_rows`](crate::Tape::sum_over_rows).
///
/// With their gradients they stay in a second-level cache of 1 MB. On an AMD EPYC with one, under load,
/// gradients of eight losses took 0.44 to 1.11 of the time that one tape took with 128 KiB, 0.49 to 1.07
/// with 256, 0.54 to 1.06 with 512 and 0.47 to 1.09 with 1,024: the size matters little.
pub(crate) const PART_BYTES: usize = 1 << 18;

/// The rows of the first part, of which nothing is known yet. A choice: the least are worth an op, the
/// most take a megabyte at a hundred numbers a row.
pub(crate) const FIRST_ROWS: std::ops::RangeInclusive<usize> = 16..=1024;

/// The rows of a part take at least so many times what is the same for each part. A choice: at most a
/// fifth of the time is lost.
pub(crate) const FIXED_SHARE: usize = 4;

/// What the tape adds to an op, as bytes of values that are computed in the same time: some 100 ns.
///
/// Without it, least squares of a polynomial of 64 coefficients, which is 130 ops, took 1.8 times as
/// long in parts of 256 KiB as on one tape; with it, as long.
pub(crate) const OP_BYTES: usize = 1 << 12;

/// The bytes of values, slopes and gradients of a block of rows of a
/// [`RowFunction`](crate::RowFunction): a quarter of a second-level cache of 1 MB.
///
/// Jacobians of 10,000 projections of 15 numbers, on an AMD EPYC under load: 188 ns a row with 64 KiB,
/// 131 with 128, 109 with 256, and the same with more. In small blocks the calls of the loops show.
pub(crate) const ROW_BLOCK_BYTES: usize = 1 << 18;

/// The rows of the first block, of which nothing is known yet, and the most. Measured as above: 124 ns a
/// row with at most 128 rows, 109 with 256, 119 and 112 with 512 and 1,024.
pub(crate) const ROW_BLOCKS: std::ops::RangeInclusive<usize> = 32..=256;

/// The directions in which tangents are pushed along a record at once: each op runs for all of them before the
/// next one does. A choice: what is computed once for each op is then a small part, and memory is bounded.
pub(crate) const PUSHED_DIRECTIONS: usize = 64;

/// The rows of a constant matrix that are multiplied at once with the tangents of all directions: some 200 KB of a
/// product for 28 directions of three columns.
pub(crate) const PUSHED_ROWS: usize = 256;
