//! The kernel of matrix products: `c = a b`, or `c += a b`, of raw memory.
//!
//! `c` is computed in tiles of some rows and of one, two or four vectors, which stay in registers while a column of `a`
//! and a row of `b` at a time are multiplied into them. So each element is a sum over `k` in order, by fused
//! multiply-adds, whatever the tile and the width of vectors: the bits are the same with AVX-512, with AVX2, and wherever
//! there are fused multiply-adds.
//!
//! - `lanes`: the vectors of each instruction set;
//! - `tile`: a tile, and which tiles make a product.

mod lanes;
mod tile;

pub(super) use tile::Operands;

#[cfg(target_arch = "x86_64")]
use crate::loops::simd::level;
use tile::multiply;

/// A type of numbers with a kernel.
pub(super) trait Kernel: Copy {
    /// # Safety
    /// See [`Operands`].
    unsafe fn multiply(product: Operands<Self>);
}

macro_rules! kernel {
    ($t:ident, $avx512:ident, $avx2:ident) => {
        impl Kernel for $t {
            #[inline(never)]
            unsafe fn multiply(product: Operands<$t>) {
                #[cfg(target_arch = "x86_64")]
                {
                    use std::arch::x86_64::{$avx2, $avx512};

                    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                    unsafe fn avx512(product: Operands<$t>) {
                        // SAFETY: the caller's promise; the instructions are those of this function.
                        unsafe { multiply::<$avx512>(product) }
                    }
                    #[target_feature(enable = "avx2,fma")]
                    unsafe fn avx2(product: Operands<$t>) {
                        // SAFETY: as above.
                        unsafe { multiply::<$avx2>(product) }
                    }
                    match level::get() {
                        // SAFETY: the caller's promise, and the processor was found to have these instructions.
                        level::AVX512 => return unsafe { avx512(product) },
                        // SAFETY: as above.
                        level::AVX2 => return unsafe { avx2(product) },
                        _ => {}
                    }
                }
                // SAFETY: the caller's promise.
                unsafe { multiply::<[$t; 4]>(product) }
            }
        }
    };
}
kernel!(f32, __m512, __m256);
kernel!(f64, __m512d, __m256d);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::number::Number;
    use crate::tuning::{INNER_BLOCK, PANEL};

    type Multiply<T> = unsafe fn(Operands<T>);

    /// The kernels of this processor.
    fn kernels<T: Kernel + Number>(_avx512: Multiply<T>, _avx2: Multiply<T>) -> Vec<(&'static str, Multiply<T>)> {
        // SAFETY: the caller's promise.
        let portable: Multiply<T> = |product| unsafe { multiply::<[T; 4]>(product) };
        let mut all = vec![("chosen", T::multiply as Multiply<T>), ("portable", portable)];
        #[cfg(target_arch = "x86_64")]
        {
            let level = level::get();
            all.extend(
                [("avx2", _avx2, level::AVX2), ("avx512", _avx512, level::AVX512)]
                    .into_iter()
                    .filter(|&(.., least)| level >= least)
                    .map(|(name, kernel, _)| (name, kernel)),
            );
        }
        all
    }

    macro_rules! of_vectors {
        ($t:ident, $avx512:ident, $avx2:ident) => {{
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{$avx2, $avx512};
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                unsafe fn avx512(product: Operands<$t>) {
                    // SAFETY: only called where the processor has the instructions.
                    unsafe { multiply::<$avx512>(product) }
                }
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2(product: Operands<$t>) {
                    // SAFETY: as above.
                    unsafe { multiply::<$avx2>(product) }
                }
                kernels::<$t>(avx512, avx2)
            }
            #[cfg(not(target_arch = "x86_64"))]
            kernels::<$t>($t::multiply, $t::multiply)
        }};
    }

    /// The product by a kernel, from memory that holds the operands and no more.
    fn product<T: Number>(
        kernel: Multiply<T>,
        [m, k, n]: [usize; 3],
        a: &[T],
        column_major: bool,
        b: &[T],
        c: &mut [T],
        add: bool,
    ) {
        let a_steps = if column_major { (1, m as isize) } else { (k as isize, 1) };
        assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
        let (b_row, b_panel) = (n as isize, PANEL as isize);
        let product = Operands {
            size: [m, k, n],
            a: a.as_ptr(),
            a_steps,
            b: b.as_ptr(),
            b_row,
            b_panel,
            c: c.as_mut_ptr(),
            c_row: n,
            add,
        };
        // SAFETY: the operands are within these slices.
        unsafe { kernel(product) }
    }

    fn check<T: Number + PartialEq + std::fmt::Debug>(kernels: Vec<(&str, Multiply<T>)>) {
        let number = |i: usize, of: usize| T::from_f64((i * 7 % of) as f64 - 5.0);
        let sizes = (1..=30).chain([43]).flat_map(|m| (1..=34).chain([63, 64, 65, 80, 97]).map(move |n| (m, n)));
        for (m, n) in sizes {
            for k in if m % 7 == 3 { vec![0, 1, 2, 9, 20] } else { vec![5] } {
                let a: Vec<T> = (0..m * k).map(|i| number(i, 11)).collect();
                let b: Vec<T> = (0..k * n).map(|i| number(i, 13)).collect();
                let rows: Vec<T> = (0..m * k).map(|at| a[at % m.max(1) * k + at / m.max(1)]).collect();
                let expected: Vec<T> = (0..m * n)
                    .map(|at| (0..k).fold(T::from_f64(0.5), |sum, l| sum + a[at / n * k + l] * b[l * n + at % n]))
                    .collect();
                for &(name, kernel) in &kernels {
                    for column_major in [false, true] {
                        let mut c = vec![T::from_f64(0.5); m * n];
                        product(
                            kernel,
                            [m, k, n],
                            if column_major { &rows } else { &a },
                            column_major,
                            &b,
                            &mut c,
                            true,
                        );
                        assert_eq!(c, expected, "{name}: {m} x {k} x {n}, column-major {column_major}");
                        product(
                            kernel,
                            [m, k, n],
                            if column_major { &rows } else { &a },
                            column_major,
                            &b,
                            &mut c,
                            false,
                        );
                        let expected: Vec<T> = expected.iter().map(|&x| x - T::from_f64(0.5)).collect();
                        assert_eq!(c, expected, "{name}: {m} x {k} x {n}, column-major {column_major}, written");
                    }
                }
            }
        }
    }

    #[test]
    fn tiles_of_all_sizes_compute_products_of_f32() {
        check::<f32>(of_vectors!(f32, __m512, __m256));
    }

    #[test]
    fn tiles_of_all_sizes_compute_products_of_f64() {
        check::<f64>(of_vectors!(f64, __m512d, __m256d));
    }

    /// Sums of more terms than are added up at once; random ones, whose bits would show another order.
    #[test]
    fn vectors_of_every_width_make_the_same_bits() {
        let [m, k, n] = [20, INNER_BLOCK + 100, 75];
        let number = |i: usize| ((i * 7919) as f32 * 0.618).sin();
        let (a, b): (Vec<f32>, Vec<f32>) =
            ((0..m * k).map(number).collect(), (0..k * n).map(|i| number(i + 3)).collect());
        let mut results =
            of_vectors!(f32, __m512, __m256).into_iter().filter(|(name, _)| *name != "portable").map(|(_, kernel)| {
                let mut c = vec![0.0; m * n];
                product(kernel, [m, k, n], &a, false, &b, &mut c, false);
                c
            });
        let first = results.next().expect("one");
        let exact = (0..k).map(|l| f64::from(a[l]) * f64::from(b[l * n])).sum::<f64>();
        assert!((f64::from(first[0]) - exact).abs() < 1e-3);
        for other in results {
            assert_eq!(other, first);
        }
    }
}
