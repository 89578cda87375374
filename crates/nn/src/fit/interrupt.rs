//! Ending a training from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish that training end: [`fit`](crate::fit()) looks at it after each step, saves its [checkpoint](crate::Fit) if it has
/// one, and ends as if it were done, with [`End::Interrupted`](crate::End::Interrupted). Clones are the same wish; any
/// thread may utter it. It is not of one training: it stays until it is [cleared](Interrupt::clear), so that a program that trains one
/// model after the other comes to its end.
///
/// ```
/// use unspool_nn::{dense, fit, mse, sequential, Dataset, End, Interrupt};
/// use unspool_autograd::Tensor;
/// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(dense(3, 1));
/// let interrupt = Interrupt::new();
/// let elsewhere = interrupt.clone();
/// std::thread::spawn(move || elsewhere.set());
/// let history = fit(&mut model, &train).loss(mse).epochs(1_000_000).interrupt(&interrupt).quiet().run()?;
/// assert_eq!(history.end, End::Interrupted);
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

    /// A wish that ctrl-c utters: the first one ends training after its step, a second one ends the process at once, with
    /// status 130. It takes the place of what the process did at ctrl-c before.
    ///
    /// # Errors
    /// If it is called twice in one process, or the system refuses.
    #[cfg(feature = "ctrlc")]
    pub fn on_ctrl_c() -> std::io::Result<Self> {
        let interrupt = Interrupt::new();
        let wish = interrupt.clone();
        let handler = move || {
            if wish.is_set() {
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
