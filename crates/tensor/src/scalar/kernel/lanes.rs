//! Vectors as the product kernel uses them: of AVX-512, of AVX2, and portable ones.

use super::super::number::Number;

/// A vector of `N` numbers.
///
/// # Safety
/// All methods: the processor has the vector's instructions, and pointers are to `N` elements, with a mask to as many as it
/// was made for.
pub(super) trait Lanes: Copy {
    type T: Number;
    type Mask: Copy;
    /// Vectors half as wide, for a rest that fits; these, if there are none.
    type Half: Lanes<T = Self::T>;
    const N: usize;
    /// The rows of a tile two vectors wide: its accumulators, two vectors of the right matrix and an element of the left one
    /// fill the registers.
    const TALL: usize;
    /// The rows of a tile four vectors wide.
    const WIDE: usize;
    /// Whether wide tiles are the faster ones, too, where there are rows enough for tall ones.
    const IS_WIDE_FASTER: bool;

    unsafe fn zero() -> Self;
    /// Element `*p` in all lanes.
    unsafe fn splat(p: *const Self::T) -> Self;
    /// The first `n` lanes, 1 to `N`.
    unsafe fn mask(n: usize) -> Self::Mask;
    unsafe fn load(p: *const Self::T) -> Self;
    /// 0 in the other lanes.
    unsafe fn load_masked(p: *const Self::T, mask: Self::Mask) -> Self;
    unsafe fn store(self, p: *mut Self::T);
    unsafe fn store_masked(self, p: *mut Self::T, mask: Self::Mask);
    /// `self + a b`.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
    unsafe fn plus(self, a: Self) -> Self;
    /// Requests the cache line of `p`, which will be written.
    unsafe fn prefetch(p: *const Self::T) {
        let _ = p;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    macro_rules! lanes {
        (
            $vector:ident of $n:literal $t:ident, $mask:ident, $half:ident, tiles of $tall:literal and $wide:literal rows, $faster:literal;
            $zero:ident, $splat:ident, $load:ident, $store:ident, $fma:ident, $add:ident;
            mask: |$lanes:ident| $new_mask:expr;
            load: |$from:ident, $m:ident| $load_masked:expr;
            store: |$to:ident, $ms:ident, $x:ident| $store_masked:expr;
        ) => {
            impl Lanes for $vector {
                type T = $t;
                type Mask = $mask;
                type Half = $half;
                const N: usize = $n;
                const TALL: usize = $tall;
                const WIDE: usize = $wide;
                const IS_WIDE_FASTER: bool = $faster;

                #[inline(always)]
                unsafe fn zero() -> Self {
                    // SAFETY: the processor has this instruction, as the caller promises; so with all others here.
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn splat(p: *const $t) -> Self {
                    // SAFETY: `p` is to an element.
                    unsafe { $splat(*p) }
                }
                #[inline(always)]
                unsafe fn mask($lanes: usize) -> $mask {
                    $new_mask
                }
                #[inline(always)]
                unsafe fn load(p: *const $t) -> Self {
                    // SAFETY: `p` is to as many elements as there are lanes.
                    unsafe { $load(p) }
                }
                #[inline(always)]
                unsafe fn load_masked($from: *const $t, $m: $mask) -> Self {
                    // SAFETY: `p` is to as many elements as the mask has lanes; others are not read.
                    unsafe { $load_masked }
                }
                #[inline(always)]
                unsafe fn store(self, p: *mut $t) {
                    // SAFETY: as in `load`.
                    unsafe { $store(p, self) }
                }
                #[inline(always)]
                unsafe fn store_masked(self, $to: *mut $t, $ms: $mask) {
                    let $x = self;
                    // SAFETY: as in `load_masked`.
                    unsafe { $store_masked }
                }
                #[inline(always)]
                unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                    // SAFETY: as in `zero`.
                    unsafe { $fma(a, b, self) }
                }
                #[inline(always)]
                unsafe fn plus(self, a: Self) -> Self {
                    // SAFETY: as in `zero`.
                    unsafe { $add(self, a) }
                }
                #[inline(always)]
                unsafe fn prefetch(p: *const $t) {
                    // SAFETY: a prefetch has no effect that shows.
                    unsafe { _mm_prefetch::<_MM_HINT_ET0>(p.cast()) }
                }
            }
        };
    }

    lanes! {
        __m512 of 16 f32, __mmask16, __m256, tiles of 14 and 6 rows, true;
        _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_add_ps;
        mask: |n| u16::MAX >> (16 - n);
        load: |p, mask| _mm512_maskz_loadu_ps(mask, p);
        store: |p, mask, x| _mm512_mask_storeu_ps(p, mask, x);
    }
    lanes! {
        __m512d of 8 f64, __mmask8, __m256d, tiles of 14 and 6 rows, true;
        _mm512_setzero_pd, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd, _mm512_add_pd;
        mask: |n| u8::MAX >> (8 - n);
        load: |p, mask| _mm512_maskz_loadu_pd(mask, p);
        store: |p, mask, x| _mm512_mask_storeu_pd(p, mask, x);
    }
    lanes! {
        __m256 of 8 f32, __m256i, __m256, tiles of 6 and 3 rows, false;
        _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_add_ps;
        mask: |n| {
            // SAFETY: as in `zero`.
            unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
        };
        load: |p, mask| _mm256_maskload_ps(p, mask);
        store: |p, mask, x| _mm256_maskstore_ps(p, mask, x);
    }
    lanes! {
        __m256d of 4 f64, __m256i, __m256d, tiles of 6 and 3 rows, false;
        _mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd, _mm256_add_pd;
        mask: |n| {
            // SAFETY: as in `zero`.
            unsafe { _mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), _mm256_setr_epi64x(0, 1, 2, 3)) }
        };
        load: |p, mask| _mm256_maskload_pd(p, mask);
        store: |p, mask, x| _mm256_maskstore_pd(p, mask, x);
    }
}

/// Four numbers, which the compiler keeps in the vectors of the target's baseline.
impl<T: Number> Lanes for [T; 4] {
    type T = T;
    type Mask = usize;
    type Half = Self;
    const N: usize = 4;
    const TALL: usize = 6;
    const WIDE: usize = 3;
    const IS_WIDE_FASTER: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [T::ZERO; 4]
    }
    #[inline(always)]
    unsafe fn splat(p: *const T) -> Self {
        // SAFETY: `p` is to an element.
        [unsafe { *p }; 4]
    }
    #[inline(always)]
    unsafe fn mask(n: usize) -> usize {
        n
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: `p` is to four elements, one after the other, as in an array.
        unsafe { p.cast::<Self>().read() }
    }
    #[inline(always)]
    unsafe fn load_masked(p: *const T, mask: usize) -> Self {
        // SAFETY: `p` is to as many elements as the mask has lanes.
        std::array::from_fn(|i| if i < mask { unsafe { *p.add(i) } } else { T::ZERO })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: as in `load`.
        unsafe { p.cast::<Self>().write(self) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, p: *mut T, mask: usize) {
        // SAFETY: as in `load_masked`.
        self.into_iter().take(mask).enumerate().for_each(|(i, x)| unsafe { *p.add(i) = x })
    }
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        // Where there is no instruction for it, `mul_add` is a call.
        const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
        std::array::from_fn(
            #[inline(always)]
            |i| if FUSED { a[i].mul_add(b[i], self[i]) } else { self[i] + a[i] * b[i] },
        )
    }
    #[inline(always)]
    unsafe fn plus(self, a: Self) -> Self {
        std::array::from_fn(
            #[inline(always)]
            |i| self[i] + a[i],
        )
    }
}
