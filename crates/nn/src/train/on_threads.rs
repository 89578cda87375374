//! Calls of one function on all threads.

use rayon::prelude::*;
use std::sync::Mutex;
use unspool_autograd::at_callers_line::on_any_thread;

/// `f(0)` to `f(n - 1)`, in order, computed on all threads of the pool that this is called in.
pub(super) fn map_on_threads<R: Send>(n: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let results: Vec<Mutex<Option<R>>> = (0..n).map(|_| Mutex::new(None)).collect();
    let f = on_any_thread(f);
    for_each(n, &|i| *results[i].lock().expect("one thread takes it") = Some(f(i)));
    let result = |of: Mutex<Option<R>>| of.into_inner().ok().flatten().expect("all were computed");
    results.into_iter().map(result).collect()
}

/// The part of rayon, compiled here and not for each function in each program.
fn for_each(n: usize, f: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().for_each(f);
}
