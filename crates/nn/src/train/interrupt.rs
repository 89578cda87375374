//! Ending a training from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "ctrlc")]
use std::time::{Duration, Instant};

/// A wish that training end: [`fit`](crate::train::fit()) looks at it after each step, saves its [checkpoint](crate::train::Fit) if it
/// has one, and ends as if it were done, with [`StopReason::Interrupted`](crate::train::StopReason::Interrupted). Clones are the same wish; any
/// thread may utter it. It is not of one training: it stays until it is [cleared](Interrupt::clear), so that a program that
/// trains one model after the other comes to its end.
///
/// ```
/// use unspool_nn::data::Dataset;
/// use unspool_nn::layers::{dense, sequential};
/// use unspool_nn::losses::mse;
/// use unspool_nn::train::{StopReason, Interrupt, fit};
/// use unspool_autograd::Tensor;
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
    /// No such wish yet.
    pub fn new() -> Self {
        Interrupt::default()
    }

    /// Training shall end.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Takes the wish back. Without that it stays, whatever training it has ended: the next one ends after its first step, too.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether training shall end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A wish that ctrl-c utters, and so do the signals by which systems and schedulers end a process, SIGTERM and SIGHUP: the
    /// first ends training after its step, another one half a second later or more ends the process at once, with status
    /// 130. (They may come twice: a terminal that is closed sends SIGHUP, and so does its shell.) It takes the place of what
    /// the process did at these signals before: of a training that shall outlive its terminal, `nohup` no longer keeps
    /// SIGHUP away, and `setsid` or `tmux` do.
    ///
    /// # Errors
    /// If it is called twice in one process, or the system refuses.
    #[cfg(feature = "ctrlc")]
    pub fn on_ctrl_c() -> std::io::Result<Self> {
        let interrupt = Interrupt::new();
        let wish = interrupt.clone();
        let mut first = None;
        let handler = move || {
            if !wish.is_set() {
                first = None; // those before were of another training
            }
            let uttered = *first.get_or_insert_with(Instant::now);
            if uttered.elapsed() >= Duration::from_millis(500) {
                std::process::exit(130);
            }
            wish.set();
        };
        match ctrlc::set_handler(handler) {
            Ok(()) => Ok(interrupt),
            Err(ctrlc::Error::System(error)) => Err(error),
            Err(error) => Err(std::io::Error::other(error)),
        }
    }
}
