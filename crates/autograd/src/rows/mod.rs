//! Sums over rows of data, one part of them on a tape at a time.
//!
//! What must stay true: the bits of a sum depend on its function and the number of rows, not on threads.

mod parts;
mod rebind;

pub use rebind::Rebind;

use crate::at_callers_line::{at_callers_line, on_any_thread};
use crate::gradients::Gradients;
use crate::tape::{InputGrads, Inputs, Op, Saves, Tape, Var};
use parts::Part;
use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use unspool_tensor::{Scalar, Tensor};

/// # Sums over rows of data
impl<T: Scalar> Tape<T> {
    /// The sum of a function over rows of data, computed in parts that stay in the processor's cache and
    /// share the threads of the [rayon](https://docs.rs/rayon) pool: value and gradient in the memory of
    /// one part for each thread, however many rows there are.
    ///
    /// `sum` is called once for each part, with a tape of the part's own, with `inputs` on this tape, and
    /// with the part's rows; it returns the sum over these rows, of one element. `inputs` are a model bound
    /// to this tape, or an array of its variables: whatever the function needs that a gradient is taken
    /// through. What does not depend on the rows is computed before, once. A mean divides the result.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let n = 10_000;
    /// let x = Tensor::from_fn([n, 3], |i| (i as f64).sin());
    /// let y = Tensor::from_fn([n], |i| (i as f64).cos());
    ///
    /// let tape = Tape::new();
    /// let weight = tape.variable(&Tensor::from_vec(vec![0.5, -1.0, 2.0], [3, 1]));
    /// let squares = tape.sum_over_rows(n, [weight], |tape, [weight], rows| {
    ///     let predicted = tape.constant(&x.slice(0, rows.clone())).matmul(weight).squeeze(1);
    ///     (predicted - tape.constant(&y.slice(0, rows))).square().sum()
    /// });
    /// let loss = squares / n as f64 + 0.1 * weight.square().sum();
    /// let gradient = loss.backward().wrt(weight);
    /// # let on_one_tape = tape.variable(&weight.value());
    /// # let residuals = tape.constant(&x).matmul(on_one_tape).squeeze(1) - tape.constant(&y);
    /// # let loss = residuals.square().mean() + 0.1 * on_one_tape.square().sum();
    /// # let expected = loss.backward().wrt(on_one_tape);
    /// # assert!(gradient.to_vec().iter().zip(expected.to_vec()).all(|(a, b)| (a - b).abs() < 1e-12));
    /// ```
    ///
    /// The gradient is computed with the value, so it has no cost of its own in [`backward`](Var::backward).
    /// How the rows are cut depends on the memory that `sum` takes for some of them, and parts are added in
    /// order: the result has the same bits at any number of threads. `sum` must not hold a lock while it
    /// computes: a thread that waits for another's share of a large product may start another part.
    ///
    /// Of the derivatives on a tape the sum has the first, backward. Second and forward derivatives are those of
    /// [`jvp`](crate::jvp), [`hvp`](crate::hvp) and [`hessian`](crate::hessian), over whose numbers the parts are
    /// computed; a gradient of [`gradient_wrt`](Var::gradient_wrt) cannot be differentiated, nor the sum by
    /// [`jacfwd`](crate::jacfwd).
    ///
    /// # Panics
    /// If there are no rows, `sum` returns a value of several elements, or where `sum` does.
    #[track_caller]
    pub fn sum_over_rows<'t, I: Rebind<'t, T>>(
        &'t self,
        rows: usize,
        inputs: I,
        sum: impl for<'p> Fn(&'p Tape<T>, I::On<'p>, Range<usize>) -> Var<'p, T> + Sync,
    ) -> Var<'t, T> {
        ensure!(rows > 0, "sum_over_rows: there are no rows: at least one is needed");
        let (held, mut vars) = inputs.hold();
        // Parts run on other threads, where a mistake has no caller's line.
        let input_bytes = vars.iter().map(|var| var.shape().numel() * size_of::<T>()).sum();
        let all: Part<T> = at_callers_line(|| self.sum_of_parts::<I>(rows, (&held, input_bytes), &sum));
        vars.retain(|var| var.requires_grad());
        self.apply(SumOverRows { all: Arc::new(all) }, &vars)
    }

    fn sum_of_parts<'t, I: Rebind<'t, T>>(
        &'t self,
        rows: usize,
        (held, input_bytes): (&I::Held, usize),
        sum: &(impl for<'p> Fn(&'p Tape<T>, I::On<'p>, Range<usize>) -> Var<'p, T> + Sync),
    ) -> Part<T> {
        let (finds_bad_values, least) = (self.record.borrow().finds_bad_values(), self.record.borrow().least_gradient);
        let new_tape = || if finds_bad_values { Tape::new().find_bad_values() } else { Tape::new() };
        let tapes = Mutex::new(std::mem::take(&mut self.record.borrow_mut().part_tapes));
        let compute = on_any_thread(|rows| {
            let lock = || tapes.lock().expect("nothing panics while it is locked");
            let mut tape = lock().pop().unwrap_or_else(new_tape);
            tape.record.get_mut().least_gradient = least;
            let part = part::<T, I>(&tape, held, rows, sum);
            tape.reset();
            lock().push(tape);
            part
        });
        let sum = parts::sum(rows, input_bytes, compute);
        self.record.borrow_mut().part_tapes = tapes.into_inner().expect("nothing panics while it is locked");
        sum
    }
}

/// The sum over some rows, on a tape of its own.
fn part<'t, T: Scalar, I: Rebind<'t, T>>(
    tape: &Tape<T>,
    held: &I::Held,
    rows: Range<usize>,
    sum: &impl for<'p> Fn(&'p Tape<T>, I::On<'p>, Range<usize>) -> Var<'p, T>,
) -> Part<T> {
    let mut variables = Vec::new();
    let inputs = I::bind(held, &mut |path, input| {
        let var = input.bind(path, tape);
        if input.needs_gradient {
            variables.push(var);
        }
        var
    });
    let since = tape.len();
    let value = sum(tape, inputs, rows);
    let shape = value.shape();
    ensure!(shape.numel() == 1, "sum_over_rows: a sum has one element, this value has shape {shape}");
    let (bytes, len) = (tape.record.borrow().bytes_of_elements(since), tape.len() - since);
    let gradients = if variables.is_empty() {
        Vec::new()
    } else {
        let gradients = Gradients::backward(value, Tensor::ones(shape));
        variables.iter().map(|&var| gradients.wrt(var)).collect()
    };
    Part { value: value.value().reshape([]), gradients, bytes, len }
}

/// A sum whose gradients were computed with it.
#[derive(Clone)]
struct SumOverRows {
    /// A [`Part`], of the numbers of its tape.
    all: Arc<dyn Any + Send + Sync>,
}

impl SumOverRows {
    #[track_caller]
    fn all<T: Scalar>(&self) -> &Part<T> {
        let Some(all) = self.all.downcast_ref() else {
            fail!(
                "sum_over_rows: a sum over rows keeps its gradient, but no derivatives of that, and none forward; \
                 `jvp`, `hvp` and `hessian` compute them"
            )
        };
        all
    }
}

impl Op for SumOverRows {
    fn name(&self) -> &'static str {
        "sum_over_rows"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, _: Inputs<'_, T>) -> Tensor<T> {
        self.all::<T>().value.clone()
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _: Inputs<'_, T>, _: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        for (i, gradient) in self.all::<T>().gradients.iter().enumerate() {
            into.add_with(i, || gradient * &grad);
        }
    }
}
