//! Run-time SIMD dispatch.
//!
//! A plain scalar loop is compiled three times: for AVX-512, for AVX2 with FMA, and for the target's
//! baseline. [`dispatch`] runs the widest copy this processor has, so users need no `target-cpu` flag.
//! The loop must be inlined into the copy to be vectorised: closures given to [`dispatch`] (and everything
//! they call) carry `#[inline(always)]`.

#[cfg(target_arch = "x86_64")]
use std::arch::is_x86_feature_detected;

/// Runs `f` compiled for the widest vector instructions of this processor.
#[inline(always)]
pub(crate) fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx512() {
            // SAFETY: the processor has just been found to have every feature that `avx512` enables.
            return unsafe { avx512(f) };
        }
        if has_avx2() {
            // SAFETY: as above, for `avx2`.
            return unsafe { avx2(f) };
        }
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && has_avx2()
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
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
