//! A batch whose loss or gradients are not finite, run once more on tapes that keep all values.

use super::batch_loss::LOSS;
use crate::tuning::EXPLAINED_BYTES;
use std::cell::RefCell;
use std::panic::Location;
use unspool_autograd::mistake::{Caught, catch};
use unspool_autograd::{BadValue, Scalar, Tape, is_library};

/// What the shards of a thread that looks for bad values have found.
struct Search {
    /// The first bad value.
    found: Option<BadValue>,
    /// The bytes that the values of a tape may take.
    limit: usize,
}

thread_local! {
    static SEARCH: RefCell<Option<Search>> = const { RefCell::new(None) };
}

/// Runs `f`, in which all [`Shards`](super::Shards) look for bad values; also returns the first one.
pub(crate) fn finding<R>(f: impl FnOnce() -> R) -> (R, Option<BadValue>) {
    finding_within(usize::MAX, f)
}

/// The first bad value in `f`; none if its values take too much memory, or it panics: an error is not to become a
/// panic.
pub(crate) fn explain<R>(f: impl FnOnce() -> R) -> Option<BadValue> {
    catch(|| finding_within(EXPLAINED_BYTES, f).1).unwrap_or(None)
}

fn finding_within<R>(limit: usize, f: impl FnOnce() -> R) -> (R, Option<BadValue>) {
    /// Ends it, also after a panic.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            SEARCH.set(None);
        }
    }
    let _end = End;
    SEARCH.set(Some(Search { found: None, limit }));
    let result = f();
    (result, SEARCH.take().and_then(|search| search.found))
}

/// Runs `f` if the thread looks for bad values: with what makes a tape, and the place for the first one.
pub(super) fn if_finding<T: Scalar, R>(f: impl FnOnce(&dyn Fn() -> Tape<T>, &mut Option<BadValue>) -> R) -> Option<R> {
    // Off inside: while `f` waits for a product, the thread may work for another training.
    let mut search = SEARCH.take()?;
    let limit = search.limit;
    let result = f(&|| Tape::new().keep_all_within(limit), &mut search.found);
    SEARCH.set(Some(search));
    Some(result)
}

/// The first of `n` examples that is bad by itself. If all of several are, it is not an example's fault.
pub(super) fn bad_example(n: usize, mut is_bad: impl FnMut(usize) -> bool) -> Option<usize> {
    let (mut bad, mut good) = (None, n == 1);
    for i in 0..n {
        match is_bad(i) {
            true => bad = bad.or(Some(i)),
            false => good = true,
        }
        if good && bad.is_some() {
            break;
        }
    }
    bad.filter(|_| good)
}

/// The first of `n` examples that makes a mistake by itself, such as a class that is out of range.
pub(super) fn mistaken_example<R>(caught: &Caught, n: usize, mut f: impl FnMut(usize) -> R) -> Option<usize> {
    match caught {
        Caught::Mistake(_) => bad_example(n, |i| catch(|| f(i)).is_err()),
        Caught::Other(_) => None, // whose message would be printed again and again
    }
}

/// With the line that set the loss, if a loss of the library computed it.
pub(super) fn at_loss(mut bad: BadValue, line: &'static Location<'static>) -> BadValue {
    if bad.scope == LOSS && bad.location.is_some_and(is_library) {
        bad.location = Some(line);
    }
    bad
}
