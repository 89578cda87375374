//! Tracing a function for some rows at a time.

use super::RowFunction;
use super::trace::Trace;
use super::traced::Traced;
use crate::tuning::{ROW_BLOCK_BYTES, ROW_BLOCKS};
use std::any::Any;
use std::cell::RefCell;
use unspool_tensor::Scalar;
use unspool_tensor::columns::{Columns, Run};

thread_local! {
    /// The traces that this thread used before, one for each type of number: their memory is used again.
    static TRACES: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

fn take_trace<T: Scalar>() -> Box<RefCell<Trace<T>>> {
    TRACES.with_borrow_mut(|traces| {
        let kept = traces.iter().position(|trace| trace.is::<RefCell<Trace<T>>>());
        kept.and_then(|i| traces.swap_remove(i).downcast().ok()).unwrap_or_else(|| Box::new(RefCell::new(Trace::new())))
    })
}

fn keep_trace<T: Scalar>(trace: Box<RefCell<Trace<T>>>) {
    // That of a function of a million operations would take more memory than a later call saves time.
    if trace.borrow().capacity() <= 16 * ROW_BLOCK_BYTES / size_of::<T>() {
        TRACES.with_borrow_mut(|traces| traces.push(trace));
    }
}

/// The rows of a block, by what a row took last; few if nothing was traced yet.
fn fitting_rows<T: Scalar>(trace: &Trace<T>) -> usize {
    let fitting = ROW_BLOCK_BYTES / size_of::<T>() / trace.numbers_per_row().max(1);
    if trace.is_new() { *ROW_BLOCKS.start() } else { fitting.clamp(*ROW_BLOCKS.start(), *ROW_BLOCKS.end()) }
}

/// Visits all rows, block by block: `visit(trace, run, start, rows)` with the rows of a block in their run, and returns
/// whether these took the same branches. Where they did not, it is called again with half of them, and so on down to a
/// single row, so each row takes its own.
pub(super) fn for_each_block<T: Scalar, const K: usize>(
    columns: &Columns<'_, T, K>,
    mut visit: impl FnMut(&RefCell<Trace<T>>, &Run<K>, usize, usize) -> bool,
) {
    let trace = take_trace::<T>();
    // What the last function took is what this one will take: most often it is the same.
    let (mut size, mut all_agree) = (fitting_rows(&trace.borrow()), true);
    columns.for_each_run(|run| {
        let mut start = 0;
        while start < run.len {
            let rows = size.min(run.len - start);
            if !visit(&trace, &run, start, rows) && rows > 1 {
                (size, all_agree) = (rows / 2, false);
                continue;
            }
            start += rows;
            let fits = fitting_rows(&trace.borrow());
            size = if all_agree { fits } else { fits.min(2 * size) };
        }
    });
    keep_trace(trace);
}

/// Traces `function` for some rows; `read` writes column `k` of them. `None` if they took different branches.
pub(super) fn trace_rows<T: Scalar, F: RowFunction<K, M>, const K: usize, const M: usize>(
    function: &F,
    trace: &RefCell<Trace<T>>,
    rows: usize,
    active: &[bool; K],
    read: impl Fn(usize, &mut [T]),
) -> Option<[Output<T>; M]> {
    trace.borrow_mut().begin(rows);
    for (k, &is_active) in active.iter().enumerate() {
        trace.borrow_mut().input(rows, is_active, |column| read(k, column));
    }
    let y = function.call(std::array::from_fn(|k| Traced::Rows(trace, k as u32)));
    if trace.borrow().disagreed() && rows > 1 {
        return None;
    }
    Some(y.map(|y| match y {
        Traced::Constant(y) => Output::Constant(y),
        Traced::Rows(_, node) => Output::Node(node),
    }))
}

/// An output of a function in a trace.
#[derive(Clone, Copy)]
pub(super) enum Output<T> {
    Constant(T),
    Node(u32),
}
