//! Norms of gradients, and of updates relative to the weights.
//!
//! What must stay true: all are computed in f64 in a fixed order, so they have the same bits at any
//! number of threads, and squares neither overflow nor underflow.

use crate::messages::listed;
use crate::tuning::{NORM_LANES, PARALLEL_NORM};
use unspool_autograd::{Params, ParamsExt, Scalar, Tensor, dispatch};

/// The global gradient norm: the square root of the sum of the squares of all elements of the
/// gradients of all parameters.
///
/// Computed in f64 in a fixed order, so it has the same bits at any number of threads, and safe
/// from overflow and underflow of the squares.
///
/// ```
/// use unspool::optim::gradient_norm;
/// use unspool::{Dense, Tensor};
/// let gradients = Dense::<Tensor> { weight: Tensor::full(2.0, [2, 1]), bias: Tensor::ones([1]) };
/// assert_eq!(gradient_norm(&gradients), 3.0);
/// ```
pub fn gradient_norm<T: Scalar, M: Params<Tensor<T>>>(gradients: &M) -> f64 {
    norm_of(gradients, |_| true)
}

/// The norm of the gradient of each parameter, by name: which layer's gradients vanish or explode.
///
/// ```
/// use unspool::optim::gradient_norms;
/// use unspool::{Dense, Tensor};
/// let gradients = Dense::<Tensor> { weight: Tensor::full(2.0, [4, 1]), bias: Tensor::ones([1]) };
/// assert_eq!(gradient_norms(&gradients), [("weight".into(), 4.0), ("bias".into(), 1.0)]);
/// ```
pub fn gradient_norms<T: Scalar, M: Params<Tensor<T>>>(gradients: &M) -> Vec<(String, f64)> {
    let mut norms = Vec::new();
    gradients.visit_parameters(&mut |path, leaf| norms.push((path.to_string(), leaf_norm(leaf))));
    norms
}

/// The update-to-weight ratio of a step: the norm of the change of all parameters over their norm
/// `before` it. It includes all that the step did: clipping, momentum, weight decay.
///
/// NaN if all parameters were 0: such a step has no ratio.
///
/// ```
/// use unspool::optim::update_ratio;
/// use unspool::{Dense, Tensor};
/// let before = Dense::<Tensor> { weight: Tensor::full(2.0, [4, 1]), bias: Tensor::full(3.0, [1]) };
/// let after = Dense { weight: Tensor::full(2.5, [4, 1]), bias: Tensor::full(3.0, [1]) };
/// assert_eq!(update_ratio(&before, &after), 1.0 / 5.0);
/// ```
///
/// # Panics
/// If a parameter has another shape in `after` than in `before`.
#[track_caller]
pub fn update_ratio<T: Scalar, M: Params<Tensor<T>>>(before: &M, after: &M) -> f64 {
    let changes = changes(before, after);
    ratio(norm(|f| changes.iter().for_each(f)), gradient_norm(before))
}

/// The [update-to-weight ratio](update_ratio) of each parameter, by name. With a good learning rate
/// it is about 1e-3 for most weight matrices; much larger, training is unstable, much smaller, it
/// is slow.
///
/// NaN if all of a parameter was 0, as new biases are.
///
/// ```
/// use unspool::optim::update_ratios;
/// use unspool::{Dense, Optimizer, Sgd, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::full(2.0, [4, 1]), bias: Tensor::zeros([1]) };
/// let (before, gradients) = (model.clone(), Dense { weight: Tensor::ones([4, 1]), bias: Tensor::ones([1]) });
/// Sgd::default().learning_rate(0.25).step(&mut model, &gradients);
/// let ratios = update_ratios(&before, &model);
/// assert_eq!(ratios[0], ("weight".into(), 0.25 * 2.0 / 4.0)); // learning rate, norm of the gradient, norm of the weight
/// assert!(ratios[1].1.is_nan());
/// ```
///
/// # Panics
/// If a parameter has another shape in `after` than in `before`.
#[track_caller]
pub fn update_ratios<T: Scalar, M: Params<Tensor<T>>>(before: &M, after: &M) -> Vec<(String, f64)> {
    before.names().into_iter().zip(leaf_ratios(before, after)).collect()
}

/// The update-to-weight ratio of each parameter.
#[track_caller]
pub(crate) fn leaf_ratios<T: Scalar, M: Params<Tensor<T>>>(before: &M, after: &M) -> impl Iterator<Item = f64> {
    let ratios = changes(before, after).into_iter().zip(before.leaves());
    ratios.map(|(change, before)| ratio(leaf_norm(&change), leaf_norm(before)))
}

/// What a step has added to each parameter.
#[track_caller]
fn changes<T: Scalar, M: Params<Tensor<T>>>(before: &M, after: &M) -> Vec<Tensor<T>> {
    let (before, after) = (before.leaves(), after.leaves());
    let [was, is] = [&before, &after].map(|leaves| leaves.iter().map(|leaf| leaf.shape()).collect::<Vec<_>>());
    ensure!(
        was == is,
        "update_ratio: the parameters are {} before the step, {} after it",
        listed(was, ", "),
        listed(is, ", ")
    );
    after.into_iter().zip(before).map(|(after, before)| after - before).collect()
}

fn ratio(update: f64, weight: f64) -> f64 {
    if weight > 0.0 { update / weight } else { f64::NAN }
}

/// The norm of the gradients of the parameters that `counts`, by their index.
pub(crate) fn norm_of<T: Scalar, M: Params<Tensor<T>>>(gradients: &M, counts: impl Fn(usize) -> bool) -> f64 {
    norm(|f: &mut dyn FnMut(&Tensor<T>)| {
        let mut index = 0;
        gradients.visit_parameters(&mut |_, leaf| {
            if counts(index) {
                f(leaf);
            }
            index += 1;
        });
    })
}

/// The norm of one parameter, or of its gradient.
pub(crate) fn leaf_norm<T: Scalar>(leaf: &Tensor<T>) -> f64 {
    norm(|f: &mut dyn FnMut(&Tensor<T>)| f(leaf))
}

/// The norm of all tensors that `visit` passes on.
fn norm<T: Scalar>(visit: impl Fn(&mut dyn FnMut(&Tensor<T>))) -> f64 {
    let mut sum = 0.0;
    visit(&mut |leaf| sum += square_sum(leaf, |g| g));
    if sum.is_normal() || sum.is_nan() {
        return sum.sqrt();
    }
    // Squares of numbers above 1e154 overflow in f64, those below 1e-154 underflow: divide by the largest
    // element first.
    let (mut largest, mut sum) = (0f64, 0.0);
    visit(&mut |leaf| largest = largest.max(largest_size(leaf)));
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    visit(&mut |leaf| sum += square_sum(leaf, |g| g / largest));
    largest * sum.sqrt()
}

/// The sum of the squares of `f` of each element.
fn square_sum<T: Scalar>(leaf: &Tensor<T>, f: impl Fn(f64) -> f64 + Copy + Sync) -> f64 {
    sum_halves(leaf.contiguous().as_slice().expect("contiguous"), f)
}

/// The same of a slice. A large one is halved, on any number of threads.
fn sum_halves<T: Scalar>(elements: &[T], f: impl Fn(f64) -> f64 + Copy + Sync) -> f64 {
    if elements.len() < PARALLEL_NORM {
        return sum_lanes(elements, f);
    }
    let (left, right) = elements.split_at((elements.len() / 2).next_multiple_of(NORM_LANES));
    let (left, right) = (|| sum_halves(left, f), || sum_halves(right, f));
    let (left, right) = if rayon::current_num_threads() == 1 { (left(), right()) } else { rayon::join(left, right) };
    left + right
}

/// The same as partial sums, so that the loop becomes SIMD code.
fn sum_lanes<T: Scalar>(elements: &[T], f: impl Fn(f64) -> f64) -> f64 {
    dispatch(
        #[inline(always)]
        || {
            let (runs, rest) = elements.as_chunks::<NORM_LANES>();
            let mut sums = [0.0; NORM_LANES];
            let square = |g: &T| f(g.to_f64()).powi(2);
            for run in runs {
                sums.iter_mut().zip(run).for_each(|(sum, g)| *sum += square(g));
            }
            sums.iter_mut().zip(rest).for_each(|(sum, g)| *sum += square(g));
            sums.iter().sum()
        },
    )
}

/// The largest absolute value.
fn largest_size<T: Scalar>(leaf: &Tensor<T>) -> f64 {
    let leaf = leaf.contiguous();
    leaf.as_slice().expect("contiguous").iter().fold(0.0, |largest, g| largest.max(g.to_f64().abs()))
}
