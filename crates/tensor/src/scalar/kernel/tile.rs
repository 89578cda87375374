//! A tile of a product, and the tiles that a product is made of.

use super::lanes::Lanes;
use crate::tuning::{INNER_BLOCK, PANEL, PREFETCHED_TERMS, ROW_BLOCK};

/// A product of raw memory: `a` is `[m, k]`, `b` is `[k, n]`, `c` is `[m, n]`.
///
/// # Safety
/// For a product to be computed, element `(i, l)` of `a` is at `i` and `l` times its two steps from `a`; element `(l, j)` of
/// `b` at `l` times `b_row`, `j / PANEL` times `b_panel` and `j % PANEL` from `b`; element `(i, j)` of `c` at `i` times `c_row`
/// and `j` from `c`. All are initialized, and nobody else reads or writes those of `c` meanwhile.
#[derive(Clone, Copy)]
pub(in crate::scalar) struct Operands<T> {
    pub(in crate::scalar) size: [usize; 3],
    pub(in crate::scalar) a: *const T,
    pub(in crate::scalar) a_steps: (isize, isize),
    pub(in crate::scalar) b: *const T,
    pub(in crate::scalar) b_row: isize,
    pub(in crate::scalar) b_panel: isize,
    pub(in crate::scalar) c: *mut T,
    pub(in crate::scalar) c_row: usize,
    pub(in crate::scalar) add: bool,
}

impl<T> Operands<T> {
    /// The same product of some rows of `a` with a part of its columns and as many rows of `b`.
    #[inline(always)]
    unsafe fn part(mut self, (i, m): (usize, usize), (l, k): (usize, usize)) -> Self {
        // SAFETY: these rows and columns are among those of the operands.
        unsafe {
            self.a = self.a.offset(i as isize * self.a_steps.0 + l as isize * self.a_steps.1);
            self.b = self.b.offset(l as isize * self.b_row);
            self.c = self.c.add(i * self.c_row);
        }
        self.size = [m, k, self.size[2]];
        self.add |= l > 0;
        self
    }
}

/// Computes a product: in blocks of `k`, so that a panel of `b` stays in the second-level cache, and of rows, so that those of
/// `a` do.
///
/// # Safety
/// See [`Operands`]; the processor has the instructions of `L`.
#[inline(always)]
pub(super) unsafe fn multiply<L: Lanes>(product: Operands<L::T>) {
    let [m, k, n] = product.size;
    let mut l = 0;
    loop {
        let inner = INNER_BLOCK.min(k - l);
        // Blocks of about as many rows each: a last one of few would read all of `b` for them.
        let most = (ROW_BLOCK / inner.max(1)).max(4) * L::TALL;
        let rows = m.div_ceil(m.div_ceil(most).max(1)).max(1);
        for i in (0..m).step_by(rows) {
            let mut j = 0;
            while j < n {
                // SAFETY: the caller's promise; `i`, `l` and `j` are within the product.
                unsafe {
                    let part = product.part((i, rows.min(m - i)), (l, inner));
                    j += strip::<L>(part, j);
                }
            }
        }
        l += inner;
        if l == k {
            return;
        }
    }
}

/// Computes the columns from `j` on that one tile is wide, and returns how many.
#[inline(always)]
unsafe fn strip<L: Lanes>(product: Operands<L::T>, j: usize) -> usize {
    let [m, _, n] = product.size;
    let (left, half) = (n - j, <L::Half as Lanes>::N);
    // A rest of at most half a vector is a strip of its own, of half vectors.
    let has_half = half < L::N && (1..=half).contains(&(left % L::N));
    let vectors = if has_half { left / L::N } else { left.div_ceil(L::N) };
    // SAFETY: the caller's promise, and the vectors of the strip, the last of them in part, are within the product.
    unsafe {
        if vectors == 0 {
            return tiles::<L::Half, 1>(product, j);
        }
        // With few rows a tile has few accumulators, unless it is wide: too few to hide the latency of an instruction.
        if vectors >= 4 && (m <= L::WIDE || L::IS_WIDE_FASTER) {
            tiles::<L, 4>(product, j)
        } else if vectors >= 2 {
            tiles::<L, 2>(product, j)
        } else {
            tiles::<L, 1>(product, j)
        }
    }
}

/// Computes a strip of `V` vectors, in tiles of about as many rows each.
#[inline(always)]
unsafe fn tiles<L: Lanes, const V: usize>(product: Operands<L::T>, j: usize) -> usize {
    let [m, k, n] = product.size;
    let columns = (V * L::N).min(n - j);
    let most = const { most_rows::<L, V>() };
    let mut i = 0;
    while i < m {
        let left = m - i;
        let rows = left.div_ceil(left.div_ceil(most));
        // SAFETY: the caller's promise; the tile is within the product.
        unsafe {
            let tile = (product.part((i, rows), (0, k)), j, columns);
            macro_rules! of_rows {
                ($($r:literal)*) => {
                    match rows {
                        $($r if $r <= const { most_rows::<L, V>() } => self::tile::<L, V, $r>(tile),)*
                        _ => unreachable!("a tile has at most as many rows as the registers hold"),
                    }
                };
            }
            of_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        }
        i += rows;
    }
    columns
}

/// The rows of a tile of `V` vectors at most.
const fn most_rows<L: Lanes, const V: usize>() -> usize {
    match V {
        4 => L::WIDE,
        // One vector leaves registers for more rows, which hide the latency of an instruction.
        1 if L::TALL < 12 => 12,
        _ => L::TALL,
    }
}

/// Computes a tile of `R` rows and `V` vectors, in which `columns` are, from column `j` on.
#[inline(always)]
unsafe fn tile<L: Lanes, const V: usize, const R: usize>((product, j, columns): (Operands<L::T>, usize, usize)) {
    let Operands { size: [_, k, _], a, a_steps, b, b_row, b_panel, c, c_row, add } = product;
    // SAFETY: the caller's promise: element (i, l) of `a`, the rows of `b` from column `j` on and the rows of `c` are within
    // the operands, and the mask covers the columns of the last vector.
    unsafe {
        let last = L::mask(columns - (V - 1) * L::N);
        let b: [*const L::T; V] = std::array::from_fn(
            #[inline(always)]
            |v| {
                let j = j + v * L::N;
                b.offset((j / PANEL) as isize * b_panel + (j % PANEL) as isize)
            },
        );
        // They come from memory while the sums are computed, instead of afterwards.
        if k >= PREFETCHED_TERMS {
            for i in 0..R {
                for v in 0..V {
                    L::prefetch(c.add(i * c_row + j + v * L::N));
                }
            }
        }
        let mut sums = [[L::zero(); V]; R];
        for l in 0..k as isize {
            let row: [L; V] = std::array::from_fn(
                #[inline(always)]
                |v| {
                    let p = b[v].offset(l * b_row);
                    if v + 1 == V { L::load_masked(p, last) } else { L::load(p) }
                },
            );
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = L::splat(a.offset(i as isize * a_steps.0 + l * a_steps.1));
                for (sum, &y) in sums.iter_mut().zip(&row) {
                    *sum = sum.plus_product(x, y);
                }
            }
        }
        // All are read before any is written: a row's last vector reaches into the next row, and what was written by a mask
        // is read only once it is in cache.
        let is_part = |v: usize| v + 1 == V && columns < V * L::N;
        if add {
            for (i, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    let c = c.add(i * c_row + j + v * L::N);
                    *sum = sum.plus(if is_part(v) { L::load_masked(c, last) } else { L::load(c) });
                }
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                let c = c.add(i * c_row + j + v * L::N);
                if is_part(v) { sum.store_masked(c, last) } else { sum.store(c) }
            }
        }
    }
}
