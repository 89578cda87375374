//! What the ops of variables refuse, word for word, and the line it points to.

#![allow(clippy::reversed_empty_ranges)] // mistakes, and steps that run backwards

use super::{HUGE, SEVEN};
use unspool::Indices;
use unspool::ops::Convolution;
use unspool::prelude::*;
use unspool_tests::{sentences, zeros};

const SIX: [usize; 6] = [1; 6];

#[test]
fn released_values() {
    let (tape, other) = (Tape::new(), Tape::new());
    let a = tape.variable(&Tensor::<f32>::ones([2]));
    let since = tape.len();
    let (sum, gate) = (a + a, (a - a).retain_grad());
    let y = sum.tanh();
    tape.release(since..tape.len(), &[y]);
    let foreign = other.variable(&zeros([2]));
    let say = |op: &str| {
        format!(
            "{op}: this value was computed inside a step and released; \
             call retain_grad() on it there, or return it as a state"
        )
    };
    sentences! {
        drop(sum.value()) => say("value");
        sum + a => say("add");
        a.matmul(sum) => say("matmul");
        sum.detach() => say("value");
        tape.release(since..tape.len(), &[foreign]) => "release: a variable to be kept belongs to another tape";
    }
    assert_eq!((sum.shape()[..].to_vec(), gate.value().to_vec()), (vec![2], vec![0.0, 0.0]));
    assert_eq!(y.sum().backward().wrt(a).numel(), 2);

    let since = tape.len();
    let constant = tape.constant(&zeros([2])).tanh(); // no gradient rule reads its shape
    tape.release(since..tape.len(), &[]);
    sentences! {
        constant.shape() => say("shape");
    }
}

#[test]
fn arithmetic_and_products() {
    let (tape, other) = (Tape::new(), Tape::new());
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, b, s) = (v(&[32, 20]), v(&[30, 20]), v(&[50, 32, 1]));
    let many = |a: &str, b: &str| {
        format!("matmul: shapes {a} and {b} do not multiply; they must be [.., M, K] and [.., K, N]")
    };
    let foreign = other.variable(&zeros([32, 20]));
    sentences! {
        a + b => "add: shapes [32, 20] and [30, 20] do not broadcast";
        a - b => "sub: shapes [32, 20] and [30, 20] do not broadcast";
        a * b => "mul: shapes [32, 20] and [30, 20] do not broadcast";
        a / b => "div: shapes [32, 20] and [30, 20] do not broadcast";
        a.pow(b) => "pow: shapes [32, 20] and [30, 20] do not broadcast";
        a.atan2(b) => "atan2: shapes [32, 20] and [30, 20] do not broadcast";
        a.atan2(foreign) => "atan2: the operands belong to different tapes";
        a.remainder(b) => "remainder: shapes [32, 20] and [30, 20] do not broadcast";
        a.remainder(foreign) => "remainder: the operands belong to different tapes";
        a.minimum(b) => "minimum: shapes [32, 20] and [30, 20] do not broadcast";
        a.maximum(b) => "maximum: shapes [32, 20] and [30, 20] do not broadcast";
        a.where_(a, b) => "where_: shapes [32, 20], [32, 20] and [30, 20] do not broadcast";
        a.lerp(a, b) => "lerp: shapes [32, 20], [32, 20] and [30, 20] do not broadcast";
        a.lerp(foreign, a) => "lerp: the operands belong to different tapes";
        b.where_(a, a) => "where_: shapes [30, 20], [32, 20] and [32, 20] do not broadcast";
        a.masked_fill(b, 1.0) => "masked_fill: shape [32, 20] and mask [30, 20] do not broadcast";
        a.matmul(b) => "matmul: shapes [32, 20] and [30, 20] do not multiply; they must be [.., K] and [K, N]";
        v(&[]).matmul(a) => "matmul: shapes [] and [32, 20] do not multiply; they must be [.., K] and [K, N]";
        a.matmul(v(&[20])) => "matmul: shapes [32, 20] and [20] do not multiply; they must be [.., K] and [K, N]";
        a.matmul(s) => many("[32, 20]", "[50, 32, 1]");
        v(&[2, 3, 4]).matmul(v(&[5, 4, 2])) => many("[2, 3, 4]", "[5, 4, 2]");
        v(&[4]).matmul(v(&[5, 4, 2])) => many("[4]", "[5, 4, 2]");
        a.linear(v(&[30, 20]), v(&[20])) => "linear: shapes [32, 20] and [30, 20] do not multiply; they must be [.., K] and [K, N]";
        a.linear(v(&[20, 5]), v(&[1, 5])) => "linear: the bias of outputs [32, 5] must have this shape or [5], not [1, 5]";
        v(&[3]).dot(v(&[4])) => "dot: shapes [3] and [4] are not two vectors of one length";
        a.dot(a) => "dot: shapes [32, 20] and [32, 20] are not two vectors of one length";
        v(&[3]).outer(a) => "outer: shapes [3] and [32, 20] are not two vectors";
        v(&[]).outer(v(&[3])) => "outer: shapes [] and [3] are not two vectors";
        a + foreign => "add: the operands belong to different tapes";
        a.matmul(foreign) => "matmul: the operands belong to different tapes";
        Var::concat(0, &[a, foreign]) => "concat: the operands belong to different tapes";
        Var::stack(0, &[a, foreign]) => "stack: the operands belong to different tapes";
        a.where_(foreign, a) => "where_: the operands belong to different tapes";
        a.scatter_add(1, [0], foreign) => "scatter_add: the operands belong to different tapes";
    }
}

#[test]
fn products_by_names_and_over_time() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let einsum = Var::<f32>::einsum;
    let (a, b, six) = (v(&[2, 3]), v(&[3, 4]), v(&SIX));
    let wrong = |formula: &str| format!("einsum: {formula:?} is not of the form \"ab,bc->ac\"");
    sentences! {
        Var::einsum("ij,jk", a, b) => wrong("ij,jk");
        Var::einsum("ij->ij", a, b) => wrong("ij->ij");
        Var::einsum("", a, b) => wrong("");
        Var::einsum("ij,jk,kl->il", a, b) => "einsum: ',' in \"ij,jk,kl->il\" is not a letter";
        Var::einsum("i1,1k->ik", a, b) => "einsum: '1' in \"i1,1k->ik\" is not a letter";
        Var::einsum("ié,ék->ik", a, b) => "einsum: 'é' in \"ié,ék->ik\" is not a letter";
        Var::einsum("i j,jk->ik", a, b) => "einsum: ' ' in \"i j,jk->ik\" is not a letter";
        Var::einsum("ij,jk->i->k", a, b) => "einsum: '-' in \"ij,jk->i->k\" is not a letter";
        Var::einsum("ii,jk->jk", a, b) => "einsum: 'i' names two axes of \"ii\"";
        Var::einsum("ij,kk->ij", a, b) => "einsum: 'k' names two axes of \"kk\"";
        Var::einsum("ij,jk->ikk", a, b) => "einsum: 'k' names two axes of \"ikk\"";
        Var::einsum("ij,jk->il", a, b) => "einsum: 'l' in the result of \"ij,jk->il\" is an axis of neither operand";
        Var::einsum("i,jk->ik", a, b) => "einsum: \"i,jk->ik\" does not name the axes of shapes [2, 3] and [3, 4]";
        Var::einsum("ij,->i", a, b) => "einsum: \"ij,->i\" does not name the axes of shapes [2, 3] and [3, 4]";
        Var::einsum("ij,kj->ik", a, b) => "einsum: axis 'j' has size 3 in [2, 3] and 4 in [3, 4]";
        Var::einsum("ji,jk->ik", a, b) => "einsum: axis 'j' has size 2 in [2, 3] and 3 in [3, 4]";
        einsum("abcdef,g->abcdefg", six, v(&[1])) => "einsum: the result of \"abcdef,g->abcdefg\" has 7 axes, over 6";
    }
    let (x, w, how) = (v(&[5, 2, 3]), v(&[2, 3, 4]), Convolution::default());
    let shapes =
        |x: &str, w: &str| format!("conv1d: shapes {x} and {w} do not convolve; they must be [T, B, F] and [K, F, O]");
    let with = |stride, before, after, dilation| Convolution { stride, before, after, dilation };
    let dilated = "conv1d: weight [2, 3, 4] reaches over 8 time steps, the padded sequence has 7";
    let far = format!("conv1d: weight [2, 3, 4] reaches over {HUGE} time steps, the padded sequence has 5");
    let zero = "conv1d: the kernel size, stride and dilation must not be 0";
    sentences! {
        a.conv1d(w, how) => shapes("[2, 3]", "[2, 3, 4]");
        x.conv1d(a, how) => shapes("[5, 2, 3]", "[2, 3]");
        x.conv1d(v(&[2, 4, 4]), how) => shapes("[5, 2, 3]", "[2, 4, 4]");
        x.conv1d(v(&[0, 3, 4]), how) => zero;
        x.conv1d(w, with(0, 0, 0, 1)) => zero;
        x.conv1d(w, with(1, 0, 0, 0)) => zero;
        x.conv1d(v(&[6, 3, 4]), how) => "conv1d: weight [6, 3, 4] reaches over 6 time steps, the padded sequence has 5";
        x.conv1d(w, with(1, 1, 1, 7)) => dilated;
        x.conv1d(w, with(1, 0, 0, HUGE)) => far;
        x.conv1d(w, with(1, HUGE, 0, 1)) => format!("conv1d: {HUGE} and 0 zeros are too many for shape [5, 2, 3]");
        x.conv1d(w, with(1, 0, HUGE, 1)) => format!("conv1d: 0 and {HUGE} zeros are too many for shape [5, 2, 3]");
        x.conv1d(w, with(1, HUGE, 9, 1)) => format!("conv1d: {HUGE} and 9 zeros are too many for shape [5, 2, 3]");
    }
    // A stride of any size leaves the first step.
    assert_eq!(x.conv1d(w, with(HUGE, 0, 0, 1)).shape()[..], [1, 2, 4]);
}

#[test]
fn reductions_and_what_runs_along_an_axis() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, empty) = (v(&[32, 20]), v(&[2, 0]));
    sentences! {
        a.sum_axes(&[2]) => "sum_axes: shape [32, 20] has no axis 2";
        a.sum_axes(&[1, 0, 1]) => "sum_axes: axis 1 is named twice in [1, 0, 1]";
        a.sum_axes(&[0, 1, 2, 3, 4, 5, 6]) => "sum_axes: shape [32, 20] has no axis 2";
        a.sum_keepdim(&[2]) => "sum_keepdim: shape [32, 20] has no axis 2";
        a.mean_axes(&[0, 0]) => "mean_axes: axis 0 is named twice in [0, 0]";
        a.mean_keepdim(&[2]) => "mean_keepdim: shape [32, 20] has no axis 2";
        a.prod_axes(&[2]) => "prod_axes: shape [32, 20] has no axis 2";
        a.prod_keepdim(&[0, 0]) => "prod_keepdim: axis 0 is named twice in [0, 0]";
        a.sort(2) => "sort: shape [32, 20] has no axis 2";
        a.topk(2, 1) => "topk: shape [32, 20] has no axis 2";
        a.topk(1, 21) => "topk: axis 1 of shape [32, 20] has no 21 elements";
        a.max_axes(&[2]) => "max_axes: shape [32, 20] has no axis 2";
        a.max_keepdim(&[2]) => "max_keepdim: shape [32, 20] has no axis 2";
        a.min_axes(&[2]) => "min_axes: shape [32, 20] has no axis 2";
        a.min_keepdim(&[0, 0]) => "min_keepdim: axis 0 is named twice in [0, 0]";
        empty.max() => "max: axis 1 of shape [2, 0] is empty";
        empty.max_axes(&[1]) => "max: axis 1 of shape [2, 0] is empty";
        empty.max_keepdim(&[1]) => "max: axis 1 of shape [2, 0] is empty";
        empty.min() => "min: axis 1 of shape [2, 0] is empty";
        empty.min_axes(&[0, 1]) => "min: axis 1 of shape [2, 0] is empty";
        a.var_axes(&[2], 1) => "var_axes: shape [32, 20] has no axis 2";
        a.var_keepdim(&[2], 1) => "var_keepdim: shape [32, 20] has no axis 2";
        a.std_axes(&[2], 1) => "std_axes: shape [32, 20] has no axis 2";
        a.std_keepdim(&[1, 1], 1) => "std_keepdim: axis 1 is named twice in [1, 1]";
        a.norm_axes(&[2]) => "norm_axes: shape [32, 20] has no axis 2";
        a.norm_keepdim(&[2]) => "norm_keepdim: shape [32, 20] has no axis 2";
        a.logsumexp_axes(&[2]) => "logsumexp_axes: shape [32, 20] has no axis 2";
        a.logsumexp_keepdim(&[2]) => "logsumexp_keepdim: shape [32, 20] has no axis 2";
        a.softmax(2) => "softmax: shape [32, 20] has no axis 2";
        a.log_softmax(2) => "log_softmax: shape [32, 20] has no axis 2";
        a.cumsum(2) => "cumsum: shape [32, 20] has no axis 2";
        a.cumprod(2) => "cumprod: shape [32, 20] has no axis 2";
        v(&[]).cumprod(0) => "cumprod: shape [] has no axis 0";
        Var::linear_recurrence(a, v(&[]), a) => "linear_recurrence: b must be [T, ..], not []";
        Var::linear_recurrence(a, a, a) => "linear_recurrence: h_0 [32, 20] is not a step of b [32, 20]";
        Var::linear_recurrence(v(&[3]), a, v(&[20])) => "linear_recurrence: a [3] does not broadcast to b [32, 20]";
        Var::lerp_recurrence(a, a, a) => "lerp_recurrence: h_0 [32, 20] is not a step of end [32, 20]";
        Var::lerp_recurrence(a, v(&[3]), v(&[20])) => "lerp_recurrence: weight [3] does not broadcast to end [32, 20]";
        Var::complex_linear_recurrence((a, v(&[20])), (a, a), (a, a)) => "complex_linear_recurrence: the parts of a have shapes [32, 20] and [20]";
        v(&[]).layer_norm(1e-5) => "layer_norm: a value of rank 0 has no axis of features";
        a.argmax(2) => "argmax: shape [32, 20] has no axis 2";
        empty.argmax(1) => "argmax: axis 1 of shape [2, 0] is empty";
        a.argmax_keepdim(2) => "argmax: shape [32, 20] has no axis 2";
        empty.argmax_keepdim(1) => "argmax: axis 1 of shape [2, 0] is empty";
        a.argmin(2) => "argmin: shape [32, 20] has no axis 2";
        empty.argmin_keepdim(1) => "argmin: axis 1 of shape [2, 0] is empty";
        v(&[2, 5]).vec_to_tril_matrix(0) => "vec_to_tril_matrix: 5 elements, the last axis of [2, 5], are not N (N + 1) / 2 of any N";
        a.vec_to_tril_matrix(1) => "vec_to_tril_matrix: diagonal 1 is above the main one, 0";
        v(&[]).vec_to_tril_matrix(0) => "vec_to_tril_matrix: shape [] has no last axis";
        v(&[1; 6]).vec_to_tril_matrix(0) => "vec_to_tril_matrix: shape [1, 1, 1, 1, 1, 1] has no room for another axis";
        a.tril_matrix_to_vec(0) => "tril_matrix_to_vec: [32, 20] is not of square matrices";
        v(&[3, 3]).tril_matrix_to_vec(2) => "tril_matrix_to_vec: diagonal 2 is above the main one, 0";
        a.dropout(1.0, 0) => "dropout: the rate 1 is not at least 0 and less than 1";
        a.dropout(-0.1, 0) => "dropout: the rate -0.1 is not at least 0 and less than 1";
        a.dropout(f64::NAN, 0) => "dropout: the rate NaN is not at least 0 and less than 1";
    }
}

#[test]
fn shapes() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, b, six) = (v(&[32, 20]), v(&[30, 20]), v(&SIX));
    let vast = format!("reshape: [32, 20] has 640 elements, [{0}, {0}] has {HUGE}", 1u64 << 40);
    let large = |shape: &str| format!("a tensor of shape {shape} is larger than the address space");
    sentences! {
        a.reshape([32, 21]) => "reshape: [32, 20] has 640 elements, [32, 21] has 672";
        a.reshape([1 << 40, 1 << 40]) => vast;
        a.reshape(SEVEN) => "a tensor has at most 6 axes, not 7";
        v(&[0]).reshape([0, HUGE]) => large(&format!("[0, {HUGE}]"));
        a.permute(&[0]) => "permute: [0] is not an order of the axes of shape [32, 20]";
        a.permute(&[0, 2]) => "permute: shape [32, 20] has no axis 2";
        a.permute(&[0, 0]) => "permute: axis 0 is named twice in [0, 0]";
        v(&[3]).t() => "t: shape [3] has no two axes to swap";
        a.transpose(0, 2) => "transpose: shape [32, 20] has no axis 2";
        a.transpose(6, 0) => "transpose: shape [32, 20] has no axis 6";
        a.layer_norm(-1.0) => "layer_norm: epsilon is -1, it must not be negative";
        a.layer_norm_affine(v(&[1]), v(&[20]), 0.1) => "layer_norm: the gain of features [32, 20] must be [20], not [1]";
        a.layer_norm_affine(v(&[20]), v(&[]), 0.1) => "layer_norm: the bias of features [32, 20] must be [20], not []";
        v(&[]).layer_norm_affine(a, a, 0.1) => "layer_norm: a value of rank 0 has no axis of features";
        a.clamp(1.0, 0.5) => "clamp: nothing lies between 1 and 0.5";
        a.expand([32, 21]) => "expand: [32, 20] does not broadcast to [32, 21]";
        a.expand([20]) => "expand: [32, 20] does not broadcast to [20]";
        v(&[1]).expand([HUGE]) => large(&format!("[{HUGE}]"));
        a.squeeze(0) => "squeeze: axis 0 of shape [32, 20] is not of size 1";
        a.squeeze(2) => "squeeze: shape [32, 20] has no axis 2";
        a.unsqueeze(3) => "unsqueeze: axis 3 does not fit into shape [32, 20]";
        six.unsqueeze(0) => "unsqueeze: shape [1, 1, 1, 1, 1, 1] has 6 axes, the most there can be";
        a.flip(2) => "flip: shape [32, 20] has no axis 2";
        a.pad(2, 1, 1) => "pad: shape [32, 20] has no axis 2";
        a.pad(1, HUGE, 0) => format!("pad: margins of {HUGE} and 0 are too wide for axis 1 of [32, 20]");
        a.pad(1, 0, HUGE - 19) => format!("pad: margins of 0 and {} are too wide for axis 1 of [32, 20]", HUGE - 19);
        a.pad_with(2, 1, 1, 9.0) => "pad: shape [32, 20] has no axis 2";
        a.roll(2, 1) => "roll: shape [32, 20] has no axis 2";
        v(&[3]).tril(0) => "tril: shape [3] has no two axes of a matrix";
        v(&[]).triu(0) => "triu: shape [] has no two axes of a matrix";
        a.rms_norm(-1.0) => "rms_norm: epsilon is -1, it must not be negative";
        a.rms_norm_affine(v(&[1]), 0.1) => "rms_norm: the gain of features [32, 20] must be [20], not [1]";
        v(&[]).rms_norm(0.1) => "rms_norm: a value of rank 0 has no axis of features";
        v(&[]).rms_norm_affine(a, 0.1) => "rms_norm: a value of rank 0 has no axis of features";
        a.pad(1, HUGE - 20, 0) => large(&format!("[32, {HUGE}]"));
        a.repeat(2, 3) => "repeat: shape [32, 20] has no axis 2";
        a.repeat(1, HUGE) => large(&format!("[32, {HUGE}]"));
        v(&[1, 0]).repeat(0, HUGE) => large(&format!("[{HUGE}, 0]"));
        Var::stack(0, &[a, b]) => "stack: shapes [32, 20] and [30, 20] differ";
        Var::stack(3, &[a, a]) => "stack: a new axis 3 does not fit into shape [32, 20]";
        Var::<f32>::stack(0, &[]) => "stack: no values given";
        Var::stack(0, &[six, six]) => "stack: shape [1, 1, 1, 1, 1, 1] has 6 axes, the most there can be";
        Var::concat(1, &[a, b]) => "concat: shapes [32, 20] and [30, 20] differ outside axis 1";
        Var::concat(0, &[a, v(&[20])]) => "concat: shapes [32, 20] and [20] differ outside axis 0";
        Var::concat(2, &[a, a]) => "concat: shape [32, 20] has no axis 2";
        Var::<f32>::concat(0, &[]) => "concat: no values given";
        a.new_zeros(SEVEN) => "a tensor has at most 6 axes, not 7";
        a.new_zeros([HUGE]) => large(&format!("[{HUGE}]"));
    }
}

#[test]
fn parts_and_places() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, six) = (v(&[32, 20]), v(&SIX));
    let at = |shape: &[usize]| Indices::from_vec(vec![0; shape.iter().product()], shape);
    let beyond = |positions: usize| Indices::from_vec(vec![positions], [1, 1]);
    let overflow = format!("split: sizes [{HUGE}, 21] do not add up to axis 1 of shape [32, 20]");
    let negative =
        |i: &str, n: &str| format!("Indices: number {i} is {n}, which is no position: they are counted from 0");
    let along = "take_along: shape [32, 20] and positions [5, 2] do not broadcast outside axis 1";
    let twice = "index_select: positions [1, 1] in place of axis 0 of [1, 1, 1, 1, 1, 1] make 7 axes, over 6";
    sentences! {
        a.select(2, 0) => "select: shape [32, 20] has no axis 2";
        a.select(1, 20) => "select: index 20 is beyond axis 1 of shape [32, 20]";
        a.slice(2, ..) => "slice: shape [32, 20] has no axis 2";
        a.slice(1, 18..21) => "slice: 18..21 reaches beyond axis 1 of shape [32, 20]";
        a.slice(1, -21..) => "slice: -21.. reaches beyond axis 1 of shape [32, 20]";
        a.slice(1, ..21) => "slice: ..21 reaches beyond axis 1 of shape [32, 20]";
        a.slice(1, 0..HUGE) => format!("slice: 0..{} reaches beyond axis 1 of shape [32, 20]", isize::MAX);
        a.slice(1, isize::MIN..) => format!("slice: {}.. reaches beyond axis 1 of shape [32, 20]", isize::MIN);
        a.slice(1, 5..-16) => "slice: 5..-16 in steps of 1 ends before it begins, along axis 1 of shape [32, 20]";
        a.slice_step(1, 2..5, -1) => "slice: 2..5 in steps of -1 ends before it begins, along axis 1 of shape [32, 20]";
        a.slice_step(1, .., 0) => "slice: the step is 0";
        a.slice_step(2, .., 2) => "slice: shape [32, 20] has no axis 2";
        a.slice_step(1, 20.., -1) => "slice: 20.. reaches beyond axis 1 of shape [32, 20]";
        a.chunks::<3>() => "chunks: the last axis of shape [32, 20] does not divide into 3 chunks";
        a.chunks::<0>() => "chunks: the last axis of shape [32, 20] does not divide into 0 chunks";
        v(&[]).chunks::<1>() => "chunks: the last axis of shape [] does not divide into 1 chunks";
        a.split(2, &[1]) => "split: shape [32, 20] has no axis 2";
        a.split(1, &[10, 9]) => "split: sizes [10, 9] do not add up to axis 1 of shape [32, 20]";
        a.split(1, &[HUGE, 21]) => overflow;
        v(&[]).unbind() => "unbind: a value of rank 0 has no positions";
        v(&[]).last() => "last: shape [] has no last position";
        v(&[0, 2]).last() => "last: shape [0, 2] has no last position";
        a.index_select(2, [0]) => "index_select: shape [32, 20] has no axis 2";
        a.index_select(1, [0, 20]) => "index_select: index 20 is beyond axis 1 of shape [32, 20]";
        six.index_select(0, at(&[1, 1])) => twice;
        a.index_select(1, vec![0i64, 3, -1]) => negative("2", "-1");
        a.index_select(1, [-100]) => negative("0", "-100");
        a.gather(1, [0i32, i32::MIN]) => negative("1", "-2147483648");
        a.gather(2, at(&[1, 1])) => "gather: shape [32, 20] has no axis 2";
        a.gather(1, [0]) => "gather: positions [1] do not fit into [32, 20] outside axis 1";
        a.gather(1, at(&[33, 1])) => "gather: positions [33, 1] do not fit into [32, 20] outside axis 1";
        a.gather(0, at(&[1, 21])) => "gather: positions [1, 21] do not fit into [32, 20] outside axis 0";
        a.gather(1, beyond(20)) => "gather: index 20 is beyond axis 1 of shape [32, 20]";
        a.gather(0, beyond(32)) => "gather: index 32 is beyond axis 0 of shape [32, 20]";
        a.take_along(2, at(&[1, 1])) => "take_along: shape [32, 20] has no axis 2";
        a.take_along(1, [0]) => "take_along: shape [32, 20] and positions [1] do not broadcast outside axis 1";
        a.take_along(1, at(&[5, 2])) => along;
        a.take_along(1, beyond(20)) => "take_along: index 20 is beyond axis 1 of shape [32, 20]";
        v(&[0, 2]).take_along(1, beyond(2)) => "take_along: index 2 is beyond axis 1 of shape [0, 2]";
        a.scatter_add(2, at(&[1, 1]), a) => "scatter_add: shape [32, 20] has no axis 2";
        a.scatter_add(1, [0], v(&[1])) => "scatter_add: positions [1] do not fit into [32, 20] outside axis 1";
        a.scatter_add(0, at(&[1, 21]), a) => "scatter_add: positions [1, 21] do not fit into [32, 20] outside axis 0";
        a.scatter_add(1, beyond(20), v(&[1, 1])) => "scatter_add: index 20 is beyond axis 1 of shape [32, 20]";
        a.scatter_add(1, at(&[1, 2]), v(&[2, 1])) => "scatter_add: [2, 1] has another shape than the positions, [1, 2]";
    }
}

#[test]
fn losses_that_cannot_be_followed_back() {
    let tape = Tape::new();
    let a = tape.variable(&Tensor::<f32>::zeros([32, 20]));
    let c = tape.constant(&zeros([]));
    sentences! {
        a.backward_with(&zeros([20])) => "backward_with: the seed [20] must have the shape of the value, [32, 20]";
        a.item() => "item: shape [32, 20] has 640 elements, not 1";
        a.backward() => "backward: a loss has one element, this value has shape [32, 20]";
        c.backward() => "backward: the loss depends on no variable of its tape";
        c.backward_with(&zeros([])) => "backward: the loss depends on no variable of its tape";
    }
}

#[test]
fn empty_values_are_repeated_and_multiplied_in_no_time() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::zeros([0]));
    let y = x.repeat(0, HUGE).cumprod(0);
    assert_eq!(y.sum().backward().wrt(x).shape()[..], [0]);
    let wide = tape.variable(&Tensor::<f32>::zeros([1 << 40, 0]));
    assert_eq!(wide.argmax(0).shape()[..], [0]);
    assert_eq!(wide.cumprod(0).sum().backward().wrt(wide).shape()[..], [1 << 40, 0]);
    assert_eq!(wide.slice(0, ..1).repeat(0, 1 << 40).shape()[..], [1 << 40, 0]);
}
