//! What a panic says, and where it points to.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Mutex;
use std::thread;

/// A message: its text, file and line.
type Message = (String, String, u32);

/// Message, file and line of the panic of `f`, which prints one message.
///
/// # Panics
/// If `f` does not, or prints several.
#[track_caller]
pub fn panic_of(f: impl FnOnce()) -> Message {
    let messages = messages_of(f);
    assert!(messages.len() == 1, "not one message: {messages:#?}");
    messages.into_iter().next().expect("counted above")
}

/// All messages that are printed until `f` has panicked, on its thread and on those of the pool.
///
/// # Panics
/// If `f` does not.
#[track_caller]
pub fn messages_of(f: impl FnOnce()) -> Vec<Message> {
    static SEEN: Mutex<Vec<Message>> = Mutex::new(Vec::new());
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let (default, caller) = (take_hook(), thread::current().id());
    set_hook(Box::new(move |info| {
        // Not another test's, whose thread has its name.
        let thread = thread::current();
        if thread.id() != caller && thread.name().is_some() {
            return;
        }
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = payload.downcast_ref::<String>().cloned().or(text).unwrap_or_default();
        let at = info.location().expect("panics have a location");
        SEEN.lock().unwrap().push((message, at.file().to_owned(), at.line()));
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    set_hook(default);
    assert!(result.is_err(), "no panic");
    std::mem::take(&mut SEEN.lock().unwrap())
}
