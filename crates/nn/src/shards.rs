//! A batch computed in parts, one tape each.

use crate::dataset::Dataset;
use crate::layer::Model;
use crate::loss::Loss;
use crate::mode::Mode;
use rayon::prelude::*;
use unspool_autograd::{Params, Scalar, Tape, Tensor, Weights};

/// A part of a batch has at least this many examples (unless the batch has fewer): products with fewer rows
/// cost almost as much.
const MIN_ROWS: usize = 16;
/// A batch is cut into at most this many parts.
const MAX_SHARDS: usize = 16;

/// The tapes of the parts, kept from step to step.
pub(crate) struct Shards<T: Scalar> {
    tapes: Vec<Tape<T>>,
}

impl<T: Scalar> Shards<T> {
    pub(crate) fn new() -> Self {
        Shards { tapes: Vec::new() }
    }

    /// The loss on the examples at `positions`, and its gradients.
    ///
    /// How the batch is cut depends on its size alone, and the parts are added in order, so the result is the
    /// same to the bit however many threads there are.
    pub(crate) fn gradients<M>(
        &mut self,
        model: &M,
        data: &Dataset<T>,
        positions: &[usize],
        loss: &impl Loss<T>,
        mode: Mode,
    ) -> (f64, M)
    where
        M: for<'t> Model<'t, T> + Send + Sync,
    {
        let count = (positions.len() / MIN_ROWS).clamp(1, MAX_SHARDS);
        let rows = positions.len().div_ceil(count);
        let parts = positions.chunks(rows);
        while self.tapes.len() < parts.len() {
            self.tapes.push(Tape::new());
        }
        let work: Vec<_> = self.tapes.iter_mut().zip(parts).collect();
        let parts: Vec<(f64, M)> = work
            .into_par_iter()
            .enumerate()
            .map(|(i, (tape, part))| {
                let share = part.len() as f64 / positions.len() as f64;
                gradients(tape, model, &data.select(part), share, loss, mode.part(i))
            })
            .collect();
        parts.into_iter().reduce(add).expect("a batch has at least one part")
    }
}

/// The loss on one part, times its share of the batch, and the gradients of that.
fn gradients<T, M>(
    tape: &mut Tape<T>,
    model: &M,
    part: &Dataset<T>,
    share: f64,
    loss: &impl Loss<T>,
    mode: Mode,
) -> (f64, M)
where
    T: Scalar,
    M: for<'t> Model<'t, T>,
{
    let result = {
        let net = tape.bind(model);
        let output = M::output(&net, tape.constant(part.x()), mode);
        let loss = loss(output, tape.constant(part.y())) * share;
        (loss.item().to_f64(), loss.backward().of(&net))
    };
    tape.reset();
    result
}

fn add<T: Scalar, M: Params<Tensor<T>>>((loss_a, mut a): (f64, M), (loss_b, b): (f64, M)) -> (f64, M) {
    for (a, b) in a.leaves_mut().into_iter().zip(b.leaves()) {
        let (a, b): (&mut Tensor<T>, &Tensor<T>) = (a, b);
        a.update(
            b,
            #[inline(always)]
            |a, b| a + b,
        );
    }
    (loss_a + loss_b, a)
}
