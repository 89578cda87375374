//! What tensors, shapes, indices and ranges refuse, word for word, and the line it points to.

#![allow(clippy::reversed_empty_ranges)] // mistakes, and steps that run backwards

use super::{HUGE, SEVEN};
use unspool::Indices;
use unspool::prelude::*;
use unspool::tensor::{Dual, Shape, SliceRange};
use unspool_tests::{sentences, zeros};

fn large(shape: &str) -> String {
    format!("a tensor of shape {shape} is larger than the address space")
}

#[test]
fn what_cannot_be_made() {
    let huge = format!("[{HUGE}]");
    let six = Indices::from_vec(vec![0], [1; 6]);
    let misfit = |part: &str, at: usize| format!("from_parts: {part} does not fit into axis 1 of [2, 3] at {at}");
    let overlap = "from_parts: the part at 1 begins before 2, where the last one ends";
    let crowded = "one_hot: labels [1, 1, 1, 1, 1, 1] have 6 axes, there is no room for the classes";
    let random = &mut rng(0);
    sentences! {
        Tensor::<f32>::zeros([HUGE]) => large(&huge);
        Tensor::<f32>::ones([HUGE, HUGE]) => large(&format!("[{HUGE}, {HUGE}]"));
        Tensor::full(1.0, [0, HUGE]) => large(&format!("[0, {HUGE}]"));
        Tensor::from_fn([HUGE], |i| i as f64) => large(&huge);
        Tensor::<f32>::zeros(SEVEN) => "a tensor has at most 6 axes, not 7";
        Tensor::from_slice(&[1.0, 2.0, 3.0], [2, 2]) => "from_slice: 3 values do not fill shape [2, 2], which has 4";
        Tensor::from_vec(vec![1.0, 2.0, 3.0], [2]) => "from_vec: 3 values do not fill shape [2], which has 2";
        Tensor::<f32>::from_vec(vec![], [0, HUGE]) => large(&format!("[0, {HUGE}]"));
        Tensor::<f32>::one_hot([0, 3], 3) => "one_hot: class 3 is not one of 3";
        Tensor::<f32>::one_hot([0], 0) => "one_hot: class 0 is not one of 0";
        Tensor::<f32>::one_hot([0, 1], HUGE) => large(&format!("[2, {HUGE}]"));
        Tensor::<f32>::one_hot(six, 2) => crowded;
        Tensor::<f32>::stack(0, &[]) => "stack: no tensors given";
        Tensor::stack(2, &[zeros([2])]) => "stack: a new axis 2 does not fit into shape [2]";
        Tensor::stack(0, &[zeros([2]), zeros([3])]) => "stack: shapes [2] and [3] differ";
        Tensor::stack(0, &[zeros([1; 6])]) => "stack: shape [1, 1, 1, 1, 1, 1] has 6 axes, the most there can be";
        Tensor::<f32>::concat(0, &[]) => "concat: no tensors given";
        Tensor::concat(1, &[zeros([2])]) => "concat: shape [2] has no axis 1";
        Tensor::concat(0, &[zeros([2, 3]), zeros([2, 4])]) => "concat: shapes [2, 3] and [2, 4] differ outside axis 0";
        Tensor::<f32>::from_parts([2], 1, []) => "from_parts: shape [2] has no axis 1";
        Tensor::from_parts([9], 0, [(0, &zeros([2])), (1, &zeros([1]))]) => overlap;
        Tensor::from_parts([2, 3], 1, [(2, &zeros([2, 2]))]) => misfit("[2, 2]", 2);
        Tensor::from_parts([2, 3], 1, [(7, &zeros([2, 1]))]) => misfit("[2, 1]", 7);
        Tensor::from_parts([2, 3], 1, [(0, &zeros([1, 1]))]) => misfit("[1, 1]", 0);
        Tensor::from_parts([2, 3], 1, [(0, &zeros([2]))]) => misfit("[2]", 0);
        Tensor::<f32>::uniform(random, [2], 1.0, 0.5) => "uniform: nothing lies between 1 and 0.5";
        Tensor::<f32>::uniform(random, [2], 0.0, f64::NAN) => "uniform: the range from 0 to NaN is not finite";
        init::uniform::<f32>(random, [2], f64::NEG_INFINITY, 0.0) => "uniform: the range from -inf to 0 is not finite";
        Tensor::<f32>::uniform(random, [HUGE], 0.0, 1.0) => large(&huge);
        Tensor::<f32>::normal(random, [2], f64::INFINITY, 1.0) => "normal: the mean inf is not finite";
        Tensor::<f32>::normal(random, [2], 0.0, -1.0) => "normal: a standard deviation of -1 is not possible";
        Tensor::<f32>::normal(random, [2], 0.0, f64::NAN) => "normal: a standard deviation of NaN is not possible";
        Tensor::<Dual<f32>>::zeros([HUGE]) => large(&huge);
        zeros([2]).with_tangents(&zeros([3])) => "with_tangents: values [2] and tangents [3] differ in shape";
    }
}

#[test]
fn views() {
    let x = zeros([2, 3]);
    sentences! {
        x.item() => "item: shape [2, 3] has 6 elements, not 1";
        zeros([0]).item() => "item: shape [0] has 0 elements, not 1";
        x.at([2, 0]) => "at: index [2, 0] is outside shape [2, 3]";
        x.at([0]) => "at: index [0] is outside shape [2, 3]";
        x.reshape([5]) => "reshape: [2, 3] has 6 elements, [5] has 5";
        x.reshape(SEVEN) => "a tensor has at most 6 axes, not 7";
        zeros([0]).reshape([HUGE, 0]) => large(&format!("[{HUGE}, 0]"));
        x.permute(&[0]) => "permute: [0] is not an order of the axes of shape [2, 3]";
        x.permute(&[0, 2]) => "permute: [0, 2] is not an order of the axes of shape [2, 3]";
        x.permute(&[1, 1]) => "permute: [1, 1] is not an order of the axes of shape [2, 3]";
        zeros([3]).t() => "t: shape [3] has no two axes to swap";
        x.transpose(0, 2) => "transpose: shape [2, 3] has no axis 2";
        x.transpose(2, 0) => "transpose: shape [2, 3] has no axis 2";
        x.slice(2, ..) => "slice: shape [2, 3] has no axis 2";
        x.slice(1, 1..4) => "slice: 1..4 reaches beyond axis 1 of shape [2, 3]";
        x.slice_step(1, .., 0) => "slice: the step is 0";
        x.slice_step(1, ..2, -1).slice(1, 1..2) => "slice: 1..2 reaches beyond axis 1 of shape [2, 0]";
        x.select(2, 0) => "select: shape [2, 3] has no axis 2";
        x.select(1, 3) => "select: index 3 is beyond axis 1 of shape [2, 3]";
        x.unsqueeze(3) => "unsqueeze: axis 3 does not fit into shape [2, 3]";
        zeros([1; 6]).unsqueeze(6) => "unsqueeze: shape [1, 1, 1, 1, 1, 1] has 6 axes, the most there can be";
        x.expand([3, 3]) => "expand: [2, 3] does not broadcast to [3, 3]";
        x.expand([3]) => "expand: [2, 3] does not broadcast to [3]";
        zeros([]).expand([HUGE]) => large(&format!("[{HUGE}]"));
        zeros([0]).expand([HUGE, 0]) => large(&format!("[{HUGE}, 0]"));
        zeros([]).as_matrix() => "as_matrix: a tensor of rank 0 has no rows";
        x.flip(2) => "flip: shape [2, 3] has no axis 2";
    }
}

#[test]
fn arithmetic() {
    let (x, y) = (zeros([2, 3]), zeros([2, 4]));
    let each = "matmul: shapes [2, 4] and [5, 3, 2] do not multiply; they must be [.., M, K] and [.., K, N]";
    let (many, wide, long) = (zeros([5, 3, 2]), zeros([1]).expand([1 << 30]), zeros([1, 1]).expand([1 << 30, 1]));
    sentences! {
        x.zip(&y, |x, _| x) => "zip: shapes [2, 3] and [2, 4] do not broadcast";
        x.clone().into_zip(&y, |x, _| x) => "into_zip: shapes [2, 3] and [2, 4] do not broadcast";
        x.zip3(&x, &y, |x, _, _| x) => "zip3: shapes [2, 3] and [2, 4] do not broadcast";
        zeros([1]).zip3(&x, &x, |x, _, _| x) => "zip3: shapes [1] and [2, 3] do not broadcast";
        x.clone().update(&y, |x, _| x) => "update: [2, 4] does not broadcast to [2, 3]";
        zeros([3]).update(&x, |x, _| x) => "update: [2, 3] does not broadcast to [3]";
        zeros([3]).zip_mut_with(&mut [x.clone()], &zeros([3]), |x, o, _| (x, o)) => "zip_mut_with: [2, 3] is not of shape [3]";
        zeros([3]).zip_mut_with(&mut [], &x, |x, o, _| (x, o)) => "zip_mut_with: [2, 3] is not of shape [3]";
        wide.zip(&long, |x, _| x) => large("[1073741824, 1073741824]");
        x.matmul(&y) => "matmul: shapes [2, 3] and [2, 4] do not multiply; they must be [.., K] and [K, N]";
        y.matmul(&many) => each;
        zeros([1 << 40, 0]).matmul(&zeros([0, 1 << 40])) => large("[1099511627776, 1099511627776]");
        zeros([3, 5]).add_matmul_tn(&x, &y) => "add_matmul_tn: [2, 3]ᵀ x [2, 4] does not fit into [3, 5]";
        zeros([3, 4]).add_matmul_tn(&x, &zeros([3, 4])) => "add_matmul_tn: [2, 3]ᵀ x [3, 4] does not fit into [3, 4]";
        zeros([1, 1]).add_matmul_tn(&zeros([]), &zeros([1])) => "add_matmul_tn: []ᵀ x [1] does not fit into [1, 1]";
    }
}

#[test]
fn reductions() {
    let (x, empty) = (zeros([2, 3]), zeros([2, 0]));
    sentences! {
        x.sum_axis(2) => "sum_axis: shape [2, 3] has no axis 2";
        x.sum_axes(&[2]) => "sum_axes: shape [2, 3] has no axis 2";
        x.sum_axes(&[1, 1]) => "sum_axes: axis 1 is named twice in [1, 1]";
        x.mean_axes(&[2]) => "mean_axes: shape [2, 3] has no axis 2";
        x.mean_axes(&[1, 1]) => "mean_axes: axis 1 is named twice in [1, 1]";
        x.max_axes(&[2]) => "max: shape [2, 3] has no axis 2";
        x.max_axes(&[1, 1]) => "max: axis 1 is named twice in [1, 1]";
        empty.max_axes(&[1]) => "max: axis 1 of shape [2, 0] is empty";
        x.min_axes(&[2]) => "min: shape [2, 3] has no axis 2";
        empty.min_axes(&[1]) => "min: axis 1 of shape [2, 0] is empty";
        x.argmax(2) => "argmax: shape [2, 3] has no axis 2";
        empty.argmax(1) => "argmax: axis 1 of shape [2, 0] is empty";
        x.argmin(2) => "argmin: shape [2, 3] has no axis 2";
        empty.argmin(1) => "argmin: axis 1 of shape [2, 0] is empty";
        x.prod_axes(&[2]) => "prod: shape [2, 3] has no axis 2";
        x.argsort(2) => "argsort: shape [2, 3] has no axis 2";
        x.argtopk(2, 1) => "argtopk: shape [2, 3] has no axis 2";
        x.argtopk(1, 4) => "argtopk: axis 1 of shape [2, 3] has no 4 elements";
        x.scan(2, |x, _| x) => "scan: shape [2, 3] has no axis 2";
        x.sum_to([2]) => "sum_to: [2] does not broadcast to [2, 3]";
        x.sum_to([1, 2, 3]) => "sum_to: [1, 2, 3] does not broadcast to [2, 3]";
    }
}

#[test]
fn places() {
    let x = zeros([2, 3]);
    let at = |positions: Vec<usize>, shape: &[usize]| Indices::from_vec(positions, shape);
    let step = isize::MIN;
    let far = format!("slice_assign: [2, 0] does not fit into axis 1 of [2, 3] at {HUGE}");
    let other = "scatter_add: [2, 3] has another shape than the positions, [1, 1]";
    let crowded =
        |op: &str| format!("{op}: positions [1, 1, 1, 1, 1, 1] in place of axis 1 of [2, 3] make 7 axes, over 6");
    sentences! {
        x.index_select(2, [0]) => "index_select: shape [2, 3] has no axis 2";
        x.index_select(1, [3]) => "index_select: index 3 is beyond axis 1 of shape [2, 3]";
        x.index_select(1, at(vec![0], &[1; 6])) => crowded("index_select");
        x.clone().index_add(2, [0], &x) => "index_add: shape [2, 3] has no axis 2";
        x.clone().index_add(0, [2], &x) => "index_add: index 2 is beyond axis 0 of shape [2, 3]";
        x.clone().index_add(0, [1], &x) => "index_add: [2, 3] does not fit the positions [1] of axis 0 of shape [2, 3]";
        x.clone().index_add(1, at(vec![0], &[1; 6]), &x) => crowded("index_add");
        x.gather(2, [0]) => "gather: shape [2, 3] has no axis 2";
        x.gather(1, [0]) => "gather: positions [1] do not fit into [2, 3] outside axis 1";
        x.gather(1, at(vec![3], &[1, 1])) => "gather: index 3 is beyond axis 1 of shape [2, 3]";
        zeros([2, 0]).gather(1, at(vec![0], &[1, 1])) => "gather: index 0 is beyond axis 1 of shape [2, 0]";
        x.clone().scatter_add(2, [0], &x) => "scatter_add: shape [2, 3] has no axis 2";
        x.clone().scatter_add(1, [0], &x) => "scatter_add: positions [1] do not fit into [2, 3] outside axis 1";
        x.clone().scatter_add(0, at(vec![2], &[1, 1]), &x) => "scatter_add: index 2 is beyond axis 0 of shape [2, 3]";
        x.clone().scatter_add(0, at(vec![1], &[1, 1]), &x) => other;
        x.clone().slice_assign(2, 0, &x) => "slice_assign: [2, 3] does not fit into axis 2 of [2, 3] at 0";
        x.clone().slice_assign(1, 1, &x) => "slice_assign: [2, 3] does not fit into axis 1 of [2, 3] at 1";
        x.clone().slice_assign(1, HUGE, &zeros([2, 0])) => far;
        x.clone().slice_assign(1, 0, &zeros([2])) => "slice_assign: [2] does not fit into axis 1 of [2, 3] at 0";
        x.clone().slice_add(1, 0, 2, &x) => "slice_add: [2, 3] does not fit into axis 1 of [2, 3] at 0";
        x.clone().slice_add(1, 1, -1, &x) => "slice_add: [2, 3] does not fit into axis 1 of [2, 3] at 1";
        x.clone().slice_add(0, 0, step, &x) => "slice_add: [2, 3] does not fit into axis 0 of [2, 3] at 0";
        x.clone().slice_add(0, 2, 1, &zeros([1, 3])) => "slice_add: [1, 3] does not fit into axis 0 of [2, 3] at 2";
    }
}

#[test]
fn shapes_indices_and_spans() {
    let shape = Shape::from([2, 3]);
    let six = Shape::from([1; 6]);
    let two = Indices::from([0, 1]);
    let span = SliceRange::from(1..4);
    let ends = |span: &str, step: isize| {
        format!("slice: {span} in steps of {step} ends before it begins, along axis 1 of shape [2, 3]")
    };
    sentences! {
        Shape::from(SEVEN) => "a tensor has at most 6 axes, not 7";
        Shape::from_iter([1; 7]) => "a tensor has at most 6 axes";
        shape.insert(3, 1) => "axis 3 does not fit into shape [2, 3]";
        six.insert(0, 1) => "shape [1, 1, 1, 1, 1, 1] has no room for another axis: a tensor has at most 6";
        shape.remove(2) => "shape [2, 3] has no axis 2";
        shape.with(2, 1) => "shape [2, 3] has no axis 2";
        Indices::from_vec(vec![1], [2]) => "Indices: 1 numbers do not fill shape [2], which has 2";
        Indices::from_vec(vec![], [0, HUGE]) => large(&format!("[0, {HUGE}]"));
        two.reshape([3]) => "reshape: [2] has 2 elements, [3] has 3";
        Indices::from([0usize; 0]).reshape([0, HUGE]) => large(&format!("[0, {HUGE}]"));
        two.expand([3]) => "expand: [2] does not broadcast to [3]";
        two.expand([HUGE, 2]) => large(&format!("[{HUGE}, 2]"));
        span.resolve(&shape, 2, 1) => "slice: shape [2, 3] has no axis 2";
        span.resolve(&shape, 1, 1) => "slice: 1..4 reaches beyond axis 1 of shape [2, 3]";
        span.resolve(&shape, 1, 0) => "slice: the step is 0";
        SliceRange::from(2..1).resolve(&shape, 1, 1) => ends("2..1", 1);
        SliceRange::from(0..1).resolve(&shape, 1, -1) => ends("0..1", -1);
    }
}
