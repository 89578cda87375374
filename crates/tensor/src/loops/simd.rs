//! Run-time SIMD dispatch.
//!
//! A plain scalar loop is compiled three times: for AVX-512, for AVX2 with FMA, and for the
//! target's baseline. [`dispatch`] runs the widest version this processor supports, so users need
//! no `target-cpu` flag; the environment variable `UNSPOOL_SIMD` chooses another. The loop is vectorized only if it is inlined into that version: closures
//! passed to [`dispatch`], and everything they call, carry `#[inline(always)]`.

#[cfg(target_arch = "x86_64")]
pub(crate) mod level {
    use std::arch::is_x86_feature_detected as has;
    use std::sync::atomic::{AtomicU8, Ordering};

    pub(crate) const BASELINE: u8 = 1;
    pub(crate) const AVX2: u8 = 2;
    pub(crate) const AVX512: u8 = 3;

    static LEVEL: AtomicU8 = AtomicU8::new(0);

    /// The widest level that this processor supports, detected once.
    #[inline(always)]
    pub(crate) fn get() -> u8 {
        match LEVEL.load(Ordering::Relaxed) {
            0 => detect(),
            level => level,
        }
    }

    #[cold]
    fn detect() -> u8 {
        let avx2 = has!("avx2") && has!("fma");
        let avx512 = avx2 && has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw");
        let widest =
            [(avx512, AVX512), (avx2, AVX2)].into_iter().find(|(has, _)| *has).map_or(BASELINE, |(_, level)| level);
        let level = match std::env::var("UNSPOOL_SIMD").as_deref() {
            Err(_) | Ok("") => widest,
            Ok("avx512") if widest >= AVX512 => AVX512,
            Ok("avx2") if widest >= AVX2 => AVX2,
            Ok("baseline") => BASELINE,
            Ok(other) => panic!(
                "UNSPOOL_SIMD is {other:?}: it must be `avx512`, `avx2` or `baseline`, and this processor have it"
            ),
        };
        LEVEL.store(level, Ordering::Relaxed);
        level
    }
}

/// Runs `f` compiled for the widest vector instructions of this processor.
#[doc(hidden)]
#[inline(always)]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    // A branch and a direct call, so `f` is inlined into each version: through a function pointer it would be
    // compiled once, for the baseline.
    #[cfg(target_arch = "x86_64")]
    match level::get() {
        // SAFETY: the processor was found to have every feature that `avx512` enables.
        level::AVX512 => return unsafe { avx512(f) },
        // SAFETY: as above, for `avx2`.
        level::AVX2 => return unsafe { avx2(f) },
        _ => {}
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn avx512<R, F: FnOnce() -> R>(f: F) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<R, F: FnOnce() -> R>(f: F) -> R {
    f()
}
