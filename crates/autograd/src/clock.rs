//! The clock of profiles, training times and benchmarks.
//!
//! WebAssembly in a browser (`wasm32-unknown-unknown`) has none without JavaScript, and that of the standard library
//! panics there. What is timed by the way takes no time there: training and [profiles](crate::Tape::profile) run, and
//! report times of 0.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use std::time::Instant;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use still::Instant;

/// Whether the clock runs. Where it does not, a loop that waits for some time to pass would never end.
pub const RUNS: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod still {
    use std::ops::Sub;
    use std::time::Duration;

    /// The one moment of a clock that stands still.
    #[derive(Clone, Copy, Debug)]
    pub struct Instant;

    impl Instant {
        pub fn now() -> Self {
            Instant
        }

        pub fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        pub fn duration_since(&self, earlier: Instant) -> Duration {
            *self - earlier
        }
    }

    impl Sub for Instant {
        type Output = Duration;

        fn sub(self, _: Instant) -> Duration {
            Duration::ZERO
        }
    }
}
