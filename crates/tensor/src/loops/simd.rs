//! Run-time SIMD dispatch.
//!
//! A plain scalar loop is compiled three times: for AVX-512, for AVX2 with FMA, and for the
//! target's baseline (on x86 element by element, where a loop has a shorter form for that).
//! [`dispatch`] runs the widest version this processor supports, so users need no `target-cpu` flag;
//! the environment variable `UNSPOOL_SIMD` chooses another. The loop is vectorized only if it is
//! inlined into that version: closures passed to [`dispatch`], and everything they call, carry
//! `#[inline(always)]`.

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
            Ok(other) => fail!(
                "UNSPOOL_SIMD is {other:?}: it must be `avx512`, `avx2` or `baseline`, and this processor have it"
            ),
        };
        LEVEL.store(level, Ordering::Relaxed);
        level
    }
}

/// A loop that is to run as fast as this processor can.
pub(crate) trait Loop {
    type Result;
    /// The loop, written so that it vectorizes.
    fn vectorized(self) -> Self::Result;
    /// The same in few instructions: for processors that are not worth compiling the other for.
    fn plain(self) -> Self::Result;
}

impl<R, F: FnOnce() -> R> Loop for F {
    type Result = R;
    #[inline(always)]
    fn vectorized(self) -> R {
        self()
    }
    #[inline(always)]
    fn plain(self) -> R {
        self()
    }
}

/// Runs `f` compiled for the widest vector instructions of this processor.
#[doc(hidden)]
#[inline(always)]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    run(f)
}

/// Runs a loop compiled for the widest vector instructions of this processor.
#[inline(always)]
pub(crate) fn run<L: Loop>(body: L) -> L::Result {
    // A branch and a direct call, so the loop is inlined into each version: through a function pointer it would be
    // compiled once, for the baseline.
    #[cfg(target_arch = "x86_64")]
    match level::get() {
        // SAFETY: the processor was found to have every feature that `avx512` enables.
        level::AVX512 => return unsafe { avx512(body) },
        // SAFETY: as above, for `avx2`.
        level::AVX2 => return unsafe { avx2(body) },
        _ => {}
    }
    baseline(body)
}

// Never inlined: what an op is compiled into carries no loop along. And the code of such a function is taken from a crate
// below, if that has compiled it for the same types.

#[inline(never)]
fn baseline<L: Loop>(body: L) -> L::Result {
    // Nearly all x86 processors have AVX2; of the others, NEON is part of the baseline.
    if cfg!(target_arch = "x86_64") { body.plain() } else { body.vectorized() }
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn avx512<L: Loop>(body: L) -> L::Result {
    body.vectorized()
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<L: Loop>(body: L) -> L::Result {
    body.vectorized()
}
