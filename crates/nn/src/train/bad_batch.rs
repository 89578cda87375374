//! A batch whose loss or gradients are not finite, run once more on tapes that keep all values.

use std::cell::RefCell;
use unspool_autograd::BadValue;

thread_local! {
    /// While the thread looks for bad values: the first that its shards have found.
    static FOUND: RefCell<Option<Option<BadValue>>> = const { RefCell::new(None) };
}

/// Runs `f`, in which all [`Shards`](super::Shards) look for bad values; also returns the first one.
pub(crate) fn finding<R>(f: impl FnOnce() -> R) -> (R, Option<BadValue>) {
    /// Ends it, also after a panic.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            FOUND.set(None);
        }
    }
    let _end = End;
    FOUND.set(Some(None));
    let result = f();
    (result, FOUND.take().flatten())
}

/// Runs `f` if the thread looks for bad values, with the place for the first one.
pub(super) fn if_finding<R>(f: impl FnOnce(&mut Option<BadValue>) -> R) -> Option<R> {
    // Off inside: while `f` waits for a product, the thread may work for another training.
    let mut found = FOUND.take()?;
    let result = f(&mut found);
    FOUND.set(Some(found));
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
