//! Initial weights, as in Keras.
//!
//! Values are drawn in f64 and rounded, so an f32 and an f64 model with one seed start from the
//! same weights.

mod orthogonal;

use crate::random::Rng;
use orthogonal::orthonormal_rows;
use rand::RngExt;
use std::cell::Cell;
use unspool_autograd::{Scalar, Shape, Tensor};

thread_local! {
    /// Whether initialization is skipped on this thread.
    static SKIPS: Cell<bool> = const { Cell::new(false) };
}

/// Makes a model whose weights will be loaded. While `make` runs, the functions of this module draw
/// nothing from the generator and return zeros that take no memory, whatever their shape (PyTorch's
/// `torch.nn.utils.skip_init`).
///
/// ```
/// use unspool::io::{load, save};
/// use unspool::{Lstm, Tensor, init, rng};
/// # let path = std::env::temp_dir().join(format!("skip-{}.safetensors", std::process::id()));
/// # save(&path, &Lstm::<Tensor>::new(&mut rng(1), 3, 5))?;
/// let mut model: Lstm<Tensor> = init::skip(|| Lstm::new(&mut rng(0), 3, 5));
/// load(&path, &mut model)?; // compares shapes before it takes memory
/// let large: Lstm<Tensor> = init::skip(|| Lstm::new(&mut rng(0), 100_000, 100_000));
/// assert!(load(&path, &mut { large }).is_err());
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
pub fn skip<M>(make: impl FnOnce() -> M) -> M {
    /// Restores the flag when dropped, even if `make` panics.
    struct Skipping(bool);
    impl Drop for Skipping {
        fn drop(&mut self) {
            SKIPS.set(self.0);
        }
    }
    let _skipping = Skipping(SKIPS.replace(true));
    make()
}

/// If initialization is skipped, zeros of this shape: one element, expanded.
fn skipped<T: Scalar>(shape: impl Into<Shape>) -> Option<Tensor<T>> {
    SKIPS.get().then(|| Tensor::scalar(T::ZERO).expand(shape))
}

/// A matrix `[inputs, outputs]`, uniform between `-l` and `l` with
/// `l = sqrt(6 / (inputs + outputs))`.
///
/// Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
/// networks", equation 16.
///
/// ```
/// use unspool::{Tensor, init, rng};
/// let w: Tensor = init::glorot_uniform(&mut rng(0), 30, 20);
/// let limit = (6.0f32 / 50.0).sqrt();
/// assert!(w.to_vec().iter().all(|w| w.abs() <= limit));
/// ```
#[inline(never)]
pub fn glorot_uniform<T: Scalar>(rng: &mut Rng, inputs: usize, outputs: usize) -> Tensor<T> {
    let limit = (6.0 / (inputs + outputs) as f64).sqrt();
    let draw = || Tensor::from_fn([inputs, outputs], |_| T::from_f64(limit * (2.0 * rng.random::<f64>() - 1.0)));
    skipped([inputs, outputs]).unwrap_or_else(draw)
}

/// A tensor with elements uniform between `low` and `high`: [`Tensor::uniform`], which
/// [`skip`] skips.
///
/// ```
/// use unspool::{Tensor, init, rng};
/// let w: Tensor = init::uniform(&mut rng(0), [30, 20], -0.1, 0.1); // in a layer of your own
/// let unset: Tensor = init::skip(|| init::uniform(&mut rng(0), [30, 20], -0.1, 0.1)); // about to be loaded
/// assert!(w.at([0, 0]) != 0.0 && unset.at([0, 0]) == 0.0);
/// ```
///
/// # Panics
/// If `low` is greater than `high`, or either of them is not finite.
#[track_caller]
pub fn uniform<T: Scalar>(rng: &mut Rng, shape: impl Into<Shape>, low: f64, high: f64) -> Tensor<T> {
    let shape = shape.into();
    match skipped(shape) {
        Some(zeros) => zeros,
        None => Tensor::uniform(rng, shape, low, high),
    }
}

/// A random matrix `[rows, columns]` with orthonormal rows, or orthonormal columns if there are
/// fewer of these: every singular value is 1, so repeated products with a square one neither grow
/// nor shrink a state. PyTorch's `orthogonal_`, Keras's `Orthogonal`.
///
/// Saxe, McClelland and Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in
/// deep linear neural networks".
///
/// ```
/// use unspool::{Tensor, init, rng};
/// let q: Tensor<f64> = init::orthogonal(&mut rng(0), 20, 30);
/// let identity = q.matmul(&q.t());
/// assert!((identity.at([3, 3]) - 1.0).abs() < 1e-12 && identity.at([3, 4]).abs() < 1e-12);
/// ```
#[inline(never)]
pub fn orthogonal<T: Scalar>(rng: &mut Rng, rows: usize, columns: usize) -> Tensor<T> {
    if let Some(zeros) = skipped([rows, columns]) {
        return zeros;
    }
    if columns < rows {
        return orthogonal(rng, columns, rows).t().contiguous();
    }
    let q = orthonormal_rows(rng, rows, columns);
    let q = q.as_slice().expect("contiguous");
    Tensor::from_fn([rows, columns], |i| T::from_f64(q[i]))
}

/// `count` blocks, each drawn separately and concatenated along the last axis: the weights of
/// several gates in one.
///
/// ```
/// use unspool::Tensor;
/// use unspool::layers::init::{blocks, orthogonal};
/// let u: Tensor = blocks(&mut unspool::rng(0), 3, |rng| orthogonal(rng, 5, 5));
/// assert_eq!(u.shape()[..], [5, 15]);
/// ```
pub fn blocks<T: Scalar>(rng: &mut Rng, count: usize, mut draw: impl FnMut(&mut Rng) -> Tensor<T>) -> Tensor<T> {
    if SKIPS.get() {
        let block = draw(rng);
        let mut shape = block.shape().to_vec();
        shape[block.rank() - 1] *= count;
        return Tensor::scalar(T::ZERO).expand(&shape[..]);
    }
    let blocks: Vec<Tensor<T>> = (0..count).map(|_| draw(rng)).collect();
    Tensor::concat(blocks[0].rank() - 1, &blocks)
}
