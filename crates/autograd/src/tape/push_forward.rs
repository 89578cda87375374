//! Tangents pushed forward along a record, in many directions at once.
//!
//! The ops that a tape of [`Forward`] numbers recorded run once more, over numbers with several tangents, but for
//! those that state a shorter way ([`Op::push_forward`](super::op::Op::push_forward)).
//! Ops of constants are not recorded, and so do not: they are computed once, without tangents. Each op runs
//! for all directions before the next one does, so that what it reads is in cache (vector forward mode:
//! Griewank and Walther 2008, "Evaluating Derivatives", section 3.1).

use super::Var;
use super::pushed_inputs::PushedInputs;
use super::record::Record;
use crate::tuning::PUSHED_DIRECTIONS;
use std::cell::OnceCell;
use unspool_tensor::{DIRECTIONS, Forward, Scalar, Tangents, Tensor};

type Lifted<T> = Tangents<T, DIRECTIONS>;

/// How fast the elements of a value change as variables of its tape move: a matrix `[elements, directions]`.
/// `seeds` has such a matrix for each variable that moves.
pub(crate) fn push_forward<'t, T: Scalar>(
    y: Var<'t, Forward<T>>,
    seeds: &[(Var<'t, Forward<T>>, Tensor<T>)],
) -> Tensor<T> {
    let record = y.tape.record.borrow();
    let directions = seeds.first().map_or(0, |(_, seed)| seed.shape()[1]);
    let mut matrix = Tensor::zeros([record.values[y.id() as usize].numel(), directions]);
    for first in (0..directions).step_by(PUSHED_DIRECTIONS) {
        let some = first..directions.min(first + PUSHED_DIRECTIONS);
        let seeds: Vec<_> = seeds.iter().map(|(x, seed)| (x.id(), seed.slice(1, some.clone()))).collect();
        let groups = push(&record, y.id(), &seeds, some.len());
        write_tangents(&mut matrix, first, &groups);
    }
    matrix
}

/// The value with its tangents in so many directions, one tensor for each group of them; none if it does not move.
fn push<T: Scalar>(
    record: &Record<Forward<T>>,
    y: u32,
    seeds: &[(u32, Tensor<T>)],
    directions: usize,
) -> Vec<Tensor<Lifted<T>>> {
    let end = y as usize + 1;
    let mut reads = reads(record, end);
    // Of a value that moves, one tensor for each group of directions.
    let mut moving: Vec<Vec<Tensor<Lifted<T>>>> = vec![Vec::new(); end];
    let mut lifted: Vec<OnceCell<Tensor<Lifted<T>>>> = vec![OnceCell::new(); end];
    for (x, seed) in seeds.iter().filter(|&&(x, _)| x <= y) {
        moving[*x as usize] = with_seed(&record.values[*x as usize], seed);
    }
    for id in 0..end {
        let node = record.nodes[id];
        if node.is_leaf() || !node.needs_gradient() || reads[id] == 0 {
            continue;
        }
        let inputs = record.inputs_of(id as u32);
        let groups = directions.div_ceil(DIRECTIONS);
        let x = PushedInputs { ids: inputs, values: &record.values, moving: &moving, groups, lifted: &lifted };
        moving[id] = x.forward(record.ops.only(node.op()));
        for &input in inputs {
            reads[input as usize] -= 1;
            if reads[input as usize] == 0 {
                moving[input as usize] = Vec::new();
                lifted[input as usize].take();
            }
        }
    }
    moving.pop().expect("the value")
}

/// How often each value is read on the way to the last.
fn reads<T: Scalar>(record: &Record<T>, end: usize) -> Vec<u32> {
    let mut reads = vec![0; end];
    reads[end - 1] = 1;
    for id in (0..end).rev().filter(|&id| record.nodes[id].needs_gradient()) {
        if reads[id] > 0 {
            record.inputs_of(id as u32).iter().for_each(|&input| reads[input as usize] += 1);
        }
    }
    reads
}

/// A value with the columns of `seed` as tangents, as many at a time as its numbers have.
fn with_seed<T: Scalar>(value: &Tensor<Forward<T>>, seed: &Tensor<T>) -> Vec<Tensor<Lifted<T>>> {
    let (values, seed) = (value.contiguous(), seed.contiguous());
    let (values, columns) = (values.as_slice().expect("contiguous"), seed.shape()[1]);
    let seed = seed.as_slice().expect("contiguous");
    let group = |first: usize| {
        Tensor::from_fn(value.shape(), |i| {
            let tangent = |k: usize| if first + k < columns { seed[i * columns + first + k] } else { T::ZERO };
            Tangents { value: values[i].0, tangents: std::array::from_fn(tangent) }
        })
    };
    (0..columns).step_by(DIRECTIONS).map(group).collect()
}

/// Writes the tangents of all groups, side by side, to the columns from `first` on.
fn write_tangents<T: Scalar>(matrix: &mut Tensor<T>, first: usize, groups: &[Tensor<Lifted<T>>]) {
    let directions = matrix.shape()[1];
    let groups: Vec<_> = groups.iter().map(Tensor::contiguous).collect();
    let groups: Vec<_> = groups.iter().map(|group| group.as_slice().expect("contiguous")).collect();
    for (i, row) in matrix.as_mut_slice().chunks_exact_mut(directions).enumerate() {
        for (columns, group) in row[first..].chunks_mut(DIRECTIONS).zip(&groups) {
            columns.copy_from_slice(&group[i].tangents[..columns.len()]);
        }
    }
}

/// The same elements as numbers that tangents are pushed along.
pub(crate) fn forward<T: Scalar>(x: &Tensor<T>) -> Tensor<Forward<T>> {
    let x = x.contiguous();
    let numbers = x.as_slice().expect("contiguous");
    Tensor::from_fn(x.shape(), |i| Forward(numbers[i]))
}
