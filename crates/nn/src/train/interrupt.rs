//! Stopping training from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "ctrlc")]
use std::time::{Duration, Instant};

/// A request to stop training. [`fit`](crate::train::fit()) checks it after each step, saves its
/// [checkpoint](crate::train::Fit) if it has one, and ends normally, with
/// [`StopReason::Interrupted`](crate::train::StopReason::Interrupted). Clones share one flag, which
/// any thread may set. The flag belongs to no particular training: it stays set until it is
/// [cleared](Interrupt::clear), so that a program that trains several models in turn ends as well.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::{Interrupt, StopReason};
/// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(dense(3, 1));
/// let interrupt = Interrupt::new();
/// let elsewhere = interrupt.clone();
/// std::thread::spawn(move || elsewhere.set());
/// let history = fit(&mut model, &train).loss(mse).epochs(1_000_000).interrupt(&interrupt).quiet().run()?;
/// assert_eq!(history.stop_reason, StopReason::Interrupted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag that is not set.
    pub fn new() -> Self {
        Interrupt::default()
    }

    /// Requests that training stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Clears the flag. Until then every later training ends after its first step, too.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A flag that ctrl-c sets, as do the signals with which systems and schedulers end a process,
    /// SIGTERM and SIGHUP. The first signal ends training after the current step; another one, half
    /// a second later or more, ends the process at once with status 130. (Signals may arrive twice:
    /// a closing terminal sends SIGHUP, and so does its shell.)
    ///
    /// This replaces the process's handlers of these signals. `nohup` therefore no longer keeps a
    /// training alive when its terminal closes; `setsid` and `tmux` do. Needs the feature `ctrlc`.
    ///
    /// # Errors
    /// If it is called twice in one process, or the system refuses the handler.
    #[cfg(feature = "ctrlc")]
    pub fn on_ctrl_c() -> std::io::Result<Self> {
        let interrupt = Interrupt::new();
        let flag = interrupt.clone();
        let mut first = None;
        let handler = move || {
            if !flag.is_set() {
                first = None; // earlier signals ended an earlier training
            }
            let received = *first.get_or_insert_with(Instant::now);
            if received.elapsed() >= Duration::from_millis(500) {
                std::process::exit(130);
            }
            flag.set();
        };
        match ctrlc::set_handler(handler) {
            Ok(()) => Ok(interrupt),
            Err(ctrlc::Error::System(error)) => Err(error),
            Err(error) => Err(std::io::Error::other(error)),
        }
    }
}
