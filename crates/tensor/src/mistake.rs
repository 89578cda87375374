//! Mistakes of the caller, such as shapes that do not fit: every message of the library is raised here.
//!
//! One place, so that what is known of where the program is, which this crate cannot know, goes into
//! each message: the layer, the time step. And so that a message can be held back: a function that
//! the user passed in is called from a line of the library, so whoever calls it reports its mistake.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::OnceLock;

/// Panics, at the caller's line, with a message about the caller's mistake.
#[doc(hidden)]
#[macro_export]
macro_rules! fail {
    ($($message:tt)+) => { $crate::mistake::raise(::core::format_args!($($message)+)) };
}

/// [`fail`]s unless the condition holds.
#[doc(hidden)]
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {{
        let holds: bool = $condition;
        if !holds {
            $crate::fail!($($message)+)
        }
    }};
}

/// A mistake that was made in a function of the user's.
#[derive(Debug)]
pub struct Mistake {
    sentence: String,
    /// Where it was made, from the inside to the outside: what the parentheses after the sentence list.
    places: Vec<String>,
}

/// What is known of where the program is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The layer and the time step: `in rnn.cell, time step 3`.
    pub name: Option<String>,
    /// The line of the program to which a line is due, if it is known.
    pub line: Option<&'static Location<'static>>,
}

type FindPlace = fn(&'static Location<'static>) -> Place;
static FIND_PLACE: OnceLock<FindPlace> = OnceLock::new();

thread_local! {
    static HELD_BACK: Cell<bool> = const { Cell::new(false) };
}

/// From now on, messages name the place that `find` knows.
pub fn set_find_place(find: FindPlace) {
    FIND_PLACE.get_or_init(|| find);
}

/// Whether this thread holds messages back.
pub fn are_held_back() -> bool {
    HELD_BACK.get()
}

/// Runs `f`, whose mistakes panic without a message if they are to be held back: the caller catches
/// them, or a caller of the caller.
pub fn hold_back<R>(held_back: bool, f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            HELD_BACK.set(self.0);
        }
    }
    // A panic that aborts cannot be caught.
    let _restore = Restore(HELD_BACK.replace(held_back && cfg!(panic = "unwind")));
    f()
}

/// The result of `f`, whose mistakes are held back, or what it panicked with.
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Caught> {
    catch_unwind(AssertUnwindSafe(|| hold_back(true, f))).map_err(|payload| match payload.downcast::<Mistake>() {
        Ok(mistake) => Caught::Mistake(mistake),
        Err(other) => Caught::Other(other),
    })
}

/// What a function panicked with.
#[derive(Debug)]
pub enum Caught {
    /// A mistake, whose message was held back.
    Mistake(Box<Mistake>),
    /// A panic of the program's own, whose message was printed.
    Other(Box<dyn Any + Send>),
}

impl Caught {
    /// Raises it again: a mistake at the caller's line, with a hint where it was made.
    #[cold]
    #[track_caller]
    pub fn raise(self, hint: Option<&dyn fmt::Display>) -> ! {
        match self {
            Caught::Mistake(mut mistake) => {
                mistake.places.extend(hint.map(ToString::to_string));
                mistake.raise()
            }
            // Without a message: one with the program's own line was printed.
            Caught::Other(payload) => resume_unwind(payload),
        }
    }
}

impl Mistake {
    #[track_caller]
    fn raise(self) -> ! {
        if HELD_BACK.get() {
            resume_unwind(Box::new(self));
        }
        panic!("{self}");
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.places.is_empty() {
            true => f.write_str(&self.sentence),
            false => write!(f, "{} ({})", self.sentence, self.places.join(", ")),
        }
    }
}

/// Panics with this sentence at the caller's line: see [`fail`](crate::fail).
#[cold]
#[inline(never)]
#[track_caller]
pub fn raise(sentence: fmt::Arguments<'_>) -> ! {
    let here = Location::caller();
    let place = FIND_PLACE.get().map(|find| find(here));
    let mut mistake = Mistake { sentence: sentence.to_string(), places: Vec::new() };
    if let Some(Place { name, line }) = place {
        mistake.places.extend(name);
        // Unless the panic itself points there.
        let line = line.filter(|&line| HELD_BACK.get() || line != here);
        mistake.places.extend(line.map(|line| format!("at {line}")));
    }
    mistake.raise()
}

/// The same with a sentence that says itself where the program is.
#[cold]
#[track_caller]
pub fn raise_placed(sentence: String) -> ! {
    Mistake { sentence, places: Vec::new() }.raise()
}
