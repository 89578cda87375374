//! What a panic says, and where it points to.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, OnceLock};

/// Message, file and line of the panic of `f`.
///
/// # Panics
/// If `f` does not.
pub fn panic_of(f: impl FnOnce()) -> (String, String, u32) {
    static SEEN: OnceLock<Mutex<Option<(String, String, u32)>>> = OnceLock::new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let seen = SEEN.get_or_init(Default::default);
    let default = take_hook();
    set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = payload.downcast_ref::<String>().cloned().or(text).unwrap_or_default();
        let at = info.location().expect("panics have a location");
        *SEEN.get_or_init(Default::default).lock().unwrap() = Some((message, at.file().to_owned(), at.line()));
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    set_hook(default);
    assert!(result.is_err(), "no panic");
    seen.lock().unwrap().take().expect("the hook has run")
}
